//! The sealer: makes the roots of an executed batch, writes its file, and takes snapshots.
//!
//! It works behind the shadow, so that the shadow executes a batch while the one before is being sealed. It needs no
//! tree; what it hashes are the engine's own events, after the shadow has found them to be its own.

use std::collections::VecDeque;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use journal::SnapshotStore;
use state::{HashCounts, Sha256Hash, Witness};
use transition::{BatchInput, Claim, EventsLog, Executed, Native, SealedBatch, commands_root};

use crate::Fault;
use crate::chunk::Chunk;
use crate::error::PanicGuard;
use crate::ingress::lock;
use crate::pending::Collected;
use crate::stats::{Counters, add_since};

/// Reports that are kept in memory.
pub(crate) const KEPT_REPORTS: usize = 1 << 16;

/// A sealed batch in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchReport {
    /// What it claims.
    pub claim: Claim,
    /// Commands in it.
    pub commands: u64,
    /// Bytes to publish.
    pub command_bytes: u64,
    /// Bytes of its witness.
    pub witness_bytes: u64,
    /// Signatures in it.
    pub signatures: u64,
    /// Tree hashes to make its new root.
    pub hashes: HashCounts,
    /// Executing on the tree.
    pub execute: Duration,
    /// Making the roots, the witness and the file.
    pub seal: Duration,
    /// Its file, if it is kept.
    pub path: Option<PathBuf>,
}

/// A batch that the shadow has executed and found to be what the engine did.
pub(crate) struct ExecutedBatch {
    pub collected: Collected,
    pub executed: Executed,
    pub witness: Witness,
    pub hashes: HashCounts,
    pub execute: Duration,
}

/// Writes batches down.
pub(crate) struct Sealer {
    batches_dir: Option<PathBuf>,
    /// Not the open files: a process may not have many.
    unsynced: Vec<PathBuf>,
    scratch: Scratch,
}

/// Memory that every batch uses again: fresh pages cost about as much as what is written into them.
struct Scratch {
    log: EventsLog,
    witness: Vec<u8>,
    file: Vec<u8>,
}

impl Sealer {
    pub fn new(batches_dir: Option<PathBuf>) -> Self {
        let scratch = Scratch { log: EventsLog::root_only(), witness: Vec::new(), file: Vec::new() };
        Self { batches_dir, unsynced: Vec::new(), scratch }
    }

    /// Makes the claim, and writes the batch down.
    pub fn seal(&mut self, batch: &mut ExecutedBatch) -> Result<BatchReport, Fault> {
        let began = Instant::now();
        let ExecutedBatch { collected, executed, witness, hashes, execute } = batch;
        let Scratch { log, witness: encoded, file } = &mut self.scratch;
        let results = collected.engine.iter().flat_map(|stretch| stretch.results());
        for (sequence, (outcome, events)) in (executed.first_sequence..).zip(results) {
            log.push::<Sha256Hash>(sequence, outcome, events);
        }
        let commands = std::mem::take(&mut collected.commands);
        let authorisation = std::mem::take(&mut collected.authorisation);
        let claim =
            executed.claim::<Native>(commands_root::<Sha256Hash>(&commands), log.take_root::<Sha256Hash>());
        let mut encoded = std::mem::take(encoded);
        encoded.clear();
        witness.encode_into(&mut encoded);
        let mut report = BatchReport {
            claim,
            commands: collected.count,
            command_bytes: commands.len() as u64,
            witness_bytes: encoded.len() as u64,
            signatures: (authorisation.streams.len() + authorisation.owners.len()) as u64,
            hashes: *hashes,
            execute: *execute,
            seal: Duration::ZERO,
            path: None,
        };
        let previous_root = executed.previous_root;
        let input = BatchInput { previous_root, commands, authorisation, witness: encoded };
        let sealed = SealedBatch { claim: report.claim.clone(), input };
        if let Some(dir) = &self.batches_dir {
            let number = executed.anchor.batch;
            let path = batch_path(dir, number);
            sealed.write_with(&path, file).map_err(|error| fault(number, &error))?;
            self.unsynced.push(path.clone());
            report.path = Some(path);
        }
        self.scratch.witness = sealed.input.witness;
        report.seal = began.elapsed();
        Ok(report)
    }

    /// Makes the batch files durable: before a snapshot makes their journal records superfluous.
    fn sync_batches(&mut self) -> std::io::Result<()> {
        for path in self.unsynced.drain(..) {
            match File::open(&path).and_then(|file| file.sync_all()) {
                // Somebody has moved it away.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                synced => synced?,
            }
        }
        match &self.batches_dir {
            Some(dir) => File::open(dir)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn fault(batch: u64, why: &impl ToString) -> Fault {
    Fault::Sealing { batch, why: why.to_string() }
}

/// What the shadow hands to the sealer's thread.
pub(crate) enum Job {
    Seal(Box<ExecutedBatch>),
    Snapshot(Snapshot),
}

/// The state after a batch, and the end of the journal there.
pub(crate) struct Snapshot {
    pub batch: u64,
    pub body: Vec<u8>,
    pub journal_end: (u64, journal::ChainHash),
}

/// The file of a sealed batch in a folder of them.
#[must_use]
pub fn batch_path(dir: &Path, batch: u64) -> PathBuf {
    dir.join(format!("{batch:012}.batch"))
}

/// The sealer's thread.
pub(crate) struct SealerThread {
    pub sealer: Sealer,
    pub snapshots: SnapshotStore,
    /// Snapshots to keep, besides the newest.
    pub older_snapshots: usize,
    pub counters: Arc<Counters>,
    pub fault: Arc<Mutex<Option<Fault>>>,
    pub reports: Arc<Mutex<VecDeque<BatchReport>>>,
    pub jobs: Receiver<Job>,
    pub spare: Sender<Chunk>,
    /// Journal records below this index are in a snapshot.
    pub truncate: Sender<u64>,
    /// Dropped at the end: everything handed over is sealed then, or there is a fault.
    pub ended: Sender<()>,
}

impl SealerThread {
    pub fn run(mut self) {
        let fault = Arc::clone(&self.fault);
        let _guard = PanicGuard::new("sealer", &fault);
        while let Ok(job) = self.jobs.recv() {
            let done = match job {
                Job::Seal(batch) => self.seal(*batch),
                Job::Snapshot(snapshot) => self.snapshot(&snapshot),
            };
            if let Err(fault) = done {
                lock(&self.fault).get_or_insert(fault);
                return;
            }
        }
        drop(self.ended);
    }

    fn seal(&mut self, mut batch: ExecutedBatch) -> Result<(), Fault> {
        let start = Instant::now();
        let report = self.sealer.seal(&mut batch)?;
        let execute = u64::try_from(report.execute.as_nanos()).unwrap_or(u64::MAX);
        self.counters.shadow_execute_ns.fetch_add(execute, Ordering::Relaxed);
        add_since(&self.counters.shadow_seal_ns, start);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        self.counters.sealed_sequence.store(report.claim.last_sequence, Ordering::Relaxed);
        let commands = report.commands;
        let mut reports = lock(&self.reports);
        while reports.len() >= KEPT_REPORTS {
            reports.pop_front();
        }
        reports.push_back(report);
        drop(reports);
        self.counters.sealed.fetch_add(commands, Ordering::Release);
        for stretch in batch.collected.engine {
            // A group in which a batch ended early is shared with the next one.
            if let Some(mut chunk) = Arc::into_inner(stretch.chunk) {
                chunk.clear();
                // Nobody waits for it.
                let _ = self.spare.try_send(chunk);
            }
        }
        Ok(())
    }

    fn snapshot(&mut self, snapshot: &Snapshot) -> Result<(), Fault> {
        let Snapshot { batch, body, journal_end: (index, chain) } = snapshot;
        let batch = *batch;
        self.sealer.sync_batches().map_err(|error| fault(batch, &error))?;
        self.snapshots.write(*index, *chain, body).map_err(|error| fault(batch, &error))?;
        let keep = NonZeroUsize::MIN.saturating_add(self.older_snapshots);
        self.snapshots.prune(keep).map_err(|error| fault(batch, &error))?;
        // The oldest snapshot that is kept still needs its journal.
        let oldest = self.snapshots.list().map_err(|error| fault(batch, &error))?;
        if let Some(oldest) = oldest.iter().min() {
            let _ = self.truncate.send(*oldest);
        }
        Ok(())
    }
}
