//! One side of a book over the tree: the tree's orders as far as they have been read, and the batch's own.
//!
//! The tree's orders are read from the front, only as far as they are asked for. Up to the *frontier* every order is in a
//! queue here, so the first one up to there is the best of all. Within a price the tree's orders come before the
//! batch's own, which arrived later; either kind comes in its own order, so a queue only ever grows at two places.

use alloc::collections::BTreeMap;

use state::Key;

use crate::keys;
use crate::order_slots::{NONE, OrderSlots};

/// A side of a book.
pub(crate) struct BookSide {
    /// Queues by price, the best first.
    levels: BTreeMap<u32, Level>,
    /// Every order of the tree up to this key has been read.
    frontier: Key,
    /// No order of the tree lies beyond the frontier.
    done: bool,
}

/// The orders of one price.
struct Level {
    first: u32,
    last: u32,
    /// The last one that is in the tree.
    last_read: u32,
}

/// The answer to who comes first, or next.
pub(crate) enum Step {
    Found(u32),
    End,
    /// Whatever the tree holds beyond here must be read first.
    Read(Key),
}

impl BookSide {
    /// A side whose orders lie beyond this key.
    pub fn new(before: Key) -> Self {
        Self { levels: BTreeMap::new(), frontier: before, done: false }
    }

    /// The best order, or the one after an order that was found before.
    #[inline]
    pub fn step(&self, orders: &OrderSlots, after: Option<u32>) -> Step {
        let first = match after {
            None => self.levels.first_key_value().map_or(NONE, |(_, level)| level.first),
            Some(slot) => match orders.cell(slot).after {
                NONE => {
                    let worse = keys::price_rank(orders.get(slot)).checked_add(1);
                    let next = worse.and_then(|worse| self.levels.range(worse..).next());
                    next.map_or(NONE, |(_, level)| level.first)
                }
                next => next,
            },
        };
        match first {
            NONE if self.done => Step::End,
            NONE => Step::Read(self.frontier),
            slot if self.done || keys::order(orders.get(slot)) <= self.frontier => Step::Found(slot),
            _ => Step::Read(self.frontier),
        }
    }

    /// The tree's next order was found at this key.
    pub fn advance(&mut self, key: Key) {
        self.frontier = key;
    }

    /// The tree has no further order.
    pub fn end(&mut self) {
        self.done = true;
    }

    /// Puts the order in whose key the frontier has just reached.
    pub fn read(&mut self, orders: &mut OrderSlots, slot: u32) {
        let level = self.levels.entry(keys::price_rank(orders.get(slot))).or_insert(Level::EMPTY);
        let before = level.last_read;
        let after = if before == NONE { level.first } else { orders.cell(before).after };
        level.last_read = slot;
        level.link(orders, slot, before, after);
    }

    /// Puts in an order that arrives now.
    pub fn insert(&mut self, orders: &mut OrderSlots, slot: u32) {
        let level = self.levels.entry(keys::price_rank(orders.get(slot))).or_insert(Level::EMPTY);
        let before = level.last;
        level.link(orders, slot, before, NONE);
    }

    /// Takes an order out. One that the frontier has not reached is not in.
    pub fn remove(&mut self, orders: &mut OrderSlots, slot: u32) {
        let cell = orders.cell_mut(slot);
        if !cell.queued {
            return;
        }
        cell.queued = false;
        let (before, after) = (cell.before, cell.after);
        let rank = keys::price_rank(&cell.order);
        if before == NONE && after == NONE {
            self.levels.remove(&rank);
            return;
        }
        if before != NONE {
            orders.cell_mut(before).after = after;
        }
        if after != NONE {
            orders.cell_mut(after).before = before;
        }
        if before != NONE && after != NONE && orders.cell(slot).base.is_none() {
            return;
        }
        let level = self.levels.get_mut(&rank).expect("a queued order has a level");
        if before == NONE {
            level.first = after;
        }
        if after == NONE {
            level.last = before;
        }
        // Before an order of the tree there are only others of the tree.
        if level.last_read == slot {
            level.last_read = before;
        }
    }
}

impl Level {
    const EMPTY: Self = Self { first: NONE, last: NONE, last_read: NONE };

    fn link(&mut self, orders: &mut OrderSlots, slot: u32, before: u32, after: u32) {
        let cell = orders.cell_mut(slot);
        (cell.queued, cell.before, cell.after) = (true, before, after);
        match before {
            NONE => self.first = slot,
            before => orders.cell_mut(before).after = slot,
        }
        match after {
            NONE => self.last = slot,
            after => orders.cell_mut(after).before = slot,
        }
    }
}
