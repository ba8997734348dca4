//! Samples spread over strata, and what the worst adversary leaves of them.
//!
//! The shards are cut into contiguous strata, and each stratum gives its own uniform sample. An adversary that knows the strata
//! chooses how many shards to withhold in each. It survives with the product of C(n − x, s) / C(n, s) over the strata. Withholding
//! one shard more where x of n are withheld multiplies that by (n − x − s) / (n − x), which falls as x grows: so the greedy choice,
//! one shard after another where it costs least, is the best there is, and it *spreads* them. What remains is at least what
//! uniform samples of the same number leave: strata never help against the worst case. They are for evenly spread load.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use num_bigint::BigUint;

use super::bound::choose;
use super::{Confidence, SamplingError, Shape};

/// Contiguous strata of nearly equal size; the larger ones come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strata {
    shape: Shape,
    strata: u32,
}

/// The next shard to withhold in a stratum.
#[derive(PartialEq, Eq)]
struct Cost {
    /// Shards not withheld yet.
    left: u32,
    /// Of them, as many are sampled.
    samples: u32,
    stratum: usize,
}

impl Cost {
    /// What withholding one shard more multiplies the survival by.
    fn factor(&self) -> (u64, u64) {
        (u64::from(self.left.saturating_sub(self.samples)), u64::from(self.left))
    }
}

impl Ord for Cost {
    /// The largest factor is the cheapest; then the first stratum, so that the choice is determined.
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, of_a) = self.factor();
        let (b, of_b) = other.factor();
        (a * of_b).cmp(&(b * of_a)).then(other.stratum.cmp(&self.stratum))
    }
}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Strata {
    /// `strata` strata of the shards of `shape`.
    ///
    /// # Errors
    /// [`SamplingError::Strata`] unless there are one to as many as shards.
    pub fn new(shape: Shape, strata: u32) -> Result<Self, SamplingError> {
        if strata == 0 || strata > shape.shards() {
            return Err(SamplingError::Strata { strata, shards: shape.shards() });
        }
        Ok(Self { shape, strata })
    }

    /// Where each stratum begins and ends, and how many of `samples` it gives. The first strata give one more than the others
    /// where the number does not divide.
    pub fn allotment(self, samples: u32) -> impl Iterator<Item = (std::ops::Range<u32>, u32)> {
        let (size, larger) = (self.shape.shards() / self.strata, self.shape.shards() % self.strata);
        let (each, more) = (samples / self.strata, samples % self.strata);
        let mut begin = 0;
        (0..self.strata).map(move |stratum| {
            let end = begin + size + u32::from(stratum < larger);
            let range = begin..end;
            begin = end;
            (range, each + u32::from(stratum < more))
        })
    }

    /// How many shards of each stratum the worst adversary withholds so that the data is lost.
    ///
    /// # Errors
    /// [`SamplingError::Samples`].
    pub fn worst_withholding(self, samples: u32) -> Result<Vec<u32>, SamplingError> {
        self.shape.check_samples(samples)?;
        let mut heap: BinaryHeap<Cost> = self
            .allotment(samples)
            .enumerate()
            .map(|(stratum, (range, samples))| Cost { left: range.end - range.start, samples, stratum })
            .collect();
        let mut withheld = vec![0; heap.len()];
        for _ in 0..self.shape.withheld() {
            let mut cheapest = heap.pop().expect("no more shards are withheld than there are");
            withheld[cheapest.stratum] += 1;
            cheapest.left -= 1;
            if cheapest.left > 0 {
                heap.push(cheapest);
            }
        }
        Ok(withheld)
    }

    /// What `samples` achieve against that adversary.
    ///
    /// # Errors
    /// [`SamplingError::Samples`].
    pub fn confidence(self, samples: u32) -> Result<Confidence, SamplingError> {
        let withheld = self.worst_withholding(samples)?;
        let (mut miss, mut of) = (BigUint::from(1u32), BigUint::from(1u32));
        for ((range, samples), withheld) in self.allotment(samples).zip(withheld) {
            let size = range.end - range.start;
            miss *= choose(size - withheld, samples);
            of *= choose(size, samples);
        }
        Ok(Confidence::exact(miss, of))
    }

    /// The fewest samples that reach `confidence`.
    ///
    /// # Errors
    /// None for strata that exist; the signature follows [`Shape::samples`].
    pub fn samples(self, confidence: &Confidence) -> Result<u32, SamplingError> {
        // One sample more lowers every adversary's survival, so also the best one's.
        let (mut low, mut high) = (1, self.shape.shards());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.confidence(middle)? >= *confidence {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The best product over all ways to withhold, by dynamic programming over strata.
    fn by_programming(strata: Strata, samples: u32) -> BigUint {
        let withheld = strata.shape.withheld() as usize;
        let mut best: Vec<Option<BigUint>> = vec![None; withheld + 1];
        best[0] = Some(1u32.into());
        for (range, samples) in strata.allotment(samples) {
            let size = range.end - range.start;
            let mut next: Vec<Option<BigUint>> = vec![None; withheld + 1];
            for (before, ways) in best.iter().enumerate() {
                let Some(ways) = ways else { continue };
                for here in 0..=(size as usize).min(withheld - before) {
                    let product = ways * choose(size - here as u32, samples);
                    let entry = &mut next[before + here];
                    if entry.as_ref().is_none_or(|known| *known < product) {
                        *entry = Some(product);
                    }
                }
            }
            best = next;
        }
        best.pop().flatten().unwrap()
    }

    #[test]
    fn the_greedy_adversary_is_the_best_one_and_strata_are_never_better_than_none() {
        for (data, parity, strata) in
            [(5, 4, 3), (7, 6, 4), (8, 8, 5), (20, 12, 7), (20, 12, 32), (16, 16, 1), (30, 2, 6), (2, 30, 6)]
        {
            let shape = Shape::new(data, parity).unwrap();
            let strata = Strata::new(shape, strata).unwrap();
            for samples in 1..=shape.shards() {
                let confidence = strata.confidence(samples).unwrap();
                assert_eq!(*confidence.miss().0, by_programming(strata, samples), "{strata:?} {samples}");
                assert!(confidence <= shape.confidence(samples, 0).unwrap(), "{strata:?} {samples}");
            }
        }
    }
}
