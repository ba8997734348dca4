//! A batch's commands as they are published, and the root that binds them.
//!
//! The bytes are a header (version, batch, first sequence number, the time before the first command, count) and the
//! canonical commands. The commands root is a Merkle tree over the bytes in chunks of 1 KiB: hardly more hashing than
//! one flat hash, and a part of the bytes can still be proved alone.

use alloc::vec::Vec;

use state::{Digest, TreeHash};
use types::{DecodeError, Reader, Sequenced, Timestamp, Writer};

use crate::merkle;

const VERSION: u8 = 1;
const CHUNK: usize = 1024;
const CHUNK_LEAF: u8 = 0x06;
const ROOT: u8 = 0x07;

/// What a batch's published bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandsHeader {
    /// The batch's number.
    pub batch: u64,
    /// Its first command's.
    pub first_sequence: u64,
    /// The time of the command before.
    pub previous_timestamp: Timestamp,
    /// How many commands there are.
    pub count: u64,
}

impl CommandsHeader {
    fn encode(&self, out: &mut Vec<u8>) {
        out.byte(VERSION);
        out.uint(self.batch);
        out.uint(self.first_sequence);
        out.uint(self.previous_timestamp.0);
        out.uint(self.count);
    }

    /// Reads the header, and leaves the reader at the first command.
    ///
    /// # Errors
    /// When the bytes are not a header.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match r.byte("version")? {
            VERSION => {}
            tag => return Err(DecodeError::UnknownTag { what: "commands version", tag }),
        }
        Ok(Self {
            batch: r.uint("batch")?,
            first_sequence: r.uint("first sequence")?,
            previous_timestamp: Timestamp(r.uint("previous timestamp")?),
            count: r.uint("command count")?,
        })
    }
}

/// Collects a batch's commands into the bytes to publish.
#[derive(Clone, Debug)]
pub struct CommandsBlob {
    header: CommandsHeader,
    timestamp: Timestamp,
    body: Vec<u8>,
}

impl CommandsBlob {
    /// An empty batch after the command at `previous_timestamp`.
    #[must_use]
    pub fn new(batch: u64, first_sequence: u64, previous_timestamp: Timestamp) -> Self {
        Self {
            header: CommandsHeader { batch, first_sequence, previous_timestamp, count: 0 },
            timestamp: previous_timestamp,
            body: Vec::new(),
        }
    }

    /// Adds the next command.
    #[inline]
    pub fn push(&mut self, sequenced: &Sequenced) {
        sequenced.encode(self.timestamp, &mut self.body);
        self.timestamp = sequenced.timestamp;
        self.header.count += 1;
    }

    /// Adds commands that are encoded already, the last of them at `timestamp`, the first relative to the last one
    /// here.
    pub fn push_encoded(&mut self, bytes: &[u8], count: u64, timestamp: Timestamp) {
        self.body.extend_from_slice(bytes);
        self.timestamp = timestamp;
        self.header.count += count;
    }

    /// How many commands there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.header.count
    }

    /// The bytes to publish.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.body.len() + 48);
        self.header.encode(&mut bytes);
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// The root that a claim commits to.
#[must_use]
pub fn commands_root<H: TreeHash>(bytes: &[u8]) -> Digest {
    let mut leaf = Vec::with_capacity(CHUNK + 1);
    let mut leaves: Vec<Digest> = bytes
        .chunks(CHUNK)
        .map(|chunk| {
            leaf.clear();
            leaf.push(CHUNK_LEAF);
            leaf.extend_from_slice(chunk);
            H::hash(&leaf)
        })
        .collect();
    let mut root = [0; 41];
    root[0] = ROOT;
    root[1..9].copy_from_slice(&(bytes.len() as u64).to_be_bytes());
    root[9..].copy_from_slice(&merkle::top::<H>(&mut leaves));
    H::hash(&root)
}
