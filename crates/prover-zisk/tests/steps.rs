//! What a command costs in ZisK steps, exactly, so that a regression shows; and that guest and host agree.
//!
//! The numbers are of the committed executable. After `guests/zisk/build` has made another one, put in what the failing
//! test prints.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::LazyLock;

use prover_zisk::{Config, Zisk};
use proving::{Backend, BackendError};
use test_batches::Sealer;
use transition::BatchRange;

/// Batches of each size that are measured, and the steps of all of them together.
type Expected = [(usize, usize, u64); 4];

/// ZisK's SDK allows one client in a process.
static ZISK: LazyLock<Zisk> = LazyLock::new(|| Zisk::new(Config::default()));

fn check(mut sealer: Sealer, expected: Expected) {
    let mut found = expected;
    for (size, batches, steps) in &mut found {
        *steps = 0;
        for _ in 0..*batches {
            let sealed = sealer.seal(*size);
            let execution = ZISK.execute(&sealed.input.into()).unwrap();
            assert_eq!(execution.claims, [sealed.claim]);
            *steps += execution.cycles;
        }
        println!("{batches} batches of {size}: {} steps a command", *steps / (*batches * *size) as u64);
    }
    assert_eq!(found, expected);
}

#[test]
fn commands_of_the_recorded_flow_cost_exactly_this() {
    if let Some(sealer) = Sealer::recorded() {
        check(sealer.warm_up(), [(1, 20, 0), (10, 10, 0), (100, 5, 0), (1_000, 2, 0)]);
    }
}

#[test]
fn commands_of_simulated_flow_cost_exactly_this() {
    check(Sealer::simulated().warm_up(), [(1, 20, 0), (10, 10, 0), (100, 5, 0), (1_000, 2, 0)]);
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
