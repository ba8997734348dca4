//! A market's book by price, from the events.

use std::collections::BTreeMap;

use types::{Price, Quantity, Side};

use super::{Best, Depth};

/// Quantities by price, and what of them the current command has changed.
#[derive(Default)]
pub(super) struct Levels {
    bids: BTreeMap<Price, u64>,
    asks: BTreeMap<Price, u64>,
    /// Levels that were touched, with what they were before.
    touched: Vec<(Side, Price, u64)>,
    /// Counts commands that changed a level.
    pub update: u64,
    /// After the last command.
    pub best: Best,
}

/// What a command changed in a book.
#[derive(Default)]
pub(super) struct Changed {
    pub bids: Vec<(Price, Quantity)>,
    pub asks: Vec<(Price, Quantity)>,
    pub best: bool,
}

impl Levels {
    pub fn add(&mut self, side: Side, price: Price, quantity: u64) {
        let level = Self::side(&mut self.bids, &mut self.asks, side).entry(price).or_default();
        self.touched.push((side, price, *level));
        *level += quantity;
    }

    /// Whether there was so much.
    #[must_use]
    pub fn take(&mut self, side: Side, price: Price, quantity: u64) -> bool {
        let levels = Self::side(&mut self.bids, &mut self.asks, side);
        let Some(level) = levels.get_mut(&price) else { return quantity == 0 };
        self.touched.push((side, price, *level));
        let Some(left) = level.checked_sub(quantity) else { return false };
        *level = left;
        if left == 0 {
            levels.remove(&price);
        }
        true
    }

    fn side<'a>(
        bids: &'a mut BTreeMap<Price, u64>,
        asks: &'a mut BTreeMap<Price, u64>,
        side: Side,
    ) -> &'a mut BTreeMap<Price, u64> {
        match side {
            Side::Buy => bids,
            Side::Sell => asks,
        }
    }

    pub fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Ends a command: what is now other than before it. Counts an update if a level is.
    pub fn end_command(&mut self) -> Changed {
        // The first touch of a level knows what it was: the sort keeps their order.
        self.touched.sort_by_key(|(side, price, _)| (*side == Side::Sell, *price));
        self.touched.dedup_by_key(|(side, price, _)| (*side, *price));
        let mut changed = Changed::default();
        for (side, price, before) in self.touched.drain(..) {
            let (levels, list) = match side {
                Side::Buy => (&self.bids, &mut changed.bids),
                Side::Sell => (&self.asks, &mut changed.asks),
            };
            let now = levels.get(&price).copied().unwrap_or_default();
            if now != before {
                list.push((price, Quantity(now)));
            }
        }
        changed.bids.reverse();
        self.update += u64::from(!changed.is_nothing());
        let best = self.current_best();
        changed.best = best != self.best;
        self.best = best;
        changed
    }

    fn current_best(&self) -> Best {
        let level = |entry: Option<(&Price, &u64)>| entry.map(|(price, level)| (*price, Quantity(*level)));
        Best { bid: level(self.bids.last_key_value()), ask: level(self.asks.first_key_value()) }
    }

    pub fn depth(&self, limit: usize) -> Depth {
        let pair = |(price, level): (&Price, &u64)| (*price, Quantity(*level));
        Depth {
            update: self.update,
            bids: self.bids.iter().rev().take(limit).map(pair).collect(),
            asks: self.asks.iter().take(limit).map(pair).collect(),
        }
    }
}

impl Changed {
    /// No level is another.
    pub fn is_nothing(&self) -> bool {
        self.bids.is_empty() && self.asks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_leaves_a_level_as_it_was_changes_nothing() {
        let mut levels = Levels::default();
        levels.add(Side::Buy, Price(10), 5);
        levels.add(Side::Buy, Price(12), 5);
        let changed = levels.end_command();
        assert_eq!(changed.bids, [(Price(12), Quantity(5)), (Price(10), Quantity(5))]);
        assert!(changed.best);
        assert!(levels.take(Side::Buy, Price(12), 5));
        levels.add(Side::Buy, Price(12), 5);
        assert!(levels.end_command().is_nothing());
        assert_eq!(levels.update, 1);
        assert!(levels.take(Side::Buy, Price(12), 2) && levels.take(Side::Buy, Price(12), 3));
        let changed = levels.end_command();
        assert_eq!(changed.bids, [(Price(12), Quantity(0))]);
        assert_eq!(levels.best.bid, Some((Price(10), Quantity(5))));
        assert!(!levels.take(Side::Buy, Price(10), 6));
        assert!(!levels.take(Side::Sell, Price(10), 1));
    }
}
