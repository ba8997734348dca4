//! The contracts on Ethereum: their artifacts, bindings made from them, and what they share with the statement: queue
//! entries, claims, withdrawals, attestations.
//!
//! The Solidity is in `contracts/`. Must not know about nodes, RPC or settlement.

mod attestation;
pub mod bindings;
mod queue;
mod settlement;

pub use attestation::{Attestation, attestation_digest};
pub use queue::{QueueEntry, QueueError, QueueHash};
pub use settlement::{
    MAX_CLAIMS, MAX_WITHDRAWALS, concatenated, kind, kind_name, withdrawal_lists, withdrawals_of,
};
