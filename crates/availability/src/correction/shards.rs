//! Whole shards: every symbol of a shard belongs to a codeword of its own.
//!
//! Wrong symbols mostly come in wrong shards. So whole shards are decoded by the library from K that are not suspected, and each
//! column of that codeword which differs from what was received in at most the radius is *the* codeword of its column. The first
//! column for which this fails is corrected by itself; the positions wrong there are suspected from then on. Each round finds a
//! new suspect or ends, so there are at most N − K + 1 rounds; columns left when nobody is unsuspected are corrected one by one.

use std::collections::BTreeSet;

use super::unique::Decoder;
use super::{Code, CorrectionError};

/// All shards, and which were wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectedShards {
    /// All N shards, data first.
    pub shards: Vec<Vec<u8>>,
    /// Shards with wrong symbols, and how many.
    pub wrong: Vec<(usize, usize)>,
    /// As many shards may be wrong in each symbol.
    pub radius: usize,
}

impl Code {
    /// Corrects shards as `reed-solomon-simd` lays out their symbols; `None` is a missing one. In each symbol, at most
    /// ⌊(n − K) / 2⌋ of the n shards present may be wrong, not the same ones everywhere.
    ///
    /// # Errors
    /// [`CorrectionError::BeyondRadius`] names the first symbol for which no codeword is close enough; the others are about the
    /// shards' number and length, and [`CorrectionError::NotOfShards`] about the code.
    pub fn correct_shards(&self, shards: &[Option<&[u8]>]) -> Result<CorrectedShards, CorrectionError> {
        if !self.is_of_shards() {
            return Err(CorrectionError::NotOfShards);
        }
        if shards.len() != self.length() {
            return Err(CorrectionError::Length { found: shards.len(), length: self.length() });
        }
        let present: Vec<usize> = (0..shards.len()).filter(|i| shards[*i].is_some()).collect();
        self.check_enough(present.len())?;
        let bytes = shards.iter().flatten().map(|shard| shard.len()).next().unwrap_or(0);
        let uneven = |shard: &Option<&[u8]>| shard.is_some_and(|shard| shard.len() != bytes);
        if bytes == 0 || bytes % 2 == 1 {
            return Err(CorrectionError::Uneven(present[0]));
        }
        if let Some(uneven) = shards.iter().position(uneven) {
            return Err(CorrectionError::Uneven(uneven));
        }

        let decoder = Decoder::new(self, present.clone());
        let radius = decoder.radius();
        let mut corrected = vec![vec![0; bytes]; self.length()];
        let mut wrong = vec![0; self.length()];
        let mut suspects = BTreeSet::new();
        let mut pending: Vec<usize> = (0..bytes / 2).collect();
        while !pending.is_empty() {
            let trusted: Vec<usize> = present.iter().copied().filter(|i| !suspects.contains(i)).collect();
            if let Some(candidate) = self.codeword_through(shards, &trusted, bytes) {
                pending.retain(|column| {
                    let place = symbol_place(bytes, *column);
                    let differs = |i: &&usize| {
                        shards[**i].is_some_and(|shard| at(shard, place) != at(&candidate[**i], place))
                    };
                    let differing: Vec<usize> = present.iter().filter(differs).copied().collect();
                    if differing.len() > radius {
                        return true;
                    }
                    for (whole, shard) in corrected.iter_mut().zip(&candidate) {
                        put(whole, place, at(shard, place));
                    }
                    differing.iter().for_each(|i| wrong[*i] += 1);
                    false
                });
            }
            let Some(first) = pending.first().copied() else { break };
            pending.remove(0);
            let place = symbol_place(bytes, first);
            let received: Vec<Option<u16>> =
                shards.iter().map(|shard| shard.map(|shard| at(shard, place))).collect();
            let column = decoder.correct(&received).map_err(|error| match error {
                CorrectionError::BeyondRadius { radius, present, .. } => {
                    CorrectionError::BeyondRadius { radius, present, column: Some(first) }
                }
                other => other,
            })?;
            for (whole, symbol) in corrected.iter_mut().zip(&column.codeword) {
                put(whole, place, *symbol);
            }
            for i in column.wrong {
                wrong[i] += 1;
                suspects.insert(i);
            }
        }
        let wrong = wrong.into_iter().enumerate().filter(|(_, count)| *count > 0).collect();
        Ok(CorrectedShards { shards: corrected, wrong, radius })
    }

    /// All shards of the codeword that has the first K of the `trusted` shards; nothing when there are fewer.
    fn codeword_through(
        &self,
        shards: &[Option<&[u8]>],
        trusted: &[usize],
        bytes: usize,
    ) -> Option<Vec<Vec<u8>>> {
        let (data, parity) = (self.dimension, self.length() - self.dimension);
        let mut decoder = reed_solomon_simd::ReedSolomonDecoder::new(data, parity, bytes)
            .expect("the code's numbers and the shards' length were checked");
        for i in trusted.get(..data)? {
            let shard = shards[*i].expect("trusted shards are present");
            let added = match i.checked_sub(data) {
                None => decoder.add_original_shard(*i, shard),
                Some(parity) => decoder.add_recovery_shard(parity, shard),
            };
            added.expect("each shard is of this length and added once");
        }
        let decoded = decoder.decode().expect("as many shards as needed were added");
        let mut codeword: Vec<Vec<u8>> = (0..data)
            .map(|i| match decoded.restored_original(i) {
                Some(shard) => shard.to_vec(),
                None => shards[i].expect("what is not restored was added").to_vec(),
            })
            .collect();
        let parity = reed_solomon_simd::encode(data, parity, &codeword)
            .expect("the code's numbers and the shards' length were checked");
        codeword.extend(parity);
        Some(codeword)
    }
}

/// Where the low and the high byte of symbol `column` are in a shard: blocks of 64 bytes hold 32 low bytes, then 32 high ones; the
/// last block may be shorter and is halved likewise.
fn symbol_place(bytes: usize, column: usize) -> (usize, usize) {
    let block = column / 32 * 64;
    let half = (bytes - block).min(64) / 2;
    let low = block + column % 32;
    (low, low + half)
}

fn at(shard: &[u8], (low, high): (usize, usize)) -> u16 {
    u16::from_le_bytes([shard[low], shard[high]])
}

fn put(shard: &mut [u8], (low, high): (usize, usize), symbol: u16) {
    [shard[low], shard[high]] = symbol.to_le_bytes();
}
