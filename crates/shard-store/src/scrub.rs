//! Looking for damage before somebody needs the shard, and repairing it from the others.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};

use availability::{Commitment, Decoder, Sample, leaf_hash};

use crate::durable::{self, WriteLock};
use crate::store::read_shard;
use crate::{BlockId, Head, Store, StoreError};

/// What a scrubbed block was found to be.
#[derive(Debug)]
pub enum Health {
    /// Every shard is as it was published.
    Whole,
    /// These shards were damaged or missing.
    Damaged {
        /// Which.
        shards: Vec<usize>,
    },
    /// These shards were damaged or missing, were set aside, and are as they were published again.
    Repaired {
        /// Which.
        shards: Vec<usize>,
    },
    /// Every shard is as it was published, but the block was not found by its commitment.
    NameDamaged {
        /// Whether it is now.
        repaired: bool,
    },
    /// Too few shards are left to repair the others. Nothing was changed.
    Lost {
        /// How many are left.
        left: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The head cannot be read, so there is nothing to hold the shards against.
    HeadDamaged {
        /// Why not.
        why: String,
    },
}

impl Store {
    /// Holds every shard of a block against the root; if asked, repairs those that are damaged from the others, and the block's name.
    /// Damaged bytes are set aside in the block's folder. Memory: one shard, or all of one block's while it is repaired. Of a block that was
    /// pruned there are record and name.
    ///
    /// # Errors
    /// [`StoreError::NoSuchBlock`], and those of the file system.
    pub fn scrub(&self, number: u64, repair: bool) -> Result<Health, StoreError> {
        self.forget(number);
        let shards = match self.damaged(number) {
            Err(error @ StoreError::DamagedHead { .. }) => {
                return Ok(Health::HeadDamaged { why: error.to_string() });
            }
            Err(StoreError::Pruned { .. }) => return self.scrub_record(number, repair),
            shards => shards?,
        };
        let header = self.head(number)?.record.header;
        let commitment = header.commitment();
        let named = self.scrub_name(number, &commitment, self.is_named(&commitment), repair)?;
        if shards.is_empty() {
            return Ok(named);
        }
        let parameters = header.parameters;
        let left = parameters.total() - shards.len();
        if left < parameters.data() {
            return Ok(Health::Lost { left, needed: parameters.data() });
        }
        if !repair {
            return Ok(Health::Damaged { shards });
        }
        let _lock = WriteLock::acquire(&self.layout().lock())?;
        // Somebody else may have repaired or pruned it before we had the lock.
        self.forget(number);
        let shards = self.damaged(number)?;
        if !shards.is_empty() {
            self.repair(number, &shards)?;
        }
        Ok(Health::Repaired { shards })
    }

    /// What is left of a block that was pruned.
    fn scrub_record(&self, number: u64, repair: bool) -> Result<Health, StoreError> {
        match self.find(BlockId::Number(number)) {
            Ok(stored) => {
                let commitment = stored.record.commitment();
                let is_named = self.find(BlockId::Commitment(commitment)).is_ok();
                self.scrub_name(number, &commitment, is_named, repair)
            }
            Err(error @ StoreError::DamagedHead { .. }) => Ok(Health::HeadDamaged { why: error.to_string() }),
            Err(error) => Err(error),
        }
    }

    /// If asked, a block that was not found by its commitment is afterwards.
    fn scrub_name(
        &self,
        number: u64,
        commitment: &Commitment,
        is_named: bool,
        repair: bool,
    ) -> Result<Health, StoreError> {
        if is_named {
            return Ok(Health::Whole);
        }
        if repair {
            let _lock = WriteLock::acquire(&self.layout().lock())?;
            self.clear_partial()?;
            self.name(number, commitment)?;
        }
        Ok(Health::NameDamaged { repaired: repair })
    }

    /// The shards that are not as they were published.
    pub(crate) fn damaged(&self, number: u64) -> Result<Vec<usize>, StoreError> {
        self.differing(&*self.head(number)?)
    }

    /// The shards that are not what a head says.
    fn differing(&self, head: &Head) -> Result<Vec<usize>, StoreError> {
        let mut file = self.shards_file(head.record.number)?;
        let mut differing = Vec::new();
        for (index, leaf) in head.tree.leaves().iter().enumerate() {
            if read_shard(&mut file, head, index)?.is_none_or(|shard| leaf_hash(&shard) != *leaf) {
                differing.push(index);
            }
        }
        Ok(differing)
    }

    /// Whether the shards that are there can only be this head's: two payloads share fewer than K of them.
    pub(crate) fn holds(&self, head: &Head) -> bool {
        let parameters = head.record.header.parameters;
        self.differing(head).is_ok_and(|differing| parameters.total() - differing.len() >= parameters.data())
    }

    /// Writes the damaged shards anew, in place: until they are whole they are still damaged, and nobody is served them.
    fn repair(&self, number: u64, damaged: &[usize]) -> Result<(), StoreError> {
        let head = self.head(number)?;
        let repaired = self.rebuilt(&head, damaged)?;
        let folder = self.layout().block(number);
        let aside = folder.join("damaged");
        let path = folder.join("shards");
        let failed = StoreError::at(&path);
        let mut old = self.shards_file(number)?;
        durable::create_folder(&aside)?;
        for index in damaged {
            if let Some(bytes) = read_shard(&mut old, &head, *index)? {
                let place = aside.join(format!("{index:05}"));
                fs::write(&place, bytes).map_err(StoreError::at(&place))?;
            }
        }
        let mut file = OpenOptions::new().write(true).open(&path).map_err(&failed)?;
        file.set_len(head.record.shards_length()?).map_err(&failed)?;
        let length = head.record.header.shard_length()? as u64;
        for (index, shard) in damaged.iter().zip(repaired) {
            file.seek(SeekFrom::Start(length * *index as u64)).map_err(&failed)?;
            file.write_all(&shard).map_err(&failed)?;
        }
        file.sync_all().map_err(&failed)
    }

    /// The damaged shards, made from the others.
    fn rebuilt(&self, head: &Head, damaged: &[usize]) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut decoder = Decoder::new(&head.record.header)?;
        let mut file = self.shards_file(head.record.number)?;
        let sound = (0..head.tree.leaves().len()).filter(|index| !damaged.contains(index));
        for index in sound.take(head.record.header.parameters.data()) {
            let Some(shard) = read_shard(&mut file, head, index)? else { continue };
            decoder.push(&Sample { index, shard, path: head.tree.path(index) })?;
        }
        // What it gives back has the header's root.
        Ok(decoder.repair(damaged)?.into_iter().map(|sample| sample.shard).collect())
    }
}
