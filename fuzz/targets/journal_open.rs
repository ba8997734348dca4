//! A journal whose segment file is not what was written: opening it says so and changes nothing, or finds a prefix of
//! what was written and goes on from there.
//!
//! The first byte chooses: the rest is the file, or edits of an honest file (checksums keep a fuzzer from making one).
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use journal::{Journal, Options, Reader, ReplayFrom};
use kit::Choices;
use libfuzzer_sys::fuzz_target;

const SEGMENT: &str = "00000000000000000000.log";
const RECORDS: [&[u8]; 6] = [b"first", &[0; 700], b"", &[0xff; 300], b"GB-FRAME", b"last"];

static HONEST: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let dir = folder();
    let (mut journal, _) =
        Journal::open(dir.path(), options(), ReplayFrom::Genesis).expect("an empty folder");
    for group in RECORDS.chunks(2) {
        for record in group {
            journal.append(record).expect("it fits");
        }
        journal.commit().expect("there is room");
    }
    drop(journal);
    fs::read(dir.path().join(SEGMENT)).expect("it was written")
});

fuzz_target!(|bytes: &[u8]| {
    let mut choices = Choices::new(bytes);
    let honest = choices.byte() % 4 != 0;
    let file = if honest { edited(choices) } else { choices.rest().to_vec() };
    let dir = folder();
    let path = dir.path().join(SEGMENT);
    fs::write(&path, &file).expect("a temporary file");

    let verified = Reader::open(dir.path()).and_then(|reader| reader.verify());
    assert_eq!(fs::read(&path).expect("it is there"), file, "a reader changes nothing");
    match Journal::open(dir.path(), options(), ReplayFrom::Genesis) {
        Err(_) => {
            assert_eq!(fs::read(&path).expect("it is there"), file, "a refusal changes nothing");
            assert!(verified.is_err());
        }
        Ok((mut journal, recovery)) => {
            let found = records(&journal);
            assert_eq!(found.len() as u64, recovery.next_index);
            if honest {
                assert!(RECORDS.iter().zip(&found).all(|(wrote, read)| *wrote == read.as_slice()));
                assert!(found.len() <= RECORDS.len());
            }
            journal.append(b"goes on").expect("it fits");
            journal.commit().expect("there is room");
            drop(journal);
            let (journal, again) =
                Journal::open(dir.path(), options(), ReplayFrom::Genesis).expect("it was put in order");
            assert_eq!(again.torn, None);
            assert_eq!(again.next_index, recovery.next_index + 1);
            assert_eq!(records(&journal).last().map(Vec::as_slice), Some(&b"goes on"[..]));
        }
    }
});

/// Runs of bytes changed, zeroed or cut, as chosen.
fn edited(mut choices: Choices<'_>) -> Vec<u8> {
    let mut file = HONEST.clone();
    while !choices.is_empty() {
        let at = choices.below(file.len().max(1) as u32) as usize;
        match choices.byte() % 4 {
            0 => {
                let value = choices.byte();
                if let Some(byte) = file.get_mut(at) {
                    *byte ^= value;
                }
            }
            1 => {
                let end = (at + choices.below(2_048) as usize).min(file.len());
                file[at..end].fill(0);
            }
            2 => {
                let sector = at / 512 * 512;
                let end = (sector + 512).min(file.len());
                file[sector..end].fill(0);
            }
            _ => file.truncate(at),
        }
    }
    file
}

fn records(journal: &Journal) -> Vec<Vec<u8>> {
    let records = journal.read(0).expect("it begins at zero");
    records.map(|record| record.expect("it was verified").1).collect()
}

fn options() -> Options {
    Options {
        segment_bytes: 16_384,
        max_frame_bytes: 4_096,
        max_record_bytes: 1_024,
        sync: false,
        preallocate_ahead: false,
    }
}

/// In memory where the system has such a place.
fn folder() -> tempfile::TempDir {
    let memory = PathBuf::from("/dev/shm");
    let parent: &Path = if memory.is_dir() { &memory } else { Path::new("/tmp") };
    tempfile::tempdir_in(parent).expect("a temporary folder")
}
