//! Nobody gets a false answer or a crash out of a witness.

mod scenario;

use proptest::prelude::*;
use scenario::{Full, Partial, example, set};
use state::{Change, DecodeError, Digest, Entry, Leaf, SLOT_NONE, StateError, StateTree, Value, Witness};

/// A batch that updates, removes, reuses slots and appends.
fn batch() -> Vec<Change> {
    vec![
        set(5, b"five"),
        (10, None),
        set(15, b"15"),
        set(25, &[2; 31]),
        set(45, b""),
        set(47, b"x"),
        set(60, b"y"),
    ]
}

/// A replay's outcome: the answers and the new root.
type Outcome = (Option<Value>, Option<Value>, Option<u128>, Digest);

fn replay(tree: &mut impl StateTree) -> Result<Outcome, StateError> {
    let present = tree.get(30)?.map(Value::from_slice);
    let absent = tree.get(33)?.map(Value::from_slice);
    let next = tree.next(30)?.map(|(key, _)| key);
    tree.apply(&batch())?;
    Ok((present, absent, next, tree.root()))
}

fn recorded() -> (Digest, Witness, Outcome) {
    let mut tree = example();
    let before = tree.start_recording();
    let outcome = replay(&mut tree).expect("valid");
    (before, tree.take_witness().expect("recording"), outcome)
}

fn check(before: Digest, witness: Witness) -> Result<Outcome, StateError> {
    let mut partial = Partial::from_witness(witness)?;
    partial.verify(before)?;
    replay(&mut partial)
}

#[test]
fn the_honest_witness_replays() {
    let (before, witness, outcome) = recorded();
    assert!(witness.appends && !witness.siblings.is_empty() || witness.touched.len() as u32 == witness.len);
    assert_eq!(check(before, witness), Ok(outcome));
}

#[test]
fn no_mutated_byte_changes_the_outcome() {
    let (before, witness, outcome) = recorded();
    let bytes = witness.encode();
    for at in 0..bytes.len() {
        for byte in 0..=255 {
            let mut mutated = bytes.clone();
            mutated[at] = byte;
            let Ok(witness) = Witness::decode(&mutated, mutated.len()) else { continue };
            assert_eq!(witness.encode(), mutated, "one encoding a witness");
            if let Ok(found) = check(before, witness) {
                assert_eq!(found, outcome, "byte {at} = {byte}");
                assert_eq!(mutated, bytes, "byte {at} = {byte} is free to vary");
            }
        }
    }
}

#[test]
fn every_truncation_and_extension_is_refused() {
    let bytes = recorded().1.encode();
    for len in 0..bytes.len() {
        assert!(Witness::decode(&bytes[..len], usize::MAX).is_err());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Witness::decode(&longer, usize::MAX), Err(DecodeError::Trailing { extra: 1 }));
    let max = bytes.len() - 1;
    assert_eq!(Witness::decode(&bytes, max), Err(DecodeError::TooLong { len: max + 1, max }));
}

#[test]
fn without_any_one_touched_slot_the_replay_fails() {
    // A larger tree, so that dropping a leaf can be repaired by the sibling digest that it implies.
    let mut tree = Full::new();
    let entries: Vec<_> = (1..200u128).map(|key| set(key * 10, &key.to_be_bytes())).collect();
    tree.apply(&entries).unwrap();
    let removed: Vec<_> = (50..60u128).map(|key| (key * 10, None)).collect();
    tree.apply(&removed).unwrap();
    let all = tree.clone();
    let before = tree.start_recording();
    let run = |tree: &mut dyn StateTree| -> Result<Digest, StateError> {
        tree.get(1000)?;
        tree.get(1005)?;
        tree.next(1200)?;
        let mut batch = vec![(300, None), set(700, b"new")];
        batch.extend((0..15).map(|i| set(801 + i, b"in")));
        tree.apply(&batch)?;
        Ok(tree.root())
    };
    let after = run(&mut tree).unwrap();
    let witness = tree.take_witness().unwrap();
    for dropped in &witness.touched {
        // The honest multiproof of all touched slots but one.
        let mut others = all.clone();
        others.start_recording();
        let kept: Vec<u32> =
            witness.touched.iter().map(|t| t.slot).filter(|slot| *slot != dropped.slot).collect();
        let partial = others_witness(&mut others, &kept, &witness);
        let mut partial = Partial::from_witness(partial).unwrap();
        partial.verify(before).unwrap();
        let result = run(&mut partial);
        assert!(matches!(result, Err(StateError::Missing { .. })), "slot {}: {result:?}", dropped.slot);
    }
    let mut partial = Partial::from_witness(witness).unwrap();
    assert_eq!(run(&mut partial), Ok(after));
}

/// A witness for exactly the slots in `kept`, made by proving every one of them.
fn others_witness(tree: &mut Full, kept: &[u32], model: &Witness) -> Witness {
    let leaves: Vec<_> = tree.iter_slots().map(|(_, leaf)| leaf.clone()).collect();
    let mut level: Vec<Digest> = leaves.iter().map(Leaf::digest::<state::Sha256Hash>).collect();
    let mut nodes: Vec<usize> = kept.iter().map(|slot| *slot as usize).collect();
    if model.appends {
        nodes.push(leaves.len());
    }
    let mut siblings = Vec::new();
    for empty in &state::empty_subtrees::<state::Sha256Hash>()[..32] {
        for node in &nodes {
            if !nodes.contains(&(node ^ 1)) && node ^ 1 < level.len() {
                siblings.push(level[node ^ 1]);
            }
        }
        nodes = nodes.iter().map(|node| node / 2).collect();
        nodes.dedup();
        if level.len() % 2 == 1 {
            level.push(*empty);
        }
        level = level.chunks(2).map(|pair| scenario::sha(&[&pair[0], &pair[1]])).collect();
    }
    let touched = model.touched.iter().filter(|t| kept.contains(&t.slot)).cloned().collect();
    Witness { touched, siblings, ..*model }
}

#[test]
fn impossible_states_are_refused_before_any_root_is_compared() {
    let honest = recorded().1;
    assert!(honest.touched.len() >= 6);
    let refused = |change: &dyn Fn(&mut Witness)| {
        let mut witness = honest.clone();
        change(&mut witness);
        let decoded = Partial::from_witness(witness);
        decoded.map(|_| ()).expect_err("refused")
    };
    let entry =
        |witness: &mut Witness, at: usize, change: &dyn Fn(&mut Entry)| match &mut witness.touched[at].leaf {
            Leaf::Occupied(entry) => change(entry),
            Leaf::Free { .. } => panic!("slot {at} is occupied"),
        };
    let free = honest.touched.iter().position(|t| t.leaf.entry().is_none()).expect("a free slot is touched");

    assert_eq!(refused(&|w| w.touched.clear()), StateError::Empty);
    assert_eq!(refused(&|w| w.len = 0), StateError::Empty);
    assert_eq!(refused(&|w| w.len = 1), StateError::SlotOrder { slot: 1 });
    assert_eq!(refused(&|w| w.touched[2].slot = 1), StateError::SlotOrder { slot: 1 });
    assert_eq!(refused(&|w| w.touched.swap(1, 2)), StateError::SlotOrder { slot: 1 });
    assert_eq!(refused(&|w| entry(w, 0, &|e| e.key = 1)), StateError::Head { slot: 0 });
    assert_eq!(refused(&|w| entry(w, 0, &|e| e.value.push(1))), StateError::Head { slot: 0 });
    assert_eq!(refused(&|w| entry(w, 1, &|e| e.key = 0)), StateError::Head { slot: 1 });
    assert_eq!(
        refused(&|w| w.touched[0].leaf = Leaf::Free { next: SLOT_NONE }),
        StateError::Head { slot: 0 }
    );
    assert_eq!(refused(&|w| entry(w, 1, &|e| e.next = e.key)), StateError::SuccessorChain { key: 10 });
    assert_eq!(refused(&|w| entry(w, 1, &|e| e.next = 3)), StateError::SuccessorChain { key: 10 });
    assert_eq!(refused(&|w| entry(w, 1, &|e| e.next += 1)), StateError::SuccessorChain { key: 15 });
    assert_eq!(
        refused(&|w| entry(w, 1, &|e| (e.key, e.next) = (30, 50))),
        StateError::SuccessorChain { key: 30 }
    );
    assert!(matches!(
        refused(&|w| entry(w, 1, &|e| e.value = Value::from_elem(0, 1025))),
        StateError::ValueTooLong { .. }
    ));
    for slot in [0, 1, honest.len, SLOT_NONE] {
        assert_eq!(refused(&|w| w.free_head = slot), StateError::FreeChain { slot });
    }
    for slot in [0, 1, honest.len, honest.touched[free].slot] {
        assert_eq!(
            refused(&|w| w.touched[free].leaf = Leaf::Free { next: slot }),
            StateError::FreeChain { slot }
        );
    }
    assert!(matches!(refused(&|w| w.siblings.push([0; 32])), StateError::SiblingCount { .. }));
    let mut partial_coverage = example();
    partial_coverage.start_recording();
    partial_coverage.get(10).unwrap();
    let mut witness = partial_coverage.take_witness().unwrap();
    witness.siblings.pop();
    assert!(matches!(Partial::from_witness(witness), Err(StateError::SiblingCount { .. })));
}

#[test]
fn a_free_chain_into_the_unknown_is_missing() {
    let mut tree = example();
    tree.apply(&[(10, None)]).unwrap();
    // Only one of the free slots is touched; a batch that needs two must stop.
    let mut longer = tree.clone();
    let before = tree.start_recording();
    tree.apply(&[set(11, b"")]).unwrap();
    let mut partial = Partial::from_witness(tree.take_witness().unwrap()).unwrap();
    partial.verify(before).unwrap();
    let batch = [set(11, b""), set(12, b"")];
    assert_eq!(partial.apply(&batch), Err(StateError::Missing { key: 12 }));
    assert_eq!(partial.root(), before);
    longer.apply(&batch).unwrap();
}

#[test]
fn appending_without_the_path_of_the_next_slot_is_missing() {
    let mut tree = Full::new();
    tree.apply(&[set(10, b"")]).unwrap();
    let before = tree.start_recording();
    tree.get(11).unwrap();
    let mut partial = Partial::from_witness(tree.take_witness().unwrap()).unwrap();
    partial.verify(before).unwrap();
    assert_eq!(partial.apply(&[set(11, b"")]), Err(StateError::Missing { key: 11 }));
}

#[test]
fn a_tree_at_its_last_slot_is_full_and_does_not_overflow() {
    // The claim of 2^32 - 1 slots costs a witness nothing; no root matches, but nothing may break.
    let tree = Witness {
        len: u32::MAX,
        free_head: SLOT_NONE,
        appends: true,
        touched: vec![state::TouchedLeaf {
            slot: 0,
            leaf: Leaf::Occupied(Entry { key: 0, next: u128::MAX, value: Value::new() }),
        }],
        siblings: vec![[1; 32]; 62],
    };
    let found = (0..=80)
        .filter_map(|count| {
            Partial::from_witness(Witness { siblings: vec![[1; 32]; count], ..tree.clone() }).ok()
        })
        .map(|mut partial| partial.apply(&[set(1, b"")]))
        .collect::<Vec<_>>();
    assert_eq!(found, [Err(StateError::Full { key: 1 })]);
}

#[test]
fn one_slot_before_the_last_an_insert_still_fits() {
    let head = Leaf::Occupied(Entry { key: 0, next: u128::MAX, value: Value::new() });
    let witness = |count| Witness {
        len: u32::MAX - 1,
        free_head: SLOT_NONE,
        appends: true,
        touched: vec![state::TouchedLeaf { slot: 0, leaf: head.clone() }],
        siblings: vec![[1; 32]; count],
    };
    let mut partial = (0..=80).find_map(|count| Partial::from_witness(witness(count)).ok()).unwrap();
    let before = partial.root();
    assert_eq!(partial.apply(&[set(1, b""), set(2, b"")]), Err(StateError::Full { key: 2 }));
    partial.apply(&[set(1, b"")]).unwrap();
    assert_ne!(partial.root(), before);
}

proptest! {
    #[test]
    fn random_bytes_never_crash_a_decoder(bytes in prop::collection::vec(any::<u8>(), 0..400), flag in 0..2u8) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() { *first = flag; }
        if let Ok(witness) = Witness::decode(&bytes, 400) {
            prop_assert_eq!(witness.encode(), bytes.clone());
            let _ = Partial::from_witness(witness);
        }
        let _ = state::Proof::decode(&bytes);
        let _ = Full::from_snapshot(&bytes);
    }

    #[test]
    fn several_mutations_at_once_never_change_the_outcome(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let (before, witness, outcome) = recorded();
        let mut bytes = witness.encode();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(witness) = Witness::decode(&bytes, bytes.len()) {
            // The replay must survive even a root that nobody checked.
            if let Ok(mut partial) = Partial::from_witness(witness.clone()) { let _ = replay(&mut partial); }
            if let Ok(found) = check(before, witness) { prop_assert_eq!(found, outcome); }
        }
    }
}
