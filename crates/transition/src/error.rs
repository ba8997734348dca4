//! Why a batch input proves nothing.

use state::StateError;
use thiserror::Error;
use types::{AccountId, DecodeError};

/// Why a batch input proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransitionError {
    /// The bytes are not a batch input.
    #[error("the batch input cannot be read: {0}")]
    Decode(#[from] DecodeError),
    /// The witness is not a well-formed part of a tree, or lacks an entry that the commands need.
    #[error("the state: {0}")]
    State(#[from] StateError),
    /// The witness belongs to another state.
    #[error("the witness is not of the state with the stated previous root")]
    PreviousRoot,
    /// A first state was to be written into a tree that holds one already.
    #[error("the tree is not empty: it holds the entry {key:#034x}")]
    NotEmpty {
        /// The first entry's key.
        key: u128,
    },
    /// An entry of the state does not decode. Cannot happen below an honest root.
    #[error("the state entry {key:#034x} does not decode")]
    CorruptEntry {
        /// Its key.
        key: u128,
    },
    /// There are no commands, or fewer or more than stated.
    #[error("the batch states {stated} commands and holds {found}")]
    CommandCount {
        /// By the header.
        stated: u64,
        /// By the bytes.
        found: u64,
    },
    /// The batch does not follow the state's last one.
    #[error("the batch's {what} is {found}, the state expects {expected}")]
    NotNext {
        /// Batch number, sequence number or time.
        what: &'static str,
        /// In the batch.
        found: u64,
        /// By the state.
        expected: u64,
    },
    /// A command's time is beyond the last that an expiry can name, so "never" would come.
    #[error("command {sequence} lies beyond the last time the exchange can represent")]
    TimeOutOfRange {
        /// The command.
        sequence: u64,
    },
    /// A command from the L1 queue is not the next one there: something was skipped or repeated.
    #[error("command {sequence} takes L1 queue entry {found}, the next one is {expected}")]
    L1Queue {
        /// The command.
        sequence: u64,
        /// The position it names.
        found: u64,
        /// The next position.
        expected: u64,
    },
    /// A command that the L1 queue cannot hold.
    #[error("command {sequence} cannot come from the L1 queue")]
    NotAnL1Command {
        /// The command.
        sequence: u64,
    },
    /// A command in the name of an account that does not exist, so nobody can have signed it.
    #[error("command {sequence} is in the name of account {account}, which does not exist")]
    UnknownAccount {
        /// The command.
        sequence: u64,
        /// The account.
        account: AccountId,
    },
    /// A trader's stream has no signature, or not this one.
    #[error("the stream of account {account} is not signed by its session key")]
    StreamSignature {
        /// The account.
        account: AccountId,
    },
    /// A command in the owner's name is not signed by the owner.
    #[error("command {sequence} is not signed by the owner of account {account}")]
    OwnerSignature {
        /// The command.
        sequence: u64,
        /// The account.
        account: AccountId,
    },
    /// Signatures are left over.
    #[error("{left} signatures belong to no command")]
    SignaturesLeft {
        /// How many.
        left: usize,
    },
}
