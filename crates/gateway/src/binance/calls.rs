//! Everything that can be asked for, whichever way it comes: what it costs, who may ask, who answers.

use axum::http::Method;

use super::failure::Failure;
use super::params::Params;
use super::signing::Security;
use super::{account, exchange_info, market_data, orders, tickers, user_stream};
use crate::Gateway;
use crate::keys::{Caller, Role};
use crate::limits::{self, OrderCounts};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Ping,
    Time,
    ExchangeInfo,
    Depth,
    Trades,
    HistoricalTrades,
    AggregateTrades,
    Klines,
    AveragePrice,
    DayTicker,
    TradingDayTicker,
    RollingTicker,
    PriceTicker,
    BookTicker,
    PlaceOrder,
    TestOrder,
    QueryOrder,
    CancelOrder,
    CancelOpenOrders,
    CancelReplace,
    AmendOrder,
    OpenOrders,
    AllOrders,
    Account,
    OwnTrades,
    OrderCounts,
    Commission,
    StartUserStream,
    KeepUserStream,
    CloseUserStream,
    SystemStatus,
    Coins,
    TradeFees,
    Withdraw,
}

/// Paths of the REST API.
pub(crate) const ROUTES: &[(Method, &str, Call)] = &[
    (Method::GET, "/api/v3/ping", Call::Ping),
    (Method::GET, "/api/v3/time", Call::Time),
    (Method::GET, "/api/v3/exchangeInfo", Call::ExchangeInfo),
    (Method::GET, "/api/v3/depth", Call::Depth),
    (Method::GET, "/api/v3/trades", Call::Trades),
    (Method::GET, "/api/v3/historicalTrades", Call::HistoricalTrades),
    (Method::GET, "/api/v3/aggTrades", Call::AggregateTrades),
    (Method::GET, "/api/v3/klines", Call::Klines),
    (Method::GET, "/api/v3/uiKlines", Call::Klines),
    (Method::GET, "/api/v3/avgPrice", Call::AveragePrice),
    (Method::GET, "/api/v3/ticker/24hr", Call::DayTicker),
    (Method::GET, "/api/v3/ticker/tradingDay", Call::TradingDayTicker),
    (Method::GET, "/api/v3/ticker", Call::RollingTicker),
    (Method::GET, "/api/v3/ticker/price", Call::PriceTicker),
    (Method::GET, "/api/v3/ticker/bookTicker", Call::BookTicker),
    (Method::POST, "/api/v3/order", Call::PlaceOrder),
    (Method::POST, "/api/v3/order/test", Call::TestOrder),
    (Method::GET, "/api/v3/order", Call::QueryOrder),
    (Method::DELETE, "/api/v3/order", Call::CancelOrder),
    (Method::DELETE, "/api/v3/openOrders", Call::CancelOpenOrders),
    (Method::POST, "/api/v3/order/cancelReplace", Call::CancelReplace),
    (Method::PUT, "/api/v3/order/amend/keepPriority", Call::AmendOrder),
    (Method::GET, "/api/v3/openOrders", Call::OpenOrders),
    (Method::GET, "/api/v3/allOrders", Call::AllOrders),
    (Method::GET, "/api/v3/account", Call::Account),
    (Method::GET, "/api/v3/myTrades", Call::OwnTrades),
    (Method::GET, "/api/v3/rateLimit/order", Call::OrderCounts),
    (Method::GET, "/api/v3/account/commission", Call::Commission),
    (Method::POST, "/api/v3/userDataStream", Call::StartUserStream),
    (Method::PUT, "/api/v3/userDataStream", Call::KeepUserStream),
    (Method::DELETE, "/api/v3/userDataStream", Call::CloseUserStream),
    // Of Binance's other API, what trading libraries ask for of themselves.
    (Method::GET, "/sapi/v1/system/status", Call::SystemStatus),
    (Method::GET, "/sapi/v1/capital/config/getall", Call::Coins),
    (Method::GET, "/sapi/v1/asset/tradeFee", Call::TradeFees),
    (Method::POST, "/sapi/v1/capital/withdraw/apply", Call::Withdraw),
];

/// Methods of the WebSocket API.
pub(crate) const METHODS: &[(&str, Call)] = &[
    ("ping", Call::Ping),
    ("time", Call::Time),
    ("exchangeInfo", Call::ExchangeInfo),
    ("depth", Call::Depth),
    ("trades.recent", Call::Trades),
    ("trades.historical", Call::HistoricalTrades),
    ("trades.aggregate", Call::AggregateTrades),
    ("klines", Call::Klines),
    ("uiKlines", Call::Klines),
    ("avgPrice", Call::AveragePrice),
    ("ticker.24hr", Call::DayTicker),
    ("ticker.tradingDay", Call::TradingDayTicker),
    ("ticker", Call::RollingTicker),
    ("ticker.price", Call::PriceTicker),
    ("ticker.book", Call::BookTicker),
    ("order.place", Call::PlaceOrder),
    ("order.test", Call::TestOrder),
    ("order.status", Call::QueryOrder),
    ("order.cancel", Call::CancelOrder),
    ("order.cancelReplace", Call::CancelReplace),
    ("order.amend.keepPriority", Call::AmendOrder),
    ("openOrders.status", Call::OpenOrders),
    ("openOrders.cancelAll", Call::CancelOpenOrders),
    ("allOrders", Call::AllOrders),
    ("account.status", Call::Account),
    ("account.rateLimits.orders", Call::OrderCounts),
    ("account.commission", Call::Commission),
    ("myTrades", Call::OwnTrades),
    ("userDataStream.start", Call::StartUserStream),
    ("userDataStream.ping", Call::KeepUserStream),
    ("userDataStream.stop", Call::CloseUserStream),
];

/// A request whose sender is known as far as he must be.
pub(crate) struct Asked<'a> {
    pub gateway: &'a Gateway,
    pub streams: &'a super::streams::Streams,
    pub params: &'a Params,
    caller: Option<Caller>,
    /// Milliseconds since 1970.
    pub now: u64,
}

impl<'a> Asked<'a> {
    pub fn new(api: &'a super::Api, params: &'a Params, caller: Option<Caller>, now: u64) -> Self {
        Self { gateway: &api.gateway, streams: &api.streams, params, caller, now }
    }

    /// Who asks. Calls whose [`Security`] is open must not need it.
    pub fn caller(&self) -> Result<Caller, Failure> {
        self.caller.ok_or_else(Failure::forbidden)
    }
}

/// The answer as JSON, and how many orders the account has placed, where that is told.
pub(crate) struct Answer {
    pub json: String,
    pub orders: Option<OrderCounts>,
}

impl Answer {
    pub fn of<T: serde::Serialize + ?Sized>(value: &T) -> Result<Self, Failure> {
        let json = serde_json::to_string(value).map_err(|error| {
            tracing::error!(%error, "an answer does not serialise");
            Failure::new(-1000, "An unknown error occurred while processing the request.")
        })?;
        Ok(Self { json, orders: None })
    }
}

impl Call {
    /// Who may ask.
    pub fn security(self) -> Security {
        match self {
            Self::Ping
            | Self::Time
            | Self::ExchangeInfo
            | Self::Depth
            | Self::Trades
            | Self::HistoricalTrades
            | Self::AggregateTrades
            | Self::Klines
            | Self::AveragePrice
            | Self::DayTicker
            | Self::TradingDayTicker
            | Self::RollingTicker
            | Self::PriceTicker
            | Self::BookTicker
            | Self::SystemStatus => Security::Open,
            Self::StartUserStream | Self::KeepUserStream | Self::CloseUserStream => Security::Key,
            Self::QueryOrder
            | Self::OpenOrders
            | Self::AllOrders
            | Self::Account
            | Self::OwnTrades
            | Self::OrderCounts
            | Self::Commission
            | Self::Coins
            | Self::TradeFees => Security::Signed(Role::Read),
            Self::PlaceOrder
            | Self::TestOrder
            | Self::CancelOrder
            | Self::CancelOpenOrders
            | Self::CancelReplace
            | Self::AmendOrder => Security::Signed(Role::Trade),
            Self::Withdraw => Security::Signed(Role::Withdraw),
        }
    }

    /// Request weight, as Binance has it.
    pub fn weight(self, params: &Params) -> u32 {
        let has_symbol = params.has("symbol");
        let by_markets = |one: u32, few: u32, all: u32| match params.text("symbols") {
            _ if has_symbol => one,
            Ok(Some(list)) if list.matches(',').count() < 20 => one,
            Ok(Some(list)) if list.matches(',').count() < 100 => few,
            _ => all,
        };
        match self {
            Self::Ping
            | Self::Time
            | Self::PlaceOrder
            | Self::TestOrder
            | Self::CancelOrder
            | Self::CancelOpenOrders
            | Self::CancelReplace
            | Self::SystemStatus
            | Self::Coins
            | Self::TradeFees
            | Self::Withdraw => 1,
            Self::Depth => limits::depth_weight(params.whole("limit").ok().flatten().unwrap_or(100)),
            Self::ExchangeInfo | Self::Account | Self::AllOrders | Self::Commission => 20,
            Self::OwnTrades if params.has("orderId") => 5,
            Self::OwnTrades => 20,
            Self::Trades | Self::HistoricalTrades => 25,
            Self::AggregateTrades | Self::QueryOrder | Self::AmendOrder => 4,
            Self::Klines
            | Self::AveragePrice
            | Self::StartUserStream
            | Self::KeepUserStream
            | Self::CloseUserStream => 2,
            Self::DayTicker => by_markets(2, 40, 80),
            Self::TradingDayTicker | Self::RollingTicker => by_markets(4, 80, 200),
            Self::PriceTicker | Self::BookTicker => by_markets(2, 4, 4),
            Self::OpenOrders if has_symbol => 6,
            Self::OpenOrders => 80,
            Self::OrderCounts => 40,
        }
    }

    /// Answers. Orders are handed in before the first wait, so calls that are begun one after the other reach the exchange
    /// in this order.
    pub async fn run(self, asked: &Asked<'_>) -> Result<Answer, Failure> {
        match self {
            Self::Ping => Ok(Answer { json: "{}".into(), orders: None }),
            Self::Time => Ok(Answer { json: format!("{{\"serverTime\":{}}}", asked.now), orders: None }),
            Self::ExchangeInfo => exchange_info::exchange_info(asked),
            Self::Depth => market_data::depth(asked),
            Self::Trades => market_data::recent_trades(asked),
            Self::HistoricalTrades => market_data::historical_trades(asked),
            Self::AggregateTrades => market_data::aggregate_trades(asked),
            Self::Klines => market_data::klines(asked),
            Self::AveragePrice => market_data::average_price(asked),
            Self::DayTicker => tickers::day(asked),
            Self::TradingDayTicker => tickers::trading_day(asked),
            Self::RollingTicker => tickers::rolling(asked),
            Self::PriceTicker => tickers::price(asked),
            Self::BookTicker => tickers::book(asked),
            Self::PlaceOrder => orders::place(asked).await,
            Self::TestOrder => orders::test(asked),
            Self::QueryOrder => orders::query(asked),
            Self::CancelOrder => orders::cancel(asked).await,
            Self::CancelOpenOrders => orders::cancel_all(asked).await,
            Self::CancelReplace => orders::cancel_replace(asked).await,
            Self::AmendOrder => orders::amend(asked).await,
            Self::OpenOrders => orders::open(asked),
            Self::AllOrders => orders::all(asked),
            Self::Account => account::account(asked),
            Self::OwnTrades => account::own_trades(asked),
            Self::OrderCounts => account::order_counts(asked),
            Self::Commission => account::commission(asked),
            Self::StartUserStream => user_stream::start(asked),
            Self::KeepUserStream => user_stream::keep(asked),
            Self::CloseUserStream => user_stream::close(asked),
            Self::SystemStatus => exchange_info::system_status(asked),
            Self::Coins => account::coins(asked),
            Self::TradeFees => account::trade_fees(asked),
            Self::Withdraw => account::withdraw(asked).await,
        }
    }
}
