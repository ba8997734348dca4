//! What a command costs in ZisK steps, exactly, so that a regression shows; and that guest and host agree.
//!
//! The numbers are of the committed executable. After `guests/build` has made another one, put in what the failing
//! test prints.

use std::sync::LazyLock;

use prover_zisk::{Config, ELF, Zisk};
use proving::{Backend, BackendError};
use sha2::{Digest, Sha256};
use test_batches::{Sealer, costs_exactly};
use transition::BatchRange;

/// ZisK's SDK allows one client in a process.
static ZISK: LazyLock<Zisk> = LazyLock::new(|| Zisk::new(Config::default()));

#[test]
fn commands_of_the_recorded_flow_cost_exactly_this() {
    if let Some(sealer) = Sealer::recorded() {
        costs_exactly(
            &*ZISK,
            sealer.warm_up(),
            &[(1, 20, 1_596_522), (10, 10, 2_847_513), (100, 5, 4_909_227), (1_000, 2, 8_895_509)],
        );
    }
}

#[test]
fn commands_of_simulated_flow_cost_exactly_this() {
    costs_exactly(
        &*ZISK,
        Sealer::simulated().warm_up(),
        &[(1, 20, 1_878_161), (10, 10, 4_472_712), (100, 5, 10_784_065), (1_000, 2, 18_122_294)],
    );
}

#[test]
fn a_range_claims_every_batch_in_order_and_nothing_else_is_taken() {
    let mut sealer = Sealer::simulated().warm_up();
    let sealed: Vec<_> = [30, 1, 50].map(|size| sealer.seal(size)).into();
    let inputs: Vec<_> = sealed.iter().map(|sealed| sealed.input.clone()).collect();
    let execution = ZISK.execute(&BatchRange::new(inputs.clone()).unwrap()).unwrap();
    assert!(execution.claims.iter().eq(sealed.iter().map(|sealed| &sealed.claim)));

    let gap = BatchRange::new(vec![inputs[0].clone(), inputs[2].clone()]).unwrap();
    let mut forged = inputs[0].clone();
    forged.authorisation.streams[0].1[3] ^= 1;
    for wrong in [gap, forged.into()] {
        assert!(matches!(ZISK.execute(&wrong), Err(BackendError::Refused { .. })));
        // Not only the rules outside: the program itself ends in failure.
        assert!(matches!(ZISK.run(&wrong.encode()), Err(BackendError::Failed { .. })));
    }
    let whole = BatchRange::from(inputs[0].clone()).encode();
    for wrong in [&whole[..whole.len() - 1], &[&whole[..], &[0]].concat(), &[]] {
        assert!(matches!(ZISK.run(wrong), Err(BackendError::Failed { .. })));
    }
    // A failure leaves nothing behind.
    assert_eq!(ZISK.run(&whole).unwrap(), ZISK.run(&whole).unwrap());
}

#[test]
fn the_committed_program_id_is_that_of_the_committed_executable() {
    let digest: [u8; 32] = Sha256::digest(ELF).into();
    assert_eq!(verifier::zisk::COMMITTED_PROGRAM, verifier::ProgramId(digest));
}
