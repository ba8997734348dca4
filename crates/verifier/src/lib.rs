//! Proofs, and what it takes to check one: no prover, no network, no trust in whoever made it.
//!
//! [`Proof`] is the file format. Its kind says what a verifier learns ([`ProofKind::statement`]).
//!
//! `no_std`, apart from the checkers of single proof systems, each behind a feature of its name. Must not know how
//! proofs are made.
#![no_std]
extern crate alloc;
#[cfg(feature = "sp1")]
extern crate std;

mod kind;
mod program;
mod proof;
#[cfg(feature = "sp1")]
pub mod sp1;
mod verify;
#[cfg(feature = "zisk")]
pub mod zisk;

pub use kind::ProofKind;
pub use program::{ProgramId, ProofSystem};
pub use proof::{Proof, ProofError, public_values};
pub use verify::verify;
