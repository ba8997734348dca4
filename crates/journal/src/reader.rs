//! Reading records back, by the writer or by anybody else without its lock.

use std::path::{Path, PathBuf};

use crate::frame::FLAG_UNSYNCED;
use crate::frame_scan::record_at;
use crate::frame_walk::{FrameWalk, Next};
use crate::segment::{self, SegmentFile};
use crate::{ChainHash, JournalError, TornFrame};

/// Reads a journal without changing it and without its lock, for inspection and verification.
///
/// Beside a running writer it sees what has been written so far. A frame in flight then looks torn, and a
/// segment removed meanwhile looks missing; read again before believing either.
#[derive(Debug)]
pub struct Reader {
    dir: PathBuf,
    segments: Vec<SegmentFile>,
}

/// What a whole journal was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The oldest record kept.
    pub oldest_index: u64,
    /// One past the last record.
    pub next_index: u64,
    /// The chain hash at the end.
    pub chain_hash: ChainHash,
    /// How many commits.
    pub frames: u64,
    /// How many segment files.
    pub segments: usize,
    /// An unfinished last frame, left as it is.
    pub torn: Option<TornFrame>,
    /// Frames whose commit did not wait for the disk.
    pub unsynced_frames: u64,
}

impl Reader {
    /// Looks at what is in `dir`. A directory without segments is an error here.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        let segments = segment::list(dir)?;
        if segments.is_empty() {
            return Err(JournalError::MissingSegment { dir: dir.to_path_buf(), needed: 0, found: None });
        }
        Ok(Self { dir: dir.to_path_buf(), segments })
    }

    /// The oldest record kept.
    pub fn oldest_index(&self) -> u64 {
        self.segments[0].first_index
    }

    /// Streams the records from `from_index` to the end, holding one frame in memory.
    pub fn read(&self, from_index: u64) -> Result<Records, JournalError> {
        Records::begin(&self.dir, &self.segments, from_index, None)
    }

    /// Reads everything and checks every hash.
    pub fn verify(&self) -> Result<Verified, JournalError> {
        let mut walk = FrameWalk::begin(&self.dir, &self.segments)?;
        let (mut frames, mut unsynced_frames) = (0, 0);
        loop {
            match walk.advance()? {
                Next::Frame(passed) => {
                    frames += 1;
                    unsynced_frames += u64::from(passed.header.flags & FLAG_UNSYNCED != 0);
                }
                Next::End { torn } => {
                    return Ok(Verified {
                        oldest_index: self.oldest_index(),
                        next_index: walk.scan.next_index,
                        chain_hash: walk.scan.chain,
                        frames,
                        segments: self.segments.len(),
                        torn,
                        unsynced_frames,
                    });
                }
            }
        }
    }
}

/// A stream of records with their indices. After an error it is at its end.
#[derive(Debug)]
pub struct Records {
    walk: FrameWalk,
    /// Index of the record at `at`.
    index: u64,
    /// Position in the current frame's payload.
    at: usize,
    /// Records before this one are not given out.
    from: u64,
    /// Records from this one on are not given out; `None` reads to the end of the log.
    end: Option<u64>,
    finished: bool,
}

impl Records {
    pub(crate) fn begin(
        dir: &Path,
        segments: &[SegmentFile],
        from: u64,
        end: Option<u64>,
    ) -> Result<Self, JournalError> {
        let holding = segments.partition_point(|segment| segment.first_index <= from);
        if holding == 0 {
            let oldest = segments.first().map_or(0, |segment| segment.first_index);
            return Err(JournalError::NotKept { index: from, oldest });
        }
        if let Some(end) = end
            && from > end
        {
            return Err(JournalError::BeyondEnd { index: from, end });
        }
        let walk = FrameWalk::begin(dir, &segments[holding - 1..])?;
        let index = walk.scan.next_index;
        Ok(Self { walk, index, at: 0, from, end, finished: false })
    }

    /// The next record without copying it; `None` at the end.
    pub fn next_record(&mut self) -> Result<Option<(u64, &[u8])>, JournalError> {
        if self.finished {
            return Ok(None);
        }
        match self.seek() {
            Ok(true) => {
                let record = record_at(self.walk.scan.payload(), self.at);
                let index = self.index;
                (self.at, self.index) = (record.end, index + 1);
                Ok(Some((index, &self.walk.scan.payload()[record])))
            }
            Ok(false) => {
                self.finished = true;
                Ok(None)
            }
            Err(error) => {
                self.finished = true;
                Err(error)
            }
        }
    }

    /// Moves to the next record to give out, if there is one.
    fn seek(&mut self) -> Result<bool, JournalError> {
        loop {
            if self.end.is_some_and(|end| self.index >= end) {
                return Ok(false);
            }
            if self.at < self.walk.scan.payload().len() {
                if self.index >= self.from {
                    return Ok(true);
                }
                self.at = record_at(self.walk.scan.payload(), self.at).end;
                self.index += 1;
                continue;
            }
            match self.walk.advance()? {
                Next::Frame(passed) => (self.index, self.at) = (passed.header.first_index, 0),
                Next::End { .. } => return self.ended(),
            }
        }
    }

    fn ended(&self) -> Result<bool, JournalError> {
        let reached = self.walk.scan.next_index;
        match self.end {
            Some(end) if reached < end => Err(JournalError::corrupt(
                &self.walk.scan.segment.path,
                self.walk.scan.offset,
                format!("the log ends at record {reached}, but {end} records had been committed"),
            )),
            None if self.from > reached => Err(JournalError::BeyondEnd { index: self.from, end: reached }),
            _ => Ok(false),
        }
    }
}

impl Iterator for Records {
    type Item = Result<(u64, Vec<u8>), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().map(|record| record.map(|(index, bytes)| (index, bytes.to_vec()))).transpose()
    }
}
