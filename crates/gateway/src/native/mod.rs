//! The native API: what no other exchange has.
//!
//! Stream-signed orders, how far each command is on its way to finality, receipts, proofs of balances, the sealed batches and
//! their proofs. What becomes of batches after they are sealed comes through [`Lifecycle`]: nothing here knows a chain or a
//! proof system.
#![allow(unused_qualifications, reason = "utoipa's macros name types as they are named in attributes")]

mod accounts;
mod answers;
mod api;
mod balances;
mod batch_answers;
mod batch_index;
mod batches;
mod delegations;
mod error;
mod extract;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod hexadecimal;
mod lifecycle;
mod limits;
mod number;
mod orders;
mod owner_requests;
mod receipts;
mod results;
mod routes;
mod stream;
mod submissions;
mod unsettled;

pub use api::{Native, NativeOptions};
pub use error::{ApiError, ErrorBody};
pub use lifecycle::{
    Availability, BatchRecord, Facts, ForcedOperation, L1Action, L1Block, L1Call, Lifecycle, LifecycleError,
    Progress, ProofFile, Sample, Stage, StageReached, Transition, Transitions,
};
pub use routes::{PREFIX, document, router};
pub use unsettled::Unsettled;
