//! Cancel, mass cancel, cancel-replace.

use types::{
    CancelReason, ClientOrderId, Command, MarketId, OperatorCommand, OrderId, OrderRef, Outcome, Place,
    Reject, Side,
};

use crate::support::*;

#[test]
fn cancelling_frees_what_was_set_aside() {
    let mut exchange = Exchange::new();
    let order = exchange.buy(ANN, 100, 5);
    assert_eq!(exchange.cancel(ANN, order), Outcome::Done);
    assert_eq!(exchange.cancelled(), [(order, 5, CancelReason::Requested)]);
    assert_eq!((exchange.free(ANN, USD), exchange.locked(ANN, USD)), (RICH, 0));
    assert_eq!(refused(exchange.cancel(ANN, order)), Reject::UnknownOrder);
}

#[test]
fn an_order_is_cancelled_only_by_its_owner_in_its_market_and_under_its_name() {
    let mut exchange = Exchange::new();
    exchange.operator(OperatorCommand::CreateMarket(plain()));
    let order = exchange.place(ANN, buy(100, 5).client(9));
    let other = MarketId(1);
    let (id, client) = (OrderRef::Id(order), OrderRef::Client(ClientOrderId(9)));
    for (account, market, order, reason) in [
        (BOB, MARKET, id, Reject::UnknownOrder),
        (BOB, MARKET, client, Reject::UnknownOrder),
        (ANN, other, id, Reject::UnknownOrder),
        (ANN, other, client, Reject::UnknownOrder),
        (ANN, MarketId(2), id, Reject::UnknownMarket),
        (ANN, MARKET, OrderRef::Id(OrderId(0)), Reject::UnknownOrder),
        (ANN, MARKET, OrderRef::Id(OrderId(u64::MAX)), Reject::UnknownOrder),
        (ANN, MARKET, OrderRef::Client(ClientOrderId(0)), Reject::UnknownOrder),
    ] {
        assert_eq!(refused(exchange.send(account, Command::Cancel { market, order })), reason);
    }
    exchange.buy(ANN, 99, 1);
    let nameless = Command::Cancel { market: MARKET, order: OrderRef::Client(ClientOrderId::NONE) };
    assert_eq!(refused(exchange.send(ANN, nameless)), Reject::UnknownOrder);
    assert_eq!(exchange.send(ANN, Command::Cancel { market: MARKET, order: client }), Outcome::Done);
}

#[test]
fn a_mass_cancellation_takes_what_matches_lowest_number_first() {
    let orders = |exchange: &mut Exchange| {
        exchange.operator(OperatorCommand::CreateMarket(plain()));
        let there = exchange.place(ANN, Place { market: MarketId(1), ..buy(50, 1) });
        let sale = exchange.sell(ANN, 200, 1);
        let first = exchange.buy(ANN, 100, 1);
        let second = exchange.buy(ANN, 101, 1);
        let waiting = exchange.place(ANN, sell(20, 1).stop(30));
        exchange.buy(BOB, 99, 1);
        [there, sale, first, second, waiting]
    };
    for (market, side, expected) in [
        (None, None, &[1, 2, 3, 4, 0][..]),
        (Some(MARKET), None, &[1, 2, 3, 4]),
        (Some(MARKET), Some(Side::Sell), &[1, 4]),
        (None, Some(Side::Buy), &[2, 3, 0]),
        (Some(MarketId(1)), Some(Side::Sell), &[]),
    ] {
        let mut exchange = Exchange::new();
        let ids = orders(&mut exchange);
        assert_eq!(exchange.send(ANN, Command::MassCancel { market, side }), Outcome::Done);
        let cancelled: Vec<_> = exchange.cancelled().iter().map(|c| (c.0, c.2)).collect();
        let expected: Vec<_> = expected.iter().map(|at: &usize| (ids[*at], CancelReason::Mass)).collect();
        assert_eq!(cancelled, expected, "{market:?} {side:?}");
        assert_eq!(exchange.book(Side::Buy).iter().filter(|o| o.1 == 99).count(), 1);
    }
    let mut exchange = Exchange::new();
    let nowhere = Command::MassCancel { market: Some(MarketId(9)), side: None };
    assert_eq!(refused(exchange.send(ANN, nowhere)), Reject::UnknownMarket);
}

#[test]
fn the_operator_and_l1_can_mass_cancel_for_an_account() {
    let mut exchange = Exchange::new();
    exchange.buy(ANN, 100, 1);
    exchange.operator(OperatorCommand::MassCancel { account: ANN, market: None, side: None });
    assert_eq!(exchange.cancelled().len(), 1);
    exchange.buy(ANN, 100, 1);
    assert_eq!(exchange.l1(ANN, Command::MassCancel { market: None, side: None }), Outcome::Done);
    assert_eq!(exchange.cancelled().len(), 1);
}

#[test]
fn a_replaced_order_keeps_its_place_when_it_shrinks_at_its_price() {
    let mut exchange = Exchange::new();
    let first = exchange.sell(ANN, 100, 5);
    let second = exchange.sell(BOB, 100, 5);
    assert_eq!(exchange.replace(ANN, first, 100, 2), Outcome::Done);
    assert_eq!(exchange.book(Side::Sell), [(first, 100, 2), (second, 100, 5)]);
    assert_eq!(exchange.locked(ANN, BTC), 2);
}

#[test]
fn a_replaced_order_loses_its_place_when_it_grows_or_moves() {
    let mut exchange = Exchange::new();
    let first = exchange.sell(ANN, 100, 5);
    let second = exchange.sell(BOB, 100, 5);
    exchange.replace(ANN, first, 100, 6);
    assert_eq!(exchange.book(Side::Sell), [(second, 100, 5), (first, 100, 6)]);
    exchange.replace(BOB, second, 101, 1);
    exchange.replace(BOB, second, 100, 1);
    assert_eq!(exchange.book(Side::Sell), [(first, 100, 6), (second, 100, 1)]);
    assert_eq!((exchange.locked(ANN, BTC), exchange.locked(BOB, BTC)), (6, 1));
}

#[test]
fn a_replaced_order_may_trade_under_its_old_number() {
    let mut exchange = Exchange::new();
    let maker = exchange.sell(ANN, 100, 2);
    let order = exchange.place(BOB, buy(90, 5).client(3));
    assert_eq!(exchange.replace(BOB, order, 100, 6), Outcome::Done);
    assert_eq!(exchange.fills(), [(maker, order, 100, 2)]);
    assert_eq!(exchange.book(Side::Buy), [(order, 100, 4)]);
    assert_eq!(exchange.refuse(BOB, buy(1, 1).client(3)), Reject::DuplicateClientOrderId);
}

#[test]
fn what_trades_before_a_replacement_counts() {
    // Each time: five lots, two of them trade, and then the trader asks for what he chose when five were left.
    let traded = || {
        let mut exchange = Exchange::new();
        let order = exchange.sell(ANN, 100, 5);
        let behind = exchange.sell(CAT, 100, 1);
        exchange.buy(BOB, 100, 2);
        (exchange, order, behind)
    };
    for (price, quantity, left, book) in [
        (100, 4, 5, vec![(true, 100, 2), (false, 100, 1)]),
        (100, 5, 5, vec![(true, 100, 3), (false, 100, 1)]),
        (100, 6, 5, vec![(false, 100, 1), (true, 100, 4)]),
        (101, 5, 5, vec![(false, 100, 1), (true, 101, 3)]),
        // Nothing has gone since, or the order has grown: the quantity as it stands.
        (100, 2, 3, vec![(true, 100, 2), (false, 100, 1)]),
        (100, 2, 0, vec![(true, 100, 2), (false, 100, 1)]),
        (100, 3, u64::MAX, vec![(false, 100, 1)]),
    ] {
        let (mut exchange, order, behind) = traded();
        assert_eq!(exchange.replace_left(ANN, order, (price, quantity), left), Outcome::Done);
        let named = |(ours, price, quantity)| (if ours { order } else { behind }, price, quantity);
        let book: Vec<_> = book.into_iter().map(named).collect();
        assert_eq!(exchange.book(Side::Sell), book);
        let sold = book.iter().filter(|(id, ..)| *id == order).map(|(.., quantity)| quantity).sum::<u64>();
        assert_eq!(exchange.locked(ANN, BTC), sold);
    }
}

#[test]
fn a_replacement_that_has_traded_already_cancels_what_is_left() {
    for (price, quantity) in [(100, 2), (100, 1), (99, 2), (130, 1)] {
        let mut exchange = Exchange::new();
        let order = exchange.sell(ANN, 100, 5);
        exchange.buy(BOB, 100, 2);
        assert_eq!(exchange.replace_left(ANN, order, (price, quantity), 5), Outcome::Done);
        assert_eq!(exchange.cancelled(), [(order, 3, CancelReason::Requested)]);
        assert_eq!(exchange.book(Side::Sell), []);
        assert_eq!(exchange.locked(ANN, BTC), 0);
    }
}

#[test]
fn a_replacement_is_checked_as_if_the_old_order_were_gone() {
    let mut exchange = Exchange::with(|params| params.limits.max_position = types::Quantity(1_200));
    let order = exchange.buy(ANN, 900, 1_100);
    assert_eq!(refused(exchange.replace(ANN, order, 901, 1_201)), Reject::PositionLimit);
    assert_eq!(refused(exchange.replace(ANN, order, 910, 1_100)), Reject::InsufficientBalance);
    assert_eq!(exchange.book(Side::Buy), [(order, 900, 1_100)]);
    assert_eq!(exchange.replace(ANN, order, 901, 1_109), Outcome::Done);
    assert_eq!((exchange.free(ANN, USD), exchange.locked(ANN, USD)), (RICH - 999_209, 999_209));
}

#[test]
fn a_replacement_that_may_not_be_leaves_the_order_as_it_was() {
    let mut exchange = Exchange::new();
    exchange.sell(BOB, 100, 1);
    let order = exchange.place(ANN, buy(90, 5).post_only());
    let waiting = exchange.place(ANN, sell(20, 1).stop(30));
    for (order, price, quantity, reason) in [
        (order, 100, 5, Reject::PostOnlyWouldTake),
        (order, 90, 0, Reject::ZeroQuantity),
        (order, 0, 5, Reject::PriceOutOfRange),
        (order, 1_001, 5, Reject::PriceOutOfRange),
        (order, u32::MAX, u64::MAX, Reject::PriceOutOfRange),
        (order, 91, u64::MAX, Reject::QuantityLimit),
        (waiting, 20, 1, Reject::CannotReplaceWaiting),
        (OrderId(99), 20, 1, Reject::UnknownOrder),
    ] {
        assert_eq!(refused(exchange.replace(ANN, order, price, quantity)), reason);
        assert_eq!(exchange.book(Side::Buy), [(order_of(&exchange), 90, 5)]);
    }

    fn order_of(exchange: &Exchange) -> OrderId {
        exchange.book(Side::Buy)[0].0
    }
}
