//! Which blocks are kept, and giving up the others.

use std::time::Duration;

use crate::durable::{self, WriteLock};
use crate::layout;
use crate::{BlockId, Store, StoreError, Stored};

/// What is kept. A block outside any of the limits is pruned; the newest never is. Without limits everything is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// So many blocks.
    pub blocks: Option<u64>,
    /// Blocks whose shards have so many bytes together.
    pub bytes: Option<u64>,
    /// Blocks that were published so long ago.
    pub age: Option<Duration>,
}

/// What pruning did.
#[derive(Debug, Default)]
pub struct Pruned {
    /// The blocks whose shards were given up, oldest first.
    pub blocks: Vec<u64>,
    /// How many bytes of shards they had.
    pub bytes: u64,
    /// Blocks that could not be pruned, and why.
    pub failed: Vec<(u64, StoreError)>,
}

impl Store {
    /// Gives up the shards of blocks that are not to be kept, oldest first; their records stay. `now` is in milliseconds since
    /// 1970.
    ///
    /// # Errors
    /// When the file system fails. A block that cannot be pruned does not keep others from it.
    pub fn prune(&self, retention: &Retention, now: u64) -> Result<Pruned, StoreError> {
        let mut pruned = Pruned::default();
        let (mut blocks, mut bytes) = (0, 0u64);
        let mut given_up = Vec::new();
        for number in layout::numbers(&self.layout().blocks(), 0, usize::MAX)?.into_iter().rev() {
            let (length, published_at) = match self.find(BlockId::Number(number)) {
                Ok(Stored { record, has_shards: true }) => {
                    (record.shards_length()?, Some(record.published_at))
                }
                // Pruned by another process just now.
                Ok(_) | Err(StoreError::NoSuchBlock) => continue,
                Err(StoreError::DamagedHead { .. }) => (0, None),
                Err(error) => return Err(error),
            };
            blocks += 1;
            bytes = bytes.saturating_add(length);
            let age = published_at.map(|at| Duration::from_millis(now.saturating_sub(at)));
            let outside = retention.blocks.is_some_and(|limit| blocks > limit)
                || retention.bytes.is_some_and(|limit| bytes > limit)
                || retention.age.is_some_and(|limit| age.is_some_and(|age| age > limit));
            if outside && blocks > 1 {
                given_up.push((number, length));
            }
        }
        for (number, length) in given_up.into_iter().rev() {
            match self.prune_block(number) {
                Ok(()) => {
                    pruned.blocks.push(number);
                    pruned.bytes += length;
                }
                Err(error) => pruned.failed.push((number, error)),
            }
        }
        Ok(pruned)
    }

    /// The record is on disk before the shards go.
    fn prune_block(&self, number: u64) -> Result<(), StoreError> {
        let layout = self.layout();
        let _lock = WriteLock::acquire(&layout.lock())?;
        self.clear_partial()?;
        self.forget(number);
        let head = match self.head(number) {
            Err(StoreError::Pruned { .. } | StoreError::NoSuchBlock) => return Ok(()),
            head => head?,
        };
        let (partial, header) = (layout.partial().join("record"), layout.header(number));
        if let Some(group) = header.parent() {
            durable::create_folder(group)?;
        }
        durable::write_new(&partial, [&head.record.encode()[..]])?;
        durable::rename(&partial, &header)?;
        // Away in one step; what is left in `partial` by a crash is cleared by the next writer.
        let block = layout.block(number);
        durable::rename(&block, &layout.partial().join("pruned"))?;
        block.parent().map_or(Ok(()), durable::sync_folder)?;
        self.forget(number);
        self.clear_partial()
    }
}
