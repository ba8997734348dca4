//! The exchange's batches as settlement and the chain see them.

use std::path::PathBuf;
use std::sync::Arc;

use alloy_primitives::keccak256;
use exchange::batch_path;
use l1::Batches;
use proving::JobState;
use settlement::{Fault, Prover, Sealed, Source};
use state::{PartialTree, Sha256Hash, Witness};
use transition::{EventsLog, Native, SealedBatch, Withdrawal, execute_batch};
use verifier::ProofKind;

use super::attestors::Attestors;
use super::shards::Shards;
use crate::prove::Keys;
use crate::proving_node::ProvingNode;

/// The version of the attested verifier in the contract's registry.
const ATTESTED: u32 = 1;

/// What is shown of a batch before it is attested.
#[derive(Clone)]
pub enum Evidence {
    /// It is executed again: **no proof**.
    Executed,
    /// A proof of this kind, made by the node's workers.
    Proofs(Arc<ProvingNode>, ProofKind, Keys),
}

/// The batches of a data directory.
#[derive(Clone)]
pub struct Desk {
    /// The folder.
    pub batches: PathBuf,
    /// Who signs.
    pub attestors: Arc<Attestors>,
    /// What they look at.
    pub evidence: Evidence,
    /// Where batches are published as shards.
    pub shards: Arc<Shards>,
}

impl Desk {
    fn read(&self, number: u64) -> Result<SealedBatch, Fault> {
        let path = batch_path(&self.batches, number);
        SealedBatch::read(&path).map_err(|error| Fault::Passing(format!("{}: {error}", path.display())))
    }
}

impl Source for Desk {
    fn sealed(&self, number: u64) -> Result<Option<Sealed>, Fault> {
        if !batch_path(&self.batches, number).exists() {
            return Ok(None);
        }
        let digest = keccak256(self.read(number)?.claim.encode()).0;
        Ok(Some(Sealed { number, digest }))
    }
}

impl Prover for Desk {
    /// The node's follower makes jobs of all batches by itself.
    fn ask(&self, _: &Sealed) -> Result<(), Fault> {
        Ok(())
    }

    fn proof(&self, batch: &Sealed) -> Result<Option<(u64, u64)>, Fault> {
        let Evidence::Proofs(node, kind, _) = &self.evidence else {
            return Ok(Some((batch.number, batch.number)));
        };
        let covers = |range: (u64, u64)| (range.0..=range.1).contains(&batch.number);
        let jobs = node.manager.jobs();
        let mut of = jobs.iter().filter(|job| job.kind == *kind && covers(job.batches));
        if let Some(done) = of.clone().find(|job| matches!(job.state, JobState::Done { .. })) {
            return Ok(Some(done.batches));
        }
        match of.find_map(|job| match &job.state {
            JobState::Failed { why, .. } => Some(why),
            _ => None,
        }) {
            Some(why) => Err(Fault::Lasting {
                why: format!("no proof was made: {why}"),
                remedy: "start a worker that can make it".to_string(),
            }),
            None => Ok(None),
        }
    }
}

impl Batches for Desk {
    fn claim(&self, number: u64) -> Result<Vec<u8>, Fault> {
        Ok(self.read(number)?.claim.encode().to_vec())
    }

    fn data_commitment(&self, number: u64) -> Result<[u8; 32], Fault> {
        Ok(self.shards.commitment(number)?.0)
    }

    fn proof(&self, first: u64, last: u64) -> Result<(u32, Vec<u8>), Fault> {
        let attested = match &self.evidence {
            Evidence::Executed => {
                let batches =
                    (first..=last).map(|number| self.read(number)).collect::<Result<Vec<_>, _>>()?;
                self.attestors.attest_execution(&batches)
            }
            Evidence::Proofs(node, kind, keys) => {
                let is = |job: &&proving::Job| {
                    job.batches == (first, last)
                        && job.kind == *kind
                        && matches!(job.state, JobState::Done { .. })
                };
                let job = node.manager.jobs().iter().find(is).map(|job| job.id);
                let proof = job.map(|id| node.manager.proof(id)).transpose();
                let proof = proof.map_err(|error| Fault::Passing(error.to_string()))?.flatten();
                let proof =
                    proof.ok_or_else(|| Fault::Passing("the proof is not there any more".to_string()))?;
                self.attestors.attest_proof(&proof, *keys)
            }
        };
        let attestation = attested.map_err(|error| Fault::Lasting {
            why: format!("the batches are not attested: {error:#}"),
            remedy:
                "look at the batches with `glassbook batch verify`, and at the proof with `glassbook verify`"
                    .to_string(),
        })?;
        Ok((ATTESTED, attestation.encode().to_vec()))
    }

    fn withdrawals(&self, number: u64) -> Result<Vec<Withdrawal>, Fault> {
        let batch = self.read(number)?;
        if batch.claim.withdrawals_root == [0; 32] {
            return Ok(Vec::new());
        }
        withdrawals(&batch).map_err(|error| Fault::Passing(format!("batch {number}: {error:#}")))
    }
}

/// A batch's withdrawals, by executing it.
pub fn withdrawals(batch: &SealedBatch) -> anyhow::Result<Vec<Withdrawal>> {
    let witness = Witness::decode(&batch.input.witness, batch.input.witness.len())?;
    let mut tree = PartialTree::<Sha256Hash>::from_witness(witness)?;
    tree.verify(batch.input.previous_root)?;
    let (commands, log) = (&batch.input.commands, EventsLog::root_only());
    Ok(execute_batch::<_, Native>(&mut tree, commands, None, log, &mut ())?.withdrawals)
}
