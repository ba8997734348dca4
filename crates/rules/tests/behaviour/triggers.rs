//! Stop-loss and take-profit orders.

use rules::MAX_TRIGGERED_PER_COMMAND;
use types::{CancelReason, Event, OperatorCommand, Outcome, Phase, Reject, Side};

use crate::support::*;

#[test]
fn a_waiting_order_is_not_on_the_book_and_sets_aside_what_it_needs() {
    let mut exchange = Exchange::with(|params| params.taker_fee = types::Rate(1_000));
    exchange.place(ANN, sell(80, 5).stop(90));
    exchange.place(ANN, buy(120, 5).stop(110));
    exchange.place(ANN, budget_buy(777).stop(110));
    assert!(matches!(exchange.events[..], [Event::Waiting { .. }]));
    assert_eq!((exchange.book(Side::Buy), exchange.book(Side::Sell)), (vec![], vec![]));
    assert_eq!(exchange.locked(ANN, BTC), 5);
    assert_eq!(exchange.locked(ANN, USD), 600 + 1 + 777);
}

#[test]
fn stops_follow_the_price_and_take_profits_go_against_it() {
    for (place, quiet, price) in [
        (sell(1, 1).stop(90), 91, 90),
        (sell(1, 1).take_profit(110), 109, 110),
        (buy(1_000, 1).stop(110), 109, 110),
        (buy(1_000, 1).take_profit(90), 91, 90),
    ] {
        let mut exchange = Exchange::new();
        exchange.print(100);
        let order = exchange.place(ANN, place);
        exchange.print(quiet);
        assert_eq!(exchange.triggered(), []);
        exchange.print(price);
        assert_eq!(exchange.triggered(), [order], "{place:?}");
    }
}

#[test]
fn an_order_whose_condition_already_holds_is_refused() {
    let mut exchange = Exchange::new();
    exchange.place(ANN, sell(90, 1).stop(100));
    exchange.print(101);
    assert_eq!(exchange.refuse(ANN, sell(90, 1).stop(101)), Reject::AlreadyTriggered);
    assert_eq!(exchange.refuse(ANN, sell(90, 1).take_profit(101)), Reject::AlreadyTriggered);
    assert_eq!(exchange.refuse(ANN, buy(90, 1).stop(100)), Reject::AlreadyTriggered);
    assert_eq!(exchange.refuse(ANN, budget_buy(90).take_profit(102)), Reject::AlreadyTriggered);
}

#[test]
fn a_woken_limit_order_trades_and_rests_like_any_other() {
    let mut exchange = Exchange::new();
    exchange.print(100);
    let order = exchange.place(ANN, sell(90, 5).stop(95));
    let bid = exchange.buy(BOB, 95, 2);
    let shot = exchange.sell(CAT, 95, 1);
    assert_eq!(exchange.fills(), [(bid, shot, 95, 1), (bid, order, 95, 1)]);
    assert_eq!(exchange.book(Side::Sell), [(order, 90, 4)]);
    assert_eq!(exchange.locked(ANN, BTC), 4);
}

#[test]
fn rising_triggers_go_from_the_lowest_up_and_equal_ones_by_number() {
    let mut exchange = Exchange::new();
    exchange.print(100);
    let last = exchange.place(ANN, budget_buy(10).stop(105));
    let second = exchange.place(ANN, budget_buy(10).stop(103));
    let third = exchange.place(ANN, budget_buy(10).stop(103));
    let first = exchange.place(ANN, market_sell(1).take_profit(102));
    exchange.print(110);
    assert_eq!(exchange.triggered(), [first, second, third, last]);
}

#[test]
fn each_woken_order_may_move_the_price_for_the_next() {
    let mut exchange = Exchange::new();
    exchange.print(100);
    exchange.buy(BOB, 92, 100);
    let low = exchange.place(ANN, market_sell(1).stop(92));
    let high = exchange.place(ANN, market_sell(1).stop(95));
    let never = exchange.place(ANN, market_sell(1).stop(91));
    let profit = exchange.place(ANN, market_sell(1).take_profit(105));
    exchange.sell(BOB, 106, 1);
    exchange.buy(CAT, 106, 1);
    assert_eq!(exchange.triggered(), [profit, high, low]);
    assert!(exchange.is_open(never));
}

#[test]
fn a_woken_order_that_may_not_be_any_more_is_cancelled_and_frees_its_lock() {
    let stop = || sell(90, 5).stop(95);
    for (act, place) in [
        (
            (|exchange: &mut Exchange| {
                exchange.operator(OperatorCommand::SuspendAccount { account: ANN, suspended: true });
            }) as fn(&mut Exchange),
            stop(),
        ),
        (|exchange| exchange.change(|params| params.limits.max_quantity.0 = 4), stop()),
        (|exchange| exchange.change(|params| params.collar = 10_000), stop()),
        (|_| {}, stop().fok()),
        (
            |exchange| {
                exchange.buy(BOB, 94, 1);
            },
            stop().post_only(),
        ),
    ] {
        let mut exchange = Exchange::new();
        exchange.print(100);
        let order = exchange.place(ANN, place);
        exchange.sell(BOB, 95, 1);
        act(&mut exchange);
        exchange.buy(CAT, 95, 1);
        assert_eq!(exchange.triggered(), [order]);
        assert_eq!(exchange.cancelled(), [(order, 5, CancelReason::TriggerRefused)]);
        assert_eq!((exchange.free(ANN, BTC), exchange.locked(ANN, BTC)), (RICH, 0));
    }
}

#[test]
fn a_woken_order_pays_the_fees_of_today_if_it_can() {
    let mut exchange = Exchange::new();
    exchange.print(100);
    let order = exchange.place(ANN, buy(1_000, 1_000).stop(110));
    assert_eq!(exchange.free(ANN, USD), 0);
    exchange.change(|params| params.taker_fee.0 = 1);
    exchange.print(110);
    assert_eq!(exchange.cancelled(), [(order, 1_000, CancelReason::TriggerRefused)]);
    assert_eq!(exchange.free(ANN, USD), RICH);
}

#[test]
fn a_cascade_is_bounded_and_orders_are_refused_until_it_is_over() {
    let mut exchange = Exchange::new();
    exchange.print(100);
    exchange.buy(BOB, 90, 2_000);
    let rest = exchange.buy(BOB, 1, 1);
    let count = 2 * MAX_TRIGGERED_PER_COMMAND + 88;
    let stops: Vec<_> = (0..count).map(|_| exchange.place(ANN, market_sell(1).stop(95))).collect();
    exchange.place(CAT, sell(90, 1).ioc());
    assert_eq!(exchange.triggered(), stops[..MAX_TRIGGERED_PER_COMMAND]);
    assert!(exchange.market().triggers_pending);

    assert_eq!(exchange.refuse(CAT, buy(90, 1)), Reject::TriggersPending);
    assert_eq!(exchange.triggered().len(), MAX_TRIGGERED_PER_COMMAND);
    assert_eq!(exchange.cancel(BOB, rest), Outcome::Done);
    assert_eq!(exchange.triggered(), []);
    exchange.buy(CAT, 90, 1);
    assert_eq!(exchange.triggered(), stops[2 * MAX_TRIGGERED_PER_COMMAND..]);
    assert!(!exchange.market().triggers_pending);
}

#[test]
fn nothing_wakes_in_a_halted_market_but_first_thing_after() {
    let mut exchange = Exchange::with(|params| {
        params.breaker = types::Breaker { band: 100_000, window: 1_000_000, halt: 500 };
    });
    exchange.print(100);
    exchange.buy(BOB, 95, 1);
    exchange.buy(BOB, 80, 1);
    let first = exchange.place(ANN, market_sell(1).stop(95));
    let second = exchange.place(ANN, market_sell(1).stop(95));
    exchange.sell(CAT, 95, 1);
    assert_eq!(exchange.triggered(), [first]);
    assert_eq!(exchange.cancelled(), [(first, 1, CancelReason::Halted)]);
    assert!(exchange.is_open(second));
    exchange.wait(500);
    assert_eq!(exchange.triggered(), []);
    let late = exchange.sell(CAT, 80, 1);
    assert_eq!(exchange.triggered(), [second]);
    assert_eq!(exchange.fills()[0].2, 80);
    assert!(exchange.is_open(late));
    assert!(matches!(
        exchange.events[0],
        Event::PhaseChanged { phase: Phase::Open, cause: types::PhaseCause::Time, .. }
    ));
}
