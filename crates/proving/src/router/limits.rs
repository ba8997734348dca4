//! What must hold of a candidate, whatever else speaks for it.

use core::fmt;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use types::Timestamp;
use verifier::{ProofKind, ProofSystem};

use super::MicroDollars;

/// Hard limits, and one wish. A candidate that is estimated to violate a limit is never chosen.
///
/// Estimates can be wrong: whoever receives a proof still holds its real size and time against the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Any of these kinds will do; the strategy chooses among them.
    pub kinds: BTreeSet<ProofKind>,
    /// Kinds that rest on more than this are refused.
    pub security: Security,
    /// The largest proof, in bytes.
    pub max_proof_bytes: Option<u64>,
    /// What making the proof may cost.
    pub max_cost: Option<MicroDollars>,
    /// The maximum latency, as the time by which the proof must be there.
    pub deadline: Option<Timestamp>,
    /// Which proof system.
    pub preference: Preference,
}

impl Limits {
    /// Nothing but a proof of that kind.
    #[must_use]
    pub fn kind(kind: ProofKind) -> Self {
        Self { kinds: BTreeSet::from([kind]), security: Security::of(kind), ..Self::default() }
    }
}

impl Default for Limits {
    /// A core proof, whatever it takes.
    fn default() -> Self {
        Self {
            kinds: BTreeSet::from([ProofKind::Core]),
            security: Security::Transparent,
            max_proof_bytes: None,
            max_cost: None,
            deadline: None,
            preference: Preference::Any,
        }
    }
}

/// A wish or a demand for a proof system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preference {
    /// Neither.
    #[default]
    Any,
    /// This one, if it is not worse by more than [`Config::preference_bonus`](super::Config::preference_bonus) points.
    Prefer(ProofSystem),
    /// This one or none.
    Only(ProofSystem),
}

/// What somebody who believes a proof of some kind must trust beside the proof system itself, most first
/// ([`ProofKind::statement`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Security {
    /// Whoever ran it: there is no proof.
    Executed,
    /// One participant of a setup for this very circuit, and pairings.
    CircuitSetup,
    /// One participant of a universal setup, and pairings.
    UniversalSetup,
    /// Hash functions.
    Transparent,
}

impl Security {
    /// What proofs of that kind rest on.
    #[must_use]
    pub fn of(kind: ProofKind) -> Self {
        match kind {
            ProofKind::Executed => Self::Executed,
            ProofKind::Groth16 => Self::CircuitSetup,
            ProofKind::Plonk => Self::UniversalSetup,
            ProofKind::Core | ProofKind::Compressed => Self::Transparent,
        }
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Executed => "no proof",
            Self::CircuitSetup => "a trusted setup of the circuit",
            Self::UniversalSetup => "a universal trusted setup",
            Self::Transparent => "hash functions alone",
        })
    }
}
