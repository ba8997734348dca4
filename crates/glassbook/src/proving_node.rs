//! The part of a node that has its batches proved: follows the sealed batches of a data directory, forms jobs, serves
//! workers.
//!
//! The batch files themselves are the memory: what no job covers yet is found again after a crash.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use exchange::batch_path;
use proving::protocol::auth::Gate;
use proving::{
    BatchSet, Cancellation, FormationPolicy, Former, Manager, Millis, Settings, SubmitError, SubmitOptions,
    Work, WorkerId,
};
use transition::SealedBatch;
use verifier::{Proof, ProofKind};

use crate::prove::Keys;

/// How often the folder is looked into.
const LOOK: Duration = Duration::from_millis(200);

/// What an operator decides about proving.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Where workers come to.
    pub listen: SocketAddr,
    /// What is made of every batch.
    pub kind: ProofKind,
    /// How batches become jobs.
    pub formation: FormationPolicy,
    /// How jobs are queued and workers chosen.
    pub settings: Settings,
    /// What proofs are checked with.
    pub keys: Keys,
    /// How each job is to be done.
    pub submit: SubmitOptions,
}

/// A data directory whose batches are proved.
pub struct ProvingNode {
    /// The queue.
    pub manager: Arc<Manager>,
    /// Where workers come to.
    pub address: SocketAddr,
    progress: Arc<Progress>,
    stop: Cancellation,
    threads: Vec<JoinHandle<Result<()>>>,
}

/// How far it is.
#[derive(Debug, Default)]
struct Progress {
    /// Batches that were seen.
    seen: AtomicU64,
    /// All batches up to this one are proved (or executed, when that was asked for).
    done_batch: AtomicU64,
    /// All commands up to this one.
    done_sequence: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl ProvingNode {
    /// Opens the queue of a data directory and begins.
    ///
    /// # Errors
    /// When the queue's directory or the address cannot be used.
    pub fn start(data: &Path, options: NodeOptions) -> Result<Self> {
        let dir = data.join("proving");
        let keys = options.keys;
        let check = Box::new(move |proof: &Proof| keys.check(proof));
        let manager = Manager::open(&dir, options.settings.clone(), check)?;
        let manager = Arc::new(manager);
        let gate = Arc::new(Mutex::new(Gate::new([], Millis::now())));
        let workers = dir.join("workers");
        if !workers.exists() {
            fs::write(&workers, WORKERS_HELP).with_context(|| workers.display().to_string())?;
        }
        let stop = Cancellation::default();
        let progress = Arc::new(Progress::default());
        let listener = TcpListener::bind(options.listen)
            .with_context(|| format!("cannot listen on {}; choose another --listen", options.listen))?;
        let address = listener.local_addr()?;

        let server = {
            let (manager, gate, stop) = (Arc::clone(&manager), Arc::clone(&gate), stop.clone());
            thread::spawn(move || Ok(proving::protocol::serve(manager, gate, listener, &stop)?))
        };
        let follower = Follower {
            // From here on, who makes jobs of batches is the follower.
            covered: manager.covered(options.kind),
            batches: data.join("batches"),
            workers,
            manager: Arc::clone(&manager),
            gate,
            former: Former::new(options.formation),
            pending: None,
            options,
            progress: Arc::clone(&progress),
            stop: stop.clone(),
            next: 1,
        };
        let follower = thread::spawn(move || follower.run());
        Ok(Self { manager, address, progress, stop, threads: vec![server, follower] })
    }

    /// The last batch and command before which everything is proved.
    #[must_use]
    pub fn done(&self) -> (u64, u64) {
        (
            self.progress.done_batch.load(Ordering::Relaxed),
            self.progress.done_sequence.load(Ordering::Relaxed),
        )
    }

    /// Batches that were seen in the folder.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.progress.seen.load(Ordering::Relaxed)
    }

    /// What keeps the node from going on, if anything does.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.progress.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets requests in flight end, and stops. Workers go on by themselves and come back.
    ///
    /// # Errors
    /// When a part had failed.
    pub fn stop(self) -> Result<()> {
        self.stop.cancel();
        for thread in self.threads {
            match thread.join() {
                Ok(ended) => ended?,
                Err(_) => bail!("a thread of the proving node panicked"),
            }
        }
        Ok(())
    }
}

const WORKERS_HELP: &str = "\
# The workers that may take jobs: one id a line, as `prover-sp1 worker-key` prints it. Words after the id are for people.
# Changes count at once.
";

/// Follows the folder of sealed batches.
struct Follower {
    batches: PathBuf,
    workers: PathBuf,
    manager: Arc<Manager>,
    gate: Arc<Mutex<Gate>>,
    former: Former<SealedBatch>,
    /// A job that the queue has not taken yet.
    pending: Option<Work>,
    options: NodeOptions,
    progress: Arc<Progress>,
    stop: Cancellation,
    /// The batches that had a proof or a job when the node was started.
    covered: BatchSet,
    /// The next batch to look for.
    next: u64,
}

impl Follower {
    fn run(mut self) -> Result<()> {
        let mut known = String::new();
        while !self.stop.is_cancelled() {
            if let Ok(text) = fs::read_to_string(&self.workers)
                && text != known
            {
                self.allow(&text);
                known = text;
            }
            let result = self.look();
            let trouble = result.err().map(|error| format!("{error:#}")).or_else(|| self.manager.stuck());
            *self.progress.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
            thread::sleep(LOOK);
        }
        Ok(())
    }

    fn allow(&self, text: &str) {
        let ids =
            text.lines().filter_map(|line| line.split_whitespace().next()).filter(|id| !id.starts_with('#'));
        let allowed: BTreeSet<WorkerId> = ids.filter_map(|id| id.parse().ok()).collect();
        self.gate.lock().unwrap_or_else(PoisonError::into_inner).allow(allowed);
    }

    /// Takes what is new, and looks how far the proofs are.
    fn look(&mut self) -> Result<()> {
        // While the queue is full, batches wait in their files.
        while self.hand_in()? {
            let number = self.next;
            let path = batch_path(&self.batches, number);
            let group = if self.covered.contains(number) {
                self.former.take()
            } else if path.exists() {
                let batch = SealedBatch::read(&path).with_context(|| path.display().to_string())?;
                let commands = batch.claim.last_sequence - batch.claim.first_sequence + 1;
                self.former.push(batch, commands, Millis::now()).unwrap_or_default()
            } else {
                break;
            };
            self.next += 1;
            self.progress.seen.store(number, Ordering::Relaxed);
            self.form(group)?;
        }
        if self.pending.is_none()
            && let Some(group) = self.former.poll(self.manager.load(), Millis::now())
        {
            self.form(group)?;
            self.hand_in()?;
        }
        self.count()
    }

    /// Makes a job of batches. It is kept until the queue has it.
    fn form(&mut self, batches: Vec<SealedBatch>) -> Result<()> {
        if !batches.is_empty() {
            self.pending = Some(Work::new(batches, self.options.kind)?);
        }
        Ok(())
    }

    /// Hands in the job that waits, if one does. False while the queue is full.
    fn hand_in(&mut self) -> Result<bool> {
        let Some(work) = &self.pending else { return Ok(true) };
        match self.manager.submit(work, self.options.submit.clone()) {
            Ok(_) => self.pending = None,
            Err(SubmitError::Full { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// How far everything is proved.
    fn count(&self) -> Result<()> {
        let last = self.manager.done(self.options.kind).complete_to();
        let before = self.progress.done_batch.load(Ordering::Relaxed);
        if last > before {
            let path = batch_path(&self.batches, last);
            let batch = SealedBatch::read(&path).with_context(|| path.display().to_string())?;
            self.progress.done_sequence.store(batch.claim.last_sequence, Ordering::Relaxed);
            self.progress.done_batch.store(last, Ordering::Relaxed);
        }
        Ok(())
    }
}
