//! Publishing, reading, retention.

mod shared;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use availability::{Decoder, Progress, Verifier};
use shard_store::{BlockId, Health, Outcome, Retention, Store, StoreError};
use shared::{encoded, flip, folder, payload, publish};

#[test]
fn a_published_block_is_read_back_with_every_path() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    assert_eq!(publish(&store, 7), Outcome::Published);
    drop(store);

    let store = Store::open(dir.path()).unwrap();
    let block = encoded(7);
    let commitment = block.header().commitment();
    for id in [BlockId::Number(7), BlockId::Commitment(commitment)] {
        let stored = store.find(id).unwrap();
        assert!(stored.has_shards);
        assert_eq!(stored.record.header, *block.header());
        assert_eq!((stored.record.claim_digest, stored.record.published_at), (Some([7; 32]), 7_000));
    }
    let head = store.head(7).unwrap();
    let verifier = Verifier::new(&head.record.header, &head.combination).unwrap();
    let mut decoder = Decoder::new(block.header()).unwrap();
    for index in (0..24).rev() {
        let sample = store.sample(&head, index).unwrap();
        assert_eq!(sample, block.sample(index).unwrap());
        verifier.verify(&sample).unwrap();
        decoder.push(&sample).unwrap();
    }
    assert_eq!(decoder.progress(), Progress::Decodable);
    assert_eq!(decoder.finish().unwrap(), payload(7, 20_000));
    let error = store.sample(&head, 24).unwrap_err();
    assert!(matches!(error, StoreError::NoSuchShard { number: 7, index: 24, total: 24 }), "{error}");
}

#[test]
fn publishing_again_changes_nothing_and_another_block_under_the_number_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    publish(&store, 7);
    assert_eq!(publish(&store, 7), Outcome::AlreadyThere);
    let error = store.publish(7, None, 0, &encoded(8)).unwrap_err();
    let kept = encoded(7).header().commitment();
    assert!(matches!(error, StoreError::Conflict { number: 7, kept: found } if found == kept), "{error}");
    assert_eq!(store.find(BlockId::Number(7)).unwrap().record.commitment(), kept);
    let missing = store.find(BlockId::Commitment(encoded(8).header().commitment()));
    assert!(matches!(missing, Err(StoreError::NoSuchBlock)));
    // Also when only its record is left.
    publish(&store, 9);
    store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 0).unwrap();
    assert!(matches!(store.publish(7, None, 0, &encoded(8)), Err(StoreError::Conflict { .. })));
}

#[test]
fn a_block_that_is_published_again_is_whole_whatever_happened_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    publish(&store, 7);
    let block = folder(dir.path(), 7);
    flip(&block.join("shards"), 5_000);
    assert_eq!(publish(&store, 7), Outcome::Restored);
    flip(&block.join("head"), 200);
    assert!(matches!(store.scrub(7, true).unwrap(), Health::HeadDamaged { .. }));
    assert_eq!(publish(&store, 7), Outcome::Restored);
    fs::remove_file(block.join("shards")).unwrap();
    assert_eq!(publish(&store, 7), Outcome::Restored);
    fs::remove_file(block.join("head")).unwrap();
    assert_eq!(publish(&store, 7), Outcome::Restored);
    publish(&store, 8);
    store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 0).unwrap();
    assert_eq!(publish(&store, 7), Outcome::Published);
    assert!(matches!(store.scrub(7, false).unwrap(), Health::Whole));
}

#[test]
fn blocks_are_listed_by_number_across_gaps_and_groups() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    let numbers = [3, 4, 999, 1_000, 5_000_123];
    for number in numbers.iter().rev() {
        publish(&store, *number);
    }
    store.prune(&Retention { blocks: Some(3), ..Retention::default() }, 0).unwrap();
    let listed = |from, limit| -> Vec<(u64, bool)> {
        let stored = store.list(from, limit).unwrap();
        stored.iter().map(|stored| (stored.record.number, stored.has_shards)).collect()
    };
    assert_eq!(listed(0, 100), [(3, false), (4, false), (999, true), (1_000, true), (5_000_123, true)]);
    assert_eq!(listed(4, 2), [(4, false), (999, true)]);
    assert_eq!(listed(1_000, 1), [(1_000, true)]);
    assert_eq!(listed(5_000_124, 9), []);
    assert_eq!(store.numbers().unwrap(), [999, 1_000, 5_000_123]);
    assert_eq!(store.newest().unwrap(), Some(5_000_123));
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(Store::create(empty.path()).unwrap().newest().unwrap(), None);
}

#[test]
fn what_is_pruned_keeps_its_record_and_the_newest_block_is_never_pruned() {
    let block_bytes = 24 * encoded(1).header().shard_length().unwrap() as u64;
    for (retention, kept) in [
        (Retention::default(), vec![1, 2, 3, 4, 5]),
        (Retention { blocks: Some(2), ..Retention::default() }, vec![4, 5]),
        (Retention { blocks: Some(0), ..Retention::default() }, vec![5]),
        (Retention { bytes: Some(3 * block_bytes), ..Retention::default() }, vec![3, 4, 5]),
        (Retention { bytes: Some(3 * block_bytes - 1), ..Retention::default() }, vec![4, 5]),
        // Blocks are published a second apart; it is second 6 now.
        (Retention { age: Some(Duration::from_secs(3)), ..Retention::default() }, vec![3, 4, 5]),
        (Retention { age: Some(Duration::ZERO), ..Retention::default() }, vec![5]),
        (
            Retention { blocks: Some(4), bytes: Some(3 * block_bytes), age: Some(Duration::from_secs(2)) },
            vec![4, 5],
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).unwrap();
        for number in 1..=5 {
            publish(&store, number);
        }
        let head = store.head(1).unwrap();
        let pruned = store.prune(&retention, 6_000).unwrap();
        assert!(pruned.failed.is_empty());
        let gone: Vec<u64> = (1..=5).filter(|number| !kept.contains(number)).collect();
        assert_eq!((pruned.bytes, &pruned.blocks), (gone.len() as u64 * block_bytes, &gone), "{retention:?}");
        assert_eq!(store.numbers().unwrap(), kept);
        for number in gone {
            let commitment = encoded(number).header().commitment();
            let stored = store.find(BlockId::Commitment(commitment)).unwrap();
            assert_eq!((stored.has_shards, stored.record.number), (false, number));
            assert!(
                matches!(store.head(number), Err(StoreError::Pruned { number: found }) if found == number)
            );
        }
        // Whoever had read the head before learns it, too.
        if !kept.contains(&1) {
            assert!(matches!(store.shard(&head, 0), Err(StoreError::Pruned { number: 1 })));
        }
    }
}

#[test]
fn another_process_that_prunes_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, other) = (Store::create(dir.path()).unwrap(), Store::open(dir.path()).unwrap());
    publish(&store, 1);
    publish(&store, 2);
    assert!(other.sample(&other.head(1).unwrap(), 3).is_ok());
    store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 0).unwrap();
    let error = other.sample(&other.head(1).unwrap(), 3).unwrap_err();
    assert!(matches!(error, StoreError::Pruned { number: 1 }), "{error}");
    assert!(!other.find(BlockId::Number(1)).unwrap().has_shards);
}

#[test]
fn a_folder_of_something_else_is_neither_opened_nor_made_a_store() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::NotAStore { .. })));
    assert!(matches!(Store::open(&dir.path().join("none")), Err(StoreError::NotAStore { .. })));
    fs::write(dir.path().join("thesis.txt"), "do not touch").unwrap();
    assert!(matches!(Store::create(dir.path()), Err(StoreError::NotAStore { .. })));
    let store = dir.path().join("a/b");
    Store::create(&store).unwrap();
    fs::write(store.join("STORE"), "another thing").unwrap();
    assert!(matches!(Store::open(&store), Err(StoreError::NotAStore { .. })));
}

#[test]
fn what_a_crash_left_is_cleared_and_never_seen() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    publish(&store, 1);
    // A crash before the block was in its place: everything else is there already, also its commitment.
    let block = encoded(2);
    publish(&store, 2);
    let partial = dir.path().join("partial");
    fs::rename(folder(dir.path(), 2), partial.join("block")).unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(matches!(store.find(BlockId::Number(2)), Err(StoreError::NoSuchBlock)));
    assert!(matches!(
        store.find(BlockId::Commitment(block.header().commitment())),
        Err(StoreError::NoSuchBlock)
    ));
    assert_eq!(store.list(0, 10).unwrap().len(), 1);
    assert_eq!(publish(&store, 2), Outcome::Published);
    assert_eq!(fs::read_dir(&partial).unwrap().count(), 0);
    assert!(matches!(store.scrub(2, false).unwrap(), Health::Whole));
}

/// The file that says which number has the commitment of block `number`.
fn name_of(dir: &Path, number: u64) -> PathBuf {
    let name = hex::encode(encoded(number).header().commitment().0);
    dir.join("commitments").join(&name[..2]).join(&name[2..])
}

#[test]
fn a_block_whose_name_is_damaged_is_found_by_its_commitment_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    let by_name = BlockId::Commitment(encoded(7).header().commitment());
    let damage: [fn(&Path); 3] = [
        |name| fs::write(name, "seven").unwrap(),
        |name| fs::write(name, "99999").unwrap(),
        |name| fs::remove_file(name).unwrap(),
    ];
    for damage in damage {
        publish(&store, 7);
        damage(&name_of(dir.path(), 7));
        assert!(store.find(by_name).is_err());
        assert!(matches!(store.scrub(7, false).unwrap(), Health::NameDamaged { repaired: false }));
        assert!(matches!(store.scrub(7, true).unwrap(), Health::NameDamaged { repaired: true }));
        assert_eq!(store.find(by_name).unwrap().record.number, 7);
        assert!(matches!(store.scrub(7, true).unwrap(), Health::Whole));

        damage(&name_of(dir.path(), 7));
        assert_eq!(publish(&store, 7), Outcome::Restored);
        assert_eq!(store.find(by_name).unwrap().record.number, 7);
        assert_eq!(publish(&store, 7), Outcome::AlreadyThere);
    }
}

#[test]
fn the_name_of_a_block_that_was_pruned_is_repaired_and_its_damaged_record_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    publish(&store, 7);
    publish(&store, 8);
    store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 0).unwrap();
    assert_eq!(store.pruned_numbers().unwrap(), [7]);
    assert!(matches!(store.scrub(7, true).unwrap(), Health::Whole));
    fs::remove_file(name_of(dir.path(), 7)).unwrap();
    let by_name = BlockId::Commitment(encoded(7).header().commitment());
    assert!(store.find(by_name).is_err());
    assert!(matches!(store.scrub(7, false).unwrap(), Health::NameDamaged { repaired: false }));
    assert!(matches!(store.scrub(7, true).unwrap(), Health::NameDamaged { repaired: true }));
    assert_eq!(store.find(by_name).unwrap().record.number, 7);
    flip(&dir.path().join("headers/000000000/000000000007"), 20);
    assert!(matches!(store.scrub(7, true).unwrap(), Health::HeadDamaged { .. }));
}

#[test]
fn another_block_under_a_number_whose_record_is_damaged_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    let kept = encoded(7).header().commitment();
    publish(&store, 7);
    let refused = || {
        let error = store.publish(7, None, 0, &encoded(8)).unwrap_err();
        assert!(matches!(error, StoreError::Conflict { number: 7, kept: found } if found == kept), "{error}");
    };
    flip(&folder(dir.path(), 7).join("head"), 10);
    refused();
    assert_eq!(publish(&store, 7), Outcome::Restored);
    // A name left by a publication that was cut short does not hinder the block that is there.
    fs::create_dir_all(name_of(dir.path(), 8).parent().unwrap()).unwrap();
    fs::write(name_of(dir.path(), 8), "7").unwrap();
    flip(&folder(dir.path(), 7).join("head"), 10);
    assert_eq!(publish(&store, 7), Outcome::Restored);
    fs::remove_file(name_of(dir.path(), 8)).unwrap();
    // Also when it is pruned.
    publish(&store, 9);
    flip(&folder(dir.path(), 7).join("head"), 10);
    store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 0).unwrap();
    refused();
    assert_eq!(publish(&store, 7), Outcome::Published);
}

#[test]
fn a_head_that_the_disk_cannot_read_is_a_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    (1..=3).for_each(|number| assert_eq!(publish(&store, number), Outcome::Published));
    let head = folder(dir.path(), 1).join("head");
    // Reading it fails, and not because it is not there.
    fs::remove_file(&head).unwrap();
    fs::create_dir(&head).unwrap();
    assert!(matches!(store.find(BlockId::Number(1)), Err(StoreError::DamagedHead { .. })));
    assert!(matches!(store.scrub(1, true).unwrap(), Health::HeadDamaged { .. }));
    assert_eq!(publish(&store, 1), Outcome::Restored);
    fs::remove_file(&head).unwrap();
    fs::create_dir(&head).unwrap();
    let pruned = store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 0).unwrap();
    assert_eq!((pruned.blocks, pruned.failed.len()), (vec![1, 2], 0));
    assert_eq!(store.numbers().unwrap(), [3]);
}

#[test]
fn a_block_with_a_damaged_head_is_counted_and_pruned_like_others() {
    let block_bytes = 24 * encoded(1).header().shard_length().unwrap() as u64;
    // A record that can be read although the head is damaged, one that cannot, and one that is not there.
    let damage: [fn(&Path); 3] =
        [|head| flip(head, 300), |head| flip(head, 30), |head| fs::remove_file(head).unwrap()];
    for (damage, has_record) in damage.into_iter().zip([true, false, false]) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::create(dir.path()).unwrap();
        (1..=4).for_each(|number| assert_eq!(publish(&store, number), Outcome::Published));
        damage(&folder(dir.path(), 2).join("head"));
        let retention = Retention { bytes: Some(3 * block_bytes), ..Retention::default() };
        assert_eq!(store.prune(&retention, 0).unwrap().blocks, [1], "the damaged one takes its space");
        let pruned = store.prune(&Retention { blocks: Some(2), ..Retention::default() }, 0).unwrap();
        assert_eq!((pruned.blocks, pruned.bytes, pruned.failed.len()), (vec![2], block_bytes, 0));
        assert_eq!(store.numbers().unwrap(), [3, 4]);
        match store.find(BlockId::Number(2)) {
            Ok(stored) => assert!(has_record && !stored.has_shards),
            Err(error) => assert!(!has_record && matches!(error, StoreError::DamagedHead { .. }), "{error}"),
        }
        assert_eq!(publish(&store, 2), Outcome::Published);
        assert!(matches!(store.scrub(2, false).unwrap(), Health::Whole));
        let retention = Retention { age: Some(Duration::ZERO), ..Retention::default() };
        damage(&folder(dir.path(), 3).join("head"));
        let far = 1_000 * u64::from(u32::MAX);
        assert_eq!(store.prune(&retention, far).unwrap().blocks, [2, 3], "by its age, too");
    }
}

#[test]
fn unreadable_blocks_do_not_hide_those_after_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    (0..200).for_each(|number| assert_eq!(publish(&store, number), Outcome::Published));
    (1..198).for_each(|number| flip(&folder(dir.path(), number).join("head"), 20));
    let listed = |from, limit| -> Vec<u64> {
        store.list(from, limit).unwrap().iter().map(|stored| stored.record.number).collect()
    };
    assert_eq!(listed(0, 2), [0, 198]);
    assert_eq!(listed(1, 1), [198]);
    assert_eq!(listed(0, 100), [0, 198, 199]);
    assert!(listed(u64::MAX, 100).is_empty());
}

#[test]
fn a_group_of_which_all_is_pruned_leaves_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    for number in [1, 2, 1_001, 2_001] {
        publish(&store, number);
    }
    let groups = || fs::read_dir(dir.path().join("blocks")).unwrap().count();
    store.prune(&Retention { blocks: Some(3), ..Retention::default() }, 0).unwrap();
    assert_eq!(groups(), 3, "block 2 is there");
    store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 0).unwrap();
    assert_eq!(groups(), 1);
    assert_eq!(publish(&store, 2), Outcome::Published);
    assert_eq!(store.numbers().unwrap(), [2, 2_001]);
}

#[test]
fn a_withdrawn_block_leaves_its_number_to_another() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    let (one, other) = (encoded(1).header().commitment(), encoded(2).header().commitment());
    store.publish(7, None, 1, &encoded(1)).unwrap();
    store.publish(8, None, 1, &encoded(8)).unwrap();
    // Somebody else has read its head, and keeps it.
    let reader = Store::open(dir.path()).unwrap();
    reader.head(7).unwrap();
    assert!(matches!(store.publish(7, None, 2, &encoded(2)), Err(StoreError::Conflict { .. })));
    assert!(store.withdraw(7).unwrap());
    assert!(!store.withdraw(7).unwrap(), "it is there no more");
    for id in [BlockId::Number(7), BlockId::Commitment(one)] {
        assert!(matches!(reader.find(id), Err(StoreError::NoSuchBlock)));
    }
    assert_eq!(store.publish(7, None, 2, &encoded(2)).unwrap(), Outcome::Published);
    let head = reader.head(7).unwrap();
    assert_eq!(head.record.commitment(), other);
    assert_eq!(reader.sample(&head, 0).unwrap(), encoded(2).sample(0).unwrap());
    assert!(reader.find(BlockId::Commitment(other)).unwrap().has_shards);
    assert!(matches!(reader.find(BlockId::Commitment(one)), Err(StoreError::NoSuchBlock)));
    // Of a block that was pruned, the record is withdrawn.
    store.prune(&Retention { blocks: Some(1), ..Retention::default() }, 3).unwrap();
    assert!(!reader.find(BlockId::Number(7)).unwrap().has_shards);
    assert!(store.withdraw(7).unwrap());
    assert_eq!(store.publish(7, None, 4, &encoded(1)).unwrap(), Outcome::Published);
    assert!(reader.find(BlockId::Commitment(one)).unwrap().has_shards);
}
