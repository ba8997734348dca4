//! A binary heap of slots whose members know their place, so that any can leave in logarithmic time.

/// An entry sorts by `key`, then by order id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub key: u64,
    pub id: u64,
    pub slot: u32,
}

/// The smallest entry first. `moved` is told every entry's new place.
#[derive(Default)]
pub(crate) struct Heap {
    entries: Vec<Entry>,
}

impl Heap {
    #[inline]
    pub fn first(&self) -> Option<&Entry> {
        self.entries.first()
    }

    pub fn push(&mut self, entry: Entry, mut moved: impl FnMut(u32, u32)) {
        self.entries.push(entry);
        self.rise(self.entries.len() - 1, &mut moved);
    }

    pub fn remove(&mut self, place: u32, mut moved: impl FnMut(u32, u32)) {
        let place = place as usize;
        self.entries.swap_remove(place);
        if place < self.entries.len() {
            let settled = self.rise(place, &mut moved);
            if settled == place {
                self.sink(place, &mut moved);
            }
        }
    }

    fn rise(&mut self, mut at: usize, moved: &mut impl FnMut(u32, u32)) -> usize {
        let entry = self.entries[at];
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.entries[parent] <= entry {
                break;
            }
            self.place(at, self.entries[parent], moved);
            at = parent;
        }
        self.place(at, entry, moved);
        at
    }

    fn sink(&mut self, mut at: usize, moved: &mut impl FnMut(u32, u32)) {
        let entry = self.entries[at];
        loop {
            let mut child = 2 * at + 1;
            if child >= self.entries.len() {
                break;
            }
            if child + 1 < self.entries.len() && self.entries[child + 1] < self.entries[child] {
                child += 1;
            }
            if entry <= self.entries[child] {
                break;
            }
            self.place(at, self.entries[child], moved);
            at = child;
        }
        self.place(at, entry, moved);
    }

    #[inline]
    fn place(&mut self, at: usize, entry: Entry, moved: &mut impl FnMut(u32, u32)) {
        self.entries[at] = entry;
        moved(entry.slot, at as u32);
    }

    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeSet, HashMap};

    proptest! {
        #[test]
        fn the_heap_is_a_sorted_set_whose_members_know_their_place(
            steps in proptest::collection::vec((0u64..12, any::<bool>(), any::<prop::sample::Index>()), 1..300),
        ) {
            let mut heap = Heap::default();
            let mut sorted: BTreeSet<Entry> = BTreeSet::new();
            let mut places: HashMap<u32, u32> = HashMap::new();
            for (number, (key, removes, which)) in (1u32..).zip(steps) {
                if removes && !sorted.is_empty() {
                    let entry = *sorted.iter().nth(which.index(sorted.len())).unwrap();
                    sorted.remove(&entry);
                    let place = places.remove(&entry.slot).unwrap();
                    heap.remove(place, |slot, place| {
                        places.insert(slot, place);
                    });
                } else {
                    // Numbers fall and rise, as those of orders that enter again do.
                    let entry = Entry { key, id: u64::from(number ^ 0x15), slot: number };
                    sorted.insert(entry);
                    heap.push(entry, |slot, place| {
                        places.insert(slot, place);
                    });
                }
                prop_assert_eq!(heap.first().map(|entry| entry.slot), sorted.first().map(|entry| entry.slot));
                prop_assert_eq!(places.len(), sorted.len());
                for (slot, place) in &places {
                    prop_assert_eq!(heap.entries[*place as usize].slot, *slot);
                }
            }
        }
    }
}
