//! Damage is found, never served, and repaired as long as enough is left.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod shared;

use std::fs::{self, OpenOptions};
use std::path::Path;

use proptest::prelude::*;
use shard_store::{Health, Store, StoreError};
use shared::{encoded, flip, folder, publish};

fn store(dir: &Path) -> Store {
    let store = Store::create(dir).unwrap();
    publish(&store, 7);
    publish(&store, 8);
    store
}

fn length() -> usize {
    encoded(7).header().shard_length().unwrap()
}

#[test]
fn a_damaged_shard_is_never_served_and_scrubbing_repairs_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let before = fs::read(folder(dir.path(), 7).join("shards")).unwrap();
    for index in [0, 17] {
        flip(&folder(dir.path(), 7).join("shards"), index * length() + 100);
        let error = store.sample(&store.head(7).unwrap(), index).unwrap_err();
        assert!(
            matches!(error, StoreError::DamagedShard { number: 7, index: found } if found == index),
            "{error}"
        );
    }
    let damaged = fs::read(folder(dir.path(), 7).join("shards")).unwrap();
    assert!(matches!(store.scrub(7, false).unwrap(), Health::Damaged { shards } if shards == [0, 17]));
    assert_eq!(fs::read(folder(dir.path(), 7).join("shards")).unwrap(), damaged, "looking changes nothing");
    assert!(matches!(store.scrub(7, true).unwrap(), Health::Repaired { shards } if shards == [0, 17]));
    assert!(matches!(store.scrub(7, true).unwrap(), Health::Whole));
    assert_eq!(fs::read(folder(dir.path(), 7).join("shards")).unwrap(), before);
    // What was there is set aside, for whoever wants to know what happened.
    let aside = fs::read(folder(dir.path(), 7).join("damaged/00017")).unwrap();
    assert_eq!(aside, damaged[17 * length()..18 * length()]);
    assert!(matches!(store.scrub(8, true).unwrap(), Health::Whole));
}

#[test]
fn a_truncated_file_is_as_many_shards_lost() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let path = folder(dir.path(), 7).join("shards");
    let before = fs::read(&path).unwrap();
    let cut =
        |bytes: usize| OpenOptions::new().write(true).open(&path).unwrap().set_len(bytes as u64).unwrap();
    cut(20 * length() - 1);
    assert!(
        matches!(store.scrub(7, true).unwrap(), Health::Repaired { shards } if shards == [19, 20, 21, 22, 23])
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    cut(16 * length());
    assert!(matches!(store.scrub(7, true).unwrap(), Health::Repaired { shards } if shards.len() == 8));
    assert_eq!(fs::read(&path).unwrap(), before);
    // One shard less, and nobody can.
    cut(15 * length());
    assert!(matches!(store.scrub(7, true).unwrap(), Health::Lost { left: 15, needed: 16 }));
    assert_eq!(fs::metadata(&path).unwrap().len(), 15 * length() as u64, "nothing was changed");
    assert!(store.sample(&store.head(7).unwrap(), 14).is_ok(), "what is left is served");
}

#[test]
fn missing_files_and_a_damaged_head_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    let block = folder(dir.path(), 7);
    for at in [0, 10, 30, 60, 140, 170, 900] {
        let head = fs::read(block.join("head")).unwrap();
        flip(&block.join("head"), at);
        let Health::HeadDamaged { why } = store.scrub(7, true).unwrap() else { panic!("byte {at}") };
        assert!(why.contains("publish the block again"), "{why}");
        // What cannot be read is left out of lists.
        assert_eq!(store.list(0, 9).unwrap().len(), if at < 166 { 1 } else { 2 });
        fs::write(block.join("head"), head).unwrap();
    }
    fs::rename(block.join("shards"), block.join("elsewhere")).unwrap();
    assert!(matches!(store.scrub(7, true).unwrap(), Health::HeadDamaged { .. }));
    fs::rename(block.join("elsewhere"), block.join("shards")).unwrap();
    // The files of one block in the place of another.
    fs::copy(folder(dir.path(), 8).join("head"), block.join("head")).unwrap();
    assert!(matches!(store.scrub(7, true).unwrap(), Health::HeadDamaged { .. }));
    assert!(matches!(store.scrub(9, true), Err(StoreError::NoSuchBlock)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever is damaged: with enough shards left everything comes back, with fewer nothing false does.
    #[test]
    fn any_damage_is_repaired_or_told(damaged in prop::collection::btree_set(0usize..24, 0..12), at in 0usize..1_000) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).unwrap();
        publish(&store, 7);
        let path = folder(dir.path(), 7).join("shards");
        for index in &damaged {
            flip(&path, index * length() + at % length());
        }
        let expected: Vec<usize> = damaged.into_iter().collect();
        match store.scrub(7, true).unwrap() {
            Health::Whole => prop_assert!(expected.is_empty()),
            Health::Repaired { shards } => prop_assert!(shards == expected && shards.len() <= 8),
            Health::Lost { left, .. } => prop_assert_eq!(left, 24 - expected.len()),
            other => prop_assert!(false, "{:?}", other),
        }
        let head = store.head(7).unwrap();
        for index in 0..24 {
            match store.sample(&head, index) {
                Ok(sample) => prop_assert_eq!(sample, encoded(7).sample(index).unwrap()),
                Err(_) => prop_assert!(expected.len() > 8 && expected.contains(&index)),
            }
        }
    }
}
