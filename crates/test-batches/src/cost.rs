//! What batches cost to prove, exactly.

use proving::Backend;
use proving::router::{CycleModel, Workload};

use crate::Sealer;

/// Holds the cost of batches of some sizes against what is expected, in the system's own unit: the size, how many batches,
/// and the cost of all of them together. Also that guest and host agree, and that the router's estimate is near.
///
/// # Panics
/// When anything is not so; it prints what the costs are.
pub fn costs_exactly(backend: &impl Backend, mut sealer: Sealer, expected: &[(usize, usize, u64)]) {
    let mut found = expected.to_vec();
    for (size, batches, cost) in &mut found {
        *cost = 0;
        let mut workload = Workload::default();
        for _ in 0..*batches {
            let sealed = sealer.seal(*size);
            let range = sealed.input.into();
            let execution = backend.execute(&range).unwrap();
            assert_eq!(execution.claims, [sealed.claim]);
            *cost += execution.cycles;
            workload += Workload::of(&range);
        }
        let estimated = CycleModel::measured(backend.system()).cycles(&workload);
        println!(
            "{batches} batches of {size}: {} a command; {workload:?}; estimated {estimated:.0}",
            *cost / (*batches * *size) as u64
        );
        let ratio = estimated / *cost as f64;
        assert!((0.8..1.25).contains(&ratio), "the router's estimate is off by a factor of {ratio:.2}");
    }
    assert_eq!(found, expected);
}
