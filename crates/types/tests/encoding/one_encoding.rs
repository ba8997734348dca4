//! Every accepted byte string is the one encoding of its value: what a decoder consumes is what the encoder
//! writes. The checks take bytes, so that a fuzzer can call them.

use proptest::prelude::*;
use types::{Command, DecodeError, Event, Outcome, Reader, Sequenced, Timestamp};

use crate::strategies;

fn check<T>(
    bytes: &[u8],
    decode: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
    encode: impl Fn(&T, &mut Vec<u8>),
) -> bool {
    let mut reader = Reader::new(bytes);
    let Ok(value) = decode(&mut reader) else { return false };
    let mut again = Vec::new();
    encode(&value, &mut again);
    assert_eq!(bytes[..bytes.len() - reader.left()], again, "two encodings of one value");
    true
}

/// Decodes as everything there is; whether anything was accepted.
fn check_all(bytes: &[u8]) -> bool {
    let then = Timestamp(1_000);
    [
        check(bytes, Command::decode, Command::encode),
        check(bytes, Event::decode, Event::encode),
        check(bytes, Outcome::decode, |outcome, out| outcome.encode(out)),
        check(bytes, |r| Sequenced::decode(7, then, r), |sequenced, out| sequenced.encode(then, out)),
    ]
    .contains(&true)
}

/// Bytes that are nearly an encoding.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let encoded = prop_oneof![
        strategies::command().prop_map(|command| {
            let mut bytes = Vec::new();
            command.encode(&mut bytes);
            bytes
        }),
        strategies::event().prop_map(|event| {
            let mut bytes = Vec::new();
            event.encode(&mut bytes);
            bytes
        }),
        strategies::sequenced().prop_map(|(previous, sequenced)| {
            let mut bytes = Vec::new();
            sequenced.encode(previous, &mut bytes);
            bytes
        }),
    ];
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    (encoded, prop::collection::vec(edit, 1..4)).prop_map(|(mut bytes, edits)| {
        for (at, byte, kind) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes[at] ^= 1 << (byte % 8),
                2 => bytes.insert(at, byte),
                _ => {
                    bytes.remove(at);
                }
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn random_bytes_have_one_meaning(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        check_all(&bytes);
    }

    #[test]
    fn damaged_encodings_have_one_meaning(bytes in mutated()) {
        check_all(&bytes);
    }
}

#[test]
fn all_short_byte_strings_have_one_meaning() {
    let mut accepted = 0;
    for first in 0..=u8::MAX {
        for second in 0..=u8::MAX {
            for third in [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10, 0x20, 0x40, 0x7f, 0x80, 0x81, 0xff] {
                accepted += u32::from(check_all(&[first, second, third, 1, 0, 0x80]));
                accepted += u32::from(check_all(&[first, second, third, 1, 5, 1, 0, 1, 1, 1]));
            }
        }
    }
    assert!(accepted > 10_000, "only {accepted} were accepted: the test sees too little");
}

#[test]
fn each_way_to_say_the_same_differently_is_refused() {
    let refused = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes);
        Command::decode(&mut reader).expect_err("a second encoding")
    };
    // A client order id that is present and none.
    assert_eq!(refused(&[1, 0, 4, 0, 1, 1, 0]), DecodeError::BadInteger { what: "client order id" });
    // A side that is absent and a seller's.
    assert_eq!(refused(&[4, 4]), DecodeError::UnknownTag { what: "scope", tag: 4 });
    // Unused flags.
    assert_eq!(refused(&[4, 8]), DecodeError::UnknownTag { what: "scope", tag: 8 });
    assert_eq!(refused(&[1, 0, 8, 0, 1, 1]), DecodeError::UnknownTag { what: "order flags", tag: 8 });
    assert_eq!(refused(&[1, 0, 3, 0, 1, 1]), DecodeError::UnknownTag { what: "order flags", tag: 3 });
    assert_eq!(refused(&[1, 6, 0, 0, 1, 1]), DecodeError::UnknownTag { what: "order flags", tag: 6 });
    // A padded number, and one that does not fit its type.
    assert_eq!(refused(&[2, 0x80, 0, 0, 1]), DecodeError::BadInteger { what: "market" });
    assert_eq!(refused(&[2, 0x80, 0x80, 4, 0, 1]), DecodeError::BadInteger { what: "market" });
}
