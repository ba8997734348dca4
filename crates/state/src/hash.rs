//! The hash of the tree as a type parameter, and its default, SHA-256.

use sha2::compress256;
use sha2::digest::generic_array::GenericArray;

/// A digest: 32 bytes under every hash suite.
pub type Digest = [u8; 32];

/// Levels between a leaf and the tree's top node.
pub const DEPTH: usize = 32;

/// Digest of a slot that was never used. Not a hash of anything, so no preimage is known.
pub const EMPTY_LEAF: Digest = [0; 32];

/// A hash suite for the tree.
///
/// `hash` must be collision-resistant over byte strings of any length, and no input of `hash` of
/// any length other than 64 may collide with an input of `node` (see [`crate::occupied_digest`] for
/// why the tree never hashes 64 bytes). A suite with a real domain tag for nodes, such as a
/// Poseidon2 compression, fulfils this on its own.
pub trait TreeHash: Copy + Default + Send + Sync + 'static {
    /// Hash of a byte string.
    fn hash(bytes: &[u8]) -> Digest;

    /// Hash of two child digests.
    fn node(left: &Digest, right: &Digest) -> Digest;
}

/// Plain SHA-256; a node is the hash of the 64 bytes `left ‖ right`, so that the EVM's precompile
/// and any library can check a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sha256Hash;

/// FIPS 180-4, section 5.3.3.
const SHA256_START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The second block of every 64-byte message: the end bit and the length of 512 bits.
const NODE_PADDING: [u8; 64] = {
    let mut block = [0; 64];
    block[0] = 0x80;
    block[62] = 0x02;
    block
};

impl TreeHash for Sha256Hash {
    #[inline]
    fn hash(bytes: &[u8]) -> Digest {
        let mut state = SHA256_START;
        // Whole blocks go in place; the rest is padded in at most two blocks on the stack.
        let (whole, rest) = bytes.as_chunks::<64>();
        for block in whole {
            compress256(&mut state, core::slice::from_ref(GenericArray::from_slice(block)));
        }
        let mut tail = [0; 128];
        tail[..rest.len()].copy_from_slice(rest);
        tail[rest.len()] = 0x80;
        let padded = if rest.len() < 56 { 64 } else { 128 };
        let bits = bytes.len() as u64 * 8;
        tail[padded - 8..padded].copy_from_slice(&bits.to_be_bytes());
        let blocks = [0, 64].map(|start| *GenericArray::from_slice(&tail[start..start + 64]));
        compress256(&mut state, &blocks[..padded / 64]);
        to_bytes(state)
    }

    #[inline]
    fn node(left: &Digest, right: &Digest) -> Digest {
        let mut message = [0; 64];
        message[..32].copy_from_slice(left);
        message[32..].copy_from_slice(right);
        let mut state = SHA256_START;
        compress256(&mut state, &[GenericArray::from(message), GenericArray::from(NODE_PADDING)]);
        to_bytes(state)
    }
}

#[inline]
fn to_bytes(state: [u32; 8]) -> Digest {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// Digests of subtrees without any used slot, by height: `[0]` is the empty leaf, `[DEPTH]` the
/// whole empty tree.
pub fn empty_subtrees<H: TreeHash>() -> [Digest; DEPTH + 1] {
    let mut digests = [EMPTY_LEAF; DEPTH + 1];
    for height in 0..DEPTH {
        digests[height + 1] = H::node(&digests[height], &digests[height]);
    }
    digests
}

/// How many hashes a tree has made since it was built. The empty-subtree constants are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HashCounts {
    /// Leaf hashes, of occupied and free slots.
    pub leaves: u64,
    /// Node hashes.
    pub nodes: u64,
    /// Hashes that bind the top node to the length and the free chain.
    pub roots: u64,
}

impl HashCounts {
    /// All hashes together.
    pub fn total(&self) -> u64 {
        self.leaves + self.nodes + self.roots
    }

    /// What was hashed since an `earlier` reading of the same tree.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            leaves: self.leaves - earlier.leaves,
            nodes: self.nodes - earlier.nodes,
            roots: self.roots - earlier.roots,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use sha2::{Digest as _, Sha256};

    #[test]
    fn hash_is_plain_sha256_at_every_length_around_block_edges() {
        let bytes: Vec<u8> = (0..300u32).map(|i| (i * 7) as u8).collect();
        for len in 0..bytes.len() {
            assert_eq!(
                Sha256Hash::hash(&bytes[..len]),
                <Digest>::from(Sha256::digest(&bytes[..len])),
                "{len}"
            );
        }
    }

    #[test]
    fn a_node_is_plain_sha256_of_both_children() {
        let (left, right) = ([3; 32], [5; 32]);
        assert_eq!(Sha256Hash::node(&left, &right), Sha256Hash::hash([left, right].as_flattened()));
    }
}
