//! secp256k1 recovery.

use k256::ecdsa::SigningKey;
use k256::elliptic_curve::ops::Reduce;
use k256::{Scalar, U256};
use proptest::prelude::*;
use transition::{Crypto, Native};
use types::Address;

use crate::Guest;

/// The group's order.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

/// The answer, which both must give.
fn recover(digest: &[u8; 32], r: &[u8; 32], s: &[u8; 32], v: u8) -> Option<Address> {
    let signature: [u8; 65] = [&r[..], &s[..], &[v]].concat().try_into().unwrap();
    let native = Native::recover_secp256k1(digest, &signature);
    let guest = Guest::recover_secp256k1(digest, &signature);
    assert_eq!(guest, native, "digest {digest:?}, signature {signature:?}");
    native
}

fn number(value: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[31] = value;
    bytes
}

fn minus(value: u8) -> [u8; 32] {
    (-Scalar::from(u32::from(value))).to_bytes().into()
}

#[test]
fn special_scalars_agree() {
    // 1, 2, 3 and 4 are x of points, 5 is not; the half of the order is the largest s.
    let half: [u8; 32] = (-(Scalar::from(2u32).invert().unwrap())).to_bytes().into();
    let half_and_one: [u8; 32] = Scalar::from(2u32).invert().unwrap().to_bytes().into();
    let specials = [
        number(0),
        number(1),
        number(2),
        number(3),
        number(5),
        minus(1),
        minus(2),
        ORDER,
        [0xff; 32],
        half,
        half_and_one,
    ];
    let mut recovered = 0;
    for digest in [[0; 32], number(1), ORDER, [0xff; 32], [7; 32]] {
        for r in specials {
            for s in specials {
                recovered += usize::from(recover(&digest, &r, &s, 0).is_some());
            }
        }
        for v in [0, 1, 2, 3, 4, 26, 27, 28, 29, 30, 31, 255] {
            recover(&digest, &number(1), &number(1), v);
        }
    }
    assert!(recovered > 20, "{recovered}");
}

#[test]
fn a_signature_whose_key_is_the_identity_has_no_signer() {
    // The key is (s R - z G) / r. With the nonce 1, R is the base point, and s = z makes it the identity.
    let base_x = *b"\x79\xbe\x66\x7e\xf9\xdc\xbb\xac\x55\xa0\x62\x95\xce\x87\x0b\x07\x02\x9b\xfc\xdb\x2d\xce\x28\xd9\x59\xf2\x81\x5b\x16\xf8\x17\x98";
    for z in [1, 2, 3, 77] {
        assert_eq!(recover(&number(z), &base_x, &number(z), 0), None);
        // The other sign doubles instead.
        assert!(recover(&number(z), &base_x, &number(z), 1).is_some());
    }
    // Table entries that meet each other and the identity on the way.
    for z in 1..12 {
        for s in 1..12 {
            for v in [0, 1] {
                recover(&number(z), &base_x, &number(s), v);
                recover(&minus(z), &base_x, &number(s), v);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn signatures_and_their_mutations_agree(seed in 1u64.., digest: [u8; 32], bit in 0usize..(64 * 8)) {
        let key = SigningKey::from(k256::NonZeroScalar::new(Scalar::from(seed)).unwrap());
        let (signature, id) = key.sign_prehash_recoverable(&digest).unwrap();
        let (mut r, mut s): ([u8; 32], [u8; 32]) = {
            let (r, s) = signature.split_bytes();
            (r.into(), s.into())
        };
        let v = id.to_byte();
        let signer = recover(&digest, &r, &s, v);
        prop_assert!(signer.is_some());
        prop_assert_eq!(recover(&digest, &r, &s, v + 27), signer);
        // The same signature with the other s is refused.
        let high: [u8; 32] = (-<Scalar as Reduce<U256>>::reduce_bytes(&s.into())).to_bytes().into();
        prop_assert_eq!(recover(&digest, &r, &high, 1 - v), None);
        match bit / 8 {
            at @ 0..32 => r[at] ^= 1 << (bit % 8),
            at => s[at - 32] ^= 1 << (bit % 8),
        }
        prop_assert_ne!(recover(&digest, &r, &s, v), signer);
    }
}
