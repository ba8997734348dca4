//! Order flow: what traders ask of the exchange, recorded or simulated, one item after the other.
//!
//! A source of flow is an iterator, so that hundreds of millions of commands need no more memory than one. It
//! begins with its own setup (assets, markets, deposits, session keys) and needs nothing but the genesis it
//! names. Must not know how commands are journaled, sealed, signed or proved.

mod agreement;
mod dev_keys;
mod error;
mod file;
mod item;
mod lobster;
mod market_recorder;
mod mirror;
mod reconstruct;
mod recording;
mod setup;
mod simulate;
mod source;

pub use agreement::{Agreement, Deviation, DeviationKind, Inferred};
pub use dev_keys::{dev_key, dev_owner, dev_session_key};
pub use error::{FileProblem, FlowError, LobsterProblem};
pub use file::{FlowReader, FlowWriter};
pub use item::{FlowItem, FlowOrigin, Numbering};
pub use lobster::{LobsterReader, Message, MessageKind, RecordedPrice, RecordedQuote};
pub use market_recorder::{DepthLevel, MarketHistory, MarketRecorder, MarketSample, TradePoint};
pub use reconstruct::Reconstruction;
pub use recording::Recording;
pub use setup::Setup;
pub use simulate::{Simulation, SimulationOptions};
pub use source::{Progress, Source, open};
