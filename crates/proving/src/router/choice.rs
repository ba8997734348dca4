//! Choosing a worker for a request, and answering a worker that asks for one.

use std::time::Duration;

use thiserror::Error;
use types::Timestamp;
use verifier::ProofKind;

use super::fleet::Worker;
use super::{
    BreakerState, Candidate, Choice, Decision, Excluded, Exclusion, Limits, NoRoute, Oversize, Permit,
    Preference, Request, Router, RouterError, Score, Security, Strategy, clock,
};
use crate::job::WorkerId;

/// Why a worker that asks for a request does not get it.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum NotYet {
    /// It is not registered.
    #[error(transparent)]
    Unknown(#[from] RouterError),
    /// Nobody may take the request now.
    #[error(transparent)]
    NoRoute(#[from] NoRoute),
    /// Others may, this worker may not: the decision's exclusions say why.
    #[error("{worker:.8} may not take it; others may: {decision}")]
    Excluded {
        /// The worker.
        worker: WorkerId,
        /// Who may.
        decision: Box<Decision>,
    },
    /// The request waits for a better worker.
    #[error("{:.8} may have it at {} µs if nobody better takes it before: {decision}", own.worker, until.0)]
    Better {
        /// What this worker would make of it.
        own: Box<Candidate>,
        /// From when on it may have the request.
        until: Timestamp,
        /// Who is better, and why.
        decision: Box<Decision>,
    },
}

impl Router {
    /// The best worker for a request, of all that are within its limits: the one with the lowest score.
    ///
    /// # Errors
    /// When none is within the limits, with the reason for each.
    pub fn route(&self, request: &Request, now: Timestamp) -> Result<Decision, NoRoute> {
        let mut allowed = Vec::new();
        let mut excluded = Vec::new();
        for worker in self.workers.values() {
            for &kind in &request.limits.kinds {
                match self.judge(worker, kind, request, now) {
                    Ok(candidate) => allowed.push(candidate),
                    Err(why) => {
                        let (worker, system) = (worker.description.id, worker.description.system);
                        excluded.push(Excluded { worker, system, kind, why });
                    }
                }
            }
        }
        allowed.sort_by(|a, b| {
            (a.score.total().total_cmp(&b.score.total()))
                .then(a.estimate.completion().cmp(&b.estimate.completion()))
                .then((a.worker, a.kind).cmp(&(b.worker, b.kind)))
        });
        let (class, workload) = (request.class, request.workload);
        if allowed.is_empty() {
            return Err(NoRoute { class, workload, at: now, excluded });
        }
        Ok(Decision {
            class,
            workload,
            strategy: request.strategy,
            at: now,
            chosen: allowed.remove(0),
            choice: Choice::BestScore,
            fallbacks: allowed,
            excluded,
        })
    }

    /// Whether a worker that asks for work gets this request. It does if it is the best for it; if the best is busy and
    /// would be done later; or if the request has waited for the best for [`Config::max_wait`](super::Config::max_wait),
    /// or for as long as its deadline allows. Within the limits it must be in any case.
    ///
    /// # Errors
    /// Why not, and whether to ask again.
    pub fn may_take(&self, worker: WorkerId, request: &Request, now: Timestamp) -> Result<Decision, NotYet> {
        self.known(worker)?;
        let mut decision = self.route(request, now)?;
        if decision.chosen.worker == worker {
            return Ok(decision);
        }
        let Some(at) = decision.fallbacks.iter().position(|candidate| candidate.worker == worker) else {
            return Err(NotYet::Excluded { worker, decision: Box::new(decision) });
        };
        let (best, own) = (decision.chosen, decision.fallbacks[at]);
        let until = wait_until(request, &own, self.config.max_wait);
        let choice = if best.estimate.waiting > Duration::ZERO
            && best.estimate.completion() > own.estimate.completion()
        {
            Choice::BestIsBusy { best: best.worker, completion: best.estimate.completion() }
        } else if now >= until {
            Choice::WaitedEnough { best: best.worker, waited: clock::elapsed(request.queued, now) }
        } else {
            return Err(NotYet::Better { own: Box::new(own), until, decision: Box::new(decision) });
        };
        decision.fallbacks.remove(at);
        decision.fallbacks.insert(0, best);
        Ok(Decision { chosen: own, choice, ..decision })
    }

    /// Whether a request is only too long for some of these workers, and none of the others may take it: then less of it at
    /// a time, or a larger worker, would help.
    #[must_use]
    pub fn oversize(
        &self,
        request: &Request,
        now: Timestamp,
        among: impl Fn(WorkerId) -> bool,
    ) -> Option<Oversize> {
        let mut closest: Option<Oversize> = None;
        for worker in self.workers.values().filter(|worker| among(worker.description.id)) {
            for &kind in &request.limits.kinds {
                match self.judge(worker, kind, request, now) {
                    // One that is on probation will soon be known to do it or not.
                    Ok(_) | Err(Exclusion::Probing) => return None,
                    Err(Exclusion::TooManyCycles { cycles, limit }) => {
                        let share = |one: &Oversize| one.limit as f64 / one.cycles as f64;
                        let found = Oversize { cycles, limit };
                        if closest.as_ref().is_none_or(|best| share(&found) > share(best)) {
                            closest = Some(found);
                        }
                    }
                    Err(_) => {}
                }
            }
        }
        closest
    }

    fn judge(
        &self,
        worker: &Worker,
        kind: ProofKind,
        request: &Request,
        now: Timestamp,
    ) -> Result<Candidate, Exclusion> {
        let (limits, description) = (&request.limits, &worker.description);
        if let Preference::Only(only) = limits.preference
            && only != description.system
        {
            return Err(Exclusion::OtherSystem { only });
        }
        if !description.kinds.contains(&kind) {
            return Err(Exclusion::CannotMake);
        }
        let (found, wanted) = (Security::of(kind), limits.security);
        if found < wanted {
            return Err(Exclusion::Security { found, wanted });
        }
        let breaker = &worker.record.breaker;
        let permit = breaker.permit(now);
        if permit == Permit::Denied {
            return Err(match breaker.state() {
                BreakerState::Open { until, cause } => Exclusion::BreakerOpen { until, cause },
                BreakerState::Closed | BreakerState::HalfOpen => Exclusion::Probing,
            });
        }
        let estimate = worker.estimate(kind, &request.workload, now, &self.config);
        if estimate.cycles > description.max_cycles {
            let (cycles, limit) = (estimate.cycles, description.max_cycles);
            return Err(Exclusion::TooManyCycles { cycles, limit });
        }
        let Limits { max_proof_bytes, max_cost, deadline, .. } = *limits;
        if let Some(limit) = max_proof_bytes.filter(|limit| estimate.proof_bytes > *limit) {
            return Err(Exclusion::TooLarge { bytes: estimate.proof_bytes, limit });
        }
        if let Some(limit) = max_cost.filter(|limit| estimate.cost > *limit) {
            return Err(Exclusion::TooExpensive { cost: estimate.cost, limit });
        }
        if let Some(deadline) =
            deadline.filter(|deadline| clock::after(now, estimate.completion()) > *deadline)
        {
            let (completion, left) = (estimate.completion(), clock::elapsed(now, deadline));
            return Err(Exclusion::TooLate { completion, left });
        }
        let preferred = limits.preference == Preference::Prefer(description.system);
        let trial = request.strategy != Strategy::Reliability
            && (permit == Permit::Probe || worker.untried(kind, now, &self.config));
        let bonus = |given, points| if given { points } else { 0.0 };
        let score = Score::new(
            request.strategy,
            &estimate,
            bonus(preferred, self.config.preference_bonus),
            bonus(trial, self.config.trial_bonus),
        );
        Ok(Candidate { worker: description.id, system: description.system, kind, estimate, score })
    }
}

/// How long a request may wait before this candidate takes it.
fn wait_until(request: &Request, own: &Candidate, max_wait: Duration) -> Timestamp {
    let bound = clock::after(request.queued, max_wait);
    let latest = request.limits.deadline.map(|deadline| {
        let completion = u64::try_from(own.estimate.completion().as_micros()).unwrap_or(u64::MAX);
        Timestamp(deadline.0.saturating_sub(completion))
    });
    latest.map_or(bound, |latest| bound.min(latest))
}
