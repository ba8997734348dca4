//! Processor time by thread, as the kernel counts it: what a stage really costs, whoever else uses the machine.

use std::collections::BTreeMap;
use std::fs;

/// Nanoseconds on a processor since each thread began, added up by the threads' names. A thread without a name of its own
/// carries the name of the one that started it. Empty where the kernel does not say.
#[derive(Clone, Debug, Default)]
pub struct ThreadCpu(BTreeMap<String, u64>);

impl ThreadCpu {
    /// As of now.
    #[must_use]
    pub fn now() -> Self {
        let mut nanos = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let read = |file| fs::read_to_string(task.path().join(file)).ok();
            let spent = read("schedstat").and_then(|line| line.split(' ').next()?.parse::<u64>().ok());
            if let (Some(name), Some(spent)) = (read("comm"), spent) {
                *nanos.entry(name.trim_end().to_owned()).or_default() += spent;
            }
        }
        Self(nanos)
    }

    /// What was spent since an `earlier` reading, by threads that are still there.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Vec<(String, u64)> {
        let before = |name| earlier.0.get(name).copied().unwrap_or(0);
        self.0.iter().map(|(name, nanos)| (name.clone(), nanos.saturating_sub(before(name)))).collect()
    }
}
