//! The verifier: one multi-scalar multiplication, however many proofs there are.
//!
//! With s_i the product of the inverse challenges of those rounds whose bit is set in i (the first round has the highest
//! bit), a proof is right when
//!
//! ```text
//! C + v U + sum_j (L_j / u_j + u_j R_j) = a <s, G> + a <s, b> U        U = ξH
//! ```
//!
//! Several such equations hold, except with probability 2^-254 for each, when their sum with powers of a challenge does
//! that is drawn from all of them.

use ark_ec::VariableBaseMSM;
use ark_ff::{AdditiveGroup, Field, Zero};
use ark_pallas::{Affine, Fr, Projective};

use super::encoding::IpaProof;
use super::prove::challenge;
use super::scheme::Ipa;
use super::transcript::Transcript;
use crate::Error;

/// One proof's equation, everything on one side.
pub(crate) struct Check {
    /// After the last message.
    transcript: Transcript,
    /// The inverse challenges, the first round's first.
    inverses: Vec<Fr>,
    /// The last coefficient.
    last: Fr,
    /// What `value_base` is multiplied with.
    of_value_base: Fr,
    /// Terms with other points.
    terms: Vec<(Fr, Affine)>,
}

impl Check {
    /// Goes through the conversation once more. `claim` is the commitment, as a combination of points.
    pub(crate) fn new(
        ipa: &Ipa,
        mut transcript: Transcript,
        claim: &[(Fr, Affine)],
        point: &Fr,
        value: &Fr,
        proof: &IpaProof,
    ) -> Result<Self, Error> {
        ipa.check_rounds(proof)?;
        let of_value = transcript.challenge("value base");
        let mut terms = claim.to_vec();
        let mut inverses = Vec::with_capacity(proof.rounds.len());
        for (left, right) in &proof.rounds {
            let (challenge, inverse) = challenge(&mut transcript, left, right);
            terms.push((inverse, *left));
            terms.push((challenge, *right));
            inverses.push(inverse);
        }
        transcript.observe_scalar("last", &proof.last);
        // <s, b> is a product: the factor of the last round has z, the one before z^2, and so on.
        let mut power = *point;
        let mut powers_folded = Fr::ONE;
        for inverse in inverses.iter().rev() {
            powers_folded *= Fr::ONE + *inverse * power;
            power.square_in_place();
        }
        let of_value_base = of_value * (*value - proof.last * powers_folded);
        Ok(Self { transcript, inverses, last: proof.last, of_value_base, terms })
    }
}

/// Whether all equations hold.
pub(crate) fn check(ipa: &Ipa, checks: &[Check]) -> Result<(), Error> {
    let mut all = Transcript::new("glassbook/commitments/ipa/many/1");
    if checks.len() > 1 {
        for check in checks {
            let mut transcript = check.transcript.clone();
            all.observe_scalar("proof", &transcript.challenge("proof"));
        }
    }
    let factor = all.challenge("factor");

    let mut weight = Fr::ONE;
    let mut scalars = vec![Fr::ZERO; ipa.bases.len()];
    let mut of_value_base = Fr::ZERO;
    let mut points = vec![ipa.value_base];
    let mut weights = vec![Fr::ZERO];
    for check in checks {
        for (sum, product) in scalars.iter_mut().zip(products(&check.inverses)) {
            *sum -= weight * check.last * product;
        }
        of_value_base += weight * check.of_value_base;
        for (scalar, point) in &check.terms {
            weights.push(weight * scalar);
            points.push(*point);
        }
        weight *= factor;
    }
    weights[0] = of_value_base;
    let terms: Vec<(usize, Fr)> = scalars.into_iter().enumerate().collect();
    let (of_generators, others) =
        rayon::join(|| ipa.bases.msm(&terms), || Projective::msm_unchecked(&points, &weights));
    if (of_generators + others).is_zero() {
        Ok(())
    } else {
        Err(Error::Refused("the inner-product argument does not add up"))
    }
}

/// s: as many as two to the number of rounds.
fn products(inverses: &[Fr]) -> Vec<Fr> {
    inverses.iter().fold(vec![Fr::ONE], |products, inverse| {
        products.iter().flat_map(|product| [*product, *product * inverse]).collect()
    })
}

#[cfg(test)]
mod tests {
    use crate::PolynomialCommitment;
    use crate::ipa::{Ipa, IpaCommitment, IpaProof};

    use super::*;

    struct Said {
        commitment: IpaCommitment,
        point: Fr,
        value: Fr,
        proof: IpaProof,
    }

    /// All challenges of a conversation, and one more after its last message.
    fn drawn(ipa: &Ipa, said: &Said) -> Vec<Fr> {
        let Said { commitment, point, value, proof } = said;
        let mut statement = ipa.statement(commitment, point, value);
        let claim = [(Fr::ONE, commitment.0)];
        let check = Check::new(ipa, statement.clone(), &claim, point, value, proof).expect("as many rounds");
        let mut after = check.transcript;
        let mut drawn = vec![statement.challenge("value base")];
        drawn.extend(check.inverses);
        drawn.push(after.challenge("after"));
        drawn
    }

    fn said(ipa: &Ipa) -> Said {
        let polynomial: Vec<Fr> = (1..=8u64).map(Fr::from).collect();
        let (commitment, committed) = ipa.commit(&polynomial).expect("it fits");
        let point = Fr::from(5);
        let (value, proof) = ipa.open(&committed, &point).expect("it opens");
        Said { commitment, point, value, proof }
    }

    /// Challenges before a message stay, all after it change.
    fn assert_observed(ipa: &Ipa, before: usize, change: impl FnOnce(&mut Said)) {
        let honest = drawn(ipa, &said(ipa));
        let mut changed = said(ipa);
        change(&mut changed);
        let changed = drawn(ipa, &changed);
        assert_eq!(honest[..before], changed[..before]);
        for (honest, changed) in honest[before..].iter().zip(&changed[before..]) {
            assert_ne!(honest, changed);
        }
    }

    #[test]
    fn every_message_changes_every_challenge_after_it() {
        let ipa = Ipa::new(8).expect("a power of two");
        let other = ipa.value_base;
        assert_observed(&ipa, 0, |said| said.commitment = IpaCommitment(other));
        assert_observed(&ipa, 0, |said| said.point += Fr::ONE);
        assert_observed(&ipa, 0, |said| said.value += Fr::ONE);
        for round in 0..3 {
            assert_observed(&ipa, 1 + round, |said| said.proof.rounds[round].0 = other);
            assert_observed(&ipa, 1 + round, |said| said.proof.rounds[round].1 = other);
        }
        assert_observed(&ipa, 4, |said| said.proof.last += Fr::ONE);
    }

    #[test]
    fn the_size_of_the_scheme_changes_the_challenges() {
        let small = Ipa::new(8).expect("a power of two");
        let large = Ipa::new(16).expect("a power of two");
        let Said { commitment, point, value, .. } = said(&small);
        let mut of_small = small.statement(&commitment, &point, &value);
        let mut of_large = large.statement(&commitment, &point, &value);
        assert_ne!(of_small.challenge("value base"), of_large.challenge("value base"));
    }

    #[test]
    fn the_factor_of_a_batch_depends_on_everything_in_it() {
        let ipa = Ipa::new(8).expect("a power of two");
        let Said { commitment, point, value, .. } = said(&ipa);
        let other = IpaCommitment(ipa.value_base);
        let factor = |commitments: &[IpaCommitment], point: Fr, values: &[Fr]| {
            ipa.combined(commitments, &point, values).expect("as many values").1
        };
        let base = factor(&[commitment, commitment], point, &[value, value]);
        let one = Fr::ONE;
        for changed in [
            factor(&[commitment], point, &[value]),
            factor(&[commitment, other], point, &[value, value]),
            factor(&[other, commitment], point, &[value, value]),
            factor(&[commitment, commitment], point + one, &[value, value]),
            factor(&[commitment, commitment], point, &[value + one, value]),
            factor(&[commitment, commitment], point, &[value, value + one]),
        ] {
            assert_ne!(changed, base);
        }
    }
}
