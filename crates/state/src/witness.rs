//! What a verifier needs of the state before a batch, and its one encoding.
//!
//! ```text
//! witness   appends (1: 0 or 1) ‖ length (4) ‖ free head (4)
//!           ‖ number of leaves (varint) ‖ leaves, by ascending slot
//!           ‖ number of siblings (varint) ‖ siblings (32 each)
//! leaf      2 · gap + free (varint; gap = slots skipped since the leaf before)
//!           occupied (free = 0): key (16) ‖ next (16) ‖ value length (varint) ‖ value
//!           free     (free = 1): next free slot (4)
//! ```
//!
//! Integers are big-endian; a varint is LEB128 in its shortest form. Any byte string decodes to at
//! most one witness, and that witness encodes to the same bytes.

use crate::codec::{Reader, check_limit, put_value, put_varint};
use crate::{DecodeError, Digest, Entry, Leaf};
use alloc::vec::Vec;

/// A touched slot with its content before the batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TouchedLeaf {
    /// The slot.
    pub slot: u32,
    /// Its content.
    pub leaf: Leaf,
}

/// A multiproof of the slots that a batch touches, against the root before the batch.
///
/// Made by [`crate::FullTree::take_witness`], checked and used by [`crate::PartialTree`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Length of the tree.
    pub len: u32,
    /// First slot of its free chain, or [`crate::SLOT_NONE`].
    pub free_head: u32,
    /// Whether the path of the first unused slot, number `len`, is included, so that inserts can
    /// append. The slots after it need nothing more: all that lies to their right is empty.
    pub appends: bool,
    /// The touched slots, strictly ascending, at least one.
    pub touched: Vec<TouchedLeaf>,
    /// Digests of the subtrees beside the touched paths: by height from the leaves up, then from left
    /// to right. Subtrees that begin at or beyond `len` are empty and left out.
    pub siblings: Vec<Digest>,
}

/// A free leaf: one byte of gap, four of next slot.
const SHORTEST_LEAF: usize = 5;

impl Witness {
    /// The canonical encoding.
    ///
    /// # Panics
    ///
    /// If the touched slots are not strictly ascending.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Appends the canonical encoding.
    ///
    /// # Panics
    ///
    /// As [`Self::encode`].
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(64 + self.touched.len() * 80 + self.siblings.len() * 32);
        out.push(u8::from(self.appends));
        out.extend_from_slice(&self.len.to_be_bytes());
        out.extend_from_slice(&self.free_head.to_be_bytes());
        put_varint(out, self.touched.len() as u64);
        let mut expected = 0;
        for TouchedLeaf { slot, leaf } in &self.touched {
            let gap = u64::from(*slot).checked_sub(expected).expect("touched slots ascend");
            expected = u64::from(*slot) + 1;
            match leaf {
                Leaf::Occupied(Entry { key, next, value }) => {
                    put_varint(out, gap << 1);
                    out.extend_from_slice(&key.to_be_bytes());
                    out.extend_from_slice(&next.to_be_bytes());
                    put_value(out, value);
                }
                Leaf::Free { next } => {
                    put_varint(out, gap << 1 | 1);
                    out.extend_from_slice(&next.to_be_bytes());
                }
            }
        }
        put_varint(out, self.siblings.len() as u64);
        out.extend_from_slice(self.siblings.as_flattened());
    }

    /// Decodes a witness of at most `max_bytes` bytes. Allocates no more than a constant multiple of
    /// the input's length. Whether the witness makes sense is for
    /// [`crate::PartialTree::from_witness`] to say.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], for anything but a canonical encoding.
    pub fn decode(bytes: &[u8], max_bytes: usize) -> Result<Self, DecodeError> {
        check_limit(bytes, max_bytes)?;
        let mut reader = Reader::new(bytes);
        let appends = match reader.byte()? {
            0 => false,
            1 => true,
            tag => return Err(DecodeError::Tag { tag }),
        };
        let len = reader.u32()?;
        let free_head = reader.u32()?;
        let count = reader.count(SHORTEST_LEAF)?;
        let mut touched = Vec::with_capacity(count);
        let mut expected = 0;
        for _ in 0..count {
            let head = reader.varint()?;
            let slot = u32::try_from(expected + (head >> 1)).map_err(|_| DecodeError::Integer)?;
            expected = u64::from(slot) + 1;
            let leaf = if head & 1 == 0 {
                Leaf::Occupied(Entry { key: reader.u128()?, next: reader.u128()?, value: reader.value()? })
            } else {
                Leaf::Free { next: reader.u32()? }
            };
            touched.push(TouchedLeaf { slot, leaf });
        }
        let count = reader.count(size_of::<Digest>())?;
        let mut siblings = Vec::with_capacity(count);
        for _ in 0..count {
            siblings.push(reader.array()?);
        }
        reader.finish()?;
        Ok(Self { len, free_head, appends, touched, siblings })
    }
}
