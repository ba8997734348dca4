//! A market's trades, and those of one taker at one price as one.

use std::collections::VecDeque;

use types::{Fill, OrderId, Price};

use super::options::ViewOptions;
use super::orders::Now;
use super::selection::{self, Numbered};
use super::{AggregateTrade, Range, Trade};

/// The newest trades of a market.
pub(super) struct Trades {
    list: VecDeque<Trade>,
    aggregates: VecDeque<AggregateTrade>,
    limit: usize,
    /// What the last aggregate trade is of: command, taker, price.
    of: Option<(u64, OrderId, Price)>,
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
            of: None,
            last: 0,
            last_aggregate: 0,
        }
    }

    /// Numbers a fill and keeps it. `tick` is what a tick of price is worth for a lot.
    pub fn add(&mut self, fill: &Fill, tick: u64, now: Now) -> Trade {
        self.last += 1;
        let of = Some((now.sequence, fill.taker, fill.price));
        let goes_on = std::mem::replace(&mut self.of, of) == of;
        match self.aggregates.back_mut().filter(|_| goes_on) {
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

#[cfg(test)]
mod tests {
    use types::{AccountId, MarketId, Quanta, Quantity, Side, Timestamp};

    use super::*;

    fn add(trades: &mut Trades, sequence: u64, price: u32) {
        let fill = Fill {
            market: MarketId(0),
            taker_side: Side::Buy,
            maker: OrderId(1),
            taker: OrderId(9),
            maker_account: AccountId(1),
            taker_account: AccountId(2),
            price: Price(price),
            quantity: Quantity(3),
            maker_fee: 0,
            taker_fee: Quanta(0),
        };
        // Two commands at one time are still two.
        trades.add(&fill, 10, Now { sequence, time: Timestamp(sequence / 2) });
    }

    #[test]
    fn fills_of_a_command_at_a_price_are_one_aggregate_trade() {
        let mut trades = Trades::new(&ViewOptions { trades: 5, ..ViewOptions::default() });
        for (sequence, price) in [(5, 7), (5, 7), (5, 8), (6, 8), (6, 8), (7, 8)] {
            add(&mut trades, sequence, price);
        }
        let of = |range| -> Vec<(u64, u64, u64, u64)> {
            let list = trades.select_aggregates(range);
            list.iter().map(|one| (one.id, one.quantity.0, one.first, one.last)).collect()
        };
        let expected = [(1, 6, 1, 2), (2, 3, 3, 3), (3, 6, 4, 5), (4, 3, 6, 6)];
        assert_eq!(of(Range { limit: 9, ..Range::default() }), expected);
        assert_eq!(of(Range { limit: 2, ..Range::default() }), expected[2..]);
        assert_eq!(of(Range { from: Some(2), limit: 2, ..Range::default() }), expected[1..3]);
        let kept = trades.select(Range { limit: 9, ..Range::default() });
        assert_eq!(
            kept.iter().map(|trade| (trade.id, trade.aggregate)).collect::<Vec<_>>(),
            [(2, 1), (3, 2), (4, 3), (5, 3), (6, 4)]
        );
        assert_eq!(trades.last().unwrap().notional, 8 * 10 * 3);
    }
}
