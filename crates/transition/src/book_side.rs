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

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;

    use proptest::prelude::*;
    use rules::{Direction, Life, Order, OrderKind};
    use types::{
        AccountId, ClientOrderId, MarketId, OrderId, Price, Quanta, Quantity, Rate, SelfTrade, Side,
        Timestamp,
    };

    use super::*;

    fn order(side: Side, price: u32, number: u64) -> Order {
        Order {
            id: OrderId(number),
            arrival: number,
            quantity: Quantity(1),
            budget: Quanta(0),
            client_id: ClientOrderId::NONE,
            expires: Timestamp::NEVER,
            account: AccountId(1),
            price: Price(price),
            fee_rate: Rate(0),
            trigger: Price(0),
            market: MarketId(0),
            side,
            direction: Direction::Rising,
            kind: OrderKind::Limit,
            life: Life::Rest,
            post_only: false,
            self_trade: SelfTrade::ExpireTaker,
        }
    }

    /// A side and the tree's entries behind it, as the tree store joins them.
    struct Joined {
        side: BookSide,
        slots: OrderSlots,
        tree: BTreeMap<Key, Order>,
        adopted: BTreeMap<Key, u32>,
    }

    impl Joined {
        fn adopt(&mut self, key: Key) -> u32 {
            let (slots, tree) = (&mut self.slots, &self.tree);
            *self.adopted.entry(key).or_insert_with(|| slots.add(tree[&key], true))
        }

        fn next(&mut self, after: Option<u32>) -> Option<u32> {
            loop {
                match self.side.step(&self.slots, after) {
                    Step::Found(slot) => return Some(slot),
                    Step::End => return None,
                    Step::Read(frontier) => {
                        let Some((&key, _)) = self.tree.range(frontier + 1..).next() else {
                            self.side.end();
                            continue;
                        };
                        self.side.advance(key);
                        let slot = self.adopt(key);
                        if self.slots.cell(slot).open {
                            self.side.read(&mut self.slots, slot);
                        }
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_side_comes_in_the_order_of_all_its_keys(
            buys: bool,
            in_tree in prop::collection::vec(1..6u32, 0..20),
            steps in prop::collection::vec((0..3u8, 1..6u32, any::<prop::sample::Index>()), 0..60),
        ) {
            let side = if buys { Side::Buy } else { Side::Sell };
            let entries: Vec<Order> =
                (1..).zip(&in_tree).map(|(number, price)| order(side, *price, number)).collect();
            let tree: BTreeMap<Key, Order> = entries.iter().map(|order| (keys::order(order), *order)).collect();
            let mut model = tree.clone();
            let before = keys::book_side(MarketId(0), side).0;
            let mut own = BTreeMap::new();
            let mut joined = Joined {
                side: BookSide::new(before),
                slots: OrderSlots::default(),
                tree,
                adopted: BTreeMap::new(),
            };
            let mut number = in_tree.len() as u64;
            for (what, price, which) in steps {
                match what {
                    0 => {
                        number += 1;
                        let order = order(side, price, number);
                        let slot = joined.slots.add(order, false);
                        joined.side.insert(&mut joined.slots, slot);
                        own.insert(keys::order(&order), slot);
                        model.insert(keys::order(&order), order);
                    }
                    1 if !model.is_empty() => {
                        let keys: Vec<Key> = model.keys().copied().collect();
                        let key = *which.get(&keys);
                        let slot = own.remove(&key).unwrap_or_else(|| joined.adopt(key));
                        joined.side.remove(&mut joined.slots, slot);
                        joined.slots.close(slot);
                        model.remove(&key);
                    }
                    _ => {
                        // As far down as somebody may look.
                        let mut found = Vec::new();
                        let mut at = None;
                        for _ in 0..=which.index(model.len() + 2) {
                            let Some(slot) = joined.next(at) else { break };
                            found.push(keys::order(joined.slots.get(slot)));
                            at = Some(slot);
                        }
                        let expected: Vec<Key> = model.keys().copied().take(found.len()).collect();
                        prop_assert_eq!(&found, &expected);
                    }
                }
            }
            let mut at = None;
            for key in model.keys() {
                at = joined.next(at);
                prop_assert_eq!(at.map(|slot| keys::order(joined.slots.get(slot))), Some(*key));
            }
            prop_assert_eq!(joined.next(at), None);
        }
    }
}
