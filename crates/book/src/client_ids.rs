//! From (account, client order id) to slot: open addressing with a secret seed, since traders choose these
//! numbers. Never more than half full; removal shifts back, so there are no tombstones.
//!
//! A cell holds half of the key's hash beside the slot: probing and shifting look at no order but the one
//! sought. [`GROUP`] consecutive numbers of an account share a cache line, since most traders count: the next
//! number's cell is in the cache already.

use std::hash::{BuildHasher, RandomState};

use types::{AccountId, ClientOrderId};

use crate::ladder::NONE;
use crate::slab::Slab;

/// Cells in a cache line, and consecutive numbers in it.
const GROUP: u64 = 8;

pub(crate) struct ClientIds {
    /// Half of the key's hash, and the slot. Zeroed arrays come untouched from the operating system.
    cells: Vec<[u32; 2]>,
    mask: usize,
    seed: u64,
}

impl ClientIds {
    pub fn new(open_orders: u32) -> Self {
        let width = (open_orders as usize * 2).next_power_of_two().max(GROUP as usize);
        let seed = RandomState::new().hash_one(0) | 1;
        Self { cells: vec![[0, NONE]; width], mask: width - 1, seed }
    }

    #[inline]
    pub fn find(&self, account: AccountId, id: ClientOrderId, slab: &Slab) -> u32 {
        let hash = self.hash(account, id);
        let mut at = hash as usize & self.mask;
        loop {
            let [known, slot] = self.cells[at];
            if slot == NONE {
                return NONE;
            }
            if known == hash {
                let order = &slab.get(slot).order;
                if order.client_id == id && order.account == account {
                    return slot;
                }
            }
            at = (at + 1) & self.mask;
        }
    }

    #[inline]
    pub fn insert(&mut self, account: AccountId, id: ClientOrderId, slot: u32) {
        let hash = self.hash(account, id);
        let mut at = hash as usize & self.mask;
        while self.cells[at][1] != NONE {
            at = (at + 1) & self.mask;
        }
        self.cells[at] = [hash, slot];
    }

    #[inline]
    pub fn remove(&mut self, account: AccountId, id: ClientOrderId, slot: u32) {
        let mut hole = self.hash(account, id) as usize & self.mask;
        while self.cells[hole][1] != slot {
            hole = (hole + 1) & self.mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & self.mask;
            let [hash, slot] = self.cells[at];
            if slot == NONE {
                break;
            }
            let home = hash as usize & self.mask;
            // It may move back only if its home is not between the hole and where it is.
            if at.wrapping_sub(home) & self.mask >= at.wrapping_sub(hole) & self.mask {
                self.cells[hole] = [hash, slot];
                hole = at;
            }
        }
        self.cells[hole][1] = NONE;
    }

    /// The group's place is random, and so is which of its cells is the first.
    #[inline]
    fn hash(&self, account: AccountId, id: ClientOrderId) -> u32 {
        let group = id.0 / GROUP;
        let mixed =
            u128::from(group ^ self.seed) * (u128::from(self.seed ^ (u64::from(account.0) << 32)) | 1);
        let folded = (mixed as u64) ^ (mixed >> 64) as u64;
        let spread = u128::from(folded ^ u64::from(account.0)) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        let hash = (spread as u64) ^ (spread >> 64) as u64;
        hash as u32 ^ (id.0 % GROUP) as u32
    }

    pub fn bytes(&self) -> usize {
        self.cells.len() * size_of::<[u32; 2]>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::tests::node;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn client_ids_are_found_as_in_a_map_while_others_leave_around_them(
            capacity in 1u32..40,
            steps in proptest::collection::vec((0u32..4, 1u64..60, any::<bool>()), 1..600),
        ) {
            let mut slab = Slab::new(capacity);
            let mut ids = ClientIds::new(capacity);
            let mut map: HashMap<(u32, u64), u32> = HashMap::new();
            for (account, id, removes) in steps {
                let key = (account, id);
                match map.get(&key).copied() {
                    Some(slot) if removes => {
                        ids.remove(AccountId(account), ClientOrderId(id), slot);
                        slab.remove(slot);
                        map.remove(&key);
                    }
                    None if map.len() < capacity as usize => {
                        let slot = slab.insert(node(1, account, id));
                        ids.insert(AccountId(account), ClientOrderId(id), slot);
                        map.insert(key, slot);
                    }
                    _ => {}
                }
                // The fuller the table, the longer the runs that a removal shifts.
                for account in 0..4 {
                    for id in 1..60 {
                        let found = ids.find(AccountId(account), ClientOrderId(id), &slab);
                        prop_assert_eq!(found, map.get(&(account, id)).copied().unwrap_or(NONE));
                    }
                }
            }
        }
    }
}
