//! GF(2^16) as `reed-solomon-simd` has it, with operators: for polynomials, which are written with them. What a product and an
//! inverse are is said in the crate's own `field`.

use std::ops::{Add, AddAssign, Div, Mul};

use crate::field::{invert_16, multiply_16};

/// An element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Element(pub(super) u16);

impl Element {
    pub(super) const ZERO: Self = Self(0);
    pub(super) const ONE: Self = Self(1);

    pub(super) fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// One over this element, which is not zero.
    pub(super) fn inverse(self) -> Self {
        Self(invert_16(self.0))
    }
}

/// In characteristic two this is subtraction, too.
#[allow(clippy::suspicious_arithmetic_impl)]
impl Add for Element {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

#[allow(clippy::suspicious_op_assign_impl)]
impl AddAssign for Element {
    fn add_assign(&mut self, other: Self) {
        self.0 ^= other.0;
    }
}

impl Mul for Element {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self(multiply_16(self.0, other.0))
    }
}

/// By a divisor that is not zero.
#[allow(clippy::suspicious_arithmetic_impl)]
impl Div for Element {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        self * other.inverse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_but_zero_has_an_inverse() {
        for value in 1..=u16::MAX {
            assert_eq!(Element(value) * Element(value).inverse(), Element::ONE);
        }
    }

    #[test]
    fn multiplication_distributes_and_associates() {
        let values = [0, 1, 2, 3, 0x8000, 0xACCA, 0x1234, 0xFFFF].map(Element);
        for a in values {
            for b in values {
                for c in values {
                    assert_eq!(a * (b + c), a * b + a * c);
                    assert_eq!(a * (b * c), (a * b) * c);
                }
            }
        }
    }
}
