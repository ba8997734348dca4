//! Limit and market orders, times in force, post-only, budgets, priority.

use types::{CancelReason, Event, Quantity, Reject, Side, TimeInForce};

use crate::support::*;

#[test]
fn a_limit_order_that_does_not_cross_rests() {
    let mut exchange = Exchange::new();
    let order = exchange.buy(ANN, 100, 5);
    assert_eq!(exchange.book(Side::Buy), [(order, 100, 5)]);
    assert_eq!((exchange.free(ANN, USD), exchange.locked(ANN, USD)), (RICH - 500, 500));
    assert!(matches!(exchange.events[..], [Event::Rested { quantity: Quantity(5), .. }]));
}

#[test]
fn a_trade_happens_at_the_makers_price() {
    let mut exchange = Exchange::new();
    let maker = exchange.sell(ANN, 100, 5);
    let taker = exchange.buy(BOB, 120, 5);
    assert_eq!(exchange.fills(), [(maker, taker, 100, 5)]);
    assert_eq!((exchange.free(BOB, USD), exchange.locked(BOB, USD)), (RICH - 500, 0));
    assert_eq!((exchange.free(ANN, USD), exchange.free(ANN, BTC)), (RICH + 500, RICH - 5));
    assert_eq!((exchange.net(ANN), exchange.net(BOB)), (-5, 5));
}

#[test]
fn a_maker_at_a_better_price_fills_first() {
    let mut exchange = Exchange::new();
    let worse = exchange.sell(ANN, 102, 5);
    let better = exchange.sell(BOB, 101, 5);
    let taker = exchange.buy(CAT, 102, 7);
    assert_eq!(exchange.fills(), [(better, taker, 101, 5), (worse, taker, 102, 2)]);
}

#[test]
fn at_one_price_the_earlier_maker_fills_first() {
    let mut exchange = Exchange::new();
    let first = exchange.buy(ANN, 100, 5);
    let second = exchange.buy(BOB, 100, 5);
    let taker = exchange.sell(CAT, 100, 6);
    assert_eq!(exchange.fills(), [(first, taker, 100, 5), (second, taker, 100, 1)]);
    assert_eq!(exchange.book(Side::Buy), [(second, 100, 4)]);
}

#[test]
fn what_is_left_of_a_crossing_limit_order_rests_at_its_limit() {
    let mut exchange = Exchange::new();
    exchange.sell(ANN, 100, 3);
    let taker = exchange.buy(BOB, 105, 10);
    assert_eq!(exchange.book(Side::Buy), [(taker, 105, 7)]);
    assert_eq!(exchange.locked(BOB, USD), 7 * 105);
    assert_eq!(exchange.free(BOB, USD), RICH - 300 - 735);
}

#[test]
fn an_immediate_order_cancels_what_does_not_trade() {
    let mut exchange = Exchange::new();
    let maker = exchange.sell(ANN, 100, 3);
    let taker = exchange.place(BOB, buy(100, 10).ioc());
    assert_eq!(exchange.fills(), [(maker, taker, 100, 3)]);
    assert_eq!(exchange.cancelled(), [(taker, 7, CancelReason::Immediate)]);
    assert_eq!((exchange.book(Side::Buy), exchange.locked(BOB, USD)), (vec![], 0));
}

#[test]
fn a_fill_or_kill_order_fills_completely_or_is_refused() {
    let mut exchange = Exchange::new();
    exchange.sell(ANN, 100, 3);
    exchange.sell(ANN, 101, 3);
    assert_eq!(exchange.refuse(BOB, buy(101, 7).fok()), Reject::CannotFill);
    assert_eq!(exchange.refuse(BOB, buy(100, 6).fok()), Reject::CannotFill);
    assert_eq!(exchange.book(Side::Sell).len(), 2);
    exchange.place(BOB, buy(101, 6).fok());
    assert_eq!((exchange.fills().len(), exchange.book(Side::Sell).len()), (2, 0));
}

#[test]
fn a_fill_or_kill_market_order_counts_only_what_it_can_pay_for() {
    let mut exchange = Exchange::new();
    exchange.sell(ANN, 900, 1_000);
    exchange.sell(ANN, 999, 1_000);
    assert_eq!(exchange.refuse(BOB, market_buy(1_101).fok()), Reject::CannotFill);
    exchange.place(BOB, market_buy(1_100).fok());
    assert_eq!(exchange.free(BOB, USD), RICH - 900_000 - 99_900);
}

#[test]
fn a_fill_or_kill_order_passes_over_its_own_account_only_if_it_would_expire_the_maker() {
    let mut exchange = Exchange::new();
    let own = exchange.sell(BOB, 99, 5);
    let maker = exchange.sell(ANN, 100, 5);
    assert_eq!(exchange.refuse(BOB, buy(100, 5).fok()), Reject::CannotFill);
    let decrement = buy(100, 5).fok().mode(types::SelfTrade::Decrement);
    assert_eq!(exchange.refuse(BOB, decrement), Reject::CannotFill);
    let taker = exchange.place(BOB, buy(100, 5).fok().mode(types::SelfTrade::ExpireMaker));
    assert_eq!(exchange.fills(), [(maker, taker, 100, 5)]);
    assert!(!exchange.is_open(own));
}

#[test]
fn a_post_only_order_never_takes() {
    let mut exchange = Exchange::new();
    exchange.sell(ANN, 100, 3);
    assert_eq!(exchange.refuse(BOB, buy(100, 1).post_only()), Reject::PostOnlyWouldTake);
    assert_eq!(exchange.refuse(BOB, sell(50, 1).ioc().post_only()), Reject::PostOnlyNotAllowed);
    assert_eq!(exchange.refuse(BOB, market_buy(1).post_only()), Reject::PostOnlyNotAllowed);
    let order = exchange.place(BOB, buy(99, 1).post_only());
    assert_eq!(exchange.book(Side::Buy), [(order, 99, 1)]);
}

#[test]
fn a_market_order_takes_whatever_the_book_offers() {
    let mut exchange = Exchange::new();
    exchange.buy(ANN, 100, 2);
    exchange.buy(ANN, 1, 2);
    let taker = exchange.place(BOB, market_sell(5));
    assert_eq!(exchange.fills().len(), 2);
    assert_eq!(exchange.cancelled(), [(taker, 1, CancelReason::Immediate)]);
    assert_eq!(exchange.free(BOB, USD), RICH + 202);
}

#[test]
fn a_market_order_in_an_empty_book_is_accepted_and_cancelled() {
    let mut exchange = Exchange::new();
    for place in [market_buy(5), market_sell(5), budget_buy(500)] {
        let order = exchange.place(ANN, place);
        let left = if place == budget_buy(500) { 0 } else { 5 };
        assert_eq!(exchange.cancelled(), [(order, left, CancelReason::Immediate)]);
    }
    assert_eq!((exchange.free(ANN, USD), exchange.free(ANN, BTC)), (RICH, RICH));
}

#[test]
fn a_market_buy_stops_when_the_money_is_gone() {
    let mut exchange = Exchange::new();
    exchange.sell(ANN, 700, 1_000);
    exchange.sell(ANN, 900, 1_000);
    let taker = exchange.place(BOB, market_buy(2_000));
    assert_eq!(exchange.net(BOB), 1_000 + 333);
    assert_eq!(exchange.cancelled(), [(taker, 667, CancelReason::Funds)]);
    assert_eq!(exchange.free(BOB, USD), 300);
}

#[test]
fn a_budget_buy_spends_at_most_its_budget_with_fees() {
    let mut exchange = Exchange::with(|params| params.taker_fee = types::Rate(10_000));
    exchange.sell(ANN, 100, 5);
    exchange.sell(ANN, 200, 5);
    exchange.place(BOB, budget_buy(1_000));
    assert_eq!(exchange.net(BOB), 7);
    assert_eq!(exchange.free(BOB, USD), RICH - 900 - 9);
    assert_eq!(exchange.cancelled(), []);
    let order = exchange.place(BOB, budget_buy(201));
    assert_eq!(exchange.cancelled(), [(order, 0, CancelReason::Funds)]);
    exchange.place(BOB, budget_buy(202));
    assert_eq!(exchange.net(BOB), 8);
}

#[test]
fn the_terms_of_an_order_must_go_together() {
    let mut exchange = Exchange::new();
    let budget_sell = types::Place { side: Side::Sell, ..budget_buy(10) };
    let gtc = |place| types::Place { time_in_force: TimeInForce::Gtc, ..place };
    for (place, reason) in [
        (buy(100, 0), Reject::ZeroQuantity),
        (market_sell(0), Reject::ZeroQuantity),
        (budget_buy(0), Reject::ZeroQuantity),
        (buy(0, 1), Reject::PriceOutOfRange),
        (sell(1_001, 1), Reject::PriceOutOfRange),
        (sell(u32::MAX, 1), Reject::PriceOutOfRange),
        (budget_sell, Reject::BudgetNotAllowed),
        (budget_buy(10).fok(), Reject::BadTimeInForce),
        (gtc(market_buy(1)), Reject::BadTimeInForce),
        (market_sell(1).gtd(u64::MAX), Reject::BadTimeInForce),
        (buy(100, 1).gtd(1_000), Reject::ExpiryInPast),
        (buy(100, 1).gtd(0), Reject::ExpiryInPast),
        (buy(100, 1).gtd(u64::MAX - 1), Reject::ExpiryOutOfRange),
        (market_buy(1).stop(100), Reject::BudgetRequired),
        (buy(100, 1).stop(0), Reject::PriceOutOfRange),
        (buy(100, 1).stop(1_001), Reject::PriceOutOfRange),
        (buy(100, 1).stop(u32::MAX), Reject::PriceOutOfRange),
    ] {
        assert_eq!(exchange.refuse(ANN, place), reason, "{place:?}");
        assert_eq!(exchange.events, []);
    }
    let unknown = types::Place { market: types::MarketId(1), ..buy(100, 1) };
    assert_eq!(exchange.refuse(ANN, unknown), Reject::UnknownMarket);
}

#[test]
fn a_client_order_id_is_unique_among_an_accounts_open_orders() {
    let mut exchange = Exchange::new();
    let order = exchange.place(ANN, buy(100, 1).client(7));
    assert_eq!(exchange.refuse(ANN, sell(200, 1).client(7)), Reject::DuplicateClientOrderId);
    assert_eq!(exchange.refuse(ANN, market_sell(1).client(7)), Reject::DuplicateClientOrderId);
    assert_eq!(exchange.refuse(ANN, sell(200, 1).stop(50).client(7)), Reject::DuplicateClientOrderId);
    exchange.place(BOB, buy(90, 1).client(7));
    exchange.cancel(ANN, order);
    exchange.place(ANN, buy(100, 1).client(7));
    exchange.place(CAT, sell(100, 1));
    exchange.place(ANN, sell(200, 1).client(7));
}
