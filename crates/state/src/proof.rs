//! The proof of one key's presence or absence, and its one encoding.
//!
//! ```text
//! proof   slot (4) ‖ length (4) ‖ free head (4) ‖ key (16) ‖ next (16) ‖ value length (2) ‖ value
//!         ‖ 32 siblings (32 each), from the leaf up
//! ```
//!
//! Integers are big-endian, offsets before the value are fixed, and the siblings are the last 1,024
//! bytes, so that a contract can read a proof in place.

use crate::codec::Reader;
use crate::{DEPTH, DecodeError, Digest, Key, MAX_VALUE, Value};
use alloc::vec::Vec;

/// What a state root says about one key: the entry itself (presence), or the entry just below, whose
/// successor lies beyond (absence). Checked by [`crate::verify()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Slot of the entry.
    pub slot: u32,
    /// Key of the entry.
    pub key: Key,
    /// Key of the entry after it, or [`crate::KEY_END`].
    pub next: Key,
    /// Value of the entry.
    pub value: Value,
    /// Digests beside the path, from the leaf up.
    pub siblings: [Digest; DEPTH],
    /// Length of the tree.
    pub len: u32,
    /// First slot of its free chain, or [`crate::SLOT_NONE`].
    pub free_head: u32,
}

impl Proof {
    /// The canonical encoding.
    ///
    /// # Panics
    ///
    /// If the value exceeds [`MAX_VALUE`].
    pub fn encode(&self) -> Vec<u8> {
        assert!(self.value.len() <= MAX_VALUE, "a value is at most {MAX_VALUE} bytes");
        let mut out = Vec::with_capacity(46 + self.value.len() + 32 * DEPTH);
        out.extend_from_slice(&self.slot.to_be_bytes());
        out.extend_from_slice(&self.len.to_be_bytes());
        out.extend_from_slice(&self.free_head.to_be_bytes());
        out.extend_from_slice(&self.key.to_be_bytes());
        out.extend_from_slice(&self.next.to_be_bytes());
        out.extend_from_slice(&(self.value.len() as u16).to_be_bytes());
        out.extend_from_slice(&self.value);
        out.extend_from_slice(self.siblings.as_flattened());
        out
    }

    /// Decodes a proof. Whether it proves anything is for [`crate::verify()`] to say.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], for anything but a canonical encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let slot = reader.u32()?;
        let len = reader.u32()?;
        let free_head = reader.u32()?;
        let key = reader.u128()?;
        let next = reader.u128()?;
        let value_len = u16::from_be_bytes(reader.array()?);
        if usize::from(value_len) > MAX_VALUE {
            return Err(DecodeError::Value { len: value_len.into() });
        }
        let value = Value::from_slice(reader.bytes(value_len.into())?);
        let mut siblings = [Digest::default(); DEPTH];
        for sibling in &mut siblings {
            *sibling = reader.array()?;
        }
        reader.finish()?;
        Ok(Self { slot, key, next, value, siblings, len, free_head })
    }
}
