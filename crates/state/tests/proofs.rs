//! Presence and absence proofs convince, and nothing else does.

mod scenario;

use proptest::prelude::*;
use scenario::{Full, example, grown, histories, keys};
use state::{KEY_END, Proof, ProofError, Sha256Hash, StateTree, verify};

proptest! {
    #[test]
    fn every_key_is_proven_present_or_absent(history in histories(), probes in prop::collection::vec(keys(), 20)) {
        let (mut tree, model) = grown(&history);
        let root = model.root();
        for key in probes.into_iter().chain(model.entries.keys().copied()) {
            let proof = tree.prove(key).unwrap();
            let proof = Proof::decode(&proof.encode()).unwrap();
            let expected = model.entries.get(&key).map(|(_, value)| value.as_slice());
            prop_assert_eq!(verify::<Sha256Hash>(root, key, &proof), Ok(expected));
        }
    }
}

#[test]
fn no_mutated_bit_of_a_proof_is_accepted() {
    let mut tree = example();
    let root = tree.root();
    for key in [10, 12, 30, 31, 50, 99] {
        let bytes = tree.prove(key).unwrap().encode();
        for bit in 0..bytes.len() * 8 {
            let mut mutated = bytes.clone();
            mutated[bit / 8] ^= 1 << (bit % 8);
            if let Ok(proof) = Proof::decode(&mutated) {
                assert_eq!(proof.encode(), mutated);
                verify::<Sha256Hash>(root, key, &proof).expect_err("refused");
            }
        }
        for len in 0..bytes.len() {
            Proof::decode(&bytes[..len]).expect_err("too short");
        }
        Proof::decode(&[&bytes[..], &[0]].concat()).expect_err("too long");
    }
}

#[test]
fn a_proof_says_nothing_about_other_keys_roots_or_sentinels() {
    let mut tree = example();
    let root = tree.root();
    let proof = tree.prove(12).unwrap();
    assert_eq!((proof.key, proof.next), (10, 15));
    assert_eq!(verify::<Sha256Hash>(root, 14, &proof), Ok(None));
    assert_eq!(verify::<Sha256Hash>(root, 10, &proof), Ok(Some(&b"ten"[..])));
    for key in [9, 15, 16] {
        assert_eq!(verify::<Sha256Hash>(root, key, &proof), Err(ProofError::Unrelated { key }));
    }
    for key in [0, KEY_END] {
        assert_eq!(verify::<Sha256Hash>(root, key, &proof), Err(ProofError::InvalidKey { key }));
        assert!(tree.prove(key).is_err());
    }
    assert_eq!(verify::<Sha256Hash>([0; 32], 12, &proof), Err(ProofError::Root));
}

#[test]
fn a_proof_of_a_slot_beyond_the_length_is_refused() {
    let mut tree = Full::new();
    let root = tree.root();
    let mut proof = tree.prove(1).unwrap();
    proof.slot = 1;
    assert_eq!(verify::<Sha256Hash>(root, 1, &proof), Err(ProofError::Slot { slot: 1, len: 1 }));
}
