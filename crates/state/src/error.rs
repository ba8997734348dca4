//! What can go wrong: in a tree operation, in decoding, and in checking an outsider's proof.

use crate::{Digest, Key};

/// A tree operation that was refused, or a witness that no valid state can have produced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The key is the head or the end sentinel, which no caller may read or write.
    #[error("key {key:#x} is reserved")]
    InvalidKey {
        /// The key asked for.
        key: Key,
    },
    /// The changes are not in strictly ascending key order.
    #[error("change of key {key:#x} is out of order or repeated")]
    Unsorted {
        /// The first key that does not exceed the one before it.
        key: Key,
    },
    /// A value exceeds [`crate::MAX_VALUE`].
    #[error("value of key {key:#x} has {len} bytes")]
    ValueTooLong {
        /// The key of the entry.
        key: Key,
        /// Length of its value in bytes.
        len: usize,
    },
    /// A removal names a key that is not in the tree.
    #[error("key {key:#x} cannot be removed: it is absent")]
    NotFound {
        /// The key asked for.
        key: Key,
    },
    /// All slots are taken.
    #[error("the tree is full: no slot for key {key:#x}")]
    Full {
        /// The first key that has no room.
        key: Key,
    },
    /// The witness lacks what this operation needs: the entry itself, the entry just below it, or
    /// the free slot that it would take.
    #[error("the witness lacks what key {key:#x} needs")]
    Missing {
        /// The key whose entry, floor entry or slot is missing.
        key: Key,
    },
    /// A witness was asked for without [`crate::FullTree::start_recording`].
    #[error("no recording is in progress")]
    NotRecording,
    /// The root is not the one claimed.
    #[error("the root differs from the one claimed")]
    RootMismatch {
        /// The claimed root.
        expected: Digest,
        /// The root computed here.
        found: Digest,
    },
    /// The tree has no slots, or no touched slot: it lacks even the head.
    #[error("the tree or the witness is empty")]
    Empty,
    /// Touched slots are not strictly ascending, or lie beyond the tree's length.
    #[error("slot {slot} is out of order or out of range")]
    SlotOrder {
        /// The offending slot.
        slot: u32,
    },
    /// Slot 0 does not hold the head entry, or another slot does.
    #[error("slot {slot} breaks the rule that the head, and only the head, is in slot 0")]
    Head {
        /// The offending slot.
        slot: u32,
    },
    /// The successor chain is impossible: a successor that is not above its key, a repeated key, or
    /// a key inside the gap that another entry claims to be empty.
    #[error("the successor chain breaks at key {key:#x}")]
    SuccessorChain {
        /// The key at which it breaks.
        key: Key,
    },
    /// The free chain is impossible: it leaves the tree, meets an occupied slot, or meets a slot
    /// twice.
    #[error("the free chain breaks at slot {slot}")]
    FreeChain {
        /// The slot pointed at.
        slot: u32,
    },
    /// A witness carries more or fewer sibling digests than its slots call for.
    #[error("the witness has {found} sibling digests, which is not what its slots call for")]
    SiblingCount {
        /// Number of digests carried.
        found: usize,
    },
    /// Bytes that are not a canonical encoding.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// Bytes that are not the canonical encoding of a witness, proof or snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input exceeds the caller's limit.
    #[error("{len} bytes exceed the limit of {max}")]
    TooLong {
        /// Length of the input.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// The input ends before the value does.
    #[error("the input ends early")]
    Truncated,
    /// Bytes follow the value.
    #[error("{extra} bytes follow the value")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// An integer is out of range or not in its shortest form.
    #[error("an integer is out of range or not in its shortest form")]
    Integer,
    /// A tag, flag or magic number has a value without meaning.
    #[error("unknown tag {tag}")]
    Tag {
        /// The byte found.
        tag: u8,
    },
    /// A count is larger than the remaining bytes can hold.
    #[error("a count of {count} cannot fit in the remaining bytes")]
    Count {
        /// The count found.
        count: u64,
    },
    /// A value exceeds [`crate::MAX_VALUE`].
    #[error("a value of {len} bytes is too long")]
    Value {
        /// Its length.
        len: u64,
    },
}

/// A presence or absence proof that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The key asked about is a sentinel, which proves nothing.
    #[error("key {key:#x} is reserved")]
    InvalidKey {
        /// The key asked for.
        key: Key,
    },
    /// The slot is not below the tree's length.
    #[error("slot {slot} lies outside a tree of {len} slots")]
    Slot {
        /// The proof's slot.
        slot: u32,
        /// The proof's length.
        len: u32,
    },
    /// The proof's entry neither is the key asked for nor spans it.
    #[error("the proof's entry says nothing about key {key:#x}")]
    Unrelated {
        /// The key asked for.
        key: Key,
    },
    /// The value exceeds [`crate::MAX_VALUE`].
    #[error("a value of {len} bytes is too long")]
    Value {
        /// Its length.
        len: usize,
    },
    /// The path does not lead to the root.
    #[error("the path does not lead to the root")]
    Root,
}
