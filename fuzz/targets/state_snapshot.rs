//! Snapshots of the state tree: what is rebuilt gives the same bytes, and goes on as a tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use state::{FullTree, Sha256Hash, StateTree, Value};

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut tree) = FullTree::<Sha256Hash>::from_snapshot(bytes) else { return };
    assert_eq!(tree.to_snapshot(), bytes);
    let keys: Vec<u128> = tree.iter().map(|entry| entry.key).filter(|key| *key != 0).collect();
    assert!(keys.is_sorted());

    // All that is there leaves, something else comes; a partial tree must follow.
    let before = tree.start_recording();
    let removals: Vec<_> = keys.iter().map(|key| (*key, None)).collect();
    let insertions = [1, 1 << 90, u128::MAX - 1].map(|key| (key, Some(Value::from_slice(b"new"))));
    tree.apply(&removals).expect("they are there");
    tree.apply(&insertions).expect("there is room");
    let witness = tree.take_witness().expect("it was recording");
    let mut partial = state::PartialTree::<Sha256Hash>::from_witness(witness).expect("an honest witness");
    partial.verify(before).expect("of the tree before");
    partial.apply(&removals).expect("the witness shows them");
    partial.apply(&insertions).expect("the witness shows their places");
    assert_eq!(partial.root(), tree.root());
});
