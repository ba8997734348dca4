//! What ends a view.

use std::path::PathBuf;

use thiserror::Error;
use transition::{SealedBatchError, TransitionError};
use types::{DecodeError, MarketId, OrderId, Outcome};

/// Why a view does not begin.
#[derive(Debug, Error)]
pub enum ViewError {
    /// The first state.
    #[error("the genesis: {0}")]
    Genesis(#[from] TransitionError),
    /// The thread that follows the exchange.
    #[error("the thread that follows the exchange cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// The view does not agree with the exchange, or with itself.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Disagreement {
    /// Executed again, a command has another outcome.
    #[error("executed again, the outcome is {again:?} and not {tape:?}")]
    Outcome {
        /// On the tape.
        tape: Outcome,
        /// Here.
        again: Outcome,
    },
    /// Executed again, a command does something else.
    #[error("executed again, event {at} is another one, or there are more or fewer")]
    Events {
        /// The first that differs.
        at: usize,
    },
    /// An event speaks of an order that is not open.
    #[error("an event speaks of order {order}, which is not open")]
    UnknownOrder {
        /// Its number.
        order: OrderId,
    },
    /// An order has less than an event takes from it.
    #[error("an event takes more from order {order} than there is, or leaves something else")]
    Quantity {
        /// Its number.
        order: OrderId,
    },
    /// A price has less than an event takes from it.
    #[error("an event takes more from a price of market {market} than there is")]
    Level {
        /// Where.
        market: MarketId,
    },
    /// An event speaks of a market that is not there.
    #[error("an event speaks of market {market}, which does not exist")]
    UnknownMarket {
        /// Its number.
        market: MarketId,
    },
}

/// Why a view stopped following.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// A command.
    #[error("command {sequence}: {source}")]
    Command {
        /// Which.
        sequence: u64,
        /// Why.
        source: Disagreement,
    },
    /// Commands are missing on the tape.
    #[error("after command {sequence} the tape went on with command {found}")]
    Gap {
        /// The last one before.
        sequence: u64,
        /// The next one.
        found: u64,
    },
    /// A sealed batch cannot be read.
    #[error("batch {batch}: {source}")]
    Batch {
        /// Its number.
        batch: u64,
        /// Why.
        source: SealedBatchError,
    },
    /// A sealed batch's commands do not decode.
    #[error("batch {batch}: {source}")]
    Commands {
        /// Its number.
        batch: u64,
        /// Why.
        source: DecodeError,
    },
    /// A sealed batch is not the one that comes next.
    #[error("{}: {what}", path.display())]
    OtherBatch {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// A sealed batch that must be there is not.
    #[error("{} is missing, and the exchange does not write it any more", path.display())]
    MissingBatch {
        /// Its file.
        path: PathBuf,
    },
}
