//! The store itself.

use std::convert::Infallible;

use rules::{Account, Asset, Balance, Capacity, Direction, Globals, Market, Order, Position, Store};
use types::{AccountId, AssetId, ClientOrderId, Limits, MarketId, OrderId, Quantity, Side, Timestamp};

use crate::client_ids::ClientIds;
use crate::heap::{Entry, Heap};
use crate::ladder::{Ladder, NONE};
use crate::order_index::OrderIndex;
use crate::slab::{Node, Slab};

/// Everything the rules can read, in arrays sized at the start.
pub struct Book {
    globals: Globals,
    assets: Vec<Asset>,
    markets: Vec<MarketRow>,
    accounts: Vec<Account>,
    /// By account, then asset.
    balances: Vec<Balance>,
    /// By account, then market.
    positions: Vec<PositionRow>,
    limits: Vec<((AccountId, MarketId), Limits)>,
    slab: Slab,
    ids: OrderIndex,
    client_ids: ClientIds,
    expiries: Heap,
    /// The account's open orders during a walk, by number.
    walk: Vec<u32>,
    walked: usize,
}

struct MarketRow {
    market: Market,
    bids: Ladder,
    asks: Ladder,
    rising: Heap,
    falling: Heap,
}

impl MarketRow {
    #[inline]
    fn ladder(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn waiting(&mut self, direction: Direction) -> &mut Heap {
        match direction {
            Direction::Rising => &mut self.rising,
            Direction::Falling => &mut self.falling,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct PositionRow {
    position: Position,
    /// Head of the chain of the account's open orders in the market.
    open: u32,
}

/// Where the book's memory goes, in bytes of address space. Pages that were never written are not real memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// The order slab.
    pub orders: usize,
    /// Order ids, client order ids, expiries and triggers.
    pub indexes: usize,
    /// Price ladders.
    pub ladders: usize,
    /// Accounts, balances and positions.
    pub accounts: usize,
}

impl Book {
    /// An empty book for an exchange of this capacity.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        let accounts = capacity.accounts as usize;
        Self {
            globals: Globals::new(capacity),
            assets: Vec::with_capacity(capacity.assets.into()),
            markets: Vec::with_capacity(capacity.markets.into()),
            accounts: Vec::with_capacity(accounts),
            balances: Vec::with_capacity(accounts * usize::from(capacity.assets)),
            positions: Vec::with_capacity(accounts * usize::from(capacity.markets)),
            limits: Vec::new(),
            slab: Slab::new(capacity.open_orders),
            ids: OrderIndex::new(capacity.open_orders),
            client_ids: ClientIds::new(capacity.open_orders),
            expiries: Heap::default(),
            walk: Vec::new(),
            walked: 0,
        }
    }

    /// The counters, without a mutable borrow.
    #[must_use]
    pub fn counters(&self) -> &Globals {
        &self.globals
    }

    /// All markets by number.
    pub fn markets(&self) -> impl Iterator<Item = &Market> {
        self.markets.iter().map(|row| &row.market)
    }

    /// All assets by number.
    #[must_use]
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// All accounts by number.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// What an account has of an asset; zero for what does not exist.
    #[must_use]
    pub fn balance_of(&self, account: AccountId, asset: AssetId) -> Balance {
        let known = (account.0 as usize) < self.accounts.len() && asset.0 < self.globals.capacity.assets;
        if known { self.balances[self.balance_at(account, asset)] } else { Balance::default() }
    }

    /// The orders of a side from the best down.
    pub fn side(&self, market: MarketId, side: Side) -> impl Iterator<Item = &Order> {
        let ladder = self.markets.get(usize::from(market.0)).map(|row| match side {
            Side::Buy => &row.bids,
            Side::Sell => &row.asks,
        });
        let mut slot = ladder.map_or(NONE, Ladder::best);
        std::iter::from_fn(move || {
            if slot == NONE {
                return None;
            }
            let node = self.slab.get(slot);
            slot = match node.next {
                NONE => ladder.map_or(NONE, |ladder| ladder.behind(node.order.price)),
                next => next,
            };
            Some(&node.order)
        })
    }

    /// Where the memory goes.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory {
            orders: self.slab.bytes(),
            indexes: self.ids.bytes()
                + self.client_ids.bytes()
                + self.expiries.bytes()
                + self.markets.iter().map(|row| row.rising.bytes() + row.falling.bytes()).sum::<usize>(),
            ladders: self.markets.iter().map(|row| row.bids.bytes() + row.asks.bytes()).sum(),
            accounts: self.accounts.capacity() * size_of::<Account>()
                + self.balances.capacity() * size_of::<Balance>()
                + self.positions.capacity() * size_of::<PositionRow>(),
        }
    }

    #[inline]
    fn balance_at(&self, account: AccountId, asset: AssetId) -> usize {
        account.0 as usize * usize::from(self.globals.capacity.assets) + usize::from(asset.0)
    }

    #[inline]
    fn position_at(&self, account: AccountId, market: MarketId) -> usize {
        account.0 as usize * usize::from(self.globals.capacity.markets) + usize::from(market.0)
    }

    #[inline]
    fn row(&mut self, market: MarketId) -> Option<&mut MarketRow> {
        self.markets.get_mut(usize::from(market.0))
    }
}

#[inline]
fn some(slot: u32) -> Option<u32> {
    (slot != NONE).then_some(slot)
}

impl Store for Book {
    type Error = Infallible;
    /// The slot.
    type Handle = u32;

    #[inline]
    fn globals(&mut self) -> &mut Globals {
        &mut self.globals
    }

    #[inline]
    fn asset(&mut self, id: AssetId) -> Result<Option<&mut Asset>, Infallible> {
        Ok(self.assets.get_mut(usize::from(id.0)))
    }

    fn add_asset(&mut self, id: AssetId, asset: Asset) -> Result<(), Infallible> {
        debug_assert_eq!(usize::from(id.0), self.assets.len());
        self.assets.push(asset);
        Ok(())
    }

    #[inline]
    fn market(&mut self, id: MarketId) -> Result<Option<&mut Market>, Infallible> {
        Ok(self.row(id).map(|row| &mut row.market))
    }

    fn add_market(&mut self, id: MarketId, market: Market) -> Result<(), Infallible> {
        debug_assert_eq!(usize::from(id.0), self.markets.len());
        let max_price = market.params.max_price;
        self.markets.push(MarketRow {
            market,
            bids: Ladder::new(Side::Buy, max_price),
            asks: Ladder::new(Side::Sell, max_price),
            rising: Heap::default(),
            falling: Heap::default(),
        });
        Ok(())
    }

    #[inline]
    fn account(&mut self, id: AccountId) -> Result<Option<&mut Account>, Infallible> {
        Ok(self.accounts.get_mut(id.0 as usize))
    }

    fn add_account(&mut self, id: AccountId, account: Account) -> Result<(), Infallible> {
        debug_assert_eq!(id.0 as usize, self.accounts.len());
        self.accounts.push(account);
        let capacity = self.globals.capacity;
        let rows = self.accounts.len();
        self.balances.resize(rows * usize::from(capacity.assets), Balance::default());
        self.positions.resize(rows * usize::from(capacity.markets), PositionRow::default());
        Ok(())
    }

    fn limits(&mut self, account: AccountId, market: MarketId) -> Result<Option<Limits>, Infallible> {
        let found = self.limits.binary_search_by_key(&(account, market), |entry| entry.0);
        Ok(found.ok().map(|at| self.limits[at].1))
    }

    fn set_limits(
        &mut self,
        account: AccountId,
        market: MarketId,
        limits: Option<Limits>,
    ) -> Result<(), Infallible> {
        let key = (account, market);
        match (self.limits.binary_search_by_key(&key, |entry| entry.0), limits) {
            (Ok(at), Some(limits)) => self.limits[at].1 = limits,
            (Ok(at), None) => {
                self.limits.remove(at);
            }
            (Err(at), Some(limits)) => self.limits.insert(at, (key, limits)),
            (Err(_), None) => {}
        }
        Ok(())
    }

    #[inline]
    fn balance(&mut self, account: AccountId, asset: AssetId) -> Result<&mut Balance, Infallible> {
        let at = self.balance_at(account, asset);
        Ok(&mut self.balances[at])
    }

    #[inline]
    fn position(&mut self, account: AccountId, market: MarketId) -> Result<&mut Position, Infallible> {
        let at = self.position_at(account, market);
        Ok(&mut self.positions[at].position)
    }

    #[inline]
    fn best(&mut self, market: MarketId, side: Side) -> Result<Option<u32>, Infallible> {
        Ok(self.row(market).and_then(|row| some(row.ladder(side).best())))
    }

    #[inline]
    fn next_best(&mut self, slot: u32) -> Result<Option<u32>, Infallible> {
        let node = self.slab.get(slot);
        if node.next != NONE {
            return Ok(Some(node.next));
        }
        let (market, side, price) = (node.order.market, node.order.side, node.order.price);
        Ok(self.row(market).and_then(|row| some(row.ladder(side).behind(price))))
    }

    #[inline]
    fn order(&mut self, slot: u32) -> Result<&Order, Infallible> {
        Ok(&self.slab.get(slot).order)
    }

    #[inline]
    fn set_quantity(&mut self, slot: u32, quantity: Quantity) -> Result<(), Infallible> {
        self.slab.get_mut(slot).order.quantity = quantity;
        Ok(())
    }

    #[inline]
    fn insert(&mut self, order: Order) -> Result<(), Infallible> {
        let open_at = self.position_at(order.account, order.market);
        let open_next = self.positions[open_at].open;
        let slot = self.slab.insert(Node {
            order,
            previous: NONE,
            next: NONE,
            open_previous: NONE,
            open_next,
            expiry: 0,
        });
        self.positions[open_at].open = slot;
        if open_next != NONE {
            self.slab.get_mut(open_next).open_previous = slot;
        }
        self.ids.insert(order.id.0, slot, &self.slab);
        if order.client_id != ClientOrderId::NONE {
            self.client_ids.insert(order.account, order.client_id, slot);
        }
        if order.expires != Timestamp::NEVER {
            let entry = Entry { key: order.expires.0, id: order.id.0, slot };
            self.expiries.push(entry, |slot, place| self.slab.get_mut(slot).expiry = place);
        }
        let row = &mut self.markets[usize::from(order.market.0)];
        if order.is_waiting() {
            let key = match order.direction {
                Direction::Rising => order.trigger.0,
                Direction::Falling => u32::MAX - order.trigger.0,
            };
            let entry = Entry { key: key.into(), id: order.id.0, slot };
            row.waiting(order.direction).push(entry, |slot, place| self.slab.get_mut(slot).previous = place);
        } else {
            let previous = row.ladder(order.side).push(order.price, slot);
            if previous != NONE {
                self.slab.get_mut(previous).next = slot;
                self.slab.get_mut(slot).previous = previous;
            }
        }
        Ok(())
    }

    #[inline]
    fn remove(&mut self, slot: u32) -> Result<Order, Infallible> {
        let &Node { order, previous, next, open_previous, open_next, expiry } = self.slab.get(slot);
        if open_previous == NONE {
            let at = self.position_at(order.account, order.market);
            self.positions[at].open = open_next;
        } else {
            self.slab.get_mut(open_previous).open_next = open_next;
        }
        if open_next != NONE {
            self.slab.get_mut(open_next).open_previous = open_previous;
        }
        self.ids.remove(order.id.0, slot);
        if order.client_id != ClientOrderId::NONE {
            self.client_ids.remove(order.account, order.client_id, slot);
        }
        if order.expires != Timestamp::NEVER {
            self.expiries.remove(expiry, |slot, place| self.slab.get_mut(slot).expiry = place);
        }
        let row = &mut self.markets[usize::from(order.market.0)];
        if order.is_waiting() {
            row.waiting(order.direction)
                .remove(previous, |slot, place| self.slab.get_mut(slot).previous = place);
        } else {
            row.ladder(order.side).unlink(order.price, previous, next);
            if previous != NONE {
                self.slab.get_mut(previous).next = next;
            }
            if next != NONE {
                self.slab.get_mut(next).previous = previous;
            }
        }
        self.slab.remove(slot);
        Ok(order)
    }

    #[inline]
    fn find(&mut self, account: AccountId, market: MarketId, id: OrderId) -> Result<Option<u32>, Infallible> {
        Ok(some(self.ids.find(id.0, &self.slab)).filter(|slot| {
            let order = &self.slab.get(*slot).order;
            order.account == account && order.market == market
        }))
    }

    #[inline]
    fn find_client(&mut self, account: AccountId, id: ClientOrderId) -> Result<Option<u32>, Infallible> {
        Ok(some(self.client_ids.find(account, id, &self.slab)))
    }

    fn first_open(&mut self, account: AccountId, market: MarketId) -> Result<Option<u32>, Infallible> {
        self.walk.clear();
        self.walked = 0;
        let at = self.position_at(account, market);
        let mut slot = self.positions[at].open;
        while slot != NONE {
            self.walk.push(slot);
            slot = self.slab.get(slot).open_next;
        }
        self.walk.sort_unstable_by_key(|slot| self.slab.get(*slot).order.id);
        Ok(self.walk.first().copied())
    }

    fn next_open(&mut self, slot: u32) -> Result<Option<u32>, Infallible> {
        debug_assert_eq!(self.walk.get(self.walked), Some(&slot), "a walk goes on where it was");
        self.walked += 1;
        Ok(self.walk.get(self.walked).copied())
    }

    fn first_waiting(&mut self, market: MarketId, direction: Direction) -> Result<Option<u32>, Infallible> {
        Ok(self.row(market).and_then(|row| row.waiting(direction).first().map(|entry| entry.slot)))
    }

    #[inline]
    fn first_expired(&mut self, now: Timestamp) -> Result<Option<u32>, Infallible> {
        Ok(self.expiries.first().filter(|entry| entry.key <= now.0).map(|entry| entry.slot))
    }
}
