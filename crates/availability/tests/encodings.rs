//! Encodings: one for each value, and nothing else is read.

#![allow(clippy::unwrap_used, reason = "what the tests build by hand fails with them")]

use availability::{
    CodingError, Combination, Encoded, Header, MAX_SHARDS, Parameters, Sample, VERSION, encode,
};

fn encoded() -> Encoded {
    encode(&[9; 3000], Parameters::new(5, 4).unwrap()).unwrap()
}

#[test]
fn headers_of_another_length_or_version_are_refused() {
    let bytes = encoded().header().encode();
    for length in 0..bytes.len() {
        let refused = CodingError::Length { expected: Header::LENGTH, found: length };
        assert_eq!(Header::decode(&bytes[..length]).unwrap_err(), refused);
    }
    assert!(Header::decode(&[&bytes[..], &[0]].concat()).is_err());
    for version in (0..=255).filter(|&version| version != VERSION) {
        let mut bytes = bytes;
        bytes[0] = version;
        assert_eq!(Header::decode(&bytes).unwrap_err(), CodingError::Version { found: version });
    }
}

#[test]
fn headers_of_impossible_codes_and_payloads_are_refused() {
    let bytes = encoded().header().encode();
    let changed = |at: usize, with: &[u8]| {
        let mut bytes = bytes;
        bytes[at..at + with.len()].copy_from_slice(with);
        Header::decode(&bytes)
    };
    assert_eq!(changed(1, &[0, 0]).unwrap_err(), CodingError::Parameters { data: 0, parity: 4 });
    assert_eq!(changed(3, &[0, 0]).unwrap_err(), CodingError::Parameters { data: 5, parity: 0 });
    assert_eq!(changed(3, &[0xff, 0xff]).unwrap_err(), CodingError::Parameters { data: 5, parity: 0xffff });
    assert!(changed(3, &(MAX_SHARDS as u16 - 5).to_le_bytes()).is_ok());
    assert_eq!(changed(5, &[0xff; 8]).unwrap_err(), CodingError::PayloadTooLong { length: u64::MAX });
}

/// A change of any bit of a header is another header, with another commitment.
#[test]
fn every_bit_of_a_header_counts() {
    let header = *encoded().header();
    let bytes = header.encode();
    for bit in 8..8 * bytes.len() {
        let mut changed = bytes;
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(changed_header) = Header::decode(&changed) {
            assert_eq!(changed_header.encode(), changed);
            assert_ne!(changed_header.commitment(), header.commitment(), "bit {bit}");
        }
    }
}

#[test]
fn samples_of_another_length_version_or_index_are_refused() {
    let encoded = encoded();
    let header = encoded.header();
    let bytes = encoded.sample(8).unwrap().encode();
    // Shard 8 of nine goes up alone three times: its path is one hash.
    assert_eq!(bytes.len(), 3 + 32 + 640);
    for length in 0..bytes.len() {
        assert!(
            matches!(Sample::decode(header, &bytes[..length]), Err(CodingError::Length { .. })),
            "{length}"
        );
    }
    assert!(matches!(Sample::decode(header, &[&bytes[..], &[0]].concat()), Err(CodingError::Length { .. })));
    let changed = |at: usize, with: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = with;
        Sample::decode(header, &bytes).unwrap_err()
    };
    assert_eq!(changed(0, 2), CodingError::Version { found: 2 });
    assert_eq!(changed(1, 9), CodingError::NoSuchShard { index: 9, total: 9 });
    assert_eq!(changed(2, 1), CodingError::NoSuchShard { index: 264, total: 9 });
    // Another shard's path is longer.
    assert!(matches!(changed(1, 7), CodingError::Length { .. }));
}

#[test]
fn combination_vectors_of_another_length_or_version_are_refused() {
    let encoded = encoded();
    let parameters = encoded.header().parameters;
    let bytes = encoded.combination().encode();
    assert_eq!(bytes.len(), Combination::length(parameters));
    assert_eq!(&Combination::decode(parameters, &bytes).unwrap(), encoded.combination());
    for length in 0..bytes.len() {
        assert!(matches!(Combination::decode(parameters, &bytes[..length]), Err(CodingError::Length { .. })));
    }
    assert!(Combination::decode(parameters, &[&bytes[..], &[0]].concat()).is_err());
    assert!(Combination::decode(Parameters::DEFAULT, &bytes).is_err());
    let mut changed = bytes;
    changed[0] = 0;
    assert_eq!(Combination::decode(parameters, &changed).unwrap_err(), CodingError::Version { found: 0 });
}

/// What is beside the shard fits 300 bytes for the codes that are offered.
#[test]
fn a_sample_is_at_most_300_bytes_longer_than_its_shard() {
    for parameters in [Parameters::DEFAULT, Parameters::WIDE] {
        let encoded = encode(&[1; 100_000], parameters).unwrap();
        for index in 0..parameters.total() {
            let sample = encoded.sample(index).unwrap();
            assert!(sample.encode().len() - sample.shard.len() <= 300);
        }
    }
}
