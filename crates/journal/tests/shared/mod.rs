//! What the tests of this crate have in common: small journals in fast directories, and damage to them.

#![allow(dead_code, clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use journal::{Journal, JournalError, Options, Reader, Recovery, ReplayFrom};
use tempfile::TempDir;

/// Small segments, so that a few records rotate.
pub fn small() -> Options {
    Options {
        segment_bytes: 8192,
        max_frame_bytes: 4096,
        max_record_bytes: 3000,
        preallocate_ahead: false,
        ..Options::default()
    }
}

/// A directory in memory where there is one: these tests open journals by the ten thousand.
pub fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

pub fn open(dir: &Path) -> (Journal, Recovery) {
    Journal::open(dir, small(), ReplayFrom::Genesis).unwrap()
}

/// Appends and commits each group.
pub fn commit_groups(journal: &mut Journal, groups: &[Vec<Vec<u8>>]) {
    for group in groups {
        for record in group {
            journal.append(record).unwrap();
        }
        journal.commit().unwrap();
    }
}

pub fn records(journal: &Journal) -> Vec<Vec<u8>> {
    journal.read(0).unwrap().map(|record| record.unwrap().1).collect()
}

/// All records by way of the read-only reader, or why not.
pub fn try_read(dir: &Path) -> Result<Vec<Vec<u8>>, JournalError> {
    Reader::open(dir)?.read(0)?.map(|record| record.map(|(_, bytes)| bytes)).collect()
}

/// A record that looks random but is not.
pub fn record(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state >> 56) as u8
        })
        .collect()
}

pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    paths.sort();
    paths
}

/// Every file of the journal with its bytes, to show that nothing was changed.
pub fn contents(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    segments(dir).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Where the last frame of the last segment begins and ends, from the format's own fields.
pub fn last_frame(bytes: &[u8]) -> (usize, usize) {
    let mut frame = None;
    let mut at = 512;
    while at + 512 <= bytes.len() && bytes[at..at + 8] == *b"GB-FRAME" {
        let payload = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        let end = at + (48 + payload + 40).next_multiple_of(512);
        frame = Some((at, end));
        at = end;
    }
    frame.expect("the segment has a frame")
}
