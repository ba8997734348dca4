//! Restoring a few data shards: a small system of linear equations instead of a whole decoding.
//!
//! Code the data with zeros for what is missing; what the parity shards then lack is what the missing shards give to them. As
//! many parity shards as there are missing ones are as many equations, and have one solution because any K shards of the code
//! determine the rest.

use reed_solomon_simd::engine::{DefaultEngine, Engine, tables};

use crate::{Parameters, code, field, parameters::BLOCK};

/// Up to so many lost data shards, this is faster than decoding (measured), and they fit one block.
pub(crate) const FEW: usize = 32;

/// Restores the missing data shards, at most [`FEW`], in their places, which hold zeros. At least K shards of either kind are
/// there; `held` says which.
pub(crate) fn decode(parameters: Parameters, held: &[bool], data: &mut [u8], parity: &[u8]) {
    let length = data.len() / parameters.data();
    let (data_held, parity_held) = held.split_at(parameters.data());
    let missing: Vec<usize> = (0..parameters.data()).filter(|&index| !data_held[index]).collect();
    let rows: Vec<usize> =
        (0..parameters.parity()).filter(|&row| parity_held[row]).take(missing.len()).collect();

    // One equation for each missing shard: its coefficients, and what the parity shard lacks.
    let coefficients = code::coefficients(parameters, &missing);
    let equations = rows.iter().map(|&row| coefficients[row].clone()).collect();
    let mut lacks: Vec<Vec<u8>> = rows.iter().map(|&row| parity[row * length..][..length].to_vec()).collect();
    let with_zeros: Vec<&[u8]> = data.chunks_exact(length).collect();
    code::encode_stretches(parameters, &with_zeros, |row, at, without| {
        if let Ok(equation) = rows.binary_search(&row) {
            lacks[equation][at].iter_mut().zip(without).for_each(|(a, b)| *a ^= b);
        }
    });

    for (weights, index) in invert(equations).into_iter().zip(missing) {
        combine(&weights, &lacks, &mut data[index * length..][..length]);
    }
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

/// Adds shards, each times its weight, to `sum`.
fn combine(weights: &[u16], shards: &[Vec<u8>], sum: &mut [u8]) {
    const PART: usize = 64 * BLOCK;
    let engine = DefaultEngine::new();
    let log = &tables::get_exp_log().log;
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
            let held: Vec<bool> = (0..data + parity).map(|index| !lost.contains(&index)).collect();
            let mut damaged = bytes.clone();
            for &index in &lost {
                damaged[64 * length * index..][..64 * length].fill(0);
            }
            let whole = &bytes[..64 * length * data];
            let (damaged, coded) = damaged.split_at_mut(64 * length * data);
            let mut by_equations = damaged.to_vec();
            decode(parameters, &held, &mut by_equations, coded);
            prop_assert!(by_equations == whole);
            code::decode(parameters, &held, damaged, coded);
            prop_assert!(damaged == whole);
        }
    }
}
