//! FRI: what it accepts, what it refuses, and its bytes.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::LazyLock;

use commitments::fri::{
    Challenge, Fri, FriCommitment, FriCommitted, FriProof, FriRow, LowDegreeProof, Value,
};
use commitments::{Encoding, Error, PolynomialCommitment};
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, TwoAdicField};
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const ROWS: usize = 256;
const COLUMNS: usize = 5;

struct Honest {
    matrix: RowMajorMatrix<Value>,
    commitment: FriCommitment,
    committed: FriCommitted,
    point: Challenge,
    values: Vec<Challenge>,
    proof: FriProof,
}

/// Numbers that look like nothing: a linear congruential generator's.
fn matrix(seed: u64, rows: usize, columns: usize) -> RowMajorMatrix<Value> {
    let mut state = seed;
    let values = (0..rows * columns)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            Value::from_u32((state >> 33) as u32)
        })
        .collect();
    RowMajorMatrix::new(values, columns)
}

fn point(seed: u32) -> Challenge {
    Challenge::from_basis_coefficients_fn(|i| Value::from_u32(seed + 17 * i as u32 + 1))
}

fn honest(seed: u64) -> Honest {
    let fri = Fri::default();
    let matrix = matrix(seed, ROWS, COLUMNS);
    let point = point(seed as u32);
    let (commitment, committed) = fri.commit(&matrix).unwrap();
    let (values, proof) = fri.open(&committed, &point).unwrap();
    Honest { matrix, commitment, committed, point, values, proof }
}

static FIRST: LazyLock<Honest> = LazyLock::new(|| honest(1));
static SECOND: LazyLock<Honest> = LazyLock::new(|| honest(2));

/// The polynomial's value from its values on the subgroup, by Lagrange's formula.
fn interpolate(column: &[Value], point: Challenge) -> Challenge {
    let n = column.len();
    let root = Value::two_adic_generator(n.ilog2() as usize);
    let vanishing = point.exp_u64(n as u64) - Challenge::ONE;
    let sum: Challenge = column
        .iter()
        .zip(root.powers())
        .map(|(value, x)| (point - Challenge::from(x)).inverse() * (*value * x))
        .sum();
    sum * vanishing * Challenge::from(Value::from_usize(n)).inverse()
}

fn column(matrix: &RowMajorMatrix<Value>, index: usize) -> Vec<Value> {
    matrix.values.iter().skip(index).step_by(matrix.width()).copied().collect()
}

#[test]
fn values_are_the_polynomials_and_are_accepted() {
    let Honest { matrix, commitment, point, values, proof, .. } = &*FIRST;
    for (index, value) in values.iter().enumerate() {
        assert_eq!(*value, interpolate(&column(matrix, index), *point));
    }
    assert_eq!(Fri::default().verify(commitment, point, values, proof), Ok(()));
}

/// Pinned: a change of any byte is a change of the format or of the parameters.
#[test]
fn the_bytes_are_pinned() {
    let Honest { commitment, proof, committed, .. } = &*FIRST;
    assert_eq!(hex::encode(commitment.to_bytes()), COMMITMENT);
    let bytes = proof.to_bytes();
    assert_eq!((bytes.len(), hex::encode(Sha256::digest(&bytes))), (PROOF.0, PROOF.1.to_owned()));
    let row = Fri::default().open_row(committed, 300).unwrap().to_bytes();
    assert_eq!((row.len(), hex::encode(Sha256::digest(&row))), (ROW.0, ROW.1.to_owned()));
    let low_degree = Fri::default().prove_low_degree(&[committed]).unwrap().to_bytes();
    assert_eq!(hex::encode(Sha256::digest(&low_degree)), LOW_DEGREE);
}

const COMMITMENT: &str = "03011fcc949c13cefb957d2674b461c7011d56de0c7d7b711e1b9efc5a5852b1f585080500";
const PROOF: (usize, &str) = (106_095, "d01d1317bca2c653f35ece6a41e6306f772a55ae8416ed51e926d22b55eb22a9");
const LOW_DEGREE: &str = "f2f018e612fb1ea41c91c79fc18abef512b61b5cff4c56bcaba1b5aed4aa5511";
const ROW: (usize, &str) = (313, "1d246a746d3940735ce08e595791bc93393a28ce91bbf9738e0f1363b8aa5174");

#[test]
fn another_commitment_point_or_value_is_refused() {
    let fri = Fri::default();
    let Honest { commitment, point, values, proof, .. } = &*FIRST;
    let refused = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Refused(_))));
    refused(fri.verify(&SECOND.commitment, point, values, proof));
    refused(fri.verify(commitment, &(*point + Challenge::ONE), values, proof));
    for index in 0..COLUMNS {
        let mut other = values.clone();
        other[index] += Challenge::ONE;
        refused(fri.verify(commitment, point, &other, proof));
    }
    let mut other = values.clone();
    other.swap(0, 1);
    refused(fri.verify(commitment, point, &other, proof));
    refused(fri.verify(commitment, point, values, &SECOND.proof));
    let fewer = &values[1..];
    assert_eq!(
        fri.verify(commitment, point, &fewer.to_vec(), proof),
        Err(Error::Count { expected: COLUMNS, got: COLUMNS - 1 })
    );
}

#[test]
fn a_commitment_that_claims_another_size_is_refused() {
    let fri = Fri::default();
    let Honest { commitment, point, values, proof, .. } = &*FIRST;
    for (at, byte) in [(34, 7), (34, 9), (34, 10)] {
        let mut bytes = commitment.to_bytes();
        bytes[at] = byte;
        if let Ok(other) = FriCommitment::from_bytes(&bytes) {
            assert!(matches!(fri.verify(&other, point, values, proof), Err(Error::Refused(_))));
        }
    }
    let mut bytes = commitment.to_bytes();
    bytes[35] = 4;
    let other = FriCommitment::from_bytes(&bytes).unwrap();
    let fewer = values[..4].to_vec();
    assert!(matches!(fri.verify(&other, point, &fewer, proof), Err(Error::Refused(_))));
    for (at, byte) in [(34, 7), (34, 21), (34, 255), (35, 0), (36, 255)] {
        let mut bytes = commitment.to_bytes();
        bytes[at] = byte;
        assert!(matches!(FriCommitment::from_bytes(&bytes), Err(Error::Malformed(_))), "{at}");
    }
}

#[test]
fn changed_bytes_of_a_proof_are_refused() {
    let fri = Fri::default();
    let Honest { commitment, point, values, proof, .. } = &*FIRST;
    let bytes = proof.to_bytes();
    // The beginning and the end are dense in lengths, roots and witnesses.
    let some = (200..bytes.len() - 40).step_by(bytes.len() / 400);
    for at in (0..200).chain(some).chain(bytes.len() - 40..bytes.len()) {
        for change in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let result = FriProof::from_bytes(&changed)
                .and_then(|proof| fri.verify(commitment, point, values, &proof));
            assert!(result.is_err(), "byte {at}");
        }
    }
}

#[test]
fn truncated_lengthened_and_overlong_bytes_are_refused() {
    let bytes = FIRST.proof.to_bytes();
    for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        assert!(matches!(FriProof::from_bytes(&bytes[..length]), Err(Error::Malformed(_))));
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(FriProof::from_bytes(&longer), Err(Error::Malformed(_))));
    let most = FriProof::MOST_BYTES;
    let got = most + 1;
    let error = FriProof::from_bytes(&vec![4; got]).map(|_| ()).unwrap_err();
    assert_eq!(error, Error::TooLong { got, most });
    // A length written with one byte more than it needs: the number of commitments after the first witness.
    let mut padded = bytes.clone();
    padded[6] |= 0x80;
    padded.insert(7, 0);
    assert_eq!(
        FriProof::from_bytes(&padded).map(|_| ()).unwrap_err(),
        Error::Malformed("not the canonical encoding, or more than a proof")
    );
}

#[test]
fn matrices_of_other_sizes_are_refused() {
    let fri = Fri::default();
    let commit = |rows, columns| fri.commit(&matrix(0, rows, columns)).map(|_| ());
    assert_eq!(commit(128, 1), Err(Error::Size { got: 128, least: 256, most: 1 << 20 }));
    assert_eq!(commit(257, 1), Err(Error::NotAPowerOfTwo(257)));
    assert_eq!(commit(256, 513), Err(Error::Size { got: 513, least: 1, most: 512 }));
    assert!(matches!(commit(1 << 18, 129), Err(Error::Size { most: 128, .. })));
}

#[test]
fn one_proof_opens_matrices_of_several_heights_at_a_point() {
    let fri = Fri::default();
    let matrices = [matrix(5, 1024, 2), matrix(6, 256, 3), matrix(7, 1024, 1)];
    let matrices: Vec<&RowMajorMatrix<Value>> = matrices.iter().collect();
    let (commitments, committed): (Vec<_>, Vec<_>) = fri.commit_batch(&matrices).unwrap().into_iter().unzip();
    let committed: Vec<&FriCommitted> = committed.iter().collect();
    let at = point(9);
    let (values, proof) = fri.open_batch(&committed, &at).unwrap();
    let verify = |commitments: &[_], at, values: &[_]| fri.verify_batch(commitments, &at, values, &proof);
    assert_eq!(verify(&commitments, at, &values), Ok(()));
    for (matrix, values) in matrices.iter().zip(&values) {
        assert_eq!(values[0], interpolate(&column(matrix, 0), at));
    }
    assert!(verify(&commitments, at + Challenge::ONE, &values).is_err());
    for index in 0..3 {
        let mut other = values.clone();
        other[index][0] += Challenge::ONE;
        assert!(verify(&commitments, at, &other).is_err());
    }
    let (mut swapped, mut with) = (commitments.clone(), values.clone());
    swapped.swap(0, 1);
    with.swap(0, 1);
    assert!(verify(&swapped, at, &with).is_err());
    assert!(verify(&commitments[..2], at, &values[..2]).is_err());
    assert_eq!(verify(&commitments[..2], at, &values), Err(Error::Count { expected: 2, got: 3 }));
    assert!(verify(&[], at, &[]).is_err());
    assert!(fri.open_batch(&[], &at).is_err());
}

#[test]
fn codewords_are_proved_to_be_codewords_and_proofs_belong_to_them() {
    let fri = Fri::default();
    let proof = fri.prove_low_degree(&[&FIRST.committed]).unwrap();
    assert_eq!(fri.verify_low_degree(&[FIRST.commitment], &proof), Ok(()));
    assert!(fri.verify_low_degree(&[SECOND.commitment], &proof).is_err());
    assert!(fri.verify_low_degree(&[], &proof).is_err());
    let mut other = proof.clone();
    other.values[0][0] += Challenge::ONE;
    assert!(fri.verify_low_degree(&[FIRST.commitment], &other).is_err());
    let mut other = proof;
    other.proof = FIRST.proof.clone();
    assert!(fri.verify_low_degree(&[FIRST.commitment], &other).is_err());
}

#[test]
fn a_low_degree_proof_has_one_encoding_and_no_other_bytes_are_accepted() {
    let fri = Fri::default();
    let committed = [&FIRST.committed, &SECOND.committed];
    let commitments = [FIRST.commitment, SECOND.commitment];
    let proof = fri.prove_low_degree(&committed).unwrap();
    let bytes = proof.to_bytes();
    let again = LowDegreeProof::from_bytes(&bytes).unwrap();
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(again.values, proof.values);
    assert_eq!(fri.verify_low_degree(&commitments, &again), Ok(()));

    // Two commitments of five columns: 8 bytes of lengths after kind and version, then 200 of values.
    assert_eq!(bytes[..8], [9, 1, 2, 0, 5, 0, 5, 0]);
    assert_eq!(bytes[208..], proof.proof.to_bytes());
    let some = (208..bytes.len()).step_by(bytes.len() / 100);
    for at in (0..208).chain(some) {
        for change in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let result = LowDegreeProof::from_bytes(&changed)
                .and_then(|proof| fri.verify_low_degree(&commitments, &proof));
            assert!(result.is_err(), "byte {at}");
        }
    }
    for length in (0..220).chain((220..bytes.len()).step_by(997)).chain([bytes.len() - 1]) {
        let cut = LowDegreeProof::from_bytes(&bytes[..length]);
        assert!(matches!(cut, Err(Error::Malformed(_))), "{length}");
    }
    assert!(LowDegreeProof::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let refused = |at: usize, with: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + with.len()].copy_from_slice(with);
        LowDegreeProof::from_bytes(&changed).map(|_| ()).unwrap_err()
    };
    let over = Error::Malformed("a value over the modulus");
    assert_eq!(refused(8, &0x7f00_0001u32.to_le_bytes()), over);
    let lengths = Error::Malformed("numbers of values that are not allowed");
    for (at, with) in [(2, [0, 0]), (4, [0, 0]), (4, [1, 2]), (2, [1, 1])] {
        assert_eq!(refused(at, &with), lengths, "{at} {with:?}");
    }
    // A value of the one taken for the other's decodes, and shows nothing.
    let mut moved = bytes.clone();
    moved[4..8].copy_from_slice(&[6, 0, 4, 0]);
    let moved = LowDegreeProof::from_bytes(&moved).unwrap();
    assert!(fri.verify_low_degree(&commitments, &moved).is_err());
    let got = LowDegreeProof::MOST_BYTES + 1;
    let error = LowDegreeProof::from_bytes(&vec![9; got]).map(|_| ()).unwrap_err();
    assert_eq!(error, Error::TooLong { got, most: got - 1 });
}

#[test]
fn rows_are_the_polynomials_values_and_only_theirs() {
    let fri = Fri::default();
    let Honest { matrix, commitment, committed, .. } = &*FIRST;
    let root = Value::two_adic_generator((2 * ROWS).ilog2() as usize);
    for position in [0, 1, 2, 300, 2 * ROWS - 1] {
        let row = fri.open_row(committed, position).unwrap();
        let x = Value::GENERATOR * root.exp_u64(position as u64);
        for (index, value) in row.values.iter().enumerate() {
            let expected = interpolate(&column(matrix, index), Challenge::from(x));
            assert_eq!(Challenge::from(*value), expected);
        }
        assert_eq!(fri.verify_row(commitment, position, &row), Ok(()));
        assert!(fri.verify_row(commitment, position ^ 1, &row).is_err());
        assert!(fri.verify_row(&SECOND.commitment, position, &row).is_err());
        let bytes = row.to_bytes();
        assert_eq!(FriRow::from_bytes(&bytes), Ok(row));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let result =
                FriRow::from_bytes(&changed).and_then(|row| fri.verify_row(commitment, position, &row));
            assert!(result.is_err(), "byte {at}");
            assert!(FriRow::from_bytes(&bytes[..at]).is_err());
        }
        assert!(FriRow::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
        let mut over = bytes;
        over[5..9].copy_from_slice(&0x7f00_0001u32.to_le_bytes());
        assert_eq!(FriRow::from_bytes(&over), Err(Error::Malformed("a value over the modulus")));
    }
    let size = 2 * ROWS;
    let position = size;
    assert_eq!(fri.open_row(committed, position), Err(Error::Position { position, size }));
    let row = fri.open_row(committed, 0).unwrap();
    assert_eq!(fri.verify_row(commitment, position, &row), Err(Error::Position { position, size }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn what_is_opened_is_accepted_and_comes_back_from_its_bytes(
        log_rows in 8usize..12,
        columns in 1usize..9,
        seed: u64,
        at in 0u32..1 << 30,
    ) {
        let fri = Fri::default();
        let (commitment, committed) = fri.commit(&matrix(seed, 1 << log_rows, columns)).unwrap();
        let (values, proof) = fri.open(&committed, &point(at)).unwrap();
        let commitment_again = FriCommitment::from_bytes(&commitment.to_bytes()).unwrap();
        prop_assert_eq!(commitment_again, commitment);
        let proof_again = FriProof::from_bytes(&proof.to_bytes()).unwrap();
        prop_assert_eq!(fri.verify(&commitment, &point(at), &values, &proof_again), Ok(()));
        prop_assert!(fri.verify(&commitment, &point(at + 1), &values, &proof_again).is_err());
    }

    #[test]
    fn no_bytes_make_decoding_or_verifying_panic(
        from in 0usize..10_000,
        with in proptest::collection::vec(any::<u8>(), 1..64),
    ) {
        let Honest { commitment, point, values, proof, .. } = &*FIRST;
        let mut bytes = proof.to_bytes();
        let from = 2 + from % (bytes.len() - 66);
        bytes[from..from + with.len()].copy_from_slice(&with);
        if let Ok(changed) = FriProof::from_bytes(&bytes) {
            prop_assert_eq!(changed.to_bytes(), bytes.clone());
            let honest = bytes == proof.to_bytes();
            prop_assert_eq!(
                Fri::default().verify(commitment, point, values, &changed).is_ok(),
                honest
            );
        }
    }
}
