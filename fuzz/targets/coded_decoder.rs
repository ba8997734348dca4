//! Decoding under any commitment, to codewords and to anything else: whichever shards a decoder gets, and in whatever order, it
//! gives the one payload that belongs to the commitment, or says that there is none.
//!
//! Lies are few and spread, or a codeword's shards with some replaced by what other shards decode to: what a decoder that did
//! not look at all of them would believe.
#![no_main]

use availability::{CodingError, Decoder, Header, Parameters, Sample, ShardTree, encode, leaf_hash};
use kit::Choices;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let (data, parity) = (choices.below(20) as usize + 1, choices.below(44) as usize + 1);
    let parameters = Parameters::new(data, parity).expect("both are small");
    let length = choices.below(64 * data as u32 + 1) as usize;
    let payload: Vec<u8> = (0..length).map(|at| (at as u8).wrapping_mul(31) ^ choices.byte()).collect();
    let encoded = encode(&payload, parameters).expect("it is short");
    let mut shards: Vec<Vec<u8>> = encoded.shards().map(<[u8]>::to_vec).collect();
    for _ in 0..choices.below(4) {
        let (shard, at) = (choices.below(parameters.total() as u32) as usize, choices.below(64) as usize);
        shards[shard][at] ^= choices.byte();
    }
    let tree = ShardTree::new(shards.iter().map(|shard| leaf_hash(shard)).collect());
    let header = Header { root: tree.root(), ..*encoded.header() };
    let is_codeword = shards.iter().map(Vec::as_slice).eq(encoded.shards());

    let mut found: Option<Result<Vec<u8>, CodingError>> = None;
    for _ in 0..3 {
        let mut decoder = Decoder::new(&header).expect("the header has a length");
        let first = choices.below(parameters.total() as u32) as usize;
        let more = choices.below(parity as u32 + 1) as usize;
        for index in (first..first + data + more).map(|index| index % parameters.total()) {
            let sample = Sample { index, shard: shards[index].clone(), path: tree.path(index) };
            decoder.push(&sample).expect("it is under the root");
        }
        let decoded = decoder.finish();
        match &decoded {
            Ok(_) | Err(CodingError::WrongRoot) => {}
            Err(other) => panic!("{other}"),
        }
        if is_codeword {
            assert_eq!(decoded.as_ref(), Ok(&payload));
        }
        if let Ok(payload) = &decoded {
            // Padding is not read, so a codeword with other padding is one, too: it is under the root as it stands.
            let mut padded = payload.clone();
            padded.extend(shards[..data].concat().get(payload.len()..).unwrap_or(&[]));
            let again = encode(&padded, parameters).expect("it is short");
            assert!(again.shards().eq(shards.iter().map(Vec::as_slice)), "not a codeword");
        }
        if let Some(found) = &found {
            assert_eq!(*found, decoded, "two decoders disagree");
        }
        found = Some(decoded);
    }
});
