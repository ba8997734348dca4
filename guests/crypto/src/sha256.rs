//! SHA-256 (FIPS 180-4) as the tree's hash.

use state::{Digest, TreeHash};

use crate::Precompiles;

/// The same hash as [`state::Sha256Hash`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Sha256<P>(core::marker::PhantomData<P>);

/// A block in two halves, where a machine can read whole words of it.
#[derive(Default)]
#[repr(align(8))]
struct Block([[u8; 32]; 2]);

impl<P: Precompiles> TreeHash for Sha256<P> {
    fn hash(bytes: &[u8]) -> Digest {
        let mut state = P::sha256_start();
        let (halves, rest) = bytes.as_chunks::<32>();
        let (blocks, half) = halves.as_chunks::<2>();
        for [first, second] in blocks {
            P::sha256_compress(&mut state, first, second);
        }
        // The rest, the end bit and the length: one block or two.
        let mut block = Block::default();
        let length = half.len() * 32 + rest.len();
        let bytes_of_block = block.0.as_flattened_mut();
        bytes_of_block[..half.len() * 32].copy_from_slice(half.as_flattened());
        bytes_of_block[half.len() * 32..length].copy_from_slice(rest);
        bytes_of_block[length] = 0x80;
        if length >= 56 {
            P::sha256_compress(&mut state, &block.0[0], &block.0[1]);
            block = Block::default();
        }
        let bits = bytes.len() as u64 * 8;
        block.0[1][24..].copy_from_slice(&bits.to_be_bytes());
        P::sha256_compress(&mut state, &block.0[0], &block.0[1]);
        P::sha256_digest(&state)
    }

    fn node(left: &Digest, right: &Digest) -> Digest {
        let mut state = P::sha256_start();
        P::sha256_compress(&mut state, left, right);
        P::sha256_compress_padding_of_64(&mut state);
        P::sha256_digest(&state)
    }
}
