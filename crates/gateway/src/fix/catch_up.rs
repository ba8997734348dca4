//! What a session has not told yet, from what the view knows: after a restart, or when the session was too slow.

use types::{AccountId, MarketId, OrderId, Quantity};

use super::known::{Known, Told};
use crate::view::{Execution, MAX_ANSWER, Order, OrderStatus, Range, Trade, View};

/// Something to tell: an order as it was after it, what it was, and the command that did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missed {
    pub order: Order,
    pub execution: Execution,
    pub sequence: u64,
}

/// All that was not told, in order; and orders that were open, of which the view knows nothing any more.
pub(super) fn missed(view: &View, account: AccountId, known: &Known) -> (Vec<Missed>, Vec<OrderId>) {
    let (mut list, mut forgotten) = (Vec::new(), Vec::new());
    for (id, told) in known.open() {
        match view.order_by_id(id) {
            Some(order) => tell(&order, Some(told), &trades_of(view, account, &order), &mut list),
            None => forgotten.push(id),
        }
    }
    let from = Some(known.highest.0 + 1);
    for market in view.markets() {
        let range = Range { from, limit: MAX_ANSWER, ..Range::default() };
        let orders = view.orders(account, market.id, range);
        for order in orders.iter().filter(|order| order.sequence > known.cursor) {
            tell(order, None, &trades_of(view, account, order), &mut list);
        }
    }
    // Orders in turn, each in its own order.
    list.sort_by_key(|missed| missed.sequence);
    (list, forgotten)
}

/// The newest order of an account.
pub(super) fn highest(view: &View, account: AccountId) -> OrderId {
    let newest = |market: MarketId| {
        let orders = view.orders(account, market, Range { limit: 1, ..Range::default() });
        orders.last().map_or(OrderId(0), |order| order.id)
    };
    view.markets().iter().map(|market| newest(market.id)).max().unwrap_or_default()
}

fn trades_of(view: &View, account: AccountId, order: &Order) -> Vec<Trade> {
    let range = Range { limit: MAX_ANSWER, ..Range::default() };
    view.account_trades(account, order.market, Some(order.id), range)
}

/// What one order went through since it was told of.
fn tell(now: &Order, told: Option<&Told>, trades: &[Trade], list: &mut Vec<Missed>) {
    let mut order = beginning(now);
    match told {
        None => list.push(Missed { order, execution: Execution::New, sequence: now.sequence }),
        Some(told) => {
            // Between which trades it was replaced is not known; it is told first, with the terms of now.
            if told.price != now.price.0 || told.quantity != now.quantity.0 {
                order.executed = Quantity(told.executed);
                list.push(Missed { order, execution: Execution::Replaced, sequence: now.updated_sequence });
                order.executed = Quantity(0);
            }
        }
    }
    let done = told.map_or(0, |told| told.executed);
    // The view may have forgotten the oldest trades of an order; they are counted as told.
    let remembered: u64 = trades.iter().map(|trade| trade.quantity.0).sum();
    let forgotten = now.executed.0.saturating_sub(remembered);
    order.executed = Quantity(forgotten);
    let notional: u128 = trades.iter().map(|trade| trade.notional).sum();
    order.executed_notional = now.executed_notional.saturating_sub(notional);
    let fee = |trade: &Trade| match trade.maker.0 == now.id {
        true => i128::from(trade.maker_fee),
        false => trade.taker_fee.0.into(),
    };
    order.fees = now.fees - trades.iter().map(fee).sum::<i128>();
    for trade in trades {
        order.executed.0 += trade.quantity.0;
        order.executed_notional += trade.notional;
        order.fees += fee(trade);
        (order.updated, order.updated_sequence) = (trade.time, trade.sequence);
        let filled = now.status == OrderStatus::Filled && order.executed == now.executed;
        order.status = if filled { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        if order.executed.0 > done {
            let execution = Execution::Trade(*trade, trade.maker.0 == now.id);
            list.push(Missed { order, execution, sequence: trade.sequence });
        }
    }
    let execution = match now.status {
        OrderStatus::Canceled => Execution::Canceled,
        OrderStatus::Expired | OrderStatus::ExpiredInMatch => Execution::Expired,
        OrderStatus::New | OrderStatus::PartiallyFilled | OrderStatus::Filled => return,
    };
    list.push(Missed { order: *now, execution, sequence: now.updated_sequence });
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
