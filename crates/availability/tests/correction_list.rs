//! Lists beyond half the distance hold every codeword within the radius, and nothing else.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use availability::correction::{Code, CorrectionError, MAX_CONSTRAINTS, johnson_radius};
use proptest::prelude::*;
use rand::seq::index;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// Every codeword within `radius`: such a one agrees with what was received in K places at least, so it is among those that K of
/// the symbols determine.
fn all_within(code: &Code, received: &[Option<u16>], radius: usize) -> BTreeSet<Vec<u16>> {
    let present: Vec<usize> = (0..received.len()).filter(|i| received[*i].is_some()).collect();
    let mut found = BTreeSet::new();
    for set in 0u32..1 << present.len() {
        if set.count_ones() as usize != code.dimension() {
            continue;
        }
        let mut few = vec![None; received.len()];
        for (bit, i) in present.iter().enumerate() {
            if set >> bit & 1 == 1 {
                few[*i] = received[*i];
            }
        }
        let codeword = code.correct(&few).unwrap().codeword;
        if present.iter().filter(|i| received[**i] != Some(codeword[**i])).count() <= radius {
            found.insert(codeword);
        }
    }
    found
}

fn check(code: &Code, received: &[Option<u16>], radius: usize) -> usize {
    let list = code.list(received, radius).unwrap();
    let codewords: BTreeSet<Vec<u16>> = list.iter().map(|candidate| candidate.codeword.clone()).collect();
    assert_eq!(codewords.len(), list.len());
    assert!(list.is_sorted_by_key(|candidate| candidate.wrong.len()));
    assert_eq!(codewords, all_within(code, received, radius));
    list.len()
}

#[test]
fn two_codewords_equally_near_are_both_listed() {
    let code = Code::of_values(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 2).unwrap();
    let (one, two) = (code.codeword(&[5, 7]).unwrap(), code.codeword(&[900, 3]).unwrap());
    let received: Vec<Option<u16>> = (0..10).map(|i| Some(if i < 5 { one[i] } else { two[i] })).collect();
    assert!(matches!(code.correct(&received), Err(CorrectionError::BeyondRadius { radius: 4, .. })));
    let list = code.list(&received, 5).unwrap();
    assert!(list.iter().any(|candidate| candidate.codeword == one && candidate.wrong == [5, 6, 7, 8, 9]));
    assert!(list.iter().any(|candidate| candidate.codeword == two && candidate.wrong == [0, 1, 2, 3, 4]));
    assert_eq!(check(&code, &received, 5), 2);
    assert_eq!(code.list(&received, 4), Ok(vec![]));
}

#[test]
fn the_codeword_written_is_listed_up_to_the_johnson_bound() {
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    for (data, parity) in [(4, 12), (3, 12), (2, 10), (8, 24), (5, 27), (16, 48)] {
        let code = Code::of_shards(data, parity).unwrap();
        let length = data + parity;
        let radius = code.list_radius(length).unwrap();
        assert!(radius > parity / 2, "{data}+{parity}: {radius} is beyond half the distance");
        assert!(radius + 1 >= johnson_radius(length, data), "{data}+{parity}: {radius}");
        let message: Vec<u16> = (0..data).map(|_| rng.random()).collect();
        let codeword = code.codeword(&message).unwrap();
        let mut received: Vec<Option<u16>> = codeword.iter().copied().map(Some).collect();
        let mut wrong = index::sample(&mut rng, length, radius).into_vec();
        wrong.sort_unstable();
        for place in &wrong {
            received[*place] = Some(codeword[*place] ^ rng.random_range(1..=u16::MAX));
        }
        let list = code.list(&received, radius).unwrap();
        assert!(list.iter().any(|candidate| candidate.codeword == codeword && candidate.wrong == wrong));
        assert!(code.correct(&received).is_err());
    }
}

#[test]
fn how_far_lists_go() {
    for (data, parity, listed, johnson) in [
        (2, 10, 8, 8),
        (3, 12, 9, 9),
        (4, 12, 8, 9),
        (8, 24, 16, 17),
        (16, 48, 32, 33),
        (32, 16, 9, 9),
        (64, 64, 36, 38),
    ] {
        let code = Code::of_shards(data, parity).unwrap();
        let both = (code.list_radius(data + parity), johnson_radius(data + parity, data));
        assert_eq!(both, (Some(listed), johnson), "{data}+{parity}");
    }
}

#[test]
fn what_cannot_be_listed_is_refused() {
    let code = Code::of_shards(8, 24).unwrap();
    let received = vec![Some(1); 32];
    assert_eq!(code.list(&received, 18), Err(CorrectionError::BeyondJohnson { radius: 18, johnson: 17 }));
    assert_eq!(code.list_radius(32), Some(16));
    assert_eq!(
        code.list(&received, 17),
        Err(CorrectionError::TooLarge { radius: 17, limit: MAX_CONSTRAINTS })
    );
    let large = Code::of_shards(256, 128).unwrap();
    assert!(matches!(large.list(&[Some(1); 384], 71), Err(CorrectionError::TooLarge { .. })));
    assert!(matches!(large.list(&[Some(1); 384], usize::MAX), Err(CorrectionError::BeyondJohnson { .. })));
    assert!(matches!(code.list(&received[..31], 1), Err(CorrectionError::Length { .. })));
    assert!(matches!(code.list(&[None; 32], 0), Err(CorrectionError::TooFew { .. })));
    assert_eq!((code.list_radius(7), code.list_radius(33)), (None, None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_list_is_what_trying_all_sets_of_symbols_finds(
        seed: u64, dimension in 1usize..5, length in 5usize..12, missing in 0usize..3, towards in 0usize..4,
    ) {
        prop_assume!(length - missing >= dimension);
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let points: Vec<u16> = index::sample(&mut rng, 65_536, length).iter().map(|i| i as u16).collect();
        let code = Code::of_values(&points, dimension).unwrap();
        // Pieced together from several codewords, so that lists have more than one entry.
        let words: Vec<Vec<u16>> = (0..=towards)
            .map(|_| {
                let message: Vec<u16> = (0..dimension).map(|_| rng.random()).collect();
                code.codeword(&message).unwrap()
            })
            .collect();
        let mut received: Vec<Option<u16>> =
            (0..length).map(|i| Some(words[rng.random_range(0..words.len())][i])).collect();
        for place in index::sample(&mut rng, length, missing) {
            received[place] = None;
        }
        if rng.random() {
            let place = rng.random_range(0..length);
            received[place] = received[place].map(|symbol| symbol ^ 1);
        }
        let largest = code.list_radius(length - missing).unwrap();
        for radius in [largest, largest.saturating_sub(1), 0] {
            check(&code, &received, radius);
        }
    }
}
