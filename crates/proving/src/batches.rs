//! Sets of batch numbers, as the few ranges that they are.

use std::collections::BTreeMap;

/// A set of batches. Holds as little as it has gaps, not as much as it has batches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchSet {
    /// Last by first; no two ranges touch.
    ranges: BTreeMap<u64, u64>,
}

impl BatchSet {
    /// Adds the batches from the first to the last. Nothing, when the last comes before the first.
    pub fn insert(&mut self, first: u64, last: u64) {
        if last < first {
            return;
        }
        let (mut first, mut last) = (first, last);
        // Those that begin within or just behind it, from the back.
        while let Some((&start, &end)) = self.ranges.range(..=last.saturating_add(1)).next_back() {
            if end.saturating_add(1) < first {
                break;
            }
            self.ranges.remove(&start);
            (first, last) = (first.min(start), last.max(end));
        }
        self.ranges.insert(first, last);
    }

    /// Whether a batch is in it.
    #[must_use]
    pub fn contains(&self, batch: u64) -> bool {
        self.ranges.range(..=batch).next_back().is_some_and(|(_, &last)| batch <= last)
    }

    /// The last batch of those from batch 1 on without a gap; 0 when batch 1 is missing.
    #[must_use]
    pub fn complete_to(&self) -> u64 {
        match self.ranges.first_key_value() {
            Some((&first, &last)) if first <= 1 => last,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(ranges in proptest::collection::vec((1_u64..60, 0_u64..9), 0..40)) {
            let (mut set, mut model) = (BatchSet::default(), BTreeSet::new());
            for (first, more) in ranges {
                set.insert(first, first + more);
                model.extend(first..=first + more);
                for batch in 0..75 {
                    prop_assert_eq!(set.contains(batch), model.contains(&batch));
                }
                let complete = (1..).take_while(|batch| model.contains(batch)).last().unwrap_or(0);
                prop_assert_eq!(set.complete_to(), complete);
                let gaps = (1..75_u64).filter(|batch| !model.contains(batch) && model.contains(&(batch + 1)));
                prop_assert!(set.ranges.len() <= 1 + gaps.count());
            }
        }
    }

    #[test]
    fn the_ends_of_the_numbers_are_numbers() {
        let mut set = BatchSet::default();
        set.insert(u64::MAX, u64::MAX);
        set.insert(3, 2);
        set.insert(0, u64::MAX);
        assert!(set.contains(0) && set.contains(u64::MAX));
        assert_eq!(set.complete_to(), u64::MAX);
    }
}
