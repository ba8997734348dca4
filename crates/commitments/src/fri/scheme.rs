//! FRI as a [`PolynomialCommitment`].

use p3_blake3::Blake3;
use p3_commit::{CommitmentOpening, OpeningRequest, Pcs as _};
use p3_field::coset::TwoAdicMultiplicativeCoset;
use p3_field::{BasedVectorSpace, Field, PrimeCharacteristicRing, PrimeField32};
use p3_fri::verifier::FriError;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;
use p3_util::log2_strict_usize;

use super::encoding::{FriCommitment, FriProof};
use super::parameters::{
    Challenge, Challenger, LEAST_LOG_ROWS, LOG_BLOWUP, MOST_BATCHED, MOST_COLUMNS, MOST_LOG_ROWS, Pcs, Value,
    pcs,
};
use crate::Error;
use crate::scheme::{PolynomialCommitment, SecurityStatement, Setup};

/// FRI with the parameters of this module.
pub struct Fri {
    pub(crate) pcs: Pcs,
}

pub(crate) type ProverData = <Pcs as p3_commit::Pcs<Challenge, Challenger>>::ProverData;

/// A committed matrix: its codewords and the Merkle tree over their rows.
pub struct FriCommitted {
    pub(crate) data: ProverData,
    pub(crate) commitment: FriCommitment,
}

impl Default for Fri {
    fn default() -> Self {
        Self { pcs: pcs() }
    }
}

impl PolynomialCommitment for Fri {
    type Field = Value;
    type Polynomial = RowMajorMatrix<Value>;
    type Point = Challenge;
    type Value = Vec<Challenge>;
    type Commitment = FriCommitment;
    type Committed = FriCommitted;
    type Proof = FriProof;
    type BatchProof = FriProof;
    type Error = Error;

    const SECURITY: SecurityStatement = SecurityStatement {
        proven_bits: 128,
        conjectured_bits: 128,
        assumption: "BLAKE3 is a random oracle",
        setup: Setup::Transparent,
        post_quantum: true,
    };

    /// Commits to the columns' polynomials, which have the columns as values on the subgroup of as many points as there
    /// are rows: a power of two from 2^8 to 2^20.
    fn commit(&self, matrix: &RowMajorMatrix<Value>) -> Result<(FriCommitment, FriCommitted), Error> {
        let (rows, columns) = (matrix.height(), matrix.width());
        let (least, most) = (1 << LEAST_LOG_ROWS, 1 << MOST_LOG_ROWS);
        if !(least..=most).contains(&rows) {
            return Err(Error::Size { got: rows, least, most });
        }
        if !rows.is_power_of_two() {
            return Err(Error::NotAPowerOfTwo(rows));
        }
        let most = MOST_COLUMNS.min(MOST_BATCHED / (rows << LOG_BLOWUP));
        if !(1..=most).contains(&columns) {
            return Err(Error::Size { got: columns, least: 1, most });
        }
        let (cap, data) = p3_commit::Pcs::<Challenge, Challenger>::commit(
            &self.pcs,
            [(domain(log2_strict_usize(rows)), matrix.clone())],
        )
        .map_err(|_| Error::Refused("the matrix cannot be committed to"))?;
        let commitment = FriCommitment {
            root: cap.roots()[0],
            log_rows: log2_strict_usize(rows) as u8,
            columns: columns as u16,
        };
        Ok((commitment, FriCommitted { data, commitment }))
    }

    /// The point is not one of those that the matrix is committed to on: there, see [`Fri::open_row`].
    fn open(&self, committed: &FriCommitted, point: &Challenge) -> Result<(Vec<Challenge>, FriProof), Error> {
        let (mut values, proof) = self.open_batch(&[committed], point)?;
        Ok((values.pop().expect("as many values as matrices"), proof))
    }

    fn verify(
        &self,
        commitment: &FriCommitment,
        point: &Challenge,
        value: &Vec<Challenge>,
        proof: &FriProof,
    ) -> Result<(), Error> {
        self.verify_batch(&[*commitment], point, std::slice::from_ref(value), proof)
    }

    fn open_batch(
        &self,
        committed: &[&FriCommitted],
        point: &Challenge,
    ) -> Result<(Vec<Vec<Challenge>>, FriProof), Error> {
        let commitments: Vec<FriCommitment> = committed.iter().map(|c| c.commitment).collect();
        let mut challenger = opening_statement(&commitments, point)?;
        self.open_with(&mut challenger, committed, point)
    }

    fn verify_batch(
        &self,
        commitments: &[FriCommitment],
        point: &Challenge,
        values: &[Vec<Challenge>],
        proof: &FriProof,
    ) -> Result<(), Error> {
        let mut challenger = opening_statement(commitments, point)?;
        self.verify_with(&mut challenger, commitments, point, values, proof)
    }
}

impl Fri {
    pub(crate) fn open_with(
        &self,
        challenger: &mut Challenger,
        committed: &[&FriCommitted],
        point: &Challenge,
    ) -> Result<(Vec<Vec<Challenge>>, FriProof), Error> {
        for committed in committed {
            check_point(&committed.commitment, point)?;
        }
        let requests = committed
            .iter()
            .map(|committed| OpeningRequest { prover_data: &committed.data, points: vec![vec![*point]] })
            .collect();
        let (values, proof) = self
            .pcs
            .open(requests, challenger)
            .map_err(|_| Error::Refused("the matrices cannot be opened"))?;
        // Of each commitment the one matrix, and of that the one point.
        let values = values.into_iter().flatten().flatten().collect();
        Ok((values, FriProof(proof)))
    }

    pub(crate) fn verify_with(
        &self,
        challenger: &mut Challenger,
        commitments: &[FriCommitment],
        point: &Challenge,
        values: &[Vec<Challenge>],
        proof: &FriProof,
    ) -> Result<(), Error> {
        if commitments.len() != values.len() {
            return Err(Error::Count { expected: commitments.len(), got: values.len() });
        }
        let mut claims = Vec::with_capacity(commitments.len());
        for (commitment, values) in commitments.iter().zip(values) {
            check_point(commitment, point)?;
            if values.len() != commitment.columns() {
                return Err(Error::Count { expected: commitment.columns(), got: values.len() });
            }
            let domain = domain(commitment.log_rows.into());
            let matrix = (domain, vec![(*point, values.clone())]);
            claims.push(CommitmentOpening::from((commitment.cap(), vec![matrix])));
        }
        self.pcs.verify(claims, &proof.0, challenger).map_err(|error| match error {
            FriError::InvalidPowWitness(_) => Error::Refused("the proof of work is of another conversation"),
            _ => Error::Refused("the low-degree test fails, or is not of these values"),
        })
    }
}

fn domain(log_rows: usize) -> TwoAdicMultiplicativeCoset<Value> {
    TwoAdicMultiplicativeCoset::new(Value::ONE, log_rows).expect("rows are few enough")
}

/// A conversation that has said what is opened where. Plonky3 adds the values and everything after.
fn opening_statement(commitments: &[FriCommitment], point: &Challenge) -> Result<Challenger, Error> {
    let mut message = statement(b"glassbook/commitments/fri/1", commitments)?;
    for coefficient in BasedVectorSpace::<Value>::as_basis_coefficients_slice(point) {
        message.extend(coefficient.as_canonical_u32().to_le_bytes());
    }
    Ok(Challenger::from_hasher(message, Blake3))
}

/// What a conversation about these commitments begins with. All parts have fixed lengths but the last, of which there
/// are as many as the number before says.
pub(crate) fn statement(domain: &[u8], commitments: &[FriCommitment]) -> Result<Vec<u8>, Error> {
    let batched: usize = commitments.iter().map(|c| c.columns() * c.positions()).sum();
    if !(1..=MOST_BATCHED).contains(&batched) {
        return Err(Error::Size { got: batched, least: 1, most: MOST_BATCHED });
    }
    let mut message = domain.to_vec();
    message.extend((commitments.len() as u64).to_le_bytes());
    for commitment in commitments {
        message.extend(commitment.message());
    }
    Ok(message)
}

/// Refuses the points that the matrix is committed to on, where the quotient that shows a value does not exist.
fn check_point(commitment: &FriCommitment, point: &Challenge) -> Result<(), Error> {
    let log_positions = usize::from(commitment.log_rows) + LOG_BLOWUP;
    let shift = Challenge::from(Value::GENERATOR);
    if point.exp_power_of_2(log_positions) == shift.exp_power_of_2(log_positions) {
        return Err(Error::Refused("a point of the domain: its row can be opened"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use p3_challenger::FieldChallenger;
    use p3_commit::Mmcs as _;
    use p3_dft::TwoAdicSubgroupDft;
    use p3_matrix::bitrev::BitReversibleMatrix;
    use p3_symmetric::MerkleCap;

    use super::*;
    use crate::fri::parameters::{Dft, mmcs};

    const LOG_ROWS: u8 = 8;

    fn commitment(byte: u8) -> FriCommitment {
        FriCommitment { root: [byte; 32], log_rows: LOG_ROWS, columns: 3 }
    }

    fn drawn(commitments: &[FriCommitment], point: u32) -> Challenge {
        let mut challenger =
            opening_statement(commitments, &Challenge::from(Value::new(point))).expect("few enough");
        challenger.sample_algebra_element()
    }

    #[test]
    fn the_first_challenge_depends_on_every_part_of_the_statement() {
        let base = [commitment(1), commitment(2)];
        let first = drawn(&base, 5);
        assert_eq!(first, drawn(&base, 5));
        let mut others = vec![drawn(&base, 6), drawn(&base[..1], 5)];
        for changed in [
            FriCommitment { root: [3; 32], ..base[1] },
            FriCommitment { log_rows: LOG_ROWS + 1, ..base[1] },
            FriCommitment { columns: 4, ..base[1] },
        ] {
            others.push(drawn(&[base[0], changed], 5));
        }
        others.push(drawn(&[base[1], base[0]], 5));
        assert!(others.iter().all(|other| *other != first));
    }

    /// After each of these messages challenges are drawn, last of all the proof of work and the queries. When one of them
    /// is changed, the proof of work fits no longer (but for one in 2^16): it was observed. Were it not, verification would
    /// get further, as it does for what is opened after the last challenge.
    #[test]
    fn every_message_changes_the_challenges_after_it() {
        let fri = Fri::default();
        let values = (0..3 << LOG_ROWS).map(Value::from_u32).collect();
        let (commitment, committed) = fri.commit(&RowMajorMatrix::new(values, 3)).expect("it fits");
        let point = Challenge::from(Value::new(1000));
        let (values, proof) = fri.open(&committed, &point).expect("it opens");
        let unobserved = Err(Error::Refused("the low-degree test fails, or is not of these values"));
        let observed = Err(Error::Refused("the proof of work is of another conversation"));
        let with = |change: &dyn Fn(&mut FriProof)| {
            let mut changed = proof.clone();
            change(&mut changed);
            fri.verify(&commitment, &point, &values, &changed)
        };
        assert_eq!(with(&|_| {}), Ok(()));

        for index in 0..3 {
            let mut changed = values.clone();
            changed[index] += Challenge::ONE;
            assert_eq!(fri.verify(&commitment, &point, &changed, &proof), observed);
        }
        let rounds = proof.0.commit_phase_commits.len();
        assert!(rounds > 1);
        for round in 0..rounds {
            let change = |proof: &mut FriProof| {
                let mut root = proof.0.commit_phase_commits[round].roots()[0];
                root[0] ^= 1;
                proof.0.commit_phase_commits[round] = MerkleCap::new(vec![root]);
            };
            assert_eq!(with(&change), observed, "round {round}");
        }
        assert_eq!(with(&|proof| proof.0.final_poly[0] += Challenge::ONE), observed);
        assert_eq!(with(&|proof| proof.0.query_pow_witness += Value::ONE), observed);

        // What is opened after the last challenge is bound by roots, not by the conversation.
        let change = |proof: &mut FriProof| {
            proof.0.commit_phase_openings[0].sibling_values[0][0] += Challenge::ONE;
        };
        assert_eq!(with(&change), unobserved);
        let change = |proof: &mut FriProof| {
            proof.0.input_openings[0].opened_values[0][0][0] += Value::ONE;
        };
        assert_eq!(with(&change), unobserved);
    }

    /// A prover who commits to polynomials of a higher degree and is honest otherwise.
    fn open_with_degree(degree: usize) -> Result<(), Error> {
        let fri = Fri::default();
        let positions = 1usize << (usize::from(LOG_ROWS) + LOG_BLOWUP);
        let mut coefficients = vec![Value::ZERO; positions];
        coefficients[0] = Value::new(7);
        coefficients[degree] = Value::ONE;
        let codewords = Dft::default()
            .coset_dft_batch(RowMajorMatrix::new_col(coefficients), Value::GENERATOR)
            .bit_reverse_rows()
            .to_row_major_matrix();
        let (cap, data) = mmcs().commit(vec![codewords]);
        let commitment = FriCommitment { root: cap.roots()[0], log_rows: LOG_ROWS, columns: 1 };
        let committed = FriCommitted { data, commitment };
        let point = Challenge::from(Value::new(11));
        // The value is the true one of the polynomial of higher degree; what Plonky3's prover would claim is another.
        let mut challenger = opening_statement(&[commitment], &point)?;
        let (values, proof) = fri.open_with(&mut challenger, &[&committed], &point)?;
        fri.verify(&commitment, &point, &values[0], &proof)
    }

    #[test]
    fn polynomials_of_a_degree_over_the_rows_are_refused() {
        assert_eq!(open_with_degree((1 << LOG_ROWS) - 1), Ok(()));
        for degree in [(1 << LOG_ROWS) + 1, (1 << LOG_ROWS) + 100, (2 << LOG_ROWS) - 1] {
            assert!(matches!(open_with_degree(degree), Err(Error::Refused(_))), "{degree}");
        }
    }

    #[test]
    fn points_of_the_domain_are_refused() {
        let fri = Fri::default();
        let matrix = RowMajorMatrix::new_col(vec![Value::ONE; 1 << LOG_ROWS]);
        let (_, committed) = fri.commit(&matrix).expect("it fits");
        let point = Challenge::from(Value::GENERATOR);
        assert!(matches!(fri.open(&committed, &point), Err(Error::Refused(_))));
    }
}
