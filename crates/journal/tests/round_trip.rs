//! What goes in comes out, across commits, rotations and reopenings.

#![allow(clippy::unwrap_used)]

mod shared;

use journal::{Journal, JournalError, NextSegment, Options, Reader, ReplayFrom, SnapshotCheck};
use proptest::prelude::*;
use shared::{commit_groups, directory, open, record, records, segments, small};

fn any_record() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..200),
        1 => proptest::collection::vec(any::<u8>(), 0..1200),
        1 => (0usize..1200).prop_map(|length| vec![0; length]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn records_come_back_as_they_were_appended(
        sessions in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(any_record(), 1..4), 0..12), 1..5),
    ) {
        let dir = directory();
        let mut expected = Vec::new();
        for groups in sessions {
            let (mut journal, recovery) = open(dir.path());
            prop_assert_eq!(recovery.next_index, expected.len() as u64);
            prop_assert_eq!(recovery.torn, None);
            commit_groups(&mut journal, &groups);
            expected.extend(groups.into_iter().flatten());
            prop_assert_eq!(&records(&journal), &expected);
            journal.append(b"never committed").unwrap();
        }
        let from = expected.len() / 2;
        let (journal, _) = open(dir.path());
        let tail: Vec<_> = journal.read(from as u64).unwrap().map(Result::unwrap).collect();
        let indexed = expected.iter().cloned().enumerate().map(|(index, record)| (index as u64, record));
        prop_assert_eq!(tail, indexed.skip(from).collect::<Vec<_>>());
        let verified = Reader::open(dir.path()).unwrap().verify().unwrap();
        prop_assert_eq!(verified.chain_hash, journal.chain_hash());
        prop_assert_eq!(verified.next_index, expected.len() as u64);
    }
}

#[test]
fn reading_shows_only_what_is_committed() {
    let dir = directory();
    let (mut journal, _) = open(dir.path());
    assert_eq!(journal.append(b"a").unwrap(), 0);
    assert_eq!(journal.append(b"b").unwrap(), 1);
    assert_eq!((journal.next_index(), journal.committed_index()), (2, 0));
    assert!(records(&journal).is_empty());
    let commit = journal.commit().unwrap();
    assert_eq!((commit.first_index, commit.records, commit.chain_hash), (0, 2, journal.chain_hash()));
    assert_eq!(records(&journal), [b"a", b"b"]);
    assert_eq!(journal.commit().unwrap().records, 0);
    assert!(matches!(journal.read(3), Err(JournalError::BeyondEnd { index: 3, end: 2 })));
    let mut beyond = Reader::open(dir.path()).unwrap().read(3).unwrap();
    assert!(matches!(beyond.next(), Some(Err(JournalError::BeyondEnd { index: 3, end: 2 }))));
    assert!(beyond.next().is_none());
}

#[test]
fn an_oversized_record_or_group_is_refused_and_the_journal_goes_on() {
    let dir = directory();
    let (mut journal, _) = open(dir.path());
    assert!(matches!(
        journal.append(&[1; 3001]),
        Err(JournalError::RecordTooLarge { bytes: 3001, limit: 3000 })
    ));
    journal.append(&[1; 3000]).unwrap();
    assert!(matches!(journal.append(&[2; 2000]), Err(JournalError::GroupFull { limit: 4096 })));
    journal.commit().unwrap();
    assert_eq!(journal.append(&[2; 2000]).unwrap(), 1);
    journal.commit().unwrap();
    assert_eq!(records(&journal).len(), 2);
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let dir = directory();
    for options in [
        Options { segment_bytes: 8191, ..small() },
        Options { max_frame_bytes: 0, max_record_bytes: 0, ..small() },
        Options { max_record_bytes: 4096, ..small() },
        Options { max_record_bytes: u32::MAX, ..small() },
        Options { segment_bytes: 4096 + 512, ..small() },
    ] {
        let error = Journal::open(dir.path(), options.clone(), ReplayFrom::Genesis).unwrap_err();
        assert!(matches!(error, JournalError::BadOptions { .. }), "{options:?}: {error}");
    }
    assert!(segments(dir.path()).is_empty());
}

#[test]
fn the_next_segment_is_prepared_ahead_and_found_ready() {
    let dir = directory();
    let options = Options { preallocate_ahead: true, ..small() };
    let (mut journal, _) = Journal::open(dir.path(), options, ReplayFrom::Genesis).unwrap();
    let mut rotations = 0;
    for index in 0..64 {
        while journal.status().next_segment == NextSegment::Preparing {
            std::thread::yield_now();
        }
        assert_eq!(journal.status().next_segment, NextSegment::Ready);
        journal.append(&record(index, 700)).unwrap();
        rotations += usize::from(journal.commit().unwrap().rotated);
    }
    assert!(rotations > 5);
    assert_eq!(journal.status().segments, rotations + 1);
    assert_eq!(records(&journal), (0..64).map(|index| record(index, 700)).collect::<Vec<_>>());
}

#[test]
fn options_may_change_between_openings() {
    let dir = directory();
    let mut expected = Vec::new();
    for (turn, scale) in [1, 4, 2, 8, 1].into_iter().enumerate() {
        let options = Options {
            segment_bytes: 8192 * scale,
            max_frame_bytes: 4096 * scale as u32,
            max_record_bytes: 3000 * scale as u32,
            ..small()
        };
        let (mut journal, _) = Journal::open(dir.path(), options, ReplayFrom::Genesis).unwrap();
        for length in [10, 3000 * scale as usize, 100] {
            expected.push(record(turn as u64, length));
            journal.append(expected.last().unwrap()).unwrap();
            journal.commit().unwrap();
        }
        assert_eq!(records(&journal), expected);
    }
    assert_eq!(records(&open(dir.path()).0), expected);
}

#[test]
fn an_empty_segment_too_small_for_a_frame_is_replaced() {
    let dir = directory();
    drop(open(dir.path()));
    let larger =
        Options { segment_bytes: 1 << 16, max_frame_bytes: 1 << 15, max_record_bytes: 20_000, ..small() };
    let (mut journal, _) = Journal::open(dir.path(), larger, ReplayFrom::Genesis).unwrap();
    journal.append(&record(1, 20_000)).unwrap();
    assert!(journal.commit().unwrap().rotated);
    drop(journal);
    assert_eq!(segments(dir.path()).len(), 1);
    assert_eq!(records(&open(dir.path()).0), [record(1, 20_000)]);
}

#[test]
fn commits_that_did_not_wait_for_the_disk_are_counted_for_ever() {
    let dir = directory();
    let (mut journal, _) =
        Journal::open(dir.path(), Options { sync: false, ..small() }, ReplayFrom::Genesis).unwrap();
    assert!(!journal.status().sync);
    commit_groups(&mut journal, &[vec![b"a".to_vec()], vec![b"b".to_vec()]]);
    drop(journal);
    let (mut journal, recovery) = open(dir.path());
    assert_eq!(recovery.unsynced_frames, 2);
    commit_groups(&mut journal, &[vec![b"c".to_vec()]]);
    assert_eq!(Reader::open(dir.path()).unwrap().verify().unwrap().unsynced_frames, 2);
}

#[test]
fn truncation_removes_whole_segments_and_replay_then_needs_a_snapshot() {
    let dir = directory();
    let (mut journal, _) = open(dir.path());
    let mut chain_at = vec![journal.chain_hash()];
    for index in 0..40 {
        journal.append(&record(index, 700)).unwrap();
        chain_at.push(journal.commit().unwrap().chain_hash);
    }
    let before = segments(dir.path()).len();
    assert_eq!(journal.truncate_before(0).unwrap(), 0);
    let removed = journal.truncate_before(20).unwrap();
    assert!(removed > 0 && segments(dir.path()).len() == before - removed);
    let oldest = journal.oldest_index();
    assert!(oldest > 0 && oldest <= 20);
    assert!(matches!(journal.read(0), Err(JournalError::NotKept { index: 0, .. })));
    assert_eq!(journal.read(20).unwrap().count(), 20);
    drop(journal);

    let error = Journal::open(dir.path(), small(), ReplayFrom::Genesis).unwrap_err();
    assert!(
        matches!(error, JournalError::MissingSegment { needed: 0, found: Some(found), .. } if found == oldest)
    );
    let at = |index: u64, chain_hash| {
        Journal::open(dir.path(), small(), ReplayFrom::Snapshot { index, chain_hash })
    };
    for index in oldest..=40 {
        let (journal, recovery) = at(index, chain_at[index as usize]).unwrap();
        assert_eq!(recovery.snapshot, SnapshotCheck::SameHistory);
        assert_eq!((recovery.oldest_index, recovery.next_index), (oldest, 40));
        assert_eq!(journal.read(index).unwrap().count() as u64, 40 - index);
    }
    assert!(matches!(at(41, [0; 32]), Err(JournalError::SnapshotAboveEnd { snapshot: 41, end: 40 })));
    assert!(matches!(at(25, [0; 32]), Err(JournalError::SnapshotMismatch { index: 25 })));
    assert!(matches!(at(40, [0; 32]), Err(JournalError::SnapshotMismatch { index: 40 })));
    let error = at(oldest - 1, chain_at[oldest as usize - 1]).unwrap_err();
    assert!(matches!(error, JournalError::SnapshotBelowOldest { .. }), "{error}");

    let (mut journal, _) = at(40, chain_at[40]).unwrap();
    journal.truncate_before(u64::MAX).unwrap();
    assert_eq!(segments(dir.path()).len(), 1);
}

#[test]
fn a_snapshot_between_commit_boundaries_is_taken_on_trust_and_said_so() {
    let dir = directory();
    let (mut journal, _) = open(dir.path());
    commit_groups(&mut journal, &[vec![b"a".to_vec(), b"b".to_vec()]]);
    drop(journal);
    let from = ReplayFrom::Snapshot { index: 1, chain_hash: [0; 32] };
    let (_, recovery) = Journal::open(dir.path(), small(), from).unwrap();
    assert_eq!(recovery.snapshot, SnapshotCheck::NotAtCommitBoundary);
}

#[test]
fn a_snapshot_without_its_journal_is_refused() {
    let dir = directory();
    let from = ReplayFrom::Snapshot { index: 7, chain_hash: [0; 32] };
    let error = Journal::open(dir.path(), small(), from).unwrap_err();
    assert!(matches!(error, JournalError::SnapshotAboveEnd { snapshot: 7, end: 0 }));
}
