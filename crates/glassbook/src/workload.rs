//! The benchmark's workload: the same operations for every engine that is compared.
//!
//! Half of the operations add an order around a wandering mid price, 42 % cancel a random resting order, and 8 %
//! cross the spread and are cancelled if they do not trade. A bare book runs along, so that only orders which
//! still rest are cancelled.

use book::BareBook;
use types::{Price, Quantity, Side};

/// One operation. Orders are numbered from zero in the order of their operations (adds and crossings).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A limit order that rests.
    Add {
        /// Buy or sell.
        side: Side,
        /// Its limit.
        price: Price,
        /// How much.
        quantity: Quantity,
    },
    /// A limit order that crosses the spread, immediate or cancel.
    Cross {
        /// Buy or sell.
        side: Side,
        /// Its limit.
        price: Price,
        /// How much.
        quantity: Quantity,
    },
    /// Cancel a resting order.
    Cancel {
        /// Its number.
        order: u32,
    },
}

/// No price of the workload is higher.
pub const MAX_PRICE: Price = Price(1 << 16);

/// Deterministic operations from a seed.
#[must_use]
pub fn operations(seed: u64, count: usize) -> Vec<Operation> {
    let mut random = SplitMix(seed);
    let mut book = BareBook::new(MAX_PRICE, count as u32);
    // Live orders, and where each stands in that list.
    let mut live: Vec<u32> = Vec::new();
    let mut place = vec![u32::MAX; count];
    let mut left = vec![0u64; count];
    let mut operations = Vec::with_capacity(count);
    let mut next = 0u32;
    let mut mid = 30_000u32;
    let forget = |order: u32, live: &mut Vec<u32>, place: &mut Vec<u32>| {
        let at = place[order as usize] as usize;
        live.swap_remove(at);
        if let Some(moved) = live.get(at) {
            place[*moved as usize] = at as u32;
        }
        place[order as usize] = u32::MAX;
    };
    while operations.len() < count {
        let dice = random.below(100);
        if operations.len() % 64 == 0 {
            mid = (mid + random.below(3) as u32 - 1).clamp(20_000, 40_000);
        }
        let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let quantity = 1 + random.below(100);
        if dice < 42 && live.len() > 1_000 {
            let order = live[random.below(live.len() as u64) as usize];
            book.cancel(order);
            forget(order, &mut live, &mut place);
            operations.push(Operation::Cancel { order });
            continue;
        }
        let crosses = dice >= 92 && live.len() > 1_000;
        // Geometric distance from the mid: most orders are near the touch.
        let depth = 1 + (random.below(8) * random.below(8) + random.below(4)) as u32;
        let price = match (side, crosses) {
            (Side::Buy, false) => Price(mid - depth),
            (Side::Sell, false) => Price(mid + depth),
            (Side::Buy, true) => Price(mid + 10),
            (Side::Sell, true) => Price(mid - 10),
        };
        let mut filled = 0;
        let mut gone = Vec::new();
        book.add(next, side, price, Quantity(quantity), !crosses, |fill| {
            filled += fill.quantity.0;
            left[fill.maker as usize] -= fill.quantity.0;
            if left[fill.maker as usize] == 0 {
                gone.push(fill.maker);
            }
        });
        for order in gone {
            forget(order, &mut live, &mut place);
        }
        if !crosses && filled < quantity {
            left[next as usize] = quantity - filled;
            place[next as usize] = live.len() as u32;
            live.push(next);
        }
        let quantity = Quantity(quantity);
        operations.push(if crosses {
            Operation::Cross { side, price, quantity }
        } else {
            Operation::Add { side, price, quantity }
        });
        next += 1;
    }
    operations
}

/// A small, well-known generator (Steele, Lea and Flood, 2014); the workload must never change.
pub struct SplitMix(pub u64);

impl SplitMix {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }
}
