//! Changes of a book over a while, put together.

use std::collections::BTreeMap;

use types::{Price, Quantity};

use crate::view::DepthChange;

/// What has changed since it was last taken. The numbers of its changes follow each other without a gap.
#[derive(Debug, Default)]
pub(super) struct DepthDiff {
    first: u64,
    last: u64,
    bids: BTreeMap<Price, Quantity>,
    asks: BTreeMap<Price, Quantity>,
}

/// Changes from number `first` to number `last`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Diff {
    pub first: u64,
    pub last: u64,
    /// Highest first.
    pub bids: Vec<(Price, Quantity)>,
    /// Lowest first.
    pub asks: Vec<(Price, Quantity)>,
}

impl DepthDiff {
    pub fn add(&mut self, change: &DepthChange) {
        if self.last != 0 && change.update != self.last + 1 {
            // Something was lost. What is told must have no gap inside.
            *self = Self::default();
        }
        if self.first == 0 {
            self.first = change.update;
        }
        self.last = change.update;
        self.bids.extend(change.bids.iter().copied());
        self.asks.extend(change.asks.iter().copied());
    }

    /// All changes so far, if there are any.
    pub fn take(&mut self) -> Option<Diff> {
        if self.first == 0 {
            return None;
        }
        let Self { first, last, bids, asks } = std::mem::take(self);
        Some(Diff { first, last, bids: bids.into_iter().rev().collect(), asks: asks.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use types::MarketId;

    use super::*;

    fn change(update: u64, bids: &[(u32, u64)], asks: &[(u32, u64)]) -> DepthChange {
        let side = |levels: &[(u32, u64)]| levels.iter().map(|(p, q)| (Price(*p), Quantity(*q))).collect();
        DepthChange { market: MarketId(0), update, bids: side(bids), asks: side(asks) }
    }

    #[test]
    fn later_quantities_replace_earlier_ones_and_numbers_follow_each_other() {
        let mut diff = DepthDiff::default();
        assert_eq!(diff.take(), None);
        diff.add(&change(5, &[(10, 1)], &[(12, 4)]));
        diff.add(&change(6, &[(10, 0), (9, 2)], &[]));
        let taken = diff.take().unwrap();
        assert_eq!((taken.first, taken.last), (5, 6));
        assert_eq!(taken.bids, [(Price(10), Quantity(0)), (Price(9), Quantity(2))]);
        diff.add(&change(7, &[], &[(12, 0)]));
        let taken = diff.take().unwrap();
        assert_eq!((taken.first, taken.last), (7, 7));
        diff.add(&change(8, &[(1, 1)], &[]));
        diff.add(&change(10, &[(2, 2)], &[]));
        let taken = diff.take().unwrap();
        assert_eq!(
            (taken.first, taken.last, taken.bids),
            (10, 10, vec![(Price(2), Quantity(2))]),
            "no gap inside"
        );
    }
}
