//! Tickers: the last 24 hours, this day, any span; last and best prices.

use std::sync::Arc;

use serde::Serialize;
use types::{Price, Timestamp};

use super::calls::{Answer, Asked};
use super::failure::Failure;
use super::market_data::{Digits as _, Show as _, millis};
use crate::view::{Candle, Interval, Market, Range, Scale, View};

const MINUTE: u64 = 60_000_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What a span's ticker says. Fields that only the last 24 hours have are left out of the others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ticker {
    symbol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_change: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_change_percent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weighted_avg_price: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    now: Option<Now>,
    open_price: String,
    high_price: String,
    low_price: String,
    last_price: String,
    volume: String,
    quote_volume: String,
    open_time: u64,
    close_time: u64,
    first_id: i64,
    last_id: i64,
    count: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Now {
    prev_close_price: String,
    last_qty: String,
    bid_price: String,
    bid_qty: String,
    ask_price: String,
    ask_qty: String,
}

/// How prices changed over a candle: the difference, and in percent with three digits.
pub(crate) fn change(market: &Market, candle: &Candle) -> (String, String) {
    let (open, close) = (i128::from(candle.open.0), i128::from(candle.close.0));
    let percent = ((close - open) * 100_000).checked_div(open).unwrap_or(0);
    (market.price.show_signed(close - open), Scale { step: 1, decimals: 3 }.format_signed(percent))
}

/// A trade's number, or -1 for none, as Binance has it.
pub(crate) fn trade_id(id: u64) -> i64 {
    i64::try_from(id).ok().filter(|id| *id > 0).unwrap_or(-1)
}

fn ticker(market: &Market, candle: &Candle, close_time: u64, full: bool) -> Ticker {
    let (price_change, percent) = change(market, candle);
    Ticker {
        symbol: market.symbol.clone(),
        price_change: full.then_some(price_change),
        price_change_percent: full.then_some(percent),
        weighted_avg_price: full.then(|| market.show_average(candle.notional, candle.volume)),
        now: None,
        open_price: market.show_price(candle.open),
        high_price: market.show_price(candle.high),
        low_price: market.show_price(candle.low),
        last_price: market.show_price(candle.close),
        volume: market.show_lots(candle.volume),
        quote_volume: market.show_notional(candle.notional),
        open_time: millis(candle.open_time),
        close_time,
        first_id: trade_id(candle.first_trade),
        last_id: trade_id(candle.last_trade),
        count: candle.trades,
    }
}

/// Answers for one market with an object, for several with a list.
fn for_markets<T: Serialize>(
    asked: &Asked<'_>,
    required: bool,
    show: impl Fn(&Market) -> T,
) -> Result<Answer, Failure> {
    let view = &asked.gateway.view;
    let several =
        |markets: &[Arc<Market>]| Answer::of(&markets.iter().map(|market| show(market)).collect::<Vec<_>>());
    match asked.params.markets(view)? {
        None if required => Err(Failure::new(-1128, "Combination of optional parameters invalid.")),
        None => several(&view.markets()),
        Some(markets) if asked.params.has("symbol") => match markets.first() {
            Some(market) => Answer::of(&show(market)),
            None => Err(Failure::bad_symbol()),
        },
        Some(markets) => several(&markets),
    }
}

/// Whether everything is asked for, or the short form.
fn is_full(asked: &Asked<'_>) -> Result<bool, Failure> {
    match asked.params.text("type")? {
        None | Some("FULL") => Ok(true),
        Some("MINI") => Ok(false),
        Some(_) => Err(Failure::new(-1130, "Data sent for parameter 'type' is not valid.")),
    }
}

pub(super) fn day(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let full = is_full(asked)?;
    for_markets(asked, false, |market| {
        let day = asked.gateway.view.day(market.id);
        let (bid, ask) = (day.best.bid.unwrap_or_default(), day.best.ask.unwrap_or_default());
        let now = Now {
            prev_close_price: market.show_price(day.previous_close),
            last_qty: market.show_quantity(day.last_quantity),
            bid_price: market.show_price(bid.0),
            bid_qty: market.show_quantity(bid.1),
            ask_price: market.show_price(ask.0),
            ask_qty: market.show_quantity(ask.1),
        };
        Ticker { now: full.then_some(now), ..ticker(market, &day.candle, millis(day.close_time), full) }
    })
}

pub(super) fn trading_day(asked: &Asked<'_>) -> Result<Answer, Failure> {
    if asked.params.text("timeZone")?.is_some_and(|zone| !["0", "0:00", "+0:00", "00:00"].contains(&zone)) {
        return Err(Failure::new(
            -1130,
            "Data sent for parameter 'timeZone' is not valid: days are in UTC here.",
        ));
    }
    let full = is_full(asked)?;
    for_markets(asked, true, |market| {
        let view = &asked.gateway.view;
        let start = Interval::Day1.open(view.time());
        let end = millis(Interval::Day1.next(start)) - 1;
        ticker(market, &span(market, view, start, Interval::Hour1), end, full)
    })
}

pub(super) fn rolling(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let full = is_full(asked)?;
    let window = match asked.params.text("windowSize")? {
        None => DAY,
        Some(text) => window(text)
            .ok_or_else(|| Failure::new(-1130, "Data sent for parameter 'windowSize' is not valid."))?,
    };
    for_markets(asked, true, |market| {
        let view = &asked.gateway.view;
        let now = view.time();
        // Whole minutes, as at Binance.
        let start = Interval::Minute1.open(Timestamp(now.0.saturating_sub(window)));
        ticker(market, &span(market, view, start, Interval::Minute1), millis(now), full)
    })
}

/// `1m`..`59m`, `1h`..`23h`, `1d`..`7d`.
fn window(text: &str) -> Option<u64> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let (most, unit) = match unit {
        "m" => (59, MINUTE),
        "h" => (23, HOUR),
        "d" => (7, DAY),
        _ => return None,
    };
    let digits = count.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = count.parse().ok().filter(|count| digits && (1..=most).contains(count))?;
    Some(count * unit)
}

/// All trades since `start`, put together from candles.
fn span(market: &Market, view: &View, start: Timestamp, by: Interval) -> Candle {
    // Seven days of minutes.
    let range = Range { start: Some(start), limit: 10_081, ..Range::default() };
    let candles = view.candles(market.id, by, range);
    let mut sum = Candle { open_time: start, ..Candle::default() };
    for candle in candles {
        sum.close = candle.close;
        if candle.trades == 0 {
            continue;
        }
        if sum.trades == 0 {
            (sum.open, sum.low, sum.first_trade) = (candle.open, candle.low, candle.first_trade);
        }
        sum.high = sum.high.max(candle.high);
        sum.low = sum.low.min(candle.low);
        sum.volume += candle.volume;
        sum.notional += candle.notional;
        sum.trades += candle.trades;
        sum.last_trade = candle.last_trade;
    }
    if sum.trades == 0 {
        (sum.open, sum.high, sum.low) = (sum.close, sum.close, sum.close);
    }
    sum
}

pub(super) fn price(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Last {
        symbol: String,
        price: String,
    }
    for_markets(asked, false, |market| Last {
        symbol: market.symbol.clone(),
        price: market.show_price(last_price(market, &asked.gateway.view)),
    })
}

pub(crate) fn last_price(market: &Market, view: &View) -> Price {
    let last = view.trades(market.id, Range { limit: 1, ..Range::default() });
    last.last().map_or(market.params.reference_price, |trade| trade.price)
}

pub(super) fn book(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Best {
        symbol: String,
        bid_price: String,
        bid_qty: String,
        ask_price: String,
        ask_qty: String,
    }
    for_markets(asked, false, |market| {
        let best = asked.gateway.view.best(market.id);
        let (bid, ask) = (best.bid.unwrap_or_default(), best.ask.unwrap_or_default());
        Best {
            symbol: market.symbol.clone(),
            bid_price: market.show_price(bid.0),
            bid_qty: market.show_quantity(bid.1),
            ask_price: market.show_price(ask.0),
            ask_qty: market.show_quantity(ask.1),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_minutes_hours_and_days_within_bounds() {
        assert_eq!(window("1m"), Some(MINUTE));
        assert_eq!(window("23h"), Some(23 * HOUR));
        assert_eq!(window("7d"), Some(7 * DAY));
        for text in ["", "m", "0m", "60m", "24h", "8d", "1w", "-1m", "+1m", "1.5h", "d7", "1M", "１m", "1ä"]
        {
            assert_eq!(window(text), None, "{text}");
        }
    }
}
