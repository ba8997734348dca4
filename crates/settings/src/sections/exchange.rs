//! The exchange itself: where it is kept, when batches are sealed, how much may wait.

use std::path::PathBuf;
use std::time::Duration;

use super::{millis, seconds};
use crate::reader::Reader;

/// `[exchange]`
#[derive(Debug)]
pub struct Exchange {
    /// Where everything is kept.
    pub data: Option<PathBuf>,
    /// Commands after which a batch is sealed.
    pub batch_commands: u64,
    /// Time after which a batch is sealed.
    pub batch_interval: Duration,
    /// Submissions that may wait for the engine.
    pub queue: u64,
    /// Commands in one group commit.
    pub group: u64,
    /// Commands let in and not sealed.
    pub max_lag: u64,
    /// Commands sealed and not proved.
    pub max_downstream_lag: Option<u64>,
    /// Commands in one submission.
    pub max_bundle: u64,
    /// Messages that a subscriber may be behind.
    pub feed_buffer: u64,
    /// Batches between snapshots.
    pub snapshot_every: u64,
    /// Snapshots besides the newest.
    pub older_snapshots: u64,
    /// Core of the engine.
    pub engine_core: Option<u64>,
    /// Core of the shadow.
    pub shadow_core: Option<u64>,
    /// Whether the engine never sleeps.
    pub busy_poll: bool,
    /// Whether every command is timed.
    pub measure: bool,
    /// `[exchange.journal]`
    pub journal: Journal,
}

/// `[exchange.journal]`
#[derive(Debug)]
pub struct Journal {
    /// Size of a segment file.
    pub segment_bytes: u64,
    /// Longest group commit.
    pub max_frame_bytes: u64,
    /// Longest submission.
    pub max_record_bytes: u64,
    /// Whether a thread prepares the next segment.
    pub preallocate_ahead: bool,
}

impl Exchange {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section(
            "exchange",
            "The exchange itself: where it is kept, when batches are sealed, how much may wait",
        );
        Self {
            data: s.path_or(
                "data",
                "a temporary folder: all is gone in the end",
                "\"/var/lib/glassbook\"",
                "keep the exchange, its settlement and an embedded chain's blocks here, and go on from there",
            ),
            batch_commands: s.integer(
                "batch_commands",
                1_000,
                1..=1_000_000,
                "seal a batch after at least this many commands; a submission is never split",
            ),
            batch_interval: s.time(
                "batch_interval",
                seconds(2),
                millis(10)..=seconds(3_600),
                "seal a batch this long after its first command at the latest",
            ),
            queue: s.integer(
                "queue",
                4_096,
                1..=1 << 20,
                "submissions that may wait for the engine; more are answered *busy*",
            ),
            group: s.integer("group", 16_384, 1..=1 << 20, "commands in one group commit at most"),
            max_lag: s.integer(
                "max_lag",
                1 << 20,
                1..=1 << 26,
                "commands let in and not yet sealed; beyond it *busy*",
            ),
            max_downstream_lag: s.integer_or(
                "max_downstream_lag",
                "no limit",
                1..=1 << 40,
                "10_000_000",
                "commands sealed and not yet final; beyond it *busy*",
            ),
            max_bundle: s.integer("max_bundle", 10_000, 1..=1_000_000, "commands in one submission at most"),
            feed_buffer: s.integer(
                "feed_buffer",
                4_096,
                1..=1 << 24,
                "messages a subscriber may be behind before he is dropped",
            ),
            snapshot_every: s.integer("snapshot_every", 256, 1..=1_000_000, "batches between snapshots"),
            older_snapshots: s.integer(
                "older_snapshots",
                1,
                0..=1_000,
                "snapshots to keep besides the newest",
            ),
            engine_core: s.integer_or(
                "engine_core",
                "wherever the system puts it",
                0..=4_095,
                "2",
                "bind the engine's thread to this core",
            ),
            shadow_core: s.integer_or(
                "shadow_core",
                "wherever the system puts it",
                0..=4_095,
                "3",
                "bind the shadow's thread to this core",
            ),
            busy_poll: s.boolean(
                "busy_poll",
                false,
                "the engine never sleeps: lowest latency, one core fully used",
            ),
            measure: s.boolean("measure", false, "time every command in the engine, at about 50 ns each"),
            journal: Journal::read(reader),
        }
    }
}

impl Journal {
    fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section("exchange.journal", "The journal's files");
        Self {
            segment_bytes: s.bytes(
                "segment_bytes",
                64 << 20,
                64 << 10..=1 << 40,
                "size of a segment file; a multiple of 512",
            ),
            max_frame_bytes: s.bytes(
                "max_frame_bytes",
                16 << 20,
                4 << 10..=1 << 30,
                "longest group commit; a multiple of 512",
            ),
            max_record_bytes: s.bytes(
                "max_record_bytes",
                4 << 20,
                1 << 10..=1 << 29,
                "longest record: one submission",
            ),
            preallocate_ahead: s.boolean(
                "preallocate_ahead",
                true,
                "a thread prepares the next segment, so that nobody waits for it",
            ),
        }
    }
}
