//! What a session has not told yet, from what the view knows: after a restart, or when the session was too slow.

use types::{OrderId, Quantity};

use super::known::{Known, Told};
use crate::view::{Execution, History, Order, OrderStatus, Trade};

/// Something to tell: an order as it was after it, what it was, and the command that did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missed {
    pub order: Order,
    /// `None` when only the result is known: the view has forgotten the trades.
    pub execution: Option<Execution>,
    pub sequence: u64,
}

/// All that was not told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct All {
    /// In order.
    pub list: Vec<Missed>,
    /// Orders that were open, and of which the view knows nothing any more.
    pub vanished: Vec<OrderId>,
    /// Whether there may have been orders that the view has forgotten altogether.
    pub forgotten: bool,
}

/// All that a history says and a session has not told.
pub(super) fn missed(history: &History, known: &Known) -> All {
    let mut all = All { forgotten: history.forgotten > known.cursor, ..All::default() };
    for (id, told) in known.open() {
        match history.orders.binary_search_by_key(&id, |order| order.id) {
            Ok(at) => tell(&history.orders[at], Some(told), &history.trades, &mut all.list),
            Err(_) => all.vanished.push(id),
        }
    }
    for order in &history.orders {
        if order.sequence > known.cursor && !known.is_open(order.id) {
            tell(order, None, &history.trades, &mut all.list);
        }
    }
    all.vanished.sort_unstable();
    // Orders in turn, each in its own order.
    all.list.sort_by_key(|missed| missed.sequence);
    all
}

/// What one order went through since it was told of.
fn tell(now: &Order, told: Option<&Told>, trades: &[Trade], list: &mut Vec<Missed>) {
    let of =
        |trade: &&Trade| trade.market == now.market && (trade.maker.0 == now.id || trade.taker.0 == now.id);
    let trades: Vec<&Trade> = trades.iter().filter(of).collect();
    let mut order = beginning(now);
    match told {
        None => list.push(Missed { order, execution: Some(Execution::New), sequence: now.sequence }),
        Some(told) => {
            // Between which trades it was replaced is not known; it is told first, with the terms of now.
            if told.price != now.price.0 || told.quantity != now.quantity.0 {
                order.executed = Quantity(told.executed);
                let execution = Some(Execution::Replaced);
                list.push(Missed { order, execution, sequence: now.updated_sequence });
            }
        }
    }
    let done = told.map_or(0, |told| told.executed);
    let fee = |trade: &Trade| match trade.maker.0 == now.id {
        true => i128::from(trade.maker_fee),
        false => trade.taker_fee.0.into(),
    };
    // The order as it was after the oldest trades, which the view may have forgotten.
    let remembered: u64 = trades.iter().map(|trade| trade.quantity.0).sum();
    order.executed = Quantity(now.executed.0.saturating_sub(remembered));
    let notional: u128 = trades.iter().map(|trade| trade.notional).sum();
    order.executed_notional = now.executed_notional.saturating_sub(notional);
    order.fees = now.fees - trades.iter().map(|trade| fee(trade)).sum::<i128>();
    let status = |executed: Quantity| match now.status == OrderStatus::Filled && executed == now.executed {
        true => OrderStatus::Filled,
        false => OrderStatus::PartiallyFilled,
    };
    if order.executed.0 > done {
        order.status = status(order.executed);
        let sequence = trades.first().map_or(now.updated_sequence, |trade| trade.sequence);
        list.push(Missed { order, execution: None, sequence });
    }
    for trade in trades {
        order.executed.0 += trade.quantity.0;
        order.executed_notional += trade.notional;
        order.fees += fee(trade);
        (order.updated, order.updated_sequence) = (trade.time, trade.sequence);
        order.status = status(order.executed);
        if order.executed.0 > done {
            let execution = Some(Execution::Trade(*trade, trade.maker.0 == now.id));
            list.push(Missed { order, execution, sequence: trade.sequence });
        }
    }
    let execution = match now.status {
        OrderStatus::Canceled => Execution::Canceled,
        OrderStatus::Expired | OrderStatus::ExpiredInMatch => Execution::Expired,
        OrderStatus::New | OrderStatus::PartiallyFilled | OrderStatus::Filled => return,
    };
    list.push(Missed { order: *now, execution: Some(execution), sequence: now.updated_sequence });
}

/// The order before anything happened to it, with the terms of now.
fn beginning(now: &Order) -> Order {
    Order {
        executed: Quantity(0),
        executed_notional: 0,
        fees: 0,
        status: OrderStatus::New,
        reason: None,
        updated: now.time,
        updated_sequence: now.sequence,
        ..*now
    }
}

#[cfg(test)]
mod tests {
    use types::{
        AccountId, ClientOrderId, MarketId, OrderType, Price, Quanta, SelfTrade, Side, TimeInForce, Timestamp,
    };

    use super::*;
    use crate::view::OrderTerms;

    const ACCOUNT: AccountId = AccountId(1);

    /// Of this market, placed by this command, for ten lots.
    fn order(id: u64, market: u16, sequence: u64) -> Order {
        Order {
            id: OrderId(id),
            client_id: ClientOrderId(id),
            market: MarketId(market),
            account: ACCOUNT,
            side: Side::Buy,
            terms: OrderTerms {
                order_type: OrderType::Limit { price: Price(5), quantity: Quantity(10) },
                time_in_force: TimeInForce::Gtc,
                post_only: false,
                self_trade: SelfTrade::default(),
                trigger: None,
            },
            price: Price(5),
            quantity: Quantity(10),
            executed: Quantity(0),
            prevented: Quantity(0),
            executed_notional: 0,
            fees: 0,
            status: OrderStatus::New,
            reason: None,
            waiting: false,
            time: Timestamp(sequence),
            updated: Timestamp(sequence),
            sequence,
            updated_sequence: sequence,
        }
    }

    fn traded(order: Order, lots: u64, sequence: u64) -> Order {
        let executed = Quantity(lots);
        let status =
            if executed == order.quantity { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        Order {
            executed,
            executed_notional: 5 * u128::from(lots),
            status,
            updated_sequence: sequence,
            ..order
        }
    }

    fn trade(id: u64, of: OrderId, lots: u64, sequence: u64) -> Trade {
        Trade {
            market: MarketId(0),
            id,
            sequence,
            time: Timestamp(sequence),
            price: Price(5),
            quantity: Quantity(lots),
            notional: 5 * u128::from(lots),
            taker_side: Side::Sell,
            maker: (of, ACCOUNT),
            taker: (OrderId(1_000 + id), AccountId(2)),
            maker_fee: 0,
            taker_fee: Quanta(0),
            aggregate: id,
        }
    }

    fn told(list: &[Missed]) -> Vec<(u64, u64, Option<&'static str>, u64)> {
        let brief = |missed: &Missed| {
            let what = missed.execution.map(|execution| match execution {
                Execution::New => "new",
                Execution::Trade(..) => "trade",
                Execution::Replaced => "replaced",
                Execution::Canceled => "cancelled",
                _ => "other",
            });
            (missed.sequence, missed.order.id.0, what, missed.order.executed.0)
        };
        list.iter().map(brief).collect()
    }

    /// Everything up to this command was told, and that these orders are open.
    fn known(cursor: u64, open: &[Order]) -> Known {
        let mut known = Known::default();
        open.iter().for_each(|order| drop(known.tell(order, None)));
        known.reached(cursor);
        known
    }

    #[test]
    fn orders_are_told_whatever_their_numbers_and_markets() {
        // One with a lower number than one that was told of already.
        let known = known(20, &[order(9, 1, 20)]);
        let orders = vec![order(7, 0, 21), order(9, 1, 20), traded(order(11, 0, 22), 10, 23)];
        let trades = vec![trade(1, OrderId(11), 10, 23)];
        let all = missed(&History { sequence: 23, orders, trades, forgotten: 20 }, &known);
        let expected = [(21, 7, Some("new"), 0), (22, 11, Some("new"), 0), (23, 11, Some("trade"), 10)];
        assert_eq!(told(&all.list), expected);
        assert!(all.vanished.is_empty() && !all.forgotten);
    }

    #[test]
    fn what_was_told_in_part_is_told_from_there() {
        let half = traded(order(7, 0, 5), 3, 8);
        let known = known(8, &[half]);
        let orders = vec![Order { price: Price(6), ..traded(half, 10, 12) }];
        let trades =
            vec![trade(1, OrderId(7), 3, 8), trade(2, OrderId(7), 4, 10), trade(3, OrderId(7), 3, 12)];
        let all = missed(&History { sequence: 12, orders, trades, forgotten: 0 }, &known);
        let expected = [(10, 7, Some("trade"), 7), (12, 7, Some("replaced"), 3), (12, 7, Some("trade"), 10)];
        assert_eq!(told(&all.list), expected);
        assert_eq!(all.list[2].order.status, OrderStatus::Filled);
    }

    #[test]
    fn what_is_forgotten_is_said() {
        let known = known(8, &[traded(order(7, 0, 5), 3, 8), order(8, 0, 6), order(9, 0, 7)]);
        // Of one the trades, of another everything, and more that nobody knows of.
        let orders = vec![traded(order(7, 0, 5), 10, 12), traded(order(9, 0, 7), 8, 30)];
        let trades = vec![trade(9, OrderId(9), 2, 30)];
        let history = History { sequence: 30, orders, trades, forgotten: 20 };
        let all = missed(&history, &known);
        assert_eq!(told(&all.list), [(12, 7, None, 10), (30, 9, None, 6), (30, 9, Some("trade"), 8)]);
        assert_eq!(all.list[0].order.status, OrderStatus::Filled);
        assert_eq!(all.vanished, [OrderId(8)]);
        assert!(all.forgotten);
        // All of it is over then.
        let mut after = known;
        all.list.iter().for_each(|missed| drop(after.tell(&missed.order, None)));
        after.forget(OrderId(8));
        after.reached(30);
        assert_eq!(missed(&history, &after), All::default());
    }
}
