//! The names of blocks: which number has a commitment.

use std::fs;

use availability::Commitment;

use crate::head::damaged;
use crate::store::read_at_most;
use crate::{BlockId, Store, StoreError, durable};

/// More than any number has digits.
const MAX_NAME: u64 = 21;

impl Store {
    /// The number of the block that has a commitment. It may be of a block whose publication was cut short.
    pub(crate) fn number_of(&self, commitment: &Commitment) -> Result<u64, StoreError> {
        let path = self.layout().commitment(commitment);
        match read_at_most(&path, MAX_NAME) {
            Err(error) if error.is_missing() => Err(StoreError::NoSuchBlock),
            name => parse(&name.map_err(StoreError::unreadable)?)
                .ok_or_else(|| damaged(&path)("not the number of a block")),
        }
    }

    /// Whether shards are found by this commitment.
    pub(crate) fn is_named(&self, commitment: &Commitment) -> bool {
        self.find(BlockId::Commitment(*commitment)).is_ok_and(|stored| stored.has_shards)
    }

    /// Makes a block found by its commitment. Only under the lock, with `partial` cleared.
    pub(crate) fn name(&self, number: u64, commitment: &Commitment) -> Result<(), StoreError> {
        let (new, name) = (self.layout().partial().join("name"), self.layout().commitment(commitment));
        durable::write_new(&new, [number.to_string().as_bytes()])?;
        if let Some(folder) = name.parent() {
            durable::create_folder(folder)?;
        }
        durable::rename(&new, &name)
    }

    /// A commitment other than this one that was published under a number. Reads all names: only for a block whose record
    /// does not say it any more.
    pub(crate) fn other_name(
        &self,
        number: u64,
        than: &Commitment,
    ) -> Result<Option<Commitment>, StoreError> {
        let dir = self.layout().commitments();
        for group in fs::read_dir(&dir).map_err(StoreError::at(&dir))? {
            let group = group.map_err(StoreError::at(&dir))?.path();
            let Ok(names) = fs::read_dir(&group) else { continue };
            for name in names {
                let path = name.map_err(StoreError::at(&group))?.path();
                let is_of_it = read_at_most(&path, MAX_NAME).is_ok_and(|bytes| parse(&bytes) == Some(number));
                let commitment = self.layout().commitment_at(&path).filter(|found| found != than);
                if let Some(commitment) = commitment.filter(|_| is_of_it) {
                    return Ok(Some(commitment));
                }
            }
        }
        Ok(None)
    }
}

fn parse(name: &[u8]) -> Option<u64> {
    str::from_utf8(name).ok()?.parse().ok()
}
