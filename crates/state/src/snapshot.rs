//! The whole tree as bytes, from which it is rebuilt with the same root and the same slots to come.
//!
//! ```text
//! snapshot   "GBS" ‖ version (1: 1) ‖ length (4) ‖ free head (4) ‖ slots
//! slot       0x00 ‖ key (16) ‖ value length (varint) ‖ value     occupied
//!            0x02 ‖ next free slot (4)                           free
//! ```
//!
//! Successors are not stored: they follow from the keys. Digests are not stored: a reader rehashes
//! and compares the root.

use crate::codec::{Reader, put_value};
use crate::{DecodeError, Entry, FullTree, KEY_END, KEY_HEAD, Leaf, SLOT_NONE, StateError, TreeHash};
use alloc::vec::Vec;

const MAGIC: [u8; 4] = *b"GBS\x01";
const TAG_OCCUPIED: u8 = 0x00;
const TAG_FREE: u8 = 0x02;
/// A free slot: its tag and the next slot.
const SHORTEST_SLOT: usize = 5;

impl<H: TreeHash> FullTree<H> {
    /// The canonical snapshot.
    pub fn to_snapshot(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + 64 * self.len() as usize);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.len().to_be_bytes());
        out.extend_from_slice(&self.free_head().to_be_bytes());
        for (_, leaf) in self.iter_slots() {
            match leaf {
                Leaf::Occupied(Entry { key, value, .. }) => {
                    out.push(TAG_OCCUPIED);
                    out.extend_from_slice(&key.to_be_bytes());
                    put_value(&mut out, value);
                }
                Leaf::Free { next } => {
                    out.push(TAG_FREE);
                    out.extend_from_slice(&next.to_be_bytes());
                }
            }
        }
        out
    }

    /// Rebuilds a tree. Allocates no more than a constant multiple of the input's length. The caller
    /// compares [`crate::StateTree::root`] with the root it trusts.
    ///
    /// # Errors
    ///
    /// [`StateError::Decode`] for bytes that are no snapshot; [`StateError::Empty`],
    /// [`StateError::Head`], [`StateError::SuccessorChain`] and [`StateError::FreeChain`] for one that
    /// no valid tree has.
    pub fn from_snapshot(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = Reader::new(bytes);
        for expected in MAGIC {
            let tag = reader.byte()?;
            if tag != expected {
                return Err(DecodeError::Tag { tag }.into());
            }
        }
        let len = reader.u32()?;
        let free_head = reader.u32()?;
        if len == 0 {
            return Err(StateError::Empty);
        }
        if len as usize > reader.remaining() / SHORTEST_SLOT {
            return Err(DecodeError::Count { count: len.into() }.into());
        }
        let mut leaves = Vec::with_capacity(len as usize);
        let mut sorted = Vec::with_capacity(len as usize);
        for slot in 0..len {
            let leaf = match reader.byte()? {
                TAG_OCCUPIED => {
                    let entry = Entry { key: reader.u128()?, next: KEY_END, value: reader.value()? };
                    if (slot == 0) != (entry.key == KEY_HEAD) || (slot == 0 && !entry.value.is_empty()) {
                        return Err(StateError::Head { slot });
                    }
                    if entry.key == KEY_END {
                        return Err(StateError::InvalidKey { key: KEY_END });
                    }
                    sorted.push((entry.key, slot));
                    Leaf::Occupied(entry)
                }
                TAG_FREE if slot != 0 => Leaf::Free { next: reader.u32()? },
                TAG_FREE => return Err(StateError::Head { slot }),
                tag => return Err(DecodeError::Tag { tag }.into()),
            };
            leaves.push(leaf);
        }
        reader.finish()?;

        sorted.sort_unstable();
        for pair in sorted.windows(2) {
            let ((key, slot), (next, _)) = (pair[0], pair[1]);
            if key == next {
                return Err(StateError::SuccessorChain { key });
            }
            if let Leaf::Occupied(entry) = &mut leaves[slot as usize] {
                entry.next = next;
            }
        }
        let free = len - sorted.len() as u32;
        check_chain(&leaves, free_head, free)?;
        Ok(Self::from_slots(leaves, free_head, free, &sorted))
    }
}

/// The chain must visit exactly the free slots. A walk of that many steps that ends cannot have met a
/// slot twice.
fn check_chain(leaves: &[Leaf], free_head: u32, free: u32) -> Result<(), StateError> {
    let mut slot = free_head;
    for _ in 0..free {
        match leaves.get(slot as usize) {
            Some(Leaf::Free { next }) => slot = *next,
            _ => return Err(StateError::FreeChain { slot }),
        }
    }
    if slot == SLOT_NONE { Ok(()) } else { Err(StateError::FreeChain { slot }) }
}
