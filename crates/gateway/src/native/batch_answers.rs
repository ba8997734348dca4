//! What the API answers of batches, as JSON ([`super::answers`] says how).

use std::collections::BTreeMap;

use serde::Serialize;
use transition::Claim;
use utoipa::ToSchema;

use super::hexadecimal::show;
use super::{Availability, BatchRecord, L1Block, Sample, Stage, StageReached, Transition};

/// A stage that a batch (or a command not yet in one) has reached.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepBody {
    /// Which.
    pub state: Stage,
    /// When, in milliseconds since 1970.
    pub time: Option<u64>,
    /// The L1 block that did it.
    pub l1_block: Option<BlockBody>,
    /// The L1 transaction that did it.
    pub tx: Option<String>,
}

impl From<&StageReached> for StepBody {
    fn from(reached: &StageReached) -> Self {
        let l1_block = reached.block.map(BlockBody::from);
        Self { state: reached.stage, time: reached.time, l1_block, tx: reached.transaction.clone() }
    }
}

/// An L1 block.
#[derive(Serialize, ToSchema)]
pub(crate) struct BlockBody {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: String,
}

impl From<L1Block> for BlockBody {
    fn from(block: L1Block) -> Self {
        Self { number: block.number, hash: show(block.hash) }
    }
}

/// How far a batch is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchBody {
    /// Its number.
    pub batch: u64,
    /// Where it is, in the words of whoever settles it; finer than `stage`.
    pub state: String,
    /// The last stage that it has reached.
    pub stage: Stage,
    /// All stages that it has reached.
    pub steps: Vec<StepBody>,
    /// What names its claim on L1.
    pub claim_digest: Option<String>,
    /// Its first and its last command.
    pub commands: Option<[u64; 2]>,
    /// The state after it.
    pub state_root: Option<String>,
    /// What it claims, 416 bytes.
    pub claim: Option<String>,
    /// What stands behind its proof, once L1 has one.
    pub proofs: Option<String>,
    /// The first and the last batch of the proof that covers it.
    pub proof: Option<[u64; 2]>,
    /// What L1 has done with it: `commit`, `prove`, `finalise`.
    pub l1: BTreeMap<String, L1ActionBody>,
    /// When it last entered each state, in milliseconds since 1970.
    pub entered: BTreeMap<String, u64>,
    /// What keeps it, if anything does.
    pub trouble: Option<String>,
}

/// Something that L1 has done.
#[derive(Serialize, ToSchema)]
pub(crate) struct L1ActionBody {
    /// The block that did it.
    pub block: BlockBody,
    /// The operator's transaction; none where somebody else's did it.
    pub transaction: Option<String>,
    /// What it cost.
    pub gas: Option<u64>,
}

impl BatchBody {
    pub fn new(record: &BatchRecord, claim: Option<&Claim>) -> Self {
        let l1 = record.l1.iter().map(|(name, action)| {
            let (transaction, gas) = (action.transaction.clone(), action.gas);
            (name.clone(), L1ActionBody { block: action.block.into(), transaction, gas })
        });
        Self {
            batch: record.number,
            state: record.state.clone(),
            stage: record.stages.last().map_or(Stage::Sealed, |reached| reached.stage),
            steps: record.stages.iter().map(StepBody::from).collect(),
            claim_digest: record.claim_digest.map(show),
            commands: claim.map(|claim| [claim.first_sequence, claim.last_sequence]),
            state_root: claim.map(|claim| show(claim.state_root)),
            claim: claim.map(|claim| show(claim.encode())),
            proofs: record.proofs.clone(),
            proof: record.proof.map(|(first, last)| [first, last]),
            l1: l1.collect(),
            entered: record.entered.clone(),
            trouble: record.trouble.clone(),
        }
    }
}

/// How far a command is.
#[derive(Serialize, ToSchema)]
pub(crate) struct CommandBody {
    /// The command.
    pub sequence: u64,
    /// The last stage that it has reached.
    pub state: Stage,
    /// Its batch.
    pub batch: BatchBody,
}

/// A batch went from one state to another.
#[derive(Serialize, ToSchema)]
pub(crate) struct TransitionBody {
    /// The start from which the numbers count, in milliseconds since 1970.
    pub run: u64,
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
    pub block: Option<BlockBody>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

impl TransitionBody {
    pub fn new(run: u64, transition: &Transition) -> Self {
        Self {
            run,
            number: transition.number,
            batch: transition.batch,
            from: transition.from.clone(),
            to: transition.to.clone(),
            why: transition.why.clone(),
            block: transition.block.map(BlockBody::from),
            at: transition.at,
        }
    }
}

/// How a batch's data was published.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AvailabilityBody {
    /// The batch.
    pub batch: u64,
    /// Where its shards are served, under the commitment.
    pub url: Option<String>,
    /// What names the coded data.
    pub commitment: String,
    /// The header, 77 bytes: the commitment is its hash.
    pub header: String,
    /// Shards that suffice to get the data back.
    pub data_shards: u32,
    /// Shards beyond those.
    pub parity_shards: u32,
    /// Bytes of data.
    pub payload_bytes: u64,
    /// Bytes of a shard.
    pub shard_bytes: u64,
    /// When it was published, in milliseconds since 1970.
    pub published: Option<u64>,
    /// Samples that were taken here, oldest first.
    pub samples: Vec<SampleBody>,
}

/// A sample: a shard that was asked for, at random.
#[derive(Serialize, ToSchema)]
pub(crate) struct SampleBody {
    /// Which.
    pub shard: u32,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// Of whom.
    pub peer: String,
    /// Whether it came, and is of the codeword.
    pub held: bool,
    /// How long it took, in microseconds.
    pub micros: Option<u64>,
}

impl AvailabilityBody {
    pub fn new(batch: u64, url: Option<String>, availability: Availability) -> Self {
        let samples = availability.samples.into_iter().map(|sample| {
            let Sample { shard, time, peer, held, micros } = sample;
            SampleBody { shard, time, peer, held, micros }
        });
        Self {
            batch,
            url,
            commitment: show(availability.commitment),
            header: show(availability.header),
            data_shards: availability.data_shards,
            parity_shards: availability.parity_shards,
            payload_bytes: availability.payload_bytes,
            shard_bytes: availability.shard_bytes,
            published: availability.published,
            samples: samples.collect(),
        }
    }
}
