//! A really full disk: committed records stay, the error says what is needed, and space brings it back.

#![allow(clippy::unwrap_used)]

mod shared;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use journal::{Journal, JournalError, NextSegment, Options, ReplayFrom, SnapshotStore};
use shared::{record, records};
use tempfile::TempDir;

/// A file system of 1 MiB in memory, unmounted when dropped. One at a time: a child process just forked to
/// mount another would hold this one's removed files open, and their space with them.
struct SmallDisk(TempDir, #[allow(dead_code)] MutexGuard<'static, ()>);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

impl SmallDisk {
    fn mount() -> Option<Self> {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = TempDir::new().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir, turn));
        }
        eprintln!("SKIPPED: a full disk needs the right to mount a tmpfs (run as root)");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn options(preallocate_ahead: bool) -> Options {
    Options {
        segment_bytes: 256 << 10,
        max_frame_bytes: 64 << 10,
        max_record_bytes: 32 << 10,
        preallocate_ahead,
        ..Options::default()
    }
}

#[test]
fn a_full_disk_stops_the_journal_and_making_space_brings_it_back() {
    let Some(disk) = SmallDisk::mount() else { return };
    for ahead in [false, true] {
        let dir = disk.path().join(format!("journal-{ahead}"));
        let (mut journal, _) = Journal::open(&dir, options(ahead), ReplayFrom::Genesis).unwrap();
        let mut committed = Vec::new();
        let error = loop {
            let next = record(committed.len() as u64, 30_000);
            journal.append(&next).unwrap();
            match journal.commit() {
                Ok(_) => committed.push(next),
                Err(error) => break error,
            }
        };
        match &error {
            JournalError::DiskFull { needed, dir: full } => assert_eq!((*needed, full), (256 << 10, &dir)),
            other => panic!("{other}"),
        }
        assert!(committed.len() > 16, "{}", committed.len());
        assert!(
            matches!(journal.append(b"x"), Err(JournalError::Poisoned { cause }) if cause.contains("disk full"))
        );
        assert_eq!(records(&journal), committed);
        drop(journal);

        // Still full: what is committed can be read, and the next rotation says so again.
        let (mut journal, recovery) = Journal::open(&dir, options(ahead), ReplayFrom::Genesis).unwrap();
        assert_eq!((recovery.next_index, recovery.torn), (committed.len() as u64, None));
        let space = journal.read(0).unwrap().count() as u64 / 2;
        assert!(journal.truncate_before(space).unwrap() > 0, "making space");
        drop(journal);
        let from = ReplayFrom::Oldest;
        let (mut journal, _) = Journal::open(&dir, options(ahead), from).unwrap();
        let last = record(committed.len() as u64, 30_000);
        assert_eq!(journal.append(&last).unwrap(), committed.len() as u64);
        assert!(journal.commit().unwrap().rotated);
        assert_eq!(journal.read(committed.len() as u64).unwrap().next().unwrap().unwrap().1, last);
        drop(journal);
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_disk_too_full_for_the_next_segment_is_reported_before_it_is_needed() {
    let Some(disk) = SmallDisk::mount() else { return };
    let dir = disk.path().join("journal");
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![1; 700 << 10]).unwrap();
    let (mut journal, _) = Journal::open(&dir, options(true), ReplayFrom::Genesis).unwrap();
    while journal.status().next_segment == NextSegment::Preparing {
        std::thread::yield_now();
    }
    let NextSegment::Failed(why) = journal.status().next_segment else { panic!("{:?}", journal.status()) };
    assert!(why.contains("disk full"), "{why}");
    // Space made in time is enough: rotation tries again.
    fs::remove_file(&ballast).unwrap();
    let mut rotated = false;
    for index in 0..12 {
        journal.append(&record(index, 30_000)).unwrap();
        rotated |= journal.commit().unwrap().rotated;
    }
    assert!(rotated);
}

#[test]
fn a_snapshot_that_does_not_fit_leaves_the_older_one() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = SnapshotStore::open(disk.path()).unwrap();
    store.write(1, [0; 32], b"fits").unwrap();
    let error = store.write(2, [0; 32], &vec![7; 2 << 20]).unwrap_err();
    assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
    assert_eq!(store.list().unwrap(), [1]);
    assert_eq!(store.latest().unwrap().snapshot.unwrap().read_body().unwrap(), b"fits");
    store.write(2, [0; 32], b"fits again").unwrap();
}
