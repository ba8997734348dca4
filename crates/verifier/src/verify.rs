//! Checking a proof against the programs that this version of Glassbook knows.

use crate::{Proof, ProofError, ProofKind, ProofSystem};

/// Whether a proof holds, for the program that this version knows. Which claims it proves is in [`Proof::claims`]: whoever
/// expects certain ones compares.
///
/// # Errors
/// When it does not hold, is not a proof at all, or cannot be checked here.
pub fn verify(proof: &Proof) -> Result<(), ProofError> {
    match proof.system {
        _ if proof.kind == ProofKind::Executed => Err(ProofError::NotAProof),
        ProofSystem::Sp1 => sp1(proof),
        ProofSystem::Zisk => zisk(proof),
    }
}

#[cfg(feature = "sp1")]
fn sp1(proof: &Proof) -> Result<(), ProofError> {
    crate::sp1::Sp1Verifier::of(proof.program)?.verify(proof)
}

#[cfg(not(feature = "sp1"))]
fn sp1(proof: &Proof) -> Result<(), ProofError> {
    not_built(proof)
}

#[cfg(feature = "zisk")]
fn zisk(proof: &Proof) -> Result<(), ProofError> {
    crate::zisk::ZiskVerifier::new(crate::zisk::COMMITTED_KEY).verify(proof)
}

#[cfg(not(feature = "zisk"))]
fn zisk(proof: &Proof) -> Result<(), ProofError> {
    not_built(proof)
}

#[cfg(not(all(feature = "sp1", feature = "zisk")))]
fn not_built(proof: &Proof) -> Result<(), ProofError> {
    let (system, kind) = (proof.system, proof.kind);
    let why = alloc::format!("this program was built without the checker of {system}");
    Err(ProofError::Unsupported { system, kind, why })
}
