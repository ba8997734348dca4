//! What a command costs in SP1 cycles, exactly, so that a regression shows; and that guest and host agree.
//!
//! The numbers are of the committed executable. After `guests/build` has made another one, put in what the failing test
//! prints.

use prover_sp1::{Config, Sp1};
use proving::{Backend, BackendError, Cancellation};
use test_batches::{Sealer, costs_exactly};
use transition::BatchRange;
use verifier::sp1::{AGGREGATE_KEY, AGGREGATE_PROGRAM, COMMITTED_KEY, COMMITTED_PROGRAM};
use verifier::{ProofError, ProofKind};

#[test]
fn commands_of_the_recorded_flow_cost_exactly_this() {
    if let Some(sealer) = Sealer::recorded() {
        costs_exactly(
            &Sp1::new(Config::default()).unwrap(),
            sealer.warm_up(),
            &[(1, 20, 5_214_026), (10, 10, 6_865_062), (100, 5, 9_699_106), (1_000, 2, 14_941_808)],
        );
    }
}

#[test]
fn commands_of_simulated_flow_cost_exactly_this() {
    costs_exactly(
        &Sp1::new(Config::default()).unwrap(),
        Sealer::simulated().warm_up(),
        &[(1, 20, 6_173_952), (10, 10, 11_409_840), (100, 5, 23_367_241), (1_000, 2, 32_494_002)],
    );
}

#[test]
fn a_range_claims_every_batch_in_order_and_nothing_else_is_taken() {
    let mut sealer = Sealer::simulated().warm_up();
    let sealed: Vec<_> = [30, 1, 50].map(|size| sealer.seal(size)).into();
    let sp1 = Sp1::new(Config::default()).unwrap();
    let inputs: Vec<_> = sealed.iter().map(|sealed| sealed.input.clone()).collect();
    let execution = sp1.execute(&BatchRange::new(inputs.clone()).unwrap()).unwrap();
    assert!(execution.claims.iter().eq(sealed.iter().map(|sealed| &sealed.claim)));

    let gap = BatchRange::new(vec![inputs[0].clone(), inputs[2].clone()]).unwrap();
    assert!(matches!(sp1.execute(&gap), Err(BackendError::Refused { .. })));
    let mut forged = inputs[0].clone();
    forged.authorisation.streams[0].1[3] ^= 1;
    assert!(matches!(sp1.execute(&forged.into()), Err(BackendError::Refused { .. })));
}

#[test]
fn the_light_verifier_speaks_of_the_same_circuits_as_the_sdk() {
    assert_eq!(verifier::sp1::VERSION, sp1_sdk::SP1_CIRCUIT_VERSION.trim());
}

#[test]
fn proofs_of_consecutive_batches_become_one_and_nothing_else_does() {
    let mut sealer = Sealer::simulated().warm_up();
    let claims: Vec<_> = (0..5).map(|_| sealer.seal(3).claim).collect();
    let sp1 = Sp1::new(Config::default()).unwrap();
    let (claimed, cycles) = sp1.execute_aggregate(&[&claims[..2], &claims[2..3], &claims[3..]]).unwrap();
    assert_eq!(claimed, claims);
    assert_eq!(cycles, 1_685_773);
    for wrong in [vec![], vec![&claims[..1], &claims[2..]], vec![&claims[1..2], &claims[..1]]] {
        assert!(matches!(sp1.execute_aggregate(&wrong), Err(BackendError::Refused { .. })));
    }
    // A core proof cannot rely on others, and an execution is no proof.
    for kind in [ProofKind::Core, ProofKind::Executed] {
        assert!(matches!(sp1.aggregate(&[], kind), Err(BackendError::Missing { .. })));
    }
    let range = sealer.seal(1).input.into();
    let executed = sp1.prove(&range, ProofKind::Executed, &Cancellation::default()).unwrap();
    let refused = sp1.aggregate(&[executed], ProofKind::Compressed);
    assert!(matches!(refused, Err(BackendError::Proof(ProofError::Unsupported { .. }))));
}

#[test]
fn the_committed_keys_are_those_of_the_committed_executables() {
    let aggregate = include_bytes!("../../../guests/elf/glassbook-sp1-aggregate.elf");
    for (elf, key, program) in [
        (prover_sp1::ELF, COMMITTED_KEY, COMMITTED_PROGRAM),
        (&aggregate[..], AGGREGATE_KEY, AGGREGATE_PROGRAM),
    ] {
        assert_eq!(prover_sp1::program_key(elf.to_vec()).unwrap(), (key.to_vec(), program));
    }
}
