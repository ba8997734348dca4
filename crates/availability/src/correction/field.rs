//! GF(2^16) as `reed-solomon-simd` has it: its elements' bits are coordinates in a Cantor basis. Arithmetic is by that crate's
//! tables, so that both mean the same code.

use std::ops::{Add, AddAssign, Div, Mul};

use reed_solomon_simd::engine::{GF_MODULUS, tables};

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
        assert!(!self.is_zero(), "zero has no inverse");
        let tables = tables::get_exp_log();
        let log = tables.log[usize::from(self.0)];
        Self(tables.exp[usize::from(GF_MODULUS - log)])
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
        if self.is_zero() || other.is_zero() {
            return Self::ZERO;
        }
        let tables = tables::get_exp_log();
        Self(tables::mul(self.0, tables.log[usize::from(other.0)], &tables.exp, &tables.log))
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
