//! The code that `reed-solomon-simd` writes, as evaluations of one polynomial.
//!
//! That library (and leopard before it) describes its code by transforms. Written out, with m and k the next powers of two of M
//! parity and K data shards, elements of the field named by the integers of their bits, and every symbol of a shard for itself:
//!
//! - *High rate* (m ≤ k): parity shard i lies at the point i, data shard j at the point m + j. The transforms say that the values at
//!   all 65,536 points, zero beyond m + K, are those of a polynomial of degree below 65,536 − m. It vanishes outside
//!   P = {0, …, m + K − 1}, so it is Z · g with Z the product of x − q over all q outside P, and g any polynomial of degree below K.
//!   The product of all x − q is x^65536 − x, whose derivative is −1 = 1; so Z(p) = 1 / ∏ (p − q) over the other q in P.
//! - *Low rate* (m > k, or K > M where m = k): data shard j lies at the point j, parity shard i at k + i. The values are those of
//!   a polynomial of degree below k that vanishes at K, …, k − 1 (the padding): Z · g with Z the product of x − q over those
//!   points, and g of degree below K.
//!
//! Both are generalised Reed-Solomon codes: symbol p is v_p · g(p), with multipliers v_p = Z(p), never zero. Where m > M the parity
//! points M, …, m − 1 are computed by nobody; leaving them out keeps any K symbols enough.

use super::CorrectionError;
use super::field::Element;
use super::polynomial::Polynomial;

/// The longest code.
const MAX_LENGTH: usize = 4096;

/// A generalised Reed-Solomon code over GF(2^16): the codewords are (v_1 g(x_1), …, v_N g(x_N)) for all g of degree below K.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub(super) dimension: usize,
    pub(super) points: Vec<Element>,
    pub(super) multipliers: Vec<Element>,
    of_shards: bool,
}

impl Code {
    /// The code of `data` and `parity` shards of `reed-solomon-simd`, data shards first.
    ///
    /// # Errors
    /// [`CorrectionError::Shape`].
    pub fn of_shards(data: usize, parity: usize) -> Result<Self, CorrectionError> {
        if data == 0 || parity == 0 || data.checked_add(parity).is_none_or(|shards| shards > MAX_LENGTH) {
            return Err(CorrectionError::Shape { data, parity });
        }
        let (k, m) = (data.next_power_of_two(), parity.next_power_of_two());
        let high_rate = k > m || (k == m && data <= parity);
        let span = |from: usize, count: usize| (from..from + count).map(element);
        let (points, multipliers): (Vec<Element>, Vec<Element>) = if high_rate {
            let inverse = Polynomial::with_roots(span(0, m + data)).derivative();
            span(m, data).chain(span(0, parity)).map(|point| (point, inverse.at(point).inverse())).unzip()
        } else {
            let padding = Polynomial::with_roots(span(data, k - data));
            span(0, data).chain(span(k, parity)).map(|point| (point, padding.at(point))).unzip()
        };
        Ok(Self { dimension: data, points, multipliers, of_shards: true })
    }

    /// The code of the values of all polynomials of degree below `dimension` at `points`.
    ///
    /// # Errors
    /// [`CorrectionError::Points`].
    pub fn of_values(points: &[u16], dimension: usize) -> Result<Self, CorrectionError> {
        let mut sorted = points.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        if dimension == 0 || sorted.len() != points.len() || !(dimension..=MAX_LENGTH).contains(&points.len())
        {
            return Err(CorrectionError::Points { dimension });
        }
        let points: Vec<Element> = points.iter().copied().map(Element).collect();
        let multipliers = vec![Element::ONE; points.len()];
        Ok(Self { dimension, points, multipliers, of_shards: false })
    }

    /// N: symbols of a codeword.
    #[must_use]
    pub fn length(&self) -> usize {
        self.points.len()
    }

    /// K: as many symbols determine a codeword.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Whether this code was made for shards.
    pub(super) fn is_of_shards(&self) -> bool {
        self.of_shards
    }

    /// The codeword of g, whose coefficients are given from the constant one up.
    ///
    /// # Errors
    /// [`CorrectionError::Length`] for more than K coefficients.
    pub fn codeword(&self, coefficients: &[u16]) -> Result<Vec<u16>, CorrectionError> {
        if coefficients.len() > self.dimension {
            return Err(CorrectionError::Length { found: coefficients.len(), length: self.dimension });
        }
        let message = Polynomial::new(coefficients.iter().copied().map(Element).collect());
        Ok(self.values(&message))
    }

    pub(super) fn values(&self, message: &Polynomial) -> Vec<u16> {
        self.points.iter().zip(&self.multipliers).map(|(x, v)| (message.at(*x) * *v).0).collect()
    }

    /// Which positions are present, if there are enough.
    pub(super) fn present(&self, received: &[Option<u16>]) -> Result<Vec<usize>, CorrectionError> {
        if received.len() != self.length() {
            return Err(CorrectionError::Length { found: received.len(), length: self.length() });
        }
        let present: Vec<usize> = (0..received.len()).filter(|i| received[*i].is_some()).collect();
        self.check_enough(present.len())?;
        Ok(present)
    }

    pub(super) fn check_enough(&self, present: usize) -> Result<(), CorrectionError> {
        if present < self.dimension {
            return Err(CorrectionError::TooFew { present, needed: self.dimension });
        }
        Ok(())
    }
}

/// The element whose bits are those of `value`.
fn element(value: usize) -> Element {
    Element(u16::try_from(value).expect("points are below three times the longest code"))
}

/// The positions present where `received` differs from `codeword`.
pub(super) fn wrong(received: &[Option<u16>], codeword: &[u16]) -> Vec<usize> {
    let differs = |(received, sent): (&Option<u16>, &u16)| received.is_some_and(|received| received != *sent);
    received.iter().zip(codeword).enumerate().filter(|(_, pair)| differs(*pair)).map(|(i, _)| i).collect()
}
