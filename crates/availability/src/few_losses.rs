//! Restoring a few data shards: a small system of linear equations instead of a whole decoding.
//!
//! Code the data with zeros for what is missing; what the parity shards then lack is what the missing shards give to them. As
//! many parity shards as there are missing ones are as many equations, and have one solution because any K shards of the code
//! determine the rest.

use reed_solomon_simd::engine::{DefaultEngine, Engine, tables};

use crate::{Parameters, code, field, parameters::BLOCK};

/// Up to so many lost data shards, this is faster than decoding (measured), and they fit one block.
pub(crate) const FEW: usize = 32;

/// The missing data shards, by number, at most [`FEW`], given at least K shards of either kind.
pub(crate) fn decode(parameters: Parameters, shards: &[Option<&[u8]>]) -> Vec<(usize, Vec<u8>)> {
    let (data, parity) = shards.split_at(parameters.data());
    let missing: Vec<usize> = (0..data.len()).filter(|&index| data[index].is_none()).collect();
    let length = shards.iter().flatten().next().map_or(BLOCK, |shard| shard.len());

    let zeros = vec![0; length];
    let with_zeros: Vec<&[u8]> = data.iter().map(|shard| shard.unwrap_or(&zeros)).collect();
    let mut lacking = vec![0; length * parameters.parity()];
    code::encode(parameters, &with_zeros, &mut lacking);

    // One equation for each missing shard: its coefficients, and what the parity shard lacks.
    let coefficients = code::coefficients(parameters, &missing);
    let (equations, lacks): (Vec<Vec<u16>>, Vec<Vec<u8>>) = parity
        .iter()
        .zip(lacking.chunks_exact(length))
        .zip(coefficients)
        .filter_map(|((parity, without), coefficients)| {
            let lacks = (*parity)?.iter().zip(without).map(|(a, b)| a ^ b).collect();
            Some((coefficients, lacks))
        })
        .take(missing.len())
        .unzip();

    let solution = invert(equations).into_iter().map(|weights| combine(&weights, &lacks));
    missing.iter().copied().zip(solution).collect()
}

/// The inverse of a square matrix that has one.
fn invert(mut matrix: Vec<Vec<u16>>) -> Vec<Vec<u16>> {
    let size = matrix.len();
    for (at, row) in matrix.iter_mut().enumerate() {
        row.extend((0..size).map(|column| u16::from(column == at)));
    }
    for column in 0..size {
        let pivot = (column..size)
            .find(|&row| matrix[row][column] != 0)
            .expect("any square part of a systematic MDS code's parity matrix has an inverse");
        matrix.swap(column, pivot);
        let inverse = field::invert_16(matrix[column][column]);
        let pivot: Vec<u16> =
            matrix[column].iter().map(|&entry| field::multiply_16(entry, inverse)).collect();
        for (row, entries) in matrix.iter_mut().enumerate() {
            let factor = entries[column];
            if row != column && factor != 0 {
                for (entry, &pivot) in entries.iter_mut().zip(&pivot) {
                    *entry ^= field::multiply_16(pivot, factor);
                }
            }
        }
        matrix[column] = pivot;
    }
    matrix.into_iter().map(|mut row| row.split_off(size)).collect()
}

/// The sum of shards, each times its weight.
fn combine(weights: &[u16], shards: &[Vec<u8>]) -> Vec<u8> {
    const PART: usize = 64 * BLOCK;
    let engine = DefaultEngine::new();
    let log = &tables::get_exp_log().log;
    let mut sum = vec![0; shards.first().map_or(0, Vec::len)];
    for (at, sum) in sum.chunks_mut(PART).enumerate() {
        let mut product = [0; PART];
        let product = &mut product[..sum.len()];
        for (&weight, shard) in weights.iter().zip(shards).filter(|(weight, _)| **weight != 0) {
            product.copy_from_slice(&shard[at * PART..][..sum.len()]);
            engine.mul(product.as_chunks_mut::<BLOCK>().0, log[usize::from(weight)]);
            for (sum, byte) in sum.iter_mut().zip(&*product) {
                *sum ^= byte;
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn it_restores_what_a_whole_decoding_restores(
            (data, parity, lost) in (1usize..60, 1usize..60).prop_flat_map(|(data, parity)| {
                let most = FEW.min(data).min(parity);
                let lost = subsequence((0..data + parity).collect::<Vec<_>>(), 0..=most);
                (Just(data), Just(parity), lost)
            }),
            length in 1usize..80,
        ) {
            let parameters = Parameters::new(data, parity).unwrap();
            let mut bytes = vec![0; 64 * length * (data + parity)];
            let (originals, coded) = bytes.split_at_mut(64 * length * data);
            blake3::Hasher::new().finalize_xof().fill(originals);
            code::encode(parameters, &originals.chunks_exact(64 * length).collect::<Vec<_>>(), coded);
            let shards: Vec<Option<&[u8]>> = bytes
                .chunks_exact(64 * length)
                .enumerate()
                .map(|(index, shard)| (!lost.contains(&index)).then_some(shard))
                .collect();
            let restored = decode(parameters, &shards);
            for (index, shard) in &restored {
                prop_assert_eq!(shard, &bytes[64 * length * index..][..64 * length]);
            }
            if !restored.is_empty() {
                prop_assert_eq!(restored, code::decode(parameters, &shards));
            }
        }
    }
}
