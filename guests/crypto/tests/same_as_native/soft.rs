//! The precompiles in slow, obvious software: affine formulas over big integers.

use std::sync::LazyLock;

use guest_crypto::{Point, Precompiles};
use num_bigint::BigUint;
use sha2::digest::generic_array::GenericArray;

/// The precompiles in software.
#[derive(Clone, Copy, Debug, Default)]
pub struct Soft;

/// 2^255 - 19.
static P25519: LazyLock<BigUint> = LazyLock::new(|| (BigUint::from(1u8) << 255) - 19u8);
/// -121665 / 121666.
static D25519: LazyLock<BigUint> = LazyLock::new(|| {
    let p = &*P25519;
    (p - 121_665u32) * inverse(&BigUint::from(121_666u32), p) % p
});
/// 2^256 - 2^32 - 977.
static P256K1: LazyLock<BigUint> =
    LazyLock::new(|| (BigUint::from(1u8) << 256) - (BigUint::from(1u8) << 32) - 977u32);

impl Precompiles for Soft {
    type Sha256State = [u32; 8];

    fn sha256_start() -> Self::Sha256State {
        [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ]
    }

    fn sha256_compress(state: &mut Self::Sha256State, first: &[u8; 32], second: &[u8; 32]) {
        let mut block = [0; 64];
        block[..32].copy_from_slice(first);
        block[32..].copy_from_slice(second);
        sha2::compress256(state, &[GenericArray::from(block)]);
    }

    fn sha256_digest(state: &Self::Sha256State) -> [u8; 32] {
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }

    fn keccak_f(state: &mut [u64; 25]) {
        keccak::f1600(state);
    }

    fn ed25519_add(p: &mut Point, q: &Point) {
        let m = &*P25519;
        let ([x1, y1], [x2, y2]) = (coordinates(p), coordinates(q));
        let product = &*D25519 * &x1 * &x2 * &y1 * &y2 % m;
        let x = (&x1 * &y2 + &y1 * &x2) * inverse(&(&product + 1u8), m) % m;
        let y = (&y1 * &y2 + &x1 * &x2) * inverse(&(m + 1u8 - &product), m) % m;
        *p = point(&x, &y);
    }

    fn ed25519_x(y: &[u64; 4], odd: bool) -> Option<[u64; 4]> {
        let p = &*P25519;
        let square = {
            let y = integer(y);
            let yy = &y * &y % p;
            (&yy + p - 1u8) * inverse(&(&*D25519 * &yy + 1u8), p) % p
        };
        // RFC 8032, section 5.1.3.
        let mut x = square.modpow(&((p + 3u8) >> 3), p);
        if &x * &x % p != square {
            x = x * BigUint::from(2u8).modpow(&((p - 1u8) >> 2), p) % p;
        }
        if &x * &x % p != square {
            return None;
        }
        if x.bit(0) != odd {
            x = (p - x) % p;
        }
        Some(limbs(&x))
    }

    fn secp256k1_add(p: &mut Point, q: &Point) {
        let m = &*P256K1;
        let ([x1, y1], [x2, y2]) = (coordinates(p), coordinates(q));
        assert_ne!(x1, x2, "the precompile's formula divides by zero");
        let slope = (&y2 + m - &y1) * inverse(&((&x2 + m - &x1) % m), m) % m;
        chord(p, &slope, &x1, &y1, &x2);
    }

    fn secp256k1_double(p: &mut Point) {
        let m = &*P256K1;
        let [x, y] = coordinates(p);
        let slope = &x * &x * 3u8 * inverse(&(&y * 2u8 % m), m) % m;
        chord(p, &slope, &x, &y, &x);
    }
}

/// The third point on a line, reflected.
fn chord(p: &mut Point, slope: &BigUint, x1: &BigUint, y1: &BigUint, x2: &BigUint) {
    let m = &*P256K1;
    let x = (slope * slope + m + m - x1 - x2) % m;
    let y = (slope * ((x1 + m - &x) % m) + m - y1) % m;
    *p = point(&x, &y);
}

fn inverse(value: &BigUint, modulus: &BigUint) -> BigUint {
    value.modpow(&(modulus - 2u8), modulus)
}

fn coordinates(point: &Point) -> [BigUint; 2] {
    [integer(&point[..4]), integer(&point[4..])]
}

fn point(x: &BigUint, y: &BigUint) -> Point {
    let ([a, b, c, d], [e, f, g, h]) = (limbs(x), limbs(y));
    [a, b, c, d, e, f, g, h]
}

fn integer(limbs: &[u64]) -> BigUint {
    limbs.iter().rev().fold(BigUint::from(0u8), |sum, limb| (sum << 64) + *limb)
}

fn limbs(value: &BigUint) -> [u64; 4] {
    let mut limbs = [0; 4];
    for (limb, digit) in limbs.iter_mut().zip(value.iter_u64_digits()) {
        *limb = digit;
    }
    limbs
}
