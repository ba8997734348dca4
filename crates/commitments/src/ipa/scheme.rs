//! The inner-product argument as a [`PolynomialCommitment`].

use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use ark_pallas::{Affine, Fr};
use rayon::prelude::*;

use super::encoding::{IpaCommitment, IpaProof};
use super::fixed_bases::FixedBases;
use super::points::generator;
use super::prove::prove;
use super::transcript::Transcript;
use super::verify::{Check, check};
use crate::Error;
use crate::scheme::{Opening, PolynomialCommitment, SecurityStatement, Setup};

/// No polynomial has more than 2^16 coefficients.
pub(crate) const MOST_ROUNDS: usize = 16;

/// The number of the generator that values are bound to.
const VALUE_GENERATOR: u32 = u32::MAX;

/// The inner-product argument for polynomials of less than a fixed number of coefficients.
pub struct Ipa {
    pub(crate) bases: FixedBases,
    pub(crate) value_base: Affine,
}

/// A committed polynomial: its coefficients, the constant one first, as many as the scheme has generators.
#[derive(Clone, Debug)]
pub struct IpaCommitted {
    pub(crate) coefficients: Vec<Fr>,
    pub(crate) commitment: IpaCommitment,
}

impl Ipa {
    /// The scheme for polynomials of at most `coefficients` coefficients (of degree one less), which is a power of two
    /// up to 2^16. Computes the generators, 40 µs each.
    ///
    /// # Errors
    ///
    /// When the number is none of these.
    pub fn new(coefficients: usize) -> Result<Self, Error> {
        if !(1..=1 << MOST_ROUNDS).contains(&coefficients) {
            return Err(Error::Size { got: coefficients, least: 1, most: 1 << MOST_ROUNDS });
        }
        if !coefficients.is_power_of_two() {
            return Err(Error::NotAPowerOfTwo(coefficients));
        }
        let generators: Vec<Affine> = (0..coefficients as u32).into_par_iter().map(generator).collect();
        Ok(Self { bases: FixedBases::new(&generators), value_base: generator(VALUE_GENERATOR) })
    }

    /// As many coefficients as a polynomial may have.
    #[must_use]
    pub fn coefficients(&self) -> usize {
        self.bases.len()
    }

    /// The generators that coefficients are multiplied with, then the one that values are.
    pub fn generators(&self) -> (&[Affine], Affine) {
        (self.bases.points(), self.value_base)
    }

    fn rounds(&self) -> usize {
        self.bases.len().ilog2() as usize
    }

    /// A conversation that has said everything about one opening.
    pub(crate) fn statement(&self, commitment: &IpaCommitment, point: &Fr, value: &Fr) -> Transcript {
        let mut transcript = Transcript::new("glassbook/commitments/ipa/1");
        transcript.observe("coefficients", &(self.bases.len() as u64).to_le_bytes());
        transcript.observe_point("commitment", &commitment.0);
        transcript.observe_scalar("point", point);
        transcript.observe_scalar("value", value);
        transcript
    }

    /// A conversation that has said everything about openings at one point, and the factor that combines them.
    pub(crate) fn combined(
        &self,
        commitments: &[IpaCommitment],
        point: &Fr,
        values: &[Fr],
    ) -> Result<(Transcript, Fr), Error> {
        if commitments.len() != values.len() {
            return Err(Error::Count { expected: commitments.len(), got: values.len() });
        }
        if commitments.is_empty() {
            return Err(Error::Size { got: 0, least: 1, most: usize::MAX });
        }
        let mut transcript = Transcript::new("glassbook/commitments/ipa/batch/1");
        transcript.observe("coefficients", &(self.bases.len() as u64).to_le_bytes());
        transcript.observe("polynomials", &(commitments.len() as u64).to_le_bytes());
        transcript.observe_scalar("point", point);
        for (commitment, value) in commitments.iter().zip(values) {
            transcript.observe_point("commitment", &commitment.0);
            transcript.observe_scalar("value", value);
        }
        let factor = transcript.challenge("factor");
        Ok((transcript, factor))
    }
}

impl PolynomialCommitment for Ipa {
    type Field = Fr;
    type Polynomial = [Fr];
    type Point = Fr;
    type Value = Fr;
    type Commitment = IpaCommitment;
    type Committed = IpaCommitted;
    type Proof = IpaProof;
    type BatchProof = IpaProof;
    type Error = Error;

    const SECURITY: SecurityStatement = SecurityStatement {
        proven_bits: 125,
        conjectured_bits: 126,
        assumption: "discrete logarithms in Pallas; algebraic group and random oracle models",
        setup: Setup::Transparent,
        post_quantum: false,
    };

    fn commit(&self, polynomial: &[Fr]) -> Result<(IpaCommitment, IpaCommitted), Error> {
        let most = self.bases.len();
        if !(1..=most).contains(&polynomial.len()) {
            return Err(Error::Size { got: polynomial.len(), least: 1, most });
        }
        let terms: Vec<(usize, Fr)> = polynomial.iter().copied().enumerate().collect();
        let commitment = IpaCommitment(self.bases.msm(&terms).into_affine());
        let mut coefficients = polynomial.to_vec();
        coefficients.resize(most, Fr::ZERO);
        Ok((commitment, IpaCommitted { coefficients, commitment }))
    }

    fn open(&self, committed: &IpaCommitted, point: &Fr) -> Result<(Fr, IpaProof), Error> {
        self.check_size(committed)?;
        let value = evaluate(&committed.coefficients, point);
        let transcript = self.statement(&committed.commitment, point, &value);
        Ok((value, prove(self, transcript, committed.coefficients.clone(), point)))
    }

    fn verify(
        &self,
        commitment: &IpaCommitment,
        point: &Fr,
        value: &Fr,
        proof: &IpaProof,
    ) -> Result<(), Error> {
        let transcript = self.statement(commitment, point, value);
        let claim = [(Fr::ONE, commitment.0)];
        check(self, &[Check::new(self, transcript, &claim, point, value, proof)?])
    }

    fn open_batch(&self, committed: &[&IpaCommitted], point: &Fr) -> Result<(Vec<Fr>, IpaProof), Error> {
        committed.iter().try_for_each(|committed| self.check_size(committed))?;
        let values: Vec<Fr> = committed.iter().map(|c| evaluate(&c.coefficients, point)).collect();
        let commitments: Vec<IpaCommitment> = committed.iter().map(|c| c.commitment).collect();
        let (transcript, factor) = self.combined(&commitments, point, &values)?;
        let mut sum = vec![Fr::ZERO; self.bases.len()];
        for committed in committed.iter().rev() {
            for (sum, coefficient) in sum.iter_mut().zip(&committed.coefficients) {
                *sum = *sum * factor + coefficient;
            }
        }
        Ok((values, prove(self, transcript, sum, point)))
    }

    fn verify_batch(
        &self,
        commitments: &[IpaCommitment],
        point: &Fr,
        values: &[Fr],
        proof: &IpaProof,
    ) -> Result<(), Error> {
        let (transcript, factor) = self.combined(commitments, point, values)?;
        let value = evaluate(values, &factor);
        let mut power = Fr::ONE;
        let claim: Vec<(Fr, Affine)> = commitments
            .iter()
            .map(|commitment| {
                let term = (power, commitment.0);
                power *= factor;
                term
            })
            .collect();
        check(self, &[Check::new(self, transcript, &claim, point, &value, proof)?])
    }

    /// One multiplication with all generators for all openings together.
    fn verify_many(&self, openings: &[Opening<'_, Self>]) -> Result<(), Error> {
        let checks = openings
            .par_iter()
            .map(|opening| {
                let Opening { commitment, point, value, proof } = opening;
                let transcript = self.statement(commitment, point, value);
                Check::new(self, transcript, &[(Fr::ONE, commitment.0)], point, value, proof)
            })
            .collect::<Result<Vec<_>, _>>()?;
        check(self, &checks)
    }
}

impl Ipa {
    fn check_size(&self, committed: &IpaCommitted) -> Result<(), Error> {
        let (expected, got) = (self.bases.len(), committed.coefficients.len());
        if expected == got { Ok(()) } else { Err(Error::Count { expected, got }) }
    }

    pub(crate) fn check_rounds(&self, proof: &IpaProof) -> Result<(), Error> {
        let (expected, got) = (self.rounds(), proof.rounds.len());
        if expected == got { Ok(()) } else { Err(Error::Count { expected, got }) }
    }
}

/// A polynomial's value.
fn evaluate(coefficients: &[Fr], point: &Fr) -> Fr {
    coefficients.iter().rev().fold(Fr::ZERO, |value, coefficient| value * point + coefficient)
}
