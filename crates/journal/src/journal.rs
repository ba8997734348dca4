//! The open journal: append, commit, rotate, truncate.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::frame::{FLAG_UNSYNCED, FrameBuilder, JournalId};
use crate::lock::DirectoryLock;
use crate::preparer::Preparer;
use crate::segment::{self, HEADER_BYTES, SegmentFile, SegmentHeader};
use crate::{ChainHash, JournalError, Options, Records, Recovery, ReplayFrom, directory, recovery};

/// The one writer of a journal directory. Dropping it forgets what was appended and not committed.
#[derive(Debug)]
pub struct Journal {
    dir: PathBuf,
    options: Options,
    /// Oldest first; the last one is active.
    segments: VecDeque<SegmentFile>,
    active: File,
    active_header: SegmentHeader,
    /// Where the next frame goes in the active segment.
    offset: u64,
    committed: u64,
    chain: ChainHash,
    pending: FrameBuilder,
    preparer: Option<Preparer>,
    poisoned: Option<String>,
    /// Last, so that it is released after the preparer has stopped.
    _lock: DirectoryLock,
}

/// What a commit made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Index of the first record.
    pub first_index: u64,
    /// How many records; 0 if nothing had been appended.
    pub records: u32,
    /// Bytes written for them, header and padding included.
    pub bytes: u64,
    /// The chain hash after them.
    pub chain_hash: ChainHash,
    /// Whether a new segment was begun.
    pub rotated: bool,
}

/// Where a journal stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The oldest record kept.
    pub oldest_index: u64,
    /// One past the last durable record.
    pub committed_index: u64,
    /// Records appended and not yet committed.
    pub pending_records: u32,
    /// Segment files.
    pub segments: usize,
    /// Bytes left for frames in the active segment.
    pub active_bytes_left: u64,
    /// Whether rotation will find the next segment ready.
    pub next_segment: NextSegment,
    /// Whether commits wait for the disk.
    pub sync: bool,
    /// The first failure, after which nothing is accepted until the journal is opened again.
    pub poisoned: Option<String>,
}

/// The state of the segment after the active one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextSegment {
    /// Made at rotation, because [`Options::preallocate_ahead`] is off.
    AtRotation,
    /// Being written.
    Preparing,
    /// Ready.
    Ready,
    /// Preparing failed; rotation will try once more and then stop the journal. Most likely the disk is full.
    Failed(String),
}

impl Journal {
    /// Opens the journal in `dir`, creating it if there is none; verifies everything from the segment where
    /// replay begins; drops a torn last frame. Where anything acknowledged is damaged or missing, it says so
    /// and changes nothing.
    pub fn open(dir: &Path, options: Options, from: ReplayFrom) -> Result<(Self, Recovery), JournalError> {
        options.check()?;
        directory::create(dir)?;
        let lock = DirectoryLock::acquire(dir)?;
        let mut segments = segment::list(dir)?;
        if segments.is_empty() {
            if let ReplayFrom::Snapshot { index, .. } = from
                && index > 0
            {
                return Err(JournalError::SnapshotAboveEnd { snapshot: index, end: 0 });
            }
            segments.push(create_first_segment(dir, &options)?);
        }
        let recovered = recovery::verify(dir, &segments, from)?;
        let active = recovery::put_in_order(dir, &recovered)?;
        directory::remove_if_there(&dir.join(segment::PREPARED_NAME))?;

        let scan = &recovered.walk.scan;
        let mut journal = Self {
            dir: dir.to_path_buf(),
            segments: segments.into(),
            active,
            active_header: scan.header.clone(),
            offset: scan.offset,
            committed: scan.next_index,
            chain: scan.chain,
            pending: FrameBuilder::new(),
            preparer: None,
            poisoned: None,
            options,
            _lock: lock,
        };
        journal.prepare_next()?;
        Ok((journal, recovered.recovery))
    }

    /// Buffers a record and gives its index. It is not durable before [`commit`](Self::commit) returns.
    ///
    /// [`RecordTooLarge`](JournalError::RecordTooLarge) and [`GroupFull`](JournalError::GroupFull) leave the
    /// journal as it was; after the latter, commit and append again.
    pub fn append(&mut self, record: &[u8]) -> Result<u64, JournalError> {
        self.refuse_if_poisoned()?;
        if record.len() > self.options.max_record_bytes as usize {
            let (bytes, limit) = (record.len(), self.options.max_record_bytes);
            return Err(JournalError::RecordTooLarge { bytes, limit });
        }
        if self.pending.bytes_with(record.len()) > self.options.max_frame_bytes as usize {
            return Err(JournalError::GroupFull { limit: self.options.max_frame_bytes });
        }
        let index = self.next_index();
        self.pending.push(record);
        Ok(index)
    }

    /// Makes everything appended so far durable: one write, one `fdatasync`.
    ///
    /// An error means that nobody knows whether the records are on disk. The journal then refuses all further
    /// work until it is opened again, which finds out.
    pub fn commit(&mut self) -> Result<Commit, JournalError> {
        self.refuse_if_poisoned()?;
        if self.pending.records() == 0 {
            let (first_index, chain_hash) = (self.committed, self.chain);
            return Ok(Commit { first_index, records: 0, bytes: 0, chain_hash, rotated: false });
        }
        let outcome = self.write_pending();
        if let Err(error) = &outcome {
            self.poisoned = Some(error.to_string());
        }
        outcome
    }

    /// The index the next appended record gets.
    pub fn next_index(&self) -> u64 {
        self.committed + u64::from(self.pending.records())
    }

    /// One past the last durable record.
    pub fn committed_index(&self) -> u64 {
        self.committed
    }

    /// The oldest record kept.
    pub fn oldest_index(&self) -> u64 {
        self.segments.front().map_or(self.committed, |segment| segment.first_index)
    }

    /// The hash over everything committed; goes into a snapshot taken at
    /// [`committed_index`](Self::committed_index).
    pub fn chain_hash(&self) -> ChainHash {
        self.chain
    }

    /// Where the journal stands; `next_segment` warns of a disk that is running full.
    pub fn status(&self) -> Status {
        let next_segment = match self.preparer.as_ref().map(Preparer::outcome) {
            None => NextSegment::AtRotation,
            Some(None) => NextSegment::Preparing,
            Some(Some(Ok(()))) => NextSegment::Ready,
            Some(Some(Err(error))) => NextSegment::Failed(error.to_string()),
        };
        Status {
            oldest_index: self.oldest_index(),
            committed_index: self.committed,
            pending_records: self.pending.records(),
            segments: self.segments.len(),
            active_bytes_left: self.active_header.frames_end() - self.offset,
            next_segment,
            sync: self.options.sync,
            poisoned: self.poisoned.clone(),
        }
    }

    /// Streams the committed records from `from_index` on, holding one frame in memory. What is committed
    /// later does not show.
    pub fn read(&self, from_index: u64) -> Result<Records, JournalError> {
        let segments: Vec<SegmentFile> = self.segments.iter().cloned().collect();
        Records::begin(&self.dir, &segments, from_index, Some(self.committed))
    }

    /// Removes the segments that lie entirely below `index`, never the active one, and gives how many. Call it
    /// once a snapshot at or above `index` is durable. Oldest first, each removal durable before the next, so
    /// that a crash in between leaves no gap.
    pub fn truncate_before(&mut self, index: u64) -> Result<usize, JournalError> {
        self.refuse_if_poisoned()?;
        let mut removed = 0;
        while self.segments.get(1).is_some_and(|next| next.first_index <= index) {
            directory::remove_if_there(&self.segments[0].path)?;
            directory::sync(&self.dir)?;
            self.segments.pop_front();
            removed += 1;
        }
        Ok(removed)
    }

    fn write_pending(&mut self) -> Result<Commit, JournalError> {
        let total = self.pending.frame_bytes();
        let fits = total <= self.active_header.max_frame_bytes as usize
            && self.offset + total as u64 <= self.active_header.frames_end();
        if !fits {
            self.rotate()?;
        }
        let flags = if self.options.sync { 0 } else { FLAG_UNSYNCED };
        let (records, first_index) = (self.pending.records(), self.committed);
        let (frame, chain_hash) =
            self.pending.finish(&self.active_header.id, first_index, flags, &self.chain);
        let path = &self.segments[self.segments.len() - 1].path;
        let bytes = frame.len() as u64;
        self.active.write_all_at(frame, self.offset).map_err(JournalError::space("write", path, bytes))?;
        if self.options.sync {
            self.active.sync_data().map_err(JournalError::space("sync", path, bytes))?;
        }
        self.pending.clear();
        self.offset += bytes;
        self.committed += u64::from(records);
        self.chain = chain_hash;
        Ok(Commit { first_index, records, bytes, chain_hash, rotated: !fits })
    }

    /// Begins the next segment, then seals the one before. In this order: a seal promises that the next
    /// segment exists.
    fn rotate(&mut self) -> Result<(), JournalError> {
        let ready = self.preparer.take().is_some_and(Preparer::wait);
        if !ready {
            segment::prepare(&self.dir, self.options.segment_bytes, || false)?;
        }
        let header = SegmentHeader {
            max_frame_bytes: self.options.max_frame_bytes,
            id: self.active_header.id,
            segment_bytes: self.options.segment_bytes,
            first_index: self.committed,
            chain: self.chain,
        };
        let (next, file) = segment::install_prepared(&self.dir, &header)?;
        // An empty segment, too small for the frame, has just been replaced by one of its own name.
        if self.offset == HEADER_BYTES {
            self.segments.pop_back();
        } else {
            let path = &self.segments[self.segments.len() - 1].path;
            let seal = segment::seal(self.committed, &self.chain);
            self.active
                .write_all_at(&seal, self.active_header.frames_end())
                .and_then(|()| self.active.sync_data())
                .map_err(JournalError::space("seal", path, segment::SEAL_BYTES))?;
        }
        self.segments.push_back(next);
        (self.active, self.active_header, self.offset) = (file, header, HEADER_BYTES);
        self.prepare_next()
    }

    fn prepare_next(&mut self) -> Result<(), JournalError> {
        if self.options.preallocate_ahead {
            self.preparer = Some(Preparer::start(self.dir.clone(), self.options.segment_bytes)?);
        }
        Ok(())
    }

    fn refuse_if_poisoned(&self) -> Result<(), JournalError> {
        match &self.poisoned {
            Some(cause) => Err(JournalError::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }
}

fn create_first_segment(dir: &Path, options: &Options) -> Result<SegmentFile, JournalError> {
    segment::prepare(dir, options.segment_bytes, || false)?;
    let header = SegmentHeader {
        max_frame_bytes: options.max_frame_bytes,
        id: random_id()?,
        segment_bytes: options.segment_bytes,
        first_index: 0,
        chain: [0; 32],
    };
    segment::install_prepared(dir, &header).map(|(segment, _)| segment)
}

fn random_id() -> Result<JournalId, JournalError> {
    let source = Path::new("/dev/urandom");
    let mut id = [0; 16];
    File::open(source)
        .and_then(|mut file| file.read_exact(&mut id))
        .map_err(JournalError::io("read randomness from", source))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_stops_the_journal_until_it_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            segment_bytes: 1 << 16,
            max_frame_bytes: 4096,
            max_record_bytes: 1024,
            ..Options::default()
        };
        let (mut journal, _) = Journal::open(dir.path(), options.clone(), ReplayFrom::Genesis).unwrap();
        journal.append(b"kept").unwrap();
        journal.commit().unwrap();
        // A handle that may not write stands for a disk that refuses to.
        journal.active = File::open(&journal.segments[0].path).unwrap();
        journal.append(b"lost").unwrap();
        let error = journal.commit().unwrap_err();
        assert!(matches!(error, JournalError::Io { action: "write", .. }), "{error}");
        for error in [
            journal.append(b"more").unwrap_err(),
            journal.commit().unwrap_err(),
            journal.truncate_before(0).unwrap_err(),
        ] {
            assert!(
                matches!(&error, JournalError::Poisoned { cause } if cause.contains("cannot write")),
                "{error}"
            );
        }
        assert!(journal.status().poisoned.is_some());
        drop(journal);

        let (mut journal, recovery) = Journal::open(dir.path(), options, ReplayFrom::Genesis).unwrap();
        assert_eq!((recovery.next_index, recovery.torn), (1, None));
        journal.append(b"goes on").unwrap();
        journal.commit().unwrap();
        assert_eq!(
            journal.read(0).unwrap().map(|record| record.unwrap().1).collect::<Vec<_>>(),
            [b"kept".to_vec(), b"goes on".to_vec()]
        );
    }
}
