//! What the handlers share: where to ask, and how much may be asked at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rules::Genesis;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::balances::{self, Balances};
use super::batch_index::BatchIndex;
use super::delegations::SessionKeys;
use super::owner_requests::OwnerTimes;
use super::receipts::Receipts;
use super::stream::Hub;
use super::{ApiError, Lifecycle};
use crate::Gateway;

/// How long an answer that reads or executes may take, waiting for its turn included.
const PATIENCE: Duration = Duration::from_secs(10);

/// Settings of the native API.
#[derive(Clone, Debug)]
pub struct NativeOptions {
    /// The folder of sealed batches.
    pub batches: PathBuf,
    /// Keep the state tree, to prove balances: executes every sealed batch once more, and keeps the state in memory twice.
    pub balance_proofs: bool,
    /// Answers that read files at a time.
    pub readers: usize,
    /// Answers that execute batches at a time.
    pub executors: usize,
    /// Batch files that are sent at a time.
    pub downloads: usize,
    /// Bytes of a submission's body.
    pub submission_bytes: usize,
}

impl NativeOptions {
    /// Sensible settings for the sealed batches in a folder.
    #[must_use]
    pub fn new(batches: impl Into<PathBuf>) -> Self {
        Self {
            batches: batches.into(),
            balance_proofs: true,
            readers: 4,
            executors: 1,
            downloads: 32,
            submission_bytes: 4 << 20,
        }
    }
}

/// The native API.
pub struct Native {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) lifecycle: Arc<dyn Lifecycle>,
    pub(crate) genesis: Genesis,
    pub(crate) index: BatchIndex,
    pub(crate) receipts: Receipts,
    pub(crate) balances: Option<Balances>,
    pub(crate) session_keys: SessionKeys,
    pub(crate) owner_times: OwnerTimes,
    pub(crate) hub: Arc<Hub>,
    pub(crate) downloads: Arc<Semaphore>,
    pub(crate) submission_bytes: usize,
    readers: Arc<Semaphore>,
    executors: Arc<Semaphore>,
}

/// What an answer needs a turn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Reading files, checking signatures.
    Read,
    /// Executing batches.
    Execute,
}

impl Native {
    /// Follows the exchange. Needs a Tokio runtime. What follows ends when the last reference is dropped.
    #[must_use]
    pub fn start(
        gateway: Arc<Gateway>,
        lifecycle: Arc<dyn Lifecycle>,
        genesis: &Genesis,
        options: NativeOptions,
    ) -> Arc<Self> {
        let hub = Hub::new();
        let native = Arc::new(Self {
            index: BatchIndex::new(options.batches),
            receipts: Receipts::default(),
            balances: options.balance_proofs.then(|| Balances::new(genesis)),
            session_keys: SessionKeys::new(),
            owner_times: OwnerTimes::new(),
            hub: Arc::clone(&hub),
            downloads: Arc::new(Semaphore::new(options.downloads)),
            submission_bytes: options.submission_bytes,
            readers: Arc::new(Semaphore::new(options.readers)),
            executors: Arc::new(Semaphore::new(options.executors)),
            genesis: *genesis,
            gateway,
            lifecycle,
        });
        balances::start(&native);
        hub.start(&native);
        native
    }

    /// Does something that waits, when it is its turn.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        turn: Turn,
        work: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let turns = match turn {
            Turn::Read => &self.readers,
            Turn::Execute => &self.executors,
        };
        let native = Arc::clone(self);
        let answer = async {
            let permit = Arc::clone(turns).acquire_owned().await;
            let permit = permit.map_err(|_| ApiError::internal("shutting down"))?;
            // The turn ends with the work, though nobody may wait for it any more.
            let done = spawn_blocking(move || {
                let _permit = permit;
                work(&native)
            });
            done.await.unwrap_or_else(|error| Err(ApiError::internal(error.to_string())))
        };
        let late = || ApiError::later("busy", "too much is asked for at once", 1);
        timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late()))
    }
}
