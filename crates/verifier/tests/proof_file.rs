//! The proof file: one encoding, and nothing else decodes.

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use transition::Claim;
use types::{Address, Timestamp};
use verifier::{ProgramId, Proof, ProofError, ProofKind, ProofSystem};

fn claim(batch: u64) -> Claim {
    Claim {
        chain_id: 1,
        exchange: Address([7; 20]),
        batch,
        first_sequence: batch * 10,
        last_sequence: batch * 10 + 9,
        previous_root: [batch as u8; 32],
        state_root: [batch as u8 + 1; 32],
        commands_root: [3; 32],
        events_root: [4; 32],
        l1_position: 5,
        l1_hash: [6; 32],
        withdrawals_root: [0; 32],
        timestamp: Timestamp(1_000 + batch),
    }
}

fn proof(kind: ProofKind, batches: u64) -> Proof {
    Proof {
        system: ProofSystem::Sp1,
        version: "6.10.0".into(),
        program: ProgramId([9; 32]),
        kind,
        claims: (0..batches).map(claim).collect(),
        bytes: if kind.is_proof() { vec![1, 2, 3] } else { Vec::new() },
    }
}

/// The file with a checksum that fits whatever was done to it.
fn sealed(content: &[u8]) -> Vec<u8> {
    [content, Sha256::digest(content).as_slice()].concat()
}

#[test]
fn every_kind_is_read_as_it_was_written() {
    for kind in ProofKind::ALL {
        for system in ProofSystem::ALL {
            let proof = Proof { system, ..proof(kind, 3) };
            assert_eq!(Proof::decode(&proof.encode()), Ok(proof));
        }
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    assert!("proven".parse::<ProofKind>().is_err());
}

#[test]
fn the_layout_is_the_documented_one() {
    let bytes = proof(ProofKind::Core, 2).encode();
    assert_eq!(&bytes[..10], b"GBPROOF\x01\x01\x01");
    assert_eq!(&bytes[10..42], [9; 32]);
    assert_eq!(&bytes[42..49], b"\x066.10.0");
    assert_eq!(&bytes[49..51], [2, 0]);
    assert_eq!(bytes[51..51 + 416], claim(0).encode());
    assert_eq!(&bytes[51 + 832..51 + 843], [3, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
    assert_eq!(bytes.len(), 51 + 843 + 32);
}

#[test]
fn no_byte_can_be_altered_or_cut() {
    let bytes = proof(ProofKind::Core, 2).encode();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        assert!(Proof::decode(&damaged).is_err(), "byte {at}");
        assert!(Proof::decode(&bytes[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn an_executed_file_has_no_proof_and_a_proof_is_never_empty() {
    let empty = Proof { bytes: Vec::new(), ..proof(ProofKind::Core, 1) };
    assert!(matches!(Proof::decode(&empty.encode()), Err(ProofError::Format { .. })));
    let full = Proof { bytes: vec![1], ..proof(ProofKind::Executed, 1) };
    assert!(matches!(Proof::decode(&full.encode()), Err(ProofError::Format { .. })));
}

#[test]
fn claims_must_follow_each_other() {
    let mut gap = proof(ProofKind::Core, 3);
    gap.claims.remove(1);
    assert_eq!(Proof::decode(&gap.encode()), Err(ProofError::NotConsecutive { batch: 2 }));
    let none = Proof { claims: Vec::new(), ..proof(ProofKind::Core, 1) };
    assert!(matches!(Proof::decode(&none.encode()), Err(ProofError::Format { .. })));
}

#[test]
fn a_version_that_could_fool_a_terminal_is_refused() {
    let odd = Proof { version: "6\u{1b}[2J".into(), ..proof(ProofKind::Core, 1) };
    assert!(matches!(Proof::decode(&odd.encode()), Err(ProofError::Format { .. })));
}

proptest! {
    #[test]
    fn arbitrary_content_is_refused_or_is_the_encoding_of_what_it_decodes_to(
        at in 0_usize..900, value: u8, cut in 0_usize..900, base in 0_usize..5,
    ) {
        let bytes = proof(ProofKind::ALL[base], 2).encode();
        let mut content = bytes[..bytes.len() - 32].to_vec();
        if let Some(byte) = content.get_mut(at) {
            *byte = value;
        }
        if cut < 400 {
            content.truncate(content.len().saturating_sub(cut));
        }
        let file = sealed(&content);
        if let Ok(proof) = Proof::decode(&file) {
            prop_assert_eq!(proof.encode(), file);
        }
    }
}
