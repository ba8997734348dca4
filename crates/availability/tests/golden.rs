//! The golden vectors, which `golden/vectors.py` calculates from the definitions, without this crate or its libraries.

#![allow(clippy::unwrap_used, reason = "what the tests build by hand fails with them")]

use availability::{
    Combination, Decoder, Header, Parameters, Sample, Verifier, available_paths, encode_with,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    data: usize,
    parity: usize,
    payload: String,
    commitment: String,
    header: String,
    combination: String,
    samples: Vec<String>,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("golden/vectors.json")).unwrap()
}

#[test]
fn every_path_makes_the_golden_commitments_and_samples() {
    for vector in vectors() {
        let payload = hex::decode(&vector.payload).unwrap();
        let parameters = Parameters::new(vector.data, vector.parity).unwrap();
        for path in available_paths() {
            let encoded = encode_with(&payload, parameters, path).unwrap();
            for (index, sample) in vector.samples.iter().enumerate() {
                assert_eq!(
                    hex::encode(encoded.sample(index).unwrap().encode()),
                    *sample,
                    "shard {index}, {path}"
                );
            }
            assert_eq!(hex::encode(encoded.combination().encode()), vector.combination, "{path}");
            assert_eq!(hex::encode(encoded.header().encode()), vector.header, "{path}");
            assert_eq!(hex::encode(encoded.header().commitment().0), vector.commitment, "{path}");
        }
    }
}

#[test]
fn the_golden_bytes_are_read_verified_and_decoded() {
    for vector in vectors() {
        let header = Header::decode(&hex::decode(&vector.header).unwrap()).unwrap();
        let combination =
            Combination::decode(header.parameters, &hex::decode(&vector.combination).unwrap()).unwrap();
        for path in available_paths() {
            let verifier = Verifier::new_with(&header, &combination, path).unwrap();
            let mut decoder = Decoder::new(&header).unwrap();
            // The last ones, so that as much parity as there is takes part.
            for sample in vector.samples.iter().rev() {
                let sample = Sample::decode(&header, &hex::decode(sample).unwrap()).unwrap();
                verifier.verify(&sample).unwrap();
                if decoder.held() < vector.data {
                    decoder.push(&sample).unwrap();
                }
            }
            assert_eq!(hex::encode(decoder.finish().unwrap()), vector.payload);
        }
    }
}
