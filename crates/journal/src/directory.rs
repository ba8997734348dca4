//! Making names durable: a file's name is safe only once its directory has been synced.

use std::fs::{self, File};
use std::path::Path;

use crate::JournalError;

/// Waits until every creation, rename and removal in `dir` so far is durable.
pub(crate) fn sync(dir: &Path) -> Result<(), JournalError> {
    File::open(dir).and_then(|handle| handle.sync_all()).map_err(JournalError::io("sync directory", dir))
}

/// Creates `dir` and its missing parents, each name durable in its parent.
pub(crate) fn create(dir: &Path) -> Result<(), JournalError> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(JournalError::space("create directory", dir, 4096)(error))
        }
        _ => sync(parent),
    }
}

/// Removes a file that may be absent. The caller syncs the directory where that matters.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(JournalError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
