//! The four ways not to trade with oneself.

use types::{CancelReason, SelfTrade, Side};

use crate::support::*;

#[test]
fn expire_taker_cancels_what_is_left_of_the_incoming_order() {
    let mut exchange = Exchange::new();
    let other = exchange.sell(BOB, 99, 1);
    let own = exchange.sell(ANN, 100, 5);
    exchange.sell(BOB, 101, 5);
    let taker = exchange.place(ANN, buy(101, 4).mode(SelfTrade::ExpireTaker));
    assert_eq!(exchange.fills(), [(other, taker, 99, 1)]);
    assert_eq!(exchange.cancelled(), [(taker, 3, CancelReason::SelfTrade)]);
    assert_eq!(exchange.book(Side::Sell)[0], (own, 100, 5));
    assert_eq!(exchange.locked(ANN, USD), 0);
}

#[test]
fn expire_maker_cancels_the_resting_order_and_goes_on() {
    let mut exchange = Exchange::new();
    let own = exchange.sell(ANN, 100, 5);
    let other = exchange.sell(BOB, 101, 5);
    let taker = exchange.place(ANN, buy(101, 4).mode(SelfTrade::ExpireMaker));
    assert_eq!(exchange.cancelled(), [(own, 5, CancelReason::SelfTrade)]);
    assert_eq!(exchange.fills(), [(other, taker, 101, 4)]);
    assert_eq!((exchange.free(ANN, BTC), exchange.locked(ANN, BTC)), (RICH + 4, 0));
}

#[test]
fn expire_both_cancels_both() {
    let mut exchange = Exchange::new();
    let own = exchange.sell(ANN, 100, 5);
    exchange.sell(BOB, 101, 5);
    let taker = exchange.place(ANN, buy(101, 4).mode(SelfTrade::ExpireBoth));
    let both = [(own, 5, CancelReason::SelfTrade), (taker, 4, CancelReason::SelfTrade)];
    assert_eq!(exchange.cancelled(), both);
    assert_eq!((exchange.fills(), exchange.book(Side::Sell).len()), (vec![], 1));
}

#[test]
fn decrement_shrinks_both_by_what_would_have_traded() {
    let mut exchange = Exchange::new();
    let own = exchange.sell(ANN, 100, 5);
    let taker = exchange.place(ANN, buy(101, 3).mode(SelfTrade::Decrement));
    assert_eq!(
        exchange.cancelled(),
        [(own, 3, CancelReason::SelfTrade), (taker, 3, CancelReason::SelfTrade)]
    );
    assert_eq!(exchange.book(Side::Sell), [(own, 100, 2)]);
    assert_eq!((exchange.locked(ANN, BTC), exchange.net(ANN)), (2, 0));

    let taker = exchange.place(ANN, buy(101, 3).mode(SelfTrade::Decrement));
    assert_eq!(exchange.book(Side::Sell), []);
    assert_eq!(exchange.book(Side::Buy), [(taker, 101, 1)]);
    assert_eq!(exchange.locked(ANN, USD), 101);
}

#[test]
fn decrement_counts_against_a_budget() {
    let mut exchange = Exchange::new();
    exchange.sell(ANN, 100, 5);
    let other = exchange.sell(BOB, 101, 5);
    let taker = exchange.place(ANN, budget_buy(711).mode(SelfTrade::Decrement));
    assert_eq!(exchange.fills(), [(other, taker, 101, 2)]);
    assert_eq!((exchange.net(ANN), exchange.free(ANN, USD)), (2, RICH - 202));
}

#[test]
fn the_incoming_orders_mode_decides() {
    let mut exchange = Exchange::new();
    let own = exchange.place(ANN, sell(100, 5).mode(SelfTrade::ExpireMaker));
    exchange.place(ANN, buy(100, 5).mode(SelfTrade::ExpireTaker));
    assert_eq!(exchange.book(Side::Sell), [(own, 100, 5)]);
}
