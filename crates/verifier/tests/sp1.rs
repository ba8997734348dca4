//! What is no proof is refused, whatever kind it says it is. Real proofs are `prover-sp1`'s to test.
#![cfg(feature = "sp1")]

use transition::Claim;
use verifier::sp1::{COMMITTED_PROGRAM, Sp1Verifier, VERSION};
use verifier::{Proof, ProofError, ProofKind, ProofSystem};

fn proof(kind: ProofKind, bytes: Vec<u8>) -> Proof {
    let claim = Claim {
        chain_id: 1,
        exchange: types::Address([1; 20]),
        batch: 1,
        previous_root: [0; 32],
        state_root: [1; 32],
        first_sequence: 1,
        last_sequence: 1,
        commands_root: [2; 32],
        events_root: [3; 32],
        l1_position: 0,
        l1_hash: [0; 32],
        withdrawals_root: [0; 32],
        timestamp: types::Timestamp(1),
    };
    let system = ProofSystem::Sp1;
    Proof { system, version: VERSION.into(), program: COMMITTED_PROGRAM, kind, claims: vec![claim], bytes }
}

#[test]
fn nonsense_of_any_kind_is_refused_and_costs_no_memory() {
    let verifier = Sp1Verifier::committed().unwrap();
    // Lengths of gigabytes, of nothing, and the prefix of the real Groth16 key.
    let groth16 = [&[0x43, 0x88, 0xa2, 0x1c][..], &[1; 352]].concat();
    for bytes in [vec![], vec![0; 8], vec![0xff; 8], vec![0xff; 4_096], vec![1; 1 << 20], groth16] {
        for kind in ProofKind::ALL.into_iter().filter(|kind| kind.is_proof()) {
            let refused = verifier.verify(&proof(kind, bytes.clone()));
            assert!(matches!(refused, Err(ProofError::Invalid { .. })), "{kind}: {refused:?}");
            assert_eq!(verifier::verify(&proof(kind, bytes.clone())), refused);
        }
        let executed = proof(ProofKind::Executed, bytes);
        assert_eq!(verifier.verify(&executed), Err(ProofError::NotAProof));
    }
}
