//! How many hashes a batch costs. A count that grows is a regression, one that shrinks a surprise.

mod scenario;

use scenario::{Full, Partial, set};
use state::{HashCounts, StateTree};

/// 1,000 entries with keys 10, 20, ... in slots 1, 2, ...
fn thousand() -> Full {
    let mut tree = Full::new();
    let entries: Vec<_> = (1..=1000u128).map(|key| set(key * 10, b"value")).collect();
    tree.apply(&entries).expect("valid");
    tree.root();
    tree
}

fn cost(tree: &mut impl StateTree, batch: &[state::Change]) -> HashCounts {
    let before = tree.hashes();
    tree.apply(batch).expect("valid");
    tree.root();
    tree.hashes().since(&before)
}

#[test]
fn no_change_makes_no_hash() {
    let mut tree = thousand();
    let before = tree.hashes();
    tree.apply(&[]).expect("valid");
    tree.apply(&[set(10, b"value"), set(5000, b"value")]).expect("valid");
    tree.get(10).expect("valid");
    tree.get(11).expect("valid");
    tree.next(10).expect("valid");
    tree.root();
    assert_eq!(tree.hashes(), before);

    tree.start_recording();
    tree.apply(&[set(10, b"value")]).expect("valid");
    let mut partial = Partial::from_witness(tree.take_witness().expect("valid")).unwrap();
    let before = partial.hashes();
    partial.apply(&[set(10, b"value")]).expect("valid");
    partial.root();
    assert_eq!(partial.hashes(), before);
}

#[test]
fn an_update_costs_one_path() {
    let mut tree = thousand();
    assert_eq!(cost(&mut tree, &[set(10, b"other")]), HashCounts { leaves: 1, nodes: 32, roots: 1 });
}

#[test]
fn the_first_thousand_entries_cost_their_levels() {
    // 1,001 leaves; levels of 501, 251, 126, 63, 32, 16, 8, 4, 2, 1 nodes; then 22 single ones.
    assert_eq!(thousand().hashes(), HashCounts { leaves: 1001, nodes: 1004 + 22, roots: 1 });
}

#[test]
fn a_slot_freed_and_reused_is_hashed_once() {
    let mut tree = thousand();
    // Key 20 leaves slot 2 and key 25 takes it; only its leaf and that of key 10 in slot 1 change.
    let found = cost(&mut tree, &[(20, None), set(25, b"value")]);
    assert_eq!(found, HashCounts { leaves: 2, nodes: 2 + 31, roots: 1 });
}

#[test]
fn a_known_batch_costs_a_known_number_of_hashes_in_both_trees() {
    let mut tree = thousand();
    let mut batch: Vec<_> = (1..=50u128).map(|i| set(i * 200, b"changed")).collect();
    batch.extend((0..10u128).map(|i| (9810 + i * 10, None)).filter(|(key, _)| key % 200 != 0));
    batch.extend((0..30u128).map(|i| set(20_000 + i, b"new")));
    batch.sort_by_key(|(key, _)| *key);
    batch.dedup_by_key(|(key, _)| *key);
    tree.start_recording();
    let found = cost(&mut tree, &batch);
    assert_eq!(found, HashCounts { leaves: 80, nodes: 311, roots: 1 });

    let mut partial = Partial::from_witness(tree.take_witness().expect("valid")).unwrap();
    let opening = partial.hashes();
    assert_eq!(cost(&mut partial, &batch), found);
    assert_eq!(opening, HashCounts { leaves: 60, nodes: 293, roots: 1 });
}
