//! Settlement: takes sealed batches to a chain, and knows at any moment where each is.
//!
//! The life of a batch is an explicit state machine ([`State`], [`next`]); every transition is on disk before its side
//! effect, and every side effect may be had twice without harm. The chain is the source of truth: a record follows it
//! forward and back, and where the two cannot both be right, everything stops with a report.
//!
//! Must not know of the exchange, of proof systems, of availability, or of a particular chain: those are behind the traits
//! of [`Ports`].

mod life;
mod ports;
mod reconcile;
mod report;
mod settlement;
mod store;
mod submit;

pub use life::{Before, Next, Receipt, Record, State, Submission, next};
pub use ports::{
    Action, BlockRef, Chain, Fate, Fault, Heads, Prover, Publisher, Sealed, Sent, Source, Standing,
};
pub use report::{Conflict, Event, SettlementError, Summary};
pub use settlement::{Policy, Ports, Settlement};
pub use store::{Records, Store, StoreError, Totals};
