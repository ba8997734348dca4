//! Candles of a market: seconds, minutes and hours as trades come, longer ones made of them when asked.

use std::collections::VecDeque;

use types::{Side, Timestamp};

use super::interval::Interval;
use super::options::{MAX_ANSWER, ViewOptions};
use super::{Candle, Day, Range, Trade};

/// Microseconds.
const DAY: u64 = 86_400_000_000;

/// The candles of a market that had trades.
pub(super) struct Candles {
    seconds: Series,
    minutes: Series,
    hours: Series,
}

struct Series {
    interval: Interval,
    limit: usize,
    /// By time; spans without a trade are left out.
    list: VecDeque<Candle>,
    /// Whether older ones were forgotten.
    cut: bool,
}

impl Candles {
    pub fn new(options: &ViewOptions) -> Self {
        let series = |interval, limit: usize| Series {
            interval,
            limit: limit.max(1),
            list: VecDeque::new(),
            cut: false,
        };
        Self {
            seconds: series(Interval::Second1, options.seconds),
            minutes: series(Interval::Minute1, options.minutes),
            hours: series(Interval::Hour1, options.hours),
        }
    }

    pub fn add(&mut self, trade: &Trade) {
        for series in [&mut self.seconds, &mut self.minutes, &mut self.hours] {
            series.add(trade);
        }
    }

    /// Candles without a gap from the first trade that is known until now: those of the range, the newest of them
    /// where the range does not say from when.
    pub fn list(&self, interval: Interval, range: Range, now: Timestamp) -> Vec<Candle> {
        let series = match interval {
            Interval::Second1 => &self.seconds,
            shorter if shorter < Interval::Hour1 => &self.minutes,
            _ => &self.hours,
        };
        let (Some(oldest), limit) = (series.list.front(), range.limit.min(MAX_ANSWER) as u64) else {
            return Vec::new();
        };
        // Of what was forgotten no part is shown as a whole.
        let torn = series.cut && interval.open(oldest.open_time) < oldest.open_time;
        let mut first = interval.index(oldest.open_time) + u64::from(torn);
        let mut last = interval.index(range.end.map_or(now, |end| end.min(now)));
        if let Some(start) = range.start {
            // A candle that began before is not of the range.
            let open = interval.open(start);
            first = first.max(interval.index(start) + u64::from(open < start));
            last = last.min(first.saturating_add(limit.saturating_sub(1)));
        } else {
            first = first.max((last + 1).saturating_sub(limit));
        }
        if limit == 0 || first > last {
            return Vec::new();
        }
        series.made_of(interval, first, last)
    }

    /// The 24 hours until `now`, by whole minutes: the oldest one is left out when it began before.
    pub fn day(&self, now: Timestamp) -> Day {
        let from = Timestamp(now.0.saturating_sub(DAY));
        let list = &self.minutes.list;
        let begin = list.partition_point(|candle| candle.open_time < from);
        let mut candle = Candle { open_time: from, ..Candle::default() };
        for minute in list.range(begin..) {
            candle.join(minute);
        }
        let before = begin.checked_sub(1).and_then(|at| list.get(at));
        let previous_close = before.map(|candle| candle.close).unwrap_or_default();
        if candle.trades == 0 {
            candle.fill(previous_close);
        }
        Day { candle, previous_close, close_time: now, ..Day::default() }
    }
}

impl Series {
    fn add(&mut self, trade: &Trade) {
        let open_time = self.interval.open(trade.time);
        match self.list.back_mut() {
            Some(last) if last.open_time == open_time => last.add(trade),
            _ => {
                if self.list.len() >= self.limit {
                    self.list.pop_front();
                    self.cut = true;
                }
                let mut candle = Candle { open_time, ..Candle::default() };
                candle.add(trade);
                self.list.push_back(candle);
            }
        }
    }

    /// The candles of these spans; spans without a trade have the last price before them.
    fn made_of(&self, interval: Interval, first: u64, last: u64) -> Vec<Candle> {
        let begin = interval.opens(first);
        let mut at = self.list.partition_point(|candle| candle.open_time < begin);
        let mut close = at.checked_sub(1).and_then(|at| self.list.get(at)).map(|candle| candle.close);
        let mut made = Vec::with_capacity((last - first + 1) as usize);
        for index in first..=last {
            let next = interval.opens(index + 1);
            let mut candle = Candle { open_time: interval.opens(index), ..Candle::default() };
            while let Some(part) = self.list.get(at).filter(|part| part.open_time < next) {
                candle.join(part);
                at += 1;
            }
            match close {
                _ if candle.trades > 0 => close = Some(candle.close),
                Some(close) => candle.fill(close),
                None => continue,
            }
            made.push(candle);
        }
        made
    }
}

impl Candle {
    fn add(&mut self, trade: &Trade) {
        let taken = trade.taker_side == Side::Buy;
        let quantity = u128::from(trade.quantity.0);
        self.join(&Self {
            open_time: self.open_time,
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: quantity,
            notional: trade.notional,
            trades: 1,
            taker_buy_volume: if taken { quantity } else { 0 },
            taker_buy_notional: if taken { trade.notional } else { 0 },
            first_trade: trade.id,
            last_trade: trade.id,
        });
    }

    /// Adds a later one.
    fn join(&mut self, later: &Self) {
        if self.trades == 0 {
            *self = Self { open_time: self.open_time, ..*later };
            return;
        }
        self.high = self.high.max(later.high);
        self.low = self.low.min(later.low);
        self.close = later.close;
        self.volume += later.volume;
        self.notional += later.notional;
        self.trades += later.trades;
        self.taker_buy_volume += later.taker_buy_volume;
        self.taker_buy_notional += later.taker_buy_notional;
        self.last_trade = later.last_trade;
    }

    /// Nothing traded: the price stayed where it was.
    fn fill(&mut self, price: types::Price) {
        (self.open, self.high, self.low, self.close) = (price, price, price, price);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::{AccountId, MarketId, OrderId, Price, Quanta, Quantity};

    use super::*;

    const MINUTE: u64 = 60_000_000;

    fn trade(id: u64, time: u64, price: u32, quantity: u64, taker_side: Side) -> Trade {
        Trade {
            market: MarketId(0),
            id,
            sequence: id,
            time: Timestamp(time),
            price: Price(price),
            quantity: Quantity(quantity),
            notional: u128::from(price) * u128::from(quantity),
            taker_side,
            maker: (OrderId(1), AccountId(1)),
            taker: (OrderId(2), AccountId(2)),
            maker_fee: 0,
            taker_fee: Quanta(0),
            aggregate: id,
        }
    }

    fn newest(limit: usize) -> Range {
        Range { limit, ..Range::default() }
    }

    /// Straight from the trades, with nothing kept in between.
    fn slow(trades: &[Trade], interval: Interval, now: Timestamp) -> Vec<Candle> {
        let (mut candles, mut close) = (Vec::new(), Price(0));
        let Some(first) = trades.first() else { return candles };
        let mut open_time = interval.open(first.time);
        while open_time <= now {
            let next = interval.next(open_time);
            let inside: Vec<&Trade> =
                trades.iter().filter(|trade| open_time <= trade.time && trade.time < next).collect();
            let mut candle =
                Candle { open_time, open: close, high: close, low: close, close, ..Candle::default() };
            if let (Some(first), Some(last)) = (inside.first(), inside.last()) {
                (candle.open, candle.close) = (first.price, last.price);
                candle.high = inside.iter().map(|trade| trade.price).max().unwrap();
                candle.low = inside.iter().map(|trade| trade.price).min().unwrap();
                (candle.first_trade, candle.last_trade) = (first.id, last.id);
                candle.trades = inside.len() as u64;
                for trade in inside {
                    candle.volume += u128::from(trade.quantity.0);
                    candle.notional += trade.notional;
                    if trade.taker_side == Side::Buy {
                        candle.taker_buy_volume += u128::from(trade.quantity.0);
                        candle.taker_buy_notional += trade.notional;
                    }
                }
                close = candle.close;
            }
            candles.push(candle);
            open_time = next;
        }
        candles
    }

    #[test]
    fn a_minute_without_a_trade_has_the_price_of_the_one_before() {
        let mut candles = Candles::new(&ViewOptions::default());
        candles.add(&trade(1, 10 * MINUTE, 100, 5, Side::Buy));
        candles.add(&trade(2, 10 * MINUTE + 1, 90, 5, Side::Sell));
        candles.add(&trade(3, 13 * MINUTE, 95, 1, Side::Sell));
        let now = Timestamp(14 * MINUTE);
        let list = candles.list(Interval::Minute1, newest(10), now);
        let closes: Vec<u32> = list.iter().map(|candle| candle.close.0).collect();
        assert_eq!(closes, [90, 90, 90, 95, 95]);
        assert_eq!((list[1].open, list[1].trades, list[1].first_trade), (Price(90), 0, 0));
        assert_eq!((list[0].high, list[0].taker_buy_volume, list[0].volume), (Price(100), 5, 10));
        // Only what began in the range; from the start on, or the newest.
        let opens = |range| -> Vec<u64> {
            candles
                .list(Interval::Minute1, range, now)
                .iter()
                .map(|candle| candle.open_time.0 / MINUTE)
                .collect()
        };
        let (start, end) = (Some(Timestamp(10 * MINUTE + 1)), Some(Timestamp(13 * MINUTE + 5)));
        assert_eq!(opens(Range { start, limit: 2, ..Range::default() }), [11, 12]);
        assert_eq!(opens(Range { start, end, limit: 9, ..Range::default() }), [11, 12, 13]);
        assert_eq!(opens(Range { end, limit: 2, ..Range::default() }), [12, 13]);
        assert_eq!(opens(newest(0)), [0; 0]);
        assert_eq!(opens(Range { start: Some(Timestamp(u64::MAX)), limit: 5, ..Range::default() }), [0; 0]);
        assert_eq!(opens(Range { end: Some(Timestamp(0)), limit: 5, ..Range::default() }), [0; 0]);
    }

    #[test]
    fn a_day_begins_24_hours_ago_and_knows_the_price_before() {
        let mut candles = Candles::new(&ViewOptions::default());
        assert_eq!(candles.day(Timestamp(5)).candle.trades, 0);
        candles.add(&trade(1, 0, 100, 1, Side::Buy));
        candles.add(&trade(2, DAY, 110, 1, Side::Buy));
        let day = candles.day(Timestamp(DAY + MINUTE));
        assert_eq!((day.candle.open, day.candle.trades, day.previous_close), (Price(110), 1, Price(100)));
        let day = candles.day(Timestamp(3 * DAY));
        assert_eq!((day.candle.open, day.candle.trades, day.previous_close), (Price(110), 0, Price(110)));
    }

    #[test]
    fn what_is_beyond_the_limit_is_forgotten() {
        let options = ViewOptions { minutes: 3, ..ViewOptions::default() };
        let mut candles = Candles::new(&options);
        (0..10).for_each(|minute| candles.add(&trade(minute + 1, minute * MINUTE, 1, 1, Side::Buy)));
        assert_eq!(candles.list(Interval::Minute1, newest(99), Timestamp(9 * MINUTE)).len(), 3);
        assert_eq!(candles.list(Interval::Minute5, newest(99), Timestamp(9 * MINUTE)).len(), 0);
        assert_eq!(candles.list(Interval::Hour1, newest(99), Timestamp(9 * MINUTE))[0].trades, 10);
    }

    proptest! {
        #[test]
        fn candles_of_every_length_are_those_of_the_trades(
            steps in proptest::collection::vec((0..5_000_000_000u64, 1..100u32, 1..9u64, any::<bool>()), 1..40),
        ) {
            let mut candles = Candles::new(&ViewOptions::default());
            let (mut time, mut trades) = (1_767_623_400_000_000, Vec::new());
            for (id, (step, price, quantity, buy)) in (1..).zip(steps) {
                time += step * u64::from(price % 3);
                trades.push(trade(id, time, price, quantity, if buy { Side::Buy } else { Side::Sell }));
                candles.add(trades.last().unwrap());
            }
            let now = Timestamp(time + 100 * MINUTE);
            for interval in Interval::ALL {
                let expected = slow(&trades, interval, now);
                let limit = expected.len().min(500);
                prop_assert_eq!(candles.list(interval, newest(500), now), &expected[expected.len() - limit..]);
            }
        }
    }
}
