//! Fees, rebates, rounding.

use rules::{maker_fee, taker_fee};
use types::{Rate, Side};

use crate::support::*;

#[test]
fn maker_and_taker_pay_the_fee_account() {
    let mut exchange =
        Exchange::with(|params| (params.maker_fee, params.taker_fee) = (Rate(1_000), Rate(2_000)));
    exchange.buy(ANN, 100, 100);
    assert_eq!(exchange.locked(ANN, USD), 10_010);
    exchange.sell(BOB, 100, 100);
    assert_eq!(exchange.free(ANN, USD), RICH - 10_010);
    assert_eq!(exchange.free(BOB, USD), RICH + 10_000 - 20);
    assert_eq!(exchange.free(FEES, USD), 30);
}

#[test]
fn a_rebate_is_paid_out_of_the_takers_fee() {
    let mut exchange =
        Exchange::with(|params| (params.maker_fee, params.taker_fee) = (Rate(-500), Rate(2_000)));
    exchange.sell(ANN, 100, 100);
    exchange.buy(BOB, 100, 100);
    let fill = exchange.full_fills()[0];
    assert_eq!((fill.maker_fee, fill.taker_fee.0), (-5, 20));
    assert_eq!(exchange.free(ANN, USD), RICH + 10_005);
    assert_eq!(exchange.free(BOB, USD), RICH - 10_020);
    assert_eq!(exchange.free(FEES, USD), 15);
}

#[test]
fn rounding_costs_a_taker_less_than_one_quantum_an_order() {
    let mut exchange = Exchange::with(|params| params.taker_fee = Rate(10_000));
    for _ in 0..30 {
        exchange.sell(ANN, 10, 1);
    }
    exchange.buy(BOB, 10, 30);
    let fees: Vec<_> = exchange.full_fills().iter().map(|fill| fill.taker_fee.0).collect();
    assert_eq!(fees.iter().sum::<u64>(), 3);
    assert_eq!((fees[0], fees[1], fees[10]), (1, 0, 1));
    exchange.sell(ANN, 10, 1);
    exchange.buy(BOB, 10, 1);
    assert_eq!(exchange.free(FEES, USD), 4);
}

#[test]
fn what_a_maker_pays_or_gets_is_rounded_down() {
    assert_eq!((maker_fee(999, Rate(1_000)), maker_fee(1_999, Rate(-1_000))), (0, -1));
    assert_eq!((taker_fee(1, Rate(1)), taker_fee(1_000, Rate(1_000)), taker_fee(0, Rate(9))), (1, 1, 0));
    let most = u64::MAX / 10;
    assert_eq!(taker_fee(u64::MAX, Rate(100_000)), most + 1);
    assert_eq!(maker_fee(u64::MAX, Rate(-100_000)), -(most as i64));
}

#[test]
fn a_resting_order_keeps_the_maker_fee_it_was_placed_under() {
    let mut exchange =
        Exchange::with(|params| (params.maker_fee, params.taker_fee) = (Rate(1_000), Rate(2_000)));
    exchange.buy(ANN, 100, 100);
    exchange.change(|params| (params.maker_fee, params.taker_fee) = (Rate(5_000), Rate(5_000)));
    exchange.sell(BOB, 100, 50);
    assert_eq!(exchange.full_fills()[0].maker_fee, 5);
    assert_eq!(exchange.locked(ANN, USD), 5_005);
    exchange.change(|params| (params.maker_fee, params.taker_fee) = (Rate(0), Rate(0)));
    exchange.sell(BOB, 100, 50);
    assert_eq!((exchange.full_fills()[0].maker_fee, exchange.full_fills()[0].taker_fee.0), (5, 0));
    assert_eq!((exchange.locked(ANN, USD), exchange.free(ANN, USD)), (0, RICH - 10_010));
}

#[test]
fn an_old_rebate_never_exceeds_what_the_taker_pays_now() {
    let mut exchange =
        Exchange::with(|params| (params.maker_fee, params.taker_fee) = (Rate(-900), Rate(2_000)));
    exchange.sell(ANN, 100, 100);
    exchange.change(|params| (params.maker_fee, params.taker_fee) = (Rate(0), Rate(200)));
    exchange.buy(BOB, 100, 100);
    let fill = exchange.full_fills()[0];
    assert_eq!((fill.maker_fee, fill.taker_fee.0), (-2, 2));
    assert_eq!(exchange.free(FEES, USD), 0);
}

#[test]
fn a_replaced_order_rests_under_the_new_fee_only_if_it_lost_its_place() {
    let mut exchange =
        Exchange::with(|params| (params.maker_fee, params.taker_fee) = (Rate(1_000), Rate(2_000)));
    let order = exchange.buy(ANN, 100, 100);
    exchange.change(|params| params.maker_fee = Rate(2_000));
    exchange.replace(ANN, order, 100, 50);
    assert_eq!(exchange.locked(ANN, USD), 5_005);
    exchange.replace(ANN, order, 100, 100);
    assert_eq!(exchange.locked(ANN, USD), 10_020);
}

#[test]
fn a_buyer_needs_the_takers_fee_up_front_even_if_the_order_will_rest() {
    let mut exchange = Exchange::with(|params| params.taker_fee = Rate(1_000));
    assert_eq!(exchange.refuse(ANN, buy(1_000, 1_000)), types::Reject::InsufficientBalance);
    exchange.buy(ANN, 999, 1_000);
    assert_eq!((exchange.book(Side::Buy).len(), exchange.locked(ANN, USD)), (1, 999_000));
}

#[test]
fn who_receives_the_fees_may_trade_as_well() {
    let mut exchange = Exchange::with(|params| {
        (params.maker_fee, params.taker_fee, params.fee_account) = (Rate(1_000), Rate(2_000), ANN);
    });
    exchange.buy(ANN, 100, 100);
    exchange.sell(BOB, 100, 100);
    assert_eq!(exchange.free(ANN, USD), RICH - 10_000 + 20);
    exchange.buy(BOB, 100, 100);
    exchange.sell(ANN, 100, 100);
    assert_eq!(exchange.free(ANN, USD), RICH + 20 + 10);
}
