//! The one codeword within half the distance, by Gao's algorithm.
//!
//! With n symbols present, let G be the product of x − p over their points and R the polynomial of degree below n through the
//! symbols (each over its multiplier). If at most (n − K) / 2 symbols are wrong and E is the product of x − p over the wrong
//! ones, then R · E ≡ g · E modulo G, and the extended Euclidean algorithm on G and R, stopped at the first remainder of degree below
//! (n + K) / 2, has g · E and E up to a common factor. (S. Gao, A New Algorithm for Decoding Reed-Solomon Codes, 2003.)
//!
//! The result is not trusted: it is evaluated, compared with what was received, and refused unless the differences are within the
//! radius. That two codewords cannot both be within it makes it unique, whatever found it. (The degrees in the algorithm imply the
//! same; the comparison does not rely on that.)

use super::code::wrong;
use super::field::Element;
use super::polynomial::Polynomial;
use super::{Code, CorrectionError};

/// The only codeword within the radius.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrected {
    /// All N symbols, erasures filled in.
    pub codeword: Vec<u16>,
    /// The positions that were wrong.
    pub wrong: Vec<usize>,
    /// ⌊(n − K) / 2⌋ with n symbols present: with more wrong ones than that, this would not have been found, or another codeword
    /// would be what was written.
    pub radius: usize,
}

impl Code {
    /// Finds the codeword that differs in at most ⌊(n − K) / 2⌋ of the n symbols present. There is never more than one.
    ///
    /// # Errors
    /// [`CorrectionError::BeyondRadius`] when there is none; [`CorrectionError::Length`], [`CorrectionError::TooFew`].
    pub fn correct(&self, received: &[Option<u16>]) -> Result<Corrected, CorrectionError> {
        Decoder::new(self, self.present(received)?).correct(received)
    }
}

/// What depends only on which symbols are present.
pub(super) struct Decoder<'a> {
    code: &'a Code,
    present: Vec<usize>,
    /// G.
    product: Polynomial,
    /// One over v_p · G'(p) for each point present.
    weights: Vec<Element>,
}

impl<'a> Decoder<'a> {
    /// For at least K positions, in order.
    pub(super) fn new(code: &'a Code, present: Vec<usize>) -> Self {
        let product = Polynomial::with_roots(present.iter().map(|i| code.points[*i]));
        let derivative = product.derivative();
        let weight = |i: &usize| (code.multipliers[*i] * derivative.at(code.points[*i])).inverse();
        let weights = present.iter().map(weight).collect();
        Self { code, present, product, weights }
    }

    pub(super) fn radius(&self) -> usize {
        (self.present.len() - self.code.dimension) / 2
    }

    /// As [`Code::correct`], for symbols present in exactly these positions.
    pub(super) fn correct(&self, received: &[Option<u16>]) -> Result<Corrected, CorrectionError> {
        let radius = self.radius();
        let beyond = CorrectionError::BeyondRadius { radius, present: self.present.len(), column: None };
        let Some(message) = self.message(received) else { return Err(beyond) };
        let codeword = self.code.values(&message);
        let wrong = wrong(received, &codeword);
        if wrong.len() > radius {
            return Err(beyond);
        }
        Ok(Corrected { codeword, wrong, radius })
    }

    /// g, if Gao's algorithm ends in a polynomial of degree below K.
    fn message(&self, received: &[Option<u16>]) -> Option<Polynomial> {
        let limit = self.present.len() + self.code.dimension;
        let (mut before, mut rest) = (self.product.clone(), self.through(received));
        let (mut factor_before, mut factor) = (Polynomial::zero(), Polynomial::one());
        // A length is a degree and one.
        while !rest.is_zero() && 2 * (rest.len() - 1) >= limit {
            let (quotient, next) = before.divide(&rest);
            let next_factor = factor_before.add_product(&quotient, &factor);
            (before, rest) = (rest, next);
            (factor_before, factor) = (factor, next_factor);
        }
        let (message, remainder) = rest.divide(&factor);
        (remainder.is_zero() && message.len() <= self.code.dimension).then_some(message)
    }

    /// R, by Lagrange.
    fn through(&self, received: &[Option<u16>]) -> Polynomial {
        let mut sum = vec![Element::ZERO; self.present.len()];
        for (i, weight) in self.present.iter().zip(&self.weights) {
            let symbol = Element(received[*i].expect("the decoder was made for the symbols present"));
            let factor = symbol * *weight;
            if !factor.is_zero() {
                for (value, coefficient) in
                    sum.iter_mut().zip(self.product.without_root(self.code.points[*i]))
                {
                    *value += coefficient * factor;
                }
            }
        }
        Polynomial::new(sum)
    }
}
