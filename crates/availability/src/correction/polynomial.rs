//! Polynomials in one variable: coefficients from the constant one up, the last one not zero.

use super::field::Element;

/// A polynomial. Zero has no coefficients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Polynomial(Vec<Element>);

impl Polynomial {
    pub(super) fn new(mut coefficients: Vec<Element>) -> Self {
        while coefficients.last().is_some_and(|last| last.is_zero()) {
            coefficients.pop();
        }
        Self(coefficients)
    }

    pub(super) fn zero() -> Self {
        Self(Vec::new())
    }

    pub(super) fn one() -> Self {
        Self(vec![Element::ONE])
    }

    /// The product of x − `root` over the roots.
    pub(super) fn with_roots(roots: impl IntoIterator<Item = Element>) -> Self {
        let mut product = vec![Element::ONE];
        for root in roots {
            product.push(Element::ZERO);
            for i in (0..product.len()).rev() {
                let lower = if i > 0 { product[i - 1] } else { Element::ZERO };
                product[i] = lower + product[i] * root;
            }
        }
        Self(product)
    }

    /// One more than the degree; zero for the polynomial zero.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn at(&self, x: Element) -> Element {
        self.0.iter().rev().fold(Element::ZERO, |value, coefficient| value * x + *coefficient)
    }

    /// The derivative: in characteristic two, the odd coefficients, one lower.
    pub(super) fn derivative(&self) -> Self {
        let odd = |(i, coefficient): (usize, &Element)| if i % 2 == 0 { *coefficient } else { Element::ZERO };
        Self::new(self.0.iter().skip(1).enumerate().map(odd).collect())
    }

    /// `self` over x − `root`, which divides it.
    pub(super) fn without_root(&self, root: Element) -> Vec<Element> {
        let mut quotient = vec![Element::ZERO; self.0.len() - 1];
        let mut carry = Element::ZERO;
        for (place, coefficient) in quotient.iter_mut().zip(&self.0[1..]).rev() {
            carry = *coefficient + carry * root;
            *place = carry;
        }
        quotient
    }

    /// Quotient and remainder by a divisor that is not zero.
    pub(super) fn divide(&self, divisor: &Self) -> (Self, Self) {
        let lead = divisor.0.last().expect("the divisor is not zero").inverse();
        let mut rest = self.0.clone();
        let mut quotient = vec![Element::ZERO; (rest.len() + 1).saturating_sub(divisor.0.len())];
        for shift in (0..quotient.len()).rev() {
            let factor = rest[shift + divisor.0.len() - 1] * lead;
            quotient[shift] = factor;
            if !factor.is_zero() {
                for (value, coefficient) in rest[shift..].iter_mut().zip(&divisor.0) {
                    *value += *coefficient * factor;
                }
            }
        }
        (Self::new(quotient), Self::new(rest))
    }

    /// `self` + `factor` · `other`.
    pub(super) fn add_product(&self, factor: &Self, other: &Self) -> Self {
        if factor.is_zero() || other.is_zero() {
            return self.clone();
        }
        let mut sum = self.0.clone();
        sum.resize(sum.len().max(factor.len() + other.len() - 1), Element::ZERO);
        for (i, a) in factor.0.iter().enumerate() {
            for (value, b) in sum[i..].iter_mut().zip(&other.0) {
                *value += *a * *b;
            }
        }
        Self::new(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u16]) -> Polynomial {
        Polynomial::new(values.iter().copied().map(Element).collect())
    }

    #[test]
    fn a_quotient_and_its_remainder_give_the_dividend_again() {
        for (a, b) in [
            (of(&[1, 2, 3, 4, 5]), of(&[7, 0, 9])),
            (of(&[1, 2]), of(&[7, 0, 9])),
            (of(&[]), of(&[3])),
            (of(&[5, 6, 7]), of(&[0x8001])),
        ] {
            let (quotient, rest) = a.divide(&b);
            assert!(rest.len() < b.len());
            assert_eq!(rest.add_product(&quotient, &b), a);
        }
    }

    #[test]
    fn a_product_of_roots_is_zero_exactly_there_and_a_root_can_be_taken_out() {
        let roots = [0, 3, 5, 0xFFFF].map(Element);
        let product = Polynomial::with_roots(roots);
        assert_eq!(product.len(), 5);
        assert!(roots.iter().all(|root| product.at(*root).is_zero()));
        assert!(!product.at(Element(4)).is_zero());
        let without = Polynomial::new(product.without_root(Element(5)));
        assert_eq!(without, Polynomial::with_roots([0, 3, 0xFFFF].map(Element)));
        assert_eq!(product.derivative().at(Element(5)), without.at(Element(5)));
    }
}
