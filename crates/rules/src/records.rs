//! What the state holds: the values behind the keys.

use alloc::vec::Vec;

use types::{
    AccountId, Address, AssetParams, ClientOrderId, DecodeError, MarketId, MarketParams, OrderId, Phase,
    Price, Quanta, Quantity, Rate, Reader, SelfTrade, SessionKey, Side, Timestamp, Writer,
};

/// What the exchange was configured for at genesis. Part of the state, so that every store refuses the same
/// command when it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Accounts.
    pub accounts: u32,
    /// Open orders of all accounts, waiting ones included.
    pub open_orders: u32,
    /// Assets.
    pub assets: u16,
    /// Markets.
    pub markets: u16,
    /// Price levels: the sum of the markets' highest prices.
    pub price_levels: u32,
}

impl Capacity {
    /// Appends the canonical encoding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.uint(self.accounts.into());
        out.uint(self.open_orders.into());
        out.uint(self.assets.into());
        out.uint(self.markets.into());
        out.uint(self.price_levels.into());
    }

    /// Reads the canonical encoding.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            accounts: r.u32("account capacity")?,
            open_orders: r.u32("order capacity")?,
            assets: r.u16("asset capacity")?,
            markets: r.u16("market capacity")?,
            price_levels: r.u32("price level capacity")?,
        })
    }
}

/// Counters and switches of the whole exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Globals {
    /// Fixed at genesis.
    pub capacity: Capacity,
    /// The last order id or arrival number given out.
    pub orders: u64,
    /// Orders open now, waiting ones included.
    pub open_orders: u32,
    /// Accounts opened.
    pub accounts: u32,
    /// Assets listed.
    pub assets: u16,
    /// Markets created.
    pub markets: u16,
    /// Price levels in use by markets.
    pub price_levels: u32,
    /// Withdrawals made.
    pub withdrawals: u64,
    /// The exchange's kill switch.
    pub halted: bool,
}

impl Globals {
    /// Those of an exchange in which nothing has happened.
    #[must_use]
    pub const fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            orders: 0,
            open_orders: 0,
            accounts: 0,
            assets: 0,
            markets: 0,
            price_levels: 0,
            withdrawals: 0,
            halted: false,
        }
    }
}

/// A listed asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// As listed.
    pub params: AssetParams,
    /// All of it that is on the exchange: deposits minus withdrawals, and the sum of all balances.
    pub total: Quanta,
}

/// A market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// As created or last changed.
    pub params: MarketParams,
    /// Whether it trades.
    pub phase: Phase,
    /// The price of the last trade; zero before the first.
    pub last_price: Price,
    /// When the circuit breaker's window began.
    pub window_start: Timestamp,
    /// The price that the window's moves are measured from; zero when the next trade
    /// opens the window.
    pub window_price: Price,
    /// Triggered orders may be left over from an earlier command: they come before the next one.
    pub triggers_pending: bool,
}

impl Market {
    /// A market as it opens.
    #[must_use]
    pub fn new(params: MarketParams) -> Self {
        Self {
            params,
            phase: Phase::Open,
            last_price: Price(0),
            window_start: Timestamp(0),
            window_price: params.reference_price,
            triggers_pending: false,
        }
    }

    /// The last price, or the operator's reference before the first trade; zero when there is neither.
    #[must_use]
    pub fn reference(&self) -> Price {
        if self.last_price.0 == 0 { self.params.reference_price } else { self.last_price }
    }
}

/// An account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its owner on L1: may register sessions, and receives withdrawals.
    pub owner: Address,
    /// The key that signs its stream.
    pub session_key: SessionKey,
    /// When that session ends; zero when there never was one.
    pub session_expires: Timestamp,
    /// Counts session registrations: every session's stream begins differently.
    pub sessions: u64,
    /// Counts commands signed by the owner.
    pub nonce: u64,
    /// The account's kill switch.
    pub suspended: bool,
    /// In how many markets it has limits of its own.
    pub custom_limits: u16,
}

/// What an account has of an asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Free to use.
    pub free: Quanta,
    /// Set aside for open orders.
    pub locked: Quanta,
}

/// What an account has done and asked for in a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Lots bought minus lots sold.
    pub net: i64,
    /// Open orders, waiting ones included.
    pub open_orders: u32,
    /// Lots of open buy orders.
    pub open_buy: Quantity,
    /// Lots of open sell orders.
    pub open_sell: Quantity,
}

/// What kind of order it is once it is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Has a limit price.
    Limit,
    /// Has a quantity only.
    Market,
    /// Has a budget only.
    MarketBudget,
}

/// What becomes of what does not trade at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Rests, until `expires`.
    Rest,
    /// Is cancelled.
    Immediate,
    /// All or nothing.
    FillOrKill,
}

/// Which way the last price must move to wake an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Wakes when the last price is at or above the trigger.
    Rising,
    /// Wakes when the last price is at or below the trigger.
    Falling,
}

impl Direction {
    /// In the order in which triggers are looked at.
    pub const BOTH: [Self; 2] = [Self::Rising, Self::Falling];
}

/// An open order: resting on the book, or waiting for its trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// Its place in time among orders of its price: the number given when it last joined the queue.
    pub arrival: u64,
    /// Lots left.
    pub quantity: Quantity,
    /// Quote quanta to spend, for a waiting order with a budget; else zero.
    pub budget: Quanta,
    /// The trader's number for it.
    pub client_id: ClientOrderId,
    /// When it expires; [`Timestamp::NEVER`] if not.
    pub expires: Timestamp,
    /// Whose.
    pub account: AccountId,
    /// Its limit; zero for a waiting market order.
    pub price: Price,
    /// While resting: the maker fee it was placed under. While waiting: the taker fee reserved for.
    pub fee_rate: Rate,
    /// The last price that wakes it; zero when it rests.
    pub trigger: Price,
    /// Where.
    pub market: MarketId,
    /// Buy or sell.
    pub side: Side,
    /// Which way the trigger is crossed.
    pub direction: Direction,
    /// What it becomes once awake.
    pub kind: OrderKind,
    /// What becomes of what does not trade at once.
    pub life: Life,
    /// Refuse to take.
    pub post_only: bool,
    /// Self-trade prevention while it takes.
    pub self_trade: SelfTrade,
}

impl Order {
    /// Whether it waits for its trigger, and is not on the book.
    #[must_use]
    #[inline]
    pub fn is_waiting(&self) -> bool {
        self.trigger.0 != 0
    }

    /// Whether its time has come.
    #[must_use]
    #[inline]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires <= now
    }
}
