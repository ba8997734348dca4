//! What the gateway tells of batches: from settlement's records, the published shards and the kept proofs.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::U256;
use alloy_sol_types::SolCall as _;
use anyhow::Result;
use contracts::bindings::Exchange as Contract;
use gateway::native::{
    Availability, BatchRecord, Facts, ForcedOperation, L1Action, L1Block, L1Call, Lifecycle, LifecycleError,
    Progress, ProofFile, Sample, Stage, StageReached, Transition, Transitions,
};
use l1::Client;
use proving::JobState;
use settlement::{Action, BlockRef, Event, Record, State};
use shard_store::{BlockId, StoreError};
use tokio::sync::watch;
use types::Side;

use super::chain::Deployment;
use super::shards::{Shards, Taken};
use super::status::{Board, Told};
use crate::proving_node::ProvingNode;

/// Everything that is known of batches after they are sealed.
pub struct Life {
    /// Settlement's records and transitions.
    pub board: Arc<Board>,
    /// Published data.
    pub shards: Arc<Shards>,
    /// Proofs, where they are made.
    pub proving: Option<Arc<ProvingNode>>,
    /// What does not change.
    pub facts: Facts,
    /// What forcing something costs.
    pub forcing: Forcing,
}

/// What the contract asks of a forced operation.
#[derive(Clone, Copy, Debug)]
pub struct Forcing {
    /// Wei that one entry burns.
    pub fee: U256,
    /// Seconds until an entry that was not taken is overdue.
    pub deadline: u64,
}

impl Forcing {
    /// Asks the contract.
    pub async fn read(client: &Client, deployment: &Deployment) -> Result<Self> {
        let contract = deployment.exchange;
        Ok(Self {
            fee: client.call(contract, &Contract::forceFeeCall {}).await?,
            deadline: client.call(contract, &Contract::forceDeadlineCall {}).await?,
        })
    }
}

impl Lifecycle for Life {
    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn progress(&self) -> Progress {
        Progress { last_final: self.board.last_final() }
    }

    fn batch(&self, number: u64) -> Result<Option<BatchRecord>, LifecycleError> {
        let found = self.batches(number, 1)?;
        Ok(found.into_iter().next().filter(|record| record.number == number))
    }

    fn batches(&self, from: u64, limit: usize) -> Result<Vec<BatchRecord>, LifecycleError> {
        let records = self.board.records(from, limit).map_err(unsaid)?;
        Ok(records.iter().map(|record| self.record(record)).collect())
    }

    fn news(&self) -> watch::Receiver<u64> {
        self.board.news()
    }

    fn transitions(&self, after: u64, limit: usize) -> Transitions {
        let Told { missed, list } = self.board.events(after, limit);
        let list = list.iter().map(|(number, event)| transition(*number, event)).collect();
        Transitions { run: self.board.since(), missed, list }
    }

    fn proof(&self, batch: u64) -> Result<Option<ProofFile>, LifecycleError> {
        let Some(node) = &self.proving else { return Ok(None) };
        let covers = |job: &&proving::Job| {
            (job.batches.0..=job.batches.1).contains(&batch) && matches!(job.state, JobState::Done { .. })
        };
        let Some(id) = node.manager.jobs().iter().find(covers).map(|job| job.id) else { return Ok(None) };
        let proof = node.manager.proof(id).map_err(unsaid)?;
        Ok(proof.map(|proof| ProofFile {
            kind: proof.kind.to_string(),
            statement: proof.kind.statement().to_string(),
            batches: (
                proof.claims.first().map_or(batch, |claim| claim.batch),
                proof.claims.last().map_or(batch, |claim| claim.batch),
            ),
            bytes: proof.encode(),
        }))
    }

    fn availability(&self, batch: u64) -> Result<Option<Availability>, LifecycleError> {
        let stored = match self.shards.store().find(BlockId::Number(batch)) {
            Ok(stored) => stored,
            Err(StoreError::NoSuchBlock) => return Ok(None),
            Err(error) => return Err(unsaid(error)),
        };
        let header = &stored.record.header;
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Some(Availability {
            commitment: stored.record.commitment().0,
            header: header.encode().to_vec(),
            data_shards: count(header.parameters.data()),
            parity_shards: count(header.parameters.parity()),
            payload_bytes: header.payload_length,
            shard_bytes: header.shard_length().map_err(unsaid)? as u64,
            published: Some(stored.record.published_at),
            samples: self.shards.samples(batch).into_iter().map(Sample::from).collect(),
        }))
    }

    fn forced(&self, operation: &ForcedOperation) -> Result<Option<L1Call>, LifecycleError> {
        let (calldata, entries) = match operation {
            ForcedOperation::Withdraw { asset, amount } => {
                (Contract::forceWithdrawCall { asset: asset.0, amount: amount.0 }.abi_encode(), 1)
            }
            ForcedOperation::Cancel { market, side } => {
                let side = match side {
                    None => 0,
                    Some(Side::Buy) => 1,
                    Some(Side::Sell) => 2,
                };
                let market = market.map_or(0, |market| u32::from(market.0) + 1);
                (Contract::forceCancelCall { marketPlusOne: market, side }.abi_encode(), 1)
            }
            ForcedOperation::Exit { assets } => {
                let assets: Vec<u16> = assets.iter().map(|asset| asset.0).collect();
                let entries = assets.len() + 2;
                (Contract::forceExitCall { assets }.abi_encode(), entries)
            }
        };
        let value = self.forcing.fee.checked_mul(U256::from(entries));
        let value = value.ok_or_else(|| unsaid("the fee is beyond what can be paid"))?.to_string();
        Ok(Some(L1Call { calldata, value, deadline_seconds: self.forcing.deadline }))
    }
}

impl Life {
    fn record(&self, record: &Record) -> BatchRecord {
        let l1 = record.blocks.iter().map(|(action, at)| {
            let receipt = record.receipts.get(action);
            let done = L1Action {
                block: block(*at),
                transaction: receipt.map(|receipt| receipt.transaction.clone()),
                gas: receipt.map(|receipt| receipt.gas),
            };
            (name(*action).to_string(), done)
        });
        BatchRecord {
            number: record.batch.number,
            state: record.state.name().to_string(),
            claim_digest: Some(record.batch.digest),
            stages: stages(record),
            proofs: self.board.proofs(record).map(str::to_string),
            proof: record.proof,
            l1: l1.collect::<BTreeMap<_, _>>(),
            entered: record.entered.clone(),
            trouble: record.trouble.clone(),
        }
    }
}

/// The stages that a batch has reached. Those on L1 count as long as the chain has them.
fn stages(record: &Record) -> Vec<StageReached> {
    let entered = |state: &State| record.entered.get(state.name()).copied();
    let here = |stage, time| StageReached { stage, time, block: None, transaction: None };
    let mut stages = vec![here(Stage::Sealed, Some(record.since))];
    if record.publication.is_some() {
        stages.push(here(Stage::Available, entered(&State::Published)));
    }
    for (stage, action, state) in [
        (Stage::Committed, Action::Commit, State::Committed),
        (Stage::Proved, Action::Prove, State::Confirmed),
        (Stage::Final, Action::Finalise, State::Final),
    ] {
        let Some(at) = record.blocks.get(&action) else { break };
        if stage == Stage::Final && record.state != State::Final {
            break;
        }
        stages.push(StageReached {
            stage,
            time: entered(&state),
            block: Some(block(*at)),
            transaction: record.receipts.get(&action).map(|receipt| receipt.transaction.clone()),
        });
    }
    stages
}

fn transition(number: u64, event: &Event) -> Transition {
    Transition {
        number,
        batch: event.batch,
        from: event.from.as_ref().map(|state| state.name().to_string()),
        to: event.to.name().to_string(),
        why: match &event.to {
            State::Failed { why, .. } => Some(why.clone()),
            _ => None,
        },
        block: event.block.map(block),
        at: event.at,
    }
}

fn block(block: BlockRef) -> L1Block {
    L1Block { number: block.number, hash: block.hash }
}

/// What a step on L1 is called.
pub fn name(action: Action) -> &'static str {
    match action {
        Action::Commit => "commit",
        Action::Prove => "prove",
        Action::Finalise => "finalise",
    }
}

impl From<Taken> for Sample {
    fn from(Taken { shard, time, peer, held }: Taken) -> Self {
        Self { shard, time, peer, held, micros: None }
    }
}

fn unsaid(why: impl ToString) -> LifecycleError {
    LifecycleError { why: why.to_string() }
}
