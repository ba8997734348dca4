//! Counters and latencies of a running exchange.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use hdrhistogram::Histogram;

/// A snapshot of the counters. They begin at the start of the process, with the commands of the batch that it found
/// unfinished.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commands executed.
    pub executed: u64,
    /// Commands durable and acknowledged.
    pub durable: u64,
    /// Commands in sealed batches.
    pub sealed: u64,
    /// Batches sealed.
    pub batches: u64,
    /// Group commits.
    pub commits: u64,
    /// Journal bytes.
    pub journal_bytes: u64,
    /// Feed subscribers dropped because they were slow.
    pub dropped_subscribers: u64,
    /// Nanoseconds that each stage was at work.
    pub busy_ns: BusyNanos,
}

/// Nanoseconds at work, by stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusyNanos {
    /// Ingress: decoding, digests, signatures (all submitting threads together).
    pub ingress: u64,
    /// Engine: sequencing, executing, encoding.
    pub engine: u64,
    /// Journal: hashing, writing and waiting for the disk.
    pub journal: u64,
    /// Feeds and acknowledgements.
    pub feeds: u64,
    /// Shadow: executing on the tree.
    pub shadow_execute: u64,
    /// Shadow: witness and files.
    pub shadow_seal: u64,
}

/// Percentiles of a latency, in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencySummary {
    /// Samples.
    pub count: u64,
    /// Half are at most this.
    pub p50: u64,
    /// 99 % are at most this.
    pub p99: u64,
    /// 99.9 % are at most this.
    pub p999: u64,
    /// The longest.
    pub max: u64,
    /// Samples by upper bound, for drawing.
    pub buckets: Vec<(u64, u64)>,
}

impl LatencySummary {
    /// Summarises a histogram of nanoseconds.
    #[must_use]
    pub fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            count: histogram.len(),
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
            buckets: histogram
                .iter_log(16, 1.25)
                .map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
                .collect(),
        }
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    /// Commands that were let in and not refused by the engine.
    pub accepted: AtomicU64,
    pub executed: AtomicU64,
    pub durable: AtomicU64,
    pub sealed: AtomicU64,
    pub batches: AtomicU64,
    /// The last command that is sealed.
    pub sealed_sequence: AtomicU64,
    /// The last command that was taken by what follows.
    pub taken_sequence: AtomicU64,
    pub commits: AtomicU64,
    pub journal_bytes: AtomicU64,
    pub dropped_subscribers: AtomicU64,
    pub ingress_ns: AtomicU64,
    pub engine_ns: AtomicU64,
    pub journal_ns: AtomicU64,
    pub feeds_ns: AtomicU64,
    pub shadow_execute_ns: AtomicU64,
    pub shadow_seal_ns: AtomicU64,
    /// Merged in by the engine after every group.
    pub engine_latency: Mutex<Option<Histogram<u64>>>,
}

impl Counters {
    /// Counters of an exchange that starts with this many commands executed and not sealed, after a sealed one.
    pub fn starting_with(unsealed: u64, sealed_sequence: u64) -> Self {
        Self {
            sealed_sequence: sealed_sequence.into(),
            accepted: unsealed.into(),
            executed: unsealed.into(),
            durable: unsealed.into(),
            ..Self::default()
        }
    }

    pub fn snapshot(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            executed: get(&self.executed),
            durable: get(&self.durable),
            sealed: get(&self.sealed),
            batches: get(&self.batches),
            commits: get(&self.commits),
            journal_bytes: get(&self.journal_bytes),
            dropped_subscribers: get(&self.dropped_subscribers),
            busy_ns: BusyNanos {
                ingress: get(&self.ingress_ns),
                engine: get(&self.engine_ns),
                journal: get(&self.journal_ns),
                feeds: get(&self.feeds_ns),
                shadow_execute: get(&self.shadow_execute_ns),
                shadow_seal: get(&self.shadow_seal_ns),
            },
        }
    }

    /// Commands let in but not sealed.
    pub fn lag(&self) -> u64 {
        let sealed = self.sealed.load(Ordering::Relaxed);
        self.accepted.load(Ordering::Relaxed).saturating_sub(sealed)
    }

    /// Commands sealed but not taken by what follows.
    pub fn downstream_lag(&self) -> u64 {
        let taken = self.taken_sequence.load(Ordering::Relaxed);
        self.sealed_sequence.load(Ordering::Relaxed).saturating_sub(taken)
    }

    pub fn latency(&self) -> LatencySummary {
        let histogram = self.engine_latency.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.as_ref().map(LatencySummary::of).unwrap_or_default()
    }
}

/// Adds the time since `start` to a counter.
pub(crate) fn add_since(counter: &AtomicU64, start: std::time::Instant) {
    counter.fetch_add(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}
