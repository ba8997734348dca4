//! What the web page checks and signs by itself, without trust in the server that it came from.
//!
//! One function, [`answer`], takes the name of an operation and its inputs as bytes, and gives JSON; [`operations`] lists them.
//! `web/build-wasm` compiles it for browsers, where JavaScript calls it through the four functions of `abi`: no generated
//! glue, so that what runs in the page is this crate and nothing else.
//!
//! Must not know of networks, of how the page looks, or of how an exchange runs.

mod abi;
mod balances;
mod batches;
mod error;
mod json;
mod keys;
pub mod operations;
mod orders;
mod parts;
mod progress;
mod proofs;
mod receipts;
mod samples;
mod words;

pub use error::Refused;
pub use operations::answer;
pub use parts::encode as encode_parts;
