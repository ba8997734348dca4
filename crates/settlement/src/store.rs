//! The records, in an embedded database. What is written is on disk when the call returns.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, ReadableDatabase as _, TableDefinition};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::life::Record;
use crate::ports::Action;

const RECORDS: TableDefinition<u64, &[u8]> = TableDefinition::new("records 1");
const TOTALS: TableDefinition<(), &[u8]> = TableDefinition::new("totals 1");

/// Why the store cannot be used.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("{} is open in another process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The database.
    #[error("the settlement database: {0}")]
    Database(Box<redb::Error>),
    /// A record.
    #[error("the record of batch {batch} does not decode")]
    Record {
        /// Whose.
        batch: u64,
    },
    /// The totals.
    #[error("the totals of the final batches do not decode")]
    Totals,
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}

from_redb!(TransactionError, TableError, StorageError, CommitError);

/// What is known of all final batches together. Batches become final in order, so one number says which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The last final batch; 0 when there is none.
    pub last_final: u64,
    /// What our transactions for them cost, in gas.
    pub gas: BTreeMap<Action, u64>,
    /// Tries that came to nothing.
    pub retries: u64,
}

/// Where records are kept. [`Store`] is the real one; tests put one in between that fails.
pub trait Records {
    /// The totals, and the records of all batches that are not final, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    fn load(&self) -> Result<(Totals, Vec<Record>), StoreError>;

    /// Records from a number on, in order: `limit` at most.
    ///
    /// # Errors
    /// When they cannot be read.
    fn list(&self, from: u64, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// Writes records and totals down, all or none.
    ///
    /// # Errors
    /// When they cannot be written.
    fn put(&self, records: &[&Record], totals: &Totals) -> Result<(), StoreError>;
}

/// The database of a node's settlement. One process at a time; clones share it, and read while another writes.
#[derive(Clone, Debug)]
pub struct Store {
    database: Arc<Database>,
}

impl Store {
    /// Opens or creates it.
    ///
    /// # Errors
    /// When the file system fails, another process has it open, or it is damaged.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::create(path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => StoreError::Busy { path: path.to_path_buf() },
            error => StoreError::Database(redb::Error::from(error).into()),
        })?;
        let write = database.begin_write()?;
        write.open_table(RECORDS)?;
        write.open_table(TOTALS)?;
        write.commit()?;
        Ok(Self { database: Arc::new(database) })
    }
}

impl Records for Store {
    fn load(&self) -> Result<(Totals, Vec<Record>), StoreError> {
        let read = self.database.begin_read()?;
        let totals: Totals = match read.open_table(TOTALS)?.get(())? {
            Some(bytes) => postcard::from_bytes(bytes.value()).map_err(|_| StoreError::Totals)?,
            None => Totals::default(),
        };
        let open = self.list(totals.last_final.saturating_add(1), usize::MAX)?;
        Ok((totals, open))
    }

    fn list(&self, from: u64, limit: usize) -> Result<Vec<Record>, StoreError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(RECORDS)?;
        let mut records = Vec::new();
        for entry in table.range(from..)?.take(limit) {
            let (batch, bytes) = entry?;
            let damaged = |_| StoreError::Record { batch: batch.value() };
            records.push(postcard::from_bytes(bytes.value()).map_err(damaged)?);
        }
        Ok(records)
    }

    fn put(&self, records: &[&Record], totals: &Totals) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        {
            let mut table = write.open_table(RECORDS)?;
            for record in records {
                let batch = record.batch.number;
                let bytes = postcard::to_allocvec(record).map_err(|_| StoreError::Record { batch })?;
                table.insert(batch, &bytes[..])?;
            }
            let bytes = postcard::to_allocvec(totals).map_err(|_| StoreError::Totals)?;
            write.open_table(TOTALS)?.insert((), &bytes[..])?;
        }
        write.commit()?;
        Ok(())
    }
}
