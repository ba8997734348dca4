//! The whole tree against the slow one, and the partial tree against the whole.

mod scenario;

use proptest::prelude::*;
use scenario::{Full, Partial, SlowTree, grown, histories, keys, set, valid, wishes};
use state::{Digest, KEY_END, StateError, StateTree, TreeHash, Value, Witness};

proptest! {
    #[test]
    fn the_whole_tree_answers_and_hashes_like_the_slow_one(history in histories(), probes in prop::collection::vec(keys(), 20)) {
        let (mut tree, mut model) = (Full::new(), SlowTree::default());
        tree.set_parallel_from(4);
        for wishes in &history {
            let batch = valid(wishes, &model);
            tree.apply(&batch).unwrap();
            model.apply(&batch);
            prop_assert_eq!(tree.root(), model.root());
            for &key in &probes {
                prop_assert_eq!(tree.get(key).unwrap(), model.entries.get(&key).map(|(_, value)| value.as_slice()));
                prop_assert_eq!(tree.next(key).unwrap(), model.next(key));
            }
            prop_assert_eq!(tree.next(0).unwrap(), model.next(0));
            prop_assert_eq!(tree.entries() as usize, model.entries.len());
        }
        let walked: Vec<_> = tree.iter().map(|entry| (entry.key, entry.value.to_vec())).collect();
        let expected: Vec<_> = model.entries.iter().map(|(key, (_, value))| (*key, value.clone())).collect();
        prop_assert_eq!(walked, expected);
        for (slot, leaf) in tree.iter_slots() {
            if let Some(entry) = leaf.entry().filter(|entry| entry.key != 0) {
                prop_assert_eq!(model.entries[&entry.key].0, slot);
            }
        }
    }

    #[test]
    fn the_partial_tree_replays_a_recording_with_the_same_answers_and_root(
        history in histories(),
        steps in prop::collection::vec((prop::collection::vec((keys(), any::<bool>()), 0..12), wishes(25)), 1..4),
        root_between in any::<bool>(),
    ) {
        let (mut tree, mut model) = grown(&history);
        let before = tree.start_recording();
        prop_assert_eq!(before, model.root());
        let mut original = tree.clone();
        let mut batches = Vec::new();
        for (reads, wishes) in &steps {
            for &(key, step) in reads {
                if step { tree.next(key - 1).unwrap(); } else { tree.get(key).unwrap(); }
            }
            let batch = valid(wishes, &model);
            tree.apply(&batch).unwrap();
            model.apply(&batch);
            if root_between { tree.root(); }
            batches.push(batch);
        }
        let witness = tree.take_witness().unwrap();
        let bytes = witness.encode();
        prop_assert_eq!(Witness::decode(&bytes, bytes.len()), Ok(witness.clone()));

        let mut partial = Partial::from_witness(witness).unwrap();
        partial.verify(before).unwrap();
        for ((reads, _), batch) in steps.iter().zip(&batches) {
            for &(key, step) in reads {
                if step {
                    prop_assert_eq!(partial.next(key - 1), original.next(key - 1));
                } else {
                    prop_assert_eq!(partial.get(key), original.get(key));
                }
            }
            partial.apply(batch).unwrap();
            original.apply(batch).unwrap();
            prop_assert_eq!(partial.root(), original.root());
        }
        prop_assert_eq!(partial.root(), model.root());
        prop_assert_eq!(partial.len(), tree.len());
    }

    #[test]
    fn what_was_not_recorded_is_missing_or_answered_truly(history in histories(), recorded in prop::collection::vec(keys(), 0..6), asked in prop::collection::vec(keys(), 30)) {
        let (mut tree, _) = grown(&history);
        let root = tree.start_recording();
        for &key in &recorded { tree.get(key).unwrap(); }
        let mut partial = Partial::from_witness(tree.take_witness().unwrap()).unwrap();
        partial.verify(root).unwrap();
        for &key in &asked {
            match partial.get(key) {
                Err(error) => prop_assert_eq!(error, StateError::Missing { key }),
                answer => prop_assert_eq!(answer, tree.get(key)),
            }
            match partial.next(key) {
                Err(error) => prop_assert!(matches!(error, StateError::Missing { .. }), "{}", error),
                answer => prop_assert_eq!(answer, tree.next(key)),
            }
        }
    }

    #[test]
    fn a_refused_batch_changes_nothing(history in histories(), batch in wishes(20)) {
        let (mut tree, model) = grown(&history);
        let batch: Vec<_> = batch.iter().map(|(key, value)| (*key, value.as_deref().map(Value::from_slice))).collect();
        let impossible = batch.iter().find(|(key, value)| value.is_none() && !model.entries.contains_key(key));
        let root = tree.start_recording();
        let result = tree.apply(&batch);
        let mut partial = Partial::from_witness(tree.take_witness().unwrap()).unwrap();
        if let Some((key, _)) = impossible {
            prop_assert_eq!(&result, &Err(StateError::NotFound { key: *key }));
            prop_assert_eq!(tree.root(), root);
            prop_assert!(partial.apply(&batch).is_err());
            prop_assert_eq!(partial.root(), root);
        } else {
            prop_assert!(result.is_ok());
        }
    }
}

#[test]
fn malformed_batches_are_refused_by_both_trees() {
    let mut full = Full::new();
    full.start_recording();
    let mut partial = Partial::from_witness(full.take_witness().unwrap()).unwrap();
    let long = Value::from_elem(0, 1025);
    let cases = [
        (vec![set(2, b""), set(2, b"")], StateError::Unsorted { key: 2 }),
        (vec![set(3, b""), set(2, b"")], StateError::Unsorted { key: 2 }),
        (vec![set(0, b"")], StateError::InvalidKey { key: 0 }),
        (vec![(0, None)], StateError::InvalidKey { key: 0 }),
        (vec![set(KEY_END, b"")], StateError::InvalidKey { key: KEY_END }),
        (vec![(2, Some(long))], StateError::ValueTooLong { key: 2, len: 1025 }),
        (vec![(2, None)], StateError::NotFound { key: 2 }),
    ];
    for (batch, error) in cases {
        assert_eq!(full.apply(&batch), Err(error.clone()));
        assert_eq!(partial.apply(&batch), Err(error));
    }
    assert_eq!(full.get(0), Err(StateError::InvalidKey { key: 0 }));
    assert_eq!(partial.get(KEY_END), Err(StateError::InvalidKey { key: KEY_END }));
    assert_eq!(full.next(KEY_END), partial.next(KEY_END));
    assert_eq!(full.take_witness(), Err(StateError::NotRecording));
}

/// Another suite: nodes and byte strings are told apart by a tag.
#[derive(Debug, Clone, Copy, Default)]
struct Tagged;

impl TreeHash for Tagged {
    fn hash(bytes: &[u8]) -> Digest {
        scenario::sha(&[b"bytes", bytes])
    }
    fn node(left: &Digest, right: &Digest) -> Digest {
        scenario::sha(&[b"node", left, right])
    }
}

#[test]
fn another_hash_suite_plugs_in() {
    let mut full = state::FullTree::<Tagged>::new();
    full.apply(&[set(1, b"a"), set(2, b"b")]).unwrap();
    let before = full.start_recording();
    full.apply(&[set(3, b"c")]).unwrap();
    let mut partial = state::PartialTree::<Tagged>::from_witness(full.take_witness().unwrap()).unwrap();
    partial.verify(before).unwrap();
    partial.apply(&[set(3, b"c")]).unwrap();
    assert_eq!(partial.root(), full.root());
    let root = full.root();
    assert_eq!(state::verify::<Tagged>(root, 3, &full.prove(3).unwrap()), Ok(Some(&b"c"[..])));
}
