//! The ZisK worker: executes and proves batches in the ZisK zkVM, through ZisK's own SDK.
//!
//! [`Zisk`] is the [`proving::Backend`]. Executing needs nothing but this crate. Proving needs ZisK's proving key, many
//! gigabytes that are installed apart, or a coordinator that has it: [`Mode`] says which, and
//! [`Zisk::capabilities`](proving::Backend::capabilities) what is missing.
//!
//! The SDK allows one client in a process, so there is at most one [`Zisk`] at a time that has begun to work.
//!
//! Must not know of the exchange, of chains, or of who asks for a proof.

mod backend;
mod client;
mod config;
mod program;
mod quiet;

pub use backend::{Run, Zisk};
pub use config::{Config, Mode};
pub use program::ELF;
