//! The Reed-Solomon code, systematic and over GF(2^16), by `reed-solomon-simd`.
//!
//! A shard is made of blocks of 64 bytes: 32 symbols, first their low bytes, then their high ones. Symbols at the same place of
//! all shards are a codeword, so shards can be coded a stretch at a time.

use std::ops::Range;

use reed_solomon_simd::{
    ReedSolomonEncoder,
    rate::{DefaultRateDecoder, RateDecoder},
};

use crate::{Parameters, engine::RememberingEngine, evaluation::Values, field::Element, parameters::BLOCK};

/// So many bytes are worked on at once, which stay in a core's second cache. Measured: less costs more calls, more costs memory
/// traffic.
const STRETCH: usize = 1 << 20;

const SUPPORTED: &str = "parameters are checked where they are made, lengths are multiples of 64";

/// Writes the parity shards of `data` into `parity`, one after another. All have the same length, a multiple of 64 bytes.
pub(crate) fn encode(parameters: Parameters, data: &[&[u8]], parity: &mut [u8]) {
    let length = data[0].len();
    assert!(parity.len() == parameters.parity() * length, "room for one shard each");
    encode_stretches(parameters, data, |index, at, coded| {
        parity[index * length..][at].copy_from_slice(coded);
    });
}

/// Gives all parity shards of `data`, stretch by stretch: the number among the parity shards, which part of it, and the part.
pub(crate) fn encode_stretches(
    parameters: Parameters,
    data: &[&[u8]],
    mut take: impl FnMut(usize, Range<usize>, &[u8]),
) {
    let length = data[0].len();
    assert!(data.len() == parameters.data(), "one shard each");
    let stretch = stretch(parameters.total(), length);
    let mut encoder = encoder(parameters, stretch);
    for start in (0..length).step_by(stretch) {
        let end = length.min(start + stretch);
        if end - start < stretch {
            encoder.reset(parameters.data(), parameters.parity(), end - start).expect(SUPPORTED);
        }
        for shard in data {
            encoder.add_original_shard(&shard[start..end]).expect(SUPPORTED);
        }
        let coded = encoder.encode().expect(SUPPORTED);
        for (index, coded) in coded.recovery_iter().enumerate() {
            take(index, start..end, coded);
        }
    }
}

/// How much of each shard is worked on at once, so many rows of it. Stretches are about equally long.
fn stretch(rows: usize, length: usize) -> usize {
    let longest = (STRETCH / rows / BLOCK).max(1) * BLOCK;
    let stretches = length.div_ceil(longest);
    length.div_ceil(stretches * BLOCK) * BLOCK
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

/// Restores the data shards that are missing, in their places. At least K shards of either kind are there; `held` says which.
pub(crate) fn decode(parameters: Parameters, held: &[bool], data: &mut [u8], parity: &[u8]) {
    let length = data.len() / parameters.data();
    let (data_held, parity_held) = held.split_at(parameters.data());
    let stretch = stretch(parameters.total().next_power_of_two(), length);
    let engine = RememberingEngine::new();
    let mut decoder = DefaultRateDecoder::new(parameters.data(), parameters.parity(), stretch, engine, None)
        .expect(SUPPORTED);
    for start in (0..length).step_by(stretch) {
        let end = length.min(start + stretch);
        if end - start < stretch {
            decoder.reset(parameters.data(), parameters.parity(), end - start).expect(SUPPORTED);
        }
        for (index, shard) in data.chunks_exact(length).enumerate().filter(|(index, _)| data_held[*index]) {
            decoder.add_original_shard(index, &shard[start..end]).expect(SUPPORTED);
        }
        for (index, shard) in parity.chunks_exact(length).enumerate().filter(|(index, _)| parity_held[*index])
        {
            decoder.add_recovery_shard(index, &shard[start..end]).expect(SUPPORTED);
        }
        let decoded = decoder.decode().expect("there are K shards");
        for (index, restored) in decoded.restored_original_iter() {
            data[index * length..][start..end].copy_from_slice(restored);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::field::{invert_16, multiply_16};

    /// The coefficient by Lagrange's formula: the symbols that are not of the smaller, transformed part stand at the points after a
    /// space V of points 0, 1, … in Cantor's basis, and the others in V.
    fn by_lagrange(parameters: Parameters, parity: usize, data: usize) -> u16 {
        let (data_space, parity_space) =
            (parameters.data().next_power_of_two(), parameters.parity().next_power_of_two());
        let high = data_space > parity_space
            || (data_space == parity_space && parameters.data() <= parameters.parity());
        let (space, outside, inside) = match high {
            true => (parity_space, parity_space + data, parity),
            false => (data_space, data_space + parity, data),
        };
        let mut coefficient = invert_16((outside ^ inside) as u16);
        for v in 0..space {
            coefficient = multiply_16(coefficient, (outside ^ v) as u16);
            if v != 0 {
                coefficient = multiply_16(coefficient, invert_16(v as u16));
            }
        }
        coefficient
    }

    /// The library's code is this one, whose every square part has an inverse: it is Cauchy's matrix with its rows or its columns
    /// scaled. That any K shards decode, and what `docs/src/availability/validity.md` says, rests on it.
    #[test]
    fn the_code_is_a_scaled_cauchy_matrix() {
        for (data, parity) in
            [(1, 1), (3, 2), (2, 3), (4, 4), (7, 5), (5, 7), (16, 9), (9, 17), (256, 128), (256, 256)]
        {
            let parameters = Parameters::new(data, parity).unwrap();
            for first in (0..data).step_by(32) {
                let some: Vec<usize> = (first..data.min(first + 32)).collect();
                for (row, coefficients) in coefficients(parameters, &some).into_iter().enumerate() {
                    for (&column, coefficient) in some.iter().zip(coefficients) {
                        assert_eq!(coefficient, by_lagrange(parameters, row, column), "{row} of {column}");
                        assert_ne!(coefficient, 0);
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Linear over GF(2^16), value by value: what the check relies on.
        #[test]
        fn values_are_coded_like_shards(data in 1usize..20, parity in 1usize..20, seed: u16) {
            let parameters = Parameters::new(data, parity).unwrap();
            let coordinate = |at: usize| (at as u16).wrapping_mul(40_503) ^ seed;
            let values: Vec<Values> = (0..data)
                .map(|at| [0, 8].map(|first| Element(std::array::from_fn(|c| coordinate(16 * at + first + c)))))
                .collect();
            let coded = encode_values(parameters, &values);
            prop_assert_eq!(&coded[..data], &values[..]);
            for (row, coded) in coded[data..].iter().enumerate() {
                let mut expected = [Element::default(); 2];
                for (column, value) in values.iter().enumerate() {
                    let weight = by_lagrange(parameters, row, column);
                    for (expected, value) in expected.iter_mut().zip(value) {
                        for (sum, coordinate) in expected.0.iter_mut().zip(value.0) {
                            *sum ^= multiply_16(coordinate, weight);
                        }
                    }
                }
                prop_assert_eq!(*coded, expected);
            }
        }
    }
}
