//! An exchange whose batches are sealed and no more: nobody publishes, proves or settles them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use exchange::batch_path;
use tokio::sync::watch;

use super::{
    Availability, BatchRecord, Facts, ForcedOperation, L1Call, Lifecycle, LifecycleError, Progress,
    ProofFile, Stage, StageReached, Transitions,
};

/// What becomes of the batches of an exchange that nobody settles: they stay sealed.
pub struct Unsettled {
    batches: PathBuf,
    /// Never written to.
    news: watch::Sender<u64>,
}

impl Unsettled {
    /// Of the sealed batches in a folder.
    #[must_use]
    pub fn new(batches: impl Into<PathBuf>) -> Self {
        Self { batches: batches.into(), news: watch::Sender::new(0) }
    }

    fn record(&self, number: u64) -> Option<BatchRecord> {
        let written = fs::metadata(batch_path(&self.batches, number)).ok()?.modified().ok();
        let since = written.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let time = since.and_then(|since| u64::try_from(since.as_millis()).ok());
        Some(BatchRecord {
            number,
            state: "sealed".to_string(),
            claim_digest: None,
            stages: vec![StageReached { stage: Stage::Sealed, time, block: None, transaction: None }],
            proofs: None,
            proof: None,
            l1: BTreeMap::new(),
            entered: time.map(|time| ("sealed".to_string(), time)).into_iter().collect(),
            trouble: None,
        })
    }
}

impl Lifecycle for Unsettled {
    fn facts(&self) -> Facts {
        Facts {
            l1_url: None,
            program: None,
            proofs: "executed".to_string(),
            proof_statement: "nothing is proved: execute the batches again".to_string(),
            shards_url: None,
        }
    }

    fn progress(&self) -> Progress {
        Progress { last_final: None }
    }

    fn batch(&self, number: u64) -> Result<Option<BatchRecord>, LifecycleError> {
        Ok(self.record(number))
    }

    fn batches(&self, from: u64, limit: usize) -> Result<Vec<BatchRecord>, LifecycleError> {
        Ok((0..limit as u64).map_while(|place| self.record(from.max(1).checked_add(place)?)).collect())
    }

    fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn transitions(&self, _: u64, _: usize) -> Transitions {
        Transitions::default()
    }

    fn proof(&self, _: u64) -> Result<Option<ProofFile>, LifecycleError> {
        Ok(None)
    }

    fn availability(&self, _: u64) -> Result<Option<Availability>, LifecycleError> {
        Ok(None)
    }

    fn forced(&self, _: &ForcedOperation) -> Result<Option<L1Call>, LifecycleError> {
        Ok(None)
    }
}
