//! Walks frames across segments and verifies that each segment continues the one before.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::frame::FrameHeader;
use crate::frame_scan::{FrameScan, Step};
use crate::segment::SegmentFile;
use crate::{ChainHash, JournalError, TornFrame};

/// A walk over consecutive segments, at least one.
#[derive(Debug)]
pub(crate) struct FrameWalk {
    dir: PathBuf,
    pub(crate) scan: FrameScan,
    rest: VecDeque<SegmentFile>,
}

/// A frame just passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed {
    pub(crate) header: FrameHeader,
    /// The chain hash before it.
    pub(crate) chain_before: ChainHash,
}

/// What comes next on a walk.
#[derive(Debug)]
pub(crate) enum Next {
    Frame(Passed),
    /// The journal ends here.
    End {
        torn: Option<TornFrame>,
    },
}

impl FrameWalk {
    /// `segments` are oldest first; the walk begins with the first of them.
    pub(crate) fn begin(dir: &Path, segments: &[SegmentFile]) -> Result<Self, JournalError> {
        let mut rest: VecDeque<SegmentFile> = segments.iter().cloned().collect();
        let missing = || JournalError::MissingSegment { dir: dir.to_path_buf(), needed: 0, found: None };
        let scan = FrameScan::open(rest.pop_front().ok_or_else(missing)?)?;
        Ok(Self { dir: dir.to_path_buf(), scan, rest })
    }

    pub(crate) fn advance(&mut self) -> Result<Next, JournalError> {
        loop {
            let chain_before = self.scan.chain;
            let (torn, sealed) = match self.scan.advance()? {
                Step::Frame(header) => return Ok(Next::Frame(Passed { header, chain_before })),
                Step::Clean { sealed } => (None, sealed),
                Step::Torn { bytes, records } => {
                    let (file, offset) = (self.scan.segment.path.clone(), self.scan.offset);
                    (Some(TornFrame { file, offset, bytes, records }), false)
                }
            };
            let Some(next) = self.rest.pop_front() else {
                if sealed {
                    return Err(self.missing(None));
                }
                return Ok(Next::End { torn });
            };
            self.continue_with(next, torn.is_some())?;
        }
    }

    fn continue_with(&mut self, next: SegmentFile, torn: bool) -> Result<(), JournalError> {
        let (path, offset) = (self.scan.segment.path.clone(), self.scan.offset);
        if torn {
            let what = "the frame is incomplete, yet a later segment exists";
            return Err(JournalError::corrupt(&path, offset, what));
        }
        let next = FrameScan::open(next)?;
        if next.next_index > self.scan.next_index {
            return Err(self.missing(Some(next.next_index)));
        }
        let file = &next.segment.path;
        if next.header.id != self.scan.header.id {
            return Err(JournalError::corrupt(file, 16, "the segment belongs to another journal"));
        }
        if next.next_index < self.scan.next_index {
            let what = format!("the segment before it goes on to record {}", self.scan.next_index);
            return Err(JournalError::corrupt(file, 40, what));
        }
        if next.chain != self.scan.chain {
            return Err(JournalError::corrupt(
                file,
                48,
                "the segment does not continue the chain of the one before",
            ));
        }
        self.scan = next;
        Ok(())
    }

    fn missing(&self, found: Option<u64>) -> JournalError {
        JournalError::MissingSegment { dir: self.dir.clone(), needed: self.scan.next_index, found }
    }
}
