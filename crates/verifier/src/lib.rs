//! Proofs, and what it takes to check one: no prover, no network, no trust in whoever made it.
//!
//! [`Proof`] is the file format. Its kind says what a verifier learns ([`ProofKind::statement`]).
//!
//! The checkers of single proof systems are behind features of their names. `no_std` without `std`; SP1's checker needs that,
//! and only with it a panic in a system's library is caught. Must not know how proofs are made.
#![no_std]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(any(feature = "sp1", feature = "zisk"))]
mod guard;
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
