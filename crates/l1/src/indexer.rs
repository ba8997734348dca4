//! The events of the exchange's contract, by block, on disk.
//!
//! Below the final block events are fetched by ranges, in whatever length the node allows. Above it every block is followed by
//! its hash: its parent must be the block before, and its events are asked for by its hash. When the chain takes another
//! branch, the blocks that left it go, with all that was in them; what was final must stay, or everything stops.
//!
//! Each step is one transaction of the database: a crash at any moment leaves the index of some block.

mod store;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use alloy::rpc::types::Log;
use alloy_primitives::Address;
use contracts::bindings::Exchange::ExchangeEvents;
use contracts::{QueueEntry, QueueError, QueueHash};
use settlement::{BlockRef, Fault};
use thiserror::Error;
use tokio::sync::Mutex;

use crate::client::{Block, Client, ClientError, Heads};
use store::{BlockEvents, Marks, Store};

/// How often the chain may change its mind while it is followed.
const TRIES: usize = 5;
/// Blocks in one transaction of the database.
const GROUP: usize = 64;

/// Blocks whose events are in memory together.
const WINDOW: u64 = 10_000;

/// Why there is no index.
#[derive(Debug, Error)]
pub enum IndexError {
    /// The node.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The node is behind what was final before. Another node, or the same after a restart: it will come.
    #[error("the node is at block {latest}, and block {finalized} was final")]
    NodeBehind {
        /// The node's newest block.
        latest: u64,
        /// The final block here.
        finalized: u64,
    },
    /// The chain moves faster than it is followed.
    #[error("the chain changed its mind again and again while it was followed")]
    Unsettled,
    /// What was final is no longer on the chain. Nothing here knows what to do then.
    #[error("block {number} was final with hash {ours}, and the chain now has {theirs}")]
    FinalChanged {
        /// The final block.
        number: u64,
        /// Its hash here.
        ours: String,
        /// Its hash there.
        theirs: String,
    },
    /// The queue's entries are not what the statement says.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// Another process has it open.
    #[error("{} is open in another process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// It is the index of another contract.
    #[error("{} is the index of another contract", path.display())]
    OtherContract {
        /// The file.
        path: PathBuf,
    },
    /// The database.
    #[error("the index: {0}")]
    Database(Box<redb::Error>),
    /// What was written does not decode.
    #[error("the index is damaged: {what} does not decode; delete it and it is made again")]
    Damaged {
        /// What.
        what: &'static str,
    },
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for IndexError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}

from_redb!(TransactionError, TableError, StorageError, CommitError);

impl IndexError {
    /// In settlement's terms.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let lasting = |remedy: &str| Fault::Lasting { why: self.to_string(), remedy: remedy.to_string() };
        match self {
            Self::Client(error) => error.fault(),
            Self::FinalChanged { .. } => lasting(
                "check the node; if the chain is right, delete the index and compare batches and deposits with it",
            ),
            Self::Queue(_) => lasting("check the contract's address and version"),
            Self::OtherContract { .. } => lasting("check the data directory and the contract's address"),
            Self::Damaged { .. } => lasting("delete the index"),
            _ => Fault::Passing(self.to_string()),
        }
    }
}

/// How certain something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confirmation {
    /// It is in a block.
    Latest,
    /// It most likely stays.
    Safe,
    /// It stays.
    Finalized,
}

/// Something with its place on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed<T> {
    /// The block.
    pub block: BlockRef,
    /// The event's place in the block.
    pub place: u64,
    /// What it is.
    pub what: T,
}

/// When something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The block that did it.
    pub block: BlockRef,
    /// The block's time, in seconds since 1970.
    pub timestamp: u64,
}

/// What the contract has done with a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchSteps {
    /// `keccak256` of the claim that is committed.
    pub digest: Option<[u8; 32]>,
    /// The commitment to its data that was committed with it.
    pub data_commitment: Option<[u8; 32]>,
    /// When it was committed.
    pub committed: Option<Step>,
    /// When it was proved; when its proof was replaced, the time of the newest.
    pub proved: Option<Step>,
    /// When it was made final.
    pub finalised: Option<Step>,
}

/// How an index is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexerOptions {
    /// The block that made the contract, or one before it.
    pub from_block: u64,
    /// The most blocks that events are asked for at once; halved as often as the node refuses.
    pub longest_range: u64,
}

impl Default for IndexerOptions {
    /// From the first block, 2,000 blocks at once.
    fn default() -> Self {
        Self { from_block: 0, longest_range: 2_000 }
    }
}

/// The index of one contract. One process at a time.
#[derive(Debug)]
pub struct Indexer {
    client: Client,
    exchange: Address,
    options: IndexerOptions,
    store: Store,
    /// The range that the node accepted last.
    range: AtomicU64,
    /// One follows at a time.
    following: Mutex<()>,
}

impl Indexer {
    /// Opens or creates the index of a contract.
    ///
    /// # Errors
    /// When the file cannot be used, or is of another contract or chain.
    pub fn open(
        path: &Path,
        client: Client,
        exchange: Address,
        options: IndexerOptions,
    ) -> Result<Self, IndexError> {
        let identity = [&client.chain_id().to_be_bytes()[..], exchange.as_slice()].concat();
        let store = Store::open(path, &identity)?;
        let range = AtomicU64::new(options.longest_range.max(1));
        Ok(Self { client, exchange, options, store, range, following: Mutex::new(()) })
    }

    /// Brings the index to the chain's newest block. Returns where the chain was.
    ///
    /// # Errors
    /// When the node does not answer, what was final has changed, or the queue's entries are not in order.
    pub async fn follow(&self) -> Result<Heads, IndexError> {
        let _one = self.following.lock().await;
        for _ in 0..TRIES {
            let heads = self.client.heads().await?;
            if self.follow_to(&heads).await? {
                return Ok(heads);
            }
        }
        Err(IndexError::Unsettled)
    }

    /// The newest block in the index.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tip(&self) -> Result<Option<BlockRef>, IndexError> {
        self.store.tip()
    }

    /// The number of the block up to which things are so certain; as of the last [`Indexer::follow`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn height(&self, confirmation: Confirmation) -> Result<u64, IndexError> {
        Ok(match confirmation {
            Confirmation::Latest => self.store.tip()?.map_or(0, |tip| tip.number),
            Confirmation::Safe => self.store.marks()?.safe,
            Confirmation::Finalized => self.store.marks()?.finalized.map_or(0, |block| block.number),
        })
    }

    /// The queue's entries from a position on, as far as they are so certain.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn entries(
        &self,
        from: u64,
        confirmation: Confirmation,
        limit: usize,
    ) -> Result<Vec<Indexed<QueueEntry>>, IndexError> {
        self.store.entries(from, self.height(confirmation)?, limit)
    }

    /// The queue's length and rolling hash, as far as they are so certain.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn queue(&self, confirmation: Confirmation) -> Result<QueueHash, IndexError> {
        self.store.queue(self.height(confirmation)?)
    }

    /// Takes the contract's events in some blocks, both ends included, oldest first. Those of a few blocks are in memory at a time.
    ///
    /// # Errors
    /// When the database cannot be read, or `take` fails.
    pub fn each_event<E: From<IndexError>>(
        &self,
        first: u64,
        last: u64,
        mut take: impl FnMut(Indexed<ExchangeEvents>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (first, last) in windows(first, last) {
            self.events(first, last)?.into_iter().try_for_each(&mut take)?;
        }
        Ok(())
    }

    /// The contract's events in some blocks, both ends included.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn events(&self, first: u64, last: u64) -> Result<Vec<Indexed<ExchangeEvents>>, IndexError> {
        self.store.events(first, last)
    }

    /// What the contract has done with a batch.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn batch(&self, number: u64) -> Result<BatchSteps, IndexError> {
        self.store.batch(number)
    }

    /// The last batch that is committed; zero when none is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_committed(&self) -> Result<u64, IndexError> {
        self.store.last_committed()
    }

    /// Whether the index is at these heads. The chain may change its mind in between.
    async fn follow_to(&self, heads: &Heads) -> Result<bool, IndexError> {
        let marks = self.store.marks()?;
        self.rewind(heads, &marks).await?;
        let mut next = self.store.tip()?.map(|tip| tip.number + 1);
        if next.unwrap_or(0) <= heads.finalized.number {
            let first = next.unwrap_or(self.options.from_block);
            if !self.fetch_final(first, &heads.finalized).await? {
                return Ok(false);
            }
            next = Some(heads.finalized.number + 1);
        }
        if !self.follow_branch(next.unwrap_or(0), &heads.latest).await? {
            return Ok(false);
        }
        let finalized = heads.finalized.reference();
        let marks = Marks {
            safe: heads.safe.number,
            finalized: marks.finalized.filter(|before| before.number > finalized.number).or(Some(finalized)),
        };
        if marks != self.store.marks()? {
            self.store.mark(&marks)?;
        }
        Ok(true)
    }

    /// Takes back what is not on the chain any more.
    async fn rewind(&self, heads: &Heads, marks: &Marks) -> Result<(), IndexError> {
        let Some(tip) = self.store.tip()? else { return Ok(()) };
        if let Some(finalized) = marks.finalized
            && heads.latest.number < finalized.number
        {
            return Err(IndexError::NodeBehind { latest: heads.latest.number, finalized: finalized.number });
        }
        let mut kept = tip;
        loop {
            let theirs = match kept.number.cmp(&heads.latest.number) {
                std::cmp::Ordering::Greater => None,
                std::cmp::Ordering::Equal => Some(heads.latest),
                std::cmp::Ordering::Less => self.client.block(kept.number).await?,
            };
            if theirs.is_some_and(|theirs| theirs.hash.0 == kept.hash) {
                break;
            }
            if marks.finalized.is_some_and(|finalized| kept.number <= finalized.number) {
                return Err(IndexError::FinalChanged {
                    number: kept.number,
                    ours: alloy_primitives::B256::from(kept.hash).to_string(),
                    theirs: theirs.map_or("none".to_string(), |theirs| theirs.hash.to_string()),
                });
            }
            match kept.number.checked_sub(1).map(|number| self.store.block(number)).transpose()?.flatten() {
                Some(before) => kept = before,
                // Nothing was final yet: it all begins again.
                None => return self.store.rewind_all(),
            }
        }
        if kept != tip {
            self.store.rewind(kept.number)?;
        }
        Ok(())
    }

    /// The events of final blocks, by ranges.
    async fn fetch_final(&self, first: u64, finalized: &Block) -> Result<bool, IndexError> {
        let mut first = first;
        while first <= finalized.number {
            let range = self.range.load(Ordering::Relaxed);
            let last = finalized.number.min(first.saturating_add(range - 1));
            let logs = match self.client.logs(self.exchange, first, last).await {
                Ok(logs) => logs,
                Err(ClientError::Node { .. }) if range > 1 => {
                    self.range.store(range / 2, Ordering::Relaxed);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            self.range
                .store(range.saturating_mul(2).min(self.options.longest_range.max(1)), Ordering::Relaxed);
            let Some(blocks) = self.final_blocks(last, finalized, logs).await? else { return Ok(false) };
            self.store.apply(&blocks)?;
            first = last + 1;
        }
        if self.store.tip()?.is_none_or(|tip| tip.number < finalized.number) {
            self.store.apply(&[with_events(finalized, Vec::new())?])?;
        }
        Ok(true)
    }

    /// The blocks that have events, and the range's last one, so that it is known how far the index is.
    async fn final_blocks(
        &self,
        last: u64,
        finalized: &Block,
        logs: Vec<Log>,
    ) -> Result<Option<Vec<BlockEvents>>, IndexError> {
        let mut by_block = std::collections::BTreeMap::<u64, Vec<Log>>::from([(last, Vec::new())]);
        for log in logs {
            let number = log.block_number.unwrap_or_default();
            by_block.entry(number).or_default().push(log);
        }
        let mut blocks = Vec::with_capacity(by_block.len());
        for (number, logs) in by_block {
            let block =
                if number == finalized.number { Some(*finalized) } else { self.client.block(number).await? };
            let Some(block) = block else { return Ok(None) };
            if logs.iter().any(|log| log.block_hash != Some(block.hash)) {
                return Ok(None);
            }
            blocks.push(with_events(&block, logs)?);
        }
        Ok(Some(blocks))
    }

    /// The blocks from here to the newest, each by its hash.
    async fn follow_branch(&self, first: u64, latest: &Block) -> Result<bool, IndexError> {
        let mut parent = match first.checked_sub(1) {
            None => None,
            Some(number) => self.store.block(number)?.map(|block| block.hash),
        };
        let mut group = Vec::new();
        for number in first..=latest.number {
            let block =
                if number == latest.number { Some(*latest) } else { self.client.block(number).await? };
            let Some(block) = block else { return Ok(false) };
            if parent.is_some_and(|parent| parent != block.parent.0) {
                // What was read so far was on the chain a moment ago; the next try takes it back if it must.
                self.store.apply(&group)?;
                return Ok(false);
            }
            let logs = if block.may_have_events_of(self.exchange) {
                self.client.logs_in(self.exchange, block.hash).await?
            } else {
                Vec::new()
            };
            if logs.iter().any(|log| log.block_hash != Some(block.hash)) {
                return Ok(false);
            }
            group.push(with_events(&block, logs)?);
            if group.len() == GROUP {
                self.store.apply(&group)?;
                group.clear();
            }
            parent = Some(block.hash.0);
        }
        if !group.is_empty() {
            self.store.apply(&group)?;
        }
        Ok(true)
    }
}

fn with_events(block: &Block, mut logs: Vec<Log>) -> Result<BlockEvents, IndexError> {
    logs.sort_by_key(|log| log.log_index);
    let events = logs
        .into_iter()
        .map(|log| {
            let place =
                log.log_index.ok_or_else(|| ClientError::Answer("an event has no place".to_string()))?;
            Ok((place, log.inner.data))
        })
        .collect::<Result<Vec<_>, ClientError>>()?;
    Ok(BlockEvents { block: block.reference(), parent: block.parent.0, timestamp: block.timestamp, events })
}

/// Blocks from `first` to `last` in parts, in order.
fn windows(first: u64, last: u64) -> impl Iterator<Item = (u64, u64)> {
    let end = move |first: u64| first.saturating_add(WINDOW - 1).min(last);
    let begin = (first <= last).then_some(first);
    let begins =
        std::iter::successors(begin, move |first| end(*first).checked_add(1).filter(|next| *next <= last));
    begins.map(move |first| (first, end(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_every_block_once_and_none_has_many() {
        for (first, last) in
            [(0, 0), (1, WINDOW), (1, WINDOW + 1), (7, 25_000), (u64::MAX - WINDOW, u64::MAX)]
        {
            let all: Vec<_> = windows(first, last).collect();
            assert_eq!((all[0].0, all[all.len() - 1].1), (first, last));
            assert!(all.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{all:?}");
            assert!(all.iter().all(|(first, last)| first <= last && last - first < WINDOW), "{all:?}");
        }
        assert_eq!(windows(5, 4).count(), 0);
    }
}
