//! Which of many things with a number and a time are of a [`Range`].

use std::collections::VecDeque;

use types::Timestamp;

use super::Range;
use super::options::MAX_ANSWER;

/// What has a number and a time, both of which grow.
pub(super) trait Numbered: Copy {
    fn number(&self) -> u64;
    fn time(&self) -> Timestamp;
}

/// Those of the range: the first ones where it says from where, or else the newest.
pub(super) fn of_list<T: Numbered>(list: &VecDeque<T>, range: Range) -> Vec<T> {
    let begin = list.partition_point(|thing| {
        range.from.is_some_and(|from| thing.number() < from)
            || range.start.is_some_and(|start| thing.time() < start)
    });
    let end = range.end.map_or(list.len(), |end| list.partition_point(|thing| thing.time() <= end));
    let limit = range.limit.min(MAX_ANSWER);
    let (begin, end) = if range.has_begin() {
        (begin, end.min(begin.saturating_add(limit)))
    } else {
        (end.saturating_sub(limit), end)
    };
    if begin < end { list.range(begin..end).copied().collect() } else { Vec::new() }
}

/// The same of things in any order.
pub(super) fn of_any<T: Numbered>(things: impl Iterator<Item = T>, range: Range) -> Vec<T> {
    let mut list: Vec<T> = things
        .filter(|thing| {
            range.from.is_none_or(|from| thing.number() >= from)
                && range.start.is_none_or(|start| thing.time() >= start)
                && range.end.is_none_or(|end| thing.time() <= end)
        })
        .collect();
    list.sort_unstable_by_key(Numbered::number);
    let limit = range.limit.min(MAX_ANSWER);
    if range.has_begin() {
        list.truncate(limit);
    } else {
        list.drain(..list.len().saturating_sub(limit));
    }
    list
}

impl Range {
    fn has_begin(&self) -> bool {
        self.from.is_some() || self.start.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Numbered for (u64, u64) {
        fn number(&self) -> u64 {
            self.0
        }
        fn time(&self) -> Timestamp {
            Timestamp(self.1)
        }
    }

    proptest! {
        #[test]
        fn a_list_and_things_in_any_order_are_asked_alike(
            steps in proptest::collection::vec((1..3u64, 0..3u64), 0..40),
            from in proptest::option::of(0..60u64),
            start in proptest::option::of(0..60u64),
            end in proptest::option::of(0..60u64),
            limit in 0..20usize,
        ) {
            let mut list = VecDeque::new();
            let (mut number, mut time) = (0, 0);
            for (more, later) in steps {
                (number, time) = (number + more, time + later);
                list.push_back((number, time));
            }
            let range = Range { from, start: start.map(Timestamp), end: end.map(Timestamp), limit };
            let selected = of_list(&list, range);
            prop_assert_eq!(&selected, &of_any(list.iter().rev().copied(), range));
            prop_assert!(selected.len() <= limit);
            for (number, time) in &selected {
                prop_assert!(from.is_none_or(|from| *number >= from));
                prop_assert!(start.is_none_or(|start| *time >= start) && end.is_none_or(|end| *time <= end));
            }
            // Without a beginning: the newest.
            if from.is_none() && start.is_none() && end.is_none() && limit > 0 {
                prop_assert_eq!(selected.last(), list.back());
            }
        }
    }
}
