//! The shadow: executes every sealed batch again, on the state tree, and compares it with the engine event for event.
//!
//! Its result is the batch's claim and the witness that proves it. A disagreement means that the engine or the tree
//! store is wrong: sealing stops at once, and the exchange with it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use journal::SnapshotStore;
use rules::Genesis;
use state::{FullTree, HashCounts, Sha256Hash, StateTree};
use transition::{
    Authorisation, BatchInput, Claim, CommandsBlob, EventsLog, Native, SealedBatch, execute_batch,
};
use types::{AccountId, Event, Outcome, Sequenced, Timestamp};

use crate::Fault;
use crate::chunk::{Chunk, Item};
use crate::config::Config;
use crate::error::PanicGuard;
use crate::ingress::lock;
use crate::record::{encode_genesis, encode_snapshot};
use crate::stats::Counters;

/// Reports that are kept in memory.
pub(crate) const KEPT_REPORTS: usize = 1 << 16;

/// A command on which engine and shadow disagree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The batch.
    pub batch: u64,
    /// The first command on which they differ.
    pub command: Sequenced,
    /// What the engine says it did.
    pub engine: (Outcome, Vec<Event>),
    /// What the shadow says it does.
    pub shadow: (Outcome, Vec<Event>),
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { batch, command, engine, shadow } = self;
        let Sequenced { sequence, account, command, .. } = command;
        write!(
            f,
            "batch {batch}, command {sequence} of account {account}: {command:?}; engine: {engine:?}; shadow: \
             {shadow:?}"
        )
    }
}

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
    /// Making the witness and the file.
    pub seal: Duration,
    /// Its file, if it is kept.
    pub path: Option<PathBuf>,
}

/// The second executor and the batch it is collecting.
pub(crate) struct Shadow {
    pub tree: FullTree<Sha256Hash>,
    pending: Pending,
    batches_dir: Option<PathBuf>,
    /// Not the open files: a process may not have many.
    unsynced: Vec<PathBuf>,
    /// What a snapshot says of whose it is.
    identity: Vec<u8>,
}

/// A batch that is not sealed yet: its commands and what the engine did with them.
struct Pending {
    blob: CommandsBlob,
    next_sequence: u64,
    timestamp: Timestamp,
    outcomes: Vec<Outcome>,
    ends: Vec<usize>,
    events: Vec<Event>,
    streams: BTreeMap<AccountId, [u8; 64]>,
    owners: Vec<[u8; 65]>,
}

impl Pending {
    fn new(batch: u64, next_sequence: u64, timestamp: Timestamp) -> Self {
        Self::with_room(batch, next_sequence, timestamp, 0, 0)
    }

    /// A batch that will be about as large as another: growing vectors would copy them several times.
    fn with_room(
        batch: u64,
        next_sequence: u64,
        timestamp: Timestamp,
        commands: usize,
        events: usize,
    ) -> Self {
        Self {
            blob: CommandsBlob::new(batch, next_sequence, timestamp),
            next_sequence,
            timestamp,
            outcomes: Vec::with_capacity(commands),
            ends: Vec::with_capacity(commands),
            events: Vec::with_capacity(events),
            streams: BTreeMap::new(),
            owners: Vec::new(),
        }
    }
}

/// A submission's commands and signatures on their way into a batch.
pub(crate) struct Executed<'a> {
    pub commands: &'a [u8],
    pub count: u64,
    pub timestamp: Timestamp,
    pub streams: &'a [(AccountId, [u8; 64])],
    pub owner: Option<[u8; 65]>,
}

impl Shadow {
    /// A shadow whose next batch and command are these.
    pub fn new(
        tree: FullTree<Sha256Hash>,
        batch: u64,
        next_sequence: u64,
        timestamp: Timestamp,
        batches_dir: Option<PathBuf>,
        genesis: &Genesis,
    ) -> Self {
        let pending = Pending::new(batch, next_sequence, timestamp);
        let identity = encode_genesis(genesis);
        Self { tree, pending, batches_dir, unsynced: Vec::new(), identity }
    }

    /// The last command that is sealed, while no batch has begun.
    pub fn sealed_sequence(&self) -> u64 {
        (self.pending.next_sequence - 1).saturating_sub(self.pending.blob.count())
    }

    /// Adds what the engine did with one more command.
    pub fn expect(&mut self, outcome: Outcome, events: &[Event]) {
        self.pending.outcomes.push(outcome);
        self.pending.events.extend_from_slice(events);
        self.pending.ends.push(self.pending.events.len());
    }

    /// Adds a submission, whose results were added before.
    pub fn add(&mut self, executed: &Executed<'_>) {
        let pending = &mut self.pending;
        pending.blob.push_encoded(executed.commands, executed.count, executed.timestamp);
        pending.next_sequence += executed.count;
        pending.timestamp = executed.timestamp;
        pending.streams.extend(executed.streams.iter().copied());
        pending.owners.extend(executed.owner);
    }

    /// Executes the batch, compares, and writes it down.
    pub fn seal(&mut self, batch: u64) -> Result<BatchReport, Fault> {
        let next = Pending::with_room(
            batch + 1,
            self.pending.next_sequence,
            self.pending.timestamp,
            self.pending.outcomes.len(),
            self.pending.events.len(),
        );
        let Pending { blob, outcomes, ends, events, streams, owners, .. } =
            std::mem::replace(&mut self.pending, next);
        let fault = |why: String| Fault::Sealing { batch, why };
        let began = Instant::now();
        let commands = blob.finish();
        let previous_root = self.tree.start_recording();
        let hashes = self.tree.hashes();
        let engine = Engine { outcomes: &outcomes, ends: &ends, events: &events };
        let mut comparison = Comparison { engine, at: 0, disagreement: None, batch };
        // Hashes all leaves at the end, on all cores.
        let log = EventsLog::with_contents();
        let output = execute_batch::<_, Native>(&mut self.tree, &commands, None, log, &mut comparison)
            .map_err(|error| fault(error.to_string()))?;
        if let Some(disagreement) = comparison.disagreement {
            return Err(Fault::Disagreement(Box::new(disagreement)));
        }
        let hashes = self.tree.hashes().since(&hashes);
        let execute = began.elapsed();

        let began = Instant::now();
        let witness = self.tree.take_witness().map_err(|error| fault(error.to_string()))?.encode();
        let mut report = BatchReport {
            claim: output.claim,
            commands: outcomes.len() as u64,
            command_bytes: commands.len() as u64,
            witness_bytes: witness.len() as u64,
            signatures: (streams.len() + owners.len()) as u64,
            hashes,
            execute,
            seal: Duration::ZERO,
            path: None,
        };
        if let Some(dir) = &self.batches_dir {
            let authorisation = Authorisation { streams: streams.into_iter().collect(), owners };
            let input = BatchInput { previous_root, commands, authorisation, witness };
            let path = batch_path(dir, batch);
            let sealed = SealedBatch { claim: report.claim.clone(), input };
            sealed.write(&path).map_err(|error| fault(error.to_string()))?;
            self.unsynced.push(path.clone());
            report.path = Some(path);
        }
        report.seal = began.elapsed();
        Ok(report)
    }

    /// The state after the last sealed batch, in bytes.
    fn snapshot(&mut self) -> Vec<u8> {
        encode_snapshot(&self.identity, &self.tree.root(), &self.tree.to_snapshot())
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

/// What the engine did.
#[derive(Clone, Copy)]
struct Engine<'a> {
    outcomes: &'a [Outcome],
    ends: &'a [usize],
    events: &'a [Event],
}

/// Compares what the shadow does with what the engine did.
struct Comparison<'a> {
    engine: Engine<'a>,
    at: usize,
    disagreement: Option<Disagreement>,
    batch: u64,
}

impl transition::Observer for Comparison<'_> {
    fn command(&mut self, sequenced: &Sequenced, outcome: Outcome, events: &[Event]) {
        let at = self.at;
        self.at += 1;
        let Engine { outcomes, ends, events: all } = self.engine;
        // There are as many as commands: both come from the same groups.
        let start = if at == 0 { 0 } else { ends[at - 1] };
        let engine = (outcomes[at], &all[start..ends[at]]);
        if self.disagreement.is_none() && engine != (outcome, events) {
            self.disagreement = Some(Disagreement {
                batch: self.batch,
                command: sequenced.clone(),
                engine: (engine.0, engine.1.to_vec()),
                shadow: (outcome, events.to_vec()),
            });
        }
    }
}

/// The file of a batch in a directory.
fn batch_path(dir: &Path, batch: u64) -> PathBuf {
    dir.join(format!("{batch:012}.batch"))
}

/// The shadow's thread.
pub(crate) struct ShadowThread {
    pub shadow: Shadow,
    pub config: Config,
    pub snapshots: SnapshotStore,
    pub counters: Arc<Counters>,
    pub fault: Arc<Mutex<Option<Fault>>>,
    pub reports: Arc<Mutex<VecDeque<BatchReport>>>,
    pub chunks: Receiver<Chunk>,
    pub spare: Sender<Chunk>,
    /// Journal records below this index are in a snapshot.
    pub truncate: Sender<u64>,
    /// Batches since the last snapshot.
    pub unsnapshotted: u64,
}

impl ShadowThread {
    pub fn run(mut self) {
        let fault = Arc::clone(&self.fault);
        let _guard = PanicGuard::new("shadow", &fault);
        if let Some(core) = self.config.threads.shadow_core {
            core_affinity::set_for_current(core_affinity::CoreId { id: core });
        }
        while let Ok(mut chunk) = self.chunks.recv() {
            if let Err(fault) = self.chunk(&chunk) {
                lock(&self.fault).get_or_insert(fault);
                return;
            }
            chunk.clear();
            // Nobody waits for it.
            let _ = self.spare.try_send(chunk);
        }
    }

    fn chunk(&mut self, chunk: &Chunk) -> Result<(), Fault> {
        let mut results = chunk.results();
        for (place, item) in chunk.items.iter().enumerate() {
            match item {
                Item::Bundle { commands, count, timestamp, streams, owner, .. } => {
                    for (outcome, events) in results.by_ref().take(*count) {
                        self.shadow.expect(outcome, events);
                    }
                    self.shadow.add(&Executed {
                        commands: &chunk.records[commands.0..commands.1],
                        count: *count as u64,
                        timestamp: *timestamp,
                        streams,
                        owner: *owner,
                    });
                }
                Item::Seal { batch, .. } => {
                    let report = self.shadow.seal(*batch)?;
                    self.report(report);
                    self.unsnapshotted += 1;
                    // Only at the end of a group commit is the journal's chain hash known.
                    let due = self.unsnapshotted >= self.config.snapshot_every;
                    if due && place + 1 == chunk.items.len() {
                        self.snapshot(*batch, chunk.journal_end)?;
                        self.unsnapshotted = 0;
                    }
                }
                Item::Subscribe { .. } => {}
            }
        }
        Ok(())
    }

    fn report(&mut self, report: BatchReport) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.counters.shadow_execute_ns.fetch_add(nanos(report.execute), Ordering::Relaxed);
        self.counters.shadow_seal_ns.fetch_add(nanos(report.seal), Ordering::Relaxed);
        self.counters.batches.fetch_add(1, Ordering::Relaxed);
        let commands = report.commands;
        self.counters.sealed_sequence.store(report.claim.last_sequence, Ordering::Relaxed);
        let mut reports = lock(&self.reports);
        while reports.len() >= KEPT_REPORTS {
            reports.pop_front();
        }
        reports.push_back(report);
        drop(reports);
        self.counters.sealed.fetch_add(commands, Ordering::Release);
    }

    fn snapshot(&mut self, batch: u64, (index, chain): (u64, journal::ChainHash)) -> Result<(), Fault> {
        let fault = |why: String| Fault::Sealing { batch, why };
        self.shadow.sync_batches().map_err(|error| fault(error.to_string()))?;
        let body = self.shadow.snapshot();
        self.snapshots.write(index, chain, &body).map_err(|error| fault(error.to_string()))?;
        let keep = NonZeroUsize::MIN.saturating_add(self.config.older_snapshots);
        self.snapshots.prune(keep).map_err(|error| fault(error.to_string()))?;
        // The oldest snapshot that is kept still needs its journal.
        let oldest = self.snapshots.list().map_err(|error| fault(error.to_string()))?;
        if let Some(oldest) = oldest.iter().min() {
            let _ = self.truncate.send(*oldest);
        }
        Ok(())
    }
}
