//! What is missing is named, and what is no proof is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use prover_zisk::{Config, Mode, Zisk};
use proving::{Availability, Backend, BackendError, Cancellation};
use test_batches::Sealer;
use transition::BatchRange;
use verifier::{Proof, ProofError, ProofKind, ProofSystem};

fn range() -> BatchRange {
    Sealer::simulated().seal(3).input.into()
}

fn proof(zisk: &Zisk, range: &BatchRange) -> Proof {
    let claims = transition::execute_range::<transition::Native>(range).unwrap();
    let (system, version) = (ProofSystem::Zisk, zisk.version().to_string());
    let bytes = vec![0xa5; 4_000];
    Proof { system, version, program: zisk.program(), kind: ProofKind::Compressed, claims, bytes }
}

#[test]
fn without_a_proving_key_nothing_is_proved_and_the_error_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mode = Mode::Embedded { proving_key: Some(folder.path().to_path_buf()) };
    let zisk = Zisk::new(Config { mode, program_key: None });
    let error = zisk.prove(&range(), ProofKind::Compressed, &Cancellation::default()).unwrap_err();
    let BackendError::Missing { kind: ProofKind::Compressed, what, .. } = &error else { panic!("{error}") };
    for part in ["ziskup", "--coordinator", folder.path().to_str().unwrap()] {
        assert!(what.contains(part), "{what}");
    }
    assert!(matches!(zisk.derive_program_key(), Err(BackendError::Missing { .. })));

    let capabilities = zisk.capabilities();
    assert!(capabilities.can(ProofKind::Executed));
    assert!(ProofKind::ALL.iter().filter(|kind| kind.is_proof()).all(|kind| !capabilities.can(*kind)));
    let named = |availability: &Availability| match availability {
        Availability::Ready => true,
        Availability::Missing { what } => what.len() > 20,
    };
    assert!(capabilities.kinds.iter().all(|(_, availability)| named(availability)));
}

#[test]
fn a_folder_that_is_no_proving_key_is_an_error_of_the_sdk() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pilout.globalInfo.json"), r#"{"setupVersion": "0.0.1"}"#).unwrap();
    let mode = Mode::Embedded { proving_key: Some(folder.path().to_path_buf()) };
    let zisk = Zisk::new(Config { mode, program_key: None });
    let error = zisk.prove(&range(), ProofKind::Compressed, &Cancellation::default()).unwrap_err();
    let BackendError::Failed { why, .. } = &error else { panic!("{error}") };
    assert!(why.contains("0.0.1") && why.contains("ziskup"), "{why}");
}

#[test]
fn a_coordinator_that_is_not_there_is_an_error() {
    let mode = Mode::Remote { url: "http://127.0.0.1:1".to_string() };
    let zisk = Zisk::new(Config { mode, program_key: None });
    let error = zisk.prove(&range(), ProofKind::Compressed, &Cancellation::default()).unwrap_err();
    assert!(matches!(&error, BackendError::Failed { why, .. } if why.contains("coordinator")), "{error}");
}

#[test]
fn an_execution_is_no_proof() {
    let zisk = Zisk::new(Config::default());
    let executed = zisk.prove(&range(), ProofKind::Executed, &Cancellation::default()).unwrap();
    assert_eq!((executed.kind, executed.bytes.len()), (ProofKind::Executed, 0));
    let error = zisk.verify(&executed, &executed.claims).unwrap_err();
    assert_eq!(error, BackendError::Proof(ProofError::NotAProof));
}

#[test]
fn damaged_or_foreign_proofs_are_refused() {
    let zisk = Zisk::new(Config { mode: Mode::Execute, program_key: Some([7; 32]) });
    let range = range();
    let proof = proof(&zisk, &range);
    let refused = |proof: &Proof| match zisk.verify(proof, &proof.claims) {
        Err(BackendError::Proof(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(&proof), ProofError::Invalid { .. }));
    for length in [1, 7, 8, 16, 100, 4_001] {
        let cut = Proof { bytes: vec![0xa5; length], ..proof.clone() };
        assert!(matches!(refused(&cut), ProofError::Invalid { .. }), "{length} bytes");
    }
    let mut other = proof.claims.clone();
    other[0].state_root[0] ^= 1;
    assert!(matches!(zisk.verify(&proof, &other), Err(BackendError::Proof(ProofError::Invalid { .. }))));
    let unknown = Zisk::new(Config::default()).verify(&proof, &proof.claims).unwrap_err();
    assert!(matches!(unknown, BackendError::Proof(ProofError::Unsupported { .. })), "{unknown}");
}
