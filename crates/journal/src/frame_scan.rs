//! Reads one segment frame by frame and says how it ends: cleanly, torn, or damaged.
//!
//! The file is read as if zeros followed its end, so a file cut short and a frame whose rest was never
//! written are the same case. The README argues why each verdict is right.

use std::fs::File;
use std::io;
use std::ops::Range;

use crate::frame::{
    END_MARKER, FRAME_FOOTER_BYTES, FRAME_HEADER_BYTES, FrameHeader, SECTOR, apply_mask, chain_hash,
    holds_records, is_evidently_written, next_record, trailing_zeros,
};
use crate::segment::{self, HEADER_BYTES, SegmentFile, SegmentHeader};
use crate::{ChainHash, JournalError};

/// A position between two frames, and everything verified up to there.
#[derive(Debug)]
pub(crate) struct FrameScan {
    pub(crate) segment: SegmentFile,
    pub(crate) header: SegmentHeader,
    pub(crate) file: File,
    /// Where the next frame would begin.
    pub(crate) offset: u64,
    /// The index its first record would have.
    pub(crate) next_index: u64,
    /// The chain hash before it.
    pub(crate) chain: ChainHash,
    frame: Vec<u8>,
    payload: Range<usize>,
}

/// What [`FrameScan::advance`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A whole frame, now behind the scan; its records are in [`FrameScan::payload`].
    Frame(FrameHeader),
    /// Nothing follows. `sealed` says that a next segment exists.
    Clean { sealed: bool },
    /// A frame whose writing never finished covers this many bytes; nothing follows it.
    Torn { bytes: u64, records: Option<u32> },
}

impl FrameScan {
    pub(crate) fn open(segment: SegmentFile) -> Result<Self, JournalError> {
        let file = File::open(&segment.path).map_err(JournalError::io("open", &segment.path))?;
        let header = segment::read_header(&segment, &file)?;
        let (next_index, chain) = (header.first_index, header.chain);
        Ok(Self {
            segment,
            header,
            file,
            offset: HEADER_BYTES,
            next_index,
            chain,
            frame: Vec::new(),
            payload: 0..0,
        })
    }

    /// The length-prefixed records of the frame last stepped over.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.frame[self.payload.clone()]
    }

    /// Verifies the next frame and steps over it, or says how the segment ends.
    pub(crate) fn advance(&mut self) -> Result<Step, JournalError> {
        self.payload = 0..0;
        if self.offset + SECTOR as u64 > self.header.frames_end() {
            return Ok(Step::Clean { sealed: self.read_seal()? });
        }
        let mut sector = [0; SECTOR];
        self.read(&mut sector, self.offset)?;
        if sector == [0; SECTOR] {
            return self.end_or_lost_first_sector();
        }
        match FrameHeader::decode(&self.header.id, &sector) {
            Some(header) => self.frame_or_torn(header),
            None => self.torn_header(&sector),
        }
    }

    /// The header is whole, so length and index are what the writer meant.
    fn frame_or_torn(&mut self, header: FrameHeader) -> Result<Step, JournalError> {
        let total = header.total_bytes();
        let end = self.offset + total as u64;
        if header.first_index != self.next_index {
            let what =
                format!("the frame begins at record {} instead of {}", header.first_index, self.next_index);
            return Err(self.corrupt(what));
        }
        if total > self.header.max_frame_bytes as usize || end > self.header.frames_end() {
            return Err(self.corrupt(format!("a frame of {total} bytes does not fit the segment")));
        }
        let mut frame = std::mem::take(&mut self.frame);
        frame.resize(total, 0);
        self.read(&mut frame, self.offset)?;
        self.frame = frame;

        let footer = total - FRAME_FOOTER_BYTES;
        let (body, ending) = self.frame.split_at(footer);
        let (stored_chain, marker) = ending.split_at(32);
        let chain = chain_hash(&self.chain, body);
        let hash_matches = stored_chain == chain;
        if hash_matches && marker == END_MARKER {
            return self.step_over(header, chain);
        }
        let written = END_MARKER.len() - trailing_zeros(marker);
        let cut_before_marker = written == 0;
        let cut_inside_marker =
            hash_matches && written < END_MARKER.len() && marker[..written] == END_MARKER[..written];
        let sector_missing =
            self.frame.chunks_exact(SECTOR).any(|sector| sector.iter().all(|&byte| byte == 0));
        if !(cut_before_marker || cut_inside_marker || sector_missing) {
            let what = if hash_matches {
                "the frame was fully written but its end marker is damaged"
            } else {
                "the frame was fully written but does not match its chain hash"
            };
            return Err(self.corrupt(what));
        }
        self.expect_zeros_from(end, "the frame is incomplete, yet more data follows it")?;
        Ok(Step::Torn { bytes: total as u64, records: Some(header.records) })
    }

    fn step_over(&mut self, header: FrameHeader, chain: ChainHash) -> Result<Step, JournalError> {
        let footer = self.frame.len() - FRAME_FOOTER_BYTES;
        apply_mask(&mut self.frame[FRAME_HEADER_BYTES..footer], header.mask);
        self.payload = FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + header.payload_bytes as usize;
        if header.records == 0 || !holds_records(self.payload(), header.records) {
            return Err(self.corrupt("the record lengths do not add up to the frame's payload"));
        }
        self.offset += self.frame.len() as u64;
        self.next_index += u64::from(header.records);
        self.chain = chain;
        Ok(Step::Frame(header))
    }

    /// The sector has something in it that is no header: the beginning of one that was cut short, or damage.
    fn torn_header(&self, sector: &[u8; SECTOR]) -> Result<Step, JournalError> {
        let damaged = "no frame begins here, yet the bytes are not zero";
        let (header, rest) =
            sector.split_first_chunk::<FRAME_HEADER_BYTES>().expect("a sector holds a header");
        if !FrameHeader::is_cut_short(&self.header.id, header, self.next_index)
            || rest.iter().any(|&byte| byte != 0)
        {
            return Err(self.corrupt(damaged));
        }
        self.expect_zeros_from(self.offset + SECTOR as u64, damaged)?;
        Ok(Step::Torn { bytes: SECTOR as u64, records: None })
    }

    /// Zeros where a frame would begin: the end, or a frame of several sectors whose first one was lost.
    fn end_or_lost_first_sector(&self) -> Result<Step, JournalError> {
        let Some(first) = self.first_nonzero(self.offset + SECTOR as u64)? else {
            return Ok(Step::Clean { sealed: self.read_seal()? });
        };
        let sector_of = |offset: u64| offset - offset % SECTOR as u64;
        let limit = (self.offset + u64::from(self.header.max_frame_bytes)).min(self.header.frames_end());
        let mut last = sector_of(first);
        let mut sector = [0; SECTOR];
        for at in (sector_of(first)..limit).step_by(SECTOR) {
            self.read(&mut sector, at)?;
            if sector == [0; SECTOR] {
                continue;
            }
            last = at;
            if !is_evidently_written(&sector) {
                return Err(self.corrupt_at(at, "a stray byte where nothing was written"));
            }
            if FrameHeader::decode(&self.header.id, &sector).is_some() {
                return Err(self.corrupt(
                    "the frame that belongs here is gone, yet a later one is there, so it had been acknowledged",
                ));
            }
        }
        if let Some(at) = self.first_nonzero(limit)? {
            return Err(self.corrupt_at(at, "data beyond the end of the journal"));
        }
        self.expect_no_seal()?;
        Ok(Step::Torn { bytes: last + SECTOR as u64 - self.offset, records: None })
    }

    fn expect_zeros_from(&self, from: u64, what: &str) -> Result<(), JournalError> {
        match self.first_nonzero(from)? {
            Some(_) => Err(self.corrupt(what)),
            None => self.expect_no_seal(),
        }
    }

    /// The first byte from `from` up to the seal that is not zero.
    fn first_nonzero(&self, from: u64) -> Result<Option<u64>, JournalError> {
        let length = self.file.metadata().map_err(JournalError::io("inspect", &self.segment.path))?.len();
        let end = self.header.frames_end().min(length);
        let mut buffer = vec![0; 1 << 18];
        let mut at = from;
        while at < end {
            let count = (end - at).min(buffer.len() as u64) as usize;
            self.read(&mut buffer[..count], at)?;
            if let Some(position) = buffer[..count].iter().position(|&byte| byte != 0) {
                return Ok(Some(at + position as u64));
            }
            at += count as u64;
        }
        Ok(None)
    }

    /// Whether a next segment exists. A seal cut short says so too: it is written after that segment is
    /// durable.
    fn read_seal(&self) -> Result<bool, JournalError> {
        let mut found = [0; SECTOR];
        self.read(&mut found, self.header.frames_end())?;
        let written = SECTOR - trailing_zeros(&found);
        if found[..written] != segment::seal(self.next_index, &self.chain)[..written] {
            let what = "the segment's seal does not match its last frame";
            return Err(self.corrupt_at(self.header.frames_end(), what));
        }
        Ok(written > 0)
    }

    fn expect_no_seal(&self) -> Result<(), JournalError> {
        let mut found = [0; SECTOR];
        self.read(&mut found, self.header.frames_end())?;
        if found == [0; SECTOR] {
            return Ok(());
        }
        Err(self.corrupt("the frame is incomplete, yet the segment was sealed after it"))
    }

    fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), JournalError> {
        segment::read_zero_extended(&self.file, buffer, offset)
            .map_err(|error: io::Error| JournalError::io("read", &self.segment.path)(error))
    }

    fn corrupt(&self, what: impl Into<String>) -> JournalError {
        self.corrupt_at(self.offset, what)
    }

    fn corrupt_at(&self, offset: u64, what: impl Into<String>) -> JournalError {
        JournalError::corrupt(&self.segment.path, offset, what)
    }
}

/// Steps through the records of a verified payload.
pub(crate) fn record_at(payload: &[u8], at: usize) -> Range<usize> {
    next_record(payload, at).expect("record lengths were verified with the frame")
}
