//! How many samples are enough, exactly, and which wish decided.

#![allow(clippy::unwrap_used)]

use availability::sampling::{
    Bound, Confidence, History, Policy, ProximityPlan, SamplingError, Shape, Strata, always_served,
    clients_needed, coverage,
};

fn shape(data: u32, parity: u32) -> Shape {
    Shape::new(data, parity).unwrap()
}

fn confidence(text: &str) -> Confidence {
    text.parse().unwrap()
}

/// Between two decimal fractions of 10^12.
fn miss_is_between(confidence: &Confidence, low: u64, high: u64) -> bool {
    let of = 1_000_000_000_000;
    *confidence <= Confidence::of_miss(low, of).unwrap()
        && *confidence >= Confidence::of_miss(high, of).unwrap()
}

#[test]
fn the_fewest_samples_for_each_code_and_confidence() {
    for (code, needed) in [
        (shape(256, 128), [("0.9999", 22), ("40bits", 61), ("128bits", 156)]),
        (shape(256, 256), [("0.9999", 13), ("40bits", 38), ("128bits", 107)]),
    ] {
        for (target, samples) in needed {
            let target = confidence(target);
            assert_eq!(code.samples(&target, 0), Ok(samples));
            assert!(code.confidence(samples, 0).unwrap() >= target);
            assert!(code.confidence(samples - 1, 0).unwrap() < target);
        }
    }
}

#[test]
fn each_tolerated_failure_takes_more_samples() {
    let needed =
        |code: Shape| [0, 1, 2, 3].map(|tolerated| code.samples(&confidence("99.99%"), tolerated).unwrap());
    assert_eq!(needed(shape(256, 128)), [22, 29, 34, 39]);
    assert_eq!(needed(shape(256, 256)), [13, 18, 21, 24]);
}

#[test]
fn one_sample_decides_between_two_fractions_that_floating_point_cannot_tell_apart() {
    // C(255, 22) / C(384, 22), and the fraction whose numerator is smaller by one.
    let exact = shape(256, 128).confidence(22, 0).unwrap();
    assert_eq!(shape(256, 128).samples(&exact, 0), Ok(22));
    let (miss, of) = exact.miss();
    let one = num_bigint::BigUint::from(10u32).pow(299);
    // One minus the miss, rounded up at the 299th decimal: higher than what 22 samples achieve, by less than 10^-298.
    let rounded = &one - miss * &one / of;
    let above: Confidence = format!("0.{rounded}").parse().unwrap();
    assert!(above > exact);
    assert_eq!(shape(256, 128).samples(&above, 0), Ok(23));
}

#[test]
fn the_answer_says_which_wish_decided_and_what_it_achieves() {
    let code = shape(256, 128);
    let decided = |policy: &Policy| {
        let requirement = policy.requirement(code).unwrap();
        assert_eq!(requirement.achieved, code.confidence(requirement.samples, policy.tolerated).unwrap());
        assert!(requirement.achieved >= policy.confidence);
        (requirement.decided_by, requirement.samples)
    };
    let default = Policy { proximity: false, ..Policy::default() };
    assert_eq!(decided(&default), (Bound::Confidence, 22));
    assert_eq!(decided(&Policy { security_bits: 40, ..default.clone() }), (Bound::Security, 61));
    assert_eq!(decided(&Policy { ratio_ppm: 100_000, ..default.clone() }), (Bound::Ratio, 39));
    assert_eq!(decided(&Policy { minimum: 23, ..default.clone() }), (Bound::Minimum, 23));
    assert_eq!(decided(&Policy { minimum: 22, ..default.clone() }), (Bound::Confidence, 22));
    assert_eq!(decided(&Policy { minimum: u32::MAX, ..default.clone() }), (Bound::Minimum, 384));
    assert_eq!(decided(&Policy { ratio_ppm: 1_000_000, ..default.clone() }), (Bound::Ratio, 384));
    assert_eq!(decided(&Policy { tolerated: 3, ..default.clone() }), (Bound::Confidence, 39));

    let requirement = default.requirement(code).unwrap();
    assert_eq!(requirement.floors.ratio, 4);
    assert_eq!(requirement.achieved.to_string(), "99.9910 %");
}

#[test]
fn by_default_shards_must_fit_together_too_and_that_takes_more_samples() {
    let default = Policy::default();
    for (code, samples) in [(shape(256, 128), 47), (shape(256, 256), 31)] {
        let requirement = default.requirement(code).unwrap();
        assert_eq!((requirement.decided_by, requirement.samples), (Bound::Proximity, samples));
        assert_eq!(requirement.floors.proximity, samples);
        assert!(requirement.near.unwrap() >= default.confidence);
        // One less would not do.
        let less = Policy { proximity: false, minimum: samples - 1, ..default.clone() };
        let fewer = less.requirement(code).unwrap();
        assert_eq!((fewer.samples, fewer.near), (samples - 1, None));
        assert!(code.bad_at_most(samples - 1, &default.confidence).unwrap() > code.unique_radius());
    }
    // Failures that are tolerated count against it.
    let tolerant = Policy { tolerated: 2, ..default.clone() };
    assert!(tolerant.requirement(shape(256, 128)).unwrap().samples > 47);
    assert_eq!(
        Policy { tolerated: 3, ..default }.requirement(shape(8, 4)).unwrap_err(),
        SamplingError::Tolerance { tolerated: 3, withheld: 3 }
    );
}

#[test]
fn a_ratio_or_a_minimum_alone_achieves_little() {
    let weak = Policy { confidence: confidence("0"), minimum: 10, proximity: false, ..Policy::default() };
    let requirement = weak.requirement(shape(256, 128)).unwrap();
    assert_eq!(
        (requirement.decided_by, requirement.achieved.to_string().as_str()),
        (Bound::Minimum, "98.43 %")
    );
    let weaker = Policy { minimum: 0, ..weak };
    let requirement = weaker.requirement(shape(256, 128)).unwrap();
    assert_eq!(
        (requirement.decided_by, requirement.achieved.to_string().as_str()),
        (Bound::Ratio, "80.70 %")
    );
}

#[test]
fn wishes_that_make_no_sense_are_refused() {
    let code = shape(256, 128);
    let refused = |policy: Policy| policy.requirement(code).unwrap_err();
    let default = || Policy { proximity: false, ..Policy::default() };
    assert_eq!(refused(Policy { ratio_ppm: 1_000_001, ..default() }), SamplingError::Ratio(1_000_001));
    assert_eq!(refused(Policy { tolerated: 65, ..default() }), SamplingError::TooTolerant(65));
    assert!(Policy { tolerated: 64, ..default() }.requirement(code).is_ok());
    assert_eq!(
        Policy { tolerated: 5, ..default() }.requirement(shape(8, 4)).unwrap_err(),
        SamplingError::Tolerance { tolerated: 5, withheld: 5 }
    );
    assert_eq!(
        refused(Policy { confidence: Confidence::of_miss(0, 1).unwrap(), ..default() }),
        SamplingError::Certain
    );
    assert!(matches!(refused(Policy { security_bits: 1025, ..default() }), SamplingError::Confidence(_)));
    for (data, parity) in [(0, 4), (65_536, 1), (u32::MAX, u32::MAX), (1, u32::MAX)] {
        assert!(matches!(Shape::new(data, parity), Err(SamplingError::Shape { .. })));
    }
    assert!(matches!(code.confidence(0, 0), Err(SamplingError::Samples { .. })));
    assert!(matches!(code.confidence(385, 0), Err(SamplingError::Samples { .. })));
    assert!(Strata::new(code, 0).is_err() && Strata::new(code, 385).is_err());
    assert!(History::new(10, 0).is_err() && History::new(0, 1).is_err() && History::new(65_537, 1).is_err());
}

#[test]
fn the_smallest_and_the_largest_codes_have_answers() {
    // One shard, no parity: it is asked for.
    assert_eq!(shape(1, 0).samples(&confidence("0.9999"), 0), Ok(1));
    // Without parity one missing shard loses the data: nearly all must be asked for.
    assert_eq!(shape(1000, 0).samples(&confidence("0.999"), 0), Ok(999));
    assert_eq!(shape(1000, 0).samples(&confidence("0.9999"), 0), Ok(1000));
    let all = shape(32_768, 32_768);
    assert_eq!(all.samples(&confidence("0.9999"), 0), Ok(14));
    assert!(all.confidence(32_767, 0).unwrap() < all.confidence(65_536, 0).unwrap());
}

#[test]
fn strata_need_more_samples_than_none() {
    let code = shape(256, 128);
    let strata = Strata::new(code, 24).unwrap();
    // 5.27e-5 against 3.69e-5.
    assert!(miss_is_between(&strata.confidence(24).unwrap(), 52_000_000, 53_000_000));
    assert!(miss_is_between(&code.confidence(24, 0).unwrap(), 36_000_000, 37_000_000));
    assert_eq!(strata.samples(&confidence("0.9999")), Ok(24));
    assert_eq!(strata.samples(&confidence("40bits")).unwrap(), 66);
    // The worst adversary spreads what it withholds.
    let withheld = strata.worst_withholding(24).unwrap();
    assert_eq!(
        (withheld.iter().sum::<u32>(), withheld.iter().min(), withheld.iter().max()),
        (129, Some(&5), Some(&6))
    );
}

#[test]
fn how_many_bad_shards_passing_samples_leave() {
    let target = confidence("0.9999");
    for (code, samples, radius) in [(shape(256, 128), 47, 64), (shape(256, 256), 31, 128)] {
        assert_eq!(code.unique_radius(), radius);
        assert!(code.bad_at_most(samples, &target).unwrap() <= radius);
        assert!(code.bad_at_most(samples - 1, &target).unwrap() > radius);
        let plan = ProximityPlan::draw(code, &target, &mut rand::rng()).unwrap();
        assert_eq!(plan.indices().len() as u32, samples);
    }
    assert_eq!(shape(256, 128).bad_at_most(47, &target), Ok(64));
    assert_eq!(shape(256, 256).bad_at_most(31, &target), Ok(127));
    // What availability needs leaves far more: at most as many as do not lose the data.
    assert_eq!(shape(256, 128).bad_at_most(22, &target), Ok(127));
    assert_eq!(shape(256, 128).bad_at_most(384, &target), Ok(0));
}

#[test]
fn indices_of_a_commitment_are_many_and_always_the_same() {
    let plan = ProximityPlan::from_commitment(shape(256, 128), &[7; 32]);
    assert_eq!(plan.indices().len(), 261);
    assert_eq!(ProximityPlan::from_commitment(shape(256, 256), &[7; 32]).indices().len(), 221);
    assert_eq!(plan.indices(), ProximityPlan::from_commitment(shape(256, 128), &[7; 32]).indices());
    assert_ne!(plan.indices(), ProximityPlan::from_commitment(shape(256, 128), &[8; 32]).indices());
    let mut sorted = plan.indices().to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!((sorted.len(), sorted.last().map(|last| *last < 384)), (261, Some(true)));
    // Computed by another implementation.
    let sum: u32 = (1..).zip(plan.indices()).map(|(place, index)| place * index).sum();
    assert_eq!(sum, 6_749_920);
    assert_eq!(plan.indices()[..8], [327, 343, 337, 33, 128, 194, 382, 82]);
}

#[test]
fn twenty_two_clients_with_twenty_two_samples_hold_the_data_together() {
    let code = shape(256, 128);
    let together = coverage(code, 22, 22).unwrap();
    assert!(miss_is_between(&together, 67_000_000, 68_000_000), "{together}");
    assert_eq!(clients_needed(code, 22, &confidence("0.9999")), Ok(22));
    assert_eq!(clients_needed(code, 22, &confidence("40bits")), Ok(26));
    assert_eq!(clients_needed(code, 384, &confidence("0.9999")), Ok(1));
    // Eleven can be served in full while the data stays lost.
    assert_eq!(always_served(code, 22), Ok(11));
    assert!(coverage(code, 11, 22).unwrap() == Confidence::of_miss(1, 1).unwrap());
    assert!(matches!(coverage(shape(32_768, 32_768), 1 << 20, 14), Err(SamplingError::TooLarge { .. })));
    assert!(matches!(
        clients_needed(code, 1, &Confidence::of_miss(0, 1).unwrap()),
        Err(SamplingError::Certain)
    ));
}
