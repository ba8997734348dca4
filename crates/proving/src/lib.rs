//! Proving: sealed batches in, proofs out, and never in the way of a trade.
//!
//! [`Backend`] is what every proof system implements. Must not know of the exchange, of chains, or of any prover's SDK.

mod backend;
mod cancel;
mod error;

pub use backend::{Availability, Backend, Capabilities, Execution};
pub use cancel::Cancellation;
pub use error::BackendError;
