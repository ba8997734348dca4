//! A batch that is being collected: its commands and signatures, and the groups that say what the engine did with them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use transition::{Authorisation, CommandsBlob, Stream};
use types::{AccountId, Event, Outcome, Timestamp};

use crate::chunk::Chunk;

/// A batch that is not sealed yet.
pub(crate) struct Pending {
    blob: CommandsBlob,
    next_sequence: u64,
    timestamp: Timestamp,
    commands: u64,
    engine: Vec<Stretch>,
    signatures: BTreeMap<AccountId, [u8; 64]>,
    streams: BTreeMap<AccountId, Stream>,
    owners: Vec<[u8; 65]>,
}

/// A batch whose last command is in.
pub(crate) struct Collected {
    /// The bytes to publish.
    pub commands: Vec<u8>,
    pub count: u64,
    /// What the engine did with them.
    pub engine: Vec<Stretch>,
    pub authorisation: Authorisation,
    /// Where the streams are after the batch, by the signatures that ingress checked.
    pub streams: BTreeMap<AccountId, Stream>,
}

/// A submission's commands and signatures on their way into a batch.
pub(crate) struct Submitted<'a> {
    pub commands: &'a [u8],
    pub count: u64,
    pub timestamp: Timestamp,
    pub streams: &'a [(AccountId, [u8; 64])],
    /// Where those streams are after it.
    pub after: &'a [(AccountId, Stream)],
    pub owner: Option<[u8; 65]>,
}

/// Commands of one group that belong to one batch. The group is shared, not copied: its events are large.
pub(crate) struct Stretch {
    pub chunk: Arc<Chunk>,
    pub commands: Range<usize>,
}

impl Pending {
    pub fn new(batch: u64, next_sequence: u64, timestamp: Timestamp) -> Self {
        Self {
            blob: CommandsBlob::new(batch, next_sequence, timestamp),
            next_sequence,
            timestamp,
            commands: 0,
            engine: Vec::new(),
            signatures: BTreeMap::new(),
            streams: BTreeMap::new(),
            owners: Vec::new(),
        }
    }

    /// The last command before the batch.
    pub fn last_before(&self) -> u64 {
        (self.next_sequence - 1).saturating_sub(self.commands)
    }

    /// Adds a submission, whose first command is the group's `place`th.
    pub fn add(&mut self, chunk: &Arc<Chunk>, place: usize, submitted: &Submitted<'_>) {
        self.blob.push_encoded(submitted.commands, submitted.count, submitted.timestamp);
        self.next_sequence += submitted.count;
        self.timestamp = submitted.timestamp;
        self.commands += submitted.count;
        self.signatures.extend(submitted.streams.iter().copied());
        self.streams.extend(submitted.after.iter().copied());
        self.owners.extend(submitted.owner);
        let end = place + usize::try_from(submitted.count).unwrap_or(usize::MAX);
        match self.engine.last_mut() {
            Some(last) if Arc::ptr_eq(&last.chunk, chunk) => last.commands.end = end,
            _ => self.engine.push(Stretch { chunk: Arc::clone(chunk), commands: place..end }),
        }
    }

    /// Ends the batch, and begins the next one.
    pub fn finish(&mut self, batch: u64) -> Collected {
        let next = Self::new(batch + 1, self.next_sequence, self.timestamp);
        let Self { blob, commands, engine, signatures, streams, owners, .. } = std::mem::replace(self, next);
        let authorisation = Authorisation { streams: signatures.into_iter().collect(), owners };
        Collected { commands: blob.finish(), count: commands, engine, authorisation, streams }
    }
}

impl Stretch {
    /// What the engine did, command by command.
    pub fn results(&self) -> impl Iterator<Item = (Outcome, &[Event])> {
        self.chunk.results(self.commands.clone())
    }
}
