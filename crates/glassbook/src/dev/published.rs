//! Where sealed batches are published: a folder that others can copy or serve. With it and the chain alone, an exchange is
//! recovered.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use exchange::batch_path;
use rules::Genesis;
use settlement::{Fault, Publisher, Sealed};
use sha2::{Digest as _, Sha256};

use crate::published::{GENESIS, write};

/// The folder.
#[derive(Clone, Debug)]
pub struct Published {
    dir: PathBuf,
    /// Where the exchange has its batches.
    batches: PathBuf,
}

impl Published {
    /// Opens the folder for an exchange whose sealed batches are in `batches`; makes it if it is not there.
    pub fn create(dir: &Path, batches: &Path, genesis: &Genesis) -> Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        let mut bytes = Vec::new();
        genesis.encode(&mut bytes);
        let path = dir.join(GENESIS);
        match fs::read(&path) {
            Ok(found) if found == bytes => {}
            Ok(_) => bail!("{} holds the batches of another exchange; choose another folder", dir.display()),
            Err(_) => write(dir, &path, &bytes).with_context(|| path.display().to_string())?,
        }
        Ok(Self { dir: dir.to_path_buf(), batches: batches.to_path_buf() })
    }
}

impl Publisher for Published {
    /// Copies the batch's file. It is found by its SHA-256.
    fn publish(&self, batch: &Sealed) -> Result<Vec<u8>, Fault> {
        let passing =
            |path: &Path, error: std::io::Error| Fault::Passing(format!("{}: {error}", path.display()));
        let from = batch_path(&self.batches, batch.number);
        let to = batch_path(&self.dir, batch.number);
        let bytes = fs::read(&from).map_err(|error| passing(&from, error))?;
        write(&self.dir, &to, &bytes).map_err(|error| passing(&to, error))?;
        Ok(Sha256::digest(&bytes).to_vec())
    }
}
