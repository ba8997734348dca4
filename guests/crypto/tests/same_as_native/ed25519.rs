//! Ed25519, strict.

use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::{EdwardsPoint, Scalar};
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use transition::{Crypto, Native};

use crate::Guest;

/// The answer, which both must give.
fn verify(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let native = Native::verify_ed25519(key, message, signature);
    let guest = Guest::verify_ed25519(key, message, signature);
    assert_eq!(guest, native, "key {key:?}, message {message:?}, signature {signature:?}");
    native
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    let hash = Sha512::new().chain_update(r).chain_update(key).chain_update(message).finalize();
    Scalar::from_bytes_mod_order_wide(&hash.into())
}

fn signature(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    [*r, *s].concat().try_into().unwrap()
}

/// Signs with a nonce, a key and whatever is added to the points of both.
fn sign_with(message: &[u8], nonce: EdwardsPoint, key: EdwardsPoint) -> ([u8; 32], [u8; 64], Scalar) {
    let (a, r) = (Scalar::from(0x1234_5678_9abc_u64), Scalar::from(0xfeed_face_u64));
    let key = (ED25519_BASEPOINT_TABLE * &a + key).compress().to_bytes();
    let r_bytes = (ED25519_BASEPOINT_TABLE * &r + nonce).compress().to_bytes();
    let k = challenge(&r_bytes, &key, message);
    (key, signature(&r_bytes, (r + k * a).as_bytes()), k)
}

/// 2^255 - 19 + small, with the sign bit.
fn above_the_modulus(small: u8, sign: bool) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xed + small;
    bytes[31] = if sign { 0xff } else { 0x7f };
    bytes
}

/// Encodings that libraries disagree about: of small order, not reduced, of no point.
fn special_encodings() -> Vec<[u8; 32]> {
    let mut encodings: Vec<[u8; 32]> =
        EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    for small in 0..=18 {
        encodings.extend([above_the_modulus(small, false), above_the_modulus(small, true)]);
        for sign in [0, 0x80] {
            let mut bytes = [0; 32];
            (bytes[0], bytes[31]) = (small, sign);
            encodings.push(bytes);
        }
    }
    let with_sign: Vec<_> = encodings
        .iter()
        .map(|bytes| {
            let mut bytes = *bytes;
            bytes[31] ^= 0x80;
            bytes
        })
        .collect();
    encodings.extend(with_sign);
    encodings.push([0xff; 32]);
    encodings
}

#[test]
fn rfc_8032_holds() {
    // Section 7.1, test 2.
    let key = *b"\x3d\x40\x17\xc3\xe8\x43\x89\x5a\x92\xb7\x0a\xa7\x4d\x1b\x7e\xbc\x9c\x98\x2c\xcf\x2e\xc4\x96\x8c\xc0\xcd\x55\xf1\x2a\xf4\x66\x0c";
    let r = b"\x92\xa0\x09\xa9\xf0\xd4\xca\xb8\x72\x0e\x82\x0b\x5f\x64\x25\x40\xa2\xb2\x7b\x54\x16\x50\x3f\x8f\xb3\x76\x22\x23\xeb\xdb\x69\xda";
    let s = b"\x08\x5a\xc1\xe4\x3e\x15\x99\x6e\x45\x8f\x36\x13\xd0\xf1\x1d\x8c\x38\x7b\x2e\xae\xb4\x30\x2a\xee\xb0\x0d\x29\x16\x12\xbb\x0c\x00";
    assert!(verify(&key, b"\x72", &signature(r, s)));
    assert!(!verify(&key, b"\x73", &signature(r, s)));
}

#[test]
fn special_points_as_key_or_nonce_never_verify_and_never_differ() {
    let (key, good, _) = sign_with(b"m", EdwardsPoint::default(), EdwardsPoint::default());
    let (r, s) = (*good.first_chunk().unwrap(), *good.last_chunk().unwrap());
    for special in special_encodings() {
        for s in [s, [0; 32], Scalar::ONE.to_bytes()] {
            assert!(!verify(&special, b"m", &signature(&r, &s)));
            assert!(!verify(&key, b"m", &signature(&special, &s)));
            assert!(!verify(&special, b"m", &signature(&special, &s)));
        }
    }
}

#[test]
fn the_scalar_must_be_reduced() {
    let (key, good, _) = sign_with(b"m", EdwardsPoint::default(), EdwardsPoint::default());
    assert!(verify(&key, b"m", &good));
    // The group's order: 2^252 + 27742317777372353535851937790883648493.
    let order: [u8; 32] =
        *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
    let mut bad = good;
    let mut carry = 0;
    for (byte, add) in bad[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    assert!(!verify(&key, b"m", &bad), "S + L");
    for s in [order, [0xff; 32]] {
        assert!(!verify(&key, b"m", &signature(good.first_chunk().unwrap(), &s)));
    }
}

#[test]
fn mixed_order_keys_and_nonces_are_checked_without_the_cofactor() {
    let mut accepted = [0; 3];
    for at in 0..48u8 {
        let torsion = EIGHT_TORSION[usize::from(at % 8)];
        let message = [at];
        // A mixed-order key: right exactly when the challenge kills the torsion.
        let (key, signature, k) = sign_with(&message, EdwardsPoint::default(), torsion);
        let holds = verify(&key, &message, &signature);
        assert_eq!(holds, k * torsion == EdwardsPoint::default());
        accepted[0] += usize::from(holds);
        // A mixed-order nonce alone is never right.
        let (key, signature, _) = sign_with(&message, torsion, EdwardsPoint::default());
        let holds = verify(&key, &message, &signature);
        assert_eq!(holds, torsion == EdwardsPoint::default());
        accepted[1] += usize::from(holds);
        // Both: right when they cancel.
        let (key, signature, k) = sign_with(&message, -EIGHT_TORSION[1], EIGHT_TORSION[1]);
        let holds = verify(&key, &message, &signature);
        assert_eq!(holds, k * EIGHT_TORSION[1] == EIGHT_TORSION[1]);
        accepted[2] += usize::from(holds);
    }
    assert!(accepted.iter().all(|count| (1..48).contains(count)), "{accepted:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn signatures_and_their_mutations_agree(
        seed: [u8; 32],
        message in prop::collection::vec(any::<u8>(), 0..200),
        bit in 0usize..(96 * 8),
    ) {
        let signer = SigningKey::from_bytes(&seed);
        let (mut key, mut signature) = (signer.verifying_key().to_bytes(), signer.sign(&message).to_bytes());
        prop_assert!(verify(&key, &message, &signature));
        match bit / 8 {
            at @ 0..32 => key[at] ^= 1 << (bit % 8),
            at => signature[at - 32] ^= 1 << (bit % 8),
        }
        prop_assert!(!verify(&key, &message, &signature));
    }

    #[test]
    fn noise_agrees(key: [u8; 32], r: [u8; 32], s: [u8; 32]) {
        verify(&key, &[], &signature(&r, &s));
    }
}
