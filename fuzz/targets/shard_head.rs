//! Files of a shard store that somebody else wrote: heads and records of pruned blocks. A store opens, lists and looks up; what it
//! serves of a head is what was published, and scrubbing mends it or says that it cannot. Checksums are made to fit.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use kit::{coded, with_checksum};
use libfuzzer_sys::fuzz_target;
use shard_store::{BlockId, Store};

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::create(dir.path()).expect("a store");
    store.publish(1, Some([7; 32]), 1, &coded().1).expect("published");
    fs::create_dir_all(dir.path().join("headers/000000000")).expect("a folder");
    dir
});

fuzz_target!(|bytes: &[u8]| {
    let head = FOLDER.path().join("blocks/000000000/000000000001/head");
    let record = FOLDER.path().join("headers/000000000/000000000002");
    // The record within a head has a checksum of its own.
    const RECORD: usize = 134;
    let (first, rest) = bytes.split_at(bytes.len().min(RECORD));
    for file in [bytes.to_vec(), with_checksum(bytes), with_checksum(&[with_checksum(first), rest.to_vec()].concat())] {
        fs::write(&head, &file).expect("written");
        fs::write(&record, &file).expect("written");
        let store = Store::open(FOLDER.path()).expect("it is a store");
        if let Ok(head) = store.head(1) {
            assert_eq!(head.record.number, 1);
            let total = head.record.header.parameters.total();
            for index in [0, total - 1, total] {
                if let Ok(sample) = store.sample(&head, index) {
                    assert!(coded().1.shards().any(|shard| shard == sample.shard));
                }
            }
        }
        for stored in store.list(0, 10).expect("listed") {
            let found = store.find(BlockId::Number(stored.record.number)).expect("it was listed");
            assert_eq!(found.record, stored.record);
        }
        let _ = store.newest().expect("found");
        let _ = store.scrub(1, false);
    }
});
