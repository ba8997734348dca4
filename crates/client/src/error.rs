//! What can go wrong between a trader and the exchange.

use state::ProofError;
use thiserror::Error;
use transition::{ReceiptError, SealedBatchError};
use types::DecodeError;

/// What can go wrong between a trader and the exchange.
#[derive(Debug, Error)]
pub enum ClientError {
    /// No answer.
    #[error("no answer: {0}")]
    Transport(#[from] reqwest::Error),
    /// The exchange has refused.
    #[error("{code}: {message} ({remedy})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// A stable name of what is wrong.
        code: String,
        /// What is wrong.
        message: String,
        /// What to do about it.
        remedy: String,
    },
    /// The answer is not what it should be.
    #[error("the answer is not understood: {what}")]
    Answer {
        /// What is wrong with it.
        what: String,
    },
    /// The answer is longer than any that is read.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// Bytes read at most.
        limit: u64,
    },
    /// A part of the answer does not decode.
    #[error("the answer does not decode: {0}")]
    Decode(#[from] DecodeError),
    /// The receipt proves nothing.
    #[error("the receipt proves nothing: {0}")]
    Receipt(#[from] ReceiptError),
    /// A state proof proves nothing.
    #[error("the proof of asset {asset} proves nothing: {source}")]
    Proof {
        /// Of which asset.
        asset: u16,
        /// Why.
        source: ProofError,
    },
    /// The sealed batch is damaged, or not true.
    #[error("the sealed batch: {0}")]
    Batch(#[from] SealedBatchError),
    /// The answer proves something, but not what was asked for.
    #[error("the answer proves something else: {what}")]
    Other {
        /// What was asked for, and what it is.
        what: String,
    },
}

impl ClientError {
    pub(crate) fn answer(what: impl ToString) -> Self {
        Self::Answer { what: what.to_string() }
    }

    /// The code of a refusal.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            _ => None,
        }
    }
}
