//! Plans against publishers that withhold just enough: what is measured lies where the formula says.
//!
//! A check is of five standard deviations: a right sampler fails it less than once in a million runs, and these runs are seeded.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use availability::sampling::{
    AvailabilityPlan, Confidence, Failure, History, Outcome, Policy, Shape, Strata, Strategy, Verdict,
    always_served, coverage,
};
use rand::seq::index;
use rand::{CryptoRng, Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

const SEED: u64 = 0x61_7661_696c;

fn probability(confidence: &Confidence) -> f64 {
    let (miss, of) = confidence.miss();
    let scaled: num_bigint::BigUint = (miss << 53u32) / of;
    scaled.iter_u64_digits().next().unwrap_or(0) as f64 / (1u64 << 53) as f64
}

/// How far `count` of `trials` lies from what `probability` gives, in standard deviations.
fn deviations(count: u32, trials: u32, probability: f64) -> f64 {
    let trials = f64::from(trials);
    (f64::from(count) - trials * probability) / (trials * probability * (1.0 - probability)).sqrt()
}

fn policy(confidence: &str, tolerated: u32) -> Policy {
    let confidence = confidence.parse().unwrap();
    Policy { confidence, proximity: false, security_bits: 0, ratio_ppm: 0, minimum: 1, tolerated }
}

/// Whether the plan is accepted by a client when exactly these shards are withheld.
fn accepted(plan: &AvailabilityPlan, withheld: impl Fn(u32) -> bool) -> bool {
    let mut results = plan.results();
    for index in plan.requests() {
        let outcome = if withheld(*index) { Outcome::Failed(Failure::Timeout) } else { Outcome::Verified };
        results.record(*index, outcome).unwrap();
    }
    matches!(plan.judge(&results).unwrap(), Verdict::Available { .. })
}

fn contiguous(shape: Shape, from: u32) -> BTreeSet<u32> {
    (from..from + shape.withheld()).map(|index| index % shape.shards()).collect()
}

fn spread(shape: Shape) -> BTreeSet<u32> {
    let (shards, withheld) = (u64::from(shape.shards()), u64::from(shape.withheld()));
    (0..withheld).map(|i| (i * shards / withheld) as u32).collect()
}

fn random(shape: Shape, rng: &mut impl Rng) -> BTreeSet<u32> {
    index::sample(rng, shape.shards() as usize, shape.withheld() as usize).iter().map(|i| i as u32).collect()
}

fn misses(
    shape: Shape,
    policy: &Policy,
    strategy: Strategy<'_>,
    withheld: &BTreeSet<u32>,
    trials: u32,
    rng: &mut impl CryptoRng,
) -> u32 {
    assert!(withheld.len() as u32 == shape.withheld());
    (0..trials)
        .filter(|_| {
            let plan = AvailabilityPlan::draw(policy, shape, strategy, rng).unwrap();
            accepted(&plan, |index| withheld.contains(&index))
        })
        .count() as u32
}

#[test]
fn uniform_samples_detect_as_often_as_the_formula_says_whatever_is_withheld() {
    let shape = Shape::new(256, 128).unwrap();
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    let patterns = [
        random(shape, &mut rng),
        contiguous(shape, 0),
        contiguous(shape, 256),
        contiguous(shape, 300),
        spread(shape),
    ];
    for tolerated in [0, 2] {
        let policy = policy("0.99", tolerated);
        let expected = probability(&policy.requirement(shape).unwrap().achieved);
        assert!((0.005..0.01).contains(&expected), "{expected}");
        for (number, withheld) in patterns.iter().enumerate() {
            let trials = 60_000;
            let missed = misses(shape, &policy, Strategy::Uniform, withheld, trials, &mut rng);
            let off = deviations(missed, trials, expected);
            assert!(
                off.abs() < 5.0,
                "seed {SEED:#x}, pattern {number}, {tolerated} tolerated: {off} deviations"
            );
        }
    }
}

#[test]
fn withholding_one_shard_less_loses_nothing_and_one_more_is_found_more_often() {
    let shape = Shape::new(256, 128).unwrap();
    let policy = policy("0.99", 0);
    let expected = probability(&policy.requirement(shape).unwrap().achieved);
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    let trials = 60_000;
    let missed = |count: u32, rng: &mut ChaCha12Rng| {
        let draw =
            |rng: &mut ChaCha12Rng| AvailabilityPlan::draw(&policy, shape, Strategy::Uniform, rng).unwrap();
        (0..trials).filter(|_| accepted(&draw(rng), |index| index < count)).count() as u32
    };
    // Far from the formula: this check can fail.
    assert!(deviations(missed(160, &mut rng), trials, expected) < -5.0);
    assert!(deviations(missed(110, &mut rng), trials, expected) > 5.0);
}

#[test]
fn the_check_rejects_biased_samplers() {
    let shape = Shape::new(256, 128).unwrap();
    let samples = shape.samples(&"0.99".parse().unwrap(), 0).unwrap();
    let expected = probability(&shape.confidence(samples, 0).unwrap());
    let withheld = contiguous(shape, 255);
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    let trials = 60_000;
    type Sampler = fn(&mut ChaCha12Rng) -> u32;
    let biased: [(&str, Sampler); 3] = [
        // Never asks for the last twelve shards.
        ("a range cut short", |rng| rng.random_range(0..372)),
        // A word of nine bits, folded: the first 128 shards are asked for twice as often.
        ("a remainder", |rng| rng.random_range(0..512) % 384),
        // Asks mostly for data.
        ("data preferred", |rng| {
            if rng.random_ratio(3, 4) { rng.random_range(0..256) } else { rng.random_range(256..384) }
        }),
    ];
    for (name, sampler) in biased {
        let missed = (0..trials)
            .filter(|_| {
                let mut asked = BTreeSet::new();
                while (asked.len() as u32) < samples {
                    asked.insert(sampler(&mut rng));
                }
                asked.is_disjoint(&withheld)
            })
            .count() as u32;
        let off = deviations(missed, trials, expected);
        assert!(off > 5.0, "{name}: {off} deviations");
    }
}

#[test]
fn every_shard_is_asked_for_equally_often() {
    let shape = Shape::new(40, 20).unwrap();
    let policy = policy("0.99", 0);
    let samples = f64::from(policy.requirement(shape).unwrap().samples);
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    let (trials, mut asked, mut first) = (100_000, [0; 60], [0; 60]);
    for _ in 0..trials {
        let plan = AvailabilityPlan::draw(&policy, shape, Strategy::Uniform, &mut rng).unwrap();
        first[plan.requests()[0] as usize] += 1;
        plan.requests().iter().for_each(|index| asked[*index as usize] += 1);
    }
    for index in 0..60 {
        let off = deviations(asked[index], trials, samples / 60.0);
        assert!(off.abs() < 5.0, "shard {index}: {off} deviations");
        let off = deviations(first[index], trials, 1.0 / 60.0);
        assert!(off.abs() < 5.0, "shard {index} first: {off} deviations");
    }
}

#[test]
fn stratified_samples_meet_their_own_bound_and_the_adversary_that_spreads_is_the_worst() {
    let shape = Shape::new(32, 16).unwrap();
    let policy = policy("0.98", 0);
    let strategy = Strategy::Stratified { strata: 6 };
    let strata = Strata::new(shape, 6).unwrap();
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    let plan = AvailabilityPlan::draw(&policy, shape, strategy, &mut rng).unwrap();
    let samples = plan.requirement().samples;
    let expected = probability(&plan.requirement().achieved);

    let per_stratum = strata.worst_withholding(samples).unwrap();
    let worst: BTreeSet<u32> = strata
        .allotment(samples)
        .zip(per_stratum)
        .flat_map(|((range, _), withheld)| range.start..range.start + withheld)
        .collect();
    let trials = 30_000;
    let off = deviations(misses(shape, &policy, strategy, &worst, trials, &mut rng), trials, expected);
    assert!(off.abs() < 5.0, "the worst adversary: {off} deviations");

    for (name, withheld) in [("contiguous", contiguous(shape, 3)), ("random", random(shape, &mut rng))] {
        let off = deviations(misses(shape, &policy, strategy, &withheld, trials, &mut rng), trials, expected);
        assert!(off < 5.0, "{name}: {off} deviations");
    }
    // Concentrating is far from the bound, not within it.
    let concentrated = misses(shape, &policy, strategy, &contiguous(shape, 0), trials, &mut rng);
    assert!(deviations(concentrated, trials, expected) < -5.0);
}

#[test]
fn an_adversary_that_knows_what_an_adaptive_client_suspects_gains_nothing_on_uniform_samples() {
    let shape = Shape::new(64, 32).unwrap();
    let policy = policy("0.98", 1);
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    // Failures at 0..16 in a batch before, provoked by the adversary.
    let mut history = History::new(shape.shards(), 8).unwrap();
    let everything = Policy { minimum: u32::MAX, ..policy.clone() };
    let plan = AvailabilityPlan::draw(&everything, shape, Strategy::Uniform, &mut rng).unwrap();
    let mut results = plan.results();
    (0..16).for_each(|index| results.record(index, Outcome::Failed(Failure::Absent)).unwrap());
    history.record(&results).unwrap();
    let strategy = Strategy::Adaptive { history: &history, extra: 16, tolerated: 0 };
    assert_eq!(history.suspects(16), (0..16).collect::<Vec<_>>());

    let trials = 60_000;
    let expected = probability(&policy.requirement(shape).unwrap().achieved);
    // It serves all that is asked first and withholds elsewhere: exactly the uniform bound.
    let elsewhere = contiguous(shape, 40);
    let off = deviations(misses(shape, &policy, strategy, &elsewhere, trials, &mut rng), trials, expected);
    assert!(off.abs() < 5.0, "elsewhere: {off} deviations");
    // If it withholds there again, it is always found.
    assert_eq!(misses(shape, &policy, strategy, &contiguous(shape, 0), trials / 10, &mut rng), 0);
}

#[test]
fn selective_release_fools_the_first_clients_and_no_later_one_beyond_the_formula() {
    let shape = Shape::new(64, 32).unwrap();
    let policy = policy("0.98", 0);
    let requirement = policy.requirement(shape).unwrap();
    let expected = probability(&requirement.achieved);
    let sure = always_served(shape, requirement.samples).unwrap();
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    let (mut later, mut fooled_later, mut fewest) = (0, 0, u32::MAX);
    for _ in 0..3_000 {
        let mut released = BTreeSet::new();
        let mut served = 0;
        // As long as K − 1 shards suffice for all that was asked, everybody is served.
        loop {
            let plan = AvailabilityPlan::draw(&policy, shape, Strategy::Uniform, &mut rng).unwrap();
            let with: BTreeSet<u32> = released.iter().chain(plan.requests()).copied().collect();
            if with.len() as u32 >= shape.data() {
                break;
            }
            released = with;
            assert!(accepted(&plan, |index| !released.contains(&index)));
            served += 1;
        }
        fewest = fewest.min(served);
        // From then on it has nothing more to release than K − 1 shards, which it chooses now.
        for index in 0..shape.shards() {
            if (released.len() as u32) < shape.data() - 1 {
                released.insert(index);
            }
        }
        for _ in 0..20 {
            let plan = AvailabilityPlan::draw(&policy, shape, Strategy::Uniform, &mut rng).unwrap();
            later += 1;
            fooled_later += u32::from(accepted(&plan, |index| !released.contains(&index)));
        }
    }
    assert!(sure >= 5 && fewest >= sure, "{fewest} were served, {sure} always can be");
    let off = deviations(fooled_later, later, expected);
    assert!(off.abs() < 5.0, "later clients: {off} deviations");
}

#[test]
fn clients_hold_the_data_together_as_often_as_the_formula_says() {
    let shape = Shape::new(64, 32).unwrap();
    let policy = policy("0.98", 0);
    let samples = policy.requirement(shape).unwrap().samples;
    let mut rng = ChaCha12Rng::seed_from_u64(SEED);
    for clients in [10, 11, 12, 13] {
        let expected = probability(&coverage(shape, clients, samples).unwrap());
        assert!((0.01..0.99).contains(&expected), "{clients}: {expected}");
        let trials = 4_000;
        let short = (0..trials)
            .filter(|_| {
                let held: BTreeSet<u32> = (0..clients)
                    .flat_map(|_| {
                        let plan =
                            AvailabilityPlan::draw(&policy, shape, Strategy::Uniform, &mut rng).unwrap();
                        plan.requests().to_vec()
                    })
                    .collect();
                (held.len() as u32) < shape.data()
            })
            .count() as u32;
        let off = deviations(short, trials, expected);
        assert!(off.abs() < 5.0, "{clients} clients: {off} deviations");
    }
}
