//! From order id to slot, without hashing.
//!
//! Order ids are dense and rise, so the youngest orders are looked up directly in a ring as wide as a few times
//! the open orders: cell `id mod width`. An order that is still open when the ring comes round to its cell
//! moves to the elders, a vector sorted by id. It is nearly always appended to, since cells are overtaken in
//! order of id; only an order that re-enters under its old number (woken or replaced) may land in the middle.

use crate::ladder::NONE;
use crate::slab::Slab;

pub(crate) struct OrderIndex {
    ring: Vec<u32>,
    mask: u64,
    /// Sorted by id; the slot is `NONE` where the order has gone.
    elders: Vec<(u64, u32)>,
    gone: usize,
}

impl OrderIndex {
    pub fn new(open_orders: u32) -> Self {
        let width = (open_orders as usize * 2).next_power_of_two();
        Self { ring: vec![NONE; width], mask: width as u64 - 1, elders: Vec::new(), gone: 0 }
    }

    #[inline]
    pub fn find(&self, id: u64, slab: &Slab) -> u32 {
        let slot = self.ring[(id & self.mask) as usize];
        if slot != NONE && slab.get(slot).order.id.0 == id { slot } else { self.find_elder(id) }
    }

    /// Adds an order that the slab already holds.
    #[inline]
    pub fn insert(&mut self, id: u64, slot: u32, slab: &Slab) {
        let cell = &mut self.ring[(id & self.mask) as usize];
        let other = *cell;
        if other == NONE {
            *cell = slot;
        } else {
            let other_id = slab.get(other).order.id.0;
            if other_id < id {
                *cell = slot;
                self.insert_elder(other_id, other);
            } else {
                self.insert_elder(id, slot);
            }
        }
    }

    /// Removes an order that the slab still holds.
    #[inline]
    pub fn remove(&mut self, id: u64, slot: u32) {
        let cell = &mut self.ring[(id & self.mask) as usize];
        if *cell == slot {
            *cell = NONE;
        } else {
            self.remove_elder(id);
        }
    }

    #[cold]
    fn find_elder(&self, id: u64) -> u32 {
        match self.elders.binary_search_by_key(&id, |elder| elder.0) {
            Ok(at) => self.elders[at].1,
            Err(_) => NONE,
        }
    }

    #[cold]
    fn insert_elder(&mut self, id: u64, slot: u32) {
        match self.elders.binary_search_by_key(&id, |elder| elder.0) {
            Ok(at) => {
                self.elders[at].1 = slot;
                self.gone -= 1;
            }
            Err(at) => self.elders.insert(at, (id, slot)),
        }
    }

    #[cold]
    fn remove_elder(&mut self, id: u64) {
        if let Ok(at) = self.elders.binary_search_by_key(&id, |elder| elder.0) {
            self.elders[at].1 = NONE;
            self.gone += 1;
            if self.gone > 64 && self.gone * 2 > self.elders.len() {
                self.elders.retain(|elder| elder.1 != NONE);
                self.gone = 0;
            }
        }
    }

    pub fn bytes(&self) -> usize {
        self.ring.len() * 4 + self.elders.capacity() * 16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::tests::node;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        Enter {
            gap: u64,
        },
        Leave(prop::sample::Index),
        /// The oldest leaves, or the oldest comes back under its own number.
        LeaveOldest,
        EnterAgain(prop::sample::Index),
        EnterOldestAgain,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (1u64..20).prop_map(|gap| Step::Enter { gap: if gap > 4 { 1 } else { gap * 3 } }),
            3 => any::<prop::sample::Index>().prop_map(Step::Leave),
            1 => Just(Step::LeaveOldest),
            2 => any::<prop::sample::Index>().prop_map(Step::EnterAgain),
            2 => Just(Step::EnterOldestAgain),
        ];
        proptest::collection::vec(step, 1..1_500)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn the_order_index_finds_what_a_map_finds_however_often_the_ring_comes_round(
            capacity in 1u32..9,
            steps in steps(),
        ) {
            let mut slab = Slab::new(capacity);
            let mut index = OrderIndex::new(capacity);
            let mut map: BTreeMap<u64, u32> = BTreeMap::new();
            let mut last = 0;
            for step in steps {
                let (leaves, enters) = match step {
                    Step::Enter { gap } => {
                        last += gap;
                        (None, Some(last).filter(|_| map.len() < capacity as usize))
                    }
                    _ if map.is_empty() => continue,
                    Step::Leave(which) => (map.keys().nth(which.index(map.len())).copied(), None),
                    Step::LeaveOldest => (map.keys().next().copied(), None),
                    Step::EnterAgain(which) => {
                        let id = map.keys().nth(which.index(map.len())).copied();
                        (id, id)
                    }
                    Step::EnterOldestAgain => {
                        let id = map.keys().next().copied();
                        (id, id)
                    }
                };
                if let Some(id) = leaves {
                    let slot = map.remove(&id).unwrap();
                    index.remove(id, slot);
                    slab.remove(slot);
                }
                if let Some(id) = enters {
                    let slot = slab.insert(node(id, 0, 0));
                    index.insert(id, slot, &slab);
                    map.insert(id, slot);
                }
                for id in 0..=last + 1 {
                    if id + 64 > last || map.contains_key(&id) {
                        prop_assert_eq!(index.find(id, &slab), map.get(&id).copied().unwrap_or(NONE), "order {}", id);
                    }
                }
                let live = index.elders.iter().filter(|elder| elder.1 != NONE).count();
                prop_assert_eq!(index.elders.len() - live, index.gone);
                prop_assert!(index.elders.len() <= 2 * (live + 64));
            }
        }
    }
}
