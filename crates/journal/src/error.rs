//! What can go wrong with a journal or a snapshot, and what somebody should do about it.

use std::io;
use std::path::{Path, PathBuf};

/// The crate's one error type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The operating system refused something other than for lack of space.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb phrase ("sync", "write").
        action: &'static str,
        /// The file or directory it was done to.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// No space left. Everything committed is intact: free the space and open the journal again.
    #[error(
        "disk full: {needed} bytes are needed in {}; committed records are intact, \
         free the space and open the journal again",
        dir.display()
    )]
    DiskFull {
        /// How many bytes the refused step needs.
        needed: u64,
        /// Where they are needed.
        dir: PathBuf,
    },
    /// Another process, or another part of this one, has the journal open.
    #[error(
        "the journal in {} is open in {}; stop it, or read without the lock through `Reader`",
        dir.display(),
        pid.map_or_else(|| "another process".to_string(), |pid| format!("process {pid}"))
    )]
    Locked {
        /// The journal's directory.
        dir: PathBuf,
        /// The holder, where its lock file could be read.
        pid: Option<u32>,
    },
    /// Acknowledged data is damaged. Nothing has been changed on disk.
    #[error(
        "{} is damaged at byte {offset}: {what}; nothing was changed: restore this file from a replica or a \
         backup, or open from a snapshot whose index lies beyond the damage",
        file.display()
    )]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where the damage was met.
        offset: u64,
        /// What was found there.
        what: String,
    },
    /// A segment file is gone: records are missing. Nothing has been changed on disk.
    #[error(
        "the segment beginning at record {needed} is missing from {} ({}); nothing was changed: restore it \
         from a replica or a backup, or open from a snapshot at or above the first record that is there",
        dir.display(),
        found.map_or_else(|| "no later segment is there".to_string(),
                          |found| format!("the next one there begins at record {found}"))
    )]
    MissingSegment {
        /// The journal's directory.
        dir: PathBuf,
        /// The first record that is missing.
        needed: u64,
        /// The first record of the next segment that is there.
        found: Option<u64>,
    },
    /// The snapshot is older than the oldest record kept: the records between are gone.
    #[error(
        "the snapshot is at record {snapshot} but the oldest record kept is {oldest}; use a snapshot at or \
         above {oldest}, or restore the older segments"
    )]
    SnapshotBelowOldest {
        /// The snapshot's index: the next record it would replay.
        snapshot: u64,
        /// The oldest record kept.
        oldest: u64,
    },
    /// The snapshot covers records that the journal does not have: the journal has lost its end.
    #[error(
        "the snapshot covers records below {snapshot} but the journal ends at {end}: acknowledged records are \
         missing from the journal; restore its last segment, or use the directory that belongs to this snapshot"
    )]
    SnapshotAboveEnd {
        /// The snapshot's index: the next record it would replay.
        snapshot: u64,
        /// One past the journal's last record.
        end: u64,
    },
    /// Snapshot and journal do not belong together.
    #[error(
        "the snapshot at record {index} was taken from another history: the journal's chain hash there \
         differs; use the snapshot and the journal of one and the same exchange"
    )]
    SnapshotMismatch {
        /// The snapshot's index.
        index: u64,
    },
    /// An earlier write or sync failed, so nobody knows what is on disk. Open the journal again.
    #[error("the journal stopped at an earlier failure and must be opened again: {cause}")]
    Poisoned {
        /// The first failure, in words.
        cause: String,
    },
    /// One record is longer than the limit. Nothing was appended; the journal goes on.
    #[error("a record of {bytes} bytes is over the limit of {limit}")]
    RecordTooLarge {
        /// Its length.
        bytes: usize,
        /// [`Options::max_record_bytes`](crate::Options::max_record_bytes).
        limit: u32,
    },
    /// The group would outgrow one frame. Nothing was appended: commit, then append again.
    #[error("the group is full at {limit} bytes: commit, then append again")]
    GroupFull {
        /// [`Options::max_frame_bytes`](crate::Options::max_frame_bytes).
        limit: u32,
    },
    /// The options contradict each other.
    #[error("options: {why}")]
    BadOptions {
        /// Which, and how.
        why: String,
    },
    /// The record asked for was removed by truncation.
    #[error("record {index} is no longer kept; the oldest is {oldest}")]
    NotKept {
        /// What was asked for.
        index: u64,
        /// The oldest record kept.
        oldest: u64,
    },
    /// The record asked for lies beyond the journal's end.
    #[error("record {index} is beyond the journal's end at {end}")]
    BeyondEnd {
        /// What was asked for.
        index: u64,
        /// One past the last committed record.
        end: u64,
    },
}

impl JournalError {
    /// An [`Io`](Self::Io) error, for `map_err`.
    pub(crate) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_path_buf(), source }
    }

    /// As [`io`](Self::io), but lack of space becomes [`DiskFull`](Self::DiskFull).
    pub(crate) fn space<'a>(
        action: &'static str,
        path: &'a Path,
        needed: u64,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { needed, dir: path.parent().unwrap_or(path).to_path_buf() }
            }
            _ => Self::Io { action, path: path.to_path_buf(), source },
        }
    }

    pub(crate) fn corrupt(file: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_path_buf(), offset, what: what.into() }
    }
}
