//! From (account, client order id) to slot: open addressing with a secret seed, since traders choose these
//! numbers. Never more than half full; removal shifts back, so there are no tombstones.

use std::hash::{BuildHasher, RandomState};

use types::{AccountId, ClientOrderId};

use crate::ladder::NONE;
use crate::slab::Slab;

pub(crate) struct ClientIds {
    cells: Vec<u32>,
    mask: usize,
    seed: u64,
}

impl ClientIds {
    pub fn new(open_orders: u32) -> Self {
        let width = (open_orders as usize * 2).next_power_of_two();
        Self { cells: vec![NONE; width], mask: width - 1, seed: RandomState::new().hash_one(0) | 1 }
    }

    #[inline]
    pub fn find(&self, account: AccountId, id: ClientOrderId, slab: &Slab) -> u32 {
        let mut at = self.home(account, id);
        loop {
            let slot = self.cells[at];
            if slot == NONE {
                return NONE;
            }
            let order = &slab.get(slot).order;
            if order.client_id == id && order.account == account {
                return slot;
            }
            at = (at + 1) & self.mask;
        }
    }

    #[inline]
    pub fn insert(&mut self, account: AccountId, id: ClientOrderId, slot: u32) {
        let mut at = self.home(account, id);
        while self.cells[at] != NONE {
            at = (at + 1) & self.mask;
        }
        self.cells[at] = slot;
    }

    /// Removes an order that the slab still holds.
    #[inline]
    pub fn remove(&mut self, account: AccountId, id: ClientOrderId, slot: u32, slab: &Slab) {
        let mut hole = self.home(account, id);
        while self.cells[hole] != slot {
            hole = (hole + 1) & self.mask;
        }
        let mut at = hole;
        loop {
            at = (at + 1) & self.mask;
            let slot = self.cells[at];
            if slot == NONE {
                break;
            }
            let order = &slab.get(slot).order;
            let home = self.home(order.account, order.client_id);
            // It may move back only if its home is not between the hole and where it is.
            if at.wrapping_sub(home) & self.mask >= at.wrapping_sub(hole) & self.mask {
                self.cells[hole] = slot;
                hole = at;
            }
        }
        self.cells[hole] = NONE;
    }

    #[inline]
    fn home(&self, account: AccountId, id: ClientOrderId) -> usize {
        let mixed = u128::from(id.0 ^ self.seed) * (u128::from(self.seed ^ (u64::from(account.0) << 32)) | 1);
        let folded = (mixed as u64) ^ (mixed >> 64) as u64;
        let spread = u128::from(folded ^ u64::from(account.0)) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        ((spread as u64) ^ (spread >> 64) as u64) as usize & self.mask
    }

    pub fn bytes(&self) -> usize {
        self.cells.len() * 4
    }
}
