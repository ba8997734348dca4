//! Receipts of commands, made by executing their batch again.

use std::collections::VecDeque;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use exchange::batch_path;
use state::{PartialTree, Sha256Hash, Witness};
use transition::{Claim, EventsLog, Native as Crypto, Receipt, SealedBatch, execute_batch};

use super::ApiError;
use super::batch_index::BatchIndex;

/// Batches whose events are kept, and the bytes of all of them.
const KEPT: usize = 64;
const KEPT_BYTES: usize = 64 << 20;
/// Larger files are not executed for a receipt.
const LARGEST: u64 = 256 << 20;

/// What the commands of recently asked batches did.
#[derive(Default)]
pub(crate) struct Receipts {
    /// The last one asked for is at the end.
    executed: Mutex<VecDeque<Arc<Executed>>>,
}

struct Executed {
    claim: Claim,
    log: EventsLog,
    bytes: usize,
}

impl Receipts {
    /// The claim of the command's batch, and the receipt of the command. Takes some milliseconds: executes the batch, unless
    /// it was asked for recently.
    pub fn receipt(&self, index: &BatchIndex, claim: &Claim, sequence: u64) -> Result<Receipt, ApiError> {
        let batch = claim.batch;
        let executed = match self.known(batch) {
            Some(executed) => executed,
            None => self.keep(execute(index, claim)?),
        };
        let place = sequence - claim.first_sequence;
        let receipts = executed.log.receipts::<Sha256Hash>(claim.first_sequence, &[place]);
        receipts
            .into_iter()
            .next()
            .ok_or_else(|| ApiError::internal(format!("batch {batch} has no receipt of command {sequence}")))
    }

    fn known(&self, batch: u64) -> Option<Arc<Executed>> {
        let mut executed = self.executed.lock().unwrap_or_else(PoisonError::into_inner);
        let place = executed.iter().position(|executed| executed.claim.batch == batch)?;
        let found = executed.remove(place)?;
        executed.push_back(Arc::clone(&found));
        Some(found)
    }

    fn keep(&self, new: Executed) -> Arc<Executed> {
        let new = Arc::new(new);
        let mut executed = self.executed.lock().unwrap_or_else(PoisonError::into_inner);
        executed.push_back(Arc::clone(&new));
        let mut bytes: usize = executed.iter().map(|executed| executed.bytes).sum();
        while executed.len() > KEPT || bytes > KEPT_BYTES {
            let Some(oldest) = executed.pop_front() else { break };
            bytes -= oldest.bytes;
        }
        new
    }
}

/// Signatures are not looked at: whoever takes the receipt checks it against a claim, and the claim is what a proof is about.
fn execute(index: &BatchIndex, claim: &Claim) -> Result<Executed, ApiError> {
    let path = batch_path(index.dir(), claim.batch);
    let failed = |why: String| ApiError::internal(format!("batch {}: {why}", claim.batch));
    let length = fs::metadata(&path).map_err(|error| failed(error.to_string()))?.len();
    if length > LARGEST {
        return Err(failed(format!("{length} bytes are more than are executed for a receipt")));
    }
    let sealed = SealedBatch::read(&path).map_err(|error| failed(error.to_string()))?;
    let input = &sealed.input;
    let witness = Witness::decode(&input.witness, input.witness.len());
    let witness = witness.map_err(|error| failed(error.to_string()))?;
    let tree = PartialTree::<Sha256Hash>::from_witness(witness);
    let mut tree = tree.map_err(|error| failed(error.to_string()))?;
    tree.verify(input.previous_root).map_err(|error| failed(error.to_string()))?;
    let log = EventsLog::with_contents();
    let output = execute_batch::<_, Crypto>(&mut tree, &input.commands, None, log, &mut ());
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.claim != *claim {
        return Err(failed("it executes to another claim than it states".to_string()));
    }
    let bytes = output.events.contents().map(|content| content.len() + 32).sum();
    Ok(Executed { claim: output.claim, log: output.events, bytes })
}
