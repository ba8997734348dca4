//! The durable log of the exchange: opaque records, numbered from 0, hash-chained, group-committed.
//!
//! What is appended is buffered; [`Journal::commit`] writes everything appended since the last commit as
//! one *frame* with one write and one `fdatasync`. A record is durable when its commit has returned, and
//! only then. [`Journal::open`] tells a torn last frame (a crash while writing, never acknowledged: dropped
//! and reported) from damage to acknowledged records (an error that names file and offset; nothing is
//! changed). [`SnapshotStore`] keeps states beside the log so that replay can begin late and old segments
//! can go.
//!
//! The crate knows nothing of what the records mean. The file format is drawn, and its crash safety argued,
//! in this crate's `README.md`.
//!
//! ```
//! use journal::{Journal, Options, ReplayFrom};
//! # let dir = tempfile::tempdir()?;
//! # let options = Options { segment_bytes: 1 << 20, max_frame_bytes: 1 << 16, max_record_bytes: 1 << 12, ..Options::default() };
//! let (mut journal, recovery) = Journal::open(dir.path(), options, ReplayFrom::Genesis)?;
//! assert_eq!(recovery.next_index, 0);
//! journal.append(b"deposit 5")?;
//! journal.append(b"buy 3 at 7")?;
//! let commit = journal.commit()?;
//! assert_eq!((commit.first_index, commit.records), (0, 2));
//! for record in journal.read(0)? {
//!     let (index, bytes) = record?;
//!     println!("{index}: {} bytes", bytes.len());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod directory;
mod error;
mod frame;
mod frame_scan;
mod frame_walk;
mod journal;
mod lock;
mod options;
mod preparer;
mod reader;
mod recovery;
mod segment;
mod snapshots;

pub use error::JournalError;
pub use journal::{Commit, Journal, NextSegment, Status};
pub use options::{Options, ReplayFrom};
pub use reader::{Reader, Records, Verified};
pub use recovery::{Recovery, SnapshotCheck, TornFrame};
pub use snapshots::{DamagedSnapshot, Latest, Snapshot, SnapshotStore};

/// A SHA-256 over everything committed so far: `SHA-256(previous ‖ frame header ‖ payload)` for each frame,
/// from 32 zero bytes. It depends on how records were grouped into commits, so it identifies this log, not
/// only its records.
pub type ChainHash = [u8; 32];
