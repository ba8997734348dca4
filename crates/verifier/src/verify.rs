//! Checking a proof against the programs that this version of Glassbook knows.

use crate::{Proof, ProofError, ProofKind};

/// Whether a proof holds, for the program that this version knows. Which claims it proves is in [`Proof::claims`]: whoever
/// expects certain ones compares.
///
/// # Errors
/// When it does not hold, is not a proof at all, or cannot be checked here.
pub fn verify(proof: &Proof) -> Result<(), ProofError> {
    match (proof.system, proof.kind) {
        (_, ProofKind::Executed) => Err(ProofError::NotAProof),
        #[cfg(feature = "zisk")]
        (crate::ProofSystem::Zisk, _) => {
            crate::zisk::ZiskVerifier::new(crate::zisk::COMMITTED_KEY).verify(proof)
        }
        (system, kind) => Err(ProofError::Unsupported {
            system,
            kind,
            why: alloc::format!("this program was built without the checker of {system}"),
        }),
    }
}
