//! That committed matrices are codewords, without saying anything about their values.

use p3_blake3::Blake3;
use p3_challenger::FieldChallenger;

use super::encoding::{FriCommitment, FriProof};
use super::parameters::{Challenge, Challenger};
use super::scheme::{Fri, FriCommitted, statement};
use crate::Error;

/// Values at a point that the commitments determine, and the proof of these.
///
/// Who holds it knows that within the unique decoding radius of what is committed to there is exactly one codeword a
/// column, of a polynomial of degree at most the number of rows, and that a row opened at random belongs to it except for
/// at most a quarter of the positions.
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
    /// When there are none or too many.
    pub fn prove_low_degree(&self, committed: &[&FriCommitted]) -> Result<LowDegreeProof, Error> {
        let commitments: Vec<FriCommitment> = committed.iter().map(|c| c.commitment).collect();
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

fn low_degree_statement(commitments: &[FriCommitment]) -> Result<(Challenger, Challenge), Error> {
    let message = statement(b"glassbook/commitments/fri/low-degree/1", commitments)?;
    let mut challenger = Challenger::from_hasher(message, Blake3);
    let point = challenger.sample_algebra_element();
    Ok((challenger, point))
}
