//! Orders as Binance shows them.

use serde::Serialize;
use types::{OrderType, Side, TimeInForce, Timestamp, TriggerKind};

use super::market_data::{Show as _, millis};
use super::new_order::Response;
use crate::client_ids::ClientIds;
use crate::view::{Market, Order, OrderStatus, OrderTerms, Trade};

/// There are no lists of orders here.
const NO_LIST: i64 = -1;

/// The type's name.
pub(crate) fn type_name(terms: &OrderTerms) -> &'static str {
    let limit = matches!(terms.order_type, OrderType::Limit { .. });
    match terms.trigger.map(|trigger| trigger.kind) {
        None if terms.post_only => "LIMIT_MAKER",
        None if limit => "LIMIT",
        None => "MARKET",
        Some(TriggerKind::StopLoss) if limit => "STOP_LOSS_LIMIT",
        Some(TriggerKind::StopLoss) => "STOP_LOSS",
        Some(TriggerKind::TakeProfit) if limit => "TAKE_PROFIT_LIMIT",
        Some(TriggerKind::TakeProfit) => "TAKE_PROFIT",
    }
}

pub(crate) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

pub(crate) fn life_name(time_in_force: TimeInForce) -> &'static str {
    match time_in_force {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::Gtd(_) => "GTD",
    }
}

pub(crate) fn status_name(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::New => "NEW",
        OrderStatus::PartiallyFilled => "PARTIALLY_FILLED",
        OrderStatus::Filled => "FILLED",
        OrderStatus::Canceled => "CANCELED",
        OrderStatus::Expired => "EXPIRED",
        OrderStatus::ExpiredInMatch => "EXPIRED_IN_MATCH",
    }
}

pub(crate) fn self_trade_name(terms: &OrderTerms) -> &'static str {
    match terms.self_trade {
        types::SelfTrade::ExpireTaker => "EXPIRE_TAKER",
        types::SelfTrade::ExpireMaker => "EXPIRE_MAKER",
        types::SelfTrade::ExpireBoth => "EXPIRE_BOTH",
        types::SelfTrade::Decrement => "DECREMENT",
    }
}

/// The budget of an order that has one.
pub(crate) fn budget(market: &Market, terms: &OrderTerms) -> String {
    let budget = match terms.order_type {
        OrderType::MarketBudget { budget } => budget.0,
        _ => 0,
    };
    market.show_notional(budget.into())
}

/// What was asked for; for an order with a budget, what it bought.
pub(crate) fn quantity(market: &Market, order: &Order) -> String {
    let budget = matches!(order.terms.order_type, OrderType::MarketBudget { .. });
    market.show_quantity(if budget { order.executed } else { order.quantity })
}

fn trigger_price(market: &Market, terms: &OrderTerms) -> Option<String> {
    terms.trigger.map(|trigger| market.show_price(trigger.price))
}

/// What every answer says about the order's terms and how far it is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State {
    price: String,
    orig_qty: String,
    executed_qty: String,
    orig_quote_order_qty: String,
    cummulative_quote_qty: String,
    status: &'static str,
    time_in_force: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<String>,
    self_trade_prevention_mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prevented_quantity: Option<String>,
}

impl State {
    fn of(market: &Market, order: &Order) -> Self {
        Self {
            price: market.show_price(order.price),
            orig_qty: quantity(market, order),
            executed_qty: market.show_quantity(order.executed),
            orig_quote_order_qty: budget(market, &order.terms),
            cummulative_quote_qty: market.show_notional(order.executed_notional),
            status: status_name(order.status),
            time_in_force: life_name(order.terms.time_in_force),
            kind: type_name(&order.terms),
            side: side_name(order.side),
            stop_price: trigger_price(market, &order.terms),
            self_trade_prevention_mode: self_trade_name(&order.terms),
            prevented_quantity: (order.prevented.0 > 0).then(|| market.show_quantity(order.prevented)),
        }
    }
}

/// An order that was asked about.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Queried {
    symbol: String,
    order_id: u64,
    order_list_id: i64,
    client_order_id: String,
    #[serde(flatten)]
    state: State,
    iceberg_qty: String,
    time: u64,
    update_time: u64,
    is_working: bool,
    working_time: i64,
}

impl Queried {
    pub fn new(market: &Market, order: &Order, ids: &ClientIds) -> Self {
        let mut state = State::of(market, order);
        // Binance shows a trigger price of zero where there is none.
        state.stop_price.get_or_insert_with(|| market.show_price(types::Price(0)));
        Self {
            symbol: market.symbol.clone(),
            order_id: order.id.0,
            order_list_id: NO_LIST,
            client_order_id: ids.text(order.account, order.client_id),
            state,
            iceberg_qty: market.show_lots(0),
            time: millis(order.time),
            update_time: millis(order.updated),
            is_working: !order.waiting,
            working_time: working_time(order),
        }
    }
}

/// When the order came on the book; -1 while it waits for its trigger.
fn working_time(order: &Order) -> i64 {
    if order.waiting { -1 } else { i64::try_from(millis(order.time)).unwrap_or(i64::MAX) }
}

/// An order that was just placed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Placed {
    symbol: String,
    order_id: u64,
    order_list_id: i64,
    client_order_id: String,
    transact_time: u64,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fills: Option<Vec<Fill>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fill {
    price: String,
    qty: String,
    commission: String,
    commission_asset: String,
    trade_id: u64,
}

impl Placed {
    /// `fills` are those of the command that placed it.
    pub fn new(
        market: &Market,
        order: &Order,
        client_id: String,
        time: Timestamp,
        response: Response,
        fills: &[Trade],
    ) -> Self {
        let fill = |trade: &Trade| Fill {
            price: market.show_price(trade.price),
            qty: market.show_quantity(trade.quantity),
            commission: market.show_notional(trade.taker_fee.0.into()),
            commission_asset: market.quote.symbol.clone(),
            trade_id: trade.id,
        };
        Self {
            symbol: market.symbol.clone(),
            order_id: order.id.0,
            order_list_id: NO_LIST,
            client_order_id: client_id,
            transact_time: millis(time),
            state: (response != Response::Ack).then(|| State::of(market, order)),
            working_time: (response != Response::Ack).then(|| working_time(order)),
            fills: (response == Response::Full).then(|| fills.iter().map(fill).collect()),
        }
    }
}

/// An order that was just cancelled.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cancelled {
    symbol: String,
    orig_client_order_id: String,
    order_id: u64,
    order_list_id: i64,
    client_order_id: String,
    transact_time: u64,
    #[serde(flatten)]
    state: State,
}

impl Cancelled {
    /// `cancel_id` is what the caller calls the cancellation.
    pub fn new(
        market: &Market,
        order: &Order,
        ids: &ClientIds,
        cancel_id: Option<&str>,
        time: Timestamp,
    ) -> Self {
        let original = ids.text(order.account, order.client_id);
        Self {
            symbol: market.symbol.clone(),
            client_order_id: cancel_id.map_or_else(|| original.clone(), str::to_owned),
            orig_client_order_id: original,
            order_id: order.id.0,
            order_list_id: NO_LIST,
            transact_time: millis(time),
            state: State::of(market, order),
        }
    }
}
