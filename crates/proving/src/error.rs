//! What can go wrong.

use std::path::PathBuf;

use thiserror::Error;
use verifier::{ProofError, ProofKind, ProofSystem};

/// Why a backend did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BackendError {
    /// The program refuses the input: no proof of it can exist. Trying again is useless.
    #[error("the program refuses the input: {why}")]
    Refused {
        /// What the program says.
        why: String,
    },
    /// Something is not installed or not configured.
    #[error("{system} cannot make {kind} proofs here: {what}")]
    Missing {
        /// The system.
        system: ProofSystem,
        /// What was asked for.
        kind: ProofKind,
        /// What is missing and how to get it.
        what: String,
    },
    /// The system failed: memory, a device, a network. Trying again may help.
    #[error("{system} failed: {why}")]
    Failed {
        /// The system.
        system: ProofSystem,
        /// What it says.
        why: String,
    },
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

impl BackendError {
    /// Whether the same work may succeed another time or elsewhere.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Failed { .. })
    }
}

/// Why a job was not taken.
#[derive(Debug, Error)]
pub enum SubmitError {
    /// A range has 1 to 256 batches.
    #[error("{batches} batches were given; 1 to 256 are proved together")]
    Size {
        /// How many were given.
        batches: usize,
    },
    /// There is a gap.
    #[error("batch {batch} does not follow the one before it")]
    NotConsecutive {
        /// The batch after the gap.
        batch: u64,
    },
    /// A single operation was asked for, and the batch holds something else.
    #[error("the batch holds {found}, not {expected}")]
    NotThatOperation {
        /// What it holds.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// The commands are not a batch's.
    #[error("the commands of the batch do not decode: {0}")]
    Decode(#[from] types::DecodeError),
    /// The batches do not follow the rules.
    #[error("the program refuses the batches: {why}")]
    Refused {
        /// What the rules say.
        why: String,
    },
    /// Too many jobs wait.
    #[error("the queue is full: {open} jobs are open; try again later")]
    Full {
        /// Open jobs.
        open: usize,
    },
    /// It cannot be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the queue's directory cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("{} is open in another process", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The database.
    #[error("the queue's database: {0}")]
    Database(Box<redb::Error>),
    /// A record.
    #[error("a record of the queue's database does not decode")]
    Record,
    /// The input of a job.
    #[error("the input of a job does not decode: {0}")]
    Input(#[from] types::DecodeError),
    /// A proof that was kept.
    #[error("a proof that was kept: {0}")]
    Proof(#[from] ProofError),
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}

from_redb!(TransactionError, TableError, StorageError, CommitError);
