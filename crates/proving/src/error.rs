//! What can go wrong.

use thiserror::Error;
use verifier::{ProofError, ProofKind, ProofSystem};

/// Why a backend did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BackendError {
    /// The program refuses the input: no proof of it can exist. Trying again is useless.
    #[error("the program refuses the input: {why}")]
    Refused {
        /// What the program says.
        why: String,
    },
    /// Something is not installed or not configured.
    #[error("{system} cannot make {kind} proofs here: {what}")]
    Missing {
        /// The system.
        system: ProofSystem,
        /// What was asked for.
        kind: ProofKind,
        /// What is missing and how to get it.
        what: String,
    },
    /// The system failed: memory, a device, a network. Trying again may help.
    #[error("{system} failed: {why}")]
    Failed {
        /// The system.
        system: ProofSystem,
        /// What it says.
        why: String,
    },
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl BackendError {
    /// Whether the same work may succeed another time or elsewhere.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Failed { .. })
    }
}
