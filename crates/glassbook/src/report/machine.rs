//! What the replay ran on.

use std::fs;

/// The processor, cores and memory, as far as the system tells.
pub fn description() -> String {
    let cpu_info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = field(&cpu_info, "model name").unwrap_or(std::env::consts::ARCH);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory_info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes =
        field(&memory_info, "MemTotal").and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok());
    let memory = kilobytes.map(|kilobytes| format!(", {:.0} GiB", kilobytes as f64 / 1_048_576.0));
    let plural = if cores == 1 { "" } else { "s" };
    format!("{model}, {cores} core{plural}{}, {}", memory.unwrap_or_default(), std::env::consts::OS)
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim())
}
