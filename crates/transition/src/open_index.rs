//! Where an account's open order is, by its number: of those that the batch has met.

use alloc::vec::Vec;

use hashbrown::HashMap;
use state::Key;
use types::{AccountId, MarketId, OrderId};

use crate::keys;
use crate::order_slots::NONE;
use crate::tree_store::Seeds;

/// Open orders by their number. The batch's own numbers are given out one by one, so most need no hashing.
pub(crate) struct OpenIndex {
    /// The last number given out before the batch.
    last: u64,
    /// By how far a number is beyond that one.
    recent: Vec<Recent>,
    /// Of all other numbers, by key.
    older: HashMap<Key, u32, Seeds>,
}

#[derive(Clone, Copy)]
struct Recent {
    account: AccountId,
    market: MarketId,
    met: bool,
    slot: u32,
}

const UNKNOWN: Recent = Recent { account: AccountId(0), market: MarketId(0), met: false, slot: NONE };

impl OpenIndex {
    /// Of a batch that begins after order number `last`, and has about so many commands.
    pub fn new(last: u64, commands: usize) -> Self {
        Self { last, recent: Vec::with_capacity(commands), older: HashMap::default() }
    }

    /// What is known of an order: its slot, or that there is none.
    #[inline]
    pub fn get(&self, account: AccountId, market: MarketId, id: OrderId) -> Option<Option<u32>> {
        let known = self.place(id).and_then(|place| self.recent.get(place));
        let slot = match known {
            Some(known) if known.met && known.account == account && known.market == market => known.slot,
            // Somebody may ask for what is not his, or not yet there.
            _ => *self.older.get(&keys::open(account, market, id))?,
        };
        Some((slot != NONE).then_some(slot))
    }

    /// The order is at this slot.
    #[inline]
    pub fn opened(&mut self, account: AccountId, market: MarketId, id: OrderId, slot: u32) {
        match self.place(id) {
            Some(place) => {
                if place >= self.recent.len() {
                    self.recent.resize(place + 1, UNKNOWN);
                }
                self.recent[place] = Recent { account, market, met: true, slot };
            }
            None => {
                self.older.insert(keys::open(account, market, id), slot);
            }
        }
    }

    /// The order has left.
    #[inline]
    pub fn closed(&mut self, account: AccountId, market: MarketId, id: OrderId) {
        self.opened(account, market, id, NONE);
    }

    /// The tree has no such order.
    pub fn absent(&mut self, key: Key) {
        self.older.insert(key, NONE);
    }

    fn place(&self, id: OrderId) -> Option<usize> {
        usize::try_from(id.0.checked_sub(self.last)?.checked_sub(1)?).ok()
    }
}
