//! Snapshots are there whole or not at all, and a damaged one gives way to an older one.

#![allow(clippy::unwrap_used)]

mod shared;

use std::fs;
use std::io::{self, Write};
use std::num::NonZeroUsize;

use journal::{Journal, SnapshotStore};
use shared::{commit_groups, directory, open, record, small};

#[test]
fn the_newest_snapshot_is_found_and_reads_back() {
    let dir = directory();
    let store = SnapshotStore::open(&dir.path().join("deep/snapshots")).unwrap();
    assert!(store.latest().unwrap().snapshot.is_none());
    store.write(10, [1; 32], b"ten").unwrap();
    let body = record(5, 700_000);
    let parts = body.clone();
    let written = store
        .write_with(20, [2; 32], |out| parts.chunks(1000).try_for_each(|part| out.write_all(part)))
        .unwrap();
    store.write(5, [3; 32], b"").unwrap();
    assert_eq!(store.list().unwrap(), [5, 10, 20]);
    let latest = store.latest().unwrap();
    assert!(latest.damaged.is_empty());
    let snapshot = latest.snapshot.unwrap();
    assert_eq!(snapshot, written);
    assert_eq!((snapshot.index, snapshot.chain_hash), (20, [2; 32]));
    assert_eq!(snapshot.read_body().unwrap(), body);
}

#[test]
fn damage_anywhere_in_a_snapshot_falls_back_to_the_older_one() {
    let dir = directory();
    let store = SnapshotStore::open(dir.path()).unwrap();
    store.write(1, [1; 32], b"older").unwrap();
    let newest = store.write(2, [2; 32], b"a newer state").unwrap().path;
    let whole = fs::read(&newest).unwrap();
    let falls_back = |bytes: &[u8]| {
        fs::write(&newest, bytes).unwrap();
        let latest = store.latest().unwrap();
        assert_eq!(latest.snapshot.unwrap().read_body().unwrap(), b"older");
        assert_eq!(latest.damaged[0].path, newest);
    };
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        falls_back(&bytes);
    }
    for cut in 0..whole.len() {
        falls_back(&whole[..cut]);
    }
    falls_back(&[&whole[..], b"\0"].concat());
    fs::remove_file(&newest).unwrap();
    fs::copy(dir.path().join("00000000000000000001.snapshot"), &newest).unwrap();
    let latest = store.latest().unwrap();
    assert_eq!(
        (latest.snapshot.unwrap().index, latest.damaged.len()),
        (1, 1),
        "a renamed snapshot is damaged"
    );
}

#[test]
fn a_state_that_fails_to_write_itself_leaves_nothing_behind() {
    let dir = directory();
    let store = SnapshotStore::open(dir.path()).unwrap();
    let failing = |out: &mut dyn Write| {
        out.write_all(b"half")?;
        Err(io::Error::other("no more"))
    };
    let error = store.write_with(3, [0; 32], failing).unwrap_err();
    assert!(error.to_string().contains("no more"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn pruning_counts_only_usable_snapshots() {
    let dir = directory();
    let store = SnapshotStore::open(dir.path()).unwrap();
    for index in 1..=5 {
        store.write(index, [0; 32], b"state").unwrap();
    }
    fs::write(dir.path().join("00000000000000000005.snapshot"), b"damaged").unwrap();
    assert_eq!(store.prune(NonZeroUsize::new(2).unwrap()).unwrap(), [1, 2]);
    assert_eq!(store.list().unwrap(), [3, 4, 5]);
}

#[test]
fn a_snapshot_has_these_very_bytes() {
    let dir = directory();
    let store = SnapshotStore::open(dir.path()).unwrap();
    let path = store.write(258, [0xc5; 32], b"state").unwrap().path;
    assert_eq!(path.file_name().unwrap(), "00000000000000000258.snapshot");
    let expected = concat!(
        "474c4153534e415001000000000000000201000000000000",
        "c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5c5",
        "0500000000000000",
        "d810dd0bc73b3527b10aa663778acaf11670cfc633e7483358bac7e7a5b3f478",
        "7374617465",
    );
    assert_eq!(hex::encode(fs::read(path).unwrap()), expected);
}

#[test]
fn a_journal_opened_at_its_snapshot_continues_after_truncation() {
    let dir = directory();
    let store = SnapshotStore::open(dir.path()).unwrap();
    let (mut journal, _) = open(dir.path());
    for index in 0..30 {
        commit_groups(&mut journal, &[vec![record(index, 700)]]);
        if index == 19 {
            store.write(journal.committed_index(), journal.chain_hash(), b"state at 20").unwrap();
        }
    }
    assert!(journal.truncate_before(20).unwrap() > 0);
    drop(journal);
    let snapshot = store.latest().unwrap().snapshot.unwrap();
    let (journal, recovery) = Journal::open(dir.path(), small(), snapshot.replay_from()).unwrap();
    assert_eq!(recovery.next_index, 30);
    let replayed: Vec<_> = journal.read(snapshot.index).unwrap().map(Result::unwrap).collect();
    assert_eq!(replayed, (20..30).map(|index| (index, record(index, 700))).collect::<Vec<_>>());
}
