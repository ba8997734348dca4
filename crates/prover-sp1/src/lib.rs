//! The SP1 worker: executes and proves batches in the SP1 zkVM, through SP1's own SDK.
//!
//! [`Sp1`] is the [`proving::Backend`]. Making its proving client takes minutes on a small machine, so a worker is a
//! long-lived process, and [`Sp1`] makes the client when the first proof is asked for. [`environment::set_defaults`]
//! keeps its memory small.
//!
//! Must not know of the exchange, of chains, or of who asks for a proof.

mod aggregate;
mod backend;
mod client;
mod config;
mod core;
pub mod environment;
pub mod leftovers;
mod program;

pub use backend::{Cost, Phase, Sp1};
pub use config::{Config, Device};
pub use program::{AGGREGATE, ELF, STATEMENT, program_key};
