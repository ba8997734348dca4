//! A slow, obvious store for tests.
//!
//! All open orders are in one map by number, and every question about them is answered by looking at all of
//! them. What the rules may rely on is written here once more, as plainly as it can be said:
//!
//! * **book order** ([`Store::best`], [`Store::next_best`]): the best price first, which is the highest of the
//!   buyers and the lowest of the sellers; at equal prices the lowest arrival number. Waiting orders are not
//!   on the book.
//! * **waiting order** ([`Store::first_waiting`]): rising triggers from the lowest up, falling ones from the
//!   highest down; at equal triggers the lowest order number (not arrival).
//! * **open order walk** ([`Store::first_open`], [`Store::next_open`]): an account's orders in one market,
//!   resting and waiting together, by order number. The order that the walk stands on may be removed once the
//!   next one is known.
//! * **expiry order** ([`Store::first_expired`]): resting and waiting together, by expiry and then order
//!   number. [`Timestamp::NEVER`] never comes.
//! * **client ids** ([`Store::find_client`]): unique among an account's open orders over all markets;
//!   [`ClientOrderId::NONE`] finds nothing.
//! * Order numbers are unique; a replaced or woken order comes back under its number with a later arrival.
//! * Balances and positions that were never touched read as zero.

use alloc::collections::BTreeMap;
use core::cmp::Reverse;
use core::convert::Infallible;

use types::{AccountId, AssetId, ClientOrderId, Limits, MarketId, OrderId, Quantity, Side, Timestamp};

use crate::{Account, Asset, Balance, Capacity, Direction, Genesis, Globals, Market, Order, Position, Store};

/// The whole state in ordered maps. Two are equal when every look-up gives the same.
#[derive(Clone, Debug)]
pub struct ModelStore {
    globals: Globals,
    assets: BTreeMap<AssetId, Asset>,
    markets: BTreeMap<MarketId, Market>,
    accounts: BTreeMap<AccountId, Account>,
    limits: BTreeMap<(AccountId, MarketId), Limits>,
    balances: BTreeMap<(AccountId, AssetId), Balance>,
    positions: BTreeMap<(AccountId, MarketId), Position>,
    orders: BTreeMap<OrderId, Order>,
}

impl ModelStore {
    /// An empty store for an exchange of this capacity.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self {
            globals: Globals::new(capacity),
            assets: BTreeMap::new(),
            markets: BTreeMap::new(),
            accounts: BTreeMap::new(),
            limits: BTreeMap::new(),
            balances: BTreeMap::new(),
            positions: BTreeMap::new(),
            orders: BTreeMap::new(),
        }
    }

    /// The first state of an exchange.
    #[must_use]
    pub fn open(genesis: &Genesis) -> Self {
        let mut store = Self::new(genesis.capacity);
        let Ok(()) = crate::open(&mut store, genesis);
        store
    }

    /// The counters, without a mutable borrow.
    #[must_use]
    pub fn counters(&self) -> &Globals {
        &self.globals
    }

    /// All assets by number.
    pub fn assets(&self) -> impl Iterator<Item = (AssetId, &Asset)> {
        self.assets.iter().map(|(id, asset)| (*id, asset))
    }

    /// All markets by number.
    pub fn markets(&self) -> impl Iterator<Item = (MarketId, &Market)> {
        self.markets.iter().map(|(id, market)| (*id, market))
    }

    /// All accounts by number.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountId, &Account)> {
        self.accounts.iter().map(|(id, account)| (*id, account))
    }

    /// All limits that accounts have of their own, by account and market.
    pub fn custom_limits(&self) -> impl Iterator<Item = ((AccountId, MarketId), &Limits)> {
        self.limits.iter().map(|(key, limits)| (*key, limits))
    }

    /// All balances that are not zero, by account and asset.
    pub fn balances(&self) -> impl Iterator<Item = ((AccountId, AssetId), Balance)> {
        let all = self.balances.iter().map(|(key, balance)| (*key, *balance));
        all.filter(|(_, balance)| *balance != Balance::default())
    }

    /// All positions that are not zero, by account and market.
    pub fn positions(&self) -> impl Iterator<Item = ((AccountId, MarketId), Position)> {
        let all = self.positions.iter().map(|(key, position)| (*key, *position));
        all.filter(|(_, position)| *position != Position::default())
    }

    /// All open orders by number, waiting ones included.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// The resting orders of a side, in no promised order.
    pub fn resting(&self, market: MarketId, side: Side) -> impl Iterator<Item = &Order> {
        self.orders().filter(move |o| o.market == market && o.side == side && !o.is_waiting())
    }

    fn open_orders_of(&self, account: AccountId, market: MarketId) -> impl Iterator<Item = OrderId> {
        self.orders().filter(move |o| o.account == account && o.market == market).map(|o| o.id)
    }

    fn existing(&self, order: OrderId) -> &Order {
        self.orders.get(&order).expect("a handle is valid until its order is removed")
    }
}

impl PartialEq for ModelStore {
    fn eq(&self, other: &Self) -> bool {
        self.globals == other.globals
            && self.assets == other.assets
            && self.markets == other.markets
            && self.accounts == other.accounts
            && self.limits == other.limits
            && self.orders == other.orders
            && self.balances().eq(other.balances())
            && self.positions().eq(other.positions())
    }
}

/// Smaller is better: price, then arrival.
fn priority(order: &Order) -> (i64, u64) {
    let price = i64::from(order.price.0);
    (if order.side == Side::Buy { -price } else { price }, order.arrival)
}

impl Store for ModelStore {
    type Error = Infallible;
    type Handle = OrderId;

    fn globals(&mut self) -> &mut Globals {
        &mut self.globals
    }

    fn asset(&mut self, id: AssetId) -> Result<Option<&mut Asset>, Infallible> {
        Ok(self.assets.get_mut(&id))
    }

    fn add_asset(&mut self, id: AssetId, asset: Asset) -> Result<(), Infallible> {
        assert_eq!(usize::from(id.0), self.assets.len(), "assets are numbered without gaps");
        self.assets.insert(id, asset);
        Ok(())
    }

    fn market(&mut self, id: MarketId) -> Result<Option<&mut Market>, Infallible> {
        Ok(self.markets.get_mut(&id))
    }

    fn add_market(&mut self, id: MarketId, market: Market) -> Result<(), Infallible> {
        assert_eq!(usize::from(id.0), self.markets.len(), "markets are numbered without gaps");
        self.markets.insert(id, market);
        Ok(())
    }

    fn account(&mut self, id: AccountId) -> Result<Option<&mut Account>, Infallible> {
        Ok(self.accounts.get_mut(&id))
    }

    fn add_account(&mut self, id: AccountId, account: Account) -> Result<(), Infallible> {
        assert_eq!(id.0 as usize, self.accounts.len(), "accounts are numbered without gaps");
        self.accounts.insert(id, account);
        Ok(())
    }

    fn limits(&mut self, account: AccountId, market: MarketId) -> Result<Option<Limits>, Infallible> {
        Ok(self.limits.get(&(account, market)).copied())
    }

    fn set_limits(
        &mut self,
        account: AccountId,
        market: MarketId,
        limits: Option<Limits>,
    ) -> Result<(), Infallible> {
        match limits {
            Some(limits) => self.limits.insert((account, market), limits),
            None => self.limits.remove(&(account, market)),
        };
        Ok(())
    }

    fn balance(&mut self, account: AccountId, asset: AssetId) -> Result<&mut Balance, Infallible> {
        assert!(self.accounts.contains_key(&account), "balances are asked of existing accounts");
        assert!(self.assets.contains_key(&asset), "balances are asked of listed assets");
        Ok(self.balances.entry((account, asset)).or_default())
    }

    fn position(&mut self, account: AccountId, market: MarketId) -> Result<&mut Position, Infallible> {
        assert!(self.accounts.contains_key(&account), "positions are asked of existing accounts");
        assert!(self.markets.contains_key(&market), "positions are asked of existing markets");
        Ok(self.positions.entry((account, market)).or_default())
    }

    fn best(&mut self, market: MarketId, side: Side) -> Result<Option<OrderId>, Infallible> {
        Ok(self.resting(market, side).min_by_key(|o| priority(o)).map(|o| o.id))
    }

    fn next_best(&mut self, order: OrderId) -> Result<Option<OrderId>, Infallible> {
        let this = self.existing(order);
        let behind = self.resting(this.market, this.side).filter(|o| priority(o) > priority(this));
        Ok(behind.min_by_key(|o| priority(o)).map(|o| o.id))
    }

    fn order(&mut self, order: OrderId) -> Result<&Order, Infallible> {
        Ok(self.existing(order))
    }

    fn set_quantity(&mut self, order: OrderId, quantity: Quantity) -> Result<(), Infallible> {
        self.existing(order);
        self.orders.entry(order).and_modify(|order| order.quantity = quantity);
        Ok(())
    }

    fn insert(&mut self, order: Order) -> Result<(), Infallible> {
        let latest = self.orders().all(|other| other.arrival < order.arrival);
        assert!(latest, "an order's arrival number is the highest so far");
        let twin = self.orders().any(|other| {
            order.client_id != ClientOrderId::NONE
                && (other.account, other.client_id) == (order.account, order.client_id)
        });
        assert!(!twin, "client order ids are unique among an account's open orders");
        let before = self.orders.insert(order.id, order);
        assert!(before.is_none(), "order numbers are unique");
        Ok(())
    }

    fn remove(&mut self, order: OrderId) -> Result<Order, Infallible> {
        Ok(self.orders.remove(&order).expect("a handle is valid until its order is removed"))
    }

    fn find(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: OrderId,
    ) -> Result<Option<OrderId>, Infallible> {
        Ok(self.open_orders_of(account, market).find(|id| *id == order))
    }

    fn find_client(
        &mut self,
        account: AccountId,
        client_id: ClientOrderId,
    ) -> Result<Option<OrderId>, Infallible> {
        let mut named = self.orders().filter(|o| o.client_id != ClientOrderId::NONE);
        Ok(named.find(|o| o.account == account && o.client_id == client_id).map(|o| o.id))
    }

    fn first_open(&mut self, account: AccountId, market: MarketId) -> Result<Option<OrderId>, Infallible> {
        Ok(self.open_orders_of(account, market).min())
    }

    fn next_open(&mut self, order: OrderId) -> Result<Option<OrderId>, Infallible> {
        let this = self.existing(order);
        Ok(self.open_orders_of(this.account, this.market).filter(|id| *id > order).min())
    }

    fn first_waiting(
        &mut self,
        market: MarketId,
        direction: Direction,
    ) -> Result<Option<OrderId>, Infallible> {
        let waiting =
            self.orders().filter(|o| o.market == market && o.direction == direction && o.is_waiting());
        let first = match direction {
            Direction::Rising => waiting.min_by_key(|o| (o.trigger, o.id)),
            Direction::Falling => waiting.min_by_key(|o| (Reverse(o.trigger), o.id)),
        };
        Ok(first.map(|o| o.id))
    }

    fn first_expired(&mut self, now: Timestamp) -> Result<Option<OrderId>, Infallible> {
        let due = self.orders().filter(|o| o.expires <= now && o.expires != Timestamp::NEVER);
        Ok(due.min_by_key(|o| (o.expires, o.id)).map(|o| o.id))
    }
}
