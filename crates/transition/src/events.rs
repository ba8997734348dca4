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
    kept: Option<Kept>,
    /// The leaves' digests, when what they hash is not kept.
    leaves: Vec<Digest>,
    scratch: Vec<u8>,
}

/// What the leaves hash, one behind the other, and where each ends.
#[derive(Clone, Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

/// What comes before a leaf's content: tag and sequence number.
const HEAD: usize = 9;

impl Kept {
    fn leaf(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bytes[start..self.ends[place]]
    }

    /// All digests, on all cores where there are threads.
    fn digests<H: TreeHash>(&self) -> Vec<Digest> {
        let digest = |place| H::hash(self.leaf(place));
        #[cfg(feature = "std")]
        {
            use rayon::iter::{
                IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _,
            };
            (0..self.ends.len()).into_par_iter().with_min_len(1024).map(digest).collect()
        }
        #[cfg(not(feature = "std"))]
        (0..self.ends.len()).map(digest).collect()
    }
}

impl EventsLog {
    /// A log that only makes the root, in little memory.
    #[must_use]
    pub fn root_only() -> Self {
        Self::default()
    }

    /// A log that can also make receipts; it hashes all leaves at the end.
    #[must_use]
    pub fn with_contents() -> Self {
        Self { kept: Some(Kept::default()), ..Self::default() }
    }

    /// Makes room for this many commands.
    pub(crate) fn reserve(&mut self, commands: usize) {
        match &mut self.kept {
            Some(kept) => kept.ends.reserve(commands),
            None => self.leaves.reserve(commands),
        }
    }

    /// Adds what the next command did.
    #[inline]
    pub fn push<H: TreeHash>(&mut self, sequence: u64, outcome: Outcome, events: &[Event]) {
        let out = match &mut self.kept {
            Some(kept) => &mut kept.bytes,
            None => {
                self.scratch.clear();
                &mut self.scratch
            }
        };
        out.push(LEAF);
        out.extend_from_slice(&sequence.to_be_bytes());
        outcome.encode(out);
        for event in events {
            event.encode(out);
        }
        match &mut self.kept {
            Some(kept) => kept.ends.push(kept.bytes.len()),
            None => self.leaves.push(H::hash(&self.scratch)),
        }
    }

    /// How many commands are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.as_ref().map_or(self.leaves.len(), |kept| kept.ends.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn digests<H: TreeHash>(&self) -> Vec<Digest> {
        self.kept.as_ref().map_or_else(|| self.leaves.clone(), Kept::digests::<H>)
    }

    /// The events root.
    #[must_use]
    pub fn root<H: TreeHash>(&self) -> Digest {
        root_of::<H>(self.len() as u64, merkle::top::<H>(&mut self.digests::<H>()))
    }

    /// The events root; the log is empty then, and keeps its memory for another batch.
    #[must_use]
    pub fn take_root<H: TreeHash>(&mut self) -> Digest {
        let root = match &mut self.kept {
            Some(_) => self.root::<H>(),
            None => root_of::<H>(self.leaves.len() as u64, merkle::top::<H>(&mut self.leaves)),
        };
        self.leaves.clear();
        if let Some(kept) = &mut self.kept {
            kept.bytes.clear();
            kept.ends.clear();
        }
        root
    }

    /// What the commands did, in bytes: for each, its outcome and events. Empty when it is not kept.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.kept.iter().flat_map(|kept| (0..kept.ends.len()).map(|place| &kept.leaf(place)[HEAD..]))
    }

    /// Receipts for some commands of the batch, by their place in it. Empty without contents.
    #[must_use]
    pub fn receipts<H: TreeHash>(&self, first_sequence: u64, places: &[u64]) -> Vec<Receipt> {
        let Some(kept) = &self.kept else { return Vec::new() };
        let tree = MerkleTree::<H>::new(self.digests::<H>());
        let receipt = |place: &u64| {
            let path = tree.path(*place)?;
            Some(Receipt {
                sequence: first_sequence.checked_add(*place)?,
                count: self.len() as u64,
                content: kept.leaf(usize::try_from(*place).ok()?)[HEAD..].to_vec(),
                path,
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
