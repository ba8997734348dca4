//! How a journal is laid out and from where it is replayed.

use crate::frame::{MIN_FRAME_BYTES, SECTOR, frame_bytes};
use crate::segment::{HEADER_BYTES, SEAL_BYTES};
use crate::{ChainHash, JournalError};

/// Sizes and durability. Sizes hold for segments created from now on; existing ones keep their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Size of a segment file, in bytes; a multiple of 512.
    pub segment_bytes: u64,
    /// Most bytes of one frame, that is of one group commit; a multiple of 512.
    pub max_frame_bytes: u32,
    /// Most bytes of one record.
    pub max_record_bytes: u32,
    /// Whether a commit waits for the disk. `false` is for tests and benches only: a crash of the machine
    /// may then lose or damage acknowledged records. Every frame written so carries a flag, which
    /// [`Recovery::unsynced_frames`](crate::Recovery::unsynced_frames) and
    /// [`Verified::unsynced_frames`](crate::Verified::unsynced_frames) count.
    pub sync: bool,
    /// Whether a background thread prepares the next segment, so that rotation does not wait for it.
    pub preallocate_ahead: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_frame_bytes: 8 << 20,
            max_record_bytes: 1 << 20,
            sync: true,
            preallocate_ahead: true,
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), JournalError> {
        let bad = |why: String| Err(JournalError::BadOptions { why });
        if !self.segment_bytes.is_multiple_of(SECTOR as u64)
            || !self.max_frame_bytes.is_multiple_of(SECTOR as u32)
        {
            return bad("segment_bytes and max_frame_bytes must be multiples of 512".into());
        }
        if self.max_frame_bytes < MIN_FRAME_BYTES as u32 || self.max_frame_bytes > 1 << 30 {
            return bad(format!("max_frame_bytes must lie in {MIN_FRAME_BYTES}..={}", 1 << 30));
        }
        let largest = frame_bytes(4 + self.max_record_bytes as usize);
        if largest > self.max_frame_bytes as usize {
            return bad(format!("a record of max_record_bytes needs max_frame_bytes of at least {largest}"));
        }
        let needed = HEADER_BYTES + SEAL_BYTES + u64::from(self.max_frame_bytes);
        if self.segment_bytes < needed {
            return bad(format!("max_frame_bytes needs segment_bytes of at least {needed}"));
        }
        Ok(())
    }
}

/// Where replay begins, and so what must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayFrom {
    /// From record 0: refuses a journal whose first records are gone.
    Genesis,
    /// From the oldest record kept, whatever its index: for inspection, not for an exchange that has no
    /// snapshot to begin with.
    Oldest,
    /// From a snapshot that covers every record below `index`.
    Snapshot {
        /// The next record to replay.
        index: u64,
        /// [`Journal::chain_hash`](crate::Journal::chain_hash) when the snapshot was taken.
        chain_hash: ChainHash,
    },
}
