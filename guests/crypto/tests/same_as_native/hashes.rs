//! SHA-256 and Keccak-256.

use proptest::prelude::*;
use state::{Sha256Hash, TreeHash};
use transition::{Crypto, Native};

use crate::Guest;

type Sha256 = <Guest as Crypto>::Hash;

#[test]
fn hashes_agree_at_every_length_around_block_edges() {
    let bytes: Vec<u8> = (0..400u32).map(|at| (at * 7 + at / 256) as u8).collect();
    for length in 0..=bytes.len() {
        let bytes = &bytes[..length];
        assert_eq!(Sha256::hash(bytes), Sha256Hash::hash(bytes), "SHA-256 of {length} bytes");
        assert_eq!(Guest::keccak256(bytes), Native::keccak256(bytes), "Keccak-256 of {length} bytes");
    }
}

proptest! {
    #[test]
    fn nodes_agree(left: [u8; 32], right: [u8; 32]) {
        prop_assert_eq!(Sha256::node(&left, &right), Sha256Hash::node(&left, &right));
    }
}
