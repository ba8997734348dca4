//! Good till date.

use rules::MAX_EXPIRED_PER_COMMAND;
use types::{Breaker, CancelReason, Outcome, Reject, Side, Timestamp};

use crate::support::*;

#[test]
fn an_order_expires_at_the_first_command_at_or_after_its_time() {
    let mut exchange = Exchange::new();
    let end = exchange.now + 100;
    let order = exchange.place(ANN, buy(90, 1).gtd(end));
    let waiting = exchange.place(ANN, sell(50, 1).stop(60).gtd(end + 1));
    exchange.wait(99);
    assert_eq!(exchange.cancelled(), []);
    exchange.wait(1);
    assert_eq!(exchange.cancelled(), [(order, 1, CancelReason::Expired)]);
    exchange.wait(1);
    assert_eq!(exchange.cancelled(), [(waiting, 1, CancelReason::Expired)]);
    assert_eq!((exchange.free(ANN, USD), exchange.free(ANN, BTC)), (RICH, RICH));
}

#[test]
fn orders_expire_by_time_and_then_by_number() {
    let mut exchange = Exchange::new();
    let end = exchange.now + 100;
    let late = exchange.place(ANN, buy(90, 1).gtd(end + 1));
    let first = exchange.place(BOB, sell(95, 1).gtd(end));
    let second = exchange.place(ANN, buy(91, 1).gtd(end));
    exchange.replace(BOB, first, 96, 1);
    exchange.wait(200);
    let orders: Vec<_> = exchange.cancelled().iter().map(|cancelled| cancelled.0).collect();
    assert_eq!(orders, [first, second, late]);
}

#[test]
fn even_a_refused_command_lets_time_pass() {
    let mut exchange = Exchange::new();
    let order = exchange.place(ANN, buy(90, 1).gtd(exchange.now + 100));
    exchange.now += 100;
    assert_eq!(exchange.refuse(BOB, buy(0, 1)), Reject::PriceOutOfRange);
    assert_eq!(exchange.cancelled(), [(order, 1, CancelReason::Expired)]);
}

#[test]
fn the_last_expiry_and_never_are_accepted() {
    let mut exchange = Exchange::new();
    exchange.place(ANN, buy(90, 1).gtd(Timestamp::LAST_EXPIRY.0));
    let forever = exchange.place(ANN, buy(90, 1).gtd(Timestamp::NEVER.0));
    exchange.now = Timestamp::LAST_EXPIRY.0;
    exchange.wait(0);
    assert_eq!(exchange.cancelled().len(), 1);
    assert!(exchange.is_open(forever));
}

/// More orders of Ann's than one command lets expire, all due when the next command comes.
fn overdue(place: impl Fn() -> types::Place, more: usize) -> (Exchange, Vec<types::OrderId>) {
    let mut exchange = Exchange::new();
    let end = exchange.now + 100;
    let count = MAX_EXPIRED_PER_COMMAND + more;
    let orders = (0..count).map(|_| exchange.place(ANN, place().gtd(end))).collect();
    exchange.now = end;
    (exchange, orders)
}

#[test]
fn more_orders_than_one_command_expires_are_left_to_the_next() {
    let (mut exchange, orders) = overdue(|| buy(90, 1), 10);
    exchange.wait(0);
    assert_eq!(exchange.cancelled().len(), MAX_EXPIRED_PER_COMMAND);
    assert!(exchange.is_open(orders[MAX_EXPIRED_PER_COMMAND]));
    exchange.wait(0);
    assert_eq!(exchange.cancelled().len(), 10);
    assert_eq!((exchange.free(ANN, USD), exchange.book(Side::Buy)), (RICH, vec![]));
}

#[test]
fn an_expired_maker_never_trades() {
    let (mut exchange, _) = overdue(|| buy(90, 1), 10);
    let order = exchange.sell(BOB, 90, 5);
    assert_eq!(exchange.fills(), []);
    assert_eq!(exchange.book(Side::Sell), [(order, 90, 5)]);
    assert_eq!(exchange.cancelled().len(), MAX_EXPIRED_PER_COMMAND + 10);
}

#[test]
fn an_expired_maker_is_not_in_the_way_of_post_only_or_fill_or_kill() {
    let (mut exchange, _) = overdue(|| buy(90, 1), 10);
    assert_eq!(exchange.refuse(BOB, sell(90, 1).fok()), Reject::CannotFill);
    let (mut exchange, _) = overdue(|| buy(90, 1), 10);
    exchange.place(BOB, sell(90, 5).post_only());
    assert_eq!(exchange.book(Side::Sell).len(), 1);

    // Ann's own expired orders leave before self-trade prevention sees them.
    let (mut exchange, _) = overdue(|| buy(90, 1), 10);
    exchange.now -= 1;
    exchange.buy(BOB, 89, 3);
    exchange.now += 1;
    exchange.place(ANN, sell(89, 3).fok());
    assert_eq!(exchange.fills().len(), 1);
}

#[test]
fn an_expired_maker_does_not_open_the_breakers_window_for_a_fill_or_kill_order() {
    let (mut exchange, _) = overdue(|| sell(90, 1), 10);
    exchange.now -= 1;
    exchange.change(|params| params.breaker = Breaker { band: 10_000, window: 1_000, halt: 0 });
    exchange.sell(BOB, 100, 3);
    exchange.now += 1;
    exchange.place(CAT, buy(100, 3).fok());
    assert_eq!(exchange.fills().len(), 1);
}

#[test]
fn an_expired_waiting_order_does_not_wake() {
    let (mut exchange, orders) = overdue(|| sell(50, 1).stop(60), 10);
    exchange.now -= 1;
    exchange.sell(BOB, 60, 1);
    exchange.now += 1;
    exchange.buy(CAT, 60, 1);
    assert_eq!((exchange.fills().len(), exchange.triggered()), (1, vec![]));
    assert_eq!(exchange.cancelled().len(), orders.len());
    assert!(exchange.cancelled().iter().all(|cancelled| cancelled.2 == CancelReason::Expired));
    assert_eq!((exchange.free(ANN, BTC), exchange.book(Side::Sell)), (RICH, vec![]));
}

#[test]
fn an_expired_order_cannot_be_replaced() {
    for (price, quantity) in [(95, 1), (90, 1), (90, 3)] {
        let (mut exchange, orders) = overdue(|| buy(90, 2), 10);
        let last = *orders.last().expect("there are some");
        exchange.now -= 1;
        exchange.sell(BOB, 95, 1);
        exchange.now += 1;
        assert_eq!(refused(exchange.replace(ANN, last, price, quantity)), Reject::UnknownOrder);
        assert_eq!((exchange.fills(), exchange.is_open(last)), (vec![], false));
        assert_eq!(exchange.cancelled().last(), Some(&(last, 2, CancelReason::Expired)));
    }
}

#[test]
fn an_expired_order_can_still_be_cancelled_by_name() {
    let (mut exchange, orders) = overdue(|| buy(90, 2), 10);
    let last = *orders.last().expect("there are some");
    assert_eq!(exchange.cancel(ANN, last), Outcome::Done);
}
