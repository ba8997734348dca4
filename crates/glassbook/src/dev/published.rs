//! Where sealed batches are published: a folder that others can copy or serve. With it and the chain alone, an exchange is
//! recovered.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use exchange::batch_path;
use l1::Indexer;
use rules::Genesis;
use settlement::{Fault, Publisher, Sealed};

use super::shards::Shards;
use crate::published::{GENESIS, write};

/// The folder.
#[derive(Clone, Debug)]
pub struct Published {
    dir: PathBuf,
    /// Where the exchange has its batches.
    batches: PathBuf,
    /// Where they go as shards, too.
    shards: Arc<Shards>,
    /// What the chain has: that stays as it was published.
    indexer: Arc<Indexer>,
}

impl Published {
    /// Opens the folder for an exchange whose sealed batches are in `batches`; makes it if it is not there.
    pub fn create(
        dir: &Path,
        batches: &Path,
        shards: Arc<Shards>,
        indexer: Arc<Indexer>,
        genesis: &Genesis,
    ) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let mut bytes = Vec::new();
        genesis.encode(&mut bytes);
        let path = dir.join(GENESIS);
        match fs::read(&path) {
            Ok(found) if found == bytes => {}
            Ok(_) => bail!("{} holds the batches of another exchange; choose another folder", dir.display()),
            Err(_) => write(dir, &path, &bytes).with_context(|| path.display().to_string())?,
        }
        Ok(Self { dir: dir.to_path_buf(), batches: batches.to_path_buf(), shards, indexer })
    }
}

impl Publisher for Published {
    /// Copies the batch's file, and publishes it as shards. It is found by its commitment. While the chain has no batch of its
    /// number, it takes the place of another one: a batch is published before it is committed, so a recovered exchange seals
    /// others with the numbers of those that were lost.
    fn publish(&self, batch: &Sealed) -> Result<Vec<u8>, Fault> {
        let passing =
            |path: &Path, error: std::io::Error| Fault::Passing(format!("{}: {error}", path.display()));
        let from = batch_path(&self.batches, batch.number);
        let to = batch_path(&self.dir, batch.number);
        let bytes = fs::read(&from).map_err(|error| passing(&from, error))?;
        write(&self.dir, &to, &bytes).map_err(|error| passing(&to, error))?;
        if self.indexer.batch(batch.number).map_err(|error| error.fault())?.digest.is_none() {
            self.shards.withdraw_other(batch)?;
        }
        let sealed = fs::metadata(&from).and_then(|file| file.modified()).ok();
        Ok(self.shards.publish(&bytes, sealed)?.0.to_vec())
    }
}
