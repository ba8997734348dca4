//! A snapshot keeps the root and the slots to come, and refuses what no tree has.

mod scenario;

use proptest::prelude::*;
use scenario::{Full, example, grown, histories, valid, wishes};
use state::StateTree;

proptest! {
    #[test]
    fn a_restored_tree_has_the_same_root_now_and_after_more_batches(history in histories(), more in wishes(30)) {
        let (mut tree, model) = grown(&history);
        let bytes = tree.to_snapshot();
        let mut restored = Full::from_snapshot(&bytes).unwrap();
        prop_assert_eq!(restored.to_snapshot(), bytes);
        prop_assert_eq!(restored.root(), tree.root());
        prop_assert_eq!(restored.entries(), tree.entries());
        let batch = valid(&more, &model);
        tree.apply(&batch).unwrap();
        restored.apply(&batch).unwrap();
        prop_assert_eq!(restored.root(), tree.root());
    }
}

#[test]
fn a_mutated_snapshot_is_refused_or_has_another_root() {
    let mut tree = example();
    let (bytes, root) = (tree.to_snapshot(), tree.root());
    for at in 0..bytes.len() {
        for byte in (0..=255).filter(|byte| *byte != bytes[at]) {
            let mut mutated = bytes.clone();
            mutated[at] = byte;
            if let Ok(mut other) = Full::from_snapshot(&mutated) {
                assert_eq!(other.to_snapshot(), mutated);
                assert_ne!(other.root(), root, "byte {at} = {byte}");
            }
        }
    }
    for len in 0..bytes.len() {
        assert!(Full::from_snapshot(&bytes[..len]).is_err());
    }
    assert!(Full::from_snapshot(&[&bytes[..], &[0]].concat()).is_err());
}
