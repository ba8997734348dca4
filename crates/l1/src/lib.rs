//! Ethereum: a client, the exchange's contract on it, an index of its events, and a chain of our own for where there is none.
//!
//! Everything goes through the JSON-RPC of some node. [`EmbeddedL1`] is such a node, in this process; nobody can tell it
//! from another by what [`Client`] gives. [`EthereumChain`] is what settlement sees.
//!
//! Must not know how batches are made or proved, what is in a command, or what settlement decides.

mod blobs;
mod chain;
mod client;
mod deploy;
#[cfg(feature = "embedded")]
mod embedded;
mod fees;
mod indexer;
mod nonces;
mod refusal;
mod sender;
mod signer;

pub use blobs::{
    Blob, BlobCommitment, BlobError, BlobSidecar, BlobTransaction, Evaluation, MOST_IN_TRANSACTION,
    PAYLOAD_BYTES, from_blobs, to_blobs,
};
pub use chain::{Batches, EthereumChain};
pub use client::{Block, Client, ClientError, Heads};
pub use deploy::{
    DeployError, Deployment, deploy, deploy_attested_verifier, deploy_exchange, exchange_address,
};
#[cfg(feature = "embedded")]
pub use embedded::{Blocks, Config, EmbeddedError, EmbeddedL1};
pub use fees::{FeePolicy, Fees};
pub use indexer::{BatchSteps, Confirmation, IndexError, Indexed, Indexer, IndexerOptions, Step};
pub use refusal::Refusal;
pub use sender::{NoteError, Outcome, Sender, Transaction};
pub use signer::{Signer, SignerError};
