//! That published data is what was executed: a check that every reader repeats.
//!
//! A commitment binds bytes, whatever they are. A sealed batch's bytes hold the claim and the commands, and the claim holds the
//! commands' root; so the commitment, the claim and the commands speak of the same thing if the root of the commands *in these bytes*
//! is the claim's, the batch executes to the claim, and the claim is the one whose digest L1 has.

use alloy_primitives::keccak256;
use anyhow::{Context as _, Result, ensure};
use state::Sha256Hash;
use transition::{Claim, SealedBatch, commands_root};

/// A sealed batch whose commands are those that its claim is about. Nothing is executed.
pub fn sealed(bytes: &[u8]) -> Result<SealedBatch> {
    let batch = SealedBatch::decode(bytes).context("this is not a sealed batch")?;
    ensure!(
        commands_root::<Sha256Hash>(&batch.input.commands) == batch.claim.commands_root,
        "the commands are not those that the claim of batch {} is about",
        batch.claim.batch
    );
    Ok(batch)
}

/// A sealed batch that is what was executed: [`sealed`], executed again with every signature, and the one with this digest on L1 if
/// there is one.
pub fn executed(bytes: &[u8], on_l1: Option<[u8; 32]>) -> Result<SealedBatch> {
    let batch = sealed(bytes)?;
    let number = batch.claim.batch;
    if let Some(on_l1) = on_l1 {
        let digest = claim_digest(&batch.claim);
        ensure!(
            digest == on_l1,
            "batch {number} as it was published has the claim digest {}, and L1 has {}",
            hex::encode(digest),
            hex::encode(on_l1)
        );
    }
    batch.verify().with_context(|| format!("batch {number} as it was published is not what was executed"))?;
    Ok(batch)
}

/// Under what L1 knows a claim.
pub fn claim_digest(claim: &Claim) -> [u8; 32] {
    keccak256(claim.encode()).0
}
