//! The circuit breaker and the kill switches.

use types::{
    Breaker, CancelReason, Command, Event, OperatorCommand, Outcome, Phase, PhaseCause, Quanta, Reject,
    SelfTrade, Side, Timestamp,
};

use crate::support::*;

/// Halts for 500 microseconds on a move of more than 10 % within 10,000.
fn nervous() -> Exchange {
    let mut exchange =
        Exchange::with(|params| params.breaker = Breaker { band: 100_000, window: 10_000, halt: 500 });
    exchange.print(100);
    exchange
}

#[test]
fn a_trade_beyond_the_band_halts_the_market_and_does_not_happen() {
    let mut exchange = nervous();
    let near = exchange.sell(ANN, 110, 1);
    let far = exchange.sell(ANN, 111, 1);
    let taker = exchange.buy(BOB, 120, 5);
    assert_eq!(exchange.fills(), [(near, taker, 110, 1)]);
    assert_eq!(exchange.cancelled(), [(taker, 4, CancelReason::Halted)]);
    assert_eq!(exchange.book(Side::Sell), [(far, 111, 1)]);
    let until = Timestamp(exchange.now + 500);
    assert_eq!(exchange.market().phase, Phase::Halted { until });
    let halted =
        Event::PhaseChanged { market: MARKET, phase: Phase::Halted { until }, cause: PhaseCause::Breaker };
    assert!(exchange.events.contains(&halted));
}

#[test]
fn a_halted_market_accepts_cancellations_only() {
    let mut exchange = nervous();
    let order = exchange.buy(ANN, 90, 2);
    let other = exchange.buy(ANN, 91, 2);
    exchange.operator(OperatorCommand::HaltMarket { market: MARKET, until: Timestamp::NEVER });
    assert_eq!(exchange.refuse(BOB, buy(90, 1)), Reject::MarketHalted);
    assert_eq!(refused(exchange.replace(ANN, order, 90, 1)), Reject::MarketHalted);
    assert_eq!(exchange.cancel(ANN, order), Outcome::Done);
    assert_eq!(exchange.send(ANN, Command::MassCancel { market: None, side: None }), Outcome::Done);
    assert!(!exchange.is_open(other));
}

#[test]
fn a_timed_halt_ends_by_itself_with_the_next_order() {
    let mut exchange = nervous();
    exchange.sell(ANN, 130, 2);
    exchange.place(BOB, buy(130, 1).ioc());
    exchange.now += 499;
    assert_eq!(exchange.refuse(BOB, buy(130, 1)), Reject::MarketHalted);
    exchange.now += 1;
    exchange.buy(BOB, 130, 1);
    let opened = Event::PhaseChanged { market: MARKET, phase: Phase::Open, cause: PhaseCause::Time };
    assert_eq!(exchange.events[0], opened);
    // The first trade after a halt opens a new window, wherever it is.
    assert_eq!(exchange.market().last_price.0, 130);
    assert_eq!(exchange.market().window_price.0, 130);
}

#[test]
fn a_halt_without_end_waits_for_the_operator() {
    let mut exchange = nervous();
    exchange.change(|params| params.breaker.halt = 0);
    exchange.sell(ANN, 130, 1);
    exchange.place(BOB, buy(130, 1).ioc());
    exchange.now += 1_000_000_000;
    assert_eq!(exchange.refuse(BOB, buy(130, 1)), Reject::MarketHalted);
    exchange.operator(OperatorCommand::ResumeMarket { market: MARKET });
    exchange.buy(BOB, 130, 1);
    assert_eq!(exchange.fills().len(), 1);
}

#[test]
fn the_operator_may_end_a_timed_halt_early() {
    let mut exchange = nervous();
    let until = Timestamp(exchange.now + 1_000);
    exchange.operator(OperatorCommand::HaltMarket { market: MARKET, until });
    exchange.operator(OperatorCommand::ResumeMarket { market: MARKET });
    exchange.buy(BOB, 90, 1);
}

#[test]
fn slow_moves_do_not_break_the_circuit_and_fast_ones_add_up() {
    let mut exchange = nervous();
    for price in [110, 121, 133] {
        exchange.now += 10_000;
        exchange.print(price);
    }
    // The last window began at 121.
    exchange.print(129);
    exchange.sell(BOB, 134, 1);
    let taker = exchange.place(CAT, buy(134, 1).ioc());
    assert_eq!(exchange.cancelled(), [(taker, 1, CancelReason::Halted)]);
}

#[test]
fn a_fill_or_kill_order_that_would_break_the_circuit_is_refused_and_halts_nothing() {
    let mut exchange = nervous();
    exchange.sell(ANN, 105, 1);
    exchange.sell(ANN, 115, 1);
    assert_eq!(exchange.refuse(BOB, buy(115, 2).fok()), Reject::CannotFill);
    assert_eq!(exchange.market().phase, Phase::Open);
}

#[test]
fn a_fill_or_kill_order_does_not_measure_from_its_own_order_that_leaves() {
    let mut exchange = nervous();
    exchange.operator(OperatorCommand::HaltMarket { market: MARKET, until: Timestamp::NEVER });
    exchange.operator(OperatorCommand::ResumeMarket { market: MARKET });
    // The next trade opens the window: 150, not the own order's 100.
    exchange.sell(BOB, 100, 1);
    exchange.sell(ANN, 150, 1);
    exchange.place(BOB, buy(150, 1).fok().mode(SelfTrade::ExpireMaker));
    assert_eq!(exchange.fills().len(), 1);
    assert_eq!(exchange.market().phase, Phase::Open);
}

#[test]
fn a_fill_or_kill_order_is_never_filled_in_part_after_its_own_order_left() {
    let mut exchange = nervous();
    exchange.operator(OperatorCommand::HaltMarket { market: MARKET, until: Timestamp::NEVER });
    exchange.operator(OperatorCommand::ResumeMarket { market: MARKET });
    // Within 10 % of the own order at 100, but not of each other.
    exchange.sell(BOB, 100, 1);
    exchange.change(|params| params.breaker.band = 50_000);
    exchange.sell(ANN, 101, 1);
    exchange.sell(ANN, 105, 1);
    exchange.sell(ANN, 106, 1);
    exchange.change(|params| params.breaker.band = 49_000);
    assert_eq!(exchange.refuse(BOB, buy(106, 3).fok().mode(SelfTrade::ExpireMaker)), Reject::CannotFill);
    assert_eq!(exchange.book(Side::Sell).len(), 4);
}

#[test]
fn a_suspended_account_may_only_cancel_and_withdraw() {
    let mut exchange = Exchange::new();
    let order = exchange.buy(ANN, 90, 1);
    exchange.operator(OperatorCommand::SuspendAccount { account: ANN, suspended: true });
    assert_eq!(exchange.refuse(ANN, buy(90, 1)), Reject::AccountSuspended);
    assert_eq!(refused(exchange.replace(ANN, order, 90, 1)), Reject::AccountSuspended);
    assert_eq!(exchange.cancel(ANN, order), Outcome::Done);
    assert_eq!(exchange.send(ANN, Command::Withdraw { asset: USD, amount: Quanta(5) }), Outcome::Done);
    exchange.buy(BOB, 90, 1);
    exchange.operator(OperatorCommand::SuspendAccount { account: ANN, suspended: false });
    exchange.buy(ANN, 90, 1);
}

#[test]
fn a_halted_exchange_accepts_cancellations_and_withdrawals_only() {
    let mut exchange = Exchange::new();
    let order = exchange.buy(ANN, 90, 1);
    exchange.operator(OperatorCommand::HaltExchange { halted: true });
    assert_eq!(exchange.refuse(ANN, buy(90, 1)), Reject::ExchangeHalted);
    assert_eq!(refused(exchange.replace(ANN, order, 90, 1)), Reject::ExchangeHalted);
    assert_eq!(exchange.cancel(ANN, order), Outcome::Done);
    assert_eq!(exchange.send(ANN, Command::Withdraw { asset: USD, amount: Quanta(5) }), Outcome::Done);
    exchange.deposit(ANN, USD, 5);
    exchange.operator(OperatorCommand::HaltExchange { halted: false });
    exchange.buy(ANN, 90, 1);
}
