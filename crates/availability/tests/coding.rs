//! From a payload to shards and back.

#![allow(clippy::unwrap_used, reason = "what the tests build by hand fails with them")]

use availability::{
    CodingError, Decoder, Encoded, Header, MAX_PAYLOAD, MAX_SHARDS, Parameters, Path, Progress, Sample,
    encode, encode_in_place,
};
use proptest::{prelude::*, sample::subsequence};

fn payload(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&length.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn push_all(encoded: &Encoded, indices: impl IntoIterator<Item = usize>) -> Decoder {
    let mut decoder = Decoder::new(encoded.header()).unwrap();
    for index in indices {
        decoder.push(&encoded.sample(index).unwrap()).unwrap();
    }
    decoder
}

/// A code, a payload, and any K of its shards in any order.
fn any_k_shards() -> impl Strategy<Value = (Parameters, Vec<u8>, Vec<usize>)> {
    (1usize..40, 1usize..40, prop_oneof![0usize..200, 0usize..30_000]).prop_flat_map(
        |(data, parity, length)| {
            let indices = subsequence((0..data + parity).collect::<Vec<_>>(), data).prop_shuffle();
            (Just(Parameters::new(data, parity).unwrap()), Just(payload(length)), indices)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_k_shards_give_the_payload_back((parameters, payload, indices) in any_k_shards()) {
        let encoded = encode(&payload, parameters).unwrap();
        let mut decoder = Decoder::new(encoded.header()).unwrap();
        for (pushed, &index) in indices.iter().enumerate() {
            prop_assert_eq!(decoder.progress(), Progress::Needs(parameters.data() - pushed));
            decoder.push(&encoded.sample(index).unwrap()).unwrap();
        }
        prop_assert_eq!(decoder.progress(), Progress::Decodable);
        prop_assert_eq!(decoder.finish().unwrap(), payload);
    }

    /// Whatever was in the memory before: the payload's, or a longer one's parity.
    #[test]
    fn coding_in_place_makes_the_same_shards_and_gives_the_payload_back(
        (parameters, payload, _) in any_k_shards(), longer in 0usize..10_000,
    ) {
        let encoded = encode(&payload, parameters).unwrap();
        let before = encode(&[&payload[..], &vec![0xff; longer]].concat(), parameters).unwrap();
        let mut memory = before.into_payload();
        memory.truncate(payload.len());
        let again = encode_in_place(memory, parameters, Path::fastest()).unwrap();
        prop_assert_eq!(again.header(), encoded.header());
        prop_assert!(again.shards().eq(encoded.shards()));
        prop_assert_eq!(again.into_payload(), payload);
    }

    #[test]
    fn one_shard_less_never_does((parameters, payload, indices) in any_k_shards()) {
        let encoded = encode(&payload, parameters).unwrap();
        let decoder = push_all(&encoded, indices[1..].iter().copied());
        let refused = CodingError::TooFewShards { held: parameters.data() - 1, needed: parameters.data() };
        prop_assert_eq!(decoder.finish().unwrap_err(), refused);
    }

    #[test]
    fn repaired_shards_are_those_that_were_lost((parameters, payload, indices) in any_k_shards()) {
        let encoded = encode(&payload, parameters).unwrap();
        let lost: Vec<usize> = (0..parameters.total()).filter(|index| !indices.contains(index)).collect();
        let repaired = push_all(&encoded, indices).repair(&lost).unwrap();
        let expected: Vec<Sample> = lost.iter().map(|&index| encoded.sample(index).unwrap()).collect();
        prop_assert_eq!(repaired, expected);
    }

    #[test]
    fn headers_and_samples_read_back_as_they_were((parameters, payload, indices) in any_k_shards()) {
        let encoded = encode(&payload, parameters).unwrap();
        prop_assert_eq!(&Header::decode(&encoded.header().encode()).unwrap(), encoded.header());
        let sample = encoded.sample(indices[0]).unwrap();
        let bytes = sample.encode();
        prop_assert_eq!(Sample::length(encoded.header(), sample.index).unwrap(), bytes.len());
        prop_assert_eq!(Sample::decode(encoded.header(), &bytes).unwrap(), sample);
    }
}

/// Every number of losses of the default code's data shards that has its own way of decoding: none, one, the most that are a few,
/// one more, all that can be lost.
#[test]
fn the_default_code_decodes_whatever_is_lost() {
    let payload = payload(300_000);
    let encoded = encode(&payload, Parameters::DEFAULT).unwrap();
    for lost in [0, 1, 3, 32, 33, 128] {
        for kept in [lost..256 + lost, lost..384] {
            assert_eq!(push_all(&encoded, kept).finish().unwrap(), payload, "{lost} lost");
        }
    }
}

#[test]
fn the_wide_code_decodes_from_parity_alone() {
    let payload = payload(100_000);
    let encoded = encode(&payload, Parameters::WIDE).unwrap();
    assert_eq!(push_all(&encoded, 256..512).finish().unwrap(), payload);
}

/// So long a payload that shards are coded in several stretches, the last one shorter.
#[test]
fn long_shards_are_coded_in_stretches() {
    let payload = payload(3_000_001);
    let encoded = encode(&payload, Parameters::new(2, 3).unwrap()).unwrap();
    for kept in [[0, 1], [0, 4], [3, 4]] {
        assert_eq!(push_all(&encoded, kept).finish().unwrap(), payload);
    }
    let encoded = encode(&payload, Parameters::new(60, 40).unwrap()).unwrap();
    assert_eq!(push_all(&encoded, 40..100).finish().unwrap(), payload);
}

#[test]
fn an_empty_payload_has_shards_of_zeros() {
    let encoded = encode(&[], Parameters::DEFAULT).unwrap();
    assert!(encoded.shards().all(|shard| shard == [0; 64]));
    assert_eq!(push_all(&encoded, 128..384).finish().unwrap(), []);
}

#[test]
fn the_first_shards_are_the_payload() {
    let payload = payload(256 * 64);
    let encoded = encode(&payload, Parameters::DEFAULT).unwrap();
    assert_eq!(encoded.shards().take(256).flatten().copied().collect::<Vec<_>>(), payload);
}

#[test]
fn payloads_that_differ_only_in_zeros_at_the_end_have_different_commitments() {
    let commitment = |payload: &[u8]| encode(payload, Parameters::DEFAULT).unwrap().header().commitment();
    assert_ne!(commitment(b"x"), commitment(b"x\0"));
    assert_ne!(commitment(b""), commitment(b"\0"));
}

#[test]
fn limits_are_refused_and_not_reached_for() {
    for (data, parity) in [(0, 1), (1, 0), (0, 0), (MAX_SHARDS, 1), (usize::MAX, 2), (4000, 97)] {
        assert_eq!(Parameters::new(data, parity).unwrap_err(), CodingError::Parameters { data, parity });
    }
    assert!(Parameters::new(4000, 96).is_ok() && Parameters::new(1, 4095).is_ok());
    let length = MAX_PAYLOAD as u64;
    assert!(Parameters::DEFAULT.shard_length(length).is_ok());
    for length in [length + 1, u64::MAX] {
        assert_eq!(Parameters::DEFAULT.shard_length(length), Err(CodingError::PayloadTooLong { length }));
    }
    // The payload is short enough, but not all shards together.
    assert!(Parameters::new(1, 4095).unwrap().shard_length(length).is_err());
}

#[test]
fn the_same_shard_twice_counts_once() {
    let encoded = encode(&payload(1000), Parameters::new(4, 2).unwrap()).unwrap();
    let mut decoder = push_all(&encoded, [5, 5, 5, 5]);
    assert_eq!(decoder.progress(), Progress::Needs(3));
    assert!(decoder.holds(5) && !decoder.holds(4) && !decoder.holds(6));
    assert_eq!(decoder.push(&encoded.sample(0).unwrap()).unwrap(), Progress::Needs(2));
}

#[test]
fn a_shard_that_was_refused_leaves_the_decoder_as_it_was() {
    let encoded = encode(&payload(1000), Parameters::new(4, 2).unwrap()).unwrap();
    let mut decoder = push_all(&encoded, [0]);
    let mut sample = encoded.sample(1).unwrap();
    sample.shard[9] ^= 1;
    assert_eq!(decoder.push(&sample).unwrap_err(), CodingError::NotUnderRoot { index: 1 });
    assert_eq!(decoder.progress(), Progress::Needs(3));
    assert!(!decoder.holds(1));
}

#[test]
fn shards_that_are_not_there_are_refused() {
    let encoded = encode(&payload(1000), Parameters::new(4, 2).unwrap()).unwrap();
    let refused = CodingError::NoSuchShard { index: 6, total: 6 };
    assert_eq!(encoded.sample(6).unwrap_err(), refused);
    assert_eq!(push_all(&encoded, 0..4).repair(&[6]).unwrap_err(), refused);
    let mut sample = encoded.sample(0).unwrap();
    sample.index = 6;
    assert_eq!(push_all(&encoded, 0..4).push(&sample).unwrap_err(), refused);
}
