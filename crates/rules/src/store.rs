//! What the rules need of a state: nothing but typed look-ups and ordered walks.

use types::{AccountId, AssetId, ClientOrderId, Event, Limits, MarketId, OrderId, Quantity, Side, Timestamp};

use crate::{Account, Asset, Balance, Direction, Globals, Market, Order, Position};

/// Where the state is kept. Implemented by the fast book (never fails) and by the tree store (fails when a
/// witness lacks what is asked for, which ends the execution).
///
/// Balances and positions that were never touched read as zero. References are only held for a moment, so
/// that a store may be a plain array.
pub trait Store {
    /// Why the store cannot answer; [`core::convert::Infallible`] for the fast book.
    type Error;
    /// How the store finds an order again. Valid until that order is removed.
    type Handle: Copy;

    /// The counters and switches.
    fn globals(&mut self) -> &mut Globals;

    /// A listed asset.
    fn asset(&mut self, id: AssetId) -> Result<Option<&mut Asset>, Self::Error>;
    /// Lists an asset under the next number.
    fn add_asset(&mut self, id: AssetId, asset: Asset) -> Result<(), Self::Error>;

    /// A market.
    fn market(&mut self, id: MarketId) -> Result<Option<&mut Market>, Self::Error>;
    /// Creates a market under the next number.
    fn add_market(&mut self, id: MarketId, market: Market) -> Result<(), Self::Error>;

    /// An account.
    fn account(&mut self, id: AccountId) -> Result<Option<&mut Account>, Self::Error>;
    /// Opens an account under the next number.
    fn add_account(&mut self, id: AccountId, account: Account) -> Result<(), Self::Error>;

    /// The limits an account has of its own in a market.
    fn limits(&mut self, account: AccountId, market: MarketId) -> Result<Option<Limits>, Self::Error>;
    /// Sets or lifts them.
    fn set_limits(
        &mut self,
        account: AccountId,
        market: MarketId,
        limits: Option<Limits>,
    ) -> Result<(), Self::Error>;

    /// What an existing account has of a listed asset.
    fn balance(&mut self, account: AccountId, asset: AssetId) -> Result<&mut Balance, Self::Error>;
    /// What an existing account has in an existing market.
    fn position(&mut self, account: AccountId, market: MarketId) -> Result<&mut Position, Self::Error>;

    /// The best resting order of a side: best price, then earliest arrival.
    fn best(&mut self, market: MarketId, side: Side) -> Result<Option<Self::Handle>, Self::Error>;
    /// The resting order after this one in the same order.
    fn next_best(&mut self, order: Self::Handle) -> Result<Option<Self::Handle>, Self::Error>;
    /// The order itself.
    fn order(&mut self, order: Self::Handle) -> Result<&Order, Self::Error>;
    /// Sets what is left of an order, keeping its place.
    fn set_quantity(&mut self, order: Self::Handle, quantity: Quantity) -> Result<(), Self::Error>;
    /// Adds an open order: to the book, or to the waiting ones if it has a trigger. Its arrival number is
    /// the highest so far.
    fn insert(&mut self, order: Order) -> Result<(), Self::Error>;
    /// Removes an open order.
    fn remove(&mut self, order: Self::Handle) -> Result<Order, Self::Error>;

    /// An account's open order by its number, if it is in this market.
    fn find(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: OrderId,
    ) -> Result<Option<Self::Handle>, Self::Error>;
    /// An account's open order by the trader's number, in any market.
    fn find_client(
        &mut self,
        account: AccountId,
        client_id: ClientOrderId,
    ) -> Result<Option<Self::Handle>, Self::Error>;
    /// The account's open order with the lowest number in a market.
    fn first_open(
        &mut self,
        account: AccountId,
        market: MarketId,
    ) -> Result<Option<Self::Handle>, Self::Error>;
    /// The account's open order with the next higher number in the same market.
    fn next_open(&mut self, order: Self::Handle) -> Result<Option<Self::Handle>, Self::Error>;

    /// The waiting order to wake first: the lowest trigger if rising, the highest if falling; then the lowest
    /// number.
    fn first_waiting(
        &mut self,
        market: MarketId,
        direction: Direction,
    ) -> Result<Option<Self::Handle>, Self::Error>;
    /// The open order that expires first, if its time has come; ties by number.
    fn first_expired(&mut self, now: Timestamp) -> Result<Option<Self::Handle>, Self::Error>;
}

/// Takes the events in the order in which they happen.
pub trait EventSink {
    /// One more.
    fn event(&mut self, event: Event);
}

impl<F: FnMut(Event)> EventSink for F {
    #[inline]
    fn event(&mut self, event: Event) {
        self(event);
    }
}
