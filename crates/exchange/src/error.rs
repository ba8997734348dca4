//! Errors, refusals and faults.

use std::path::PathBuf;
use std::sync::Mutex;

use journal::JournalError;
use thiserror::Error;
use transition::TransitionError;
use types::{AccountId, DecodeError};

use crate::ingress::lock;
use crate::shadow::Disagreement;

/// Why an exchange does not start or stop properly.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// The settings contradict each other.
    #[error("configuration: {why}")]
    Config {
        /// Which, and how.
        why: String,
    },
    /// The journal.
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    /// A file of the data directory.
    #[error("{doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A journal record does not decode or does not follow the one before: written by another version, or by something else.
    #[error("journal record {index} does not decode: {source}")]
    Record {
        /// Which.
        index: u64,
        /// Why.
        source: DecodeError,
    },
    /// A snapshot is undamaged but does not decode: written by another version, or by something else.
    #[error("{} does not decode: {source}", path.display())]
    Snapshot {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: DecodeError,
    },
    /// The data directory holds another exchange.
    #[error("{} holds another exchange: its {what} differ; choose another directory", data_dir.display())]
    OtherExchange {
        /// The directory.
        data_dir: PathBuf,
        /// What differs.
        what: &'static str,
    },
    /// A directory that is to be made from batches has something in it.
    #[error("{} holds an exchange already; choose another directory", data_dir.display())]
    NotEmpty {
        /// The directory.
        data_dir: PathBuf,
    },
    /// A batch to rebuild the exchange from is not true, or does not follow the one before.
    #[error("batch {number}: {why}")]
    Batch {
        /// Its number.
        number: u64,
        /// What is wrong.
        why: String,
    },
    /// The state does not restore, or a recorded batch does not execute.
    #[error("state: {0}")]
    Transition(#[from] TransitionError),
    /// The state tree.
    #[error("state: {0}")]
    State(#[from] state::StateError),
    /// The exchange stopped because something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What stops an exchange while it runs. Everything acknowledged stays in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The journal cannot be written. What was not acknowledged may be lost, or may be found executed after the
    /// restart: streams and nonces tell. Nothing else is lost.
    #[error("the journal failed, nothing more is accepted: {0}; restart when the cause is mended")]
    Journal(String),
    /// The shadow came to another result than the engine.
    #[error("the shadow disagrees with the engine, sealing has stopped: {0}")]
    Disagreement(Box<Disagreement>),
    /// The shadow could not execute a batch or write its result.
    #[error("batch {batch} cannot be sealed: {why}")]
    Sealing {
        /// Which.
        batch: u64,
        /// Why.
        why: String,
    },
    /// A thread ended by a panic, which is a bug.
    #[error("the {0} thread panicked; this is a bug, please report it with the log")]
    Panic(&'static str),
}

/// Notes the panic of a thread. Declared after whatever somebody may be waiting for, so that the reason is known
/// before the waiting ends.
pub(crate) struct PanicGuard<'a> {
    thread: &'static str,
    fault: &'a Mutex<Option<Fault>>,
}

impl<'a> PanicGuard<'a> {
    pub fn new(thread: &'static str, fault: &'a Mutex<Option<Fault>>) -> Self {
        Self { thread, fault }
    }
}

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(self.fault).get_or_insert(Fault::Panic(self.thread));
        }
    }
}

/// Why a submission was not taken. It has left no trace, except perhaps after [`Refused::Stopped`]: then the journal
/// decides at the restart.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refused {
    /// Too much is waiting, or the shadow is too far behind.
    #[error("busy: {waiting} commands are not yet sealed; try again")]
    Busy {
        /// Commands let in but not sealed.
        waiting: u64,
    },
    /// What follows the exchange is too far behind.
    #[error("busy: {waiting} sealed commands wait to be proved or settled; try again")]
    BusyDownstream {
        /// Commands sealed but not taken by what follows.
        waiting: u64,
    },
    /// The exchange has stopped.
    #[error("stopped: {0}")]
    Stopped(Fault),
    /// The exchange is shutting down.
    #[error("shutting down")]
    ShuttingDown,
    /// There are no commands, or too many.
    #[error("a submission holds 1 to {limit} commands, this one has {found}")]
    Size {
        /// Commands found.
        found: usize,
        /// Commands accepted at most.
        limit: usize,
    },
    /// It may take out more at once than a batch may.
    #[error("a submission holds at most {limit} deposits and withdrawals, this one has {found}; split it")]
    Withdrawals {
        /// Deposits and withdrawals found.
        found: usize,
        /// Accepted at most.
        limit: usize,
    },
    /// A command has no place in this kind of submission.
    #[error("{what}")]
    Misplaced {
        /// What is out of place.
        what: &'static str,
    },
    /// The account does not exist.
    #[error("account {account} does not exist")]
    UnknownAccount {
        /// Which.
        account: AccountId,
    },
    /// The account has no session.
    #[error("account {account} has no session; register a session key")]
    NoSession {
        /// Which.
        account: AccountId,
    },
    /// A signature is missing, left over, or wrong. For a stream: over the digest after the last command, by the
    /// session key; the stream's position tells whether commands were lost or repeated.
    #[error("the signature for account {account} does not fit its stream at position {position}")]
    Signature {
        /// Whose.
        account: AccountId,
        /// Where the exchange saw the stream (or the owner's nonce) last.
        position: u64,
    },
    /// The session changed between the check of the signature and execution. All streams of the submission go on
    /// from where they were before it.
    #[error("the session of account {account} changed; sign with the new key")]
    SessionChanged {
        /// Whose.
        account: AccountId,
    },
    /// The exchange takes the time from submissions, and this one's is missing or runs backwards.
    #[error("the submission must state a time for each command, none before the last command's")]
    Time,
}
