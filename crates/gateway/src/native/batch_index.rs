//! Which sealed batch holds which command, from the beginnings of the batches' files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use exchange::batch_path;
use transition::Claim;

/// Claims kept in memory: some 4 MB.
const KEPT: usize = 8_192;
/// Where a sealed batch's file has its claim.
const CLAIM_AT: usize = 8;

/// The sealed batches in a folder. Whatever is not in memory is read: call it where waiting is allowed.
pub(crate) struct BatchIndex {
    dir: PathBuf,
    /// The first batch in the folder, and the last that was seen.
    first: AtomicU64,
    last: AtomicU64,
    claims: Mutex<HashMap<u64, Claim>>,
}

impl BatchIndex {
    pub fn new(dir: PathBuf) -> Self {
        let numbers = fs::read_dir(&dir).into_iter().flatten().flatten().filter_map(|entry| {
            let name = entry.file_name();
            name.to_str()?.strip_suffix(".batch")?.parse::<u64>().ok()
        });
        let (first, last) =
            numbers.fold((u64::MAX, 0), |(first, last), number| (first.min(number), last.max(number)));
        let first = if last == 0 { 1 } else { first };
        Self { dir, first: first.into(), last: last.into(), claims: Mutex::default() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The last sealed batch; zero when there is none.
    pub fn last(&self) -> u64 {
        let mut last = self.last.load(Ordering::Relaxed);
        let known = last;
        while batch_path(&self.dir, last + 1).exists() {
            last += 1;
        }
        if last > known {
            self.last.fetch_max(last, Ordering::Relaxed);
        }
        last
    }

    /// What a sealed batch claims; none where it is not in the folder.
    pub fn claim(&self, batch: u64) -> Option<Claim> {
        let claims = || self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claim) = claims().get(&batch) {
            return Some(claim.clone());
        }
        let mut beginning = [0; CLAIM_AT + Claim::BYTES];
        File::open(batch_path(&self.dir, batch)).ok()?.read_exact(&mut beginning).ok()?;
        let claim = Claim::decode(&beginning[CLAIM_AT..]).ok()?;
        let mut claims = claims();
        if claims.len() >= KEPT {
            // The oldest half: most questions are about what was just sealed.
            let middle = self.last.load(Ordering::Relaxed).saturating_sub(KEPT as u64 / 2);
            claims.retain(|number, _| *number > middle);
            if claims.len() >= KEPT {
                claims.clear();
            }
        }
        claims.insert(batch, claim.clone());
        Some(claim)
    }

    /// The sealed batch that holds a command; none when the command is not sealed, or its batch not in the folder.
    pub fn holding(&self, sequence: u64) -> Option<Claim> {
        let (mut low, mut high) = (self.first.load(Ordering::Relaxed), self.last());
        while low <= high {
            let middle = low + (high - low) / 2;
            let claim = self.claim(middle)?;
            if sequence < claim.first_sequence {
                high = middle.checked_sub(1)?;
            } else if sequence > claim.last_sequence {
                low = middle + 1;
            } else {
                return Some(claim);
            }
        }
        None
    }
}
