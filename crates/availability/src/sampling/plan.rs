//! Whether data can be had: requests that nobody can foresee, and a rule fixed before the first of them.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{CryptoRng, SeedableRng};

use super::{Confidence, History, Policy, Requirement, Results, SamplingError, Shape, Strata};

/// Which shards are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Strategy<'a> {
    /// Different shards, all sets equally likely. The fewest samples for a confidence.
    Uniform,
    /// A uniform sample of each of so many strata. Spreads load evenly; needs more samples ([`Strata`]).
    Stratified {
        /// How many strata.
        strata: u32,
    },
    /// The uniform sample, and before it the shards that are suspected. They have a rule of their own and can only make the
    /// verdict stricter: the confidence is the uniform sample's, whatever the adversary makes of the history.
    Adaptive {
        /// What failed before.
        history: &'a History,
        /// At most so many suspected shards.
        extra: u32,
        /// So many of them may fail.
        tolerated: u32,
    },
}

/// Requests for shards, drawn from private randomness, and the rule by which their outcomes are judged.
///
/// The indices must be unknown to the publisher until each is asked for, and its answers are worth something only if it cannot
/// tell which requests belong to one client: whoever sees all requests of a client first can serve exactly those (see the
/// book on selective release).
#[derive(Clone, Debug)]
pub struct AvailabilityPlan {
    shape: Shape,
    requirement: Requirement,
    /// The sample on which the confidence rests.
    sample: Vec<u32>,
    /// Suspected shards, and how many of them may fail.
    suspects: Vec<u32>,
    suspects_tolerated: u32,
    /// Both, none twice, in the order of asking.
    requests: Vec<u32>,
}

/// What the outcomes show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// K shards can be had. Could they not, this would be said with at most the probability that the confidence leaves, for each
    /// plan carried out. How sure it is that they are of one codeword but for at most e of all is in [`Requirement::near`]. That
    /// they decode under the commitment, only decoding shows.
    Available {
        /// Exactly what the plan achieves.
        confidence: Confidence,
    },
    /// More requests failed than the rule allows. Says nothing of why.
    Unavailable {
        /// Requests that failed, suspected shards included.
        failures: u32,
    },
    /// Not decided yet.
    MoreNeeded {
        /// Shards still to be asked for, in order.
        outstanding: Vec<u32>,
    },
}

impl AvailabilityPlan {
    /// Draws a plan. `rng` must be private to the client and never seeded from anything public.
    ///
    /// # Errors
    /// As [`Policy::requirement`]; [`SamplingError::Strata`], [`SamplingError::ToleranceNeedsUniform`],
    /// [`SamplingError::History`] where the strategy does not fit.
    pub fn draw<R: CryptoRng + ?Sized>(
        policy: &Policy,
        shape: Shape,
        strategy: Strategy<'_>,
        rng: &mut R,
    ) -> Result<Self, SamplingError> {
        let mut plan = match strategy {
            Strategy::Uniform => Self::uniform(policy, shape, rng)?,
            Strategy::Stratified { strata } => Self::stratified(policy, shape, strata, rng)?,
            Strategy::Adaptive { history, extra, tolerated } => {
                if history.shards() != shape.shards() {
                    return Err(SamplingError::History { history: history.shards(), shards: shape.shards() });
                }
                // Drawn without regard to the history: the bound is about this sample.
                let uniform = Self::uniform(policy, shape, rng)?;
                Self { suspects: history.suspects(extra), suspects_tolerated: tolerated, ..uniform }
            }
        };
        let suspected: BTreeSet<u32> = plan.suspects.iter().copied().collect();
        let others = plan.sample.iter().filter(|index| !suspected.contains(index));
        plan.requests = plan.suspects.iter().chain(others).copied().collect();
        Ok(plan)
    }

    /// Draws a plan from the operating system's randomness.
    ///
    /// # Errors
    /// As [`AvailabilityPlan::draw`], and [`SamplingError::Randomness`].
    pub fn draw_from_os(
        policy: &Policy,
        shape: Shape,
        strategy: Strategy<'_>,
    ) -> Result<Self, SamplingError> {
        let mut rng =
            StdRng::try_from_os_rng().map_err(|error| SamplingError::Randomness(error.to_string()))?;
        Self::draw(policy, shape, strategy, &mut rng)
    }

    /// The shards to ask for, in order.
    #[must_use]
    pub fn requests(&self) -> &[u32] {
        &self.requests
    }

    /// How many samples the confidence rests on, and why.
    #[must_use]
    pub fn requirement(&self) -> &Requirement {
        &self.requirement
    }

    /// Where this plan's outcomes are written down.
    #[must_use]
    pub fn results(&self) -> Results {
        Results::new(self.shape.shards(), &self.requests)
    }

    /// What the outcomes so far show. Once decided, further outcomes do not change it.
    ///
    /// # Errors
    /// [`SamplingError::OtherPlan`].
    pub fn judge(&self, results: &Results) -> Result<Verdict, SamplingError> {
        if !results.belong_to(self.shape.shards(), &self.requests) {
            return Err(SamplingError::OtherPlan);
        }
        let (failed, open) = results.count(&self.sample);
        let (suspects_failed, suspects_open) = results.count(&self.suspects);
        if failed > self.requirement.tolerated || suspects_failed > self.suspects_tolerated {
            let (failures, _) = results.count(&self.requests);
            return Ok(Verdict::Unavailable { failures });
        }
        if failed + open <= self.requirement.tolerated
            && suspects_failed + suspects_open <= self.suspects_tolerated
        {
            return Ok(Verdict::Available { confidence: self.requirement.achieved.clone() });
        }
        let outstanding =
            self.requests.iter().copied().filter(|index| results.outcome(*index).is_none()).collect();
        Ok(Verdict::MoreNeeded { outstanding })
    }

    fn uniform<R: CryptoRng + ?Sized>(
        policy: &Policy,
        shape: Shape,
        rng: &mut R,
    ) -> Result<Self, SamplingError> {
        let requirement = policy.requirement(shape)?;
        let sample = choose_from(0..shape.shards(), requirement.samples, rng);
        Ok(Self::of(shape, requirement, sample))
    }

    fn stratified<R: CryptoRng + ?Sized>(
        policy: &Policy,
        shape: Shape,
        strata: u32,
        rng: &mut R,
    ) -> Result<Self, SamplingError> {
        if policy.tolerated > 0 {
            return Err(SamplingError::ToleranceNeedsUniform);
        }
        let requirement = policy.require(
            shape,
            |shape, confidence| Strata::new(shape, strata)?.samples(confidence),
            |shape, samples| Strata::new(shape, strata)?.confidence(samples),
        )?;
        let mut sample: Vec<u32> = Strata::new(shape, strata)?
            .allotment(requirement.samples)
            .flat_map(|(range, samples)| choose_from(range, samples, rng))
            .collect();
        sample.shuffle(rng);
        Ok(Self::of(shape, requirement, sample))
    }

    fn of(shape: Shape, requirement: Requirement, sample: Vec<u32>) -> Self {
        let none = Vec::new();
        Self { shape, requirement, sample, suspects: none.clone(), suspects_tolerated: 0, requests: none }
    }
}

/// `count` different ones of `range`, all sets and orders equally likely.
pub(super) fn choose_from<R: CryptoRng + ?Sized>(
    range: std::ops::Range<u32>,
    count: u32,
    rng: &mut R,
) -> Vec<u32> {
    let mut all: Vec<u32> = range.collect();
    all.partial_shuffle(rng, count as usize).0.to_vec()
}
