//! A market's trades, and those of one taker at one price as one.

use std::collections::VecDeque;

use types::{Fill, OrderId};

use super::options::ViewOptions;
use super::orders::Now;
use super::selection::{self, Numbered};
use super::{AggregateTrade, Range, Trade};

/// The newest trades of a market.
pub(super) struct Trades {
    list: VecDeque<Trade>,
    aggregates: VecDeque<AggregateTrade>,
    limit: usize,
    /// The taker of the last trade.
    taker: Option<OrderId>,
    /// The last trade's number.
    last: u64,
    /// The last aggregate trade's number.
    last_aggregate: u64,
}

impl Trades {
    pub fn new(options: &ViewOptions) -> Self {
        Self {
            list: VecDeque::new(),
            aggregates: VecDeque::new(),
            limit: options.trades.max(1),
            taker: None,
            last: 0,
            last_aggregate: 0,
        }
    }

    /// Numbers a fill and keeps it. `tick` is what a tick of price is worth for a lot.
    pub fn add(&mut self, fill: &Fill, tick: u64, now: Now) -> Trade {
        self.last += 1;
        let same = |last: &&mut AggregateTrade| last.time == now.time && last.price == fill.price;
        let goes_on = self.taker == Some(fill.taker);
        match self.aggregates.back_mut().filter(|last| goes_on && same(last)) {
            Some(last) => {
                last.quantity.0 += fill.quantity.0;
                last.last = self.last;
            }
            None => {
                self.last_aggregate += 1;
                if self.aggregates.len() == self.limit {
                    self.aggregates.pop_front();
                }
                self.aggregates.push_back(AggregateTrade {
                    id: self.last_aggregate,
                    price: fill.price,
                    quantity: fill.quantity,
                    first: self.last,
                    last: self.last,
                    time: now.time,
                    taker_side: fill.taker_side,
                });
            }
        }
        self.taker = Some(fill.taker);
        let trade = Trade {
            market: fill.market,
            id: self.last,
            sequence: now.sequence,
            time: now.time,
            price: fill.price,
            quantity: fill.quantity,
            notional: u128::from(fill.price.0) * u128::from(tick) * u128::from(fill.quantity.0),
            taker_side: fill.taker_side,
            maker: (fill.maker, fill.maker_account),
            taker: (fill.taker, fill.taker_account),
            maker_fee: fill.maker_fee,
            taker_fee: fill.taker_fee,
            aggregate: self.last_aggregate,
        };
        if self.list.len() == self.limit {
            self.list.pop_front();
        }
        self.list.push_back(trade);
        trade
    }

    /// The newest.
    pub fn last(&self) -> Option<&Trade> {
        self.list.back()
    }

    pub fn select(&self, range: Range) -> Vec<Trade> {
        selection::of_list(&self.list, range)
    }

    pub fn select_aggregates(&self, range: Range) -> Vec<AggregateTrade> {
        selection::of_list(&self.aggregates, range)
    }
}

impl Numbered for Trade {
    fn number(&self) -> u64 {
        self.id
    }

    fn time(&self) -> types::Timestamp {
        self.time
    }
}

impl Numbered for AggregateTrade {
    fn number(&self) -> u64 {
        self.id
    }

    fn time(&self) -> types::Timestamp {
        self.time
    }
}
