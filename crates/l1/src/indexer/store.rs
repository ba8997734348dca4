//! The index on disk. Everything in it names its block, so a block that is replaced takes exactly its own with it.

use std::path::{Path, PathBuf};

use alloy_primitives::{B256, LogData, keccak256};
use alloy_sol_types::SolEventInterface as _;
use contracts::bindings::Exchange::{Enqueued, ExchangeEvents};
use contracts::{QueueEntry, QueueHash};
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use settlement::BlockRef;

use super::{BatchSteps, IndexError, Indexed, Step};

/// Number: hash, parent's hash, time. From the final block on.
const BLOCKS: TableDefinition<u64, ([u8; 32], [u8; 32], u64)> = TableDefinition::new("blocks 1");
/// Block and place in it: the event, and the block's hash.
const EVENTS: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("events 1");
/// Position: where its event is, and the rolling hash after it.
const QUEUE: TableDefinition<u64, (u64, u64, [u8; 32])> = TableDefinition::new("queue 1");
/// What happened to a batch, with the claim's digest, the block's hash and time.
type StepRow = (u8, [u8; 32], [u8; 32], u64);
/// Batch, block and place in it.
const STEPS: TableDefinition<(u64, u64, u64), StepRow> = TableDefinition::new("steps 1");
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta 1");

const COMMITTED: u8 = 0;
const PROVED: u8 = 1;
const FINAL: u8 = 2;
const REVERTED: u8 = 3;

/// A block with its events, in order.
pub(super) struct BlockEvents {
    pub block: BlockRef,
    pub parent: [u8; 32],
    /// Seconds since 1970.
    pub timestamp: u64,
    pub events: Vec<(u64, LogData)>,
}

/// How far it is known that blocks stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks {
    pub safe: u64,
    /// Nothing at or below it is ever undone; `None` before the first.
    pub finalized: Option<BlockRef>,
}

#[derive(Serialize, Deserialize)]
struct StoredEvent {
    block: [u8; 32],
    topics: Vec<[u8; 32]>,
    data: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Store {
    database: Database,
}

impl Store {
    /// Opens or creates the index of one contract.
    pub fn open(path: &Path, identity: &[u8]) -> Result<Self, IndexError> {
        let database = Database::create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => IndexError::Busy { path: path.to_path_buf() },
            error => IndexError::Database(redb::Error::from(error).into()),
        })?;
        let write = database.begin_write()?;
        write.open_table(BLOCKS)?;
        write.open_table(EVENTS)?;
        write.open_table(QUEUE)?;
        write.open_table(STEPS)?;
        {
            let mut meta = write.open_table(META)?;
            let found = meta.get("identity")?.map(|found| found.value().to_vec());
            match found {
                None => {
                    meta.insert("identity", identity)?;
                }
                Some(found) if found == identity => {}
                Some(_) => return Err(IndexError::OtherContract { path: PathBuf::from(path) }),
            }
        }
        write.commit()?;
        Ok(Self { database })
    }

    pub fn marks(&self) -> Result<Marks, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(META)?;
        let Some(bytes) = table.get("marks")? else { return Ok(Marks::default()) };
        postcard::from_bytes(bytes.value()).map_err(|_| IndexError::Damaged { what: "the marks" })
    }

    /// The newest block.
    pub fn tip(&self) -> Result<Option<BlockRef>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(BLOCKS)?;
        Ok(table.last()?.map(|(number, block)| BlockRef { number: number.value(), hash: block.value().0 }))
    }

    pub fn block(&self, number: u64) -> Result<Option<BlockRef>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(BLOCKS)?;
        Ok(table.get(number)?.map(|block| BlockRef { number, hash: block.value().0 }))
    }

    /// Takes in the next blocks, all or none.
    pub fn apply(&self, blocks: &[BlockEvents]) -> Result<(), IndexError> {
        let write = self.database.begin_write()?;
        for block in blocks {
            write
                .open_table(BLOCKS)?
                .insert(block.block.number, (block.block.hash, block.parent, block.timestamp))?;
            for (place, data) in &block.events {
                apply_event(&write, block, *place, data)?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// Takes back every block after this one.
    pub fn rewind(&self, last_kept: u64) -> Result<(), IndexError> {
        self.rewind_from(last_kept + 1)
    }

    /// Takes back everything.
    pub fn rewind_all(&self) -> Result<(), IndexError> {
        self.rewind_from(0)
    }

    fn rewind_from(&self, first: u64) -> Result<(), IndexError> {
        let write = self.database.begin_write()?;
        {
            let mut blocks = write.open_table(BLOCKS)?;
            blocks.retain_in(first.., |_, _| false)?;
            let mut events = write.open_table(EVENTS)?;
            let mut queue = write.open_table(QUEUE)?;
            let mut steps = write.open_table(STEPS)?;
            for entry in events.range((first, 0_u64)..)? {
                let (key, bytes) = entry?;
                let (block, place) = key.value();
                match decode(bytes.value())?.1 {
                    Some(ExchangeEvents::Enqueued(event)) => {
                        queue.remove(event.position)?;
                    }
                    Some(event) => {
                        for batch in batches(&event) {
                            steps.remove((batch, block, place))?;
                        }
                    }
                    None => {}
                }
            }
            events.retain_in((first, 0_u64).., |_, _| false)?;
        }
        write.commit()?;
        Ok(())
    }

    /// Writes down how far blocks stay. Headers below the final block are of no use any more.
    pub fn mark(&self, marks: &Marks) -> Result<(), IndexError> {
        let write = self.database.begin_write()?;
        {
            let bytes =
                postcard::to_allocvec(marks).map_err(|_| IndexError::Damaged { what: "the marks" })?;
            write.open_table(META)?.insert("marks", &bytes[..])?;
            if let Some(finalized) = marks.finalized {
                write.open_table(BLOCKS)?.retain_in(..finalized.number, |_, _| false)?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// The queue after the last entry whose block is not above this one.
    pub fn queue(&self, up_to: u64) -> Result<QueueHash, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(QUEUE)?;
        // Entries above are few: those of blocks that are not as certain.
        for entry in table.iter()?.rev() {
            let (position, value) = entry?;
            let (block, _, hash) = value.value();
            if block <= up_to {
                return Ok(QueueHash { position: position.value() + 1, hash });
            }
        }
        Ok(QueueHash::default())
    }

    pub fn entries(
        &self,
        from: u64,
        up_to: u64,
        limit: usize,
    ) -> Result<Vec<Indexed<QueueEntry>>, IndexError> {
        let read = self.database.begin_read()?;
        let (queue, events) = (read.open_table(QUEUE)?, read.open_table(EVENTS)?);
        let mut entries = Vec::new();
        for entry in queue.range(from..)?.take(limit) {
            let (block, place, _) = entry?.1.value();
            if block > up_to {
                break;
            }
            let stored = events.get((block, place))?.ok_or(IndexError::Damaged { what: "an event" })?;
            let (hash, Some(ExchangeEvents::Enqueued(event))) = decode(stored.value())? else {
                return Err(IndexError::Damaged { what: "an event" });
            };
            let what = QueueEntry::from_event(&event)?;
            entries.push(Indexed { block: BlockRef { number: block, hash }, place, what });
        }
        Ok(entries)
    }

    pub fn events(&self, first: u64, last: u64) -> Result<Vec<Indexed<ExchangeEvents>>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(EVENTS)?;
        let mut events = Vec::new();
        for entry in table.range((first, 0)..=(last, u64::MAX))? {
            let (key, bytes) = entry?;
            let (number, place) = key.value();
            let (hash, Some(what)) = decode(bytes.value())? else { continue };
            events.push(Indexed { block: BlockRef { number, hash }, place, what });
        }
        Ok(events)
    }

    pub fn batch(&self, number: u64) -> Result<BatchSteps, IndexError> {
        let read = self.database.begin_read()?;
        let (table, events) = (read.open_table(STEPS)?, read.open_table(EVENTS)?);
        let mut batch = BatchSteps::default();
        for entry in table.range((number, 0, 0)..=(number, u64::MAX, u64::MAX))? {
            let (key, value) = entry?;
            let (kind, digest, hash, timestamp) = value.value();
            let step = Some(Step { block: BlockRef { number: key.value().1, hash }, timestamp });
            match kind {
                COMMITTED => {
                    let (_, block, place) = key.value();
                    let stored =
                        events.get((block, place))?.ok_or(IndexError::Damaged { what: "an event" })?;
                    let (_, Some(ExchangeEvents::BatchCommitted(event))) = decode(stored.value())? else {
                        return Err(IndexError::Damaged { what: "an event" });
                    };
                    let data_commitment = Some(event.dataCommitment.0);
                    batch = BatchSteps {
                        digest: Some(digest),
                        data_commitment,
                        committed: step,
                        ..BatchSteps::default()
                    };
                }
                PROVED => batch.proved = step,
                FINAL => batch.finalised = step,
                _ => batch = BatchSteps::default(),
            }
        }
        Ok(batch)
    }

    /// The last batch that is committed; zero when none is.
    pub fn last_committed(&self) -> Result<u64, IndexError> {
        let last = {
            let read = self.database.begin_read()?;
            let table = read.open_table(STEPS)?;
            table.last()?.map_or(0, |(key, _)| key.value().0)
        };
        for number in (1..=last).rev() {
            if self.batch(number)?.committed.is_some() {
                return Ok(number);
            }
        }
        Ok(0)
    }
}

fn apply_event(
    write: &WriteTransaction,
    block: &BlockEvents,
    place: u64,
    data: &LogData,
) -> Result<(), IndexError> {
    let number = block.block.number;
    let stored = StoredEvent {
        block: block.block.hash,
        topics: data.topics().iter().map(|topic| topic.0).collect(),
        data: data.data.to_vec(),
    };
    let bytes = postcard::to_allocvec(&stored).map_err(|_| IndexError::Damaged { what: "an event" })?;
    write.open_table(EVENTS)?.insert((number, place), &bytes[..])?;
    let Ok(event) = ExchangeEvents::decode_raw_log(data.topics(), &data.data) else { return Ok(()) };
    if let ExchangeEvents::Enqueued(event) = &event {
        return enqueue(write, number, place, event);
    }
    let (kind, digest) = match &event {
        ExchangeEvents::BatchCommitted(event) => (COMMITTED, keccak256(&event.claim).0),
        ExchangeEvents::BatchesProved(_) => (PROVED, [0; 32]),
        ExchangeEvents::BatchFinal(_) => (FINAL, [0; 32]),
        _ => (REVERTED, [0; 32]),
    };
    let mut steps = write.open_table(STEPS)?;
    for batch in batches(&event) {
        steps.insert((batch, number, place), (kind, digest, block.block.hash, block.timestamp))?;
    }
    Ok(())
}

/// The entry must be the next one, and hash as the statement says.
fn enqueue(write: &WriteTransaction, block: u64, place: u64, event: &Enqueued) -> Result<(), IndexError> {
    let mut queue = write.open_table(QUEUE)?;
    let before = queue
        .last()?
        .map(|(position, value)| QueueHash { position: position.value() + 1, hash: value.value().2 })
        .unwrap_or_default();
    let (entry, after) = before.take(event)?;
    queue.insert(entry.position, (block, place, after.hash))?;
    Ok(())
}

/// The batches that something happened to.
fn batches(event: &ExchangeEvents) -> std::ops::RangeInclusive<u64> {
    match event {
        ExchangeEvents::BatchCommitted(event) => event.batch..=event.batch,
        ExchangeEvents::BatchesProved(event) => event.first..=event.last,
        ExchangeEvents::BatchFinal(event) => event.batch..=event.batch,
        ExchangeEvents::BatchesReverted(event) => event.first..=event.last,
        #[expect(clippy::reversed_empty_ranges, reason = "none")]
        _ => 1..=0,
    }
}

/// The hash of an event's block, and the event if it is one that we know.
fn decode(bytes: &[u8]) -> Result<([u8; 32], Option<ExchangeEvents>), IndexError> {
    let stored: StoredEvent =
        postcard::from_bytes(bytes).map_err(|_| IndexError::Damaged { what: "an event" })?;
    let topics: Vec<B256> = stored.topics.iter().map(B256::from).collect();
    Ok((stored.block, ExchangeEvents::decode_raw_log(&topics, &stored.data).ok()))
}
