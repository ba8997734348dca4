//! The flow file: commands on disk, as `glassbook simulate` writes them and `glassbook replay` reads them.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic: `89 47 42 46 4c 4f 57 0a` (`\x89GBFLOW\n`: not text, and shows a damaged line end) |
//! | integer | version: 1 |
//! | integer, bytes | length of the genesis, genesis |
//! | integer | how many commands are expected; zero when the writer did not know |
//! | integer, bytes | length of a command (never zero), its canonical encoding; repeated |
//! | integer | zero: the end |
//! | integer | how many commands there were |
//!
//! Integers are minimal LEB128 as in all our encodings. A command is encoded as in a batch, its time relative to
//! the command before; sequence numbers count from one and L1 queue positions from zero. The genesis is chain
//! id, exchange address, capacity (accounts, open orders, assets, markets, price levels), the operator's
//! address, session key and the session's end.
//!
//! Both directions hold one command in memory.

use std::io::{BufRead, Write};

use rules::{Capacity, Genesis};
use types::{DecodeError, Origin, Reader, Sequenced, Timestamp, Writer};

use crate::{FileProblem, FlowError, FlowItem, FlowOrigin, Numbering};

/// The first bytes of every flow file.
pub(crate) const MAGIC: [u8; 8] = *b"\x89GBFLOW\n";
const VERSION: u64 = 1;
const MAX_GENESIS: u64 = 256;

/// Writes a flow file.
#[derive(Debug)]
pub struct FlowWriter<W: Write> {
    out: W,
    numbering: Numbering,
    last: Timestamp,
    record: Vec<u8>,
    length: Vec<u8>,
}

impl<W: Write> FlowWriter<W> {
    /// Begins a file. `out` should be buffered. `expected` only serves whoever shows progress later.
    ///
    /// # Errors
    /// When writing fails.
    pub fn create(mut out: W, genesis: &Genesis, expected: Option<u64>) -> Result<Self, FlowError> {
        let mut encoded = Vec::new();
        genesis.encode(&mut encoded);
        let mut header = MAGIC.to_vec();
        header.uint(VERSION);
        header.uint(encoded.len() as u64);
        header.raw(&encoded);
        header.uint(expected.unwrap_or(0));
        out.write_all(&header)?;
        Ok(Self {
            out,
            numbering: Numbering::default(),
            last: Timestamp(0),
            record: Vec::with_capacity(Sequenced::MAX_BYTES),
            length: Vec::with_capacity(2),
        })
    }

    /// Appends an item.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&mut self, item: FlowItem) -> Result<(), FlowError> {
        let sequenced = self.numbering.number(item);
        self.record.clear();
        sequenced.encode(self.last, &mut self.record);
        self.last = sequenced.timestamp;
        self.length.clear();
        self.length.uint(self.record.len() as u64);
        self.out.write_all(&self.length)?;
        self.out.write_all(&self.record)?;
        Ok(())
    }

    /// Writes the end and flushes; how many commands the file holds. A file without its end is refused.
    ///
    /// # Errors
    /// When writing fails.
    pub fn finish(mut self) -> Result<u64, FlowError> {
        let count = self.numbering.next_sequence() - 1;
        let mut end = vec![0];
        end.uint(count);
        self.out.write_all(&end)?;
        self.out.flush()?;
        Ok(count)
    }
}

/// Reads a flow file, command by command.
#[derive(Debug)]
pub struct FlowReader<R> {
    input: R,
    offset: u64,
    genesis: Genesis,
    expected: Option<u64>,
    numbering: Numbering,
    last: Timestamp,
    record: Vec<u8>,
    finished: bool,
}

impl<R: BufRead> FlowReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is not a flow file's.
    pub fn new(input: R) -> Result<Self, FlowError> {
        let mut reader = Self {
            input,
            offset: 0,
            genesis: crate::dev_keys::dev_genesis(Capacity {
                accounts: 0,
                open_orders: 0,
                assets: 0,
                markets: 0,
                price_levels: 0,
            }),
            expected: None,
            numbering: Numbering::default(),
            last: Timestamp(0),
            record: Vec::with_capacity(Sequenced::MAX_BYTES),
            finished: false,
        };
        reader.fill(MAGIC.len(), "the magic")?;
        if reader.record != MAGIC {
            return Err(at(0, FileProblem::BadMagic));
        }
        let start = reader.offset;
        let found = reader.length("the version", u64::MAX)?;
        if found != VERSION {
            return Err(at(start, FileProblem::UnsupportedVersion { found, supported: VERSION }));
        }
        let length = reader.length("the genesis", MAX_GENESIS)?;
        let start = reader.offset;
        reader.fill(length as usize, "the genesis")?;
        reader.genesis = decode_genesis(&reader.record)
            .map_err(|source| at(start, FileProblem::Encoding { what: "the genesis", source }))?;
        reader.expected = match reader.length("the expected count", u64::MAX)? {
            0 => None,
            expected => Some(expected),
        };
        Ok(reader)
    }

    /// What the exchange begins with.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// How many commands the writer expected to write.
    #[must_use]
    pub fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// How many commands were read.
    #[must_use]
    pub fn commands_read(&self) -> u64 {
        self.numbering.next_sequence() - 1
    }

    fn item(&mut self) -> Result<Option<FlowItem>, FlowError> {
        let length = self.length("a command", Sequenced::MAX_BYTES as u64)?;
        if length == 0 {
            return self.end().map(|()| None);
        }
        let start = self.offset;
        self.fill(length as usize, "a command")?;
        let problem = |source| at(start, FileProblem::Encoding { what: "a command", source });
        let mut r = Reader::new(&self.record);
        let sequenced =
            Sequenced::decode(self.numbering.next_sequence(), self.last, &mut r).map_err(problem)?;
        r.finish().map_err(problem)?;
        self.last = sequenced.timestamp;
        let origin = match sequenced.origin {
            Origin::Session => FlowOrigin::Session,
            Origin::L1(position) if position == self.numbering.next_l1() => FlowOrigin::L1,
            Origin::L1(_) | Origin::Owner => return Err(at(start, FileProblem::BadOrigin)),
        };
        self.numbering.advance(origin);
        Ok(Some(FlowItem {
            timestamp: sequenced.timestamp,
            account: sequenced.account,
            origin,
            command: sequenced.command,
        }))
    }

    fn end(&mut self) -> Result<(), FlowError> {
        let start = self.offset;
        let stated = self.length("the count", u64::MAX)?;
        let found = self.commands_read();
        if stated != found {
            return Err(at(start, FileProblem::WrongCount { stated, found }));
        }
        if !self.input.fill_buf()?.is_empty() {
            return Err(at(self.offset, FileProblem::TrailingBytes));
        }
        Ok(())
    }

    /// Reads `count` bytes into the record buffer.
    fn fill(&mut self, count: usize, what: &'static str) -> Result<(), FlowError> {
        self.record.clear();
        while self.record.len() < count {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Err(at(self.offset, FileProblem::Truncated { what }));
            }
            let taken = chunk.len().min(count - self.record.len());
            self.record.extend_from_slice(&chunk[..taken]);
            self.input.consume(taken);
            self.offset += taken as u64;
        }
        Ok(())
    }

    /// Reads a minimal integer of at most `limit`.
    fn length(&mut self, what: &'static str, limit: u64) -> Result<u64, FlowError> {
        let start = self.offset;
        let mut bytes = [0; 10];
        for end in 1..=bytes.len() {
            let Some(byte) = self.input.fill_buf()?.first().copied() else {
                return Err(at(self.offset, FileProblem::Truncated { what }));
            };
            self.input.consume(1);
            self.offset += 1;
            bytes[end - 1] = byte;
            if byte < 0x80 {
                let value = Reader::new(&bytes[..end]).uint(what).ok().filter(|value| *value <= limit);
                return value.ok_or(at(start, FileProblem::BadLength { what, limit }));
            }
        }
        Err(at(start, FileProblem::BadLength { what, limit }))
    }
}

impl<R: BufRead> Iterator for FlowReader<R> {
    type Item = Result<FlowItem, FlowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let item = self.item();
        self.finished = !matches!(item, Ok(Some(_)));
        item.transpose()
    }
}

fn at(offset: u64, problem: FileProblem) -> FlowError {
    FlowError::File { offset, problem }
}

fn decode_genesis(bytes: &[u8]) -> Result<Genesis, DecodeError> {
    let mut r = Reader::new(bytes);
    let genesis = Genesis::decode(&mut r)?;
    r.finish()?;
    Ok(genesis)
}
