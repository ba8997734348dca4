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
