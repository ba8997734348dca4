//! Publishing blocks, and reading them.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use availability::{Commitment, Encoded, Sample, leaf_hash};

use crate::durable::{self, WriteLock};
use crate::head::{MAX_HEAD, damaged};
use crate::layout::{self, Layout};
use crate::recent::Recent;
use crate::{Head, Record, StoreError};

/// What the marker says.
const MARKER: &[u8] = b"glassbook shard store 1\n";
/// Where it is written first.
const NEW_MARKER: &str = "STORE.new";

/// So many more numbers are looked at together than blocks are to be listed.
const PAGE: usize = 64;

/// A folder of blocks. Any number of processes may read and write it at a time.
#[derive(Debug)]
pub struct Store {
    layout: Layout,
    recent: Recent,
}

/// How a block is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockId {
    /// By its number, which its publisher chose.
    Number(u64),
    /// By its commitment.
    Commitment(Commitment),
}

/// A block, and whether its shards are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What names it.
    pub record: Record,
    /// Whether its shards were kept.
    pub has_shards: bool,
}

/// What publishing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The block is there now.
    Published,
    /// It was there, whole.
    AlreadyThere,
    /// It was there, damaged, and is whole now.
    Restored,
}

impl Store {
    /// Opens a store; makes one where there is none.
    ///
    /// # Errors
    /// When the folder holds something else, or the file system fails.
    pub fn create(dir: &Path) -> Result<Self, StoreError> {
        durable::create_folder(dir)?;
        let layout = Layout { dir: dir.to_path_buf() };
        if !layout.marker().exists() {
            let others = fs::read_dir(dir).map_err(StoreError::at(dir))?;
            let begun = ["LOCK", NEW_MARKER];
            let strange = |entry: &fs::DirEntry| !begun.iter().any(|name| entry.file_name() == *name);
            // Another process may have made a store of it just now.
            if others.filter_map(Result::ok).any(|entry| strange(&entry)) && !layout.marker().exists() {
                return Err(StoreError::NotAStore { dir: dir.to_path_buf() });
            }
            let _lock = WriteLock::acquire(&layout.lock())?;
            let new = dir.join(NEW_MARKER);
            durable::write_new(&new, [MARKER])?;
            durable::rename(&new, &layout.marker())?;
        }
        Self::open(dir)
    }

    /// Opens a store that is there, for reading or writing.
    ///
    /// # Errors
    /// [`StoreError::NotAStore`].
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let layout = Layout { dir: dir.to_path_buf() };
        match read_at_most(&layout.marker(), MARKER.len() as u64 + 1) {
            Ok(marker) if marker == MARKER => Ok(Self { layout, recent: Recent::default() }),
            _ => Err(StoreError::NotAStore { dir: dir.to_path_buf() }),
        }
    }

    /// Publishes a block: it is durable, and there for every reader, when this returns. Publishing it again restores what was
    /// damaged or pruned of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the number was published with another commitment, [`StoreError::DiskFull`], and others of the
    /// file system; the store is then as it was.
    pub fn publish(
        &self,
        number: u64,
        claim_digest: Option<[u8; 32]>,
        published_at: u64,
        encoded: &Encoded,
    ) -> Result<Outcome, StoreError> {
        let header = encoded.header();
        let record = Record { number, published_at, claim_digest, header: *header };
        let head = Head { record, combination: encoded.combination().clone(), tree: encoded.tree().clone() };
        let _lock = WriteLock::acquire(&self.layout.lock())?;
        self.clear_partial()?;
        self.forget(number);
        let commitment = header.commitment();
        match self.stored(number) {
            Ok(stored) if stored.record.commitment() != commitment => {
                return Err(StoreError::Conflict { number, kept: stored.record.commitment() });
            }
            Ok(_) | Err(StoreError::NoSuchBlock) => {}
            // The record does not say any more which block it was: its shards do, or its name.
            Err(StoreError::DamagedHead { .. }) if self.holds(&head) => {}
            Err(StoreError::DamagedHead { .. }) => {
                if let Some(kept) = self.other_name(number, &commitment)? {
                    return Err(StoreError::Conflict { number, kept });
                }
            }
            Err(error) => return Err(error),
        }
        let there = self.layout.block(number).exists();
        if there && self.damaged(number).is_ok_and(|damaged| damaged.is_empty()) {
            if self.is_named(&commitment) {
                return Ok(Outcome::AlreadyThere);
            }
            self.name(number, &commitment)?;
            return Ok(Outcome::Restored);
        }
        let written = self.stage(&head, encoded).and_then(|()| self.put_in_place(number, there));
        self.forget(number);
        // Also where it failed: a full disk needs the space.
        let cleared = self.clear_partial();
        written.and(cleared)?;
        Ok(if there { Outcome::Restored } else { Outcome::Published })
    }

    /// Writes everything beside its place, and its name.
    fn stage(&self, head: &Head, encoded: &Encoded) -> Result<(), StoreError> {
        let number = head.record.number;
        let (partial, block) = (self.layout.partial(), self.layout.block(number));
        let new = partial.join("block");
        fs::create_dir(&new).map_err(StoreError::at(&new))?;
        durable::write_new(&new.join("shards"), encoded.shards())?;
        durable::write_new(&new.join("head"), [&head.encode()[..]])?;
        durable::sync_folder(&new)?;

        if let Some(group) = block.parent() {
            durable::create_folder(group)?;
        }
        self.name(number, &head.record.commitment())
    }

    /// Moves a staged block to its place. What stood there goes to `partial` first, under a name from which
    /// [`Store::clear_partial`] puts it back if the staged one does not get there.
    fn put_in_place(&self, number: u64, there: bool) -> Result<(), StoreError> {
        let block = self.layout.block(number);
        if there {
            durable::rename(&block, &self.layout.replaced(number))?;
        }
        durable::rename(&self.layout.partial().join("block"), &block)
    }

    /// A block's record.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBlock`], [`StoreError::DamagedHead`], and those of the file system.
    pub fn find(&self, id: BlockId) -> Result<Stored, StoreError> {
        match id {
            BlockId::Number(number) => self.stored(number),
            BlockId::Commitment(commitment) => {
                let stored = self.stored(self.number_of(&commitment)?)?;
                // The name may be of a block whose publication was cut short, and whose number then went to another.
                if stored.record.commitment() == commitment {
                    Ok(stored)
                } else {
                    Err(StoreError::NoSuchBlock)
                }
            }
        }
    }

    /// At most `limit` blocks from number `from` on, ascending. Blocks that cannot be read are left out.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn list(&self, from: u64, limit: usize) -> Result<Vec<Stored>, StoreError> {
        let (mut found, mut next) = (Vec::new(), Some(from));
        while let Some(from) = next.filter(|_| found.len() < limit) {
            // Some more than are due, as some may be left out.
            let page = (limit - found.len()).saturating_add(PAGE);
            let mut numbers = layout::numbers(&self.layout.blocks(), from, page)?;
            numbers.extend(layout::numbers(&self.layout.headers(), from, page)?);
            next = if numbers.len() < page {
                None
            } else {
                numbers.iter().nth(page - 1).and_then(|last| last.checked_add(1))
            };
            for number in numbers.into_iter().take(page) {
                match self.stored(number) {
                    Ok(stored) => found.push(stored),
                    Err(StoreError::NoSuchBlock | StoreError::DamagedHead { .. }) => {}
                    Err(error) => return Err(error),
                }
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// The numbers of all blocks that have shards, ascending.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn numbers(&self) -> Result<Vec<u64>, StoreError> {
        Ok(layout::numbers(&self.layout.blocks(), 0, usize::MAX)?.into_iter().collect())
    }

    /// The numbers of all blocks of which a record is kept after they were pruned, ascending.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn pruned_numbers(&self) -> Result<Vec<u64>, StoreError> {
        Ok(layout::numbers(&self.layout.headers(), 0, usize::MAX)?.into_iter().collect())
    }

    /// The largest number of a block.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn newest(&self) -> Result<Option<u64>, StoreError> {
        Ok(layout::newest(&self.layout.blocks())?.max(layout::newest(&self.layout.headers())?))
    }

    /// What is needed to serve a block's shards.
    ///
    /// # Errors
    /// [`StoreError::Pruned`], [`StoreError::NoSuchBlock`], [`StoreError::DamagedHead`], and those of the file system.
    pub fn head(&self, number: u64) -> Result<Arc<Head>, StoreError> {
        if let Some(head) = self.recent.get(number) {
            // Another process may have withdrawn it since, and its number may have gone to another.
            match self.stored(number) {
                Ok(stored) if stored.record.commitment() != head.record.commitment() => self.forget(number),
                _ => return Ok(head),
            }
        }
        let path = self.layout.block(number).join("head");
        let bytes = match read_at_most(&path, MAX_HEAD) {
            Err(error) if error.is_missing() => return Err(self.without_shards(number)),
            bytes => bytes.map_err(StoreError::unreadable)?,
        };
        let head = Head::decode(&bytes).map_err(damaged(&path))?;
        if head.record.number != number {
            return Err(damaged(&path)("the head of another block"));
        }
        let head = Arc::new(head);
        self.recent.put(&head);
        Ok(head)
    }

    /// A shard, as it was published.
    ///
    /// # Errors
    /// [`StoreError::NoSuchShard`], [`StoreError::DamagedShard`], [`StoreError::Pruned`], and those of the file system.
    pub fn shard(&self, head: &Head, index: usize) -> Result<Vec<u8>, StoreError> {
        let Record { number, header, .. } = &head.record;
        let (number, total) = (*number, header.parameters.total());
        let Some(leaf) = head.tree.leaves().get(index) else {
            return Err(StoreError::NoSuchShard { number, index, total });
        };
        let mut file = self.shards_file(number)?;
        match read_shard(&mut file, head, index)? {
            Some(shard) if leaf_hash(&shard) == *leaf => Ok(shard),
            _ => Err(StoreError::DamagedShard { number, index }),
        }
    }

    /// A shard with its path.
    ///
    /// # Errors
    /// As [`Store::shard`].
    pub fn sample(&self, head: &Head, index: usize) -> Result<Sample, StoreError> {
        let shard = self.shard(head, index)?;
        Ok(Sample { index, shard, path: head.tree.path(index) })
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn forget(&self, number: u64) {
        self.recent.forget(number);
    }

    /// Drops what a crash left, but puts a block back that was to be replaced and was not. Only under the lock.
    pub(crate) fn clear_partial(&self) -> Result<(), StoreError> {
        let partial = self.layout.partial();
        durable::create_folder(&partial)?;
        let failed = StoreError::at(&partial);
        for number in layout::replaced(&partial)? {
            let block = self.layout.block(number);
            if !block.exists() {
                if let Some(group) = block.parent() {
                    durable::create_folder(group)?;
                }
                durable::rename(&self.layout.replaced(number), &block)?;
            }
        }
        for entry in fs::read_dir(&partial).map_err(&failed)? {
            let entry = entry.map_err(&failed)?;
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = entry.path();
            if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }.map_err(&failed)?;
        }
        Ok(())
    }

    /// The file of a block's shards.
    pub(crate) fn shards_file(&self, number: u64) -> Result<File, StoreError> {
        let path = self.layout.block(number).join("shards");
        File::open(&path).map_err(StoreError::at(&path)).map_err(|error| match error.is_missing() {
            true => {
                self.forget(number);
                self.without_shards(number)
            }
            false => error,
        })
    }

    /// The record at the beginning of a block's head, or the one that pruning left.
    fn stored(&self, number: u64) -> Result<Stored, StoreError> {
        let mut path = self.layout.block(number).join("head");
        let mut bytes = read_at_most(&path, Record::LENGTH as u64);
        let mut has_shards = true;
        if bytes.as_ref().is_err_and(StoreError::is_missing) {
            match self.without_shards(number) {
                StoreError::Pruned { .. } => {
                    path = self.layout.header(number);
                    bytes = read_at_most(&path, MAX_HEAD);
                    has_shards = false;
                }
                error => return Err(error),
            }
        }
        let record = Record::decode(&bytes.map_err(StoreError::unreadable)?).map_err(damaged(&path))?;
        if record.number != number {
            return Err(damaged(&path)("the record of another block"));
        }
        Ok(Stored { record, has_shards })
    }

    /// Why a block has no shards.
    fn without_shards(&self, number: u64) -> StoreError {
        let block = self.layout.block(number);
        if self.layout.header(number).exists() {
            StoreError::Pruned { number }
        } else if block.exists() {
            damaged(&block)("a file is missing")
        } else {
            StoreError::NoSuchBlock
        }
    }
}

/// The bytes where a shard should be; none where the file ends before.
pub(crate) fn read_shard(file: &mut File, head: &Head, index: usize) -> Result<Option<Vec<u8>>, StoreError> {
    let length = head.record.header.shard_length()?;
    let mut shard = vec![0; length];
    let read = file.seek(SeekFrom::Start((length * index) as u64)).and_then(|_| file.read_exact(&mut shard));
    match read {
        Ok(()) => Ok(Some(shard)),
        // A disk that cannot read it has lost it, like a file that ends too early.
        Err(_) => Ok(None),
    }
}

pub(crate) fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let failed = StoreError::at(path);
    File::open(path).map_err(&failed)?.take(limit).read_to_end(&mut bytes).map_err(&failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use availability::{Parameters, encode};

    use super::*;
    use crate::Health;

    fn encoded(fill: u8) -> Encoded {
        encode(&[fill; 5_000], Parameters::new(4, 2).unwrap()).unwrap()
    }

    /// A store with a damaged block 7, and what stages it anew.
    fn damaged_store(dir: &Path) -> (Store, Head) {
        let store = Store::create(dir).unwrap();
        store.publish(7, None, 1, &encoded(7)).unwrap();
        let head = store.head(7).unwrap();
        let head =
            Head { record: head.record, combination: head.combination.clone(), tree: head.tree.clone() };
        let path = store.layout.block(7).join("shards");
        let mut shards = fs::read(&path).unwrap();
        shards[0] ^= 1;
        fs::write(&path, shards).unwrap();
        (store, head)
    }

    #[test]
    fn a_publisher_killed_while_it_replaces_a_block_has_not_destroyed_it() {
        let dir = tempfile::tempdir().unwrap();
        let (store, head) = damaged_store(dir.path());
        store.stage(&head, &encoded(7)).unwrap();
        durable::rename(&store.layout.block(7), &store.layout.replaced(7)).unwrap();
        // Killed between the two renames.
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        store.publish(8, None, 2, &encoded(8)).unwrap();
        assert!(matches!(store.scrub(7, true).unwrap(), Health::Repaired { shards } if shards == [0]));

        // Killed after both: what was replaced does not come back.
        let dir = tempfile::tempdir().unwrap();
        let (store, head) = damaged_store(dir.path());
        store.stage(&head, &encoded(7)).unwrap();
        store.put_in_place(7, true).unwrap();
        assert!(store.layout.replaced(7).exists());
        store.clear_partial().unwrap();
        assert!(matches!(store.scrub(7, false).unwrap(), Health::Whole));
        assert_eq!(fs::read_dir(store.layout.partial()).unwrap().count(), 0);
    }

    #[test]
    fn a_block_that_cannot_be_put_in_place_leaves_the_one_that_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = damaged_store(dir.path());
        // Nothing is staged, so the second rename fails.
        assert!(store.put_in_place(7, true).is_err());
        store.clear_partial().unwrap();
        assert!(matches!(store.scrub(7, false).unwrap(), Health::Damaged { .. }));
    }
}
