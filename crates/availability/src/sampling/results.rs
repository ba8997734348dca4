//! What became of each request.

use std::collections::BTreeMap;

use super::SamplingError;

/// Why a sample failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer before the deadline, from any peer asked. Nobody can tell a slow publisher from one that withholds.
    Timeout,
    /// Every peer asked said that it has no such shard.
    Absent,
    /// An answer that does not belong to the commitment.
    Invalid,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The shard came, and its proof holds.
    Verified,
    /// It did not.
    Failed(Failure),
}

/// The outcomes of one plan's requests. Made by the plan, so it has exactly the shards that the plan asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    shards: u32,
    outcomes: BTreeMap<u32, Option<Outcome>>,
}

impl Results {
    pub(super) fn new(shards: u32, requests: &[u32]) -> Self {
        Self { shards, outcomes: requests.iter().map(|index| (*index, None)).collect() }
    }

    /// Writes down the outcome of the request for shard `index`. Other peers are asked before a failure is written down, not
    /// after it.
    ///
    /// # Errors
    /// [`SamplingError::NotAsked`], [`SamplingError::AlreadyAnswered`].
    pub fn record(&mut self, index: u32, outcome: Outcome) -> Result<(), SamplingError> {
        match self.outcomes.get_mut(&index) {
            None => Err(SamplingError::NotAsked(index)),
            Some(Some(_)) => Err(SamplingError::AlreadyAnswered(index)),
            Some(open) => {
                *open = Some(outcome);
                Ok(())
            }
        }
    }

    /// Writes down a timeout for every request without an outcome: the deadline has passed.
    pub fn expire(&mut self) {
        for outcome in self.outcomes.values_mut() {
            outcome.get_or_insert(Outcome::Failed(Failure::Timeout));
        }
    }

    /// The outcome for shard `index`, if it was asked for and there is one.
    #[must_use]
    pub fn outcome(&self, index: u32) -> Option<Outcome> {
        self.outcomes.get(&index).copied().flatten()
    }

    /// All outcomes so far.
    pub fn outcomes(&self) -> impl Iterator<Item = (u32, Outcome)> {
        self.outcomes.iter().filter_map(|(index, outcome)| outcome.map(|outcome| (*index, outcome)))
    }

    /// N of the plan.
    pub(super) fn shards(&self) -> u32 {
        self.shards
    }

    /// Whether these are of a plan with these requests, none twice.
    pub(super) fn belong_to(&self, shards: u32, requests: &[u32]) -> bool {
        self.shards == shards
            && self.outcomes.len() == requests.len()
            && requests.iter().all(|index| self.outcomes.contains_key(index))
    }

    /// How many of `indices` failed, and how many are open.
    pub(super) fn count(&self, indices: &[u32]) -> (u32, u32) {
        indices.iter().fold((0, 0), |(failed, open), index| match self.outcome(*index) {
            Some(Outcome::Verified) => (failed, open),
            Some(Outcome::Failed(_)) => (failed + 1, open),
            None => (failed, open + 1),
        })
    }
}
