//! SHA-256 (FIPS 180-4) as the tree's hash.

use state::{Digest, TreeHash};

use crate::Precompiles;

/// The same hash as [`state::Sha256Hash`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Sha256<P>(core::marker::PhantomData<P>);

impl<P: Precompiles> TreeHash for Sha256<P> {
    fn hash(bytes: &[u8]) -> Digest {
        let mut state = P::sha256_start();
        let (halves, rest) = bytes.as_chunks::<32>();
        let (blocks, half) = halves.as_chunks::<2>();
        for [first, second] in blocks {
            P::sha256_compress(&mut state, first, second);
        }
        // The rest, the end bit and the length fill two halves or four, the first of which may be a whole half.
        let mut tail = [[0; 32]; 4];
        let flat = tail.as_flattened_mut();
        let length = half.len() * 32 + rest.len();
        flat[..half.len() * 32].copy_from_slice(half.as_flattened());
        flat[half.len() * 32..length].copy_from_slice(rest);
        flat[length] = 0x80;
        let padded = if length < 56 { 64 } else { 128 };
        let bits = bytes.len() as u64 * 8;
        flat[padded - 8..padded].copy_from_slice(&bits.to_be_bytes());
        P::sha256_compress(&mut state, &tail[0], &tail[1]);
        if padded == 128 {
            P::sha256_compress(&mut state, &tail[2], &tail[3]);
        }
        P::sha256_digest(&state)
    }

    fn node(left: &Digest, right: &Digest) -> Digest {
        let mut state = P::sha256_start();
        P::sha256_compress(&mut state, left, right);
        P::sha256_compress_padding_of_64(&mut state);
        P::sha256_digest(&state)
    }
}
