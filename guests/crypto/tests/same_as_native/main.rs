//! The suite over precompiles gives the same answer as `transition::Native`, whatever it is asked.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod ed25519;
mod hashes;
mod secp256k1;
mod soft;

use guest_crypto::Suite;

/// The suite under test.
type Guest = Suite<soft::Soft>;
