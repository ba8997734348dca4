//! The exchange: commands in, acknowledged when durable and executed, sealed into batches that can be proved.
//!
//! ```text
//!  submit (many threads)      engine (one writer)        committer             shadow                 sealer
//!  decode, check signatures ─► sequence, execute ─chunk─► journal, one fsync ─► execute on the tree, ─► roots, witness,
//!  streams, static limits      on the fast book           acknowledge, feeds    compare                file, snapshot
//! ```
//!
//! Every arrow is a bounded queue. Nothing after the engine slows it down, except that new commands are answered
//! "busy" when the shadow is further behind than configured. Must not know of proofs, chains or HTTP.

mod bundle;
mod chunk;
mod committer;
mod config;
mod engine;
mod error;
mod exchange;
mod feeds;
mod ingress;
#[cfg(test)]
#[path = "../tests/exchange/kit.rs"]
mod kit;
mod market_view;
mod pending;
#[cfg(test)]
mod planted;
mod rebuild;
mod record;
mod recovery;
mod sealer;
mod shadow;
mod stats;

pub use bundle::{Acknowledgement, Submission, Ticket};
pub use config::{BatchPolicy, Clock, Config, Threads};
pub use error::{ExchangeError, Fault, Refused};
pub use exchange::Exchange;
pub use feeds::{DepthLevel, FeedError, FeedMessage, FeedUpdate, Subscription, TapeEntry, Topic};
pub use market_view::{Level, Ticker};
pub use rebuild::rebuild;
pub use recovery::Recovered;
pub use sealer::{BatchReport, batch_path};
pub use shadow::Disagreement;
pub use stats::{BusyNanos, LatencySummary, Stats};

/// What the tests' kit calls this crate, from inside and from outside.
#[cfg(test)]
use crate as under_test;
