//! The Reed-Solomon code, systematic and over GF(2^16), by `reed-solomon-simd`.
//!
//! A shard is made of blocks of 64 bytes: 32 symbols, first their low bytes, then their high ones. Symbols at the same place of
//! all shards are a codeword, so shards can be coded a stretch at a time.

use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

use crate::{Parameters, evaluation::Values, field::Element, parameters::BLOCK};

/// As many bytes of all shards are coded at once as stay in the second cache.
const STRETCH: usize = 1 << 18;

const SUPPORTED: &str = "parameters are checked where they are made, lengths are multiples of 64";

/// Writes the parity shards of `data` into `parity`, one after another. All have the same length, a multiple of 64 bytes.
pub(crate) fn encode(parameters: Parameters, data: &[&[u8]], parity: &mut [u8]) {
    let length = data[0].len();
    assert!(
        data.len() == parameters.data() && parity.len() == parameters.parity() * length,
        "one shard each"
    );
    let stretch = (STRETCH / parameters.total() / BLOCK).max(1) * BLOCK;
    let mut encoder = encoder(parameters, stretch.min(length));
    for start in (0..length).step_by(stretch) {
        let end = length.min(start + stretch);
        if end - start < stretch {
            encoder.reset(parameters.data(), parameters.parity(), end - start).expect(SUPPORTED);
        }
        for shard in data {
            encoder.add_original_shard(&shard[start..end]).expect(SUPPORTED);
        }
        let coded = encoder.encode().expect(SUPPORTED);
        for (coded, shard) in coded.recovery_iter().zip(parity.chunks_exact_mut(length)) {
            shard[start..end].copy_from_slice(coded);
        }
    }
}

fn encoder(parameters: Parameters, length: usize) -> ReedSolomonEncoder {
    ReedSolomonEncoder::new(parameters.data(), parameters.parity(), length).expect(SUPPORTED)
}

/// The values that all shards should have, parity ones included, given those of the data shards: the code is linear over
/// GF(2^16), and evaluation too, so that values are coded like shards.
pub(crate) fn encode_values(parameters: Parameters, values: &[Values]) -> Vec<Values> {
    let blocks: Vec<[u8; BLOCK]> = values.iter().map(values_to_block).collect();
    let mut encoder = encoder(parameters, BLOCK);
    for block in &blocks {
        encoder.add_original_shard(block).expect(SUPPORTED);
    }
    let coded = encoder.encode().expect(SUPPORTED);
    values.iter().copied().chain(coded.recovery_iter().map(block_to_values)).collect()
}

/// The sixteen coordinates of both values, as the first sixteen symbols of a block.
fn values_to_block(values: &Values) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (lane, coordinate) in values.iter().flat_map(|value| value.0).enumerate() {
        [block[lane], block[lane + BLOCK / 2]] = coordinate.to_le_bytes();
    }
    block
}

fn block_to_values(block: &[u8]) -> Values {
    [0, 8].map(|first| {
        Element(std::array::from_fn(|at| {
            u16::from_le_bytes([block[first + at], block[first + at + BLOCK / 2]])
        }))
    })
}

/// The coefficients with which each parity symbol has the symbols of some data shards, 32 at most: `[parity][at]`.
pub(crate) fn coefficients(parameters: Parameters, data: &[usize]) -> Vec<Vec<u16>> {
    assert!(data.len() <= BLOCK / 2, "a block has 32 symbols");
    let mut encoder = encoder(parameters, BLOCK);
    for index in 0..parameters.data() {
        let mut block = [0; BLOCK];
        if let Some(lane) = data.iter().position(|&wanted| wanted == index) {
            block[lane] = 1;
        }
        encoder.add_original_shard(block).expect(SUPPORTED);
    }
    let coded = encoder.encode().expect(SUPPORTED);
    coded
        .recovery_iter()
        .map(|block| {
            (0..data.len()).map(|lane| u16::from_le_bytes([block[lane], block[lane + BLOCK / 2]])).collect()
        })
        .collect()
}

/// The data shards that are missing, by number, given at least K shards of either kind.
pub(crate) fn decode(parameters: Parameters, shards: &[Option<&[u8]>]) -> Vec<(usize, Vec<u8>)> {
    let length = shards.iter().flatten().next().map_or(BLOCK, |shard| shard.len());
    let mut decoder =
        ReedSolomonDecoder::new(parameters.data(), parameters.parity(), length).expect(SUPPORTED);
    let (data, parity) = shards.split_at(parameters.data());
    for (index, shard) in data.iter().enumerate() {
        if let Some(shard) = shard {
            decoder.add_original_shard(index, shard).expect(SUPPORTED);
        }
    }
    for (index, shard) in parity.iter().enumerate() {
        if let Some(shard) = shard {
            decoder.add_recovery_shard(index, shard).expect(SUPPORTED);
        }
    }
    let decoded = decoder.decode().expect("there are K shards");
    decoded.restored_original_iter().map(|(index, shard)| (index, shard.to_vec())).collect()
}
