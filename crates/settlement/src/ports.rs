//! What the state machine needs of others: an application that makes batches, somebody who publishes them, somebody who
//! proves them, and a chain that judges.
//!
//! A second application brings its own batches, proofs and contract behind these traits; a second chain brings its own
//! [`Chain`]. The state machine knows numbers, digests and bytes.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A batch, as settlement knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// From 1, without a gap.
    pub number: u64,
    /// What identifies its claim, on every side.
    pub digest: [u8; 32],
}

/// Where something stands on the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash: after a reorg another block has the number.
    pub hash: [u8; 32],
}

/// What the contract says of a batch, at the newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Unknown,
    /// It is committed, with this digest.
    Committed {
        /// Of its claim.
        digest: [u8; 32],
        /// The block that did it.
        block: BlockRef,
    },
    /// It is proved, with this digest.
    Proved {
        /// Of its claim.
        digest: [u8; 32],
        /// The block that did it.
        block: BlockRef,
        /// From when the contract lets it be made final, in milliseconds since 1970 by the chain's clock.
        final_from: u64,
    },
    /// It is final, with this digest.
    Final {
        /// Of its claim.
        digest: [u8; 32],
        /// The block that did it.
        block: BlockRef,
    },
}

impl Standing {
    /// The digest that the chain has.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 32]> {
        match self {
            Self::Unknown => None,
            Self::Committed { digest, .. } | Self::Proved { digest, .. } | Self::Final { digest, .. } => {
                Some(*digest)
            }
        }
    }
}

/// What a chain is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Action {
    /// Commit the batch.
    Commit,
    /// Prove the committed batch.
    Prove,
    /// Make the proved batch final.
    Finalise,
}

/// A transaction that was sent. What it holds is the chain's business.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The chain's name for it, for people and for looking it up.
    pub id: String,
    /// What the chain needs to follow or replace it, such as its nonce.
    pub handle: Vec<u8>,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits, or nobody has it any more.
    Open,
    /// It was carried out.
    Done {
        /// What it cost.
        gas: u64,
    },
    /// The contract refused it.
    Refused {
        /// In its own words.
        why: String,
    },
}

/// Something went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// It may pass: a node that does not answer, a full mempool, a disk.
    #[error("{0}")]
    Passing(String),
    /// It will not pass by itself.
    #[error("{why}; {remedy}")]
    Lasting {
        /// What is wrong.
        why: String,
        /// What an operator can do about it.
        remedy: String,
    },
}

/// The batches of an application.
pub trait Source {
    /// A sealed batch, once it is there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn sealed(&self, number: u64) -> Result<Option<Sealed>, Fault>;
}

/// Makes a batch's data available.
pub trait Publisher {
    /// Publishes a batch, again if asked again. Returns what others find it by.
    ///
    /// # Errors
    /// When it cannot be published now.
    fn publish(&self, batch: &Sealed) -> Result<Vec<u8>, Fault>;
}

/// Has batches proved.
pub trait Prover {
    /// Asks for a proof; again if asked again.
    ///
    /// # Errors
    /// When it cannot be asked for now.
    fn ask(&self, batch: &Sealed) -> Result<(), Fault>;

    /// The proof that covers a batch, once it is there: its first and its last batch.
    ///
    /// # Errors
    /// When the proof was given up, or nobody knows.
    fn proof(&self, batch: &Sealed) -> Result<Option<(u64, u64)>, Fault>;
}

/// A chain and the contract on it.
pub trait Chain {
    /// The newest block, and the newest that is final.
    ///
    /// # Errors
    /// When the chain cannot be reached.
    fn heads(&self) -> Result<Heads, Fault>;

    /// The chain's own clock as of the last [`Chain::heads`], in milliseconds since 1970, for what the contract waits for. A chain
    /// that makes many blocks in a second is ahead of other clocks. 0 when it is behind or like them.
    fn time(&self) -> u64 {
        0
    }

    /// What the contract says of a batch, at the newest block.
    ///
    /// # Errors
    /// When the chain cannot be reached.
    fn standing(&self, number: u64) -> Result<Standing, Fault>;

    /// The last batch that the contract has committed.
    ///
    /// # Errors
    /// When the chain cannot be reached.
    fn last_committed(&self) -> Result<u64, Fault>;

    /// How many of the first of these batches fit into one transaction. At least one is sent in any case.
    ///
    /// # Errors
    /// When the batches cannot be read.
    fn room(&self, action: Action, batches: &[Sealed]) -> Result<usize, Fault>;

    /// Sends a transaction for consecutive batches; replaces `earlier`, which was sent for the same purpose and is open yet.
    /// What has been done already is refused by the contract and changes nothing. The batches of [`Action::Prove`] are those of
    /// one proof, of which the chain may have proved the first ones.
    ///
    /// `signed` writes down what is needed to follow and replace the transaction, before anybody else gets it; the transaction is
    /// not sent when that fails. It is called again when the transaction is changed. Once it was called, an answer that is lost
    /// is no error: the transaction is returned, and [`Chain::fate`] follows it.
    ///
    /// # Errors
    /// When it cannot be sent, or the contract would refuse it. Then nobody has it.
    fn send(
        &self,
        action: Action,
        batches: &[Sealed],
        earlier: Option<&Sent>,
        signed: &mut dyn FnMut(&Sent) -> Result<(), Fault>,
    ) -> Result<Sent, Fault>;

    /// What became of a transaction.
    ///
    /// # Errors
    /// When the chain cannot be reached.
    fn fate(&self, sent: &Sent) -> Result<Fate, Fault>;
}

/// Where the chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The newest block.
    pub latest: BlockRef,
    /// The newest block that can no longer be replaced.
    pub finalized: u64,
}
