//! How long failed work rests: longer every time, and never all work at once.

use rand::Rng;

/// Exponential back-off with full jitter over the upper half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure, in milliseconds, at most.
    pub first: u64,
    /// Ever, in milliseconds, at most.
    pub longest: u64,
}

impl Default for Backoff {
    /// A second after the first failure, doubling, five minutes at most.
    fn default() -> Self {
        Self { first: 1_000, longest: 300_000 }
    }
}

impl Backoff {
    /// How long to rest after so many failures, in milliseconds: between half and the whole of the exponential term.
    pub fn after(&self, failures: u32, random: &mut impl Rng) -> u64 {
        let doublings = failures.saturating_sub(1).min(32);
        let term = self.first.saturating_mul(1 << doublings).min(self.longest);
        random.random_range(term / 2..=term)
    }
}
