//! Books, trades, candles.

use serde::Serialize;
use types::{Price, Quantity, Side, Timestamp};

use super::calls::{Answer, Asked};
use super::failure::Failure;
use crate::view::{Candle, Interval, Market, Range, Scale, Trade};

/// Minutes of the average price.
const AVERAGE_MINUTES: u64 = 5;
const MINUTE: u64 = 60_000_000;

/// A level of the book, as Binance writes it.
pub(crate) type Level = [String; 2];

pub(crate) fn levels(market: &Market, side: &[(Price, Quantity)]) -> Vec<Level> {
    side.iter()
        .map(|(price, quantity)| [market.show_price(*price), market.show_quantity(*quantity)])
        .collect()
}

/// Amounts with eight digits after the point at least: that is how Binance writes all of them, and there is software that
/// knows an empty level by the text `0.00000000`.
pub(crate) trait Digits {
    fn show(&self, units: u128) -> String;
    fn show_signed(&self, units: i128) -> String;
}

/// Digits after the point at least.
const DIGITS: u32 = 8;

impl Digits for Scale {
    fn show(&self, units: u128) -> String {
        let mut text = self.format(units);
        if self.decimals < DIGITS {
            if self.decimals == 0 {
                text.push('.');
            }
            text.extend(std::iter::repeat_n('0', (DIGITS - self.decimals) as usize));
        }
        text
    }

    fn show_signed(&self, units: i128) -> String {
        let text = self.show(units.unsigned_abs());
        if units < 0 { format!("-{text}") } else { text }
    }
}

/// Amounts of a market as decimal strings.
pub(crate) trait Show {
    fn show_price(&self, price: Price) -> String;
    fn show_quantity(&self, quantity: Quantity) -> String;
    fn show_lots(&self, lots: u128) -> String;
    fn show_notional(&self, notional: u128) -> String;
    /// Quote quanta for so many lots, as a price.
    fn show_average(&self, notional: u128, lots: u128) -> String;
}

impl Show for Market {
    fn show_price(&self, price: Price) -> String {
        self.price.show(price.0.into())
    }

    fn show_quantity(&self, quantity: Quantity) -> String {
        self.quantity.show(quantity.0.into())
    }

    fn show_lots(&self, lots: u128) -> String {
        self.quantity.show(lots)
    }

    fn show_notional(&self, notional: u128) -> String {
        self.quote.scale.show(notional)
    }

    fn show_average(&self, notional: u128, lots: u128) -> String {
        let decimals = self.price.decimals.max(DIGITS);
        let fine =
            10u128.saturating_pow(decimals - self.price.decimals).saturating_mul(self.price.step.into());
        let per_lot = lots.saturating_mul(self.params.tick.into());
        let scale = Scale { step: 1, decimals };
        scale.format(notional.saturating_mul(fine).checked_div(per_lot).unwrap_or(0))
    }
}

/// Milliseconds of a timestamp.
pub(crate) fn millis(time: Timestamp) -> u64 {
    time.0 / 1_000
}

pub(super) fn depth(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Depth {
        last_update_id: u64,
        bids: Vec<Level>,
        asks: Vec<Level>,
    }
    let market = asked.params.market(&asked.gateway.view)?;
    let depth = asked.gateway.view.depth(market.id, asked.params.limit(100, 5_000)?);
    Answer::of(&Depth {
        last_update_id: depth.update,
        bids: levels(&market, &depth.bids),
        asks: levels(&market, &depth.asks),
    })
}

pub(super) fn recent_trades(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let limit = asked.params.limit(500, 1_000)?;
    trades(asked, Range { limit, ..Range::default() })
}

pub(super) fn historical_trades(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let (from, limit) = (asked.params.whole("fromId")?, asked.params.limit(500, 1_000)?);
    trades(asked, Range { from, limit, ..Range::default() })
}

fn trades(asked: &Asked<'_>, range: Range) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Shown {
        id: u64,
        price: String,
        qty: String,
        quote_qty: String,
        time: u64,
        is_buyer_maker: bool,
        is_best_match: bool,
    }
    let market = asked.params.market(&asked.gateway.view)?;
    let show = |trade: Trade| Shown {
        id: trade.id,
        price: market.show_price(trade.price),
        qty: market.show_quantity(trade.quantity),
        quote_qty: market.show_notional(trade.notional),
        time: millis(trade.time),
        is_buyer_maker: trade.taker_side == Side::Sell,
        is_best_match: true,
    };
    let trades = asked.gateway.view.trades(market.id, range);
    Answer::of(&trades.into_iter().map(show).collect::<Vec<_>>())
}

pub(super) fn aggregate_trades(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    struct Shown {
        a: u64,
        p: String,
        q: String,
        f: u64,
        l: u64,
        #[serde(rename = "T")]
        time: u64,
        m: bool,
        #[serde(rename = "M")]
        best: bool,
    }
    let market = asked.params.market(&asked.gateway.view)?;
    let range = asked.params.range(Some("fromId"), 500, 1_000)?;
    let trades = asked.gateway.view.aggregate_trades(market.id, range);
    let shown = trades.into_iter().map(|trade| Shown {
        a: trade.id,
        p: market.show_price(trade.price),
        q: market.show_quantity(trade.quantity),
        f: trade.first,
        l: trade.last,
        time: millis(trade.time),
        m: trade.taker_side == Side::Sell,
        best: true,
    });
    Answer::of(&shown.collect::<Vec<_>>())
}

pub(super) fn klines(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let market = asked.params.market(&asked.gateway.view)?;
    asked.params.required("interval")?;
    let interval = asked.params.choice::<Interval>("interval", -1120, "Invalid interval.")?;
    let interval = interval.ok_or_else(|| Failure::missing("interval"))?;
    let range = asked.params.range(None, 500, 1_000)?;
    let candles = asked.gateway.view.candles(market.id, interval, range);
    let shown = candles.iter().map(|candle| {
        (
            millis(candle.open_time),
            market.show_price(candle.open),
            market.show_price(candle.high),
            market.show_price(candle.low),
            market.show_price(candle.close),
            market.show_lots(candle.volume),
            close_time(interval, candle),
            market.show_notional(candle.notional),
            candle.trades,
            market.show_lots(candle.taker_buy_volume),
            market.show_notional(candle.taker_buy_notional),
            "0",
        )
    });
    Answer::of(&shown.collect::<Vec<_>>())
}

/// The last millisecond of a candle.
pub(crate) fn close_time(interval: Interval, candle: &Candle) -> u64 {
    millis(interval.next(candle.open_time)).saturating_sub(1)
}

pub(super) fn average_price(asked: &Asked<'_>) -> Result<Answer, Failure> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Average {
        mins: u64,
        price: String,
        close_time: u64,
    }
    let view = &asked.gateway.view;
    let market = asked.params.market(view)?;
    let (price, close_time) = average(&market, view);
    Answer::of(&Average { mins: AVERAGE_MINUTES, price, close_time })
}

/// The average price of the last minutes, and the time of the last trade; the last price when nothing was traded.
pub(crate) fn average(market: &Market, view: &crate::view::View) -> (String, u64) {
    let start = Some(Timestamp(view.time().0.saturating_sub(AVERAGE_MINUTES * MINUTE)));
    let range = Range { start, limit: AVERAGE_MINUTES as usize + 1, ..Range::default() };
    let candles = view.candles(market.id, Interval::Minute1, range);
    let notional: u128 = candles.iter().map(|candle| candle.notional).sum();
    let lots: u128 = candles.iter().map(|candle| candle.volume).sum();
    let last = view.trades(market.id, Range { limit: 1, ..Range::default() });
    let (price, time) = last.last().map_or((Price(0), Timestamp(0)), |trade| (trade.price, trade.time));
    let price = if lots == 0 { market.show_price(price) } else { market.show_average(notional, lots) };
    (price, millis(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_eight_digits_after_the_point() {
        let show = |step, decimals, units| Scale { step, decimals }.show(units);
        assert_eq!(show(1, 0, 64_250), "64250.00000000");
        assert_eq!(show(5, 1, 3), "1.50000000");
        assert_eq!(show(1, 8, 0), "0.00000000");
        assert_eq!(show(1, 10, 1), "0.0000000001");
        assert_eq!(Scale { step: 1, decimals: 2 }.show_signed(-5), "-0.05000000");
    }
}
