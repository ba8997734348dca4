//! Proving: sealed batches in, proofs out, and never in the way of a trade.
//!
//! ```text
//!  sealed batches ─► Former ─► Manager ─ lease ─► worker: execute, prove
//!                              │  queue, router      │
//!                              │  store       ◄──────┘ proof: checked before it counts
//! ```
//!
//! [`Backend`] is what every proof system implements; [`router`] says which worker should make which proof; [`Manager`]
//! keeps the jobs; [`protocol`] is how workers come to them. Must not know of the exchange, of chains, or of any prover's
//! SDK.

mod backend;
mod backoff;
mod batches;
mod cancel;
mod cutting;
mod error;
mod formation;
mod job;
mod manager;
mod operations;
pub mod protocol;
pub mod prover_command;
mod queue;
pub mod router;
mod statistics;
mod store;
pub mod work_command;
mod worker;

pub use backend::{Availability, Backend, Capabilities, Execution};
pub use backoff::Backoff;
pub use batches::BatchSet;
pub use cancel::Cancellation;
pub use error::{BackendError, StoreError, SubmitError};
pub use formation::{FormationPolicy, Former, Load};
pub use job::{Figures, Job, JobId, JobState, Lease, LeaseId, Millis, Preferences, Priority, Work, WorkerId};
pub use manager::{Check, Counts, Manager, Settings, SubmitOptions, WorkerFault};
pub use queue::{Lost, Queue, QueuePolicy};
pub use statistics::{Statistics, Summary};
pub use store::{Kept, Store};
pub use worker::{WorkerError, WorkerEvent, WorkerOptions, work};
