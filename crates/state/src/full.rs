//! The whole tree, as a host holds it: every slot, every digest, and an ordered index.

use crate::index::KeyIndex;
use crate::levels::Levels;
use crate::recording::Recording;
use crate::slot_set::SlotSet;
use crate::tree::{check_changes, check_key};
use crate::{
    Change, DEPTH, Digest, Entry, HashCounts, KEY_END, KEY_HEAD, Key, Leaf, Proof, SLOT_NONE, Sha256Hash,
    StateError, StateTree, TreeHash, Value, Witness, state_root,
};
use alloc::vec::Vec;

/// The whole authenticated map.
///
/// Reads and changes cost an index look-up each; [`StateTree::root`] then rehashes every dirty node
/// once, level by level.
#[derive(Debug, Clone)]
pub struct FullTree<H: TreeHash = Sha256Hash> {
    leaves: Vec<Leaf>,
    /// Neighbours of each occupied slot in key order.
    links: Vec<Link>,
    index: KeyIndex,
    free_head: u32,
    /// Length of the free chain.
    free: u32,
    levels: Levels<H>,
    dirty: SlotSet,
    /// The root as of the last time that no slot was dirty.
    root: Digest,
    hashes: HashCounts,
    recording: Option<Recording>,
}

/// The slots of the entries just below and just above, [`SLOT_NONE`] at the ends.
#[derive(Debug, Clone, Copy)]
struct Link {
    below: u32,
    above: u32,
}

const UNLINKED: Link = Link { below: SLOT_NONE, above: SLOT_NONE };

/// Where a change lands: the slot of its key, or of the entry below if the key is absent.
struct Landing {
    slot: u32,
    present: bool,
}

impl<H: TreeHash> FullTree<H> {
    /// The empty map: a tree whose only slot holds the head.
    pub fn new() -> Self {
        Self::from_slots(alloc::vec![Leaf::head(KEY_END)], SLOT_NONE, 0, &[(KEY_HEAD, 0)])
    }

    /// Builds the tree over leaves whose links are known to be consistent. `sorted` lists the
    /// occupied slots in key order.
    pub(crate) fn from_slots(leaves: Vec<Leaf>, free_head: u32, free: u32, sorted: &[(Key, u32)]) -> Self {
        let mut links = alloc::vec![UNLINKED; leaves.len()];
        for pair in sorted.windows(2) {
            links[pair[0].1 as usize].above = pair[1].1;
            links[pair[1].1 as usize].below = pair[0].1;
        }
        let mut dirty = SlotSet::default();
        for slot in 0..leaves.len() {
            dirty.insert(slot as u32);
        }
        Self {
            leaves,
            links,
            index: KeyIndex::from_sorted(sorted),
            free_head,
            free,
            levels: Levels::new(),
            dirty,
            root: Digest::default(),
            hashes: HashCounts::default(),
            recording: None,
        }
    }

    /// Number of slots ever used, the head's included.
    pub fn len(&self) -> u32 {
        self.leaves.len() as u32
    }

    /// Whether the map has no entries. The head does not count.
    pub fn is_empty(&self) -> bool {
        self.entries() == 0
    }

    /// Number of entries. The head does not count.
    pub fn entries(&self) -> u32 {
        self.len() - self.free - 1
    }

    /// The slot that the next insert takes, or [`SLOT_NONE`] if it takes a new one.
    pub fn free_head(&self) -> u32 {
        self.free_head
    }

    /// The content of every slot, in slot order, the head's included.
    pub fn iter_slots(&self) -> impl ExactSizeIterator<Item = (u32, &Leaf)> {
        self.leaves.iter().enumerate().map(|(slot, leaf)| (slot as u32, leaf))
    }

    /// The entries in key order, without the head.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        let mut slot = 0;
        core::iter::from_fn(move || {
            slot = self.links[slot as usize].above;
            (slot != SLOT_NONE).then(|| self.entry(slot))
        })
    }

    /// Levels with at least this many dirty nodes are hashed on all cores. `usize::MAX` keeps all
    /// hashing on the calling thread. Without effect if the feature `std` is off.
    pub fn set_parallel_from(&mut self, nodes: usize) {
        self.levels.set_parallel_from(nodes);
    }

    /// Proof of what the current root says about `key`: its value, or that it is absent.
    ///
    /// # Errors
    ///
    /// [`StateError::InvalidKey`] for a sentinel.
    pub fn prove(&mut self, key: Key) -> Result<Proof, StateError> {
        check_key(key)?;
        self.root();
        let (_, slot) = self.index.floor(key);
        let Entry { key, next, value } = self.entry(slot).clone();
        let siblings = core::array::from_fn(|height| *self.levels.node(height, (slot >> height) ^ 1));
        const { assert!(DEPTH == 32) };
        Ok(Proof { slot, key, next, value, siblings, len: self.len(), free_head: self.free_head })
    }

    /// Starts to record what the following reads and changes touch. The current root, returned here,
    /// is the one that the witness will prove against. A recording in progress is dropped.
    pub fn start_recording(&mut self) -> Digest {
        let root = self.root();
        self.recording = Some(Recording::new(self.len(), self.free_head));
        root
    }

    /// Ends the recording and returns the witness for all calls since its start. The same calls on a
    /// [`crate::PartialTree`] made from it give the same answers and the same root.
    ///
    /// # Errors
    ///
    /// [`StateError::NotRecording`] without [`FullTree::start_recording`].
    pub fn take_witness(&mut self) -> Result<Witness, StateError> {
        let recording = self.recording.take().ok_or(StateError::NotRecording)?;
        Ok(recording.into_witness(&self.leaves, &self.levels))
    }

    fn entry(&self, slot: u32) -> &Entry {
        self.leaves[slot as usize].entry().expect("the index and the links lead to occupied slots only")
    }

    fn entry_mut(&mut self, slot: u32) -> &mut Entry {
        match &mut self.leaves[slot as usize] {
            Leaf::Occupied(entry) => entry,
            Leaf::Free { .. } => unreachable!("the index and the links lead to occupied slots only"),
        }
    }

    fn touch(&mut self, slot: u32) {
        if let Some(recording) = &mut self.recording {
            recording.touch(slot);
        }
    }

    /// To be called before a slot below the tree's length changes.
    fn before_change(&mut self, slot: u32) {
        self.dirty.insert(slot);
        if let Some(recording) = &mut self.recording {
            recording.save(slot, &self.leaves[slot as usize]);
        }
    }

    /// Finds where each change lands and refuses what cannot be done, before anything changes.
    fn land(&mut self, changes: &[Change], removals: usize) -> Result<Vec<Landing>, StateError> {
        let room = removals as u64 + u64::from(self.free) + u64::from(SLOT_NONE - self.len());
        let mut inserts = 0;
        let mut landings = Vec::with_capacity(changes.len());
        for (key, value) in changes {
            let key = *key;
            let (floor, slot) = self.index.floor(key);
            let present = floor == key;
            self.touch(slot);
            if !present {
                if value.is_none() {
                    return Err(StateError::NotFound { key });
                }
                inserts += 1;
                if inserts > room {
                    return Err(StateError::Full { key });
                }
            }
            landings.push(Landing { slot, present });
        }
        Ok(landings)
    }

    fn remove(&mut self, key: Key, slot: u32) {
        let Link { below, above } = self.links[slot as usize];
        self.before_change(below);
        self.before_change(slot);
        let next = self.entry(slot).next;
        self.entry_mut(below).next = next;
        self.links[below as usize].above = above;
        if above != SLOT_NONE {
            self.links[above as usize].below = below;
        }
        self.leaves[slot as usize] = Leaf::Free { next: self.free_head };
        self.free_head = slot;
        self.free += 1;
        self.index.remove(key);
    }

    fn update(&mut self, slot: u32, value: &Value) {
        if self.entry(slot).value != *value {
            self.before_change(slot);
            self.entry_mut(slot).value.clone_from(value);
        }
    }

    /// Inserts above the entry in slot `below`.
    fn insert(&mut self, key: Key, value: &Value, below: u32) -> u32 {
        self.before_change(below);
        let next = core::mem::replace(&mut self.entry_mut(below).next, key);
        let slot = self.take_slot(Leaf::Occupied(Entry { key, next, value: value.clone() }));
        let above = core::mem::replace(&mut self.links[below as usize].above, slot);
        self.links[slot as usize] = Link { below, above };
        if above != SLOT_NONE {
            self.links[above as usize].below = slot;
        }
        self.index.insert(key, slot);
        slot
    }

    /// Puts a leaf into the slot freed last, or into a new one.
    fn take_slot(&mut self, leaf: Leaf) -> u32 {
        let slot = self.free_head;
        if slot == SLOT_NONE {
            let slot = self.len();
            self.leaves.push(leaf);
            self.links.push(UNLINKED);
            self.dirty.insert(slot);
            if let Some(recording) = &mut self.recording {
                recording.append();
            }
            return slot;
        }
        self.before_change(slot);
        match core::mem::replace(&mut self.leaves[slot as usize], leaf) {
            Leaf::Free { next } => self.free_head = next,
            Leaf::Occupied(_) => unreachable!("the free chain holds free slots only"),
        }
        self.free -= 1;
        slot
    }

    /// Whether the entry in a slot is the one just below an absent key.
    fn is_below(&self, slot: u32, key: Key) -> bool {
        self.leaves[slot as usize].entry().is_some_and(|entry| entry.key < key && key < entry.next)
    }
}

impl<H: TreeHash> Default for FullTree<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: TreeHash> StateTree for FullTree<H> {
    fn get(&mut self, key: Key) -> Result<Option<&[u8]>, StateError> {
        check_key(key)?;
        let (floor, slot) = self.index.floor(key);
        self.touch(slot);
        Ok((floor == key).then(|| self.entry(slot).value.as_slice()))
    }

    fn next(&mut self, key: Key) -> Result<Option<(Key, &[u8])>, StateError> {
        if key == KEY_END {
            return Err(StateError::InvalidKey { key });
        }
        let (_, slot) = self.index.floor(key);
        self.touch(slot);
        let above = self.links[slot as usize].above;
        if above == SLOT_NONE {
            return Ok(None);
        }
        self.touch(above);
        let entry = self.entry(above);
        Ok(Some((entry.key, &entry.value)))
    }

    fn apply(&mut self, changes: &[Change]) -> Result<(), StateError> {
        let removals = check_changes(changes)?;
        let landings = self.land(changes, removals)?;
        for ((key, value), landing) in changes.iter().zip(&landings) {
            if value.is_none() {
                self.remove(*key, landing.slot);
            }
        }
        let mut inserted = 0;
        for ((key, value), landing) in changes.iter().zip(&landings) {
            let Some(value) = value else { continue };
            if landing.present {
                self.update(landing.slot, value);
                continue;
            }
            // The entry below may have changed since: to an insert of this batch, or, if it was
            // removed, to one further down, which only the index knows.
            let below = if self.is_below(landing.slot, *key) {
                landing.slot
            } else if self.is_below(inserted, *key) {
                inserted
            } else {
                self.index.floor(*key).1
            };
            inserted = self.insert(*key, value, below);
        }
        Ok(())
    }

    fn root(&mut self) -> Digest {
        if !self.dirty.is_empty() {
            let dirty = self.dirty.take_sorted();
            let top = self.levels.rehash(&self.leaves, dirty, &mut self.hashes);
            self.hashes.roots += 1;
            self.root = state_root::<H>(&top, self.len(), self.free_head);
        }
        self.root
    }

    fn hashes(&self) -> HashCounts {
        self.hashes
    }
}
