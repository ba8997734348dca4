//! Damage to acknowledged data is an error that says where, never silent loss, and changes nothing.

#![allow(clippy::unwrap_used)]

mod shared;

use std::fs;

use journal::{Journal, JournalError, Options, ReplayFrom};
use shared::{commit_groups, contents, directory, record, segments, small, try_read};
use tempfile::TempDir;

/// Three segments, the last one partly filled.
fn three_segments() -> (TempDir, Vec<Vec<u8>>) {
    let dir = directory();
    let options = Options { segment_bytes: 4096, max_frame_bytes: 2048, max_record_bytes: 1500, ..small() };
    let (mut journal, _) = Journal::open(dir.path(), options, ReplayFrom::Genesis).unwrap();
    let lengths = [60, 700, 30, 1100, 0, 96, 96, 600, 900, 96, 600, 60];
    let all: Vec<Vec<u8>> = lengths.into_iter().enumerate().map(|(i, n)| record(i as u64, n)).collect();
    for pair in all.chunks(2) {
        commit_groups(&mut journal, &[pair.to_vec()]);
    }
    drop(journal);
    assert_eq!(segments(dir.path()).len(), 3);
    (dir, all)
}

fn refused(dir: &TempDir) -> JournalError {
    let before = contents(dir.path());
    let error = Journal::open(dir.path(), small(), ReplayFrom::Genesis).unwrap_err();
    assert_eq!(contents(dir.path()), before, "nothing may change");
    error
}

#[test]
fn every_flipped_bit_is_an_error_or_changes_nothing() {
    let (dir, all) = three_segments();
    let mut harmless = 0;
    for path in segments(dir.path()) {
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bytes).unwrap();
            match try_read(dir.path()) {
                Ok(read) => {
                    assert_eq!(read, all, "{} bit {bit}", path.display());
                    harmless += 1;
                }
                Err(JournalError::Corrupt { .. } | JournalError::MissingSegment { .. }) => {}
                Err(other) => panic!("{} bit {bit}: {other}", path.display()),
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(harmless, 0, "all of a segment is covered: frames, the zeros behind them, and the seal");
}

#[test]
fn every_damaged_byte_keeps_the_journal_from_opening() {
    let (dir, _) = three_segments();
    for path in &segments(dir.path()) {
        let whole = fs::read(path).unwrap();
        // Zeroing the very last byte of the log, or of a seal, looks like a write cut short and is the one
        // exception.
        let last = whole.iter().rposition(|&byte| byte != 0);
        for at in 0..whole.len() {
            let zeroing = (whole[at] != 0 && Some(at) != last).then_some(whole[at]);
            for mask in [Some(0x01), Some(0x80), Some(0xff), zeroing].into_iter().flatten() {
                let mut bytes = whole.clone();
                bytes[at] ^= mask;
                fs::write(path, &bytes).unwrap();
                match Journal::open(dir.path(), small(), ReplayFrom::Genesis) {
                    Err(JournalError::Corrupt { .. } | JournalError::MissingSegment { .. }) => {
                        assert_eq!(fs::read(path).unwrap(), bytes, "nothing may change");
                    }
                    other => panic!("{} byte {at} mask {mask:x}: {other:?}", path.display()),
                }
            }
        }
        fs::write(path, &whole).unwrap();
    }
}

#[test]
fn a_missing_segment_is_named() {
    for (removed, needed, found) in [(0, 0, true), (1, 6, true), (2, 10, false)] {
        let (dir, _) = three_segments();
        let paths = segments(dir.path());
        let first_index =
            |path: &std::path::Path| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap();
        assert_eq!(first_index(&paths[removed]), needed);
        fs::remove_file(&paths[removed]).unwrap();
        let expected = found.then(|| first_index(&paths[removed + 1]));
        match refused(&dir) {
            JournalError::MissingSegment { needed: n, found: f, .. } => {
                assert_eq!((n, f), (needed, expected))
            }
            other => panic!("segment {removed}: {other}"),
        }
    }
}

#[test]
fn segments_that_changed_places_are_damage() {
    let (dir, _) = three_segments();
    let paths = segments(dir.path());
    let (first, second) = (fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    fs::write(&paths[0], second).unwrap();
    fs::write(&paths[1], first).unwrap();
    let error = refused(&dir);
    assert!(matches!(&error, JournalError::Corrupt { file, offset: 40, .. } if *file == paths[0]), "{error}");
}

#[test]
fn a_segment_of_another_journal_is_damage() {
    let (dir, _) = three_segments();
    let (other, _) = three_segments();
    let (ours, theirs) = (segments(dir.path()), segments(other.path()));
    fs::copy(&theirs[1], &ours[1]).unwrap();
    let error = refused(&dir);
    assert!(matches!(&error, JournalError::Corrupt { file, offset: 16, .. } if *file == ours[1]), "{error}");
}

#[test]
fn a_segment_of_a_fork_of_the_same_journal_is_damage() {
    let (ours, theirs) = (directory(), directory());
    drop(shared::open(ours.path()));
    let first = &segments(ours.path())[0];
    fs::copy(first, theirs.path().join(first.file_name().unwrap())).unwrap();
    for (dir, history) in [(&ours, 0), (&theirs, 100)] {
        let (mut journal, _) = shared::open(dir.path());
        for index in 0..12 {
            commit_groups(&mut journal, &[vec![record(history + index, 700)]]);
        }
    }
    let (forked, lost) = (&segments(theirs.path())[1], &segments(ours.path())[1]);
    assert_eq!(forked.file_name(), lost.file_name());
    fs::copy(forked, lost).unwrap();
    let error = refused(&ours);
    assert!(matches!(&error, JournalError::Corrupt { file, offset: 48, .. } if file == lost), "{error}");
}

#[test]
fn an_earlier_segment_cut_inside_its_frames_is_damage() {
    let (dir, _) = three_segments();
    let path = &segments(dir.path())[1];
    let whole = fs::read(path).unwrap();
    for cut in (0..shared::last_frame(&whole).1).step_by(37) {
        fs::write(path, &whole[..cut]).unwrap();
        let error = refused(&dir);
        let expected = matches!(error, JournalError::Corrupt { .. } | JournalError::MissingSegment { .. });
        assert!(expected, "cut at {cut}: {error}");
    }
}

#[test]
fn the_message_says_what_to_do() {
    let (dir, _) = three_segments();
    let path = &segments(dir.path())[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[700] ^= 4;
    fs::write(path, &bytes).unwrap();
    let message = refused(&dir).to_string();
    for part in ["00000000000000000000.log", "byte 512", "nothing was changed", "restore"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn damage_below_the_snapshot_does_not_keep_the_journal_from_opening() {
    let (dir, all) = three_segments();
    let paths = segments(dir.path());
    let chain_hash = fs::read(&paths[2]).unwrap()[48..80].try_into().unwrap();
    let mut bytes = fs::read(&paths[0]).unwrap();
    bytes[700] ^= 4;
    fs::write(&paths[0], &bytes).unwrap();
    let from = ReplayFrom::Snapshot { index: 10, chain_hash };
    let (journal, _) = Journal::open(dir.path(), small(), from).unwrap();
    let tail: Vec<_> = journal.read(10).unwrap().map(|record| record.unwrap().1).collect();
    assert_eq!(tail, all[10..]);
    assert!(journal.read(0).unwrap().any(|record| record.is_err()));
}
