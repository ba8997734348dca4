//! The prover: scalars are folded, generators are not.
//!
//! Folding the generators in each round costs a scalar multiplication for each that is left, 1023 of them at degree 1023,
//! and is what makes library openings slow. But the folded generators are known combinations of the first ones: after j
//! rounds each of the n / 2^j that are left is the sum of 2^j first ones with the products of inverse challenges as
//! scalars. So L and R are sums over the first generators, for which multiples are kept ([`FixedBases`]). That costs the
//! same n points in each round, so after [`LAZY_ROUNDS`] rounds all generators are folded at once, to few enough that
//! multiples of these are made anew for the remaining rounds.

use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field};
use ark_pallas::{Affine, Fr, Projective};

use super::encoding::IpaProof;
use super::fixed_bases::FixedBases;
use super::scheme::Ipa;
use super::transcript::Transcript;

/// Rounds over the same generators before they are folded; measured, 3 to 5 are alike.
const LAZY_ROUNDS: u32 = 4;

/// Proves what `transcript` has stated: that the polynomial with these coefficients, as many as there are generators, has
/// its value at this point.
pub(crate) fn prove(
    ipa: &Ipa,
    mut transcript: Transcript,
    mut coefficients: Vec<Fr>,
    point: &Fr,
) -> IpaProof {
    let value_base = ipa.value_base * transcript.challenge("value base");
    let mut powers = powers(point, coefficients.len());
    let mut rounds = Vec::new();

    let mut folded: Option<FixedBases> = None;
    // Of the generators in use, `products[part]` goes with the part-th of equal parts.
    let mut products = vec![Fr::ONE];
    while coefficients.len() > 1 {
        let bases = folded.as_ref().unwrap_or(&ipa.bases);
        let half = coefficients.len() / 2;
        let (low, high) = coefficients.split_at(half);
        let (powers_low, powers_high) = powers.split_at(half);
        let (left, right) = rayon::join(
            || bases.msm(&spread(low, half, &products)) + value_base * inner_product(low, powers_high),
            || bases.msm(&spread(high, 0, &products)) + value_base * inner_product(high, powers_low),
        );
        let [left, right]: [Affine; 2] =
            Projective::normalize_batch(&[left, right]).try_into().expect("as many points as before");
        rounds.push((left, right));

        let (challenge, inverse) = challenge(&mut transcript, &left, &right);
        coefficients = fold(low, high, challenge);
        powers = fold(powers_low, powers_high, inverse);
        products = products.iter().flat_map(|product| [*product, *product * inverse]).collect();
        if products.len() == 1 << LAZY_ROUNDS && coefficients.len() > 1 {
            folded = Some(FixedBases::new(&bases.fold(&products)));
            products = vec![Fr::ONE];
        }
    }
    IpaProof { rounds, last: coefficients[0] }
}

/// A round's challenge and its inverse.
pub(crate) fn challenge(transcript: &mut Transcript, left: &Affine, right: &Affine) -> (Fr, Fr) {
    transcript.observe_point("left", left);
    transcript.observe_point("right", right);
    let challenge = transcript.challenge("round");
    (challenge, challenge.inverse().expect("challenges are not zero"))
}

/// 1, x, x^2, ...
fn powers(x: &Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |power| Some(*power * x)).take(count).collect()
}

/// Scalars for folded generators, from the one numbered `first` on, as scalars for the generators in use.
fn spread(scalars: &[Fr], first: usize, products: &[Fr]) -> Vec<(usize, Fr)> {
    let left = 2 * scalars.len();
    products
        .iter()
        .enumerate()
        .flat_map(|(part, product)| {
            scalars
                .iter()
                .enumerate()
                .map(move |(index, scalar)| (part * left + first + index, *scalar * product))
        })
        .collect()
}

fn inner_product(left: &[Fr], right: &[Fr]) -> Fr {
    left.iter().zip(right).fold(Fr::ZERO, |sum, (left, right)| sum + *left * right)
}

fn fold(low: &[Fr], high: &[Fr], factor: Fr) -> Vec<Fr> {
    low.iter().zip(high).map(|(low, high)| *low + *high * factor).collect()
}
