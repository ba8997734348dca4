//! Messages of market streams.

use serde::Serialize;
use types::{Side, Timestamp};

use super::depth_diff::Diff;
use crate::binance::market_data::{Level, Show as _, close_time, levels, millis};
use crate::binance::tickers::{change, trade_id};
use crate::view::{AggregateTrade, Best, Candle, Day, Depth, Interval, Market, Trade};

/// Strings and numbers always serialise.
fn json<T: Serialize>(message: &T) -> String {
    serde_json::to_string(message).unwrap_or_default()
}

#[derive(Serialize)]
struct Traded {
    e: &'static str,
    #[serde(rename = "E")]
    event_time: u64,
    s: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    t: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    a: Option<u64>,
    p: String,
    q: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    f: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    l: Option<u64>,
    #[serde(rename = "T")]
    time: u64,
    m: bool,
    #[serde(rename = "M")]
    best_match: bool,
}

pub(super) fn trade(market: &Market, trade: &Trade) -> String {
    json(&Traded {
        e: "trade",
        event_time: millis(trade.time),
        s: market.symbol.clone(),
        t: Some(trade.id),
        a: None,
        p: market.show_price(trade.price),
        q: market.show_quantity(trade.quantity),
        f: None,
        l: None,
        time: millis(trade.time),
        m: trade.taker_side == Side::Sell,
        best_match: true,
    })
}

pub(super) fn aggregate_trade(market: &Market, trade: &AggregateTrade) -> String {
    json(&Traded {
        e: "aggTrade",
        event_time: millis(trade.time),
        s: market.symbol.clone(),
        t: None,
        a: Some(trade.id),
        p: market.show_price(trade.price),
        q: market.show_quantity(trade.quantity),
        f: Some(trade.first),
        l: Some(trade.last),
        time: millis(trade.time),
        m: trade.taker_side == Side::Sell,
        best_match: true,
    })
}

pub(super) fn depth_diff(market: &Market, diff: &Diff, time: Timestamp) -> String {
    #[derive(Serialize)]
    struct Message {
        e: &'static str,
        #[serde(rename = "E")]
        event_time: u64,
        s: String,
        #[serde(rename = "U")]
        first: u64,
        u: u64,
        b: Vec<Level>,
        a: Vec<Level>,
    }
    json(&Message {
        e: "depthUpdate",
        event_time: millis(time),
        s: market.symbol.clone(),
        first: diff.first,
        u: diff.last,
        b: levels(market, &diff.bids),
        a: levels(market, &diff.asks),
    })
}

pub(super) fn partial_depth(market: &Market, depth: &Depth) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Message {
        last_update_id: u64,
        bids: Vec<Level>,
        asks: Vec<Level>,
    }
    let (bids, asks) = (levels(market, &depth.bids), levels(market, &depth.asks));
    json(&Message { last_update_id: depth.update, bids, asks })
}

pub(super) fn best(market: &Market, best: &Best, update: u64) -> String {
    #[derive(Serialize)]
    struct Message {
        u: u64,
        s: String,
        b: String,
        #[serde(rename = "B")]
        bid_quantity: String,
        a: String,
        #[serde(rename = "A")]
        ask_quantity: String,
    }
    let (bid, ask) = (best.bid.unwrap_or_default(), best.ask.unwrap_or_default());
    json(&Message {
        u: update,
        s: market.symbol.clone(),
        b: market.show_price(bid.0),
        bid_quantity: market.show_quantity(bid.1),
        a: market.show_price(ask.0),
        ask_quantity: market.show_quantity(ask.1),
    })
}

pub(super) fn candle(
    market: &Market,
    interval: Interval,
    candle: &Candle,
    closed: bool,
    time: Timestamp,
) -> String {
    #[derive(Serialize)]
    struct Message {
        e: &'static str,
        #[serde(rename = "E")]
        event_time: u64,
        s: String,
        k: Shown,
    }
    #[derive(Serialize)]
    struct Shown {
        t: u64,
        #[serde(rename = "T")]
        close_time: u64,
        s: String,
        i: &'static str,
        f: i64,
        #[serde(rename = "L")]
        last_trade: i64,
        o: String,
        c: String,
        h: String,
        l: String,
        v: String,
        n: u64,
        x: bool,
        q: String,
        #[serde(rename = "V")]
        taker_volume: String,
        #[serde(rename = "Q")]
        taker_notional: String,
        #[serde(rename = "B")]
        ignored: &'static str,
    }
    json(&Message {
        e: "kline",
        event_time: millis(time),
        s: market.symbol.clone(),
        k: Shown {
            t: millis(candle.open_time),
            close_time: close_time(interval, candle),
            s: market.symbol.clone(),
            i: interval.name(),
            f: trade_id(candle.first_trade),
            last_trade: trade_id(candle.last_trade),
            o: market.show_price(candle.open),
            c: market.show_price(candle.close),
            h: market.show_price(candle.high),
            l: market.show_price(candle.low),
            v: market.show_lots(candle.volume),
            n: candle.trades,
            x: closed,
            q: market.show_notional(candle.notional),
            taker_volume: market.show_lots(candle.taker_buy_volume),
            taker_notional: market.show_notional(candle.taker_buy_notional),
            ignored: "0",
        },
    })
}

pub(super) fn mini(market: &Market, day: &Day) -> String {
    #[derive(Serialize)]
    struct Message {
        e: &'static str,
        #[serde(rename = "E")]
        event_time: u64,
        s: String,
        c: String,
        o: String,
        h: String,
        l: String,
        v: String,
        q: String,
    }
    let candle = &day.candle;
    json(&Message {
        e: "24hrMiniTicker",
        event_time: millis(day.close_time),
        s: market.symbol.clone(),
        c: market.show_price(candle.close),
        o: market.show_price(candle.open),
        h: market.show_price(candle.high),
        l: market.show_price(candle.low),
        v: market.show_lots(candle.volume),
        q: market.show_notional(candle.notional),
    })
}

pub(super) fn day(market: &Market, day: &Day) -> String {
    #[derive(Serialize)]
    struct Message {
        e: &'static str,
        #[serde(rename = "E")]
        event_time: u64,
        s: String,
        p: String,
        #[serde(rename = "P")]
        percent: String,
        w: String,
        x: String,
        c: String,
        #[serde(rename = "Q")]
        last_quantity: String,
        b: String,
        #[serde(rename = "B")]
        bid_quantity: String,
        a: String,
        #[serde(rename = "A")]
        ask_quantity: String,
        o: String,
        h: String,
        l: String,
        v: String,
        q: String,
        #[serde(rename = "O")]
        open_time: u64,
        #[serde(rename = "C")]
        close_time: u64,
        #[serde(rename = "F")]
        first_trade: i64,
        #[serde(rename = "L")]
        last_trade: i64,
        n: u64,
    }
    let candle = &day.candle;
    let (bid, ask) = (day.best.bid.unwrap_or_default(), day.best.ask.unwrap_or_default());
    let (p, percent) = change(market, candle);
    json(&Message {
        e: "24hrTicker",
        event_time: millis(day.close_time),
        s: market.symbol.clone(),
        p,
        percent,
        w: market.show_average(candle.notional, candle.volume),
        x: market.show_price(day.previous_close),
        c: market.show_price(candle.close),
        last_quantity: market.show_quantity(day.last_quantity),
        b: market.show_price(bid.0),
        bid_quantity: market.show_quantity(bid.1),
        a: market.show_price(ask.0),
        ask_quantity: market.show_quantity(ask.1),
        o: market.show_price(candle.open),
        h: market.show_price(candle.high),
        l: market.show_price(candle.low),
        v: market.show_lots(candle.volume),
        q: market.show_notional(candle.notional),
        open_time: millis(candle.open_time),
        close_time: millis(day.close_time),
        first_trade: trade_id(candle.first_trade),
        last_trade: trade_id(candle.last_trade),
        n: candle.trades,
    })
}

pub(super) fn average(market: &Market, price: String, last_trade: u64, time: Timestamp) -> String {
    #[derive(Serialize)]
    struct Message {
        e: &'static str,
        #[serde(rename = "E")]
        event_time: u64,
        s: String,
        i: &'static str,
        w: String,
        #[serde(rename = "T")]
        last_trade: u64,
    }
    let s = market.symbol.clone();
    json(&Message { e: "avgPrice", event_time: millis(time), s, i: "5m", w: price, last_trade })
}
