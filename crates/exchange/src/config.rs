//! What an operator decides about a running exchange. What traders are bound by is in the state, not here.

use std::path::PathBuf;
use std::time::Duration;

use crate::ExchangeError;
use crate::record::BundleRecord;

/// Settings of a running exchange.
#[derive(Clone, Debug)]
pub struct Config {
    /// Holds the journal, snapshots and sealed batches. One process at a time.
    pub data_dir: PathBuf,
    /// When a batch is sealed.
    pub batch: BatchPolicy,
    /// Submissions that may wait for the engine; more are answered "busy".
    pub queue: usize,
    /// Commands in one group commit at most.
    pub group: usize,
    /// Commands that may be let in but not yet sealed; beyond that new ones are answered "busy". More than
    /// [`BatchPolicy::commands`], unless batches shall end by time only.
    pub max_lag: u64,
    /// Commands that may be sealed but not yet taken by what follows ([`crate::Exchange::taken_downstream`]); beyond that
    /// new ones are answered "busy". A limit makes the exchange wait for the first report.
    pub max_downstream_lag: u64,
    /// Commands in one submission at most. The journal's record must have room for them.
    pub max_bundle: usize,
    /// Commands that may take money out of the exchange (withdrawals, and deposits, which go back when they cannot be
    /// credited) in one batch at most: whoever pays a batch's withdrawals may not be able to take more at once.
    pub max_withdrawals: usize,
    /// Messages a feed subscriber may be behind; then it is dropped. Memory is taken only for what waits.
    pub feed_buffer: usize,
    /// Take a snapshot after this many batches.
    pub snapshot_every: u64,
    /// Snapshots to keep, besides the newest.
    pub older_snapshots: usize,
    /// Keep the files of sealed batches, for provers and auditors. When off, only their reports are kept.
    pub keep_batches: bool,
    /// Where time comes from.
    pub clock: Clock,
    /// How threads run.
    pub threads: Threads,
    /// The journal's own settings.
    pub journal: journal::Options,
    /// Measure how long the engine takes for every command (costs about 50 ns each).
    pub measure: bool,
}

impl Config {
    /// Sensible settings for a data directory.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            batch: BatchPolicy { commands: 10_000, interval: Duration::from_millis(500) },
            queue: 4_096,
            group: 16_384,
            max_lag: 1 << 20,
            max_downstream_lag: u64::MAX,
            max_bundle: 10_000,
            max_withdrawals: 4_096,
            feed_buffer: 4_096,
            snapshot_every: 256,
            older_snapshots: 1,
            keep_batches: true,
            clock: Clock::Wall,
            threads: Threads::default(),
            journal: journal::Options {
                max_record_bytes: 4 << 20,
                max_frame_bytes: 16 << 20,
                ..journal::Options::default()
            },
            measure: false,
        }
    }
}

impl Config {
    /// Whether the settings go together.
    pub(crate) fn check(&self) -> Result<(), ExchangeError> {
        let bad = |why: String| Err(ExchangeError::Config { why });
        let Self { queue, group, max_bundle, max_withdrawals, feed_buffer, .. } = *self;
        for (name, zero) in [
            ("queue", queue == 0),
            ("group", group == 0),
            ("max_bundle", max_bundle == 0),
            ("max_withdrawals", max_withdrawals == 0),
            ("feed_buffer", feed_buffer == 0),
            ("batch.commands", self.batch.commands == 0),
            ("snapshot_every", self.snapshot_every == 0),
        ] {
            if zero {
                return bad(format!("{name} must be at least 1"));
            }
        }
        let limit = self.journal.max_record_bytes;
        let largest = BundleRecord::max_bytes(max_bundle);
        if largest > limit as usize {
            return bad(format!(
                "a submission of {max_bundle} commands (max_bundle) may need a journal record of {largest} bytes, \
                 but journal.max_record_bytes is {limit}"
            ));
        }
        Ok(())
    }
}

/// When a batch is sealed: whichever comes first. An empty batch is never sealed, and a submission never split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPolicy {
    /// After at least this many commands.
    pub commands: u64,
    /// This long after its first command.
    pub interval: Duration,
}

/// Where the time of commands comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock when the command is sequenced.
    Wall,
    /// The submission says: for replaying recorded flow. Never for an exchange that others trust.
    Submission,
}

/// How threads run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threads {
    /// Bind the engine to this core.
    pub engine_core: Option<usize>,
    /// Bind the shadow to this core.
    pub shadow_core: Option<usize>,
    /// The engine polls its queue without sleeping: lowest latency, one core fully used.
    pub busy_poll: bool,
}
