//! The blocks of an embedded chain on disk, in the order in which they were imported. Replaying them gives the chain.
//!
//! ```text
//! "glassbook blocks 1\n" | hash of the first block (32)
//! record: length of the block (4, little-endian) | head (1) | its hash (32) | the block, RLP
//! ```
//!
//! `head` is 1 when the block became the head, and 0 for a block of a branch that is still growing. A record that a crash cut
//! short is the last one and is dropped; every other one must be whole. The hash binds the header, and the header all the rest:
//! a damaged block does not import.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::EmbeddedError;

const MAGIC: &[u8] = b"glassbook blocks 1\n";
const HEADER: u64 = MAGIC.len() as u64 + 32;
/// No block is longer.
const MAX_BLOCK: usize = 64 << 20;

/// One block as it was imported.
pub(super) struct Record {
    pub head: bool,
    pub hash: [u8; 32],
    pub rlp: Vec<u8>,
}

/// The file. Records are read to the end first, then appended. One process at a time.
pub(super) struct BlockFile {
    file: File,
    end: u64,
}

impl BlockFile {
    /// Opens or creates it, for the chain that begins with this block.
    pub fn open(path: &Path, genesis: &[u8; 32]) -> Result<Self, EmbeddedError> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(EmbeddedError::Busy { path: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let mut header = Vec::new();
        (&file).take(HEADER).read_to_end(&mut header)?;
        let ours = [MAGIC, genesis].concat();
        if header.len() < ours.len() && ours.starts_with(&header) {
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(&ours)?;
            file.sync_all()?;
        } else if header != ours {
            return Err(EmbeddedError::OtherChain { path: path.to_path_buf() });
        }
        Ok(Self { file, end: HEADER })
    }

    /// The next record; `None` after the last one. What a crash left of one more is cut off.
    pub fn read_next(&mut self) -> Result<Option<Record>, EmbeddedError> {
        let mut head = [0; 37];
        let mut rlp = Vec::new();
        let whole = fill(&mut self.file, &mut head)? && {
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
            if length > MAX_BLOCK {
                return Err(EmbeddedError::DamagedFile { at: self.end });
            }
            rlp.resize(length, 0);
            fill(&mut self.file, &mut rlp)?
        };
        if !whole {
            self.file.set_len(self.end)?;
            self.file.seek(SeekFrom::Start(self.end))?;
            return Ok(None);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(&head[5..]);
        self.end += (head.len() + rlp.len()) as u64;
        Ok(Some(Record { head: head[4] == 1, hash, rlp }))
    }

    /// Appends records, all of them on disk when this returns.
    pub fn append(&mut self, records: &[Record]) -> Result<(), EmbeddedError> {
        let mut bytes = Vec::new();
        for record in records {
            let length = u32::try_from(record.rlp.len()).ok().filter(|length| *length as usize <= MAX_BLOCK);
            let length = length.ok_or(EmbeddedError::DamagedFile { at: self.end })?;
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.push(record.head.into());
            bytes.extend_from_slice(&record.hash);
            bytes.extend_from_slice(&record.rlp);
        }
        // A failed write may have left a part of it.
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// Whether the buffer could be filled.
fn fill(file: &mut File, buffer: &mut [u8]) -> Result<bool, EmbeddedError> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u8) -> Record {
        Record {
            head: !number.is_multiple_of(2),
            hash: [number; 32],
            rlp: vec![number; 100 + number as usize],
        }
    }

    fn read_all(path: &Path) -> Vec<u8> {
        let mut file = BlockFile::open(path, &[9; 32]).unwrap();
        let mut numbers = Vec::new();
        while let Some(found) = file.read_next().unwrap() {
            let number = found.hash[0];
            assert!(found.rlp == record(number).rlp && found.head == record(number).head);
            numbers.push(number);
        }
        numbers
    }

    #[test]
    fn what_was_appended_is_read_whatever_a_crash_cuts_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("blocks");
        let mut file = BlockFile::open(&path, &[9; 32]).unwrap();
        assert!(file.read_next().unwrap().is_none());
        for number in 1..=3 {
            file.append(&[record(number)]).unwrap();
        }
        drop(file);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let numbers = read_all(&path);
            assert_eq!(numbers, (1..=numbers.len() as u8).collect::<Vec<_>>());
            // What comes next goes after the last whole record.
            let mut file = BlockFile::open(&path, &[9; 32]).unwrap();
            while file.read_next().unwrap().is_some() {}
            file.append(&[record(7)]).unwrap();
            drop(file);
            assert_eq!(read_all(&path).last(), Some(&7));
        }
    }

    #[test]
    fn a_file_is_of_one_chain_and_in_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("blocks");
        let file = BlockFile::open(&path, &[9; 32]).unwrap();
        assert!(matches!(BlockFile::open(&path, &[9; 32]), Err(EmbeddedError::Busy { .. })));
        drop(file);
        assert!(matches!(BlockFile::open(&path, &[8; 32]), Err(EmbeddedError::OtherChain { .. })));
    }
}
