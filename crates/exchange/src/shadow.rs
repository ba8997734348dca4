//! The shadow: executes every batch again, on the state tree, and compares it with the engine event for event.
//!
//! A disagreement means that the engine or the tree store is wrong: sealing stops at once, and the exchange with it.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use rules::Genesis;
use state::{FullTree, Sha256Hash, StateTree};
use transition::{Native, Signatures, execute_on_tree};
use types::{Event, Outcome, Sequenced, Timestamp};

use crate::Fault;
use crate::chunk::{Chunk, Item};
use crate::config::Config;
use crate::error::PanicGuard;
use crate::ingress::lock;
use crate::pending::{Pending, Submitted};
use crate::record::{encode_genesis, encode_snapshot};
use crate::sealer::{ExecutedBatch, Job, Snapshot};

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

/// The second executor and the batch it is collecting.
pub(crate) struct Shadow {
    pub tree: FullTree<Sha256Hash>,
    pub pending: Pending,
    /// What a snapshot says of whose it is.
    identity: Vec<u8>,
}

impl Shadow {
    /// A shadow whose next batch and command are these.
    pub fn new(
        tree: FullTree<Sha256Hash>,
        batch: u64,
        next_sequence: u64,
        timestamp: Timestamp,
        genesis: &Genesis,
    ) -> Self {
        let pending = Pending::new(batch, next_sequence, timestamp);
        Self { tree, pending, identity: encode_genesis(genesis) }
    }

    /// The last command that is sealed.
    pub fn sealed_sequence(&self) -> u64 {
        self.pending.last_before()
    }

    /// Ends the batch, executes it and compares.
    pub fn execute(&mut self, batch: u64) -> Result<ExecutedBatch, Fault> {
        let began = Instant::now();
        let collected = self.pending.finish(batch);
        let fault = |why: String| Fault::Sealing { batch, why };
        self.tree.start_recording();
        let hashes = self.tree.hashes();
        let engine = collected.engine.iter().flat_map(|stretch| stretch.results());
        let signatures = Signatures::CheckedAt(&collected.streams);
        let mut comparison = Comparison { engine, disagreement: None, batch };
        let executed =
            execute_on_tree::<_, Native>(&mut self.tree, &collected.commands, signatures, &mut comparison)
                .map_err(|error| fault(error.to_string()))?;
        let disagreement = comparison.disagreement.take();
        drop(comparison);
        if let Some(disagreement) = disagreement {
            return Err(Fault::Disagreement(Box::new(disagreement)));
        }
        let hashes = self.tree.hashes().since(&hashes);
        let witness = self.tree.take_witness().map_err(|error| fault(error.to_string()))?;
        Ok(ExecutedBatch { collected, executed, witness, hashes, execute: began.elapsed() })
    }

    /// The state after the last executed batch, in bytes.
    fn snapshot(&mut self) -> Vec<u8> {
        encode_snapshot(&self.identity, &self.tree.root(), &self.tree.to_snapshot())
    }
}

/// Compares what the shadow does with what the engine did.
struct Comparison<I> {
    engine: I,
    disagreement: Option<Disagreement>,
    batch: u64,
}

impl<'e, I: Iterator<Item = (Outcome, &'e [Event])>> transition::Observer for Comparison<I> {
    fn command(&mut self, sequenced: &Sequenced, outcome: Outcome, events: &[Event]) {
        let engine = self.engine.next().expect("commands and results come from the same groups");
        if engine != (outcome, events) && self.disagreement.is_none() {
            self.disagreement = Some(Disagreement {
                batch: self.batch,
                command: sequenced.clone(),
                engine: (engine.0, engine.1.to_vec()),
                shadow: (outcome, events.to_vec()),
            });
        }
    }
}

/// The shadow's thread.
pub(crate) struct ShadowThread {
    pub shadow: Shadow,
    pub config: Config,
    pub fault: Arc<Mutex<Option<Fault>>>,
    pub chunks: Receiver<Chunk>,
    pub sealer: Sender<Job>,
    /// Ends when the sealer does.
    pub sealer_ended: Receiver<()>,
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
        while let Ok(chunk) = self.chunks.recv() {
            if let Err(fault) = self.chunk(&Arc::new(chunk)) {
                // Whoever learns of the fault finds everything before it sealed.
                drop(self.sealer);
                let _ = self.sealer_ended.recv();
                lock(&self.fault).get_or_insert(fault);
                return;
            }
        }
    }

    fn chunk(&mut self, chunk: &Arc<Chunk>) -> Result<(), Fault> {
        let mut at = 0;
        for (place, item) in chunk.items.iter().enumerate() {
            match item {
                Item::Bundle { commands, count, timestamp, streams, after, owner, .. } => {
                    let submitted = Submitted {
                        commands: &chunk.records[commands.0..commands.1],
                        count: *count as u64,
                        timestamp: *timestamp,
                        streams,
                        after,
                        owner: *owner,
                    };
                    self.shadow.pending.add(chunk, at, &submitted);
                    at += *count;
                }
                Item::Seal { batch, .. } => {
                    let executed = self.shadow.execute(*batch)?;
                    // When the sealer has stopped there is a fault, and nothing new comes in.
                    let _ = self.sealer.send(Job::Seal(Box::new(executed)));
                    self.unsnapshotted += 1;
                    // Only at the end of a group commit is the journal's chain hash known.
                    let due = self.unsnapshotted >= self.config.snapshot_every;
                    if due && place + 1 == chunk.items.len() {
                        let (body, journal_end) = (self.shadow.snapshot(), chunk.journal_end);
                        let _ =
                            self.sealer.send(Job::Snapshot(Snapshot { batch: *batch, body, journal_end }));
                        self.unsnapshotted = 0;
                    }
                }
                Item::Subscribe { .. } => {}
            }
        }
        Ok(())
    }
}
