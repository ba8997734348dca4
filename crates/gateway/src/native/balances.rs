//! Proofs of balances: the state tree after a recent batch, kept by executing sealed batches one after another.
//!
//! One tree follows the last final batch (the last sealed one where nothing becomes final): the state by which a contract
//! pays. Another is made from it for batches that are sealed and not final.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use exchange::batch_path;
use rules::Genesis;
use state::{FullTree, Sha256Hash, StateTree as _};
use transition::{Claim, EventsLog, Native as Crypto, SealedBatch, balance_key, execute_batch, genesis};
use types::{AccountId, AssetId};

use super::{ApiError, Native};

/// Batches that one request may execute.
const AHEAD: u64 = 64;
/// Between two looks for another batch.
const PAUSE: Duration = Duration::from_millis(200);

/// The state after a batch.
#[derive(Clone)]
struct Tree {
    batch: u64,
    tree: FullTree<Sha256Hash>,
}

#[derive(Default)]
struct Trees {
    follows: Option<Tree>,
    ahead: Option<Tree>,
}

/// The state trees.
pub(crate) struct Balances {
    trees: Mutex<Trees>,
    /// Where the first tree is.
    at: AtomicU64,
    fault: Mutex<Option<String>>,
}

/// A balance's proof, encoded.
pub(crate) struct Proved {
    pub claim: Claim,
    /// In the order of the assets that were asked for.
    pub proofs: Vec<Vec<u8>>,
}

impl Balances {
    /// With the state before the first batch.
    pub fn new(start: &Genesis) -> Self {
        let mut tree = FullTree::new();
        let (follows, fault) = match genesis(&mut tree, start) {
            Ok(_) => (Some(Tree { batch: 0, tree }), None),
            Err(error) => (None, Some(format!("the first state: {error}"))),
        };
        let trees = Mutex::new(Trees { follows, ahead: None });
        Self { trees, at: AtomicU64::new(0), fault: Mutex::new(fault) }
    }

    /// Proves what an account has of assets, after a batch or the newest that is followed. `last` is the last sealed batch.
    pub fn prove(
        &self,
        native: &Native,
        account: AccountId,
        assets: &[AssetId],
        batch: Option<u64>,
    ) -> Result<Proved, ApiError> {
        if let Some(fault) = self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(ApiError::internal(format!("balances cannot be proved: {fault}")));
        }
        let (at, aim, last) = (self.at.load(Ordering::Relaxed), target(native), native.index.last());
        if at + AHEAD < aim {
            let message = format!("the state is being rebuilt: {at} of {aim} batches are executed");
            return Err(ApiError::later("catching_up", message, 5));
        }
        let batch = batch.unwrap_or(aim);
        if batch == 0 {
            let message = "no batch is final yet (nor sealed, where nothing becomes final)";
            return Err(ApiError::not_found("no_batch", message, "try again when one is, or name a batch"));
        }
        if batch > last {
            let message = format!("batch {batch} is not sealed; the last one is {last}");
            return Err(ApiError::not_found("unknown_batch", message, "leave the batch away"));
        }
        let mut trees = self.lock();
        let Trees { follows, ahead } = &mut *trees;
        let Some(follows) = follows.as_mut() else {
            return Err(ApiError::internal("balances cannot be proved"));
        };
        let tree = match batch.cmp(&follows.batch) {
            std::cmp::Ordering::Equal => follows,
            std::cmp::Ordering::Less => {
                let message = format!(
                    "the state after batch {batch} is not kept any more, only from {} on",
                    follows.batch
                );
                let remedy = "leave the batch away, or make the proof from the published batches: glassbook balance proof";
                return Err(ApiError::new(axum::http::StatusCode::GONE, "batch_too_old", message, remedy));
            }
            std::cmp::Ordering::Greater => {
                let fits = |tree: &&mut Tree| (follows.batch..=batch).contains(&tree.batch);
                let from = ahead.as_mut().filter(fits).map_or(follows.batch, |tree| tree.batch);
                if batch - from > AHEAD {
                    let message = format!("batch {batch} is {} batches ahead", batch - from);
                    return Err(ApiError::later("catching_up", message, 1));
                }
                if ahead.as_mut().filter(fits).is_none() {
                    *ahead = Some(follows.clone());
                }
                let tree = ahead.get_or_insert_with(|| follows.clone());
                while tree.batch < batch {
                    tree.advance(native).map_err(ApiError::internal)?;
                }
                tree
            }
        };
        let claim = native.index.claim(batch).filter(|claim| claim.state_root == tree.tree.root());
        let claim = claim.ok_or_else(|| ApiError::internal(format!("batch {batch} cannot be read")))?;
        let proofs = assets.iter().map(|asset| {
            let proof = tree.tree.prove(balance_key(account, *asset));
            proof.map(|proof| proof.encode()).map_err(|error| ApiError::internal(error.to_string()))
        });
        Ok(Proved { claim, proofs: proofs.collect::<Result<_, _>>()? })
    }

    /// One batch further, if there is one; whether there was.
    fn follow(&self, native: &Native) -> Result<bool, String> {
        let aim = target(native);
        let mut trees = self.lock();
        let Trees { follows, ahead } = &mut *trees;
        let Some(follows) = follows.as_mut().filter(|tree| tree.batch < aim) else { return Ok(false) };
        match ahead.take_if(|tree| tree.batch == follows.batch + 1) {
            Some(tree) => *follows = tree,
            None => follows.advance(native)?,
        }
        ahead.take_if(|tree| tree.batch <= follows.batch);
        self.at.store(follows.batch, Ordering::Relaxed);
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, Trees> {
        self.trees.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the batches until the API ends or a batch is not true.
    pub fn run(native: &Weak<Native>) {
        loop {
            let Some(native) = native.upgrade() else { return };
            let Some(balances) = &native.balances else { return };
            match balances.follow(&native) {
                Ok(true) => {}
                Ok(false) => {
                    drop(native);
                    std::thread::sleep(PAUSE);
                }
                Err(why) => {
                    tracing::error!(why, "balances cannot be proved any more");
                    *balances.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                    return;
                }
            }
        }
    }
}

/// The batch that the first tree is to be at.
fn target(native: &Native) -> u64 {
    native.lifecycle.progress().last_final.unwrap_or_else(|| native.index.last())
}

impl Tree {
    /// Executes the next batch. Its signatures are not looked at: the root decides.
    fn advance(&mut self, native: &Native) -> Result<(), String> {
        let number = self.batch + 1;
        let wrong = |why: String| format!("batch {number}: {why}");
        let path = batch_path(native.index.dir(), number);
        let sealed = SealedBatch::read(&path).map_err(|error| wrong(error.to_string()))?;
        if sealed.input.previous_root != self.tree.root() {
            return Err(wrong("it does not follow the one before".to_string()));
        }
        let log = EventsLog::root_only();
        let output = execute_batch::<_, Crypto>(&mut self.tree, &sealed.input.commands, None, log, &mut ());
        let output = output.map_err(|error| wrong(error.to_string()))?;
        if output.claim.state_root != sealed.claim.state_root {
            return Err(wrong("it does not execute to the state that it claims".to_string()));
        }
        self.batch = number;
        Ok(())
    }
}

/// Starts the thread that follows.
pub(crate) fn start(native: &Arc<Native>) {
    if native.balances.is_none() {
        return;
    }
    let weak = Arc::downgrade(native);
    let started = std::thread::Builder::new().name("state proofs".into()).spawn(move || Balances::run(&weak));
    if let (Err(error), Some(balances)) = (started, &native.balances) {
        let mut fault = balances.fault.lock().unwrap_or_else(PoisonError::into_inner);
        *fault = Some(format!("no thread can be started: {error}"));
    }
}
