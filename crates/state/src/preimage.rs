//! The byte strings that are hashed, and why no two things hash alike.
//!
//! ```text
//! occupied   0x00 ‖ key (16, BE) ‖ next (16, BE) ‖ value              any value but one of 31 bytes
//!            0x01 ‖ key (16, BE) ‖ next (16, BE) ‖ value (31) ‖ 0x00  a value of 31 bytes
//! free       0x02 ‖ next free slot (4, BE)
//! root       0x03 ‖ top node (32) ‖ length (4, BE) ‖ free head (4, BE)
//! node       left (32) ‖ right (32)
//! ```
//!
//! A node has no tag, so that one call of SHA-256 checks it; it is the only preimage of 64 bytes.
//! An entry with a 31-byte value would be 64 bytes long too, hence the second form: one byte longer
//! and under its own tag. Without the tag, appending a byte would make a 31-byte value and the
//! 32-byte value that ends in that byte the same preimage. So the length tells nodes from the rest,
//! the first byte tells the rest apart, and within a tag every field but the last has a fixed
//! width: the encoding is injective.

use crate::{Digest, Key, MAX_VALUE, TreeHash};

const TAG_OCCUPIED: u8 = 0x00;
const TAG_OCCUPIED_PADDED: u8 = 0x01;
const TAG_FREE: u8 = 0x02;
const TAG_ROOT: u8 = 0x03;

/// Tag, key and successor.
const HEADER: usize = 1 + 16 + 16;
/// The value length at which an entry's preimage would be as long as a node's.
const NODE_LENGTH_VALUE: usize = 64 - HEADER;
/// Values up to this length take the small buffer. Two SHA-256 blocks hold 119 bytes.
const SHORT_VALUE: usize = 86;

/// Digest of a slot that holds an entry. See the module's layout for the preimage, which is never 64
/// bytes long.
///
/// # Panics
///
/// If the value exceeds [`MAX_VALUE`].
#[inline]
pub fn occupied_digest<H: TreeHash>(key: Key, next: Key, value: &[u8]) -> Digest {
    // Zeroing a kilobyte for every leaf would cost a guest more than its hash.
    if value.len() <= SHORT_VALUE {
        occupied_in::<H, { HEADER + SHORT_VALUE }>(key, next, value)
    } else {
        occupied_in::<H, { HEADER + MAX_VALUE }>(key, next, value)
    }
}

#[inline]
fn occupied_in<H: TreeHash, const N: usize>(key: Key, next: Key, value: &[u8]) -> Digest {
    let mut preimage = [0; N];
    let mut len = HEADER + value.len();
    preimage[0] = TAG_OCCUPIED;
    preimage[1..17].copy_from_slice(&key.to_be_bytes());
    preimage[17..33].copy_from_slice(&next.to_be_bytes());
    preimage[33..len].copy_from_slice(value);
    if value.len() == NODE_LENGTH_VALUE {
        preimage[0] = TAG_OCCUPIED_PADDED;
        len += 1;
    }
    H::hash(&preimage[..len])
}

/// Digest of a free slot that names the slot freed before it.
#[inline]
pub fn free_digest<H: TreeHash>(next: u32) -> Digest {
    let mut preimage = [TAG_FREE; 5];
    preimage[1..].copy_from_slice(&next.to_be_bytes());
    H::hash(&preimage)
}

/// The state root: binds the tree's top node to its length and to the head of its free chain.
pub fn state_root<H: TreeHash>(top: &Digest, len: u32, free_head: u32) -> Digest {
    let mut preimage = [TAG_ROOT; 41];
    preimage[1..33].copy_from_slice(top);
    preimage[33..37].copy_from_slice(&len.to_be_bytes());
    preimage[37..].copy_from_slice(&free_head.to_be_bytes());
    H::hash(&preimage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sha256Hash;
    use alloc::vec;

    /// Refuses any leaf-side preimage that has the length of a node's.
    #[derive(Clone, Copy, Default)]
    struct NeverSixtyFour;

    impl TreeHash for NeverSixtyFour {
        fn hash(bytes: &[u8]) -> Digest {
            assert_ne!(bytes.len(), 64);
            Sha256Hash::hash(bytes)
        }
        fn node(left: &Digest, right: &Digest) -> Digest {
            Sha256Hash::node(left, right)
        }
    }

    #[test]
    fn no_leaf_preimage_is_as_long_as_a_node() {
        for len in 0..=MAX_VALUE {
            occupied_digest::<NeverSixtyFour>(5, 6, &vec![1; len]);
        }
        free_digest::<NeverSixtyFour>(9);
        state_root::<NeverSixtyFour>(&[0; 32], 1, 2);
    }

    #[test]
    fn padding_never_makes_two_values_alike() {
        let mut longer = vec![7; 31];
        longer.push(0);
        assert_ne!(
            occupied_digest::<Sha256Hash>(5, 6, &longer[..31]),
            occupied_digest::<Sha256Hash>(5, 6, &longer)
        );
    }
}
