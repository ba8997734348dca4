//! What a publisher of blobs keeps: the blobs themselves, which no node hands out once they are in a block, and in which
//! transactions it sent them.
//!
//! ```text
//! NUMBER.blobs   magic "GBBLOBS" and version 1 (8) ‖ digest of the batch's claim (32) ‖ blobs, 131,072 bytes each
//! NUMBER.sent    a line for each transaction that was signed: which group of blobs it carries, its hash
//! ```
//!
//! Nothing of it is believed: blobs are held against the hashes that the chain has, the digest against the transactions' data.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use alloy_primitives::B256;
use anyhow::{Context as _, Result, bail, ensure};
use l1::{Blob, MOST_IN_TRANSACTION};

use crate::published::write;

const MAGIC: &[u8; 8] = b"GBBLOBS\x01";
const HEAD: usize = 8 + 32;
/// The most blobs of a batch: 16 MiB.
pub const MOST_BLOBS: usize = 128;
/// The longest list of transactions.
const MOST_SENT: u64 = 1 << 20;

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// A batch's blobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The digest of the batch's claim.
    pub digest: [u8; 32],
    /// The blobs, in order.
    pub blobs: Vec<Blob>,
}

impl Kept {
    /// The blobs as transactions carry them.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &[Blob]> {
        self.blobs.chunks(MOST_IN_TRANSACTION)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &self.digest].concat();
        self.blobs.iter().for_each(|blob| bytes.extend_from_slice(blob.as_bytes()));
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let (head, blobs) = bytes.split_at_checked(HEAD).context("it is cut short")?;
        let (magic, digest) = head.split_at(8);
        ensure!(magic == MAGIC, "it is not a file of blobs of version 1");
        let count = blobs.len() / Blob::LENGTH;
        ensure!(
            blobs.len().is_multiple_of(Blob::LENGTH) && (1..=MOST_BLOBS).contains(&count),
            "it is cut short, or longer than a batch may be"
        );
        let blobs = blobs.chunks_exact(Blob::LENGTH).map(Blob::from_bytes).collect::<Result<_, _>>()?;
        Ok(Self { digest: digest.try_into()?, blobs })
    }
}

impl Folder {
    /// A folder, which need not be there yet.
    pub fn new(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    fn blobs(&self, batch: u64) -> PathBuf {
        self.0.join(format!("{batch:012}.blobs"))
    }

    fn sent(&self, batch: u64) -> PathBuf {
        self.0.join(format!("{batch:012}.sent"))
    }

    /// Keeps a batch's blobs, before any of them is sent. They are on disk when this returns.
    ///
    /// # Errors
    /// Where others are kept for the batch, as after it was encrypted otherwise: two publications of one batch are one too many.
    pub fn keep(&self, batch: u64, kept: &Kept) -> Result<()> {
        fs::create_dir_all(&self.0).with_context(|| self.0.display().to_string())?;
        let (path, bytes) = (self.blobs(batch), kept.encode());
        match fs::read(&path) {
            Ok(found) if found == bytes => return Ok(()),
            Ok(_) => bail!(
                "{} holds other blobs for batch {batch}: was it encrypted otherwise? Move it away to publish these",
                path.display()
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        }
        write(&self.0, &path, &bytes).with_context(|| path.display().to_string())
    }

    /// The blobs of a batch.
    pub fn kept(&self, batch: u64) -> Result<Kept> {
        let path = self.blobs(batch);
        let read = || -> Result<Kept> {
            let mut bytes = Vec::new();
            let limit = (HEAD + MOST_BLOBS * Blob::LENGTH + 1) as u64;
            File::open(&path)?.take(limit).read_to_end(&mut bytes)?;
            Kept::decode(&bytes)
        };
        read().with_context(|| path.display().to_string())
    }

    /// Notes that a transaction with a group of a batch's blobs is about to be sent. It is on disk when this returns.
    pub fn note(&self, batch: u64, group: usize, hash: B256) -> Result<()> {
        let path = self.sent(batch);
        let append = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
            // At once, and on a line of its own, whatever a crash has left of the one before.
            file.write_all(format!("\n{group} {hash}\n").as_bytes())?;
            file.sync_all()?;
            File::open(&self.0)?.sync_all()
        };
        append().with_context(|| path.display().to_string())
    }

    /// The transactions that a group of a batch's blobs was sent in, the newest first. Most often there is one.
    pub fn transactions(&self, batch: u64, group: usize) -> Result<Vec<B256>> {
        let path = self.sent(batch);
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => {
                let read = file.take(MOST_SENT).read_to_string(&mut text);
                read.with_context(|| path.display().to_string())?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        }
        // A line that a crash cut short names no transaction that was sent.
        let hash = |line: &str| {
            let (number, hash) = line.split_once(' ')?;
            (number.parse::<usize>() == Ok(group)).then(|| hash.parse::<B256>().ok())?
        };
        Ok(text.lines().rev().filter_map(hash).collect())
    }
}

#[cfg(test)]
mod tests {
    use l1::{PAYLOAD_BYTES, to_blobs};

    use super::*;

    fn kept() -> Kept {
        Kept { digest: [7; 32], blobs: to_blobs(&vec![9; 7 * PAYLOAD_BYTES]) }
    }

    #[test]
    fn blobs_come_back_as_they_were_kept_and_nothing_else_does() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(&dir.path().join("blobs"));
        assert!(folder.kept(3).is_err());
        folder.keep(3, &kept()).unwrap();
        folder.keep(3, &kept()).unwrap();
        assert_eq!(folder.kept(3).unwrap(), kept());
        assert_eq!(kept().groups().map(<[Blob]>::len).collect::<Vec<_>>(), [6, 2]);
        let other = Kept { digest: [8; 32], ..kept() };
        assert!(folder.keep(3, &other).unwrap_err().to_string().contains("other blobs for batch 3"));

        let bytes = kept().encode();
        for length in [0, 7, HEAD - 1, HEAD, HEAD + 1, bytes.len() - 1] {
            assert!(Kept::decode(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Kept::decode(&[&bytes[..], &[0]].concat()).is_err());
        assert!(Kept::decode(&[b"GBBLOBS\x02", &bytes[8..]].concat()).is_err());
    }

    #[test]
    fn transactions_are_found_by_batch_and_group_the_newest_first() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        let hash = B256::repeat_byte;
        assert_eq!(folder.transactions(1, 0).unwrap(), [B256::ZERO; 0]);
        for (batch, group, byte) in [(1, 0, 1), (1, 1, 2), (2, 0, 3), (1, 0, 4)] {
            folder.note(batch, group, hash(byte)).unwrap();
        }
        let mut file = OpenOptions::new().append(true).open(folder.sent(1)).unwrap();
        write!(file, "0 0x12").unwrap();
        assert_eq!(folder.transactions(1, 0).unwrap(), [hash(4), hash(1)]);
        assert_eq!(folder.transactions(1, 1).unwrap(), [hash(2)]);
        assert_eq!(folder.transactions(2, 0).unwrap(), [hash(3)]);
        folder.note(1, 0, hash(5)).unwrap();
        assert_eq!(folder.transactions(1, 0).unwrap(), [hash(5), hash(4), hash(1)]);
    }
}
