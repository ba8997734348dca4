//! The port: what becomes of batches after they are sealed, from whoever publishes, proves and settles them.

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;
use tokio::sync::watch;
use types::{AssetId, MarketId, Quanta, Side};
use utoipa::ToSchema;

/// What becomes of batches. Methods may read files and wait: they are called on threads that may, a few at a time.
pub trait Lifecycle: Send + Sync + 'static {
    /// What does not change while the exchange runs.
    fn facts(&self) -> Facts;

    /// How far batches are. Called often.
    fn progress(&self) -> Progress;

    /// A batch; none when it is not known (yet).
    ///
    /// # Errors
    /// When it cannot be said.
    fn batch(&self, number: u64) -> Result<Option<BatchRecord>, LifecycleError>;

    /// Batches from a number on, in order; so many at most.
    ///
    /// # Errors
    /// When it cannot be said.
    fn batches(&self, from: u64, limit: usize) -> Result<Vec<BatchRecord>, LifecycleError>;

    /// The number of the last transition, and when there is another.
    fn news(&self) -> watch::Receiver<u64>;

    /// Transitions after one, in order; so many at most.
    fn transitions(&self, after: u64, limit: usize) -> Transitions;

    /// The proof that covers a batch; none while there is none.
    ///
    /// # Errors
    /// When it cannot be said.
    fn proof(&self, batch: u64) -> Result<Option<ProofFile>, LifecycleError>;

    /// How a batch's data was published, and the samples that were taken; none when it was not published.
    ///
    /// # Errors
    /// When it cannot be said.
    fn availability(&self, batch: u64) -> Result<Option<Availability>, LifecycleError>;

    /// The L1 transaction that forces something without the operator; none where no contract takes one.
    ///
    /// # Errors
    /// When it cannot be said.
    fn forced(&self, operation: &ForcedOperation) -> Result<Option<L1Call>, LifecycleError>;
}

/// Something cannot be said now.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct LifecycleError {
    /// Why.
    pub why: String,
}

/// What does not change while the exchange runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// A node of the L1 chain that anybody may ask.
    pub l1_url: Option<String>,
    /// The identity of the program that is proved.
    pub program: Option<String>,
    /// The kind of the proofs: `executed` where nothing is proved, or what the proof files say.
    pub proofs: String,
    /// What stands behind "proved", in a sentence.
    pub proof_statement: String,
    /// Where the batches' shards are served.
    pub shards_url: Option<String>,
}

/// How far batches are; zero where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The last final batch; none where nothing becomes final.
    pub last_final: Option<u64>,
}

/// A stage in the life of a command: that of its batch, once it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// Durable and executed: the operator's word.
    Accepted,
    /// In a sealed batch: anybody can execute it again.
    Sealed,
    /// The batch's data is published.
    Available,
    /// L1 has the claim.
    Committed,
    /// L1 has taken a proof.
    Proved,
    /// Nothing takes it back.
    Final,
}

/// A stage that a batch has reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageReached {
    /// Which.
    pub stage: Stage,
    /// When, in milliseconds since 1970.
    pub time: Option<u64>,
    /// The L1 block that did it.
    pub block: Option<L1Block>,
    /// The L1 transaction that did it.
    pub transaction: Option<String>,
}

/// An L1 block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L1Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// Something that L1 has done with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Action {
    /// The block that did it.
    pub block: L1Block,
    /// Our transaction that did it; none where somebody else's did.
    pub transaction: Option<String>,
    /// What it cost.
    pub gas: Option<u64>,
}

/// What is known of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRecord {
    /// Its number.
    pub number: u64,
    /// Where it is, in the words of whoever settles it.
    pub state: String,
    /// What names its claim on L1.
    pub claim_digest: Option<[u8; 32]>,
    /// The stages that it has reached, in order, [`Stage::Sealed`] first.
    pub stages: Vec<StageReached>,
    /// What stands behind its proof, once L1 has one.
    pub proofs: Option<String>,
    /// The first and the last batch of the proof that covers it.
    pub proof: Option<(u64, u64)>,
    /// What L1 has done with it: `commit`, `prove`, `finalise`.
    pub l1: BTreeMap<String, L1Action>,
    /// When it last entered each state, in milliseconds since 1970.
    pub entered: BTreeMap<String, u64>,
    /// What keeps it, if anything does.
    pub trouble: Option<String>,
}

/// A batch went from one state to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Counts from one at each start.
    pub number: u64,
    /// The batch.
    pub batch: u64,
    /// The state before; none when it was just taken in.
    pub from: Option<String>,
    /// The state now.
    pub to: String,
    /// Why it failed.
    pub why: Option<String>,
    /// The block of the last thing that L1 did with it.
    pub block: Option<L1Block>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// Transitions, as far as they are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transitions {
    /// The start from which their numbers count, in milliseconds since 1970.
    pub run: u64,
    /// The first and the last of those asked for that are not kept any more.
    pub missed: Option<(u64, u64)>,
    /// In order.
    pub list: Vec<Transition>,
}

/// A file with a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    /// Its kind, as the file says.
    pub kind: String,
    /// What it shows, in a sentence.
    pub statement: String,
    /// The first and the last batch that it covers.
    pub batches: (u64, u64),
    /// The file.
    pub bytes: Vec<u8>,
}

/// How a batch's data was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// What names the coded data.
    pub commitment: [u8; 32],
    /// The header, encoded: the commitment is its hash.
    pub header: Vec<u8>,
    /// Shards that suffice to get the data back.
    pub data_shards: u32,
    /// Shards beyond those.
    pub parity_shards: u32,
    /// Bytes of data.
    pub payload_bytes: u64,
    /// Bytes of a shard.
    pub shard_bytes: u64,
    /// When, in milliseconds since 1970.
    pub published: Option<u64>,
    /// Samples that were taken here, oldest first.
    pub samples: Vec<Sample>,
}

/// A sample: a shard that was asked for, at random.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Which.
    pub shard: u32,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// Of whom.
    pub peer: String,
    /// Whether it came, and is of the codeword.
    pub held: bool,
    /// How long it took.
    pub micros: Option<u64>,
}

/// Something that an owner can force through L1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForcedOperation {
    /// Take out what is free, up to an amount.
    Withdraw {
        /// What.
        asset: AssetId,
        /// At most.
        amount: Quanta,
    },
    /// Cancel orders.
    Cancel {
        /// Only in this market.
        market: Option<MarketId>,
        /// Only of this side.
        side: Option<Side>,
    },
    /// End the session, cancel everything, take everything out.
    Exit {
        /// Of these assets.
        assets: Vec<AssetId>,
    },
}

/// An L1 transaction to be sent by an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Call {
    /// What to send.
    pub calldata: Vec<u8>,
    /// Wei to send with it, a decimal number.
    pub value: String,
    /// Seconds after which anybody may freeze the exchange when the operator has not done it.
    pub deadline_seconds: u64,
}
