//! Commitments and proofs of FRI as bytes.

use p3_symmetric::MerkleCap;

use super::parameters::{
    Challenge, Challenger, LEAST_LOG_ROWS, LOG_BLOWUP, MOST_COLUMNS, MOST_LOG_ROWS, Pcs, Value,
};
use crate::Error;
use crate::scheme::{Encoding, Kind};

/// A commitment: kind, version, the Merkle root (32 bytes), log2 of the rows (one byte), the columns (two bytes,
/// little-endian).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FriCommitment {
    pub(crate) root: [u8; 32],
    pub(crate) log_rows: u8,
    pub(crate) columns: u16,
}

/// Plonky3's proof.
pub(crate) type Inner = <Pcs as p3_commit::Pcs<Challenge, Challenger>>::Proof;

/// An opening's proof: kind, version, and Plonky3's proof as postcard encodes it. How many there are of everything in it
/// follows from the commitments and is checked when it is verified.
#[derive(Clone)]
pub struct FriProof(pub(crate) Inner);

impl FriCommitment {
    /// How many coefficients the polynomials have.
    #[must_use]
    pub fn rows(&self) -> usize {
        1 << self.log_rows
    }

    /// On how many points they are committed to.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.rows() << LOG_BLOWUP
    }

    /// How many polynomials there are.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns.into()
    }

    pub(crate) fn cap(&self) -> MerkleCap<Value, [u8; 32]> {
        MerkleCap::new(vec![self.root])
    }

    /// What a conversation says of it: 35 bytes.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut message = self.root.to_vec();
        message.push(self.log_rows);
        message.extend(self.columns.to_le_bytes());
        message
    }
}

impl Encoding for FriCommitment {
    const MOST_BYTES: usize = 2 + 35;

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Kind::FriCommitment.header().to_vec();
        bytes.extend(self.message());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let body = Kind::FriCommitment.body(bytes, Self::MOST_BYTES)?;
        let Some((root, [log_rows, low, high])) = body.split_first_chunk() else {
            return Err(Error::Malformed("a commitment is 35 bytes"));
        };
        let commitment =
            Self { root: *root, log_rows: *log_rows, columns: u16::from_le_bytes([*low, *high]) };
        let rows = usize::from(commitment.log_rows);
        if !(LEAST_LOG_ROWS..=MOST_LOG_ROWS).contains(&rows) {
            return Err(Error::Malformed("a number of rows that is not allowed"));
        }
        if !(1..=MOST_COLUMNS).contains(&commitment.columns()) {
            return Err(Error::Malformed("a number of columns that is not allowed"));
        }
        Ok(commitment)
    }
}

impl FriProof {
    fn encode(inner: &Inner) -> Vec<u8> {
        let header = Kind::FriProof.header().to_vec();
        postcard::to_extend(inner, header).expect("proofs of FRI can be encoded")
    }
}

impl Encoding for FriProof {
    /// Of 272 queries the rows of 512 columns are 557 KB; the rest is far below as much.
    const MOST_BYTES: usize = 4 << 20;

    fn to_bytes(&self) -> Vec<u8> {
        Self::encode(&self.0)
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let body = Kind::FriProof.body(bytes, Self::MOST_BYTES)?;
        let inner = postcard::from_bytes(body).map_err(|_| Error::Malformed("not a FRI proof"))?;
        // One proof has one encoding: lengths could be written with more bytes than they need.
        if Self::encode(&inner) != bytes {
            return Err(Error::Malformed("not the canonical encoding, or more than a proof"));
        }
        Ok(Self(inner))
    }
}

impl std::fmt::Debug for FriProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FriProof").field("rounds", &self.0.commit_phase_commits.len()).finish()
    }
}
