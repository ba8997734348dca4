//! Commitments and proofs of the inner-product argument as bytes.

use ark_pallas::{Affine, Fr};

use super::points::{BYTES, decode_point, decode_scalar, encode_point, encode_scalar};
use super::scheme::MOST_ROUNDS;
use crate::Error;
use crate::scheme::{Encoding, Kind};

/// A commitment: kind, version, a point of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpaCommitment(pub(crate) Affine);

/// An opening's proof: kind, version, the number of rounds, then of each round L and R, then the last coefficient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpaProof {
    pub(crate) rounds: Vec<(Affine, Affine)>,
    pub(crate) last: Fr,
}

impl Encoding for IpaCommitment {
    const MOST_BYTES: usize = 2 + BYTES;

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Kind::IpaCommitment.header().to_vec();
        bytes.extend(encode_point(&self.0));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let body = Kind::IpaCommitment.body(bytes, Self::MOST_BYTES)?;
        let point = body.try_into().map_err(|_| Error::Malformed("a point is 32 bytes"))?;
        Ok(Self(decode_point(point)?))
    }
}

impl Encoding for IpaProof {
    const MOST_BYTES: usize = 2 + 1 + (2 * MOST_ROUNDS + 1) * BYTES;

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Kind::IpaProof.header().to_vec();
        bytes.push(u8::try_from(self.rounds.len()).expect("rounds are few"));
        for (left, right) in &self.rounds {
            bytes.extend(encode_point(left));
            bytes.extend(encode_point(right));
        }
        bytes.extend(encode_scalar(&self.last));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let body = Kind::IpaProof.body(bytes, Self::MOST_BYTES)?;
        let (count, body) = body.split_first().ok_or(Error::Malformed("no rounds"))?;
        let (parts, rest) = body.as_chunks::<BYTES>();
        let (last, points) = parts.split_last().ok_or(Error::Malformed("no last coefficient"))?;
        if !rest.is_empty() || points.len() != 2 * usize::from(*count) {
            return Err(Error::Malformed("another length than its rounds have"));
        }
        let rounds = points
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[left, right]| Ok((decode_point(left)?, decode_point(right)?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self { rounds, last: decode_scalar(last)? })
    }
}

/// A point or a value of this scheme as 32 bytes, little-endian.
#[must_use]
pub fn scalar_to_bytes(scalar: &Fr) -> [u8; 32] {
    encode_scalar(scalar)
}

/// What these bytes encode.
///
/// # Errors
///
/// When the number is not below the order of the field.
pub fn scalar_from_bytes(bytes: &[u8; 32]) -> Result<Fr, Error> {
    decode_scalar(bytes)
}
