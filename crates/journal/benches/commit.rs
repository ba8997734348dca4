//! How long a commit takes and how many records a second go through group commit, as a table.
//!
//! `cargo bench -p journal`; `JOURNAL_BENCH_DIR` names the disk to measure (default: the temporary
//! directory). Its own timing loop, because a commit's tail is what matters and the disk sets the pace.

use std::error::Error;
use std::time::{Duration, Instant};

use journal::{Journal, Options, Reader, ReplayFrom};
use tempfile::TempDir;

const RECORD: [u8; 96] = [0x5a; 96];

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:<44} {:>12} {:>12} {:>12} {:>14}", "96-byte records", "p50", "p99", "max", "records/s");
    for group in [1, 64, 1024, 8192] {
        measure(&format!("groups of {group}, fdatasync"), group, Options::default())?;
    }
    let segment_bytes = 16 << 20;
    let small = Options { segment_bytes, ..Options::default() };
    measure("groups of 8192, 16 MiB segments (rotates)", 8192, small.clone())?;
    measure("the same, nothing prepared ahead", 8192, Options { preallocate_ahead: false, ..small })?;
    let unsynced = Options { sync: false, ..Options::default() };
    measure("groups of 8192, UNSYNCED (hash and copy only)", 8192, unsynced)?;
    Ok(())
}

fn measure(name: &str, group: usize, options: Options) -> Result<(), Box<dyn Error>> {
    let dir = match std::env::var_os("JOURNAL_BENCH_DIR") {
        Some(parent) => TempDir::new_in(parent)?,
        None => TempDir::new()?,
    };
    let (mut journal, _) = Journal::open(dir.path(), options, ReplayFrom::Genesis)?;
    let commits = if group == 1 { 10_000 } else { (2_000_000 / group).clamp(200, 4_000) };
    let mut times = Vec::with_capacity(commits);
    let begin = Instant::now();
    for _ in 0..commits {
        for _ in 0..group {
            journal.append(&RECORD)?;
        }
        let commit = Instant::now();
        journal.commit()?;
        times.push(commit.elapsed());
    }
    let rate = (commits * group) as f64 / begin.elapsed().as_secs_f64();
    times.sort_unstable();
    let percentile = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    row(name, [percentile(50), percentile(99), times[times.len() - 1]], rate);
    drop(journal);
    if group == 8192 {
        let begin = Instant::now();
        let verified = Reader::open(dir.path())?.verify()?;
        let rate = verified.next_index as f64 / begin.elapsed().as_secs_f64();
        println!("{:<44} {:>12} {:>12} {:>12} {:>14.0}", "  verified again", "", "", "", rate);
    }
    Ok(())
}

fn row(name: &str, times: [Duration; 3], rate: f64) {
    let [p50, p99, max] = times.map(|time| format!("{:.0} µs", time.as_secs_f64() * 1e6));
    println!("{name:<44} {p50:>12} {p99:>12} {max:>12} {rate:>14.0}");
}
