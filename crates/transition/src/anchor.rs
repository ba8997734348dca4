//! What the state remembers between batches, beside what the rules read.

use alloc::vec::Vec;

use types::{Address, DecodeError, Reader, Timestamp, Writer};

/// No exchange counts further; a state that says so was made up.
const LAST: u64 = u64::MAX >> 1;

/// Where the exchange stands: its identity, and what the next batch must follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The L1 chain.
    pub chain_id: u64,
    /// The exchange's contract there.
    pub exchange: Address,
    /// The last batch; zero before the first.
    pub batch: u64,
    /// The last command; zero before the first.
    pub sequence: u64,
    /// Its time.
    pub timestamp: Timestamp,
    /// The next entry of the L1 queue.
    pub l1_position: u64,
    /// The rolling hash of the entries before it.
    pub l1_hash: [u8; 32],
}

impl Anchor {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.uint(self.chain_id);
        out.raw(&self.exchange.0);
        out.uint(self.batch);
        out.uint(self.sequence);
        out.uint(self.timestamp.0);
        out.uint(self.l1_position);
        out.raw(&self.l1_hash);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let anchor = Self {
            chain_id: r.uint("chain id")?,
            exchange: Address(r.array("exchange")?),
            batch: r.uint("batch")?,
            sequence: r.uint("sequence")?,
            timestamp: Timestamp(r.uint("timestamp")?),
            l1_position: r.uint("L1 position")?,
            l1_hash: r.array("L1 hash")?,
        };
        r.finish()?;
        // Counting on from here never overflows.
        if anchor.batch.max(anchor.sequence).max(anchor.l1_position) > LAST {
            return Err(DecodeError::BadInteger { what: "anchor" });
        }
        Ok(anchor)
    }
}

/// How far a session's stream of commands has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Commands in it so far.
    pub position: u64,
    /// The running digest over them.
    pub digest: [u8; 32],
}

impl Stream {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.raw(&self.digest);
        out.uint(self.position);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let stream = Self { digest: r.array("stream digest")?, position: r.uint("stream position")? };
        r.finish()?;
        if stream.position > LAST {
            return Err(DecodeError::BadInteger { what: "stream position" });
        }
        Ok(stream)
    }
}
