//! What the gateway shows of the exchange: markets, books, trades, candles, accounts and their orders.
//!
//! The view executes every durable command again, on a fast book of its own, and keeps the history that the exchange does not.

mod decimal;
mod types;

pub use decimal::{DecimalError, Scale};
pub use types::*;
