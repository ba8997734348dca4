//! Proof systems' own verifiers, contained.

use alloc::string::String;

use crate::ProofError;

/// The proof is anybody's bytes, and the systems' libraries index and assert as they go: with `std` a panic is a proof that
/// does not hold. Without it nothing can be caught.
pub(crate) fn guarded(check: impl FnOnce() -> Result<(), String>) -> Result<(), ProofError> {
    contained(check).map_err(|why| ProofError::Invalid { why })
}

#[cfg(feature = "std")]
fn contained(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let stopped = |_| Err("it is malformed: the system's verifier stopped at it".into());
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_or_else(stopped)
}

#[cfg(not(feature = "std"))]
fn contained(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    check()
}

#[cfg(all(test, feature = "std"))]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_proof_that_does_not_hold() {
        assert_eq!(guarded(|| Ok(())), Ok(()));
        let stopped = guarded(|| panic!("expected by the test"));
        assert!(matches!(stopped, Err(ProofError::Invalid { why }) if why.contains("stopped")));
    }
}
