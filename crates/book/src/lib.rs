//! The fast store: the rules' state in flat arrays, for one writer thread.
//!
//! No locks, no hashing of order ids, no allocation once the arrays have their size, and no more memory than
//! the exchange's [`rules::Capacity`] says. Must not know about batches, roots or proofs.

mod bare;
mod book;
mod client_ids;
mod heap;
mod ladder;
mod order_index;
mod slab;

pub use bare::{BareBook, BareFill};
pub use book::{Book, Memory};
