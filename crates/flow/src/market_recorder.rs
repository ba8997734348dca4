//! What a market looked like over time, for pictures: sampled from its events in bounded memory.
//!
//! An event costs an array access. Samples are taken at equal distances; when there are twice as many as wanted,
//! every second one goes and the distance doubles, so a flow of any length ends with between one and two times
//! the wanted number.

use types::{Event, MarketId, Price, Quantity, Side, Timestamp};

/// One trade, as a point in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradePoint {
    /// When.
    pub timestamp: Timestamp,
    /// At what price.
    pub price: Price,
    /// How much.
    pub quantity: Quantity,
}

/// The quantity that rests at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepthLevel {
    /// The price.
    pub price: Price,
    /// How much rests there.
    pub quantity: Quantity,
}

/// A market at the end of an interval, and what happened in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketSample {
    /// The end of the interval.
    pub timestamp: Timestamp,
    /// The last trade's price; zero before the first.
    pub last: Price,
    /// The best bids, best first, at most [`MarketRecorder::DEPTH`].
    pub bids: Vec<DepthLevel>,
    /// The best asks, best first, at most [`MarketRecorder::DEPTH`].
    pub asks: Vec<DepthLevel>,
    /// Lots bought by takers.
    pub bought: u64,
    /// Lots sold by takers.
    pub sold: u64,
    /// The largest trade in which the taker bought.
    pub largest_buy: Option<TradePoint>,
    /// The largest trade in which the taker sold.
    pub largest_sell: Option<TradePoint>,
}

impl MarketSample {
    /// The best bid.
    #[must_use]
    pub fn bid(&self) -> Option<Price> {
        self.bids.first().map(|level| level.price)
    }

    /// The best ask.
    #[must_use]
    pub fn ask(&self) -> Option<Price> {
        self.asks.first().map(|level| level.price)
    }

    /// What happened in this interval and the one before it, as one.
    fn absorb(&mut self, earlier: &Self) {
        self.bought += earlier.bought;
        self.sold += earlier.sold;
        self.largest_buy = larger(earlier.largest_buy, self.largest_buy);
        self.largest_sell = larger(earlier.largest_sell, self.largest_sell);
    }
}

/// A market's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketHistory {
    /// Which market.
    pub market: MarketId,
    /// In time.
    pub samples: Vec<MarketSample>,
    /// Trades.
    pub trades: u64,
    /// Lots traded.
    pub volume: u128,
    /// Ticks times lots traded.
    pub notional: u128,
    /// The first trade's price.
    pub first: Option<Price>,
    /// The highest trade's.
    pub high: Option<Price>,
    /// The lowest trade's.
    pub low: Option<Price>,
    /// The last trade's.
    pub last: Option<Price>,
}

/// Records all markets.
#[derive(Debug)]
pub struct MarketRecorder {
    wanted: usize,
    interval: u64,
    /// When the next sample is due; zero before anything rested.
    due: u64,
    last: Timestamp,
    markets: Vec<Recorded>,
}

#[derive(Debug)]
struct Recorded {
    history: MarketHistory,
    bids: Levels,
    asks: Levels,
    current: MarketSample,
}

/// The quantity at each price of one side.
#[derive(Debug)]
struct Levels {
    side: Side,
    quantities: Vec<u64>,
    /// No occupied price is better.
    bound: usize,
}

impl MarketRecorder {
    /// Levels of each side in a sample.
    pub const DEPTH: usize = 160;
    /// No level further from the best than this many ticks is in a sample.
    const REACH: usize = 2_048;
    /// The shortest interval, in microseconds.
    const FIRST_INTERVAL: u64 = 1_000;

    /// Ends with `wanted` to twice as many samples, for flows that are long enough.
    #[must_use]
    pub fn new(wanted: usize) -> Self {
        Self {
            wanted: wanted.max(2),
            interval: Self::FIRST_INTERVAL,
            due: 0,
            last: Timestamp(0),
            markets: Vec::new(),
        }
    }

    /// Before the events of each command: its time.
    #[inline]
    pub fn advance(&mut self, now: Timestamp) {
        if now.0 >= self.due && self.due != 0 {
            self.sample_until(now);
        }
        self.last = now;
    }

    /// One event, in order.
    #[inline]
    pub fn event(&mut self, event: &Event) {
        match *event {
            Event::Fill(fill) => {
                let now = self.last;
                let recorded = self.market(fill.market);
                recorded.levels(fill.taker_side.opposite()).take(fill.price, fill.quantity);
                recorded.trade(now, fill.taker_side, fill.price, fill.quantity);
            }
            Event::Rested { market, side, price, quantity, .. } => {
                self.market(market).levels(side).add(price, quantity);
                if self.due == 0 {
                    self.due = self.last.0 + self.interval;
                }
            }
            Event::Replaced { market, old_price, old_quantity, quantity, kept_place, .. } => {
                let gone = if kept_place { old_quantity.0 - quantity.0 } else { old_quantity.0 };
                let recorded = self.market(market);
                // A price is never on both sides at once.
                let side = if recorded.bids.has(old_price) { Side::Buy } else { Side::Sell };
                recorded.levels(side).take(old_price, Quantity(gone));
            }
            Event::Cancelled { market, side, price, quantity, resting: true, .. } => {
                self.market(market).levels(side).take(price, quantity);
            }
            _ => {}
        }
    }

    /// The histories of all markets that had any order, after a last sample.
    #[must_use]
    pub fn finish(mut self) -> Vec<MarketHistory> {
        for recorded in &mut self.markets {
            recorded.sample(self.last);
        }
        self.markets.into_iter().map(|recorded| recorded.history).collect()
    }

    #[cold]
    fn sample_until(&mut self, now: Timestamp) {
        while now.0 >= self.due {
            for recorded in &mut self.markets {
                recorded.sample(Timestamp(self.due));
            }
            if self.markets.first().is_some_and(|recorded| recorded.history.samples.len() >= 2 * self.wanted)
            {
                self.interval = self.interval.saturating_mul(2);
                self.markets.iter_mut().for_each(Recorded::halve);
            }
            self.due = self.due.saturating_add(self.interval);
            if self.due == u64::MAX {
                return;
            }
        }
    }

    #[inline]
    fn market(&mut self, market: MarketId) -> &mut Recorded {
        let at = usize::from(market.0);
        if at >= self.markets.len() {
            self.add_markets(at);
        }
        &mut self.markets[at]
    }

    #[cold]
    fn add_markets(&mut self, up_to: usize) {
        let times: Vec<Timestamp> = self
            .markets
            .first()
            .map(|first| first.history.samples.iter().map(|sample| sample.timestamp).collect())
            .unwrap_or_default();
        while self.markets.len() <= up_to {
            let market = MarketId(self.markets.len() as u16);
            self.markets.push(Recorded::new(market, &times));
        }
    }
}

impl Recorded {
    /// A market that was empty at these times.
    fn new(market: MarketId, times: &[Timestamp]) -> Self {
        let empty = |timestamp: &Timestamp| MarketSample { timestamp: *timestamp, ..MarketSample::default() };
        Self {
            history: MarketHistory {
                market,
                samples: times.iter().map(empty).collect(),
                trades: 0,
                volume: 0,
                notional: 0,
                first: None,
                high: None,
                low: None,
                last: None,
            },
            bids: Levels { side: Side::Buy, quantities: Vec::new(), bound: 0 },
            asks: Levels { side: Side::Sell, quantities: Vec::new(), bound: 0 },
            current: MarketSample::default(),
        }
    }

    #[inline]
    fn levels(&mut self, side: Side) -> &mut Levels {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn trade(&mut self, timestamp: Timestamp, taker: Side, price: Price, quantity: Quantity) {
        let history = &mut self.history;
        history.trades += 1;
        history.volume += u128::from(quantity.0);
        history.notional += u128::from(quantity.0) * u128::from(price.0);
        history.first = history.first.or(Some(price));
        history.high = history.high.max(Some(price));
        history.low = Some(history.low.map_or(price, |low| low.min(price)));
        history.last = Some(price);
        self.current.last = price;
        let point = Some(TradePoint { timestamp, price, quantity });
        match taker {
            Side::Buy => {
                self.current.bought += quantity.0;
                self.current.largest_buy = larger(self.current.largest_buy, point);
            }
            Side::Sell => {
                self.current.sold += quantity.0;
                self.current.largest_sell = larger(self.current.largest_sell, point);
            }
        }
    }

    fn sample(&mut self, timestamp: Timestamp) {
        let last = self.current.last;
        let mut sample = std::mem::take(&mut self.current);
        sample.timestamp = timestamp;
        sample.bids = self.bids.best();
        sample.asks = self.asks.best();
        self.history.samples.push(sample);
        self.current.last = last;
    }

    /// Two intervals become one.
    fn halve(&mut self) {
        let samples = std::mem::take(&mut self.history.samples);
        let mut pairs = samples.into_iter();
        while let Some(first) = pairs.next() {
            self.history.samples.push(match pairs.next() {
                Some(mut second) => {
                    second.absorb(&first);
                    second
                }
                None => first,
            });
        }
    }
}

impl Levels {
    #[inline]
    fn add(&mut self, price: Price, quantity: Quantity) {
        let at = price.0 as usize;
        if at >= self.quantities.len() {
            self.quantities.resize((at + 1).next_power_of_two(), 0);
        }
        self.quantities[at] += quantity.0;
        let better = match self.side {
            Side::Buy => at > self.bound,
            Side::Sell => at < self.bound,
        };
        if better || self.bound == 0 {
            self.bound = at;
        }
    }

    #[inline]
    fn take(&mut self, price: Price, quantity: Quantity) {
        if let Some(level) = self.quantities.get_mut(price.0 as usize) {
            *level = level.saturating_sub(quantity.0);
        }
    }

    fn has(&self, price: Price) -> bool {
        self.quantities.get(price.0 as usize).is_some_and(|quantity| *quantity != 0)
    }

    /// The best levels, best first.
    fn best(&mut self) -> Vec<DepthLevel> {
        let end = self.quantities.len();
        let occupied = |at: &usize| self.quantities[*at] != 0;
        let best = match self.side {
            Side::Buy => (0..end.min(self.bound + 1)).rev().find(occupied),
            Side::Sell => (self.bound..end).find(occupied),
        };
        self.bound = best.unwrap_or(0);
        let Some(best) = best else { return Vec::new() };
        let level =
            |at: usize| DepthLevel { price: Price(at as u32), quantity: Quantity(self.quantities[at]) };
        let kept = MarketRecorder::DEPTH;
        match self.side {
            Side::Buy => {
                let lowest = best.saturating_sub(MarketRecorder::REACH);
                (lowest..=best).rev().filter(occupied).take(kept).map(level).collect()
            }
            Side::Sell => {
                let highest = end.min(best + MarketRecorder::REACH);
                (best..highest).filter(occupied).take(kept).map(level).collect()
            }
        }
    }
}

/// The larger of two trades, the earlier one if they are equal.
fn larger(earlier: Option<TradePoint>, later: Option<TradePoint>) -> Option<TradePoint> {
    match (earlier, later) {
        (Some(earlier), Some(later)) if later.quantity > earlier.quantity => Some(later),
        (Some(earlier), _) => Some(earlier),
        (None, later) => later,
    }
}
