//! What the whole tree remembers while a witness is being recorded.
//!
//! Only the *contents* of changed slots have to be saved. A sibling digest of the witness belongs to
//! a subtree without a touched slot; every changed slot is touched; so that subtree has not changed
//! since the recording began, and its digest can be read at any later time, before or after a rehash.

use crate::levels::{Levels, to_parents};
use crate::slot_set::SlotSet;
use crate::{DEPTH, Leaf, TouchedLeaf, TreeHash, Witness};
use alloc::vec::Vec;

#[derive(Debug, Clone)]
pub(crate) struct Recording {
    /// Length and free head when the recording began.
    len: u32,
    free_head: u32,
    touched: SlotSet,
    saved: SlotSet,
    /// Former contents of the slots in `saved`, in the order of their first change.
    undo: Vec<(u32, Leaf)>,
    appends: bool,
}

impl Recording {
    pub(crate) fn new(len: u32, free_head: u32) -> Self {
        Self {
            len,
            free_head,
            touched: SlotSet::default(),
            saved: SlotSet::default(),
            undo: Vec::new(),
            appends: false,
        }
    }

    /// A slot was read.
    pub(crate) fn touch(&mut self, slot: u32) {
        if slot < self.len {
            self.touched.insert(slot);
        }
    }

    /// A slot is about to change from `leaf`.
    pub(crate) fn save(&mut self, slot: u32, leaf: &Leaf) {
        if slot < self.len && self.saved.insert(slot) {
            self.touched.insert(slot);
            self.undo.push((slot, leaf.clone()));
        }
    }

    /// A slot was added at the end.
    pub(crate) fn append(&mut self) {
        self.appends = true;
    }

    pub(crate) fn into_witness<H: TreeHash>(mut self, leaves: &[Leaf], levels: &Levels<H>) -> Witness {
        if self.touched.is_empty() {
            // Nothing was asked; the head alone lets a verifier compute the root.
            self.touched.insert(0);
        }
        let slots = self.touched.take_sorted();
        self.undo.sort_unstable_by_key(|(slot, _)| *slot);
        let mut undo = self.undo.into_iter().peekable();
        let touched = slots
            .iter()
            .map(|&slot| {
                let former = undo.next_if(|(saved, _)| *saved == slot);
                let leaf = former.map_or_else(|| leaves[slot as usize].clone(), |(_, leaf)| leaf);
                TouchedLeaf { slot, leaf }
            })
            .collect();
        let siblings = siblings(slots, self.len, self.appends, levels);
        Witness { len: self.len, free_head: self.free_head, appends: self.appends, touched, siblings }
    }
}

/// The digests that turn the touched slots into a root, in [`Witness::siblings`] order.
fn siblings<H: TreeHash>(mut nodes: Vec<u32>, len: u32, appends: bool, levels: &Levels<H>) -> Vec<[u8; 32]> {
    if appends {
        nodes.push(len);
    }
    let mut siblings = Vec::with_capacity(2 * nodes.len());
    for height in 0..DEPTH {
        for (at, &node) in nodes.iter().enumerate() {
            let sibling = node ^ 1;
            let touched = if sibling > node {
                nodes.get(at + 1) == Some(&sibling)
            } else {
                at > 0 && nodes[at - 1] == sibling
            };
            if !touched && u64::from(sibling) << height < u64::from(len) {
                siblings.push(*levels.node(height, sibling));
            }
        }
        to_parents(&mut nodes);
    }
    siblings
}
