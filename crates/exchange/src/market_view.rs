//! A market as its feeds show it: kept from a snapshot of the book and the events since.

use std::collections::{BTreeMap, HashMap};

use rules::Order;
use types::{Event, OrderId, Price, Quantity, Side};

use crate::feeds::FeedUpdate;

/// The quantity at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Of the book.
    pub side: Side,
    /// In ticks.
    pub price: Price,
    /// In lots; zero when the level is gone.
    pub quantity: Quantity,
}

/// The state of a market in a line. Volumes count from the first subscription on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticker {
    /// The last trade's price; zero before the first.
    pub last: Price,
    /// The highest bid; zero without.
    pub bid: Price,
    /// The lowest ask; zero without.
    pub ask: Price,
    /// Lots traded.
    pub volume: u128,
    /// Trades.
    pub trades: u64,
}

#[derive(Default)]
pub(crate) struct MarketView {
    orders: HashMap<OrderId, Resting>,
    bids: BTreeMap<Price, u64>,
    asks: BTreeMap<Price, u64>,
    last: Price,
    volume: u128,
    trades: u64,
    shown_best: Option<FeedUpdate>,
    shown_ticker: Option<Ticker>,
}

struct Resting {
    side: Side,
    price: Price,
    quantity: u64,
}

impl MarketView {
    /// Begins again from these orders.
    pub fn reset(&mut self, book: &[Order]) {
        self.orders.clear();
        self.bids.clear();
        self.asks.clear();
        for order in book {
            self.add(order.id, order.side, order.price, order.quantity.0);
        }
        self.shown_best = Some(self.best());
        self.shown_ticker = Some(self.ticker());
    }

    /// Whether an event changes what rests on the book.
    pub fn changes_book(event: &Event) -> bool {
        matches!(event, Event::Fill(_) | Event::Rested { .. } | Event::Replaced { .. })
            || matches!(event, Event::Cancelled { resting: true, .. })
    }

    /// Applies an event; the levels that changed.
    pub fn apply(&mut self, event: &Event) -> [Option<Level>; 2] {
        match *event {
            Event::Fill(fill) => {
                self.last = fill.price;
                self.volume += u128::from(fill.quantity.0);
                self.trades += 1;
                [self.reduce(fill.maker, fill.quantity.0), None]
            }
            Event::Rested { order, side, price, quantity, .. } => {
                [Some(self.add(order, side, price, quantity.0)), None]
            }
            Event::Replaced { order, old_quantity, quantity, kept_place, .. } => {
                // An order that lost its place comes back with its own event.
                let gone = if kept_place { old_quantity.0 - quantity.0 } else { old_quantity.0 };
                [self.reduce(order, gone), None]
            }
            Event::Cancelled { order, quantity, resting: true, .. } => [self.reduce(order, quantity.0), None],
            _ => [None, None],
        }
    }

    fn add(&mut self, order: OrderId, side: Side, price: Price, quantity: u64) -> Level {
        self.orders.insert(order, Resting { side, price, quantity });
        let level = self.levels(side).entry(price).or_default();
        *level += quantity;
        Level { side, price, quantity: Quantity(*level) }
    }

    fn reduce(&mut self, order: OrderId, quantity: u64) -> Option<Level> {
        let resting = self.orders.get_mut(&order)?;
        let (side, price) = (resting.side, resting.price);
        resting.quantity = resting.quantity.saturating_sub(quantity);
        if resting.quantity == 0 {
            self.orders.remove(&order);
        }
        let levels = self.levels(side);
        let level = levels.get_mut(&price)?;
        *level = level.saturating_sub(quantity);
        let left = *level;
        if left == 0 {
            levels.remove(&price);
        }
        Some(Level { side, price, quantity: Quantity(left) })
    }

    fn levels(&mut self, side: Side) -> &mut BTreeMap<Price, u64> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    pub fn best(&self) -> FeedUpdate {
        let level =
            |entry: Option<(&Price, &u64)>| entry.map(|(price, quantity)| (*price, Quantity(*quantity)));
        FeedUpdate::Best { bid: level(self.bids.last_key_value()), ask: level(self.asks.first_key_value()) }
    }

    pub fn best_if_changed(&mut self) -> Option<FeedUpdate> {
        let best = self.best();
        (self.shown_best.as_ref() != Some(&best)).then(|| {
            self.shown_best = Some(best.clone());
            best
        })
    }

    pub fn ticker(&self) -> Ticker {
        Ticker {
            last: self.last,
            bid: self.bids.last_key_value().map(|level| *level.0).unwrap_or_default(),
            ask: self.asks.first_key_value().map(|level| *level.0).unwrap_or_default(),
            volume: self.volume,
            trades: self.trades,
        }
    }

    pub fn ticker_if_changed(&mut self) -> Option<Ticker> {
        let ticker = self.ticker();
        (self.shown_ticker != Some(ticker)).then(|| {
            self.shown_ticker = Some(ticker);
            ticker
        })
    }

    pub fn l2_snapshot(&self) -> FeedUpdate {
        let pair = |(price, quantity): (&Price, &u64)| (*price, Quantity(*quantity));
        FeedUpdate::L2Snapshot {
            bids: self.bids.iter().rev().map(pair).collect(),
            asks: self.asks.iter().map(pair).collect(),
        }
    }
}
