//! Where shards failed before, so that these places are asked first.

use super::{Outcome, Results, SamplingError};

/// Failures of past samples, by position. A shard's position says which peer holds it, and peers hold neighbouring shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    region: u32,
    failures: Vec<u32>,
}

impl History {
    /// Without any failure yet, of `shards` positions in regions of `region` neighbours each.
    ///
    /// # Errors
    /// [`SamplingError::Region`], [`SamplingError::Shape`].
    pub fn new(shards: u32, region: u32) -> Result<Self, SamplingError> {
        if region == 0 {
            return Err(SamplingError::Region);
        }
        if shards == 0 || shards > 65_536 {
            return Err(SamplingError::Shape { data: shards, parity: 0 });
        }
        Ok(Self { region, failures: vec![0; shards as usize] })
    }

    /// How many positions.
    #[must_use]
    pub fn shards(&self) -> u32 {
        u32::try_from(self.failures.len()).expect("at most 65,536 shards")
    }

    /// Takes over a batch's results: what was there counts half from now on, a failure counts 256, an answer clears its position.
    ///
    /// # Errors
    /// [`SamplingError::History`] for results of another number of shards.
    pub fn record(&mut self, results: &Results) -> Result<(), SamplingError> {
        if results.shards() != self.shards() {
            return Err(SamplingError::History { history: self.shards(), shards: results.shards() });
        }
        for failures in &mut self.failures {
            *failures /= 2;
        }
        for (index, outcome) in results.outcomes() {
            let failures = &mut self.failures[index as usize];
            match outcome {
                Outcome::Verified => *failures = 0,
                // Halved each time, so it never exceeds twice what one failure adds.
                Outcome::Failed(_) => *failures += 256,
            }
        }
        Ok(())
    }

    /// At most `count` positions: those that failed, the worst first, then those in a region where others failed. A position
    /// without any failure in its region is never among them.
    #[must_use]
    pub fn suspects(&self, count: u32) -> Vec<u32> {
        let regions: Vec<u32> =
            self.failures.chunks(self.region as usize).map(|region| region.iter().sum()).collect();
        let mut suspects: Vec<(u32, u32, u32)> = (0..self.shards())
            .zip(&self.failures)
            .map(|(index, failures)| (*failures, regions[(index / self.region) as usize], index))
            .filter(|(_, region, _)| *region > 0)
            .collect();
        suspects.sort_unstable_by_key(|(own, region, index)| (u32::MAX - own, u32::MAX - region, *index));
        suspects.into_iter().take(count as usize).map(|(_, _, index)| index).collect()
    }
}
