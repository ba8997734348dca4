//! GF(2^128), built over the code's own GF(2^16) so that the code is linear over both.
//!
//! GF(2^16) is the code's field as `reed-solomon-simd` has it: the tables are that library's, in Cantor's basis. Three quadratic
//! extensions follow, X² = X + c, Y² = Y + cX, Z² = Z + cXY, where c = 0x8000. Each is a field because the constant has trace one:
//! c is the last vector of Cantor's basis, the only one with trace one; and the trace of u + vX down to the field of u and v
//! is v, so cX has over GF(2^32) the trace that c has over GF(2^16), and so on.

use reed_solomon_simd::engine::{GF_MODULUS, tables};

/// The constant of the tower: an element of GF(2^16) whose trace is one.
pub(crate) const TWIST: u16 = 0x8000;

/// An element of GF(2^128): the coordinates of 1, X, Y, XY, Z, XZ, YZ, XYZ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Element(pub [u16; 8]);

impl Element {
    /// Every string of 16 bytes is an element: its coordinates, little-endian.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(std::array::from_fn(|at| u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]])))
    }

    /// [`Self::from_bytes`] back.
    pub fn to_bytes(self) -> [u8; 16] {
        std::array::from_fn(|at| self.0[at / 2].to_le_bytes()[at % 2])
    }

    /// The product.
    pub fn times(self, other: Self) -> Self {
        let mut product = Self::default();
        multiply(&self.0, &other.0, &mut product.0);
        product
    }
}

/// The product of two elements of GF(2^16).
pub(crate) fn multiply_16(a: u16, b: u16) -> u16 {
    let tables = tables::get_exp_log();
    if b == 0 { 0 } else { tables::mul(a, tables.log[usize::from(b)], &tables.exp, &tables.log) }
}

/// The inverse of an element of GF(2^16) other than zero.
pub(crate) fn invert_16(a: u16) -> u16 {
    assert!(a != 0, "zero has no inverse");
    let tables = tables::get_exp_log();
    tables.exp[usize::from(GF_MODULUS - tables.log[usize::from(a)])]
}

/// The product in the field of the tower that has as many coordinates as the slices, which is a power of two.
fn multiply(a: &[u16], b: &[u16], product: &mut [u16]) {
    if let ([a], [b]) = (a, b) {
        product[0] = multiply_16(*a, *b);
        return;
    }
    // (a0 + a1 X)(b0 + b1 X) = (a0 b0 + a1 b1 c) + ((a0 + a1)(b0 + b1) + a0 b0) X
    let half = a.len() / 2;
    let ((a0, a1), (b0, b1)) = (a.split_at(half), b.split_at(half));
    let (low, high) = product.split_at_mut(half);
    let (mut twisted, mut carried) = ([0; 4], [0; 4]);
    twist(b1, &mut twisted[..half]);
    multiply(a0, b0, low);
    multiply(&sum(a0, a1)[..half], &sum(b0, b1)[..half], high);
    multiply(a1, &twisted[..half], &mut carried[..half]);
    for at in 0..half {
        high[at] ^= low[at];
        low[at] ^= carried[at];
    }
}

/// `b` times the constant of the extension over the field that has as many coordinates as `b`: c, cX, or cXY.
pub(crate) fn twist(b: &[u16], product: &mut [u16]) {
    let mut constant = [0; 4];
    constant[b.len() - 1] = TWIST;
    multiply(b, &constant[..b.len()], product);
}

/// The sum of two elements of at most four coordinates.
pub(crate) fn sum(a: &[u16], b: &[u16]) -> [u16; 4] {
    let mut sum = [0; 4];
    for (sum, (a, b)) in sum.iter_mut().zip(a.iter().zip(b)) {
        *sum = a ^ b;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one() -> Element {
        Element([1, 0, 0, 0, 0, 0, 0, 0])
    }

    fn any_element() -> impl Strategy<Value = Element> {
        any::<[u16; 8]>().prop_map(Element)
    }

    fn power_of_two(mut element: Element, squarings: u32) -> Element {
        for _ in 0..squarings {
            element = element.times(element);
        }
        element
    }

    fn plus(a: Element, b: Element) -> Element {
        Element(std::array::from_fn(|at| a.0[at] ^ b.0[at]))
    }

    #[test]
    fn the_twist_is_the_only_basis_vector_with_trace_one() {
        for bit in 0..16 {
            let (mut power, mut trace) = (1u16 << bit, 0);
            for _ in 0..16 {
                trace ^= power;
                power = multiply_16(power, power);
            }
            assert_eq!(trace, u16::from(1 << bit == TWIST), "bit {bit}");
        }
    }

    /// X² + X = c and so on, which is what the recursion should compute.
    #[test]
    fn the_generators_satisfy_their_equations() {
        for (generator, constant) in [(1usize, 0usize), (2, 1), (4, 3)] {
            let (mut x, mut c) = (Element::default(), Element::default());
            x.0[generator] = 1;
            c.0[constant] = TWIST;
            assert_eq!(plus(x.times(x), x), c);
        }
    }

    /// An irreducible polynomial at each step makes the ring a field of 2^128 elements: every element is its own 2^128-th power,
    /// and one that is not in the subfield of 2^64 elements is not its own 2^64-th.
    #[test]
    fn the_tower_is_a_field_of_the_right_size() {
        let z = Element([3, 1, 4, 1, 5, 9, 2, 6]);
        assert_eq!(power_of_two(z, 128), z);
        assert_ne!(power_of_two(z, 64), z);
        // u^(2^128 - 2) is the inverse.
        let (mut inverse, mut power) = (one(), z);
        for _ in 1..128 {
            power = power.times(power);
            inverse = inverse.times(power);
        }
        assert_eq!(inverse.times(z), one());
    }

    proptest! {
        #[test]
        fn it_is_a_commutative_ring_with_one(a in any_element(), b in any_element(), c in any_element()) {
            prop_assert_eq!(a.times(b), b.times(a));
            prop_assert_eq!(a.times(b).times(c), a.times(b.times(c)));
            prop_assert_eq!(a.times(plus(b, c)), plus(a.times(b), a.times(c)));
            prop_assert_eq!(a.times(one()), a);
            prop_assert_eq!(Element::from_bytes(a.to_bytes()), a);
        }

        #[test]
        fn elements_of_the_codes_field_scale_coordinates(a in any_element(), scalar: u16) {
            let scaled = a.times(Element([scalar, 0, 0, 0, 0, 0, 0, 0]));
            prop_assert_eq!(scaled.0, a.0.map(|coordinate| multiply_16(coordinate, scalar)));
        }

        #[test]
        fn inverses_invert(a in 1u16..) {
            prop_assert_eq!(multiply_16(a, invert_16(a)), 1);
        }
    }
}
