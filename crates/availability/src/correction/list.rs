//! All codewords within a radius beyond half the distance: Guruswami and Sudan (Improved decoding of Reed-Solomon and
//! algebraic-geometry codes, 1999).
//!
//! With n symbols present and at most t wrong, a codeword agrees in a = n − t places. A polynomial Q(x, y) that passes m times
//! through all n points and whose (1, K − 1)-weighted degree D is below m a has Q(x, g(x)) = 0 for each such g: that has degree at most
//! D, but a roots of multiplicity m. Q exists where it has more coefficients than the n m (m + 1) / 2 equations that it must meet,
//! and for some m it does exactly when a² > n (K − 1), the Johnson bound.

use super::code::wrong;
use super::field::Element;
use super::polynomial::Polynomial;
use super::{Code, CorrectionError, interpolation, roots};

/// The most equations that a list may take; beyond them it is refused. Time grows with their square.
pub const MAX_CONSTRAINTS: usize = 4096;

/// A codeword within the radius.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The positions present that differ from it.
    pub wrong: Vec<usize>,
    /// All N symbols.
    pub codeword: Vec<u16>,
}

/// The largest t with (n − t)² > n (K − 1): within t errors of `present` symbols lists are short.
#[must_use]
pub fn johnson_radius(present: usize, dimension: usize) -> usize {
    let inside = |t: &usize| (present - t) * (present - t) > present * dimension.saturating_sub(1);
    (0..=present).take_while(inside).last().unwrap_or(0)
}

impl Code {
    /// Finds every codeword that differs in at most `radius` of the symbols present, the closest first. There can be several, or
    /// none; which one was written, only a commitment can tell.
    ///
    /// # Errors
    /// [`CorrectionError::BeyondJohnson`], [`CorrectionError::TooLarge`], [`CorrectionError::Length`],
    /// [`CorrectionError::TooFew`].
    pub fn list(&self, received: &[Option<u16>], radius: usize) -> Result<Vec<Candidate>, CorrectionError> {
        let present = self.present(received)?;
        let (n, k) = (present.len(), self.dimension);
        let johnson = johnson_radius(n, k);
        if radius > johnson {
            return Err(CorrectionError::BeyondJohnson { radius, johnson });
        }
        let points: Vec<(Element, Element)> = present
            .iter()
            .map(|i| {
                let symbol = Element(received[*i].expect("this symbol is present"));
                (self.points[*i], symbol / self.multipliers[*i])
            })
            .collect();
        let messages = if k == 1 {
            // Constants: what was received somewhere is all there can be.
            points.iter().map(|(_, y)| vec![*y]).collect()
        } else {
            let Some((multiplicity, degree)) = parameters(n, k, radius) else {
                return Err(CorrectionError::TooLarge { radius, limit: MAX_CONSTRAINTS });
            };
            roots::polynomials(&interpolation::through(&points, multiplicity, k - 1, degree), k)
        };
        let mut candidates: Vec<Candidate> = messages
            .into_iter()
            .map(|coefficients| {
                let codeword = self.values(&Polynomial::new(coefficients));
                Candidate { wrong: wrong(received, &codeword), codeword }
            })
            .filter(|candidate| candidate.wrong.len() <= radius)
            .collect();
        candidates.sort_unstable_by(|a, b| (a.wrong.len(), a).cmp(&(b.wrong.len(), b)));
        candidates.dedup();
        Ok(candidates)
    }

    /// The largest radius up to the Johnson bound for which [`Code::list`] takes at most [`MAX_CONSTRAINTS`] equations with
    /// `present` symbols; nothing when even radius zero takes more, or fewer than K symbols are present.
    #[must_use]
    pub fn list_radius(&self, present: usize) -> Option<usize> {
        if present < self.dimension || present > self.length() {
            return None;
        }
        let johnson = johnson_radius(present, self.dimension);
        if self.dimension == 1 {
            return Some(johnson);
        }
        (0..=johnson).rev().find(|radius| parameters(present, self.dimension, *radius).is_some())
    }
}

/// The smallest multiplicity for which Q exists, and its degree in y, if that is within the limit. K ≥ 2, n ≥ K.
fn parameters(n: usize, k: usize, radius: usize) -> Option<(usize, usize)> {
    for multiplicity in 1.. {
        let constraints = n * multiplicity * (multiplicity + 1) / 2;
        if constraints > MAX_CONSTRAINTS {
            return None;
        }
        let weighted = multiplicity * (n - radius) - 1;
        let degree = weighted / (k - 1);
        let coefficients: usize = (0..=degree).map(|power| weighted - power * (k - 1) + 1).sum();
        if coefficients > constraints {
            return Some((multiplicity, degree));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_johnson_radius_lies_beyond_half_the_distance_and_below_the_distance() {
        for (n, k) in [(16, 4), (32, 8), (64, 8), (15, 3), (384, 256), (12, 2)] {
            let radius = johnson_radius(n, k);
            assert!(radius >= (n - k) / 2 && radius <= n - k, "{n} {k} {radius}");
        }
        assert_eq!((johnson_radius(16, 4), johnson_radius(32, 8), johnson_radius(5, 1)), (9, 17, 4));
        assert_eq!((johnson_radius(4, 4), johnson_radius(1, 1)), (0, 0));
    }
}
