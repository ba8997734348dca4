//! What plans ask for and how their outcomes are judged.

#![allow(clippy::unwrap_used)]

use availability::sampling::{
    AvailabilityPlan, Confidence, Failure, History, Outcome, Policy, Proximity, ProximityPlan, SamplingError,
    Shape, Strategy, Verdict,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;

const FAILED: Outcome = Outcome::Failed(Failure::Invalid);

fn shape() -> Shape {
    Shape::new(256, 128).unwrap()
}

fn draw(tolerated: u32, strategy: Strategy<'_>, seed: u64) -> AvailabilityPlan {
    let policy = Policy { tolerated, proximity: false, ..Policy::default() };
    AvailabilityPlan::draw(&policy, shape(), strategy, &mut ChaCha12Rng::seed_from_u64(seed)).unwrap()
}

#[test]
fn nothing_is_said_before_it_is_decided() {
    let plan = draw(1, Strategy::Uniform, 1);
    assert_eq!(plan.requests().len(), 29);
    let mut results = plan.results();
    assert_eq!(plan.judge(&results), Ok(Verdict::MoreNeeded { outstanding: plan.requests().to_vec() }));
    for (number, index) in plan.requests()[..27].iter().enumerate() {
        results.record(*index, if number == 5 { FAILED } else { Outcome::Verified }).unwrap();
    }
    assert_eq!(plan.judge(&results), Ok(Verdict::MoreNeeded { outstanding: plan.requests()[27..].to_vec() }));
    results.record(plan.requests()[27], Outcome::Verified).unwrap();
    assert!(matches!(plan.judge(&results), Ok(Verdict::MoreNeeded { .. })));
    results.record(plan.requests()[28], Outcome::Verified).unwrap();
    let confidence = plan.requirement().achieved.clone();
    assert!(confidence >= "0.9999".parse::<Confidence>().unwrap());
    assert_eq!(plan.judge(&results), Ok(Verdict::Available { confidence }));
}

#[test]
fn a_timeout_is_a_failure() {
    for (late, available) in [(1, true), (2, false)] {
        let plan = draw(1, Strategy::Uniform, 2);
        let mut results = plan.results();
        for index in &plan.requests()[late..] {
            results.record(*index, Outcome::Verified).unwrap();
        }
        results.expire();
        assert_eq!(results.outcome(plan.requests()[0]), Some(Outcome::Failed(Failure::Timeout)));
        assert_eq!(matches!(plan.judge(&results), Ok(Verdict::Available { .. })), available);
        assert_eq!(plan.judge(&results) == Ok(Verdict::Unavailable { failures: 2 }), !available);
    }
}

#[test]
fn evidence_cannot_be_chosen_afterwards() {
    let plan = draw(0, Strategy::Uniform, 3);
    let mut results = plan.results();
    let other = (0..384).find(|index| !plan.requests().contains(index)).unwrap();
    assert_eq!(results.record(other, Outcome::Verified), Err(SamplingError::NotAsked(other)));
    let asked = plan.requests()[0];
    results.record(asked, FAILED).unwrap();
    assert_eq!(results.record(asked, Outcome::Verified), Err(SamplingError::AlreadyAnswered(asked)));
    assert_eq!(plan.judge(&results), Ok(Verdict::Unavailable { failures: 1 }));
    assert_eq!(draw(0, Strategy::Uniform, 4).judge(&results), Err(SamplingError::OtherPlan));
}

fn history_with(failures: &[u32]) -> History {
    let mut history = History::new(384, 16).unwrap();
    let all = Policy { minimum: 384, ..Policy::default() };
    let plan = AvailabilityPlan::draw(&all, shape(), Strategy::Uniform, &mut rand::rng()).unwrap();
    let mut results = plan.results();
    failures.iter().for_each(|index| results.record(*index, FAILED).unwrap());
    history.record(&results).unwrap();
    history
}

#[test]
fn suspected_shards_are_asked_for_first_and_then_their_region() {
    let history = history_with(&[200, 50]);
    assert_eq!(history.suspects(2), [50, 200]);
    assert_eq!(history.suspects(5), [50, 200, 48, 49, 51]);
    assert_eq!(history.suspects(1000).len(), 32);
    assert_eq!(History::new(384, 16).unwrap().suspects(10), []);
    for seed in 0..50 {
        let plan = draw(0, Strategy::Adaptive { history: &history, extra: 2, tolerated: 0 }, seed);
        assert_eq!(plan.requests()[..2], [50, 200]);
        let uniform = draw(0, Strategy::Uniform, seed);
        // The sample is the one that would have been drawn without a history; none is asked for twice.
        let rest: Vec<u32> = uniform.requests().iter().copied().filter(|i| ![50, 200].contains(i)).collect();
        assert_eq!(plan.requests()[2..], rest);
        assert_eq!(plan.requirement(), uniform.requirement());
    }
}

#[test]
fn suspicion_fades_and_an_answer_ends_it() {
    let mut history = history_with(&[10, 20]);
    let plan = draw(0, Strategy::Adaptive { history: &history, extra: 1, tolerated: 0 }, 9);
    let mut results = plan.results();
    results.record(10, Outcome::Verified).unwrap();
    history.record(&results).unwrap();
    assert_eq!(history.suspects(1), [20]);
    let nothing = plan.results();
    (0..8).for_each(|_| history.record(&nothing).unwrap());
    assert_eq!(history.suspects(384), []);
}

#[test]
fn strategies_that_do_not_fit_are_refused() {
    let mut rng = rand::rng();
    let mut refused =
        |policy: &Policy, strategy| AvailabilityPlan::draw(policy, shape(), strategy, &mut rng).unwrap_err();
    let tolerant = Policy { tolerated: 1, ..Policy::default() };
    assert_eq!(refused(&tolerant, Strategy::Stratified { strata: 8 }), SamplingError::ToleranceNeedsUniform);
    let none = Strategy::Stratified { strata: 0 };
    assert_eq!(refused(&Policy::default(), none), SamplingError::Strata { strata: 0, shards: 384 });
    let history = History::new(100, 4).unwrap();
    let adaptive = Strategy::Adaptive { history: &history, extra: 1, tolerated: 0 };
    assert_eq!(refused(&tolerant, adaptive), SamplingError::History { history: 100, shards: 384 });
}

#[test]
fn a_stratified_plan_asks_every_stratum() {
    let plan = draw(0, Strategy::Stratified { strata: 8 }, 5);
    let mut asked = [0; 8];
    plan.requests().iter().for_each(|index| asked[*index as usize / 48] += 1);
    assert_eq!(asked.iter().sum::<u32>(), plan.requirement().samples);
    assert!(asked.iter().max().unwrap() - asked.iter().min().unwrap() <= 1, "{asked:?}");
}

#[test]
fn two_plans_of_the_systems_randomness_differ() {
    let draw = || AvailabilityPlan::draw_from_os(&Policy::default(), shape(), Strategy::Uniform).unwrap();
    assert_ne!(draw().requests(), draw().requests());
}

#[test]
fn proximity_tolerates_nothing_and_speaks_only_of_closeness() {
    let plan = ProximityPlan::from_commitment(shape(), &[1; 32]);
    let mut results = plan.results();
    assert!(matches!(plan.judge(&results), Ok(Proximity::MoreNeeded { .. })));
    let (last, rest) = plan.indices().split_last().unwrap();
    rest.iter().for_each(|index| results.record(*index, Outcome::Verified).unwrap());
    assert_eq!(plan.judge(&results), Ok(Proximity::MoreNeeded { outstanding: vec![*last] }));
    let mut failed = results.clone();
    failed.record(*last, FAILED).unwrap();
    assert_eq!(plan.judge(&failed), Ok(Proximity::Refused { failures: 1 }));
    results.record(*last, Outcome::Verified).unwrap();
    match plan.judge(&results).unwrap() {
        Proximity::Close { bad_at_most, confidence } => {
            assert_eq!((bad_at_most, confidence.bits()), (64, 128))
        }
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn a_verdict_never_changes_once_it_is_decided(
        seed: u64,
        tolerated in 0u32..4,
        suspects_tolerated in 0u32..3,
        suspected in proptest::collection::btree_set(0u32..384, 0..20),
        outcomes in proptest::collection::vec(proptest::bool::weighted(0.9), 64),
    ) {
        let suspected: Vec<u32> = suspected.into_iter().collect();
        let history = history_with(&suspected);
        let strategy = Strategy::Adaptive { history: &history, extra: 10, tolerated: suspects_tolerated };
        let plan = draw(tolerated, strategy, seed);
        let mut results = plan.results();
        let mut decided: Option<Verdict> = None;
        let mut verified = 0;
        for (index, good) in plan.requests().iter().zip(&outcomes) {
            results.record(*index, if *good { Outcome::Verified } else { FAILED }).unwrap();
            verified += u32::from(*good);
            let verdict = plan.judge(&results).unwrap();
            match (&decided, &verdict) {
                (None, Verdict::MoreNeeded { .. }) => {}
                (None, _) => decided = Some(verdict),
                (Some(Verdict::Unavailable { .. }), now) => {
                    let unavailable = matches!(now, Verdict::Unavailable { .. });
                    prop_assert!(unavailable);
                }
                (Some(before), now) => prop_assert_eq!(before, now),
            }
        }
        let requirement = plan.requirement();
        match decided {
            Some(Verdict::Available { confidence }) => {
                prop_assert!(verified + tolerated >= requirement.samples);
                prop_assert_eq!(&confidence, &requirement.achieved);
            }
            Some(_) => prop_assert!((verified as usize) < plan.requests().len()),
            None => prop_assert!(false, "all requests have outcomes"),
        }
    }
}
