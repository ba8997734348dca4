//! The ordered index of the whole tree: from key to slot.
//!
//! A sorted list cut into blocks, with the blocks' first keys in one array: a look-up is a binary
//! search in an array that stays in the cache, then one in a block. Sorted batches mostly stay in the
//! block that they used last, which is tried first.

use crate::Key;
use alloc::vec::Vec;

/// Entries in a block after which it is split.
const BLOCK: usize = 128;

#[derive(Debug, Clone, Default)]
pub(crate) struct KeyIndex {
    /// First key in each block, ascending. The first of all is the head's.
    firsts: Vec<Key>,
    /// Where each block is in `blocks`.
    order: Vec<u32>,
    blocks: Vec<Block>,
    /// Blocks in `blocks` that hold nothing and are not in `order`.
    spare: Vec<u32>,
    /// Rank of the block used last.
    last: usize,
}

/// Never empty while in use.
#[derive(Debug, Clone, Default)]
struct Block {
    keys: Vec<Key>,
    slots: Vec<u32>,
}

impl KeyIndex {
    pub(crate) fn from_sorted(entries: &[(Key, u32)]) -> Self {
        let mut index = Self::default();
        for chunk in entries.chunks(BLOCK * 3 / 4) {
            let mut block = Block { keys: Vec::with_capacity(BLOCK), slots: Vec::with_capacity(BLOCK) };
            block.keys.extend(chunk.iter().map(|(key, _)| *key));
            block.slots.extend(chunk.iter().map(|(_, slot)| *slot));
            index.firsts.push(block.keys[0]);
            index.order.push(index.blocks.len() as u32);
            index.blocks.push(block);
        }
        index
    }

    /// The largest key at or below `key`, and its slot. The index always holds the head.
    pub(crate) fn floor(&mut self, key: Key) -> (Key, u32) {
        let block = self.block_of(key);
        let at = block.keys.partition_point(|other| *other <= key) - 1;
        (block.keys[at], block.slots[at])
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(&mut self, key: Key, slot: u32) {
        let block = self.block_of(key);
        let at = block.keys.partition_point(|other| *other < key);
        block.keys.insert(at, key);
        block.slots.insert(at, slot);
        if block.keys.len() > BLOCK {
            self.split();
        }
    }

    /// Removes a key that is there and is not the head's.
    pub(crate) fn remove(&mut self, key: Key) {
        let block = self.block_of(key);
        let at = block.keys.partition_point(|other| *other < key);
        block.keys.remove(at);
        block.slots.remove(at);
        if block.keys.is_empty() {
            self.firsts.remove(self.last);
            self.spare.push(self.order.remove(self.last));
            self.last = 0;
        } else if at == 0 {
            // Keys below the new first now belong to the block before.
            self.firsts[self.last] = block.keys[0];
        }
    }

    /// The block whose range holds `key`; it becomes the one used last.
    #[inline]
    fn block_of(&mut self, key: Key) -> &mut Block {
        let last = self.last;
        let stays = self.firsts[last] <= key && self.firsts.get(last + 1).is_none_or(|next| key < *next);
        if !stays {
            self.last = self.firsts.partition_point(|first| *first <= key) - 1;
        }
        &mut self.blocks[self.order[self.last] as usize]
    }

    /// Moves the upper half of the block used last into a block of its own.
    fn split(&mut self) {
        let block = &mut self.blocks[self.order[self.last] as usize];
        let keys = block.keys.split_off(BLOCK / 2);
        let slots = block.slots.split_off(BLOCK / 2);
        let first = keys[0];
        let place = self.spare.pop().unwrap_or_else(|| {
            self.blocks.push(Block::default());
            (self.blocks.len() - 1) as u32
        });
        self.blocks[place as usize] = Block { keys, slots };
        self.firsts.insert(self.last + 1, first);
        self.order.insert(self.last + 1, place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_index_finds_what_a_btree_map_finds(
            start in prop::collection::btree_map(1..2000u128, any::<u32>(), 0..1000),
            steps in prop::collection::vec((1..2000u128, any::<u32>(), 0..300u128), 0..60),
        ) {
            let mut model: BTreeMap<Key, u32> = start;
            model.insert(0, 0);
            let sorted: Vec<_> = model.iter().map(|(key, slot)| (*key, *slot)).collect();
            let mut index = KeyIndex::from_sorted(&sorted);
            // Each step removes or fills a stretch of keys, so that blocks empty and split.
            for (from, slot, length) in steps {
                for key in from..from + length {
                    if slot % 2 == 0 {
                        if model.remove(&key).is_some() {
                            index.remove(key);
                        }
                    } else if model.insert(key, slot).is_none() {
                        index.insert(key, slot);
                    } else {
                        index.remove(key);
                        index.insert(key, slot);
                    }
                }
                for key in (0..2400).step_by(7) {
                    let expected = model.range(..=key).next_back().map(|(key, slot)| (*key, *slot));
                    prop_assert_eq!(Some(index.floor(key)), expected);
                }
            }
        }
    }
}
