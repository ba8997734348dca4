//! What the view says, and what it tells as it happens.

use std::sync::Arc;

use rules::Balance;
use types::{
    AccountId, AssetId, AssetParams, CancelReason, ClientOrderId, MarketId, MarketParams, OrderId, Phase,
    Price, Quanta, Quantity, Reject, SelfTrade, Side, Timestamp,
};

use super::{Scale, ScaleError};

/// An asset as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its number.
    pub id: AssetId,
    /// Its name: `BTC`.
    pub symbol: String,
    /// As listed.
    pub params: AssetParams,
    /// Of one quantum.
    pub scale: Scale,
}

/// A market as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Its number.
    pub id: MarketId,
    /// Its name: `BTCUSD`.
    pub symbol: String,
    /// What is traded.
    pub base: Arc<Asset>,
    /// What it is paid with.
    pub quote: Arc<Asset>,
    /// As created or last changed.
    pub params: MarketParams,
    /// Whether it trades.
    pub phase: Phase,
    /// Of one tick of price.
    pub price: Scale,
    /// Of one lot.
    pub quantity: Scale,
}

/// A market that cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Its number.
    pub id: MarketId,
    /// Why.
    pub why: ScaleError,
}

/// The best levels of a book.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// The last [`DepthChange::update`] that is in it.
    pub update: u64,
    /// Highest first.
    pub bids: Vec<(Price, Quantity)>,
    /// Lowest first.
    pub asks: Vec<(Price, Quantity)>,
}

/// The best bid and ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Best {
    /// Highest.
    pub bid: Option<(Price, Quantity)>,
    /// Lowest.
    pub ask: Option<(Price, Quantity)>,
}

/// A trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Where.
    pub market: MarketId,
    /// Counts the market's trades from one.
    pub id: u64,
    /// The taker's command.
    pub sequence: u64,
    /// When.
    pub time: Timestamp,
    /// Price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
    /// Quote quanta: price × quantity × the market's tick.
    pub notional: u128,
    /// The incoming order's side.
    pub taker_side: Side,
    /// The resting order, and whose.
    pub maker: (OrderId, AccountId),
    /// The incoming order, and whose.
    pub taker: (OrderId, AccountId),
    /// Quote quanta that the maker pays; negative is a rebate.
    pub maker_fee: i64,
    /// Quote quanta that the taker pays.
    pub taker_fee: Quanta,
    /// Counts the market's aggregate trades from one: fills of one taker's command at one price are one.
    pub aggregate: u64,
}

/// Fills of one taker's command at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregateTrade {
    /// Counts from one.
    pub id: u64,
    /// Price.
    pub price: Price,
    /// Of all fills.
    pub quantity: Quantity,
    /// First fill ([`Trade::id`]).
    pub first: u64,
    /// Last fill.
    pub last: u64,
    /// When.
    pub time: Timestamp,
    /// The incoming order's side.
    pub taker_side: Side,
}

/// Trades of a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candle {
    /// Begin of the span.
    pub open_time: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Lots.
    pub volume: u128,
    /// Quote quanta.
    pub notional: u128,
    /// Trades.
    pub trades: u64,
    /// Lots that buyers took.
    pub taker_buy_volume: u128,
    /// Quote quanta that buyers took.
    pub taker_buy_notional: u128,
    /// [`Trade::id`] of the first trade; zero without.
    pub first_trade: u64,
    /// [`Trade::id`] of the last trade.
    pub last_trade: u64,
}

/// What has become of an order. Binance's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// Rests, or waits for its trigger; nothing traded.
    New,
    /// Some of it traded, the rest rests.
    PartiallyFilled,
    /// All of it traded.
    Filled,
    /// Cancelled by the trader, the operator or L1.
    Canceled,
    /// Ended by itself: time, IOC's or FOK's rest, funds, collar, halt.
    Expired,
    /// Ended by self-trade prevention.
    ExpiredInMatch,
}

/// How an order was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTerms {
    /// As placed; the quantity is [`Order::quantity`].
    pub order_type: types::OrderType,
    /// As placed.
    pub time_in_force: types::TimeInForce,
    /// As placed.
    pub post_only: bool,
    /// As placed.
    pub self_trade: SelfTrade,
    /// As placed.
    pub trigger: Option<types::Trigger>,
}

/// An order, open or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// The trader's number; zero without.
    pub client_id: ClientOrderId,
    /// Where.
    pub market: MarketId,
    /// Whose.
    pub account: AccountId,
    /// Buy or sell.
    pub side: Side,
    /// How it was placed.
    pub terms: OrderTerms,
    /// Its limit now; zero for a market order.
    pub price: Price,
    /// Lots asked for in all (what traded and what was asked for at the last replacement); zero for a budget. What is
    /// open of it is what neither traded nor was prevented.
    pub quantity: Quantity,
    /// Lots traded.
    pub executed: Quantity,
    /// Lots that self-trade prevention took out ([`SelfTrade::Decrement`] leaves the rest).
    pub prevented: Quantity,
    /// Quote quanta traded.
    pub executed_notional: u128,
    /// Quote quanta paid in fees; negative is a rebate.
    pub fees: i128,
    /// Now.
    pub status: OrderStatus,
    /// Why it ended without trading all.
    pub reason: Option<CancelReason>,
    /// Whether it waits for its trigger.
    pub waiting: bool,
    /// When it was placed.
    pub time: Timestamp,
    /// When it changed last.
    pub updated: Timestamp,
    /// The command that placed it.
    pub sequence: u64,
    /// The command that changed it last.
    pub updated_sequence: u64,
}

/// What a report of an order is about. FIX tag 150, Binance's `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// Accepted.
    New,
    /// Traded: the trade, and whether this order rested.
    Trade(Trade, /* is maker */ bool),
    /// Replaced.
    Replaced,
    /// Woken by the last price.
    Triggered,
    /// Shrunk by self-trade prevention; the rest goes on. Binance's `TRADE_PREVENTION`.
    Prevented(Quantity),
    /// Cancelled.
    Canceled,
    /// Ended by itself.
    Expired,
}

/// The quantities at some prices are now these; zero when a level is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthChange {
    /// Where.
    pub market: MarketId,
    /// Counts the changes of the market's book from one without gaps.
    pub update: u64,
    /// Of buyers.
    pub bids: Vec<(Price, Quantity)>,
    /// Of sellers.
    pub asks: Vec<(Price, Quantity)>,
}

/// One thing that a command changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// A trade.
    Trade(Trade),
    /// A book; at most one for a market and command.
    Depth(DepthChange),
    /// The best prices of a market are others now.
    Best(MarketId, Best),
    /// An order, after it.
    Order(Order, Execution),
    /// One of an account's commands was rejected.
    Rejected(AccountId, Reject),
    /// Balances of an account that are others now.
    Balances(AccountId, Vec<(AssetId, Balance)>),
    /// A market was created, changed, halted or opened.
    Market(Arc<Market>),
}

/// All that a command changed, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updates {
    /// The command.
    pub sequence: u64,
    /// The batch that it is or will be sealed in.
    pub batch: u64,
    /// When.
    pub time: Timestamp,
    /// Whose command.
    pub account: AccountId,
    /// What changed.
    pub list: Vec<Update>,
}

/// What an account has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// As the state has it.
    pub state: rules::Account,
    /// Every listed asset, by number.
    pub balances: Vec<Balance>,
}

/// The last 24 hours of a market.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Trades of the last 24 hours; `open_time` is 24 hours ago.
    pub candle: Candle,
    /// The last trade before them; zero without.
    pub previous_close: Price,
    /// Of the last trade; zero without.
    pub last_quantity: Quantity,
    /// The last command's time.
    pub close_time: Timestamp,
    /// Now.
    pub best: Best,
}

/// What is known of an account's orders, all of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The last command that is in it.
    pub sequence: u64,
    /// Open and closed, by number.
    pub orders: Vec<Order>,
    /// Trades, in order.
    pub trades: Vec<Trade>,
    /// Orders that ended by this command or before may be missing; zero when none is.
    pub forgotten: u64,
}

/// Which trades, orders or candles: from a number on or within a time; the newest where neither is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// From this number on.
    pub from: Option<u64>,
    /// Not earlier.
    pub start: Option<Timestamp>,
    /// Not later.
    pub end: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}
