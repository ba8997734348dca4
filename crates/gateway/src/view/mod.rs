//! What the gateway shows of the exchange: markets, books, trades, candles, accounts and their orders.
//!
//! The view executes every durable command again, on a fast book of its own, and keeps the history that the exchange does not.
//! A thread reads the sealed batches from the first one on, then the exchange's tape; whatever a command does here must be
//! what it did there, or the view stops ([`View::fault`]). Nothing of the view is on disk: a restart reads the batches again.
//!
//! ```text
//!  batches/*.batch ──► follower ──► state: book, levels, orders, trades, candles ──► questions (short read locks)
//!  tape ─────────────►    │
//!                         └──► updates, in order (broadcast)
//! ```

mod candles;
mod decimal;
mod fault;
mod follower;
mod interval;
mod kept;
mod levels;
mod listing;
mod options;
mod orders;
mod selection;
mod state;
mod told;
mod trades;
mod types;
#[expect(clippy::module_inception, reason = "the view itself")]
mod view;

pub use self::types::*;
pub use decimal::{DecimalError, Scale, ScaleError};
pub use fault::ViewError;
pub use interval::{Interval, UnknownInterval};
pub use options::{MAX_ANSWER, ViewOptions};
pub use view::View;
