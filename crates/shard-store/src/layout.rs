//! Where everything is in a store, and which blocks there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use availability::Commitment;

use crate::StoreError;

/// So many numbers share a folder.
const GROUP: u64 = 1_000;

/// The folder of a store.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub dir: PathBuf,
}

impl Layout {
    pub fn marker(&self) -> PathBuf {
        self.dir.join("STORE")
    }

    pub fn lock(&self) -> PathBuf {
        self.dir.join("LOCK")
    }

    pub fn partial(&self) -> PathBuf {
        self.dir.join("partial")
    }

    /// Where a block waits while another is put in its place.
    pub fn replaced(&self, number: u64) -> PathBuf {
        self.partial().join(format!("replaced-{number:012}"))
    }

    pub fn blocks(&self) -> PathBuf {
        self.dir.join("blocks")
    }

    pub fn headers(&self) -> PathBuf {
        self.dir.join("headers")
    }

    /// The folder of a block.
    pub fn block(&self, number: u64) -> PathBuf {
        grouped(&self.blocks(), number)
    }

    /// The record of a block that was pruned.
    pub fn header(&self, number: u64) -> PathBuf {
        grouped(&self.headers(), number)
    }

    /// The folder of the names.
    pub fn commitments(&self) -> PathBuf {
        self.dir.join("commitments")
    }

    /// The name of the block with this commitment.
    pub fn commitment(&self, commitment: &Commitment) -> PathBuf {
        let name = hex::encode(commitment.0);
        self.commitments().join(&name[..2]).join(&name[2..])
    }

    /// The commitment whose name is at this path.
    pub fn commitment_at(&self, path: &Path) -> Option<Commitment> {
        let mut parts = path.strip_prefix(self.commitments()).ok()?.iter().map(|part| part.to_str());
        let (first, rest) = (parts.next()??, parts.next()??);
        let mut bytes = [0; 32];
        hex::decode_to_slice(format!("{first}{rest}"), &mut bytes).ok()?;
        Some(Commitment(bytes))
    }
}

fn grouped(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{:09}", number / GROUP)).join(format!("{number:012}"))
}

/// The blocks that wait in `partial` while others are put in their places.
pub(crate) fn replaced(partial: &Path) -> Result<Vec<u64>, StoreError> {
    let failed = StoreError::at(partial);
    let mut found = Vec::new();
    for entry in fs::read_dir(partial).map_err(&failed)? {
        let name = entry.map_err(&failed)?.file_name();
        found.extend(name.to_str().and_then(|name| name.strip_prefix("replaced-")?.parse::<u64>().ok()));
    }
    Ok(found)
}

/// At most `limit` numbers from `from` on, ascending, of those that have an entry in a grouped folder.
pub(crate) fn numbers(dir: &Path, from: u64, limit: usize) -> Result<BTreeSet<u64>, StoreError> {
    let mut found = BTreeSet::new();
    for group in entries(dir, from / GROUP, usize::MAX)? {
        if found.len() >= limit {
            break;
        }
        found.extend(entries(&dir.join(format!("{group:09}")), from, limit - found.len())?);
    }
    Ok(found)
}

/// The largest number that has an entry in a grouped folder.
pub(crate) fn newest(dir: &Path) -> Result<Option<u64>, StoreError> {
    for group in entries(dir, 0, usize::MAX)?.iter().rev() {
        // A group may be empty when all of it was pruned.
        if let Some(newest) = entries(&dir.join(format!("{group:09}")), 0, usize::MAX)?.last() {
            return Ok(Some(*newest));
        }
    }
    Ok(None)
}

/// The smallest `limit` numbers from `from` on that a folder has entries of. What else lies there is nobody's business.
fn entries(dir: &Path, from: u64, limit: usize) -> Result<BTreeSet<u64>, StoreError> {
    let failed = StoreError::at(dir);
    let mut found = BTreeSet::new();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        // Nothing was ever there.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        let name = entry.map_err(&failed)?.file_name();
        let number = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(number) = number.and_then(|name| name.parse().ok()).filter(|number| *number >= from) else {
            continue;
        };
        found.insert(number);
        if found.len() > limit {
            found.pop_last();
        }
    }
    Ok(found)
}
