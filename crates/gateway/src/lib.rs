//! The front door of the exchange: what trading software and people's browsers speak to.
//!
//! ```text
//!  exchange ──tape──► view (the rules again, on a book of its own; history of orders, trades, candles)
//!                       │ queries, updates
//!             binance/ (REST, streams)   native/ (batches, receipts, stream-signed orders)   fix/
//!                       │ orders
//!  exchange ◄─submissions── desk (signs for accounts that delegated their session to this gateway)
//! ```
//!
//! Must not know of chains or proof systems: what became of a batch comes through a port.

mod audit;
pub mod binance;
pub mod client_ids;
mod clock;
mod counters;
mod desk;
mod error;
pub mod fix;
mod gateway;
pub mod keys;
pub mod limits;
pub mod native;
pub mod page;
mod private;
mod server;
pub mod settings;
mod unread;
pub mod view;

pub use audit::AuditLog;
pub use counters::Counted;
pub use desk::{Desk, DeskError};
pub use error::GatewayError;
pub use gateway::Gateway;
pub use server::{ClientAddress, Server};
pub use settings::Settings;
