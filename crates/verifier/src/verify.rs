//! Checking a proof against the programs that this version of Glassbook knows.

#[cfg(any(feature = "sp1", feature = "zisk"))]
use crate::ProofSystem;
use crate::{Proof, ProofError, ProofKind};

/// Whether a proof holds, for the program that this version knows. Which claims it proves is in [`Proof::claims`]: whoever
/// expects certain ones compares.
///
/// # Errors
/// When it does not hold, is not a proof at all, or cannot be checked here.
pub fn verify(proof: &Proof) -> Result<(), ProofError> {
    match (proof.system, proof.kind) {
        (_, ProofKind::Executed) => Err(ProofError::NotAProof),
        #[cfg(feature = "sp1")]
        (ProofSystem::Sp1, _) => crate::sp1::Sp1Verifier::committed()?.verify(proof),
        #[cfg(feature = "zisk")]
        (ProofSystem::Zisk, _) => crate::zisk::ZiskVerifier::new(crate::zisk::COMMITTED_KEY).verify(proof),
        (system, kind) => Err(ProofError::Unsupported {
            system,
            kind,
            why: alloc::format!("this program was built without the checker of {system}"),
        }),
    }
}
