//! How many shards there are, how many are enough, and how many must be missing before the data is lost.

use super::bound::Misses;
use super::{Confidence, SamplingError};

/// The most failures that a plan tolerates.
const MAX_TOLERATED: u32 = 64;

/// The numbers of a maximum distance separable code: any `data` of its shards give the data back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    data: u32,
    parity: u32,
}

impl Shape {
    /// Of `data` (K) and `parity` (N − K) shards.
    ///
    /// # Errors
    /// [`SamplingError::Shape`] without data shards or with more than 65,536 shards.
    pub fn new(data: u32, parity: u32) -> Result<Self, SamplingError> {
        match data.checked_add(parity) {
            Some(1..=65_536) if data > 0 => Ok(Self { data, parity }),
            _ => Err(SamplingError::Shape { data, parity }),
        }
    }

    /// K: how many shards are enough.
    #[must_use]
    pub fn data(self) -> u32 {
        self.data
    }

    /// N: how many shards there are.
    #[must_use]
    pub fn shards(self) -> u32 {
        self.data + self.parity
    }

    /// W = N − K + 1: as many shards at least are missing when the data is lost.
    #[must_use]
    pub fn withheld(self) -> u32 {
        self.parity + 1
    }

    /// ⌊(N − K) / 2⌋: a vector that differs from a codeword in at most as many shards differs so from no other.
    #[must_use]
    pub fn unique_radius(self) -> u32 {
        self.parity / 2
    }

    /// The shape whose data is lost as soon as more than [`Self::unique_radius`] of these shards do not pass: what samples show of
    /// its availability, they show of the proximity of these shards to a codeword.
    #[must_use]
    pub(super) fn near(self) -> Self {
        let parity = self.unique_radius();
        Self { data: self.shards() - parity, parity }
    }

    /// What `samples` different shards, drawn uniformly, achieve when `tolerated` of them may fail: if the data is lost, they
    /// are accepted with the probability of a miss, at most.
    ///
    /// # Errors
    /// [`SamplingError::Samples`], [`SamplingError::Tolerance`], [`SamplingError::TooTolerant`].
    pub fn confidence(self, samples: u32, tolerated: u32) -> Result<Confidence, SamplingError> {
        self.check_tolerance(tolerated)?;
        self.check_samples(samples)?;
        let mut misses = Misses::new(self.shards(), self.withheld(), tolerated);
        misses.advance_to(samples);
        Ok(misses.confidence())
    }

    /// The fewest uniform samples that reach `confidence` when `tolerated` of them may fail.
    ///
    /// # Errors
    /// [`SamplingError::Tolerance`], [`SamplingError::TooTolerant`].
    pub fn samples(self, confidence: &Confidence, tolerated: u32) -> Result<u32, SamplingError> {
        self.check_tolerance(tolerated)?;
        Ok(Misses::new(self.shards(), self.withheld(), tolerated).advance_until(confidence))
    }

    /// The smallest number e for which this holds: if more than e shards would not pass, then `samples` uniform ones all pass
    /// with at most the probability that `confidence` leaves.
    ///
    /// # Errors
    /// [`SamplingError::Samples`].
    pub fn bad_at_most(self, samples: u32, confidence: &Confidence) -> Result<u32, SamplingError> {
        self.check_samples(samples)?;
        let enough = |bad: u32| {
            let mut misses = Misses::new(self.shards(), bad + 1, 0);
            misses.advance_to(samples);
            misses.confidence() >= *confidence
        };
        // With all N bad, no sample passes: so N - 1 always holds.
        let (mut low, mut high) = (0, self.shards() - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if enough(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    fn check_tolerance(self, tolerated: u32) -> Result<(), SamplingError> {
        if tolerated > MAX_TOLERATED {
            return Err(SamplingError::TooTolerant(tolerated));
        }
        if tolerated >= self.withheld() {
            return Err(SamplingError::Tolerance { tolerated, withheld: self.withheld() });
        }
        Ok(())
    }

    pub(super) fn check_samples(self, samples: u32) -> Result<(), SamplingError> {
        if samples == 0 || samples > self.shards() {
            return Err(SamplingError::Samples { samples, shards: self.shards() });
        }
        Ok(())
    }
}
