//! What peers say, read.

mod shared;

use light_client::wire::{self, parse_commitment, push_sample, read_samples, samples_length};
use proptest::prelude::*;
use shared::{block, samples};

#[test]
fn samples_are_read_as_they_were_written() {
    let (_, encoded) = block(1, 10_000);
    let some: Vec<_> = [0, 95, 17, 64].map(|index| encoded.sample(index).unwrap()).to_vec();
    let answer = samples(some.clone());
    assert_eq!(answer.len(), samples_length(encoded.header(), &[0, 95, 17, 64]));
    assert_eq!(read_samples(encoded.header(), &answer).unwrap(), some);
    assert_eq!(read_samples(encoded.header(), &[]).unwrap(), []);
}

#[test]
fn more_samples_than_anybody_asks_for_are_refused() {
    let (_, encoded) = block(1, 100);
    let mut answer = Vec::new();
    for index in 0..wire::MAX_INDICES {
        push_sample(&mut answer, &encoded.sample(index).unwrap());
    }
    assert!(read_samples(encoded.header(), &answer).is_ok());
    push_sample(&mut answer, &encoded.sample(90).unwrap());
    assert!(read_samples(encoded.header(), &answer).is_err());
}

/// The layout of an answer, byte by byte.
#[test]
fn an_answer_is_lengths_and_samples() {
    let (_, encoded) = block(1, 100);
    let sample = encoded.sample(3).unwrap();
    let bytes = sample.encode();
    let expected = [&(bytes.len() as u32).to_le_bytes()[..], &bytes].concat();
    assert_eq!(samples([sample]), expected);
}

#[test]
fn commitments_are_written_in_64_digits() {
    let text = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let commitment = parse_commitment(text).unwrap();
    assert_eq!(parse_commitment(&format!("0x{}", text.to_uppercase())), Some(commitment));
    for wrong in ["", "0x", &text[1..], "7", &text.replace('f', "g")] {
        assert_eq!(parse_commitment(wrong), None, "{wrong}");
    }
    assert_eq!(wire::samples_path(&commitment, &[1, 5]), format!("/v1/blocks/{text}/samples?indices=1,5"));
}

proptest! {
    /// Neither bytes of anybody's nor changes of good ones make it do anything but refuse, or read what encodes to the same.
    #[test]
    fn any_answer_is_read_or_refused(noise: Vec<u8>, at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let (_, encoded) = block(1, 100);
        let header = encoded.header();
        let _ = read_samples(header, &noise);
        let mut answer = samples([encoded.sample(1).unwrap(), encoded.sample(2).unwrap()]);
        let at = at.index(answer.len());
        answer[at] = byte;
        answer.truncate(cut.index(answer.len() + 1));
        if let Ok(read) = read_samples(header, &answer) {
            prop_assert_eq!(samples(read), answer);
        }
    }
}
