//! The signer of a secp256k1 signature (SEC 1, section 4.1.6), with the checks of [`transition::Native`].

use k256::ecdsa::Signature;
use k256::elliptic_curve::ff::PrimeField;
use k256::elliptic_curve::ops::{Invert, Reduce};
use k256::elliptic_curve::point::DecompressPoint;
use k256::elliptic_curve::sec1::ToEncodedPoint;
use k256::{AffinePoint, Scalar, U256};
use types::Address;

use crate::keccak::keccak256;
use crate::{Point, Precompiles};

/// The base point of SEC 2, section 2.4.1.
const BASE: Point = [
    0x59f2_815b_16f8_1798,
    0x029b_fcdb_2dce_28d9,
    0x55a0_6295_ce87_0b07,
    0x79be_667e_f9dc_bbac,
    0x9c47_d08f_fb10_d4b8,
    0xfd17_b448_a685_5419,
    0x5da4_fbfc_0e11_08a8,
    0x483a_da77_26a3_c465,
];

pub(crate) fn recover<P: Precompiles>(digest: &[u8; 32], signature: &[u8; 65]) -> Option<Address> {
    let (rs, [v]) = signature.split_last_chunk::<1>()?;
    let odd = match v {
        0 | 27 => 0,
        1 | 28 => 1,
        _ => return None,
    };
    // Both in 1..n, and s not in the upper half.
    let signature = Signature::from_slice(rs).ok()?;
    if signature.normalize_s().is_some() {
        return None;
    }
    let (r, s) = signature.split_scalars();
    let nonce: AffinePoint = Option::from(AffinePoint::decompress(&r.to_repr(), odd.into()))?;
    let z = <Scalar as Reduce<U256>>::reduce_bytes(&(*digest).into());
    let inverse = *r.invert();
    let key = multiply_base_and::<P>(&-(inverse * z), &(inverse * *s), &limbs(&nonce)?)?;

    let mut encoded = [0; 64];
    for (coordinate, bytes) in key.as_chunks::<4>().0.iter().zip(encoded.as_chunks_mut::<32>().0) {
        for (limb, bytes) in coordinate.iter().rev().zip(bytes.as_chunks_mut::<8>().0) {
            *bytes = limb.to_be_bytes();
        }
    }
    keccak256::<P>(&encoded).last_chunk::<20>().copied().map(Address)
}

fn limbs(point: &AffinePoint) -> Option<Point> {
    let encoded = point.to_encoded_point(false);
    let (x, y) = (encoded.x()?, encoded.y()?);
    let mut limbs = [0; 8];
    for (limbs, bytes) in limbs.as_chunks_mut::<4>().0.iter_mut().zip([x, y]) {
        for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_be_bytes(*bytes);
        }
    }
    Some(limbs)
}

/// `p + q`, complete; None is the point at infinity.
fn add<P: Precompiles>(p: Option<Point>, q: Option<Point>) -> Option<Point> {
    let (Some(mut p), Some(q)) = (p, q) else { return p.or(q) };
    if p[..4] != q[..4] {
        P::secp256k1_add(&mut p, &q);
    } else if p[4..] == q[4..] {
        P::secp256k1_double(&mut p);
    } else {
        return None;
    }
    Some(p)
}

/// `[u]G + [v]q`, two bits of both scalars at a time (Straus).
fn multiply_base_and<P: Precompiles>(u: &Scalar, v: &Scalar, q: &Point) -> Option<Point> {
    // table[4 i + j] = [i]q + [j]G
    let mut table = [None; 16];
    for at in 1..16 {
        let (before, step) = if at >= 4 { (at - 4, q) } else { (at - 1, &BASE) };
        table[at] = add::<P>(table[before], Some(*step));
    }
    let mut sum: Option<Point> = None;
    for (u, v) in u.to_bytes().iter().zip(v.to_bytes()) {
        for shift in [6, 4, 2, 0] {
            if let Some(sum) = &mut sum {
                P::secp256k1_double(sum);
                P::secp256k1_double(sum);
            }
            let at = usize::from((v >> shift & 3) << 2 | u >> shift & 3);
            if at != 0 {
                sum = add::<P>(sum, table[at]);
            }
        }
    }
    sum
}
