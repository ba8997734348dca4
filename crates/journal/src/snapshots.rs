//! Snapshots beside the log: a state, the record it stands before, and the chain hash there.
//!
//! A snapshot is written under a temporary name, synced, then renamed: it is there whole or not at all. Each
//! carries a checksum, and [`SnapshotStore::latest`] passes over damaged ones.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::frame::array;
use crate::{ChainHash, JournalError, ReplayFrom, directory};

const MAGIC: [u8; 8] = *b"GLASSNAP";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 96;
const CHECKED_BYTES: usize = 64;
const TEMPORARY: &str = "snapshot.tmp";

/// The snapshots in one directory.
#[derive(Debug)]
pub struct SnapshotStore {
    dir: PathBuf,
}

/// A snapshot whose checksum was found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// It covers every record below this one.
    pub index: u64,
    /// [`Journal::chain_hash`](crate::Journal::chain_hash) when it was taken.
    pub chain_hash: ChainHash,
    /// Length of the state.
    pub body_bytes: u64,
    /// Its file.
    pub path: PathBuf,
}

/// A snapshot that cannot be used, and why.
#[derive(Debug)]
pub struct DamagedSnapshot {
    /// Its file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub error: JournalError,
}

/// The newest usable snapshot, and the newer ones that are not.
#[derive(Debug)]
pub struct Latest {
    /// The one to begin with; `None` if no usable one is there.
    pub snapshot: Option<Snapshot>,
    /// Damaged ones that were passed over, newest first. Worth an alarm.
    pub damaged: Vec<DamagedSnapshot>,
}

impl SnapshotStore {
    /// Uses `dir`, creating it if need be. It may be the journal's own directory.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        directory::create(dir)?;
        Ok(Self { dir: dir.to_path_buf() })
    }

    /// Writes a snapshot of the state before record `index`; durable when this returns.
    pub fn write(&self, index: u64, chain_hash: ChainHash, body: &[u8]) -> Result<Snapshot, JournalError> {
        self.write_with(index, chain_hash, |out| out.write_all(body))
    }

    /// As [`write`](Self::write), for a state that writes itself.
    pub fn write_with(
        &self,
        index: u64,
        chain_hash: ChainHash,
        body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Snapshot, JournalError> {
        let temporary = self.dir.join(TEMPORARY);
        let path = self.path_of(index);
        let mut written = 0;
        let save = |written: &mut u64| {
            let mut file = File::create(&temporary)?;
            file.write_all(&[0; HEADER_BYTES])?;
            let mut out =
                Hashing { out: BufWriter::with_capacity(1 << 18, &file), hash: Sha256::new(), bytes: 0 };
            let outcome = body(&mut out).and_then(|()| out.flush());
            *written = out.bytes;
            outcome?;
            let body_hash = out.hash.finalize();
            file.write_all_at(&header(index, &chain_hash, *written, &body_hash), 0)?;
            file.sync_all()
        };
        save(&mut written).map_err(|error| {
            let _ = fs::remove_file(&temporary);
            JournalError::space("write", &temporary, HEADER_BYTES as u64 + written)(error)
        })?;
        fs::rename(&temporary, &path).map_err(JournalError::space("rename", &temporary, 4096))?;
        directory::sync(&self.dir)?;
        Ok(Snapshot { index, chain_hash, body_bytes: written, path })
    }

    /// The indices for which there is a file, damaged or not, oldest first.
    pub fn list(&self) -> Result<Vec<u64>, JournalError> {
        let unreadable = || JournalError::io("list directory", &self.dir);
        let mut indices = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(unreadable())? {
            let name = entry.map_err(unreadable())?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_suffix(".snapshot"));
            indices.extend(
                digits.filter(|digits| digits.len() == 20).and_then(|digits| digits.parse::<u64>().ok()),
            );
        }
        indices.sort_unstable();
        Ok(indices)
    }

    /// The newest snapshot whose checksum is right.
    pub fn latest(&self) -> Result<Latest, JournalError> {
        let mut damaged = Vec::new();
        for index in self.list()?.into_iter().rev() {
            match self.verify(index) {
                Ok(snapshot) => return Ok(Latest { snapshot: Some(snapshot), damaged }),
                Err(error) => damaged.push(DamagedSnapshot { path: self.path_of(index), error }),
            }
        }
        Ok(Latest { snapshot: None, damaged })
    }

    /// Removes what is older than the newest `keep` usable snapshots, and gives the removed indices. Damaged
    /// ones among the newest are left for inspection.
    pub fn prune(&self, keep: NonZeroUsize) -> Result<Vec<u64>, JournalError> {
        let mut usable = 0;
        let mut removed = Vec::new();
        for index in self.list()?.into_iter().rev() {
            if usable == keep.get() {
                directory::remove_if_there(&self.path_of(index))?;
                removed.push(index);
            } else if self.verify(index).is_ok() {
                usable += 1;
            }
        }
        directory::sync(&self.dir)?;
        removed.reverse();
        Ok(removed)
    }

    fn path_of(&self, index: u64) -> PathBuf {
        self.dir.join(format!("{index:020}.snapshot"))
    }

    fn verify(&self, index: u64) -> Result<Snapshot, JournalError> {
        let path = self.path_of(index);
        let unreadable = || JournalError::io("read", &path);
        let mut file = File::open(&path).map_err(unreadable())?;
        let length = file.metadata().map_err(unreadable())?.len();
        let Some(body_bytes) = length.checked_sub(HEADER_BYTES as u64) else {
            return Err(JournalError::corrupt(&path, length, "the snapshot ends inside its header"));
        };
        let mut stored = [0; HEADER_BYTES];
        file.read_exact(&mut stored).map_err(unreadable())?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => hash.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable()(error)),
            }
        }
        let chain_hash = array(&stored, 24);
        if stored != header(index, &chain_hash, body_bytes, &hash.finalize()) {
            let what =
                "the snapshot does not match its name, length or checksum, or has another format version";
            return Err(JournalError::corrupt(&path, 0, what));
        }
        Ok(Snapshot { index, chain_hash, body_bytes, path })
    }
}

impl Snapshot {
    /// Where to open the journal so that it continues this snapshot.
    pub fn replay_from(&self) -> ReplayFrom {
        ReplayFrom::Snapshot { index: self.index, chain_hash: self.chain_hash }
    }

    /// The state, as a stream.
    pub fn body(&self) -> Result<impl Read + use<>, JournalError> {
        let mut file = File::open(&self.path).map_err(JournalError::io("open", &self.path))?;
        file.seek(SeekFrom::Start(HEADER_BYTES as u64)).map_err(JournalError::io("read", &self.path))?;
        Ok(file.take(self.body_bytes))
    }

    /// The state, whole.
    pub fn read_body(&self) -> Result<Vec<u8>, JournalError> {
        let mut bytes = Vec::new();
        self.body()?.read_to_end(&mut bytes).map_err(JournalError::io("read", &self.path))?;
        Ok(bytes)
    }
}

/// Magic, version, zeros, index, chain hash, body length, then SHA-256(all that ‖ SHA-256(body)).
fn header(index: u64, chain_hash: &ChainHash, body_bytes: u64, body_hash: &[u8]) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&index.to_le_bytes());
    bytes[24..56].copy_from_slice(chain_hash);
    bytes[56..CHECKED_BYTES].copy_from_slice(&body_bytes.to_le_bytes());
    let check = Sha256::new().chain_update(&bytes[..CHECKED_BYTES]).chain_update(body_hash).finalize();
    bytes[CHECKED_BYTES..].copy_from_slice(&check);
    bytes
}

/// Hashes what passes through.
struct Hashing<W> {
    out: W,
    hash: Sha256,
    bytes: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
