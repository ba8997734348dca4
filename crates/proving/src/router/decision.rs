//! What was decided, and why: written so that an operator can read it.

use core::fmt;
use std::time::Duration;

use thiserror::Error;
use types::Timestamp;
use verifier::{ProofKind, ProofSystem};

use super::{Estimate, MicroDollars, OpenCause, RequestClass, Score, Security, Strategy, Workload};
use crate::job::WorkerId;

/// A worker and a kind that are within all limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Who.
    pub worker: WorkerId,
    /// By which system.
    pub system: ProofSystem,
    /// Making what.
    pub kind: ProofKind,
    /// What would come of it.
    pub estimate: Estimate,
    /// How good that is, less is better.
    pub score: Score,
}

/// A worker and a kind that are out of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Who.
    pub worker: WorkerId,
    /// By which system.
    pub system: ProofSystem,
    /// Making what.
    pub kind: ProofKind,
    /// The first limit that it violates, in the order of [`Exclusion`]'s variants.
    pub why: Exclusion,
}

/// Why a candidate is out of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// Only another proof system will do.
    OtherSystem {
        /// That one.
        only: ProofSystem,
    },
    /// The worker does not make this kind.
    CannotMake,
    /// The kind rests on more than is accepted.
    Security {
        /// What it rests on.
        found: Security,
        /// The most that is accepted.
        wanted: Security,
    },
    /// The worker's circuit breaker is open.
    BreakerOpen {
        /// When it may be tried again; [`Timestamp::NEVER`] for when the operator resets it.
        until: Timestamp,
        /// Why it opened.
        cause: OpenCause,
    },
    /// The worker is on probation, and its probe is on its way.
    Probing,
    /// The execution is too long for the worker's memory.
    TooManyCycles {
        /// Estimated.
        cycles: u64,
        /// The worker's.
        limit: u64,
    },
    /// The proof would be too large.
    TooLarge {
        /// Estimated, in bytes.
        bytes: u64,
        /// The request's, in bytes.
        limit: u64,
    },
    /// The proof would be too expensive.
    TooExpensive {
        /// Estimated.
        cost: MicroDollars,
        /// The request's.
        limit: MicroDollars,
    },
    /// The proof would be too late.
    TooLate {
        /// Estimated, from now.
        completion: Duration,
        /// From now to the request's deadline.
        left: Duration,
    },
}

/// An execution that is too long for every worker that could prove it otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oversize {
    /// Estimated, for the worker that comes closest.
    pub cycles: u64,
    /// The most that this worker takes.
    pub limit: u64,
}

impl fmt::Display for Oversize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it takes about {} cycles, and no worker here takes more than {}", self.cycles, self.limit)
    }
}

/// Why the chosen candidate was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice {
    /// It has the best score.
    BestScore,
    /// It asks for work; the one with the best score is busy and would be later.
    BestIsBusy {
        /// That one.
        best: WorkerId,
        /// When that one would be done, from now.
        completion: Duration,
    },
    /// It asks for work; the request has waited for the one with the best score for as long as it should.
    WaitedEnough {
        /// That one.
        best: WorkerId,
        /// For how long.
        waited: Duration,
    },
}

/// Who makes a proof, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What is to be proved.
    pub class: RequestClass,
    /// How much that is.
    pub workload: Workload,
    /// What was optimised for.
    pub strategy: Strategy,
    /// When it was decided.
    pub at: Timestamp,
    /// Who does it.
    pub chosen: Candidate,
    /// Why.
    pub choice: Choice,
    /// Who does it if that fails, in this order: by score, then the earlier proof, then the smaller id.
    pub fallbacks: Vec<Candidate>,
    /// Who does not, and why.
    pub excluded: Vec<Excluded>,
}

/// Nobody can make a proof within the limits now.
#[derive(Clone, Debug, PartialEq, Error)]
pub struct NoRoute {
    /// What is to be proved.
    pub class: RequestClass,
    /// How much that is.
    pub workload: Workload,
    /// When it was decided.
    pub at: Timestamp,
    /// Everybody, and why not. Empty if there are no workers, or the request accepts no kind.
    pub excluded: Vec<Excluded>,
}

impl fmt::Display for Exclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherSystem { only } => write!(f, "only {only} will do"),
            Self::CannotMake => f.write_str("it does not make this kind"),
            Self::Security { found, wanted } => {
                write!(f, "the kind rests on {found}; what is asked for is {wanted}")
            }
            Self::BreakerOpen { until: Timestamp::NEVER, cause } => {
                write!(f, "its breaker is open until the operator resets it: {cause}")
            }
            Self::BreakerOpen { until, cause } => {
                write!(f, "its breaker is open until {} µs: {cause}", until.0)
            }
            Self::Probing => f.write_str("it is on probation, and its probe is on its way"),
            Self::TooManyCycles { cycles, limit } => {
                write!(f, "about {cycles} cycles are more than the {limit} that fit into its memory")
            }
            Self::TooLarge { bytes, limit } => {
                write!(f, "a proof of about {bytes} bytes is larger than the limit of {limit}")
            }
            Self::TooExpensive { cost, limit } => write!(f, "about {cost} is more than the limit of {limit}"),
            Self::TooLate { completion, left } => {
                write!(f, "it would take about {}, and {} are left", seconds(*completion), seconds(*left))
            }
        }
    }
}

impl fmt::Display for Excluded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.8} {} {}: {}", self.worker, self.system, self.kind, self.why)
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Estimate { cycles, waiting, proving, proof_bytes, success, cost, samples, .. } = self.estimate;
        write!(
            f,
            "{:.8} {} {}: {} = {} waiting + {} proving {cycles} cycles, {proof_bytes} bytes, \
             {cost}, succeeds {:.0} %, ",
            self.worker,
            self.system,
            self.kind,
            self.score,
            seconds(waiting),
            seconds(proving),
            success * 100.0
        )?;
        match samples {
            0 => f.write_str("all assumed: never measured"),
            1 => f.write_str("after 1 run"),
            runs => write!(f, "after {runs} runs"),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BestScore => f.write_str("it has the best score"),
            Self::BestIsBusy { best, completion } => {
                write!(
                    f,
                    "it asks for work, and {best:.8}, the best, is busy and done in {completion:.1?} only"
                )
            }
            Self::WaitedEnough { best, waited } => {
                write!(f, "it asks for work, and {best:.8}, the best, did not in {}", seconds(*waited))
            }
        }
    }
}

impl fmt::Display for Decision {
    /// A line for the choice, and one for every candidate.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} by strategy {}: {:.8}, because {}",
            self.class, self.strategy, self.chosen.worker, self.choice
        )?;
        write!(f, "  chosen    {}", self.chosen)?;
        for candidate in &self.fallbacks {
            write!(f, "\n  then      {candidate}")?;
        }
        self.excluded.iter().try_for_each(|excluded| write!(f, "\n  excluded  {excluded}"))
    }
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nobody can prove {} within its limits now", self.class)?;
        if self.excluded.is_empty() {
            f.write_str(": there are no workers, or it accepts no kind of proof")?;
        }
        self.excluded.iter().try_for_each(|excluded| write!(f, "\n  excluded  {excluded}"))
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
