//! A real core proof of a real batch, and that nothing else passes for one.
//!
//! Takes minutes and 9 GB; everything that needs a proof shares this one.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Instant;

use prover_sp1::{Config, Sp1, environment};
use proving::{Backend, Cancellation};
use test_batches::Sealer;
use transition::BatchRange;
use verifier::sp1::Sp1Verifier;
use verifier::{Proof, ProofError, ProofKind};

#[test]
fn a_core_proof_holds_for_its_claims_and_for_nothing_else() {
    // The only test here, so nothing reads the environment meanwhile.
    environment::set_defaults();
    let mut sealer = Sealer::recorded().unwrap_or_else(Sealer::simulated).warm_up();
    let sealed = [sealer.seal(5), sealer.seal(5)];
    let range = BatchRange::new(sealed.iter().map(|sealed| sealed.input.clone()).collect()).unwrap();
    let sp1 = Sp1::new(Config::default()).unwrap();
    let start = Instant::now();
    let proof = sp1.prove(&range, ProofKind::Core, &Cancellation::default()).unwrap();
    println!("proved in {:.0?}, {} bytes", start.elapsed(), proof.bytes.len());
    assert!(proof.claims.iter().eq(sealed.iter().map(|sealed| &sealed.claim)));

    let verifier = Sp1Verifier::committed().unwrap();
    let file = proof.encode();
    let read = Proof::decode(&file).unwrap();
    let start = Instant::now();
    verifier.verify(&read).unwrap();
    println!("checked in {:.0?}", start.elapsed());
    sp1.verify(&proof, &proof.claims).unwrap();

    claims_are_bound(&verifier, &proof);
    every_part_counts(&verifier, &proof);
    hostile_bytes_are_refused(&verifier, &proof);
}

/// A flipped bit in every word of the claims.
fn claims_are_bound(verifier: &Sp1Verifier, proof: &Proof) {
    let values = proof.public_values();
    for byte in (0..values.len()).step_by(5) {
        let mut values = values.clone();
        values[byte] ^= 1 << (byte % 8);
        let error = verifier.verify_core(&values, &proof.bytes).unwrap_err();
        assert!(matches!(error, ProofError::Invalid { .. }), "byte {byte}: {error}");
    }
    for values in [&values[..416], &[values.clone(), vec![0]].concat(), &[]] {
        verifier.verify_core(values, &proof.bytes).unwrap_err();
    }
    let mut other = proof.clone();
    other.claims.truncate(1);
    verifier.verify(&other).unwrap_err();
    other.kind = ProofKind::Executed;
    assert_eq!(verifier.verify(&other), Err(ProofError::NotAProof));
    for kind in [ProofKind::Compressed, ProofKind::Groth16, ProofKind::Plonk] {
        let other = Proof { kind, ..proof.clone() };
        assert!(matches!(verifier.verify(&other), Err(ProofError::Invalid { .. })));
    }
    let mut other = proof.clone();
    other.program.0[31] ^= 1;
    assert!(matches!(verifier.verify(&other), Err(ProofError::OtherProgram { .. })));
    let mut other = proof.clone();
    other.version.push('0');
    assert!(matches!(verifier.verify(&other), Err(ProofError::OtherVersion { .. })));
}

/// A flipped bit in many places of the proof, its lengths and its public values.
fn every_part_counts(verifier: &Sp1Verifier, proof: &Proof) {
    let values = proof.public_values();
    let length = proof.bytes.len();
    // The beginning, with the first shard's public values, densely; the rest evenly.
    let places = (0..256).step_by(4).chain((256..length).step_by(length / 60));
    for byte in places {
        let mut bytes = proof.bytes.clone();
        bytes[byte] ^= 1 << (byte % 8);
        let result = verifier.verify_core(&values, &bytes);
        assert!(matches!(result, Err(ProofError::Invalid { .. })), "byte {byte} of {length} does not count");
    }
}

/// What is no proof at all, and what wants much memory.
fn hostile_bytes_are_refused(verifier: &Sp1Verifier, proof: &Proof) {
    let values = proof.public_values();
    let bytes = &proof.bytes;
    let mut cases = vec![vec![], vec![0], vec![0; 8], vec![0xff; 8], vec![0xff; 4_096], vec![1; 1 << 20]];
    cases.extend(
        [0, 7, 8, 9, 100, 1_000, bytes.len() / 2, bytes.len() - 1].map(|length| bytes[..length].to_vec()),
    );
    cases.push([bytes.as_slice(), &[0]].concat());
    for lengths in [u64::MAX, 1 << 62, 1 << 40, 1 << 32] {
        for at in [0, 8] {
            let mut bytes = bytes.clone();
            bytes[at..at + 8].copy_from_slice(&lengths.to_le_bytes());
            cases.push(bytes);
        }
    }
    for case in cases {
        let result = verifier.verify_core(&values, &case);
        assert!(matches!(result, Err(ProofError::Invalid { .. })));
    }
}
