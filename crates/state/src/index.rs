//! The ordered index of the whole tree: from key to slot.

use crate::Key;
use alloc::collections::BTreeMap;

#[derive(Debug, Clone, Default)]
pub(crate) struct KeyIndex {
    slots: BTreeMap<Key, u32>,
}

impl KeyIndex {
    pub(crate) fn from_sorted(entries: &[(Key, u32)]) -> Self {
        Self { slots: entries.iter().copied().collect() }
    }

    /// The largest key at or below `key`, and its slot. The index always holds the head.
    pub(crate) fn floor(&self, key: Key) -> (Key, u32) {
        let (key, slot) = self.slots.range(..=key).next_back().expect("the index holds the head");
        (*key, *slot)
    }

    pub(crate) fn insert(&mut self, key: Key, slot: u32) {
        self.slots.insert(key, slot);
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.slots.remove(&key);
    }
}
