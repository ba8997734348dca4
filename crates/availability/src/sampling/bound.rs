//! The exact probability that a sample misses what is withheld.
//!
//! Of N shards, W are withheld. The number of withheld ones among q different shards drawn uniformly is hypergeometric, so at most
//! f of them are met with the probability
//!
//! ```text
//!   sum over j <= f of  C(W, j) * C(N - W, q - j)  /  C(N, q)
//! ```
//!
//! which falls as W grows (withholding more is only found more easily) and as q grows (a longer sample contains the shorter).

use std::collections::VecDeque;

use num_bigint::BigUint;

use super::Confidence;

/// The probability of a miss, for one sample after another.
pub(super) struct Misses {
    shards: u32,
    served: u32,
    samples: u32,
    /// C(W, j) for j = 0..=f.
    withheld: Vec<BigUint>,
    /// C(N − W, q − j) for j = 0..=f.
    answered: VecDeque<BigUint>,
    /// C(N, q).
    all: BigUint,
}

impl Misses {
    /// Before the first sample. At most `tolerated` withheld shards may be met. Needs `tolerated < withheld <= shards`.
    pub(super) fn new(shards: u32, withheld: u32, tolerated: u32) -> Self {
        assert!(tolerated < withheld && withheld <= shards, "some of the shards are withheld");
        let one = BigUint::from(1u32);
        let mut ways = vec![one.clone()];
        for j in 0..tolerated {
            let next = &ways[j as usize] * (withheld - j) / (j + 1);
            ways.push(next);
        }
        let mut answered = VecDeque::from([one.clone()]);
        answered.resize(ways.len(), BigUint::ZERO);
        Self { shards, served: shards - withheld, samples: 0, withheld: ways, answered, all: one }
    }

    /// With one sample more. There must be a shard left to be drawn.
    fn advance(&mut self) {
        let q = self.samples;
        assert!(q < self.shards, "no more samples than shards");
        self.all = &self.all * (self.shards - q) / (q + 1);
        let next = match self.served.checked_sub(q) {
            Some(left) => &self.answered[0] * left / (q + 1),
            None => BigUint::ZERO,
        };
        self.answered.pop_back();
        self.answered.push_front(next);
        self.samples += 1;
    }

    /// Up to `samples`, at most as many as shards.
    pub(super) fn advance_to(&mut self, samples: u32) {
        while self.samples < samples {
            self.advance();
        }
    }

    /// Up to the first number of samples, at least one, that reaches `confidence`. All shards always do.
    pub(super) fn advance_until(&mut self, confidence: &Confidence) -> u32 {
        let (miss, of) = confidence.miss();
        loop {
            self.advance();
            if self.samples == self.shards || self.accepted() * of <= miss * &self.all {
                return self.samples;
            }
        }
    }

    /// The confidence that this many samples achieve.
    pub(super) fn confidence(&self) -> Confidence {
        Confidence::exact(self.accepted(), self.all.clone())
    }

    /// How many of the C(N, q) samples are accepted though W shards are withheld.
    fn accepted(&self) -> BigUint {
        self.withheld.iter().zip(&self.answered).map(|(met, others)| met * others).sum()
    }
}

/// C(`n`, `k`).
pub(super) fn choose(n: u32, k: u32) -> BigUint {
    if k > n {
        return BigUint::ZERO;
    }
    (0..k.min(n - k)).fold(BigUint::from(1u32), |ways, i| ways * (n - i) / (i + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the samples one by one.
    fn counted(shards: u32, withheld: u32, samples: u32, tolerated: u32) -> (u32, u32) {
        let mut accepted = 0;
        let mut all = 0;
        for set in 0u32..1 << shards {
            if set.count_ones() == samples {
                all += 1;
                accepted += u32::from((set & ((1 << withheld) - 1)).count_ones() <= tolerated);
            }
        }
        (accepted, all)
    }

    #[test]
    fn the_formula_counts_as_one_counts_by_hand() {
        for shards in 1..=9 {
            for withheld in 1..=shards {
                for tolerated in 0..withheld {
                    let mut misses = Misses::new(shards, withheld, tolerated);
                    for samples in 1..=shards {
                        misses.advance();
                        let (accepted, all) = counted(shards, withheld, samples, tolerated);
                        assert_eq!(
                            misses.accepted(),
                            accepted.into(),
                            "{shards} {withheld} {samples} {tolerated}"
                        );
                        assert_eq!(misses.all, all.into());
                        assert_eq!(choose(shards, samples), all.into());
                    }
                }
            }
        }
    }
}
