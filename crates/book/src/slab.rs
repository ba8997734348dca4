//! Open orders in a slab: a slot each, reused last-in first-out so that it is still in the cache.

use rules::Order;

use crate::ladder::NONE;

/// An open order and its neighbours.
pub(crate) struct Node {
    pub order: Order,
    /// The order before it at its price. While waiting: its place in the heap of waiting orders.
    pub previous: u32,
    /// The order behind it at its price.
    pub next: u32,
    /// Neighbours among the account's open orders in the market, in no particular order.
    pub open_previous: u32,
    pub open_next: u32,
    /// Its place in the heap of expiries.
    pub expiry: u32,
}

/// Nodes by slot, from one. Never more than it was made for.
pub(crate) struct Slab {
    nodes: Vec<Node>,
    /// Head of the chain of free slots, linked by `next`.
    free: u32,
}

impl Slab {
    pub fn new(capacity: u32) -> Self {
        Self { nodes: Vec::with_capacity(capacity as usize), free: NONE }
    }

    #[inline]
    pub fn insert(&mut self, node: Node) -> u32 {
        if self.free == NONE {
            debug_assert!(self.nodes.len() < self.nodes.capacity(), "the rules check the capacity");
            self.nodes.push(node);
            self.nodes.len() as u32
        } else {
            let slot = self.free;
            let place = &mut self.nodes[slot as usize - 1];
            self.free = place.next;
            *place = node;
            slot
        }
    }

    /// Frees a slot. The node's order stays readable until the slot is reused.
    #[inline]
    pub fn remove(&mut self, slot: u32) {
        let node = &mut self.nodes[slot as usize - 1];
        node.next = self.free;
        // A freed slot answers to no order id.
        node.order.id.0 = 0;
        self.free = slot;
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Node {
        &self.nodes[slot as usize - 1]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Node {
        &mut self.nodes[slot as usize - 1]
    }

    pub fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rules::{Direction, Life, OrderKind};
    use types::{
        AccountId, ClientOrderId, MarketId, OrderId, Price, Quanta, Quantity, Rate, SelfTrade, Side,
        Timestamp,
    };

    /// An order of which only these are of interest.
    pub(crate) fn node(id: u64, account: u32, client_id: u64) -> Node {
        let order = Order {
            id: OrderId(id),
            arrival: id,
            quantity: Quantity(1),
            budget: Quanta(0),
            client_id: ClientOrderId(client_id),
            expires: Timestamp::NEVER,
            account: AccountId(account),
            price: Price(1),
            fee_rate: Rate(0),
            trigger: Price(0),
            market: MarketId(0),
            side: Side::Buy,
            direction: Direction::Rising,
            kind: OrderKind::Limit,
            life: Life::Rest,
            post_only: false,
            self_trade: SelfTrade::ExpireTaker,
        };
        Node { order, previous: NONE, next: NONE, open_previous: NONE, open_next: NONE, expiry: 0 }
    }

    #[test]
    fn a_slot_is_used_again_last_in_first_out_and_answers_to_no_order_in_between() {
        let mut slab = Slab::new(4);
        let slots: Vec<u32> = (1..=4).map(|id| slab.insert(node(id, 0, 0))).collect();
        assert_eq!(slots, [1, 2, 3, 4]);
        slab.remove(2);
        slab.remove(4);
        assert_eq!((slab.get(2).order.id.0, slab.get(4).order.id.0), (0, 0));
        assert_eq!(slab.insert(node(5, 0, 0)), 4);
        assert_eq!(slab.insert(node(6, 0, 0)), 2);
        assert_eq!(slab.get(2).order.id.0, 6);
    }
}
