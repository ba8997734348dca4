//! Forming jobs from the exchange's batches: how many are proved together.
//!
//! A proof has a floor of cost, whatever it proves, so several batches in one are cheaper, and each of them waits longer
//! for its proof. With workers idle a batch goes out at once; the more jobs wait, the more batches go into one. The
//! [manager](crate::Manager) cuts jobs that turn out to be more than any worker takes.

use crate::job::Millis;

/// What the former decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormationPolicy {
    /// Batches in a job at most.
    pub max_batches: usize,
    /// Commands in a job at most, unless one batch alone has more.
    pub max_commands: u64,
    /// Commands in a job that are enough when nothing waits; doubled for every job that waits for a worker.
    pub target_commands: u64,
    /// The first batch waits for others so many milliseconds at most.
    pub timeout: u64,
}

impl Default for FormationPolicy {
    /// 32 batches or 50,000 commands at most; 1,000 commands are enough when nothing waits; five seconds.
    fn default() -> Self {
        Self { max_batches: 32, max_commands: 50_000, target_commands: 1_000, timeout: 5_000 }
    }
}

/// How busy the workers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Jobs that wait for a worker, and that one here takes.
    pub waiting: usize,
    /// Workers with nothing to do.
    pub idle: usize,
}

/// Collects batches until they are a job.
#[derive(Debug)]
pub struct Former<T> {
    policy: FormationPolicy,
    batches: Vec<T>,
    commands: u64,
    since: Millis,
}

impl<T> Former<T> {
    /// With nothing collected.
    #[must_use]
    pub fn new(policy: FormationPolicy) -> Self {
        Self { policy, batches: Vec::new(), commands: 0, since: Millis(0) }
    }

    /// Batches collected.
    #[must_use]
    pub fn collected(&self) -> usize {
        self.batches.len()
    }

    /// Adds the next batch. Gives a job's batches when the new one does not fit to them.
    #[must_use]
    pub fn push(&mut self, batch: T, commands: u64, now: Millis) -> Option<Vec<T>> {
        let full = self.batches.len() >= self.policy.max_batches
            || self.commands.saturating_add(commands) > self.policy.max_commands;
        let job = if full && !self.batches.is_empty() { Some(self.take()) } else { None };
        if self.batches.is_empty() {
            self.since = now;
        }
        self.commands = self.commands.saturating_add(commands);
        self.batches.push(batch);
        job
    }

    /// Gives a job's batches when they are enough, or have waited long enough.
    #[must_use]
    pub fn poll(&mut self, load: Load, now: Millis) -> Option<Vec<T>> {
        if self.batches.is_empty() {
            return None;
        }
        let idle = load.waiting == 0 && load.idle > 0;
        let doublings = u32::try_from(load.waiting).unwrap_or(u32::MAX).min(32);
        let target = self.policy.target_commands.saturating_mul(1 << doublings).min(self.policy.max_commands);
        let enough = self.commands >= target || self.batches.len() >= self.policy.max_batches;
        // While others wait, waiting costs nothing.
        let late = load.waiting == 0 && now.since(self.since) >= self.policy.timeout;
        (idle || enough || late).then(|| self.take())
    }

    /// Everything collected.
    pub fn take(&mut self) -> Vec<T> {
        self.commands = 0;
        std::mem::take(&mut self.batches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: FormationPolicy =
        FormationPolicy { max_batches: 4, max_commands: 100, target_commands: 10, timeout: 1_000 };
    const BUSY: Load = Load { waiting: 0, idle: 0 };

    #[test]
    fn a_batch_goes_out_at_once_when_a_worker_is_idle() {
        let mut former = Former::new(POLICY);
        assert_eq!(former.push('a', 1, Millis(0)), None);
        assert_eq!(former.poll(BUSY, Millis(0)), None);
        assert_eq!(former.poll(Load { waiting: 0, idle: 1 }, Millis(0)), Some(vec!['a']));
        assert_eq!(former.poll(Load { waiting: 0, idle: 1 }, Millis(9_999)), None);
    }

    #[test]
    fn batches_wait_for_enough_commands_or_the_timeout() {
        let mut former = Former::new(POLICY);
        assert_eq!(former.push('a', 4, Millis(5)), None);
        assert_eq!(former.poll(BUSY, Millis(1_004)), None);
        assert_eq!(former.poll(BUSY, Millis(1_005)), Some(vec!['a']));
        assert_eq!(former.push('b', 4, Millis(2_000)), None);
        assert_eq!(former.push('c', 6, Millis(2_000)), None);
        assert_eq!(former.poll(BUSY, Millis(2_000)), Some(vec!['b', 'c']));
    }

    #[test]
    fn the_more_jobs_wait_the_more_batches_go_into_one() {
        let target = |waiting: usize| {
            let mut former = Former::new(FormationPolicy { max_batches: 1_000, ..POLICY });
            (1..).find(|at| {
                assert_eq!(former.push((), 1, Millis(0)), None);
                former
                    .poll(Load { waiting, idle: 0 }, Millis(*at * 10_000 * u64::from(waiting > 0)))
                    .is_some()
            })
        };
        assert_eq!([0, 1, 2, 3, 4, 60].map(target), [10, 20, 40, 80, 100, 100].map(Some));
    }

    #[test]
    fn a_job_never_exceeds_its_limits_unless_one_batch_does() {
        let mut former = Former::new(POLICY);
        assert_eq!(former.push('a', 60, Millis(0)), None);
        assert_eq!(former.push('b', 41, Millis(0)), Some(vec!['a']));
        assert_eq!(former.push('c', 500, Millis(0)), Some(vec!['b']));
        assert_eq!(former.push('d', 1, Millis(0)), Some(vec!['c']));
        for _ in 0..3 {
            assert_eq!(former.push('e', 1, Millis(0)), None);
        }
        assert_eq!(former.push('f', 1, Millis(0)), Some(vec!['d', 'e', 'e', 'e']));
    }
}
