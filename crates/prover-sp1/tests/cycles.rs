//! What a command costs in SP1 cycles, exactly, so that a regression shows; and that guest and host agree.
//!
//! The numbers are of the committed executable. After `guests/build` has made another one, put in what the failing test
//! prints.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use prover_sp1::{Config, Sp1};
use proving::{Backend, BackendError};
use support::Sealer;
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
            [(1, 20, 5_126_880), (10, 10, 6_858_849), (100, 5, 10_044_478), (1_000, 2, 17_094_559)],
        );
    }
}

#[test]
fn commands_of_simulated_flow_cost_exactly_this() {
    check(
        Sealer::simulated().warm_up(),
        [(1, 20, 6_090_176), (10, 10, 11_358_590), (100, 5, 23_762_997), (1_000, 2, 34_718_801)],
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
