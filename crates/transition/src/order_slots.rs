//! The orders that a batch has met, by slot.

use alloc::vec::Vec;

use rules::Order;
use types::Quantity;

/// No slot.
pub(crate) const NONE: u32 = u32::MAX;

/// Orders by slot. A slot is used again when its order came and went within the batch.
#[derive(Default)]
pub(crate) struct OrderSlots {
    cells: Vec<OrderCell>,
    free: Vec<u32>,
}

/// An order, and what becomes of it.
pub(crate) struct OrderCell {
    pub order: Order,
    /// What was left of the order in the tree, if it is there: nothing else of it can change.
    pub base: Option<Quantity>,
    pub open: bool,
    /// Whether it is in its price level's queue.
    pub queued: bool,
    /// The orders around it there.
    pub before: u32,
    pub after: u32,
}

impl OrderSlots {
    /// Makes room for about so many orders.
    pub fn reserve(&mut self, orders: usize) {
        self.cells.reserve(orders);
    }

    /// Takes in an open order that is in the tree already, or not yet.
    pub fn add(&mut self, order: Order, in_tree: bool) -> u32 {
        let base = in_tree.then_some(order.quantity);
        let cell = OrderCell { order, base, open: true, queued: false, before: NONE, after: NONE };
        match self.free.pop() {
            Some(slot) => {
                self.cells[slot as usize] = cell;
                slot
            }
            None => {
                self.cells.push(cell);
                self.cells.len() as u32 - 1
            }
        }
    }

    /// The order leaves. Its queue must have let it go.
    pub fn close(&mut self, slot: u32) -> (Order, bool) {
        let cell = &mut self.cells[slot as usize];
        cell.open = false;
        let in_tree = cell.base.is_some();
        if !in_tree {
            self.free.push(slot);
        }
        (cell.order, in_tree)
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Order {
        &self.cells[slot as usize].order
    }

    #[inline]
    pub fn cell(&self, slot: u32) -> &OrderCell {
        &self.cells[slot as usize]
    }

    #[inline]
    pub fn cell_mut(&mut self, slot: u32) -> &mut OrderCell {
        &mut self.cells[slot as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = &OrderCell> {
        self.cells.iter()
    }
}
