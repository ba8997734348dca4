//! That committed matrices are codewords, without saying anything about their values.

use p3_blake3::Blake3;
use p3_challenger::FieldChallenger;
use p3_field::{BasedVectorSpace, PrimeCharacteristicRing, PrimeField32};

use super::encoding::{FriCommitment, FriProof};
use super::parameters::{Challenge, Challenger, MOST_COLUMNS, Value};
use super::scheme::{Fri, FriCommitted, statement};
use crate::Error;
use crate::scheme::{Encoding, Kind};

/// Coordinates of a value over the field of the matrices.
const COORDINATES: usize = 5;
/// Bytes of a value.
const VALUE: usize = 4 * COORDINATES;
/// The most commitments that one encoding speaks of.
const MOST_COMMITMENTS: usize = 256;
/// The most values that one encoding has.
const MOST_VALUES: usize = 1 << 16;

/// Values at a point that the commitments determine, and the proof of these.
///
/// Who holds it knows that within the unique decoding radius of what is committed to there is exactly one codeword a
/// column, of a polynomial of degree at most the number of rows, and that a row opened at random belongs to it except for
/// at most a quarter of the positions.
///
/// Encoded as kind, version, how many commitments there are (two bytes, little-endian, 1 to 256), for each how many values (two bytes, 1 to 512,
/// at most 65,536 in all), all values (five coordinates of four bytes each, little-endian, below the modulus), the opening as
/// [`FriProof`] is encoded.
#[derive(Clone, Debug)]
pub struct LowDegreeProof {
    /// Of each commitment the values of all columns.
    pub values: Vec<Vec<Challenge>>,
    /// The opening.
    pub proof: FriProof,
}

impl Fri {
    /// Proves that the matrices are codewords.
    ///
    /// # Errors
    ///
    /// When there are none or too many; also more than an encoding has room for.
    pub fn prove_low_degree(&self, committed: &[&FriCommitted]) -> Result<LowDegreeProof, Error> {
        let commitments: Vec<FriCommitment> = committed.iter().map(|c| c.commitment).collect();
        check_room(commitments.iter().map(FriCommitment::columns))?;
        let (mut challenger, point) = low_degree_statement(&commitments)?;
        let (values, proof) = self.open_with(&mut challenger, committed, &point)?;
        Ok(LowDegreeProof { values, proof })
    }

    /// Checks that the commitments are to codewords.
    ///
    /// # Errors
    ///
    /// When the proof does not show it.
    pub fn verify_low_degree(
        &self,
        commitments: &[FriCommitment],
        proof: &LowDegreeProof,
    ) -> Result<(), Error> {
        let (mut challenger, point) = low_degree_statement(commitments)?;
        self.verify_with(&mut challenger, commitments, &point, &proof.values, &proof.proof)
    }
}

impl Encoding for LowDegreeProof {
    const MOST_BYTES: usize = 4 + 2 * MOST_COMMITMENTS + VALUE * MOST_VALUES + FriProof::MOST_BYTES;

    /// # Panics
    ///
    /// Where somebody has put more values into it than any proof has.
    fn to_bytes(&self) -> Vec<u8> {
        check_room(self.values.iter().map(Vec::len)).expect("what is proved or decoded has room");
        let mut bytes = Kind::LowDegreeProof.header().to_vec();
        let lengths = std::iter::once(self.values.len()).chain(self.values.iter().map(Vec::len));
        for length in lengths {
            bytes.extend(u16::try_from(length).expect("there is room").to_le_bytes());
        }
        for value in self.values.iter().flatten() {
            let coordinates: &[Value] = value.as_basis_coefficients_slice();
            bytes.extend(coordinates.iter().flat_map(|value| value.as_canonical_u32().to_le_bytes()));
        }
        bytes.extend(self.proof.to_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let short = Error::Malformed("fewer values than it says");
        let body = Kind::LowDegreeProof.body(bytes, Self::MOST_BYTES)?;
        let (count, body) = body.split_first_chunk().ok_or(Error::Malformed("no lengths"))?;
        let count = usize::from(u16::from_le_bytes(*count));
        let (lengths, body) = body.split_at_checked(2 * count).ok_or(Error::Malformed("no lengths"))?;
        let lengths = lengths.as_chunks().0.iter().map(|length| usize::from(u16::from_le_bytes(*length)));
        check_room(lengths.clone())
            .map_err(|_| Error::Malformed("numbers of values that are not allowed"))?;
        let (values, proof) = body.split_at_checked(VALUE * lengths.clone().sum::<usize>()).ok_or(short)?;
        let mut all = values.as_chunks::<VALUE>().0.iter().map(value);
        let values = lengths.map(|length| all.by_ref().take(length).collect()).collect::<Result<_, _>>()?;
        Ok(Self { values, proof: FriProof::from_bytes(proof)? })
    }
}

/// A value from its one encoding.
fn value(bytes: &[u8; VALUE]) -> Result<Challenge, Error> {
    let mut coordinates = [Value::ZERO; COORDINATES];
    for (coordinate, bytes) in coordinates.iter_mut().zip(bytes.as_chunks::<4>().0) {
        let number = u32::from_le_bytes(*bytes);
        if number >= Value::ORDER_U32 {
            return Err(Error::Malformed("a value over the modulus"));
        }
        *coordinate = Value::from_u32(number);
    }
    Ok(Challenge::from_basis_coefficients_fn(|at| coordinates[at]))
}

/// Whether an encoding has room for as many values of as many commitments.
fn check_room(lengths: impl Iterator<Item = usize>) -> Result<(), Error> {
    let (mut count, mut total) = (0, 0usize);
    for length in lengths {
        if !(1..=MOST_COLUMNS).contains(&length) {
            return Err(Error::Size { got: length, least: 1, most: MOST_COLUMNS });
        }
        (count, total) = (count + 1, total + length);
    }
    if !(1..=MOST_COMMITMENTS).contains(&count) {
        return Err(Error::Size { got: count, least: 1, most: MOST_COMMITMENTS });
    }
    if total > MOST_VALUES {
        return Err(Error::Size { got: total, least: 1, most: MOST_VALUES });
    }
    Ok(())
}

fn low_degree_statement(commitments: &[FriCommitment]) -> Result<(Challenger, Challenge), Error> {
    let message = statement(b"glassbook/commitments/fri/low-degree/1", commitments)?;
    let mut challenger = Challenger::from_hasher(message, Blake3);
    let point = challenger.sample_algebra_element();
    Ok((challenger, point))
}
