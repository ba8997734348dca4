//! Points and scalars as 32 bytes, and the generators.
//!
//! A point is its x coordinate, little-endian, with the parity of y in the highest bit, as for Pallas everywhere; the
//! identity is 32 zero bytes (no point has x = 0). A scalar is little-endian. Both are below the modulus.

use ark_ec::AffineRepr;
use ark_ff::{BigInt, BigInteger, PrimeField};
use ark_pallas::{Affine, Fq, Fr};
use sha2::{Digest, Sha512};

use crate::Error;

/// Bytes of a point or a scalar.
pub(crate) const BYTES: usize = 32;

/// What the generators are hashed from, so that they are nobody else's.
const DOMAIN: &[u8] = b"glassbook/commitments/ipa/generators/1";

/// The generator with this number: points of which nobody knows how they depend on each other.
///
/// Of SHA-512(domain, index, counter) modulo p as x, with counters from 0, the first that is on the curve, with even y.
/// How long that takes depends on the index, which is public.
pub(crate) fn generator(index: u32) -> Affine {
    let mut counter = 0u32;
    loop {
        let mut hash = Sha512::new();
        hash.update(DOMAIN);
        hash.update(index.to_le_bytes());
        hash.update(counter.to_le_bytes());
        let x = Fq::from_le_bytes_mod_order(&hash.finalize());
        if let Some((even, odd)) = Affine::get_ys_from_x_unchecked(x) {
            let y = if even.into_bigint().is_even() { even } else { odd };
            return Affine::new_unchecked(x, y);
        }
        counter += 1;
    }
}

pub(crate) fn encode_point(point: &Affine) -> [u8; BYTES] {
    if point.is_zero() {
        return [0; BYTES];
    }
    let mut bytes = encode(point.x.into_bigint());
    bytes[BYTES - 1] |= u8::from(point.y.into_bigint().is_odd()) << 7;
    bytes
}

pub(crate) fn decode_point(bytes: &[u8; BYTES]) -> Result<Affine, Error> {
    if *bytes == [0; BYTES] {
        return Ok(Affine::zero());
    }
    let mut x = *bytes;
    let odd = x[BYTES - 1] >> 7 == 1;
    x[BYTES - 1] &= 0x7f;
    let x = Fq::from_bigint(decode(&x)).ok_or(Error::Malformed("a coordinate over the modulus"))?;
    let (y, other) =
        Affine::get_ys_from_x_unchecked(x).ok_or(Error::Malformed("not a point of the curve"))?;
    let y = if y.into_bigint().is_odd() == odd { y } else { other };
    Ok(Affine::new_unchecked(x, y))
}

pub(crate) fn encode_scalar(scalar: &Fr) -> [u8; BYTES] {
    encode(scalar.into_bigint())
}

pub(crate) fn decode_scalar(bytes: &[u8; BYTES]) -> Result<Fr, Error> {
    Fr::from_bigint(decode(bytes)).ok_or(Error::Malformed("a scalar over the modulus"))
}

fn encode(number: BigInt<4>) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (bytes, limb) in bytes.chunks_exact_mut(8).zip(number.0) {
        bytes.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

fn decode(bytes: &[u8; BYTES]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *limb = u64::from_le_bytes(*bytes);
    }
    BigInt(limbs)
}
