//! Messages of user data streams.

use rules::Balance;
use serde::Serialize;
use serde_json::json;
use types::{AssetId, CancelReason, Timestamp};

use crate::binance::account::fee;
use crate::binance::market_data::{Digits as _, Show as _, millis};
use crate::binance::order_shapes::{
    budget, life_name, quantity, self_trade_name, side_name, status_name, type_name,
};
use crate::client_ids::ClientIds;
use crate::view::{Asset, Execution, Market, Order, OrderStatus, Updates};

#[derive(Serialize)]
struct Report {
    e: &'static str,
    #[serde(rename = "E")]
    event_time: u64,
    s: String,
    c: String,
    #[serde(rename = "S")]
    side: &'static str,
    o: &'static str,
    f: &'static str,
    q: String,
    p: String,
    #[serde(rename = "P")]
    stop_price: String,
    #[serde(rename = "F")]
    iceberg: String,
    g: i64,
    #[serde(rename = "C")]
    original_client_id: String,
    x: &'static str,
    #[serde(rename = "X")]
    status: &'static str,
    r: &'static str,
    i: u64,
    l: String,
    z: String,
    #[serde(rename = "L")]
    last_price: String,
    n: String,
    #[serde(rename = "N")]
    fee_asset: Option<String>,
    #[serde(rename = "T")]
    time: u64,
    t: i64,
    #[serde(rename = "I")]
    execution: u64,
    w: bool,
    m: bool,
    #[serde(rename = "M")]
    ignored: bool,
    #[serde(rename = "O")]
    created: u64,
    #[serde(rename = "Z")]
    executed_notional: String,
    #[serde(rename = "Y")]
    last_notional: String,
    #[serde(rename = "Q")]
    budget: String,
    #[serde(rename = "W", skip_serializing_if = "Option::is_none")]
    working_time: Option<u64>,
    #[serde(rename = "V")]
    self_trade: &'static str,
    #[serde(rename = "A", skip_serializing_if = "Option::is_none")]
    prevented: Option<String>,
    #[serde(rename = "B", skip_serializing_if = "Option::is_none")]
    last_prevented: Option<String>,
}

/// What happened to an order.
pub(super) fn execution_report(
    market: &Market,
    order: &Order,
    execution: &Execution,
    ids: &ClientIds,
    updates: &Updates,
) -> String {
    let client_id = ids.text(order.account, order.client_id);
    let (kind, trade) = match execution {
        // A stop that wakes is on the book from now on.
        Execution::New | Execution::Triggered => ("NEW", None),
        Execution::Trade(trade, maker) => ("TRADE", Some((trade, *maker))),
        Execution::Replaced => ("REPLACED", None),
        Execution::Prevented(_) => ("TRADE_PREVENTION", None),
        Execution::Canceled => ("CANCELED", None),
        Execution::Expired if order.status == OrderStatus::ExpiredInMatch => ("TRADE_PREVENTION", None),
        Execution::Expired => ("EXPIRED", None),
    };
    let cancelled = matches!(execution, Execution::Canceled);
    let open = matches!(order.status, OrderStatus::New | OrderStatus::PartiallyFilled);
    let nothing = market.show_lots(0);
    let report = Report {
        e: "executionReport",
        event_time: millis(updates.time),
        s: market.symbol.clone(),
        original_client_id: if cancelled { client_id.clone() } else { String::new() },
        c: client_id,
        side: side_name(order.side),
        o: type_name(&order.terms),
        f: life_name(order.terms.time_in_force),
        q: quantity(market, order),
        p: market.show_price(order.price),
        stop_price: market.show_price(order.terms.trigger.map(|trigger| trigger.price).unwrap_or_default()),
        iceberg: nothing.clone(),
        g: -1,
        x: kind,
        status: status_name(order.status),
        r: order.reason.filter(|_| !cancelled && !open).map_or("NONE", reason),
        i: order.id.0,
        l: trade.map_or(nothing, |(trade, _)| market.show_quantity(trade.quantity)),
        z: market.show_quantity(order.executed),
        last_price: market.show_price(trade.map(|(trade, _)| trade.price).unwrap_or_default()),
        n: trade.map_or_else(|| "0".into(), |(trade, maker)| fee(market, trade, maker)),
        fee_asset: trade.map(|_| market.quote.symbol.clone()),
        time: millis(updates.time),
        t: trade.map_or(-1, |(trade, _)| i64::try_from(trade.id).unwrap_or(-1)),
        execution: updates.sequence,
        w: open && !order.waiting,
        m: trade.is_some_and(|(_, maker)| maker),
        ignored: true,
        created: millis(order.time),
        executed_notional: market.show_notional(order.executed_notional),
        last_notional: market.show_notional(trade.map_or(0, |(trade, _)| trade.notional)),
        budget: budget(market, &order.terms),
        working_time: (!order.waiting).then(|| millis(order.time)),
        self_trade: self_trade_name(&order.terms),
        prevented: (order.prevented.0 > 0).then(|| market.show_quantity(order.prevented)),
        last_prevented: match execution {
            Execution::Prevented(quantity) => Some(market.show_quantity(*quantity)),
            _ => None,
        },
    };
    serde_json::to_string(&report).unwrap_or_default()
}

/// Why an order ended by itself, in one word.
fn reason(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Requested | CancelReason::Mass => "NONE",
        CancelReason::Expired => "EXPIRED",
        CancelReason::Immediate => "IMMEDIATE",
        CancelReason::SelfTrade => "SELF_TRADE",
        CancelReason::Funds => "INSUFFICIENT_BALANCE",
        CancelReason::Collar => "PRICE_COLLAR",
        CancelReason::Halted => "MARKET_HALTED",
        CancelReason::TriggerRefused => "TRIGGER_REFUSED",
    }
}

/// Balances that are others now.
pub(super) fn position(
    assets: &[std::sync::Arc<Asset>],
    list: &[(AssetId, Balance)],
    time: Timestamp,
) -> String {
    let shown = list.iter().filter_map(|(id, balance)| {
        let asset = assets.get(usize::from(id.0))?;
        let (free, locked) = (balance.free.0.into(), balance.locked.0.into());
        Some(json!({ "a": asset.symbol, "f": asset.scale.show(free), "l": asset.scale.show(locked) }))
    });
    let balances: Vec<_> = shown.collect();
    let time = millis(time);
    json!({ "e": "outboundAccountPosition", "E": time, "u": time, "B": balances }).to_string()
}

/// Money that came in or went out.
pub(super) fn balance(asset: &Asset, change: i128, time: Timestamp) -> String {
    let time = millis(time);
    json!({ "e": "balanceUpdate", "E": time, "a": asset.symbol, "d": asset.scale.show_signed(change), "T": time })
        .to_string()
}

/// The listen key's time is over.
pub(super) fn listen_key_expired(key: &str, now: u64) -> String {
    json!({ "e": "listenKeyExpired", "E": now, "listenKey": key }).to_string()
}
