//! Ed25519 (RFC 8032) with the strict checks of `ed25519-dalek`'s `verify_strict`:
//!
//! - S is below the group's order;
//! - the key's y may be encoded in a form not reduced modulo p, and the challenge is over the bytes as they are;
//! - `[S]B - [k]A`, compressed, must be R's bytes, so R has exactly one encoding, and the cofactor does not help;
//! - neither A nor R is of small order.

use curve25519_dalek::Scalar;
use sha2::{Digest as _, Sha512};

use crate::{Point, Precompiles};

/// 2^255 - 19.
const MODULUS: [u64; 4] = [0xffff_ffff_ffff_ffed, u64::MAX, u64::MAX, u64::MAX >> 1];

const IDENTITY: Point = [0, 0, 0, 0, 1, 0, 0, 0];

/// The base point of RFC 8032, section 5.1.
const BASE: Point = [
    0xc956_2d60_8f25_d51a,
    0x692c_c760_9525_a7b2,
    0xc0a4_e231_fdd6_dc5c,
    0x2169_36d3_cd6e_53fe,
    0x6666_6666_6666_6658,
    0x6666_6666_6666_6666,
    0x6666_6666_6666_6666,
    0x6666_6666_6666_6666,
];

pub(crate) fn verify_strict<P: Precompiles>(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let [r, s] = [&signature[..32], &signature[32..]];
    let mut scalar = [0; 32];
    scalar.copy_from_slice(s);
    let Some(s) = Option::<Scalar>::from(Scalar::from_canonical_bytes(scalar)) else { return false };
    let Some(a) = decompress::<P>(key) else { return false };
    if is_small_order::<P>(&a) {
        return false;
    }
    let challenge = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    let k = Scalar::from_bytes_mod_order_wide(&challenge.into());
    let point = multiply_base_and::<P>(&s, &k, &negated(&a));
    compress(&point) == r && !is_small_order::<P>(&point)
}

/// The point of 32 bytes: y, reduced, and the lowest bit of x in the highest bit. None for 1 and -1, whose points are
/// of small order.
fn decompress<P: Precompiles>(bytes: &[u8; 32]) -> Option<Point> {
    let mut y = [0; 4];
    for (limb, bytes) in y.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*bytes);
    }
    let odd = y[3] >> 63 == 1;
    y[3] &= u64::MAX >> 1;
    if !is_below_modulus(&y) {
        // At most 18 above.
        y = [y[0] - MODULUS[0], 0, 0, 0];
    }
    if y == [1, 0, 0, 0] || y == [MODULUS[0] - 1, MODULUS[1], MODULUS[2], MODULUS[3]] {
        return None;
    }
    let [x0, x1, x2, x3] = P::ed25519_x(&y, odd)?;
    Some([x0, x1, x2, x3, y[0], y[1], y[2], y[3]])
}

fn compress(point: &Point) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(&point[4..]) {
        *bytes = limb.to_le_bytes();
    }
    bytes[31] |= ((point[0] & 1) as u8) << 7;
    bytes
}

fn is_below_modulus(y: &[u64; 4]) -> bool {
    y[1..] != MODULUS[1..] || y[0] < MODULUS[0]
}

/// Whether eight times the point is the identity.
fn is_small_order<P: Precompiles>(point: &Point) -> bool {
    let mut point = *point;
    for _ in 0..3 {
        P::ed25519_double(&mut point);
    }
    point == IDENTITY
}

/// (p - x, y), for an x that is not zero: the only points with x = 0 are of small order.
fn negated(point: &Point) -> Point {
    let mut negated = *point;
    let mut borrow = false;
    for (limb, modulus) in negated.iter_mut().zip(MODULUS) {
        let (difference, first) = modulus.overflowing_sub(*limb);
        let (difference, second) = difference.overflowing_sub(borrow.into());
        *limb = difference;
        borrow = first || second;
    }
    negated
}

/// `[s]B + [k]q`, two bits of both scalars at a time (Straus).
fn multiply_base_and<P: Precompiles>(s: &Scalar, k: &Scalar, q: &Point) -> Point {
    // table[4 i + j] = [i]q + [j]B
    let mut table = [IDENTITY; 16];
    for at in 1..16 {
        let (before, step) = if at >= 4 { (at - 4, q) } else { (at - 1, &BASE) };
        table[at] = table[before];
        P::ed25519_add(&mut table[at], step);
    }
    let mut sum = IDENTITY;
    let mut started = false;
    for (s, k) in s.as_bytes().iter().zip(k.as_bytes()).rev() {
        for shift in [6, 4, 2, 0] {
            if started {
                P::ed25519_double(&mut sum);
                P::ed25519_double(&mut sum);
            }
            let at = usize::from((k >> shift & 3) << 2 | s >> shift & 3);
            if at != 0 {
                P::ed25519_add(&mut sum, &table[at]);
                started = true;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::edwards::CompressedEdwardsY;

    use super::*;
    use crate::soft::Soft;

    #[test]
    fn a_key_is_the_point_that_dalek_reads_reduced_or_not() {
        let mut points = 0;
        for small in 0..=18 {
            for (low, fill, top) in
                [(small, 0, 0), (small, 0, 0x80), (0xed + small, 0xff, 0x7f), (0xed + small, 0xff, 0xff)]
            {
                let mut bytes = [fill; 32];
                (bytes[0], bytes[31]) = (low, top);
                let theirs = CompressedEdwardsY(bytes).decompress();
                let ours = decompress::<Soft>(&bytes);
                let two_torsion = theirs.is_some_and(|point| (point + point) == Default::default());
                assert_eq!(
                    ours.map(|point| compress(&point)),
                    theirs.filter(|_| !two_torsion).map(|point| point.compress().0)
                );
                points += usize::from(ours.is_some());
            }
        }
        assert!(points > 10, "{points}");
    }
}
