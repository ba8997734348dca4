//! Wrong symbols and shards within half the distance are corrected; beyond it nothing is passed off as unique.

#![allow(clippy::unwrap_used)]

use availability::correction::{Code, CorrectionError};
use proptest::prelude::*;
use rand::seq::{SliceRandom, index};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha12Rng;

/// All shards of random data, by the library.
fn encoded(data: usize, parity: usize, bytes: usize, rng: &mut ChaCha12Rng) -> Vec<Vec<u8>> {
    let mut shards: Vec<Vec<u8>> = (0..data)
        .map(|_| {
            let mut shard = vec![0; bytes];
            rng.fill_bytes(&mut shard);
            shard
        })
        .collect();
    shards.extend(reed_solomon_simd::encode(data, parity, &shards).unwrap());
    shards
}

/// The symbol of two-byte shards.
fn column(shards: &[Vec<u8>]) -> Vec<u16> {
    shards.iter().map(|shard| u16::from_le_bytes([shard[0], shard[1]])).collect()
}

fn borrowed(shards: &[Vec<u8>]) -> Vec<Option<&[u8]>> {
    shards.iter().map(|shard| Some(shard.as_slice())).collect()
}

/// Changes `wrong` symbols and removes `missing` others.
fn damage(
    codeword: &[u16],
    wrong: usize,
    missing: usize,
    rng: &mut ChaCha12Rng,
) -> (Vec<Option<u16>>, Vec<usize>) {
    let mut received: Vec<Option<u16>> = codeword.iter().copied().map(Some).collect();
    let mut places = index::sample(rng, codeword.len(), wrong + missing).into_vec();
    places.shuffle(rng);
    let mut altered = places.split_off(missing);
    places.into_iter().for_each(|place| received[place] = None);
    for place in &altered {
        received[*place] = Some(codeword[*place] ^ rng.random_range(1..=u16::MAX));
    }
    altered.sort_unstable();
    (received, altered)
}

#[test]
fn the_code_is_the_librarys_in_both_its_rates() {
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    for (data, parity) in [
        (256, 128),
        (256, 256),
        (128, 256),
        (1, 1),
        (1, 7),
        (7, 1),
        (2, 3),
        (3, 2),
        (3, 4),
        (4, 3),
        (5, 5),
        (5, 8),
        (8, 5),
        (100, 30),
        (30, 100),
        (17, 31),
        (31, 17),
        (65, 128),
        (128, 65),
        (200, 200),
        (1000, 100),
        (100, 1000),
    ] {
        let code = Code::of_shards(data, parity).unwrap();
        let codeword = column(&encoded(data, parity, 2, &mut rng));
        // Only data, then only as much parity as there is: everything else follows.
        let mut received: Vec<Option<u16>> = codeword.iter().copied().map(Some).collect();
        received[data..].fill(None);
        assert_eq!(code.correct(&received).unwrap().codeword, codeword, "{data}+{parity}");
        let mut received: Vec<Option<u16>> = codeword.iter().copied().map(Some).collect();
        received[..parity.min(data)].fill(None);
        assert_eq!(code.correct(&received).unwrap().codeword, codeword, "{data}+{parity} from parity");
    }
}

#[test]
fn sixty_four_wrong_shards_of_256_and_128_are_corrected_and_one_more_is_refused() {
    let mut rng = ChaCha12Rng::seed_from_u64(2);
    let code = Code::of_shards(256, 128).unwrap();
    let codeword = column(&encoded(256, 128, 2, &mut rng));
    for (wrong, missing) in [(64, 0), (0, 128), (32, 64), (63, 2), (1, 0), (0, 0)] {
        let (received, altered) = damage(&codeword, wrong, missing, &mut rng);
        let corrected = code.correct(&received).unwrap();
        assert_eq!((corrected.codeword, corrected.wrong), (codeword.clone(), altered));
        assert_eq!(corrected.radius, (128 - missing) / 2);
    }
    for (wrong, missing) in [(65, 0), (33, 64), (100, 0), (128, 0), (200, 0)] {
        let (received, _) = damage(&codeword, wrong, missing, &mut rng);
        let radius = (128 - missing) / 2;
        let refused = CorrectionError::BeyondRadius { radius, present: 384 - missing, column: None };
        assert_eq!(code.correct(&received), Err(refused));
    }
}

#[test]
fn beyond_the_radius_another_codeword_may_be_nearer_and_nothing_can_tell() {
    let code = Code::of_values(&[0, 1, 2, 3, 4, 5, 6, 7], 4).unwrap();
    let written = code.codeword(&[]).unwrap();
    // A codeword that is zero at three points and so, being of degree three, nowhere else.
    let mut four = vec![None; 8];
    four[..4].copy_from_slice(&[Some(0), Some(0), Some(0), Some(1)]);
    let other = code.correct(&four).unwrap().codeword;
    assert!(other[3..].iter().all(|symbol| *symbol != 0));
    // Three symbols changed from one towards the other.
    let mut received: Vec<Option<u16>> = written.iter().copied().map(Some).collect();
    (3..6).for_each(|i| received[i] = Some(other[i]));
    let corrected = code.correct(&received).unwrap();
    assert_eq!((corrected.codeword, corrected.wrong, corrected.radius), (other, vec![6, 7], 2));
}

#[test]
fn whole_shards_are_corrected_and_named() {
    let mut rng = ChaCha12Rng::seed_from_u64(3);
    for (data, parity, bytes) in [(256, 128, 64), (20, 12, 130), (12, 20, 2), (10, 6, 62), (5, 3, 4096)] {
        let code = Code::of_shards(data, parity).unwrap();
        let sent = encoded(data, parity, bytes, &mut rng);
        let missing = parity / 3;
        let radius = (parity - missing) / 2;
        let mut damaged = sent.clone();
        let places = index::sample(&mut rng, data + parity, missing + radius).into_vec();
        for place in &places[missing..] {
            rng.fill_bytes(&mut damaged[*place]);
        }
        let mut received = borrowed(&damaged);
        places[..missing].iter().for_each(|place| received[*place] = None);
        let corrected = code.correct_shards(&received).unwrap();
        assert_eq!(corrected.shards, sent, "{data}+{parity} of {bytes}");
        assert_eq!(corrected.radius, radius);
        let mut wrong: Vec<usize> = places[missing..].to_vec();
        wrong.sort_unstable();
        assert_eq!(corrected.wrong.iter().map(|(shard, _)| *shard).collect::<Vec<_>>(), wrong);
    }
}

#[test]
fn different_shards_may_be_wrong_in_each_symbol_even_all_of_them_somewhere() {
    let mut rng = ChaCha12Rng::seed_from_u64(4);
    let (data, parity, bytes) = (16, 8, 192);
    let code = Code::of_shards(data, parity).unwrap();
    let sent = encoded(data, parity, bytes, &mut rng);
    let mut damaged = sent.clone();
    for symbol in 0..bytes / 2 {
        let low = symbol / 32 * 64 + symbol % 32;
        for place in index::sample(&mut rng, data + parity, 4) {
            damaged[place][low] ^= rng.random_range(1..=255u8);
            damaged[place][low + 32] ^= rng.random::<u8>();
        }
    }
    let corrected = code.correct_shards(&borrowed(&damaged)).unwrap();
    assert_eq!(corrected.shards, sent);
    assert_eq!(corrected.wrong.len(), 24);
    assert_eq!(corrected.wrong.iter().map(|(_, symbols)| symbols).sum::<usize>(), 4 * 96);
}

#[test]
fn one_symbol_beyond_the_radius_is_refused_and_named() {
    let mut rng = ChaCha12Rng::seed_from_u64(5);
    let code = Code::of_shards(16, 8).unwrap();
    let mut damaged = encoded(16, 8, 128, &mut rng);
    for shard in &mut damaged[3..8] {
        shard[64 + 7] ^= 0x55;
    }
    let refused = CorrectionError::BeyondRadius { radius: 4, present: 24, column: Some(39) };
    assert_eq!(code.correct_shards(&borrowed(&damaged)), Err(refused));
}

#[test]
fn what_cannot_be_corrected_is_refused() {
    for (data, parity) in [(0, 1), (1, 0), (4096, 1), (usize::MAX, 1), (usize::MAX, usize::MAX)] {
        assert_eq!(Code::of_shards(data, parity), Err(CorrectionError::Shape { data, parity }));
    }
    assert!(Code::of_values(&[1, 2, 1], 2).is_err() && Code::of_values(&[1], 2).is_err());
    assert!(Code::of_values(&[], 0).is_err() && Code::of_values(&[1], 0).is_err());
    let code = Code::of_shards(4, 2).unwrap();
    assert_eq!(code.correct(&[Some(1); 5]), Err(CorrectionError::Length { found: 5, length: 6 }));
    let mut received = vec![Some(1); 3];
    received.resize(6, None);
    assert_eq!(code.correct(&received), Err(CorrectionError::TooFew { present: 3, needed: 4 }));
    assert!(code.codeword(&[1, 2, 3, 4, 5]).is_err());

    let (even, odd, long) = ([0u8; 4], [0u8; 3], [0u8; 6]);
    let mut uneven = [Some(&even[..]); 6];
    uneven[5] = Some(&long);
    assert_eq!(code.correct_shards(&uneven), Err(CorrectionError::Uneven(5)));
    assert_eq!(code.correct_shards(&[Some(&odd[..]); 6]), Err(CorrectionError::Uneven(0)));
    assert_eq!(code.correct_shards(&[Some(&[][..]); 6]), Err(CorrectionError::Uneven(0)));
    assert_eq!(code.correct_shards(&[None; 6]), Err(CorrectionError::TooFew { present: 0, needed: 4 }));
    assert_eq!(code.correct_shards(&[]), Err(CorrectionError::Length { found: 0, length: 6 }));
    let plain = Code::of_values(&[1, 2, 3], 2).unwrap();
    assert_eq!(plain.correct_shards(&[Some(&even[..]); 3]), Err(CorrectionError::NotOfShards));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn up_to_the_radius_all_is_corrected_and_beyond_it_only_true_codewords_are_returned(
        seed: u64, data in 1usize..24, parity in 1usize..24, missing in 0.0f64..1.0, wrong in 0.0f64..1.5,
    ) {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let code = Code::of_shards(data, parity).unwrap();
        let codeword = column(&encoded(data, parity, 2, &mut rng));
        let missing = (missing * (parity + 1) as f64) as usize;
        let radius = (parity - missing.min(parity)) / 2;
        let wrong = ((wrong * (radius + 1) as f64) as usize).min(data + parity - missing);
        let (received, altered) = damage(&codeword, wrong, missing.min(parity), &mut rng);
        match code.correct(&received) {
            Ok(corrected) => {
                prop_assert_eq!(corrected.radius, radius);
                prop_assert!(corrected.wrong.len() <= radius);
                if wrong <= radius {
                    prop_assert_eq!(&corrected.codeword, &codeword);
                    prop_assert_eq!(&corrected.wrong, &altered);
                } else {
                    // Another codeword, truly one, truly that near; the one written is farther away.
                    prop_assert_ne!(&corrected.codeword, &codeword);
                }
                // The library agrees that it is a codeword.
                let shards: Vec<[u8; 2]> = corrected.codeword.iter().map(|symbol| symbol.to_le_bytes()).collect();
                let parities = reed_solomon_simd::encode(data, parity, &shards[..data]).unwrap();
                prop_assert!(parities.iter().zip(&shards[data..]).all(|(a, b)| a[..] == b[..]));
                let differing = received.iter().zip(&corrected.codeword)
                    .filter(|(received, sent)| received.is_some_and(|received| received != **sent)).count();
                prop_assert_eq!(differing, corrected.wrong.len());
            }
            Err(CorrectionError::BeyondRadius { radius: said, .. }) => {
                prop_assert!(wrong > radius);
                prop_assert_eq!(said, radius);
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
