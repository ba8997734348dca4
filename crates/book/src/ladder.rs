//! One side of a market: a flat array of price levels, and a bitmap of the occupied ones.
//!
//! A level is two slots: the head and tail of its queue. The array covers every price the market allows; the
//! operating system gives memory only to the pages that were ever written. The bitmap is a 64-ary tree of at
//! most four words' depth, so the next occupied level is found in constant time, however far it is.

use types::{Price, Side};

/// No order: slots count from one.
pub(crate) const NONE: u32 = 0;

/// The queues of one side, by price.
pub(crate) struct Ladder {
    side: Side,
    /// Head and tail by price minus one. Zeroed arrays come untouched from the operating system.
    levels: Vec<[u32; 2]>,
    occupied: Bitmap,
    /// The best occupied price, zero when the side is empty.
    best: u32,
}

impl Ladder {
    pub fn new(side: Side, max_price: Price) -> Self {
        let levels = max_price.0 as usize;
        Self { side, levels: vec![[NONE; 2]; levels], occupied: Bitmap::new(levels), best: 0 }
    }

    /// The first order at the best price.
    #[inline]
    pub fn best(&self) -> u32 {
        if self.best == 0 { NONE } else { self.levels[self.best as usize - 1][0] }
    }

    /// The first order at the next price behind `price`.
    #[inline]
    pub fn behind(&self, price: Price) -> u32 {
        match self.next_price(price.0) {
            0 => NONE,
            price => self.levels[price as usize - 1][0],
        }
    }

    /// Appends to the queue at `price`; the order that was last, if any.
    #[inline]
    pub fn push(&mut self, price: Price, slot: u32) -> u32 {
        let index = price.0 as usize - 1;
        let level = &mut self.levels[index];
        let last = level[1];
        level[1] = slot;
        if last == NONE {
            level[0] = slot;
            self.occupied.set(index);
            let better = match self.side {
                Side::Buy => price.0 > self.best,
                Side::Sell => price.0 < self.best || self.best == 0,
            };
            if better {
                self.best = price.0;
            }
        }
        last
    }

    /// Takes an order with these neighbours out of the queue at `price`. The caller links the neighbours.
    #[inline]
    pub fn unlink(&mut self, price: Price, previous: u32, next: u32) {
        let index = price.0 as usize - 1;
        let level = &mut self.levels[index];
        if previous == NONE {
            level[0] = next;
        }
        if next == NONE {
            level[1] = previous;
        }
        if previous == NONE && next == NONE {
            self.occupied.clear(index);
            if price.0 == self.best {
                self.best = self.next_price(price.0);
            }
        }
    }

    /// The next occupied price behind `price`, zero if there is none.
    #[inline]
    fn next_price(&self, price: u32) -> u32 {
        let index = price as usize - 1;
        let next = match self.side {
            Side::Buy => index.checked_sub(1).and_then(|from| self.occupied.at_or_below(from)),
            Side::Sell => self.occupied.at_or_above(index + 1),
        };
        next.map_or(0, |index| index as u32 + 1)
    }

    /// Bytes of address space; only written pages are real memory.
    pub fn bytes(&self) -> usize {
        self.levels.len() * size_of::<[u32; 2]>() + self.occupied.bytes()
    }
}

/// Which levels are occupied: a bit a level, then a bit a word, up to a single word.
struct Bitmap {
    layers: Vec<Vec<u64>>,
}

impl Bitmap {
    fn new(bits: usize) -> Self {
        let mut layers = Vec::new();
        let mut words = bits.max(1).div_ceil(64);
        loop {
            layers.push(vec![0; words]);
            if words == 1 {
                return Self { layers };
            }
            words = words.div_ceil(64);
        }
    }

    #[inline]
    fn set(&mut self, mut bit: usize) {
        for layer in &mut self.layers {
            let word = &mut layer[bit / 64];
            let was_empty = *word == 0;
            *word |= 1 << (bit % 64);
            if !was_empty {
                return;
            }
            bit /= 64;
        }
    }

    #[inline]
    fn clear(&mut self, mut bit: usize) {
        for layer in &mut self.layers {
            let word = &mut layer[bit / 64];
            *word &= !(1 << (bit % 64));
            if *word != 0 {
                return;
            }
            bit /= 64;
        }
    }

    /// The lowest set bit at or above `bit`.
    #[inline]
    fn at_or_above(&self, bit: usize) -> Option<usize> {
        let mut at = bit;
        for (depth, layer) in self.layers.iter().enumerate() {
            let word = layer.get(at / 64)? & (u64::MAX << (at % 64));
            if word != 0 {
                let found = at / 64 * 64 + word.trailing_zeros() as usize;
                return Some(self.descend(depth, found, |word| word.trailing_zeros()));
            }
            at = at / 64 + 1;
        }
        None
    }

    /// The highest set bit at or below `bit`.
    #[inline]
    fn at_or_below(&self, bit: usize) -> Option<usize> {
        let mut at = bit;
        for (depth, layer) in self.layers.iter().enumerate() {
            let word = layer[at / 64] & (u64::MAX >> (63 - at % 64));
            if word != 0 {
                let found = at / 64 * 64 + 63 - word.leading_zeros() as usize;
                return Some(self.descend(depth, found, |word| 63 - word.leading_zeros()));
            }
            at = (at / 64).checked_sub(1)?;
        }
        None
    }

    #[inline]
    fn descend(&self, depth: usize, mut at: usize, end: impl Fn(u64) -> u32) -> usize {
        for layer in self.layers[..depth].iter().rev() {
            at = at * 64 + end(layer[at]) as usize;
        }
        at
    }

    fn bytes(&self) -> usize {
        self.layers.iter().map(|layer| layer.len() * 8).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn the_bitmap_finds_what_a_sorted_set_finds(
            size in 1usize..300_000,
            picks in proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..200),
        ) {
            let mut bitmap = Bitmap::new(size);
            let mut set = BTreeSet::new();
            for (pick, add) in picks {
                let bit = pick.index(size);
                if add {
                    bitmap.set(bit);
                    set.insert(bit);
                } else {
                    bitmap.clear(bit);
                    set.remove(&bit);
                }
                for probe in [0, bit, bit.saturating_sub(1), (bit + 1).min(size - 1), size - 1] {
                    prop_assert_eq!(bitmap.at_or_above(probe), set.range(probe..).next().copied());
                    prop_assert_eq!(bitmap.at_or_below(probe), set.range(..=probe).next_back().copied());
                }
            }
        }
    }

    /// The queues of one side, as plainly as can be.
    type Queues = std::collections::BTreeMap<u32, Vec<u32>>;

    fn in_order(side: Side, queues: &Queues) -> Vec<(u32, u32)> {
        let heads = queues.iter().map(|(price, queue)| (*price, queue[0]));
        if side == Side::Buy { heads.rev().collect() } else { heads.collect() }
    }

    fn walked(ladder: &Ladder, queues: &Queues) -> Vec<(u32, u32)> {
        let price_of =
            |slot: u32| queues.iter().find(|(_, queue)| queue.contains(&slot)).map_or(0, |(price, _)| *price);
        let mut found = Vec::new();
        let mut slot = ladder.best();
        while slot != NONE {
            let price = price_of(slot);
            found.push((price, slot));
            slot = ladder.behind(Price(price));
        }
        found
    }

    proptest! {
        #[test]
        fn a_ladder_walks_the_levels_that_a_sorted_map_walks(
            buys in any::<bool>(),
            max_price in prop_oneof![Just(1u32), Just(2), Just(63), Just(64), Just(65), Just(4_096), Just(4_097), 1u32..20_000],
            steps in proptest::collection::vec((any::<prop::sample::Index>(), 0u8..8, any::<prop::sample::Index>()), 1..120),
        ) {
            let side = if buys { Side::Buy } else { Side::Sell };
            let mut ladder = Ladder::new(side, Price(max_price));
            let mut queues = Queues::new();
            for (slot, (pick, kind, which)) in (1u32..).zip(steps) {
                // Often at the ends of the ladder.
                let price = match kind {
                    0 | 1 => 1,
                    2 | 3 => max_price,
                    _ => 1 + pick.index(max_price as usize) as u32,
                };
                let removes = kind % 2 == 1 && !queues.is_empty();
                if removes {
                    let at = *queues.keys().nth(which.index(queues.len())).unwrap();
                    let queue = queues.get_mut(&at).unwrap();
                    let place = pick.index(queue.len());
                    let previous = place.checked_sub(1).map_or(NONE, |before| queue[before]);
                    let next = queue.get(place + 1).copied().unwrap_or(NONE);
                    ladder.unlink(Price(at), previous, next);
                    queue.remove(place);
                    if queue.is_empty() {
                        queues.remove(&at);
                    }
                } else {
                    let queue = queues.entry(price).or_default();
                    prop_assert_eq!(ladder.push(Price(price), slot), queue.last().copied().unwrap_or(NONE));
                    queue.push(slot);
                }
                prop_assert_eq!(walked(&ladder, &queues), in_order(side, &queues));
                for edge in [1, max_price] {
                    let behind = in_order(side, &queues).into_iter().find(|(price, _)| match side {
                        Side::Buy => *price < edge,
                        Side::Sell => *price > edge,
                    });
                    prop_assert_eq!(ladder.behind(Price(edge)), behind.map_or(NONE, |(_, slot)| slot));
                }
            }
        }
    }
}
