//! The crate `orderbook-rs`: a lock-free book for many threads, here driven by one. No balances, risk or fees.

use orderbook_rs::{Id, OrderBook, OrderBookError, OrderType, Side, TimeInForce, TimestampMs, TradeResult};
use pricelevel::{Hash32, Price, Quantity};

use crate::engine::Engine;
use crate::workload::{Operation, Workload};

/// [`OrderBook`] under test.
pub struct OrderbookRsEngine {
    book: OrderBook<()>,
    prepared: u64,
    filled: u64,
    refused: u64,
}

/// An operation in that crate's words.
pub enum PeerCommand {
    /// A limit order.
    Add(OrderType<()>),
    /// A cancellation.
    Cancel(Id),
}

impl OrderbookRsEngine {
    fn count(&mut self, trades: Option<&TradeResult>) {
        let quantity = trades.map(|trades| trades.match_result.executed_quantity());
        self.filled += quantity.and_then(Result::ok).map_or(0, |quantity| quantity.as_u64());
    }
}

impl Engine for OrderbookRsEngine {
    type Command = PeerCommand;

    const NAME: &'static str = "orderbook-rs 0.15, bare book";

    fn new(_: &Workload) -> Self {
        Self { book: OrderBook::new("BENCH"), prepared: 0, filled: 0, refused: 0 }
    }

    fn prepare(&mut self, _: &Workload, group: &[Operation], commands: &mut Vec<PeerCommand>) {
        for operation in group {
            let (side, price, quantity, time_in_force) = match *operation {
                Operation::Add { side, price, quantity } => (side, price, quantity, TimeInForce::Gtc),
                Operation::Cross { side, price, quantity } => (side, price, quantity, TimeInForce::Ioc),
                Operation::Cancel { order } => {
                    commands.push(PeerCommand::Cancel(Id::from_u64(order.into())));
                    continue;
                }
            };
            commands.push(PeerCommand::Add(OrderType::Standard {
                id: Id::from_u64(self.prepared),
                price: Price::new(price.0.into()),
                quantity: Quantity::new(quantity.0),
                side: if side == types::Side::Buy { Side::Buy } else { Side::Sell },
                user_id: Hash32::zero(),
                timestamp: TimestampMs::new(0),
                time_in_force,
                extra_fields: (),
            }));
            self.prepared += 1;
        }
    }

    #[inline]
    fn apply(&mut self, command: &PeerCommand) {
        match command {
            PeerCommand::Add(order) => match self.book.add_order_with_committed(*order) {
                Ok((_, trades)) => self.count(trades.as_ref()),
                Err(failure) => {
                    // What is left of an immediate order comes back as an error beside its trades.
                    self.count(failure.committed.as_deref());
                    let left = matches!(failure.error, OrderBookError::InsufficientLiquidity { .. });
                    self.refused += u64::from(!left);
                }
            },
            PeerCommand::Cancel(id) => {
                self.refused += u64::from(!matches!(self.book.cancel_order(*id), Ok(Some(_))));
            }
        }
    }

    fn filled(&self) -> u64 {
        self.filled
    }

    fn refused(&self) -> u64 {
        self.refused
    }
}
