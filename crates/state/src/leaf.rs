//! What a slot of the tree can hold.

use crate::preimage::{free_digest, occupied_digest};
use crate::{Digest, TreeHash};
use smallvec::SmallVec;

/// A key of the map. Callers may use `1..=u128::MAX - 1`.
pub type Key = u128;

/// Key of the head entry: always in slot 0, never removed, with an empty value. It gives every real
/// key a predecessor.
pub const KEY_HEAD: Key = 0;

/// The successor that ends the chain. Never a key.
pub const KEY_END: Key = u128::MAX;

/// The slot number that ends the free chain. Never a slot.
pub const SLOT_NONE: u32 = u32::MAX;

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 1024;

/// The value of an entry: at most [`MAX_VALUE`] bytes, of which 48 fit without an allocation.
pub type Value = SmallVec<[u8; 48]>;

/// One entry of the map, linked to the entry after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The smallest key in the map above `key`, or [`KEY_END`].
    pub next: Key,
    /// The value.
    pub value: Value,
}

/// The content of a slot below the tree's length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leaf {
    /// An entry of the map.
    Occupied(Entry),
    /// A slot whose entry was removed, waiting for reuse.
    Free {
        /// The slot freed before this one, or [`SLOT_NONE`].
        next: u32,
    },
}

impl Leaf {
    /// The head entry of a map whose first key is `next`.
    pub(crate) fn head(next: Key) -> Self {
        Self::Occupied(Entry { key: KEY_HEAD, next, value: Value::new() })
    }

    /// The entry, if the slot is occupied.
    pub fn entry(&self) -> Option<&Entry> {
        match self {
            Self::Occupied(entry) => Some(entry),
            Self::Free { .. } => None,
        }
    }

    /// The digest that the tree holds for this slot.
    #[inline]
    pub fn digest<H: TreeHash>(&self) -> Digest {
        match self {
            Self::Occupied(entry) => occupied_digest::<H>(entry.key, entry.next, &entry.value),
            Self::Free { next } => free_digest::<H>(*next),
        }
    }
}
