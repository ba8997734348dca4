//! A folder of published batches, as whoever reads it finds it: the first state, and every batch by its number.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use exchange::batch_path;
use rules::Genesis;
use transition::SealedBatch;
use types::Reader;

/// The file of the first state.
pub const GENESIS: &str = "genesis";

/// The first state of the exchange whose batches are published in a folder.
pub fn genesis(dir: &Path) -> Result<Genesis> {
    let path = dir.join(GENESIS);
    let bytes =
        fs::read(&path).with_context(|| format!("{}: not a folder of published batches", path.display()))?;
    let mut r = Reader::new(&bytes);
    let genesis = Genesis::decode(&mut r).with_context(|| path.display().to_string())?;
    r.finish().with_context(|| path.display().to_string())?;
    Ok(genesis)
}

/// A published batch.
pub fn batch(dir: &Path, number: u64) -> Result<SealedBatch> {
    let path = batch_path(dir, number);
    SealedBatch::read(&path)
        .with_context(|| format!("{}: batch {number} is not published here", path.display()))
}

/// Writes a file whole or not at all, and waits until it is on disk.
pub fn write(dir: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = path.with_extension("partial");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(dir)?.sync_all()
}
