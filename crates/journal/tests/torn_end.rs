//! A crash while the last frame was being written loses that frame and nothing else.

#![allow(clippy::unwrap_used)]

mod shared;

use std::fs;
use std::path::PathBuf;

use journal::{Journal, JournalError, ReplayFrom};
use proptest::prelude::*;
use shared::{
    commit_groups, contents, directory, last_frame, open, record, records, segments, small, try_read,
};
use tempfile::TempDir;

/// A journal of some frames and a last one of several records over five sectors.
struct Case {
    dir: TempDir,
    path: PathBuf,
    whole: Vec<u8>,
    kept: Vec<Vec<u8>>,
    frame: (usize, usize),
}

impl Case {
    fn new(last: &[Vec<u8>]) -> Self {
        let dir = directory();
        let (mut journal, _) = open(dir.path());
        let kept = vec![record(1, 96), record(2, 96), record(3, 600)];
        commit_groups(&mut journal, &[kept[..2].to_vec(), kept[2..].to_vec(), last.to_vec()]);
        drop(journal);
        let path = segments(dir.path())[0].clone();
        let whole = fs::read(&path).unwrap();
        let frame = last_frame(&whole);
        Self { dir, path, whole, kept, frame }
    }

    fn over_five_sectors() -> Self {
        let case = Self::new(&[record(4, 700), record(5, 900), vec![], record(6, 500)]);
        assert_eq!(case.frame.1 - case.frame.0, 5 * 512);
        case
    }

    /// Opens over `bytes`: the last frame is dropped, the rest is there, and writing goes on.
    fn recovers(&self, bytes: &[u8], why: &str) {
        fs::write(&self.path, bytes).unwrap();
        assert_eq!(try_read(self.dir.path()).unwrap(), self.kept, "{why}");
        let (mut journal, recovery) = open(self.dir.path());
        assert_eq!(recovery.next_index, 3, "{why}");
        if bytes.len() > self.frame.0 && bytes[self.frame.0..].iter().any(|&byte| byte != 0) {
            let torn = recovery.torn.unwrap_or_else(|| panic!("{why}: not reported"));
            assert_eq!((&torn.file, torn.offset), (&self.path, self.frame.0 as u64), "{why}");
            assert!(torn.bytes as usize <= self.frame.1 - self.frame.0, "{why}");
        } else {
            assert_eq!(recovery.torn, None, "{why}");
        }
        assert_eq!(recovery.shortened.is_some(), bytes.len() < self.whole.len(), "{why}");
        assert_eq!(records(&journal), self.kept, "{why}");
        commit_groups(&mut journal, &[vec![b"after".to_vec()]]);
        drop(journal);
        assert_eq!(fs::metadata(&self.path).unwrap().len(), self.whole.len() as u64, "{why}");
        let (journal, recovery) = open(self.dir.path());
        assert_eq!((recovery.torn, recovery.shortened), (None, None), "{why}");
        assert_eq!(records(&journal).split_last().unwrap(), (&b"after".to_vec(), &self.kept[..]), "{why}");
    }
}

#[test]
fn a_file_cut_at_any_byte_of_the_last_frame_keeps_all_earlier_frames() {
    let case = Case::over_five_sectors();
    for cut in case.frame.0..case.frame.1 {
        case.recovers(&case.whole[..cut], &format!("cut at {cut}"));
    }
}

#[test]
fn zeros_from_any_byte_of_the_last_frame_keep_all_earlier_frames() {
    let case = Case::over_five_sectors();
    for cut in case.frame.0..case.frame.1 {
        let mut bytes = case.whole.clone();
        bytes[cut..case.frame.1].fill(0);
        case.recovers(&bytes, &format!("zeros from {cut}"));
    }
}

#[test]
fn the_last_frame_with_any_of_its_sectors_unwritten_is_torn() {
    let zeros = Case::new(&[vec![0; 700], vec![0; 900], vec![0; 500]]);
    for case in [Case::over_five_sectors(), zeros] {
        let sectors = (case.frame.1 - case.frame.0) / 512;
        for lost in 1..1u32 << sectors {
            let mut bytes = case.whole.clone();
            for sector in (0..sectors).filter(|sector| lost >> sector & 1 == 1) {
                let at = case.frame.0 + sector * 512;
                bytes[at..at + 512].fill(0);
            }
            case.recovers(&bytes, &format!("sectors lost: {lost:b}"));
        }
    }
}

#[test]
fn a_torn_frame_with_anything_behind_it_is_damage() {
    let case = Case::over_five_sectors();
    let (begin, end) = case.frame;
    for lost in 0..5 {
        for (stray, value) in
            [(end, 1), (end + 700, 0x80), (case.whole.len() - 513, 7), (case.whole.len() - 1, 1)]
        {
            let mut bytes = case.whole.clone();
            bytes[begin + lost * 512..][..512].fill(0);
            bytes[stray] = value;
            fs::write(&case.path, &bytes).unwrap();
            let error = Journal::open(case.dir.path(), small(), ReplayFrom::Genesis).unwrap_err();
            assert!(matches!(error, JournalError::Corrupt { .. }), "sector {lost}, stray {stray}: {error}");
            assert_eq!(fs::read(&case.path).unwrap(), bytes, "nothing may change");
        }
    }
}

#[test]
fn a_lost_first_sector_with_a_later_frame_behind_it_is_damage() {
    let dir = directory();
    let (mut journal, _) = open(dir.path());
    commit_groups(&mut journal, &[vec![record(1, 900)], vec![record(2, 50)]]);
    drop(journal);
    let path = &segments(dir.path())[0];
    let mut bytes = fs::read(path).unwrap();
    for lost in [512..1024, 1024..1536, 512..1536] {
        let kept = bytes[lost.clone()].to_vec();
        bytes[lost.clone()].fill(0);
        fs::write(path, &bytes).unwrap();
        let error = Journal::open(dir.path(), small(), ReplayFrom::Genesis).unwrap_err();
        assert!(matches!(error, JournalError::Corrupt { offset: 512, .. }), "{lost:?}: {error}");
        bytes[lost].copy_from_slice(&kept);
    }
}

#[test]
fn a_record_that_imitates_a_frame_does_not_turn_a_torn_frame_into_damage() {
    let imitated = Case::over_five_sectors();
    let frame = &imitated.whole[imitated.frame.0..imitated.frame.0 + 1024];
    let mut record = vec![1; 512 - 52];
    record.extend(frame);
    let case = Case::new(&[record]);
    assert_eq!(case.whole[case.frame.0 + 512..][..8], *b"GB-FRAME");
    let mut bytes = case.whole.clone();
    bytes[case.frame.0..][..512].fill(0);
    case.recovers(&bytes, "imitation");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The disk may persist any sectors, or any prefix, of the one frame that was not synced.
    #[test]
    fn every_committed_record_survives_a_crash(
        committed in proptest::collection::vec(proptest::collection::vec(0usize..900, 1..4), 0..14),
        in_flight in proptest::collection::vec(0usize..1200, 1..4),
        zeros in any::<bool>(),
        by_sector in any::<bool>(),
        survivors in any::<u16>(),
        prefix in 0.0f64..=1.0,
    ) {
        let make = |lengths: &[usize], seed: u64| -> Vec<Vec<u8>> {
            lengths.iter().enumerate()
                .map(|(i, &length)| if zeros { vec![0; length] } else { record(seed * 100 + i as u64, length) })
                .collect()
        };
        let dir = directory();
        let (mut journal, _) = open(dir.path());
        let groups: Vec<_> = committed.iter().enumerate().map(|(i, l)| make(l, i as u64)).collect();
        commit_groups(&mut journal, &groups);
        let before = contents(dir.path());
        let last = make(&in_flight, 999);
        commit_groups(&mut journal, std::slice::from_ref(&last));
        drop(journal);

        // A rotation is made of synced steps, so only the frame itself can be torn.
        let path = segments(dir.path()).pop().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        let (begin, end) = last_frame(&bytes);
        let old = before.iter().find(|(earlier, _)| *earlier == path).map(|(_, bytes)| bytes.clone());
        prop_assert!(old.is_none_or(|old| old[begin..end].iter().all(|&byte| byte == 0)));
        if by_sector {
            for (sector, bytes) in bytes[begin..end].chunks_mut(512).enumerate() {
                if survivors >> (sector % 16) & 1 == 0 {
                    bytes.fill(0);
                }
            }
        } else {
            bytes[begin + ((end - begin) as f64 * prefix) as usize..end].fill(0);
        }
        fs::write(&path, &bytes).unwrap();

        let (mut journal, _) = open(dir.path());
        let mut all: Vec<Vec<u8>> = groups.into_iter().flatten().collect();
        let committed = all.len();
        all.extend(last);
        let found = records(&journal);
        prop_assert!(found.len() == committed || found.len() == all.len());
        prop_assert_eq!(&found[..], &all[..found.len()]);
        commit_groups(&mut journal, &[vec![b"after".to_vec()]]);
        drop(journal);
        let (journal, recovery) = open(dir.path());
        prop_assert_eq!(recovery.torn, None);
        prop_assert_eq!(records(&journal).len(), found.len() + 1);
    }
}
