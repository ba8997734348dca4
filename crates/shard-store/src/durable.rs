//! Writing so that a crash at any time leaves the old or the new, and one writer at a time.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use crate::StoreError;

/// The right to write, held until it is dropped. The operating system takes it back from a process that dies.
pub struct WriteLock(File);

impl WriteLock {
    /// Waits for it. Whoever holds it works on one block at most.
    pub fn acquire(path: &Path) -> Result<Self, StoreError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(StoreError::at(path))?;
        file.lock().map_err(StoreError::at(path))?;
        Ok(Self(file))
    }
}

impl Drop for WriteLock {
    /// Closing is not enough: a child process just forked by somebody else still has the file open.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Writes a new file of these parts, and waits until its content is on disk.
pub fn write_new<'a>(path: &Path, parts: impl IntoIterator<Item = &'a [u8]>) -> Result<(), StoreError> {
    let failed = StoreError::at(path);
    let mut file = File::create(path).map_err(&failed)?;
    for part in parts {
        file.write_all(part).map_err(&failed)?;
    }
    file.sync_all().map_err(&failed)
}

/// Makes a folder and those above it, durably, as far as they are missing.
pub fn create_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_folder(parent)?;
        match fs::create_dir(path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(StoreError::at(path)(error))
            }
            _ => sync_folder(parent),
        }
    } else {
        Ok(())
    }
}

/// Renames a file or folder; it is durably at its new place afterwards. Whether it is durably gone from the old one is for the
/// caller to care.
pub fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(StoreError::at(to))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Waits until the names in a folder are on disk.
pub fn sync_folder(path: &Path) -> Result<(), StoreError> {
    // A relative path's last parent is the empty one.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|folder| folder.sync_all()).map_err(StoreError::at(path))
}
