//! The events root: a Merkle tree with one leaf a command, holding its outcome and all its events, so that a fill
//! receipt is a leaf and a path which anybody can check against a claim.

use alloc::vec::Vec;

use state::{Digest, TreeHash};
use thiserror::Error;
use types::{DecodeError, Event, Outcome, Reader};

use crate::Claim;
use crate::merkle::{self, MerklePath, MerkleTree};

const LEAF: u8 = 0x04;
const ROOT: u8 = 0x05;

/// What the commands of a batch did, in order.
#[derive(Clone, Debug, Default)]
pub struct EventsLog {
    leaves: Vec<Digest>,
    /// The leaves' contents, when they are kept for receipts.
    contents: Option<(Vec<u8>, Vec<usize>)>,
    scratch: Vec<u8>,
}

impl EventsLog {
    /// A log that only makes the root.
    #[must_use]
    pub fn root_only() -> Self {
        Self::default()
    }

    /// A log that can also make receipts.
    #[must_use]
    pub fn with_contents() -> Self {
        Self { contents: Some((Vec::new(), Vec::new())), ..Self::default() }
    }

    /// Makes room for this many commands.
    pub(crate) fn reserve(&mut self, commands: usize) {
        self.leaves.reserve(commands);
    }

    /// Adds what the next command did.
    #[inline]
    pub fn push<H: TreeHash>(&mut self, sequence: u64, outcome: Outcome, events: &[Event]) {
        self.scratch.clear();
        self.scratch.push(LEAF);
        self.scratch.extend_from_slice(&sequence.to_be_bytes());
        outcome.encode(&mut self.scratch);
        for event in events {
            event.encode(&mut self.scratch);
        }
        self.leaves.push(H::hash(&self.scratch));
        if let Some((bytes, ends)) = &mut self.contents {
            bytes.extend_from_slice(&self.scratch[9..]);
            ends.push(bytes.len());
        }
    }

    /// How many commands are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// The events root.
    #[must_use]
    pub fn root<H: TreeHash>(&self) -> Digest {
        let count = self.leaves.len() as u64;
        root_of::<H>(count, merkle::top::<H>(&mut self.leaves.clone()))
    }

    /// What the commands did, in bytes: for each, its outcome and events.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        let (bytes, ends) = match &self.contents {
            Some((bytes, ends)) => (bytes.as_slice(), ends.as_slice()),
            None => (&[][..], &[][..]),
        };
        let mut start = 0;
        ends.iter().map(move |end| {
            let content = bytes.get(start..*end).unwrap_or_default();
            start = *end;
            content
        })
    }

    /// Receipts for some commands of the batch, by their place in it. Empty without contents.
    #[must_use]
    pub fn receipts<H: TreeHash>(&self, first_sequence: u64, places: &[u64]) -> Vec<Receipt> {
        let tree = MerkleTree::<H>::new(self.leaves.clone());
        let contents: Vec<&[u8]> = self.contents().collect();
        let receipt = |place: &u64| {
            Some(Receipt {
                sequence: first_sequence.checked_add(*place)?,
                count: self.leaves.len() as u64,
                content: contents.get(usize::try_from(*place).ok()?)?.to_vec(),
                path: tree.path(*place)?,
            })
        };
        places.iter().filter_map(receipt).collect()
    }
}

fn root_of<H: TreeHash>(count: u64, top: Digest) -> Digest {
    let mut bytes = [0; 41];
    bytes[0] = ROOT;
    bytes[1..9].copy_from_slice(&count.to_be_bytes());
    bytes[9..].copy_from_slice(&top);
    H::hash(&bytes)
}

/// Proof of what one command did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The command.
    pub sequence: u64,
    /// Commands in its batch.
    pub count: u64,
    /// Its outcome and events, canonically encoded.
    pub content: Vec<u8>,
    /// From its leaf to the top.
    pub path: MerklePath,
}

/// Why a receipt proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// It does not lead to the claim's events root.
    #[error("the receipt does not lead to the claim's events root")]
    Root,
    /// It is of another command than it says, or its path does not fit the batch's tree.
    #[error("the receipt's place does not match its sequence number, or its path the number of commands")]
    Place,
    /// Its content is not canonical.
    #[error("the receipt's content: {0}")]
    Content(#[from] DecodeError),
}

impl Receipt {
    /// Checks the receipt against a claim, and says what the command did.
    ///
    /// # Errors
    /// When the receipt does not belong to the claim.
    pub fn verify<H: TreeHash>(&self, claim: &Claim) -> Result<(Outcome, Vec<Event>), ReceiptError> {
        // The count fixes the tree's height, and the height tells leaves from nodes: neither can pass for the other,
        // though a leaf of 64 bytes is hashed as a node is.
        let depth = self.count.max(1).ilog2() + u32::from(!self.count.is_power_of_two());
        if self.sequence.checked_sub(claim.first_sequence) != Some(self.path.index)
            || self.path.index >= self.count
            || self.path.siblings.len() != depth as usize
        {
            return Err(ReceiptError::Place);
        }
        let mut leaf = Vec::with_capacity(9 + self.content.len());
        leaf.push(LEAF);
        leaf.extend_from_slice(&self.sequence.to_be_bytes());
        leaf.extend_from_slice(&self.content);
        let top = self.path.top::<H>(H::hash(&leaf)).ok_or(ReceiptError::Root)?;
        if root_of::<H>(self.count, top) != claim.events_root {
            return Err(ReceiptError::Root);
        }
        let mut reader = Reader::new(&self.content);
        let outcome = Outcome::decode(&mut reader)?;
        let mut events = Vec::new();
        while reader.left() > 0 {
            events.push(Event::decode(&mut reader)?);
        }
        Ok((outcome, events))
    }
}
