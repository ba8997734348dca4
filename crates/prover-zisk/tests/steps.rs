//! What a command costs in ZisK steps, exactly, so that a regression shows; and that guest and host agree.
//!
//! The numbers are of the committed executable. After `guests/build` has made another one, put in what the failing
//! test prints.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::LazyLock;

use prover_zisk::{Config, ELF, Zisk};
use proving::router::{CycleModel, Workload};
use proving::{Backend, BackendError};
use sha2::{Digest, Sha256};
use test_batches::Sealer;
use transition::BatchRange;
use verifier::ProofSystem;

/// Batches of each size that are measured, and the steps of all of them together.
type Expected = [(usize, usize, u64); 4];

/// ZisK's SDK allows one client in a process.
static ZISK: LazyLock<Zisk> = LazyLock::new(|| Zisk::new(Config::default()));

fn check(mut sealer: Sealer, expected: Expected) {
    let mut found = expected;
    for (size, batches, steps) in &mut found {
        *steps = 0;
        let mut workload = Workload::default();
        for _ in 0..*batches {
            let sealed = sealer.seal(*size);
            let range = sealed.input.into();
            let execution = ZISK.execute(&range).unwrap();
            assert_eq!(execution.claims, [sealed.claim]);
            *steps += execution.cycles;
            workload += Workload::of(&range);
        }
        let estimated = CycleModel::measured(ProofSystem::Zisk).cycles(&workload);
        println!(
            "{batches} batches of {size}: {} steps a command; {workload:?}; estimated {estimated:.0}",
            *steps / (*batches * *size) as u64
        );
        let ratio = estimated / *steps as f64;
        assert!((0.8..1.25).contains(&ratio), "the router's estimate is off by a factor of {ratio:.2}");
    }
    assert_eq!(found, expected);
}

#[test]
fn commands_of_the_recorded_flow_cost_exactly_this() {
    if let Some(sealer) = Sealer::recorded() {
        check(
            sealer.warm_up(),
            [(1, 20, 1_588_940), (10, 10, 2_868_679), (100, 5, 5_017_516), (1_000, 2, 9_575_710)],
        );
    }
}

#[test]
fn commands_of_simulated_flow_cost_exactly_this() {
    check(
        Sealer::simulated().warm_up(),
        [(1, 20, 1_867_042), (10, 10, 4_456_309), (100, 5, 11_013_473), (1_000, 2, 19_037_485)],
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
