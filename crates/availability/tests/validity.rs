//! What the validity check catches.
//!
//! Dishonest commitments are made here by hand from what is public: the Merkle tree and the hashes are written again below.

#![allow(clippy::unwrap_used, reason = "what the tests build by hand fails with them")]

use availability::{
    CodingError, Combination, Decoder, Encoded, Header, Parameters, Sample, Verifier, available_paths, encode,
};

fn payload(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(b"validity").finalize_xof().fill(&mut bytes);
    bytes
}

fn flip(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] ^= 1 << (bit % 8);
}

/// The tree over any shards, and a shard's path: what somebody has who commits to what is not a codeword.
fn commit(shards: &[Vec<u8>], index: usize) -> ([u8; 32], Vec<[u8; 32]>) {
    let key = |purpose: &str| blake3::derive_key(&format!("glassbook availability v1 {purpose}"), &[]);
    let (leaf, node) = (key("leaf"), key("node"));
    let mut level: Vec<[u8; 32]> =
        shards.iter().map(|shard| blake3::keyed_hash(&leaf, shard).into()).collect();
    let (mut index, mut path) = (index, Vec::new());
    while level.len() > 1 {
        path.extend(level.get(index ^ 1));
        let join = |pair: &[[u8; 32]]| match pair {
            [left, right] => blake3::keyed_hash(&node, &[*left, *right].concat()).into(),
            odd => odd[0],
        };
        level = level.chunks(2).map(join).collect();
        index /= 2;
    }
    (level[0], path)
}

/// What somebody commits to who does everything as an honest one would, but for the shards themselves.
struct Dishonest {
    header: Header,
    combination: Combination,
    shards: Vec<Vec<u8>>,
}

impl Dishonest {
    fn sample(&self, index: usize) -> Sample {
        let (_, path) = commit(&self.shards, index);
        Sample { index, shard: self.shards[index].clone(), path }
    }

    fn verifier(&self) -> Verifier {
        Verifier::new(&self.header, &self.combination).unwrap()
    }
}

/// Commits to shards as they are, with the combination vector of those that stand in the data places.
fn commit_dishonestly(encoded: &Encoded, shards: Vec<Vec<u8>>) -> Dishonest {
    let (root, _) = commit(&shards, 0);
    let mut header = Header { root, ..*encoded.header() };
    let data = shards.iter().take(header.parameters.data()).map(Vec::as_slice);
    let combination = Combination::of_shards(&header, data).unwrap();
    header.combination = combination.digest();
    Dishonest { header, combination, shards }
}

#[test]
fn every_shard_of_an_encoding_passes_by_every_path() {
    for (parameters, length) in
        [(Parameters::DEFAULT, 500_000), (Parameters::WIDE, 40_000), (Parameters::new(7, 20).unwrap(), 9_999)]
    {
        let encoded = encode(&payload(length), parameters).unwrap();
        for path in available_paths() {
            let verifier = Verifier::new_with(encoded.header(), encoded.combination(), path).unwrap();
            for index in 0..parameters.total() {
                verifier.verify(&encoded.sample(index).unwrap()).unwrap();
            }
        }
    }
}

#[test]
fn the_tree_of_this_file_is_the_crates() {
    for total in 2..20 {
        let encoded = encode(&payload(100), Parameters::new(total / 2, total - total / 2).unwrap()).unwrap();
        let shards: Vec<Vec<u8>> = encoded.shards().map(Vec::from).collect();
        for index in 0..total {
            assert_eq!(commit(&shards, index), (encoded.header().root, encoded.sample(index).unwrap().path));
        }
        assert_eq!(commit_dishonestly(&encoded, shards).header, *encoded.header());
    }
}

#[test]
fn one_flipped_bit_of_a_shard_or_its_path_is_caught() {
    let encoded = encode(&payload(2000), Parameters::new(5, 4).unwrap()).unwrap();
    let verifier = Verifier::new(encoded.header(), encoded.combination()).unwrap();
    for index in [0, 6, 8] {
        let sample = encoded.sample(index).unwrap();
        for bit in 0..8 * sample.shard.len() {
            let mut sample = sample.clone();
            flip(&mut sample.shard, bit);
            assert_eq!(verifier.verify(&sample), Err(CodingError::NotUnderRoot { index }));
        }
        for bit in 0..256 * sample.path.len() {
            let mut sample = sample.clone();
            flip(sample.path.as_flattened_mut(), bit);
            assert_eq!(verifier.verify(&sample), Err(CodingError::NotUnderRoot { index }));
        }
        for other in (0..9).filter(|&other| other != index) {
            let sample = Sample { index: other, ..sample.clone() };
            assert_eq!(verifier.verify(&sample), Err(CodingError::NotUnderRoot { index: other }));
        }
        for length in (0..sample.shard.len()).step_by(64) {
            let mut sample = sample.clone();
            sample.shard.truncate(length);
            assert_eq!(verifier.verify(&sample), Err(CodingError::Length { expected: 448, found: length }));
        }
        for length in 0..sample.path.len() {
            let mut sample = sample.clone();
            sample.path.truncate(length);
            assert_eq!(verifier.verify(&sample), Err(CodingError::NotUnderRoot { index }));
        }
        let mut longer = sample.clone();
        longer.path.push([0; 32]);
        assert_eq!(verifier.verify(&longer), Err(CodingError::NotUnderRoot { index }));
    }
}

#[test]
fn one_flipped_bit_of_the_combination_vector_is_caught() {
    let encoded = encode(&payload(2000), Parameters::new(3, 2).unwrap()).unwrap();
    let bytes = encoded.combination().encode();
    for bit in 8..8 * bytes.len() {
        let mut bytes = bytes.clone();
        flip(&mut bytes, bit);
        let changed = Combination::decode(encoded.header().parameters, &bytes).unwrap();
        assert_eq!(Verifier::new(encoded.header(), &changed).err(), Some(CodingError::NotTheCombination));
        // Nor does it help to commit to the changed vector: the shards do not have these values. The flipped one fails itself,
        // and so does every parity shard, as each depends on each data shard.
        let header = Header { combination: changed.digest(), ..*encoded.header() };
        let verifier = Verifier::new(&header, &changed).unwrap();
        for index in [(bit / 8 - 1) / 32, 3, 4] {
            assert_eq!(
                verifier.verify(&encoded.sample(index).unwrap()),
                Err(CodingError::NotOfTheCodeword { index })
            );
        }
    }
}

/// A header with another root, length or code draws other challenges: the vector, however honest before, no longer fits.
#[test]
fn one_flipped_bit_of_the_header_is_caught() {
    let encoded = encode(&payload(2000), Parameters::new(3, 2).unwrap()).unwrap();
    let bytes = encoded.header().encode();
    for bit in 0..8 * bytes.len() {
        let mut bytes = bytes;
        flip(&mut bytes, bit);
        let Ok(header) = Header::decode(&bytes) else { continue };
        let Ok(verifier) = Verifier::new(&header, encoded.combination()) else { continue };
        for index in 0..5 {
            assert!(verifier.verify(&encoded.sample(index).unwrap()).is_err(), "bit {bit}, shard {index}");
        }
    }
}

/// A parity shard that is not the code's, under an honest tree and with an honest combination vector, fails whoever samples it,
/// wherever in the shard the lie is. All others pass.
#[test]
fn a_parity_shard_that_the_code_did_not_make_fails_every_sampler_of_it() {
    let encoded = encode(&payload(5 * 1300), Parameters::new(5, 4).unwrap()).unwrap();
    let honest: Vec<Vec<u8>> = encoded.shards().map(Vec::from).collect();
    for bit in (0..8 * honest[0].len()).step_by(37) {
        let mut shards = honest.clone();
        flip(&mut shards[6], bit);
        let dishonest = commit_dishonestly(&encoded, shards);
        let verifier = dishonest.verifier();
        for index in 0..9 {
            let expected = if index == 6 { Err(CodingError::NotOfTheCodeword { index }) } else { Ok(()) };
            assert_eq!(verifier.verify(&dishonest.sample(index)), expected, "bit {bit}");
        }
    }
}

/// Data shards changed after coding: every parity shard is of another codeword.
#[test]
fn a_data_shard_changed_after_coding_fails_every_sampler_of_parity() {
    let encoded = encode(&payload(5 * 1300), Parameters::new(5, 4).unwrap()).unwrap();
    let mut shards: Vec<Vec<u8>> = encoded.shards().map(Vec::from).collect();
    shards[2][100] ^= 4;
    let dishonest = commit_dishonestly(&encoded, shards);
    let verifier = dishonest.verifier();
    for index in 5..9 {
        assert_eq!(verifier.verify(&dishonest.sample(index)), Err(CodingError::NotOfTheCodeword { index }));
    }
}

/// Two shards that were exchanged are both under the root, in the wrong places.
#[test]
fn exchanged_shards_fail() {
    let encoded = encode(&payload(5 * 1300), Parameters::new(5, 4).unwrap()).unwrap();
    let mut shards: Vec<Vec<u8>> = encoded.shards().map(Vec::from).collect();
    shards.swap(6, 7);
    let dishonest = commit_dishonestly(&encoded, shards);
    for index in [6, 7] {
        let refused = Err(CodingError::NotOfTheCodeword { index });
        assert_eq!(dishonest.verifier().verify(&dishonest.sample(index)), refused);
    }
}

/// Whoever decodes finds out, too, whichever shards are taken and by whichever way they are decoded.
#[test]
fn a_decoder_refuses_what_is_not_an_encoding() {
    for (parameters, lie, lost) in [
        (Parameters::new(5, 4).unwrap(), 6, vec![0..0, 0..1, 0..3]),
        (Parameters::new(5, 4).unwrap(), 1, vec![0..0, 2..4, 2..5]),
        (Parameters::DEFAULT, 300, vec![0..0, 0..3, 0..100]),
        (Parameters::DEFAULT, 5, vec![0..0, 0..3, 0..100, 10..13, 10..110]),
    ] {
        let encoded = encode(&payload(20_000), parameters).unwrap();
        let mut shards: Vec<Vec<u8>> = encoded.shards().map(Vec::from).collect();
        shards[lie][9] ^= 1;
        let dishonest = commit_dishonestly(&encoded, shards);
        for lost in lost {
            let mut decoder = Decoder::new(&dishonest.header).unwrap();
            for index in (0..parameters.total()).filter(|index| !lost.contains(index)) {
                decoder.push(&dishonest.sample(index)).unwrap();
            }
            assert_eq!(decoder.clone().finish(), Err(CodingError::WrongRoot), "{lie}, {lost:?}");
            assert_eq!(decoder.repair(&[0]), Err(CodingError::WrongRoot), "{lie}, {lost:?}");
        }
    }
}

/// Exactly K shards are always some codeword's; the root tells that it is not the one that was committed to.
#[test]
fn k_shards_of_what_is_not_an_encoding_are_refused_by_the_root() {
    let encoded = encode(&payload(1000), Parameters::new(5, 4).unwrap()).unwrap();
    let mut shards: Vec<Vec<u8>> = encoded.shards().map(Vec::from).collect();
    shards[6][9] ^= 1;
    let dishonest = commit_dishonestly(&encoded, shards);
    for start in 0..4 {
        let mut decoder = Decoder::new(&dishonest.header).unwrap();
        for index in start..start + 5 {
            decoder.push(&dishonest.sample(index)).unwrap();
        }
        assert_eq!(decoder.finish(), Err(CodingError::WrongRoot), "from {start}");
    }
}

/// Every sampler says that such data is there, so it must be there: what follows the payload is under the root, but not read.
#[test]
fn padding_other_than_zeros_is_sampled_decoded_and_repaired_like_any_other() {
    let encoded = encode(&payload(1000), Parameters::new(5, 4).unwrap()).unwrap();
    let longer = encode(&payload(1001), Parameters::new(5, 4).unwrap()).unwrap();
    let shards: Vec<Vec<u8>> = longer.shards().map(Vec::from).collect();
    let dishonest = commit_dishonestly(&encoded, shards);
    let mut decoder = Decoder::new(&dishonest.header).unwrap();
    for index in 4..9 {
        dishonest.verifier().verify(&dishonest.sample(index)).unwrap();
        decoder.push(&dishonest.sample(index)).unwrap();
    }
    assert_eq!(decoder.clone().finish(), Ok(payload(1000)));
    assert_eq!(decoder.repair(&[0, 3]), Ok(vec![dishonest.sample(0), dishonest.sample(3)]));
}
