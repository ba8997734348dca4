//! What a command costs in SP1 cycles, exactly, so that a regression shows; and that guest and host agree.
//!
//! The numbers are of the committed executable. After `guests/build` has made another one, put in what the failing test
//! prints.
#![expect(clippy::unwrap_used, reason = "tests")]

use prover_sp1::{Config, Sp1};
use proving::{Backend, BackendError};
use test_batches::Sealer;
use transition::BatchRange;

/// Batches of each size that are measured, and the cycles of all of them together.
type Expected = [(usize, usize, u64); 4];

fn check(mut sealer: Sealer, expected: Expected) {
    let sp1 = Sp1::new(Config::default()).unwrap();
    let mut found = expected;
    for (size, batches, cycles) in &mut found {
        *cycles = 0;
        for _ in 0..*batches {
            let sealed = sealer.seal(*size);
            let execution = sp1.execute(&sealed.input.into()).unwrap();
            assert_eq!(execution.claims, [sealed.claim]);
            *cycles += execution.cycles;
        }
        println!("{batches} batches of {size}: {} cycles a command", *cycles / (*batches * *size) as u64);
    }
    assert_eq!(found, expected);
}

#[test]
fn commands_of_the_recorded_flow_cost_exactly_this() {
    if let Some(sealer) = Sealer::recorded() {
        check(
            sealer.warm_up(),
            [(1, 20, 5_181_237), (10, 10, 6_839_632), (100, 5, 9_730_517), (1_000, 2, 15_545_650)],
        );
    }
}

#[test]
fn commands_of_simulated_flow_cost_exactly_this() {
    check(
        Sealer::simulated().warm_up(),
        [(1, 20, 6_140_078), (10, 10, 11_346_091), (100, 5, 23_504_482), (1_000, 2, 33_273_636)],
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
