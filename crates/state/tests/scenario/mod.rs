//! Random batches, and the slow obvious tree that the fast ones are compared with.
#![allow(dead_code)]

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use state::{Change, DEPTH, Digest, FullTree, KEY_END, Key, Sha256Hash, StateTree, Value};
use std::collections::BTreeMap;

pub type Full = FullTree<Sha256Hash>;
pub type Partial = state::PartialTree<Sha256Hash>;

/// The map and its slots, hashed from scratch with a library's SHA-256.
#[derive(Debug, Clone, Default)]
pub struct SlowTree {
    pub entries: BTreeMap<Key, (u32, Vec<u8>)>,
    /// Freed slots, the last freed at the end.
    free: Vec<u32>,
    /// Slots used beyond the head's.
    used: u32,
}

impl SlowTree {
    pub fn apply(&mut self, changes: &[Change]) {
        for (key, value) in changes {
            if value.is_none() {
                let (slot, _) = self.entries.remove(key).expect("removed keys exist");
                self.free.push(slot);
            }
        }
        for (key, value) in changes {
            let Some(value) = value else { continue };
            if let Some((_, old)) = self.entries.get_mut(key) {
                *old = value.to_vec();
            } else {
                let slot = self.free.pop().unwrap_or_else(|| {
                    self.used += 1;
                    self.used
                });
                self.entries.insert(*key, (slot, value.to_vec()));
            }
        }
    }

    pub fn next(&self, key: Key) -> Option<(Key, &[u8])> {
        self.entries.range(key + 1..).next().map(|(key, (_, value))| (*key, value.as_slice()))
    }

    pub fn root(&self) -> Digest {
        let mut level = vec![[0; 32]; self.used as usize + 1];
        let successor = |key| self.next(key).map_or(KEY_END, |(key, _)| key);
        level[0] = occupied(0, successor(0), &[]);
        for (key, (slot, value)) in &self.entries {
            level[*slot as usize] = occupied(*key, successor(*key), value);
        }
        for (at, slot) in self.free.iter().enumerate() {
            let next = if at == 0 { u32::MAX } else { self.free[at - 1] };
            level[*slot as usize] = sha(&[&[2], &next.to_be_bytes()]);
        }
        let mut empty = [0; 32];
        for _ in 0..DEPTH {
            if level.len() % 2 == 1 {
                level.push(empty);
            }
            level = level.chunks(2).map(|pair| sha(&[&pair[0], &pair[1]])).collect();
            empty = sha(&[&empty, &empty]);
        }
        let head = self.free.last().copied().unwrap_or(u32::MAX);
        sha(&[&[3], &level[0], &(self.used + 1).to_be_bytes(), &head.to_be_bytes()])
    }
}

pub fn sha(parts: &[&[u8]]) -> Digest {
    parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().into()
}

fn occupied(key: Key, next: Key, value: &[u8]) -> Digest {
    let (tag, pad): (u8, &[u8]) = if value.len() == 31 { (1, &[0]) } else { (0, &[]) };
    sha(&[&[tag], &key.to_be_bytes(), &next.to_be_bytes(), value, pad])
}

/// A batch to be made valid against a state: keys with a wish to set or to remove.
pub type Wishes = BTreeMap<Key, Option<Vec<u8>>>;

pub fn keys() -> impl Strategy<Value = Key> {
    prop_oneof![20 => 1..60u128, 1 => Just(KEY_END - 1), 1 => any::<u128>().prop_map(|k| k.clamp(1, KEY_END - 1))]
}

pub fn values() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![4 => 0..4usize, 2 => 29..34usize, 1 => 46..50usize, 1 => 84..90usize, 1 => Just(1024usize)];
    (len, any::<u8>()).prop_map(|(len, byte)| vec![byte; len])
}

pub fn wishes(most: usize) -> impl Strategy<Value = Wishes> {
    let change = prop_oneof![2 => Just(None), 3 => values().prop_map(Some)];
    prop::collection::btree_map(keys(), change, 0..most)
}

pub fn histories() -> impl Strategy<Value = Vec<Wishes>> {
    prop::collection::vec(wishes(30), 1..8)
}

/// Drops the removals of absent keys.
pub fn valid(wishes: &Wishes, model: &SlowTree) -> Vec<Change> {
    let possible =
        |(key, value): &(&Key, &Option<Vec<u8>>)| value.is_some() || model.entries.contains_key(*key);
    wishes
        .iter()
        .filter(possible)
        .map(|(key, value)| (*key, value.as_deref().map(Value::from_slice)))
        .collect()
}

/// A tree of some history, together with its model.
pub fn grown(history: &[Wishes]) -> (Full, SlowTree) {
    let (mut tree, mut model) = (Full::new(), SlowTree::default());
    for wishes in history {
        let batch = valid(wishes, &model);
        tree.apply(&batch).expect("valid");
        model.apply(&batch);
    }
    (tree, model)
}

/// A tree with removals behind it, small enough to mutate everything about it.
pub fn example() -> Full {
    let mut tree = Full::new();
    tree.apply(&[set(10, b"ten"), set(20, b"twenty"), set(30, b""), set(40, &[4; 60]), set(50, &[5; 31])])
        .expect("valid");
    tree.apply(&[(20, None), (40, None)]).expect("valid");
    tree.apply(&[set(15, b"fifteen")]).expect("valid");
    tree
}

pub fn set(key: Key, value: &[u8]) -> Change {
    (key, Some(Value::from_slice(value)))
}
