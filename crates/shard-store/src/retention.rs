//! Which blocks are kept, and giving up the others.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

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
    /// How many bytes of shards they had on disk.
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
            let folder = self.layout().block(number);
            let published_at = match self.find(BlockId::Number(number)) {
                Ok(stored) => stored.record.published_at,
                Err(StoreError::DamagedHead { .. }) => made_at(&folder),
                Err(StoreError::NoSuchBlock) => continue,
                Err(error) => return Err(error),
            };
            if !folder.exists() {
                // Pruned by another process just now.
                continue;
            }
            let length = fs::metadata(folder.join("shards")).map_or(0, |file| file.len());
            blocks += 1;
            bytes = bytes.saturating_add(length);
            let age = Duration::from_millis(now.saturating_sub(published_at));
            let outside = retention.blocks.is_some_and(|limit| blocks > limit)
                || retention.bytes.is_some_and(|limit| bytes > limit)
                || retention.age.is_some_and(|limit| age > limit);
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

    /// Forgets a block, shards and record, as though it had never been published: its number is free for another. Only for a
    /// block that nobody relies on. Whether it was there.
    ///
    /// # Errors
    /// [`StoreError::DamagedHead`] where the record does not say which block it was, and those of the file system. Withdrawing it
    /// again finishes what was begun.
    pub fn withdraw(&self, number: u64) -> Result<bool, StoreError> {
        let layout = self.layout();
        let _lock = WriteLock::acquire(&layout.lock())?;
        self.clear_partial()?;
        self.forget(number);
        let commitment = match self.find(BlockId::Number(number)) {
            Ok(stored) => stored.record.commitment(),
            Err(StoreError::NoSuchBlock) => return Ok(false),
            Err(error) => return Err(error),
        };
        // The name first: a block without one is found by its number yet.
        if self.number_of(&commitment).is_ok_and(|named| named == number) {
            remove(&layout.commitment(&commitment))?;
        }
        remove(&layout.header(number))?;
        let block = layout.block(number);
        if block.exists() {
            durable::rename(&block, &layout.partial().join("withdrawn"))?;
            block.parent().map_or(Ok(()), durable::sync_folder)?;
        }
        self.forget(number);
        self.clear_partial()?;
        Ok(true)
    }

    /// The record is on disk before the shards go. If it is damaged, it is kept as it is: it still says that the number is taken.
    fn prune_block(&self, number: u64) -> Result<(), StoreError> {
        let layout = self.layout();
        let _lock = WriteLock::acquire(&layout.lock())?;
        self.clear_partial()?;
        self.forget(number);
        let block = layout.block(number);
        if !block.exists() {
            return Ok(());
        }
        let (partial, header) = (layout.partial().join("record"), layout.header(number));
        if let Some(group) = header.parent() {
            durable::create_folder(group)?;
        }
        let stored = match self.find(BlockId::Number(number)) {
            Ok(stored) => Some(stored),
            Err(StoreError::DamagedHead { .. }) => None,
            Err(error) => return Err(error),
        };
        let head = block.join("head");
        match stored {
            Some(Stored { record, has_shards: true }) => {
                durable::write_new(&partial, [&record.encode()[..]])?;
                durable::rename(&partial, &header)?;
            }
            // An earlier pruning left it, or left a damaged one.
            Some(_) => {}
            None if header.exists() => {}
            None if head.is_file() => durable::rename(&head, &header)?,
            None => durable::write_new(&header, [])?,
        }
        // Away in one step; what is left in `partial` by a crash is cleared by the next writer.
        durable::rename(&block, &layout.partial().join("pruned"))?;
        if let Some(group) = block.parent() {
            durable::sync_folder(group)?;
            // Fails unless it was the last of its group, and then whoever lists blocks has a folder less to read.
            let _ = fs::remove_dir(group);
        }
        self.forget(number);
        self.clear_partial()
    }
}

/// Removes a file, if it is there; it is durably gone afterwards.
fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(StoreError::at(path)(error)),
        Ok(()) => path.parent().map_or(Ok(()), durable::sync_folder),
    }
}

/// When a folder was last changed, in milliseconds since 1970: about when the block was published whose record cannot be read.
fn made_at(folder: &Path) -> u64 {
    let changed = fs::metadata(folder).and_then(|folder| folder.modified()).ok();
    let since = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
