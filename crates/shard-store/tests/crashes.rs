//! Processes that are killed, that write at the same time, and that find the disk full.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod shared;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use shard_store::{BlockId, Health, Outcome, Retention, Store, StoreError};
use shared::{child, encoded, publish, publish_if_child, said};
use tempfile::TempDir;

const CHILD: &str = "publishes_when_it_is_started_for_that";

/// Nothing by itself: what child processes run.
#[test]
fn publishes_when_it_is_started_for_that() {
    publish_if_child();
}

fn all_whole(dir: &Path) -> Vec<u64> {
    let store = Store::open(dir).unwrap();
    let numbers = store.numbers().unwrap();
    for number in &numbers {
        assert!(matches!(store.scrub(*number, false).unwrap(), Health::Whole), "block {number}");
        let commitment = encoded(*number).header().commitment();
        assert_eq!(store.find(BlockId::Commitment(commitment)).unwrap().record.number, *number);
    }
    numbers
}

#[test]
fn a_publisher_that_is_killed_at_any_time_leaves_whole_blocks_and_all_that_it_said() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let mut next = 0;
    for round in 0..14u64 {
        let mut publisher = child(CHILD, &store, next, next + 1_000);
        // Killed while it starts, or some time after it said that it published something.
        let mut output = BufReader::new(publisher.stdout.take().unwrap());
        let mut told = Vec::new();
        while said(&told).len() < (round % 3) as usize {
            assert!(output.read_until(b'\n', &mut told).unwrap() > 0, "it ended by itself");
        }
        thread::sleep(Duration::from_millis(11 * round % 60));
        publisher.kill().unwrap();
        output.read_to_end(&mut told).unwrap();
        publisher.wait().unwrap();
        if !store.join("STORE").exists() {
            continue;
        }
        let there = all_whole(&store);
        for number in said(&told) {
            assert!(there.contains(&number), "block {number} was said to be published: {there:?}");
        }
        next = there.last().map_or(0, |last| last + 1);
    }
    assert!(next > 10, "{next}");
    let store = Store::create(&store).unwrap();
    assert_eq!(publish(&store, next), Outcome::Published);
}

#[test]
fn two_processes_that_publish_at_once_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    // The same blocks, and others.
    let ranges = [(0, 30), (20, 50)];
    let children = ranges.map(|(first, last)| child(CHILD, dir.path(), first, last));
    for publisher in children {
        let output = publisher.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(said(&output.stdout).len(), 31);
    }
    assert_eq!(all_whole(dir.path()), (0..=50).collect::<Vec<_>>());
}

#[test]
fn readers_see_whole_blocks_while_others_publish_and_prune() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path()).unwrap();
    publish(&store, 0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let store = Store::open(dir.path()).unwrap();
            for number in 1..60 {
                publish(&store, number);
                store.prune(&Retention { blocks: Some(5), ..Retention::default() }, 0).unwrap();
            }
        });
        let mut read = 0;
        while !writer.is_finished() {
            for number in store.numbers().unwrap() {
                let index = (number % 24) as usize;
                match store.head(number).and_then(|head| store.sample(&head, index)) {
                    Ok(sample) => {
                        assert_eq!(sample, encoded(number).sample(index).unwrap());
                        read += 1;
                    }
                    Err(StoreError::Pruned { .. }) => {}
                    Err(error) => panic!("block {number}: {error}"),
                }
            }
        }
        assert!(read > 0);
    });
    assert_eq!(all_whole(dir.path()), [55, 56, 57, 58, 59]);
}

/// A file system of 1 MiB in memory.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("SKIPPED: a full disk needs the right to mount a tmpfs (run as root)");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_the_next_block_and_pruning_makes_room() {
    let Some(disk) = SmallDisk::mount() else { return };
    let dir = disk.0.path().join("store");
    let store = Store::create(&dir).unwrap();
    let mut published = 0;
    let error = loop {
        match store.publish(published, None, 0, &encoded(published)) {
            Ok(_) => published += 1,
            Err(error) => break error,
        }
        assert!(published < 100, "the disk is never full");
    };
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    assert!(published > 5);
    assert_eq!(fs::read_dir(dir.join("partial")).unwrap().count(), 0, "what was half written made room");
    assert_eq!(all_whole(&dir), (0..published).collect::<Vec<_>>());
    let pruned = store.prune(&Retention { blocks: Some(published - 2), ..Retention::default() }, 0).unwrap();
    assert_eq!((pruned.blocks, pruned.failed.len()), (vec![0, 1], 0));
    assert_eq!(store.publish(published, None, 0, &encoded(published)).unwrap(), Outcome::Published);
    assert_eq!(all_whole(&dir).len() as u64, published - 1);
}
