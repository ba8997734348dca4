//! The inner-product argument: what it accepts, what it refuses, and its bytes.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::LazyLock;

use ark_ff::{AdditiveGroup, Field, PrimeField, UniformRand};
use ark_pallas::Fr;
use commitments::ipa::{Ipa, IpaCommitment, IpaCommitted, IpaProof, scalar_from_bytes, scalar_to_bytes};
use commitments::{Encoding, Error, Opening, PolynomialCommitment};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

/// Six rounds: generators are folded once on the way.
static SCHEME: LazyLock<Ipa> = LazyLock::new(|| Ipa::new(64).unwrap());

struct Honest {
    commitment: IpaCommitment,
    committed: IpaCommitted,
    point: Fr,
    value: Fr,
    proof: IpaProof,
}

fn polynomial(seed: u64) -> Vec<Fr> {
    (0..64).map(|i| Fr::from(seed + 3).pow([i + 200])).collect()
}

fn honest(seed: u64) -> Honest {
    let (commitment, committed) = SCHEME.commit(&polynomial(seed)).unwrap();
    let point = Fr::from(seed + 7).pow([300]);
    let (value, proof) = SCHEME.open(&committed, &point).unwrap();
    Honest { commitment, committed, point, value, proof }
}

fn verify(opening: &Honest) -> Result<(), Error> {
    SCHEME.verify(&opening.commitment, &opening.point, &opening.value, &opening.proof)
}

/// Calculated by `tests/ipa_vectors.py`, which shares no code with the crate.
#[test]
fn the_bytes_are_those_of_an_independent_calculation() {
    let ipa = Ipa::new(1024).unwrap();
    let (generators, value_generator) = ipa.generators();
    let mut hash = Sha256::new();
    for generator in generators.iter().chain([&value_generator]) {
        let x = scalar_like(generator.x.into_bigint().0);
        let mut bytes = x;
        bytes[31] |= u8::from(generator.y.into_bigint().0[0] % 2 == 1) << 7;
        hash.update(bytes);
    }
    assert_eq!(
        hex::encode(hash.finalize()),
        "e2d1178850b57df6a33d2eb861eab7442b60416bce2d46fb209b57d545b40563"
    );

    let opening = honest(0);
    assert_eq!(
        hex::encode(opening.commitment.to_bytes()),
        "0101c2f027aa1e187b44813578635268bca5180cc37f70a8bbbfb71d9a626e2a78ac"
    );
    assert_eq!(
        hex::encode(scalar_to_bytes(&opening.value)),
        "902d912a904fe98eb12eb22d9eb8d665330511f04db307d1e5b0b9da8d8a8037"
    );
    assert_eq!(
        hex::encode(Sha256::digest(opening.proof.to_bytes())),
        "a8bb7ee90eafe6e37e7b1ef862c714a831de62cd777d7ad5a38cce2a7e4d4a47"
    );

    let small = Ipa::new(2).unwrap();
    let (_, committed) = small.commit(&[Fr::from(5), Fr::from(6)]).unwrap();
    let (value, proof) = small.open(&committed, &Fr::from(7)).unwrap();
    assert_eq!(value, Fr::from(47));
    assert_eq!(
        hex::encode(proof.to_bytes()),
        "02010199835c6e3196cd2165a1a6ea2ef8b83576ba187853513cfa55470e87e571dd37fa6d1e3bde21460d660ce6aec3723767c5d7a9fbf5\
         9f21845fd884e9e52cbea731c5f7d390fdedbbbba5a941067abbee782075be2af7605d344303379e29c826"
    );
}

fn scalar_like(limbs: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, limb) in bytes.chunks_exact_mut(8).zip(limbs) {
        bytes.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_is_opened_is_accepted_and_comes_back_from_its_bytes(
        log_size in 0u32..9,
        seed: u64,
        coefficients in 1usize..257,
        sparse: bool,
    ) {
        let mut rng = ark_std::rand::rngs::StdRng::from_seed_u64(seed);
        let size = 1usize << log_size;
        let ipa = Ipa::new(size).unwrap();
        let coefficients = coefficients.min(size);
        let polynomial: Vec<Fr> = (0..coefficients)
            .map(|i| if sparse && i % 3 > 0 { Fr::ZERO } else { Fr::rand(&mut rng) })
            .collect();
        let point = Fr::rand(&mut rng);
        let (commitment, committed) = ipa.commit(&polynomial).unwrap();
        let (value, proof) = ipa.open(&committed, &point).unwrap();
        let expected = polynomial.iter().rev().fold(Fr::ZERO, |sum, c| sum * point + c);
        prop_assert_eq!(value, expected);
        prop_assert_eq!(IpaCommitment::from_bytes(&commitment.to_bytes()).unwrap(), commitment);
        prop_assert_eq!(scalar_from_bytes(&scalar_to_bytes(&value)).unwrap(), value);
        let proof_again = IpaProof::from_bytes(&proof.to_bytes()).unwrap();
        prop_assert_eq!(&proof_again, &proof);
        prop_assert_eq!(ipa.verify(&commitment, &point, &value, &proof_again), Ok(()));
        prop_assert!(ipa.verify(&commitment, &point, &(value + Fr::ONE), &proof).is_err());
    }

    #[test]
    fn bytes_that_are_decoded_are_the_only_ones_of_what_they_are(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        rounds in 0u8..3,
        last in any::<[u8; 31]>(),
    ) {
        if let Ok(proof) = IpaProof::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes);
        }
        // With a right header and length, decoding gets as far as the points.
        let mut bytes = vec![2, 1, rounds];
        bytes.extend(last.repeat(64 * usize::from(rounds) / 31 + 1));
        bytes.truncate(3 + 64 * usize::from(rounds));
        bytes.extend(last);
        bytes.push(0);
        if let Ok(proof) = IpaProof::from_bytes(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes);
        }
    }
}

trait FromSeed {
    fn from_seed_u64(seed: u64) -> Self;
}

impl FromSeed for ark_std::rand::rngs::StdRng {
    fn from_seed_u64(seed: u64) -> Self {
        ark_std::rand::SeedableRng::seed_from_u64(seed)
    }
}

#[test]
fn the_constant_zero_is_committed_to_and_opened() {
    let (commitment, committed) = SCHEME.commit(&[Fr::ZERO]).unwrap();
    assert_eq!(commitment.to_bytes()[2..], [0; 32]);
    let (value, proof) = SCHEME.open(&committed, &Fr::from(9)).unwrap();
    assert_eq!(value, Fr::ZERO);
    assert_eq!(SCHEME.verify(&commitment, &Fr::from(9), &value, &proof), Ok(()));
    assert!(SCHEME.verify(&commitment, &Fr::from(9), &Fr::ONE, &proof).is_err());
}

#[test]
fn another_commitment_point_or_value_is_refused() {
    let opening = honest(1);
    assert_eq!(verify(&opening), Ok(()));
    let refused = Err(Error::Refused("the inner-product argument does not add up"));
    assert_eq!(verify(&Honest { commitment: honest(2).commitment, ..honest(1) }), refused);
    assert_eq!(verify(&Honest { point: opening.point + Fr::ONE, ..honest(1) }), refused);
    assert_eq!(verify(&Honest { value: opening.value + Fr::ONE, ..honest(1) }), refused);
    assert_eq!(verify(&Honest { proof: honest(2).proof, ..honest(1) }), refused);
}

#[test]
fn every_flipped_bit_of_a_proof_or_commitment_is_refused() {
    let opening = honest(3);
    let bytes = opening.proof.to_bytes();
    for bit in 0..8 * bytes.len() {
        // All bits of the first and last parts, and some of each of the others.
        if (8 * 40..8 * (bytes.len() - 33)).contains(&bit) && bit % 13 != 0 {
            continue;
        }
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let result = IpaProof::from_bytes(&changed)
            .and_then(|proof| verify(&Honest { proof, ..honest_from(&opening) }));
        assert!(result.is_err(), "bit {bit}");
    }
    let bytes = opening.commitment.to_bytes();
    for bit in 0..8 * bytes.len() {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let result = IpaCommitment::from_bytes(&changed)
            .and_then(|commitment| verify(&Honest { commitment, ..honest_from(&opening) }));
        assert!(result.is_err(), "bit {bit}");
    }
}

fn honest_from(opening: &Honest) -> Honest {
    Honest { committed: opening.committed.clone(), proof: opening.proof.clone(), ..*opening }
}

#[test]
fn truncated_lengthened_and_overlong_bytes_are_refused() {
    let bytes = honest(4).proof.to_bytes();
    for length in 0..bytes.len() {
        assert!(matches!(IpaProof::from_bytes(&bytes[..length]), Err(Error::Malformed(_))));
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(IpaProof::from_bytes(&longer), Err(Error::Malformed(_))));
    let most = IpaProof::MOST_BYTES;
    let got = most + 1;
    assert_eq!(IpaProof::from_bytes(&vec![2; got]), Err(Error::TooLong { got, most }));
}

#[test]
fn other_encodings_of_the_same_numbers_are_refused() {
    // A scalar plus the group's order, a coordinate plus the field's.
    let order = "01000000_21eb468c_dda89409_fc984622_00000000_00000000_00000000_00000040".replace('_', "");
    let mut scalar: [u8; 32] = hex::decode(order).unwrap().try_into().unwrap();
    assert!(scalar_from_bytes(&scalar).is_err());
    scalar[0] = 0;
    assert_eq!(scalar_from_bytes(&scalar), Ok(-Fr::ONE));
    let mut commitment = vec![1, 1];
    commitment
        .extend(hex::decode("01000000ed302d991bf94c09fc98462200000000000000000000000000000040").unwrap());
    assert_eq!(
        IpaCommitment::from_bytes(&commitment),
        Err(Error::Malformed("a coordinate over the modulus"))
    );
    // The identity with a sign, and x = 0, which is on no point.
    let mut commitment = vec![1, 1];
    commitment.extend([0; 32]);
    assert!(IpaCommitment::from_bytes(&commitment).is_ok());
    commitment[33] = 0x80;
    assert_eq!(IpaCommitment::from_bytes(&commitment), Err(Error::Malformed("not a point of the curve")));
}

#[test]
fn polynomials_of_a_higher_degree_are_refused() {
    let polynomial = vec![Fr::ONE; 65];
    let expected = Error::Size { got: 65, least: 1, most: 64 };
    assert_eq!(SCHEME.commit(&polynomial).map(|_| ()), Err(expected));
    // A proof of a larger scheme, which has the same generators, does not pass for one of a smaller.
    let large = Ipa::new(128).unwrap();
    let (commitment, committed) = large.commit(&polynomial).unwrap();
    let (value, proof) = large.open(&committed, &Fr::from(5)).unwrap();
    assert_eq!(large.verify(&commitment, &Fr::from(5), &value, &proof), Ok(()));
    let expected = Error::Count { expected: 6, got: 7 };
    assert_eq!(SCHEME.verify(&commitment, &Fr::from(5), &value, &proof), Err(expected.clone()));
    assert_eq!(
        SCHEME.open(&committed, &Fr::from(5)).map(|_| ()),
        Err(Error::Count { expected: 64, got: 128 })
    );
    assert!(Ipa::new(0).is_err() && Ipa::new(48).is_err() && Ipa::new(1 << 17).is_err());
}

#[test]
fn one_proof_opens_several_polynomials_at_a_point() {
    let polynomials: Vec<Vec<Fr>> = (0..5).map(polynomial).collect();
    let slices: Vec<&[Fr]> = polynomials.iter().map(Vec::as_slice).collect();
    let (commitments, committed): (Vec<_>, Vec<_>) =
        SCHEME.commit_batch(&slices).unwrap().into_iter().unzip();
    let committed: Vec<&IpaCommitted> = committed.iter().collect();
    let point = Fr::from(11);
    let (values, proof) = SCHEME.open_batch(&committed, &point).unwrap();
    let verify =
        |commitments: &[_], point, values: &[_]| SCHEME.verify_batch(commitments, &point, values, &proof);
    assert_eq!(verify(&commitments, point, &values), Ok(()));
    assert!(verify(&commitments, point + Fr::ONE, &values).is_err());
    for index in 0..5 {
        let mut other = values.clone();
        other[index] += Fr::ONE;
        assert!(verify(&commitments, point, &other).is_err());
    }
    // Errors that cancel without a random factor.
    let mut other = values.clone();
    other[0] += Fr::ONE;
    other[1] -= Fr::ONE;
    assert!(verify(&commitments, point, &other).is_err());
    let mut other = commitments.clone();
    other.swap(0, 1);
    assert!(verify(&other, point, &values).is_err());
    assert!(verify(&commitments[..4], point, &values[..4]).is_err());
    assert_eq!(verify(&commitments[..4], point, &values), Err(Error::Count { expected: 4, got: 5 }));
    assert!(verify(&[], point, &[]).is_err());
    assert!(SCHEME.open_batch(&[], &point).is_err());
    // A batch of one is not a single opening: they are different conversations.
    let (value, single) = SCHEME.open_batch(&committed[..1], &point).unwrap();
    assert!(SCHEME.verify(&commitments[0], &point, &value[0], &single).is_err());
}

#[test]
fn many_openings_are_verified_together() {
    let openings: Vec<Honest> = (0..6).map(honest).collect();
    let check = |openings: &[Honest]| {
        let openings: Vec<Opening<'_, Ipa>> = openings
            .iter()
            .map(|o| Opening { commitment: &o.commitment, point: &o.point, value: &o.value, proof: &o.proof })
            .collect();
        SCHEME.verify_many(&openings)
    };
    assert_eq!(check(&openings), Ok(()));
    assert_eq!(check(&[]), Ok(()));
    for index in 0..6 {
        let mut changed: Vec<Honest> = (0..6).map(honest).collect();
        changed[index].value += Fr::ONE;
        assert!(check(&changed).is_err(), "opening {index}");
    }
    let mut swapped: Vec<Honest> = (0..6).map(honest).collect();
    let (first, rest) = swapped.split_first_mut().unwrap();
    std::mem::swap(&mut first.proof, &mut rest[0].proof);
    assert!(check(&swapped).is_err());
}
