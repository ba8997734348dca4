//! Limits, collar, balances.

use types::{CancelReason, Limits, OperatorCommand, Price, Quanta, Quantity, Reject};

use crate::support::*;

fn with_limits(limits: Limits) -> Exchange {
    Exchange::with(|params| params.limits = limits)
}

#[test]
fn an_order_is_bound_by_the_quantity_limit() {
    let mut exchange = with_limits(Limits { max_quantity: Quantity(10), ..Limits::NONE });
    exchange.buy(ANN, 100, 10);
    for place in [buy(100, 11), sell(200, 11), market_buy(11), market_sell(11).ioc(), sell(50, 11).stop(60)] {
        assert_eq!(exchange.refuse(ANN, place), Reject::QuantityLimit);
    }
}

#[test]
fn an_order_is_bound_by_the_notional_limit() {
    let mut exchange = with_limits(Limits { max_notional: Quanta(1_000), ..Limits::NONE });
    exchange.buy(ANN, 100, 10);
    for place in [buy(100, 11), sell(500, 3), budget_buy(1_001), market_sell(11).stop(100)] {
        assert_eq!(exchange.refuse(ANN, place), Reject::NotionalLimit, "{place:?}");
    }
    exchange.print(200);
    assert_eq!(exchange.refuse(BOB, market_buy(6)), Reject::NotionalLimit);
}

#[test]
fn open_orders_are_limited_waiting_ones_included() {
    let mut exchange = with_limits(Limits { max_open_orders: 2, ..Limits::NONE });
    let order = exchange.buy(ANN, 100, 1);
    exchange.place(ANN, sell(50, 1).stop(60));
    assert_eq!(exchange.refuse(ANN, buy(100, 1)), Reject::OpenOrderLimit);
    assert_eq!(exchange.refuse(ANN, sell(50, 1).stop(60)), Reject::OpenOrderLimit);
    exchange.place(ANN, sell(200, 1).ioc());
    exchange.replace(ANN, order, 101, 2);
    exchange.cancel(ANN, order);
    exchange.buy(ANN, 100, 1);
}

#[test]
fn a_position_counts_open_orders_as_filled() {
    let mut exchange = with_limits(Limits { max_position: Quantity(10), ..Limits::NONE });
    exchange.sell(BOB, 100, 6);
    exchange.buy(ANN, 100, 6);
    exchange.buy(ANN, 90, 3);
    assert_eq!(exchange.refuse(ANN, buy(90, 2)), Reject::PositionLimit);
    assert_eq!(exchange.refuse(ANN, market_buy(2)), Reject::PositionLimit);
    assert_eq!(exchange.refuse(ANN, buy(150, 2).stop(150)), Reject::PositionLimit);
    exchange.buy(ANN, 90, 1);
    assert_eq!(exchange.refuse(ANN, budget_buy(500)), Reject::PositionLimit);
    exchange.sell(ANN, 200, 16);
    assert_eq!(exchange.refuse(ANN, sell(200, 1)), Reject::PositionLimit);
}

#[test]
fn a_budget_buys_no_more_than_the_position_limit_allows() {
    let mut exchange = with_limits(Limits { max_position: Quantity(10), ..Limits::NONE });
    exchange.sell(BOB, 100, 10);
    exchange.sell(CAT, 100, 10);
    let order = exchange.place(ANN, budget_buy(1_500));
    assert_eq!(exchange.net(ANN), 10);
    assert_eq!(exchange.cancelled(), [(order, 0, CancelReason::Immediate)]);
}

#[test]
fn limits_lowered_below_what_is_held_let_it_only_shrink() {
    let mut exchange = Exchange::new();
    exchange.sell(BOB, 100, 10);
    exchange.buy(ANN, 100, 10);
    let resting = exchange.buy(ANN, 90, 10);
    let limits = Limits { max_position: Quantity(5), max_open_orders: 0, ..Limits::NONE };
    exchange.operator(OperatorCommand::SetLimits { account: ANN, market: MARKET, limits: Some(limits) });
    assert_eq!(exchange.refuse(ANN, buy(90, 1).ioc()), Reject::PositionLimit);
    assert_eq!(exchange.refuse(ANN, sell(200, 1)), Reject::OpenOrderLimit);
    assert_eq!(refused(exchange.replace(ANN, resting, 91, 1)), Reject::PositionLimit);
    exchange.replace(ANN, resting, 90, 9);
    exchange.place(ANN, sell(200, 15).ioc());
    exchange.sell(BOB, 90, 9);
    assert_eq!(exchange.net(ANN), 19);
}

#[test]
fn an_accounts_own_limits_replace_the_markets() {
    let mut exchange = with_limits(Limits { max_quantity: Quantity(10), ..Limits::NONE });
    let limits = Some(Limits::NONE);
    exchange.operator(OperatorCommand::SetLimits { account: ANN, market: MARKET, limits });
    exchange.buy(ANN, 100, 11);
    assert_eq!(exchange.refuse(BOB, buy(100, 11)), Reject::QuantityLimit);
    exchange.operator(OperatorCommand::SetLimits { account: ANN, market: MARKET, limits: None });
    assert_eq!(exchange.refuse(ANN, buy(100, 11)), Reject::QuantityLimit);
}

#[test]
fn an_order_may_not_reach_beyond_the_collar() {
    let mut exchange = Exchange::with(|params| {
        (params.collar, params.reference_price) = (100_000, Price(100));
    });
    assert_eq!(exchange.refuse(ANN, buy(111, 1)), Reject::PriceCollar);
    assert_eq!(exchange.refuse(ANN, sell(89, 1)), Reject::PriceCollar);
    let passive = exchange.buy(ANN, 1, 1);
    exchange.sell(ANN, 1_000, 1);
    exchange.print(110);
    exchange.buy(ANN, 121, 1);
    assert_eq!(exchange.refuse(BOB, buy(122, 1)), Reject::PriceCollar);
    assert_eq!(refused(exchange.replace(ANN, passive, 122, 1)), Reject::PriceCollar);
}

#[test]
fn a_market_order_stops_at_the_collar() {
    let mut exchange = Exchange::with(|params| params.collar = 100_000);
    assert_eq!(exchange.refuse(ANN, market_buy(1)), Reject::NoReferencePrice);
    assert_eq!(exchange.refuse(ANN, budget_buy(1)), Reject::NoReferencePrice);
    exchange.print(100);
    exchange.sell(BOB, 110, 1);
    exchange.sell(BOB, 111, 1);
    let taker = exchange.place(ANN, market_buy(2));
    assert_eq!(exchange.cancelled(), [(taker, 1, CancelReason::Collar)]);
    assert_eq!(exchange.fills().len(), 1);
}

#[test]
fn nobody_orders_what_they_cannot_pay() {
    let mut exchange = Exchange::new();
    let rich = RICH;
    assert_eq!(exchange.refuse(ANN, sell(1, rich + 1)), Reject::InsufficientBalance);
    assert_eq!(exchange.refuse(ANN, market_sell(rich + 1)), Reject::InsufficientBalance);
    assert_eq!(exchange.refuse(ANN, buy(1_000, 1_001)), Reject::InsufficientBalance);
    assert_eq!(exchange.refuse(ANN, budget_buy(rich + 1)), Reject::InsufficientBalance);
    exchange.sell(ANN, 1, rich);
    assert_eq!(exchange.refuse(ANN, sell(1, 1).stop(1)), Reject::InsufficientBalance);
}
