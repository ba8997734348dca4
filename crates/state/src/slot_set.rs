//! A set of slots that is cheap to add to and yields its members in order: a bitmap against
//! repetition, and a list so that clearing costs what was added.

use alloc::vec::Vec;

#[derive(Debug, Clone, Default)]
pub(crate) struct SlotSet {
    words: Vec<u64>,
    slots: Vec<u32>,
}

impl SlotSet {
    /// Adds a slot; false if it was there.
    #[inline]
    pub(crate) fn insert(&mut self, slot: u32) -> bool {
        let word = (slot / 64) as usize;
        let bit = 1u64 << (slot % 64);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let fresh = self.words[word] & bit == 0;
        if fresh {
            self.words[word] |= bit;
            self.slots.push(slot);
        }
        fresh
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Empties the set and returns what it held, ascending.
    pub(crate) fn take_sorted(&mut self) -> Vec<u32> {
        let mut slots = core::mem::take(&mut self.slots);
        for slot in &slots {
            self.words[(slot / 64) as usize] = 0;
        }
        slots.sort_unstable();
        slots
    }
}
