//! What a proof system must offer.

use std::time::Duration;

use transition::{BatchRange, Claim};
use verifier::{ProgramId, Proof, ProofKind, ProofSystem};

use crate::{BackendError, Cancellation};

/// Something that turns batch inputs into proofs.
pub trait Backend {
    /// Which one.
    fn system(&self) -> ProofSystem;

    /// The system's version: which circuits its proofs are of.
    fn version(&self) -> &str;

    /// The program that it runs.
    fn program(&self) -> ProgramId;

    /// What it can do on this machine, and what it lacks for the rest.
    fn capabilities(&self) -> Capabilities;

    /// Runs the program without proving anything.
    ///
    /// # Errors
    /// When the program refuses the input, or the system fails.
    fn execute(&self, range: &BatchRange) -> Result<Execution, BackendError>;

    /// Makes a proof. May take minutes; looks at `cancel` where the system allows it.
    ///
    /// # Errors
    /// When the program refuses the input, the kind is not available here, or the system fails.
    fn prove(
        &self,
        range: &BatchRange,
        kind: ProofKind,
        cancel: &Cancellation,
    ) -> Result<Proof, BackendError>;

    /// Whether the proof holds for exactly these claims.
    ///
    /// # Errors
    /// When it does not, and why. [`ProofKind::Executed`] never holds.
    fn verify(&self, proof: &Proof, claims: &[Claim]) -> Result<(), BackendError>;
}

/// What an execution gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// What the program claims, one a batch.
    pub claims: Vec<Claim>,
    /// Its cost in the system's own unit: SP1 cycles, ZisK steps. Exact.
    pub cycles: u64,
    /// How long it took here.
    pub elapsed: Duration,
}

/// What a backend can do on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Every kind, and whether it can be made here.
    pub kinds: Vec<(ProofKind, Availability)>,
    /// Where the work is done: `cpu`, `cuda`, `network`, ...
    pub device: String,
}

impl Capabilities {
    /// Whether proofs of that kind can be made here.
    #[must_use]
    pub fn can(&self, kind: ProofKind) -> bool {
        self.kinds.iter().any(|(known, availability)| *known == kind && *availability == Availability::Ready)
    }
}

/// Whether something can be done here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Yes.
    Ready,
    /// No, because something is not there.
    Missing {
        /// What is not there, and how to get it: a sentence for the operator.
        what: String,
    },
}
