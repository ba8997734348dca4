//! The ladder alone: add, cancel, trade. No accounts, balances, risk or fees.
//!
//! This is what most matching engines are, and what they should be compared with; the exchange itself runs
//! [`crate::Book`] under the rules.

use types::{Price, Quantity, Side};

use crate::ladder::{Ladder, NONE};

/// A bare order book of one market. Order numbers are given by the caller, dense from zero.
pub struct BareBook {
    bids: Ladder,
    asks: Ladder,
    nodes: Vec<BareNode>,
    free: u32,
    /// By order number.
    slots: Vec<u32>,
}

struct BareNode {
    quantity: Quantity,
    order: u32,
    price: Price,
    previous: u32,
    next: u32,
    side: Side,
}

/// A trade of the bare book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BareFill {
    /// The resting order.
    pub maker: u32,
    /// Its price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
}

impl BareBook {
    /// An empty book for prices up to `max_price` and order numbers below `orders`.
    #[must_use]
    pub fn new(max_price: Price, orders: u32) -> Self {
        Self {
            bids: Ladder::new(Side::Buy, max_price),
            asks: Ladder::new(Side::Sell, max_price),
            nodes: Vec::new(),
            free: NONE,
            slots: vec![NONE; orders as usize],
        }
    }

    /// Matches an order, calls `fill` for each trade, and lets the rest rest if `rests`.
    #[inline]
    pub fn add(
        &mut self,
        order: u32,
        side: Side,
        price: Price,
        mut quantity: Quantity,
        rests: bool,
        mut fill: impl FnMut(BareFill),
    ) {
        while quantity.0 != 0 {
            let slot = self.ladder(side.opposite()).best();
            if slot == NONE {
                break;
            }
            let maker = &mut self.nodes[slot as usize - 1];
            let crosses = match side {
                Side::Buy => maker.price <= price,
                Side::Sell => maker.price >= price,
            };
            if !crosses {
                break;
            }
            let traded = quantity.min(maker.quantity);
            quantity.0 -= traded.0;
            maker.quantity.0 -= traded.0;
            fill(BareFill { maker: maker.order, price: maker.price, quantity: traded });
            if maker.quantity.0 == 0 {
                let order = maker.order;
                self.remove(order, slot);
            }
        }
        if rests && quantity.0 != 0 {
            self.rest(order, side, price, quantity);
        }
    }

    /// Cancels an order; what was left of it.
    #[inline]
    pub fn cancel(&mut self, order: u32) -> Option<Quantity> {
        let slot = *self.slots.get(order as usize)?;
        if slot == NONE {
            return None;
        }
        let left = self.nodes[slot as usize - 1].quantity;
        self.remove(order, slot);
        Some(left)
    }

    #[inline]
    fn rest(&mut self, order: u32, side: Side, price: Price, quantity: Quantity) {
        let node = BareNode { quantity, order, price, previous: NONE, next: NONE, side };
        let slot = if self.free == NONE {
            self.nodes.push(node);
            self.nodes.len() as u32
        } else {
            let slot = self.free;
            self.free = self.nodes[slot as usize - 1].next;
            self.nodes[slot as usize - 1] = node;
            slot
        };
        self.slots[order as usize] = slot;
        let previous = self.ladder(side).push(price, slot);
        if previous != NONE {
            self.nodes[previous as usize - 1].next = slot;
            self.nodes[slot as usize - 1].previous = previous;
        }
    }

    #[inline]
    fn remove(&mut self, order: u32, slot: u32) {
        let &BareNode { price, previous, next, side, .. } = &self.nodes[slot as usize - 1];
        self.ladder(side).unlink(price, previous, next);
        if previous != NONE {
            self.nodes[previous as usize - 1].next = next;
        }
        if next != NONE {
            self.nodes[next as usize - 1].previous = previous;
        }
        self.nodes[slot as usize - 1].next = self.free;
        self.free = slot;
        self.slots[order as usize] = NONE;
    }

    #[inline]
    fn ladder(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}
