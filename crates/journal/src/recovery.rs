//! Opening: find out what the log holds, refuse what is damaged, and only then put the end in order.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::frame::FLAG_UNSYNCED;
use crate::frame_walk::{FrameWalk, Next};
use crate::segment::{SegmentFile, write_zeros};
use crate::{ChainHash, JournalError, ReplayFrom, directory};

/// What [`Journal::open`](crate::Journal::open) found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The oldest record kept.
    pub oldest_index: u64,
    /// The index the next record gets; one past the last record.
    pub next_index: u64,
    /// The chain hash at the end.
    pub chain_hash: ChainHash,
    /// How many records were verified. Those in segments before the snapshot's are not read at opening.
    pub verified_records: u64,
    /// A last frame whose writing never finished: never acknowledged, now dropped.
    pub torn: Option<TornFrame>,
    /// Whether snapshot and journal were seen to share their history.
    pub snapshot: SnapshotCheck,
    /// Verified frames whose commit did not wait for the disk
    /// ([`Options::sync`](crate::Options::sync) was off).
    pub unsynced_frames: u64,
    /// Set where the last segment was shorter than it was made, and has been extended again. A crash does not
    /// do that: somebody cut the file, perhaps in copying. Records may have gone with the missing end.
    pub shortened: Option<PathBuf>,
}

/// A frame whose writing never finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornFrame {
    /// Its segment.
    pub file: PathBuf,
    /// Where it begins.
    pub offset: u64,
    /// How many bytes it covers.
    pub bytes: u64,
    /// How many records it would have held, where its header got written.
    pub records: Option<u32>,
}

/// How a snapshot was held against the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotCheck {
    /// There was no snapshot to check.
    NoSnapshot,
    /// The chain hash at the snapshot's index is the snapshot's.
    SameHistory,
    /// The snapshot was taken between two commits' boundaries, where there is no chain hash to compare.
    NotAtCommitBoundary,
}

/// A verified log, ready to be written on.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) recovery: Recovery,
    /// Where the verified part ended; its segment is the active one.
    pub(crate) walk: FrameWalk,
    /// Offset and length of the active segment's last frame.
    last_frame: Option<(u64, u64)>,
}

/// Verifies the log from the segment where replay begins. Changes nothing.
pub(crate) fn verify(
    dir: &Path,
    segments: &[SegmentFile],
    from: ReplayFrom,
) -> Result<Recovered, JournalError> {
    let mut walk = FrameWalk::begin(dir, segments_to_verify(dir, segments, from)?)?;
    let first_verified = walk.scan.next_index;
    let mut snapshot = SnapshotAt::new(from);
    let (mut last_frame, mut unsynced_frames) = (None, 0);
    let torn = loop {
        let (segment, offset) = (walk.scan.segment.first_index, walk.scan.offset);
        match walk.advance()? {
            Next::Frame(passed) => {
                let same_segment = segment == walk.scan.segment.first_index;
                let begin = if same_segment { offset } else { crate::segment::HEADER_BYTES };
                last_frame = Some((begin, walk.scan.offset - begin));
                unsynced_frames += u64::from(passed.header.flags & FLAG_UNSYNCED != 0);
                snapshot.compare(passed.header.first_index, &passed.chain_before)?;
            }
            Next::End { torn } => {
                if segment != walk.scan.segment.first_index {
                    last_frame = None;
                }
                break torn;
            }
        }
    };
    snapshot.compare(walk.scan.next_index, &walk.scan.chain)?;
    if let ReplayFrom::Snapshot { index, .. } = from
        && index > walk.scan.next_index
    {
        return Err(JournalError::SnapshotAboveEnd { snapshot: index, end: walk.scan.next_index });
    }
    let length =
        walk.scan.file.metadata().map_err(JournalError::io("inspect", &walk.scan.segment.path))?.len();
    let recovery = Recovery {
        oldest_index: segments[0].first_index,
        next_index: walk.scan.next_index,
        chain_hash: walk.scan.chain,
        verified_records: walk.scan.next_index - first_verified,
        torn,
        snapshot: snapshot.check,
        unsynced_frames,
        shortened: (length < walk.scan.header.segment_bytes).then(|| walk.scan.segment.path.clone()),
    };
    Ok(Recovered { recovery, walk, last_frame })
}

/// Opens the active segment for writing, its end in order: full length, zeros behind the last frame, and
/// everything that was read durable.
///
/// The last step is no formality. After a failed sync, or a crash of the process alone, the last frame may be
/// in the page cache and not on the disk, and the kernel may think it clean. So its bytes are written once
/// more before the sync. No earlier frame can be in that state: each is synced before the next is written.
pub(crate) fn put_in_order(dir: &Path, recovered: &Recovered) -> Result<File, JournalError> {
    let Recovered { recovery, walk, last_frame } = recovered;
    let (path, segment_bytes) = (&walk.scan.segment.path, walk.scan.header.segment_bytes);
    let refused = |needed| JournalError::space("put in order the end of", path, needed);
    let file = File::options().read(true).write(true).open(path).map_err(JournalError::io("open", path))?;
    let length = file.metadata().map_err(JournalError::io("inspect", path))?.len();
    if length < segment_bytes {
        write_zeros(&file, length, segment_bytes).map_err(refused(segment_bytes - length))?;
    }
    if let Some(torn) = &recovery.torn {
        write_zeros(&file, torn.offset, torn.offset + torn.bytes).map_err(refused(torn.bytes))?;
    }
    if let Some((offset, bytes)) = *last_frame {
        let mut frame = vec![0; bytes as usize];
        file.read_exact_at(&mut frame, offset).map_err(JournalError::io("read", path))?;
        file.write_all_at(&frame, offset).map_err(refused(bytes))?;
    }
    file.sync_all().map_err(JournalError::io("sync", path))?;
    directory::sync(dir)?;
    Ok(file)
}

fn segments_to_verify<'a>(
    dir: &Path,
    segments: &'a [SegmentFile],
    from: ReplayFrom,
) -> Result<&'a [SegmentFile], JournalError> {
    let oldest = segments.first().map_or(0, |segment| segment.first_index);
    match from {
        ReplayFrom::Genesis if oldest > 0 => {
            Err(JournalError::MissingSegment { dir: dir.to_path_buf(), needed: 0, found: Some(oldest) })
        }
        ReplayFrom::Genesis | ReplayFrom::Oldest => Ok(segments),
        ReplayFrom::Snapshot { index, .. } if index < oldest => {
            Err(JournalError::SnapshotBelowOldest { snapshot: index, oldest })
        }
        ReplayFrom::Snapshot { index, .. } => {
            Ok(&segments[segments.partition_point(|segment| segment.first_index <= index) - 1..])
        }
    }
}

/// Watches for the snapshot's index among the commit boundaries that pass by.
struct SnapshotAt {
    wanted: Option<(u64, ChainHash)>,
    check: SnapshotCheck,
}

impl SnapshotAt {
    fn new(from: ReplayFrom) -> Self {
        match from {
            ReplayFrom::Snapshot { index, chain_hash } => {
                Self { wanted: Some((index, chain_hash)), check: SnapshotCheck::NotAtCommitBoundary }
            }
            _ => Self { wanted: None, check: SnapshotCheck::NoSnapshot },
        }
    }

    fn compare(&mut self, boundary: u64, chain: &ChainHash) -> Result<(), JournalError> {
        match self.wanted {
            Some((index, wanted)) if index == boundary => {
                if wanted != *chain {
                    return Err(JournalError::SnapshotMismatch { index });
                }
                self.check = SnapshotCheck::SameHistory;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
