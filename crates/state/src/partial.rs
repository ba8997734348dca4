//! The part of the tree that a witness shows, as a zkVM guest or any re-executor holds it.
//!
//! Everything is a flat sorted vector. A leaf's *position* is its rank by slot among the leaves
//! known here, touched ones first, appended ones after; positions never change.

use crate::hash::empty_subtrees;
use crate::tree::{check_changes, check_key};
use crate::{
    Change, DEPTH, Digest, EMPTY_LEAF, Entry, HashCounts, KEY_END, KEY_HEAD, Key, Leaf, MAX_VALUE, SLOT_NONE,
    Sha256Hash, StateError, StateTree, TreeHash, Value, Witness, state_root,
};
use alloc::vec::Vec;
use core::marker::PhantomData;

/// The authenticated map as far as a witness shows it.
///
/// Its answers can be trusted once [`PartialTree::verify`] has accepted the root. Whatever the
/// witness, no call panics or runs without bound.
#[derive(Debug, Clone)]
pub struct PartialTree<H: TreeHash = Sha256Hash> {
    len: u32,
    free_head: u32,
    /// Slots and contents by position.
    slots: Vec<u32>,
    leaves: Vec<Leaf>,
    dirty: Vec<bool>,
    any_dirty: bool,
    /// Occupied leaves in key order.
    by_key: Vec<Known>,
    /// As in the witness.
    witness_len: u32,
    appends: bool,
    siblings: Vec<Digest>,
    /// The known nodes, level after level from the leaves up, each level by ascending index.
    nodes: Vec<Node>,
    /// Where each level starts in `nodes`.
    starts: [usize; DEPTH + 1],
    empty: [Digest; DEPTH + 1],
    root: Digest,
    hashes: HashCounts,
    hash: PhantomData<H>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    key: Key,
    position: u32,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    digest: Digest,
    index: u32,
    dirty: bool,
}

impl<H: TreeHash> PartialTree<H> {
    /// Rebuilds the known part of the tree and computes its root, hashing every touched path once.
    ///
    /// # Errors
    ///
    /// Everything that no valid state contains is refused, even before the root is compared:
    /// [`StateError::Empty`], [`StateError::SlotOrder`], [`StateError::Head`],
    /// [`StateError::SuccessorChain`], [`StateError::FreeChain`], [`StateError::ValueTooLong`],
    /// [`StateError::SiblingCount`].
    pub fn from_witness(witness: Witness) -> Result<Self, StateError> {
        let Witness { len, free_head, appends, touched, siblings } = witness;
        if len == 0 || touched.is_empty() {
            return Err(StateError::Empty);
        }
        let count = touched.len();
        let mut slots = Vec::with_capacity(count);
        let mut leaves = Vec::with_capacity(count);
        let mut by_key = Vec::with_capacity(count);
        let mut free_pointers = alloc::vec![free_head];
        let mut expected = 0;
        for touched in touched {
            let slot = touched.slot;
            if u64::from(slot) < expected || slot >= len {
                return Err(StateError::SlotOrder { slot });
            }
            expected = u64::from(slot) + 1;
            match &touched.leaf {
                Leaf::Occupied(entry) => {
                    check_entry(slot, entry)?;
                    by_key.push(Known { key: entry.key, position: slots.len() as u32 });
                }
                Leaf::Free { .. } if slot == 0 => return Err(StateError::Head { slot }),
                Leaf::Free { next } => free_pointers.push(*next),
            }
            slots.push(slot);
            leaves.push(touched.leaf);
        }
        // Stable, since what was put into the tree together lies there in the order of its keys: a few runs to merge.
        by_key.sort_by_key(|known| known.key);
        check_successors(&by_key, &leaves)?;
        check_free_chain(free_head, free_pointers, len, &slots, &leaves)?;

        let mut tree = Self {
            len,
            free_head,
            slots,
            leaves,
            dirty: alloc::vec![true; count],
            any_dirty: false,
            by_key,
            witness_len: len,
            appends,
            siblings,
            nodes: Vec::new(),
            starts: [0; DEPTH + 1],
            empty: empty_subtrees::<H>(),
            root: Digest::default(),
            hashes: HashCounts::default(),
            hash: PhantomData,
        };
        match tree.rehash() {
            Some(used) if used == tree.siblings.len() => Ok(tree),
            _ => Err(StateError::SiblingCount { found: tree.siblings.len() }),
        }
    }

    /// Compares the root with the one claimed. To be called before anything else.
    ///
    /// # Errors
    ///
    /// [`StateError::RootMismatch`].
    pub fn verify(&mut self, expected: Digest) -> Result<(), StateError> {
        let found = self.root();
        if found == expected { Ok(()) } else { Err(StateError::RootMismatch { expected, found }) }
    }

    /// Number of slots ever used, the head's included.
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether the tree has no slots. Never: it holds at least the head.
    pub fn is_empty(&self) -> bool {
        false
    }

    fn entry(&self, known: Known) -> &Entry {
        self.leaves[known.position as usize].entry().expect("the key list leads to occupied leaves only")
    }

    fn entry_mut(&mut self, position: u32) -> &mut Entry {
        match &mut self.leaves[position as usize] {
            Leaf::Occupied(entry) => entry,
            Leaf::Free { .. } => unreachable!("the key list leads to occupied leaves only"),
        }
    }

    fn position_of(&self, slot: u32) -> Option<usize> {
        self.slots.binary_search(&slot).ok()
    }

    fn mark_dirty(&mut self, position: u32) {
        self.dirty[position as usize] = true;
        self.any_dirty = true;
    }

    /// The rank in key order of the entry at or below `key`, provided that nothing lies between.
    fn floor(&self, key: Key) -> Result<usize, StateError> {
        self.floor_before(self.by_key.partition_point(|known| known.key <= key), key)
    }

    /// The same if `rank` is known to be that of the first entry above `key`.
    fn floor_before(&self, rank: usize, key: Key) -> Result<usize, StateError> {
        let floor = rank.checked_sub(1).ok_or(StateError::Missing { key })?;
        if self.entry(self.by_key[floor]).next <= key {
            return Err(StateError::Missing { key });
        }
        Ok(floor)
    }

    /// Finds the rank of each change in the key list (that of its key, or of the first key above) and
    /// refuses what cannot be done, before anything changes.
    fn land(&self, changes: &[Change], removals: usize) -> Result<Vec<u32>, StateError> {
        let mut ranks = Vec::with_capacity(changes.len());
        let mut rank = 0;
        let mut inserts = 0;
        let mut free = self.free_head;
        let mut appended = 0;
        for (key, value) in changes {
            let key = *key;
            rank += self.by_key[rank..].partition_point(|known| known.key < key);
            let present = self.by_key.get(rank).is_some_and(|known| known.key == key);
            if present {
                let linked = rank > 0 && self.entry(self.by_key[rank - 1]).next == key;
                if value.is_none() && !linked {
                    return Err(StateError::Missing { key });
                }
            } else {
                self.floor_before(rank, key)?;
                if value.is_none() {
                    return Err(StateError::NotFound { key });
                }
                inserts += 1;
                // The first inserts reuse the slots that this batch frees.
                if inserts > removals {
                    if free != SLOT_NONE {
                        let position = self.position_of(free).ok_or(StateError::Missing { key })?;
                        free = match self.leaves[position] {
                            Leaf::Free { next } => next,
                            Leaf::Occupied(_) => return Err(StateError::FreeChain { slot: free }),
                        };
                    } else if appended == SLOT_NONE - self.len {
                        return Err(StateError::Full { key });
                    } else if self.appends {
                        appended += 1;
                    } else {
                        return Err(StateError::Missing { key });
                    }
                }
            }
            ranks.push(rank as u32);
        }
        Ok(ranks)
    }

    fn remove_all(&mut self, changes: &[Change], ranks: &[u32]) {
        // The last removal's rank, and the position of the entry that now precedes what follows it.
        let mut last: Option<(usize, u32)> = None;
        for ((_, value), rank) in changes.iter().zip(ranks) {
            if value.is_some() {
                continue;
            }
            let rank = *rank as usize;
            let below = match last {
                Some((removed, below)) if removed + 1 == rank => below,
                _ => self.by_key[rank - 1].position,
            };
            last = Some((rank, below));
            let position = self.by_key[rank].position;
            let next = self.entry_mut(position).next;
            self.entry_mut(below).next = next;
            self.leaves[position as usize] = Leaf::Free { next: self.free_head };
            self.free_head = self.slots[position as usize];
            self.mark_dirty(below);
            self.mark_dirty(position);
        }
    }

    fn update(&mut self, position: u32, value: &Value) {
        let entry = self.entry_mut(position);
        if entry.value != *value {
            entry.value.clone_from(value);
            self.mark_dirty(position);
        }
    }

    /// Inserts above the entry at position `below`.
    fn insert(&mut self, key: Key, value: &Value, below: u32) -> u32 {
        let next = core::mem::replace(&mut self.entry_mut(below).next, key);
        self.mark_dirty(below);
        let position = self.take_slot(Leaf::Occupied(Entry { key, next, value: value.clone() }));
        self.mark_dirty(position);
        position
    }

    fn take_slot(&mut self, leaf: Leaf) -> u32 {
        if self.free_head == SLOT_NONE {
            self.slots.push(self.len);
            self.leaves.push(leaf);
            self.dirty.push(true);
            self.len += 1;
            return (self.leaves.len() - 1) as u32;
        }
        let position = self.position_of(self.free_head).expect("checked before the first change");
        match core::mem::replace(&mut self.leaves[position], leaf) {
            Leaf::Free { next } => self.free_head = next,
            Leaf::Occupied(_) => unreachable!("checked before the first change"),
        }
        position as u32
    }

    /// Updates and inserts in key order, and renews the key list by merging.
    fn put_all(&mut self, changes: &[Change], ranks: &[u32]) {
        let old = core::mem::take(&mut self.by_key);
        let mut merged = Vec::with_capacity(old.len() + changes.len());
        let mut copied = 0;
        for ((key, value), rank) in changes.iter().zip(ranks) {
            let rank = *rank as usize;
            // Up to here, old entries stay; this change's own entry, if there is one, comes next.
            merged.extend_from_slice(&old[copied..rank]);
            copied = rank;
            let present = old.get(rank).filter(|known| known.key == *key);
            match (value, present) {
                (None, _) => copied += 1,
                (Some(value), Some(known)) => self.update(known.position, value),
                (Some(value), None) => {
                    let below = merged.last().expect("checked before the first change").position;
                    let position = self.insert(*key, value, below);
                    merged.push(Known { key: *key, position });
                }
            }
        }
        merged.extend_from_slice(&old[copied..]);
        self.by_key = merged;
    }

    /// Computes the root anew from the dirty leaves, and returns how many siblings that took, or
    /// `None` if there were too few.
    ///
    /// Appended slots call for no siblings beyond those of slot `witness_len`: whatever lies to the
    /// left of their paths is known or beside that slot's path, and whatever lies to the right is
    /// empty. So the siblings are taken in the same order each time.
    fn rehash(&mut self) -> Option<usize> {
        let first = self.nodes.is_empty();
        let mut nodes: Vec<Node> = Vec::with_capacity(if first {
            2 * self.leaves.len() + self.siblings.len() + 2 * DEPTH
        } else {
            self.nodes.len() + 2 * (self.len - self.witness_len) as usize + DEPTH
        });
        for (position, leaf) in self.leaves.iter().enumerate() {
            let dirty = core::mem::take(&mut self.dirty[position]);
            let digest = if dirty {
                self.hashes.leaves += 1;
                leaf.digest::<H>()
            } else {
                self.nodes[position].digest
            };
            nodes.push(Node { digest, index: self.slots[position], dirty });
        }
        if self.appends && self.len == self.witness_len {
            nodes.push(Node { digest: EMPTY_LEAF, index: self.len, dirty: first });
        }

        let mut starts = [0; DEPTH + 1];
        let mut used = 0;
        for height in 0..DEPTH {
            let end = nodes.len();
            let mut former = self.starts[height + 1];
            let mut at = starts[height];
            starts[height + 1] = end;
            while at < end {
                let node = nodes[at];
                let index = node.index >> 1;
                let pair = nodes[..end].get(at + 1).copied().filter(|right| right.index == node.index ^ 1);
                let sibling = match pair {
                    Some(right) => right.digest,
                    None if u64::from(node.index ^ 1) << height >= u64::from(self.witness_len) => {
                        self.empty[height]
                    }
                    None => {
                        let sibling = *self.siblings.get(used)?;
                        used += 1;
                        sibling
                    }
                };
                at += 1 + usize::from(pair.is_some());
                let dirty = node.dirty || pair.is_some_and(|right| right.dirty);
                let digest = if !dirty {
                    // A clean node was known before, and its index only skips new nodes.
                    while self.nodes[former].index != index {
                        former += 1;
                    }
                    self.nodes[former].digest
                } else if u64::from(index) << (height + 1) >= u64::from(self.len) {
                    self.empty[height + 1]
                } else {
                    self.hashes.nodes += 1;
                    let (left, right) =
                        if node.index & 1 == 0 { (&node.digest, &sibling) } else { (&sibling, &node.digest) };
                    H::node(left, right)
                };
                nodes.push(Node { digest, index, dirty });
            }
        }
        let top = nodes.last()?.digest;
        self.hashes.roots += 1;
        self.root = state_root::<H>(&top, self.len, self.free_head);
        self.nodes = nodes;
        self.starts = starts;
        self.any_dirty = false;
        Some(used)
    }
}

fn check_entry(slot: u32, entry: &Entry) -> Result<(), StateError> {
    let Entry { key, next, value } = entry;
    if (slot == 0) != (*key == KEY_HEAD) || (slot == 0 && !value.is_empty()) {
        return Err(StateError::Head { slot });
    }
    if next <= key {
        return Err(StateError::SuccessorChain { key: *key });
    }
    if value.len() > MAX_VALUE {
        return Err(StateError::ValueTooLong { key: *key, len: value.len() });
    }
    Ok(())
}

/// No key may lie below the successor of the key before it; this also finds repeated keys.
fn check_successors(by_key: &[Known], leaves: &[Leaf]) -> Result<(), StateError> {
    for pair in by_key.windows(2) {
        let below = leaves[pair[0].position as usize].entry();
        if below.is_none_or(|entry| entry.next > pair[1].key) {
            return Err(StateError::SuccessorChain { key: pair[1].key });
        }
    }
    Ok(())
}

/// The chain's pointers (its head and the free leaves' own) must be distinct and lead to slots in
/// range that are not known to be occupied. Distinct pointers make every walk end.
fn check_free_chain(
    free_head: u32,
    mut pointers: Vec<u32>,
    len: u32,
    slots: &[u32],
    leaves: &[Leaf],
) -> Result<(), StateError> {
    if free_head == SLOT_NONE && pointers.len() > 1 {
        return Err(StateError::FreeChain { slot: SLOT_NONE });
    }
    pointers.sort_unstable();
    for (at, &slot) in pointers.iter().enumerate() {
        let repeated = at > 0 && pointers[at - 1] == slot;
        let out_of_range = slot != SLOT_NONE && (slot == 0 || slot >= len);
        let occupied = slots.binary_search(&slot).is_ok_and(|position| leaves[position].entry().is_some());
        if repeated || out_of_range || occupied {
            return Err(StateError::FreeChain { slot });
        }
    }
    Ok(())
}

impl<H: TreeHash> StateTree for PartialTree<H> {
    fn get(&mut self, key: Key) -> Result<Option<&[u8]>, StateError> {
        check_key(key)?;
        let entry = self.entry(self.by_key[self.floor(key)?]);
        Ok((entry.key == key).then_some(entry.value.as_slice()))
    }

    fn next(&mut self, key: Key) -> Result<Option<(Key, &[u8])>, StateError> {
        if key == KEY_END {
            return Err(StateError::InvalidKey { key });
        }
        let floor = self.floor(key)?;
        let next = self.entry(self.by_key[floor]).next;
        if next == KEY_END {
            return Ok(None);
        }
        match self.by_key.get(floor + 1) {
            Some(known) if known.key == next => Ok(Some((next, &self.entry(*known).value))),
            _ => Err(StateError::Missing { key: next }),
        }
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), StateError> {
        let removals = check_changes(changes)?;
        let ranks = self.land(changes, removals)?;
        self.remove_all(changes, &ranks);
        self.put_all(changes, &ranks);
        Ok(())
    }

    fn root(&mut self) -> Digest {
        if self.any_dirty {
            self.rehash().expect("the siblings sufficed when the tree was built");
        }
        self.root
    }

    fn hashes(&self) -> HashCounts {
        self.hashes
    }
}
