//! The field libraries' algorithms that the schemes are made of, under their textbook names.

use ark_ec::VariableBaseMSM;
use ark_pallas::{Affine, Fr, Projective};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use p3_dft::{Radix2DitParallel, TwoAdicSubgroupDft};
use p3_field::Field;
use p3_koala_bear::KoalaBear;
use p3_matrix::Matrix;
use p3_matrix::dense::RowMajorMatrix;

use crate::Error;

/// The sum of scalar times point over Pallas, by Pippenger's algorithm (ark-ec's). For points that stay the same,
/// [`crate::ipa::FixedBases`] is faster.
///
/// # Errors
///
/// When there are not as many scalars as points.
pub fn multi_scalar_multiplication(points: &[Affine], scalars: &[Fr]) -> Result<Projective, Error> {
    if points.len() != scalars.len() {
        return Err(Error::Count { expected: points.len(), got: scalars.len() });
    }
    Ok(Projective::msm_unchecked(points, scalars))
}

/// Values of a polynomial over Pallas' scalar field on the subgroup of `size` points, from its coefficients (ark-poly's
/// number-theoretic transform).
///
/// # Errors
///
/// When the size is not a power of two up to 2^32, or the polynomial has more coefficients.
pub fn number_theoretic_transform(coefficients: &[Fr], size: usize) -> Result<Vec<Fr>, Error> {
    let domain = size
        .is_power_of_two()
        .then(|| Radix2EvaluationDomain::<Fr>::new(size))
        .flatten()
        .ok_or(Error::NotAPowerOfTwo(size))?;
    if coefficients.len() > size {
        return Err(Error::Size { got: coefficients.len(), least: 0, most: size });
    }
    Ok(domain.fft(coefficients))
}

/// Of each column, values on a coset of twice as many points, in order (Plonky3's number-theoretic transforms over
/// KoalaBear).
///
/// # Errors
///
/// When the rows are not a power of two up to 2^23.
pub fn low_degree_extension(matrix: RowMajorMatrix<KoalaBear>) -> Result<RowMajorMatrix<KoalaBear>, Error> {
    let rows = matrix.height();
    if !rows.is_power_of_two() {
        return Err(Error::NotAPowerOfTwo(rows));
    }
    if rows > 1 << 23 {
        return Err(Error::Size { got: rows, least: 1, most: 1 << 23 });
    }
    let extended = Radix2DitParallel::default().coset_lde_batch(matrix, 1, KoalaBear::GENERATOR);
    Ok(extended.to_row_major_matrix())
}

#[cfg(test)]
mod tests {
    use ark_ff::{AdditiveGroup, FftField, Field as _};
    use p3_field::PrimeCharacteristicRing;

    use super::*;

    #[test]
    fn the_transform_evaluates() {
        let coefficients: Vec<Fr> = (1..=5u64).map(Fr::from).collect();
        let values = number_theoretic_transform(&coefficients, 8).expect("a domain");
        let root = Fr::get_root_of_unity(8).expect("there is one");
        for (power, value) in values.iter().enumerate() {
            let x = root.pow([power as u64]);
            let expected = coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c);
            assert_eq!(*value, expected);
        }
        assert!(number_theoretic_transform(&coefficients, 4).is_err());
        assert!(number_theoretic_transform(&coefficients, 12).is_err());
    }

    #[test]
    fn an_extension_has_the_polynomials_values_on_the_coset() {
        // x^3 + 2 on the subgroup of eight points, extended to sixteen.
        let root = <KoalaBear as p3_field::TwoAdicField>::two_adic_generator(3);
        let at = |x: KoalaBear| x.cube() + KoalaBear::TWO;
        let column = (0..8).map(|power| at(root.exp_u64(power))).collect();
        let extended = low_degree_extension(RowMajorMatrix::new_col(column)).expect("a power of two");
        let root = <KoalaBear as p3_field::TwoAdicField>::two_adic_generator(4);
        for (power, value) in (0..).zip(&extended.values) {
            assert_eq!(*value, at(KoalaBear::GENERATOR * root.exp_u64(power)));
        }
        assert!(low_degree_extension(RowMajorMatrix::new_col(vec![KoalaBear::ONE; 6])).is_err());
    }
}
