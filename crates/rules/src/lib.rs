//! The rules of the exchange: the one deterministic function from a state and a sequenced command to the next
//! state and events.
//!
//! Written once, generic over [`Store`], and run by the fast engine, by the shadow on the state tree, and by
//! zkVM guests on a witness. `no_std`, no floating point, no clock, no randomness, no map iteration order.
//! Must not know how a store keeps things, who signed what, or what a batch is.
#![no_std]

extern crate alloc;

mod accounts;
mod cancel;
mod execute;
mod fees;
mod genesis;
mod ledger;
mod matching;
#[cfg(feature = "model")]
mod model;
#[cfg(feature = "model")]
pub mod model_flow;
mod operator;
mod phase;
mod place;
mod records;
mod replace;
mod store;
mod triggers;

pub use execute::{MAX_EXPIRED_PER_COMMAND, execute};
pub use fees::{maker_fee, taker_fee};
pub use genesis::{Genesis, OPERATOR, open};
#[cfg(feature = "model")]
pub use model::ModelStore;
pub use records::{
    Account, Asset, Balance, Capacity, Direction, Globals, Life, Market, Order, OrderKind, Position,
};
pub use store::{EventSink, Store};
pub use triggers::MAX_TRIGGERED_PER_COMMAND;
