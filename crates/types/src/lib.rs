//! The words of the exchange: ids and quantities with their units, commands, outcomes, events, and the one
//! canonical encoding of each.
//!
//! `no_std`, because zkVM guests and the browser read the same bytes as the host. Must not know how any of
//! it is executed or stored.
#![no_std]
extern crate alloc;

mod codec;
mod command;
mod event;
mod ids;
mod market;
mod outcome;
mod sequenced;

pub use codec::{DecodeError, Reader, Writer};
pub use command::{
    Command, OperatorCommand, OrderRef, OrderType, Place, SelfTrade, Side, TimeInForce, Trigger, TriggerKind,
};
pub use event::{CancelReason, Event, Fill, PhaseCause};
pub use ids::{
    AccountId, Address, AssetId, ClientOrderId, MarketId, OrderId, Price, Quanta, Quantity, Rate, SessionKey,
    Timestamp,
};
pub use market::{AssetParams, Breaker, Limits, MarketParams, Phase};
pub use outcome::{Outcome, Reject};
pub use sequenced::{Origin, Sequenced};
