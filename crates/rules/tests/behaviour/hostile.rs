//! The largest numbers there are: an answer, never a panic.

use types::{
    CancelReason, Command, MarketParams, OperatorCommand, OrderRef, OrderType, Outcome, Place, Price, Quanta,
    Quantity, SelfTrade, Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

use crate::support::*;

const EDGES: [u64; 9] = [0, 1, 2, u32::MAX as u64, 1 << 61, (1 << 61) + 1, 1 << 63, u64::MAX - 1, u64::MAX];

/// All the money there can be.
fn whales() -> Exchange {
    let mut exchange = Exchange::empty();
    exchange.list(1);
    exchange.list(u64::MAX);
    exchange.deposit(ANN, USD, u64::MAX);
    exchange.deposit(BOB, BTC, u64::MAX - 9);
    exchange.deposit(CAT, BTC, 9);
    exchange.deposit(FEES, USD, 0);
    exchange
}

#[test]
fn whoever_has_all_the_money_runs_out_of_it_like_anybody_else() {
    for place in [market_buy(2), budget_buy(u64::MAX)] {
        let mut exchange = whales();
        let params = MarketParams { tick: 1 << 60, max_price: Price(15), ..plain() };
        exchange.operator(OperatorCommand::CreateMarket(params));
        exchange.sell(BOB, 15, 1);
        exchange.sell(CAT, 15, 1);
        let taker = exchange.place(ANN, place);
        assert_eq!(exchange.fills().len(), 1);
        if place == market_buy(2) {
            assert_eq!(exchange.cancelled(), [(taker, 1, CancelReason::Funds)]);
        }
        assert_eq!(exchange.free(ANN, USD), (1 << 60) - 1);
    }
}

#[test]
fn no_number_in_an_order_is_too_large_for_an_answer() {
    for (lot, tick) in [(1, 1), (u64::MAX, u64::MAX), (1 << 40, 1), (1, 1 << 63), (1, 1 << 40)] {
        let mut exchange = whales();
        exchange.operator(OperatorCommand::CreateMarket(MarketParams {
            lot,
            tick,
            maker_fee: types::Rate(-100_000),
            taker_fee: types::Rate(100_000),
            max_price: Price(1_000),
            breaker: types::Breaker { band: 1_000_000, window: u64::MAX, halt: u64::MAX },
            ..plain()
        }));
        let mut accepted = 0;
        for quantity in EDGES.map(Quantity) {
            for price in [0, 1, 999, 1_000, 1_001, u32::MAX].map(Price) {
                for side in Side::BOTH {
                    for trigger in [None, Some(Price(2)), Some(Price(u32::MAX))] {
                        let kind = TriggerKind::StopLoss;
                        let order = Place {
                            trigger: trigger.map(|price| Trigger { kind, price }),
                            self_trade: SelfTrade::Decrement,
                            time_in_force: TimeInForce::Gtd(Timestamp::NEVER),
                            ..Place::limit(MARKET, side, price, quantity)
                        };
                        let market = Place { time_in_force: TimeInForce::Ioc, ..order };
                        let budget = OrderType::MarketBudget { budget: Quanta(quantity.0) };
                        for place in [
                            order,
                            Place { order_type: OrderType::Market { quantity }, ..market },
                            Place { order_type: budget, ..market },
                            Place { time_in_force: TimeInForce::Fok, ..order },
                        ] {
                            for account in [ANN, BOB, CAT] {
                                let outcome = exchange.send(account, Command::Place(place));
                                accepted += usize::from(matches!(outcome, Outcome::Accepted(_)));
                            }
                        }
                        let order = exchange.store.orders().next().map(|order| order.id);
                        if let Some(order) = order.map(OrderRef::Id) {
                            for account in [ANN, BOB, CAT] {
                                for left in [None, Some(quantity), Some(Quantity(u64::MAX))] {
                                    exchange.send(
                                        account,
                                        Command::Replace { market: MARKET, order, price, quantity, left },
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
        assert!(accepted > 0 || lot == u64::MAX);
        for account in [ANN, BOB, CAT] {
            exchange.send(account, Command::MassCancel { market: None, side: None });
            assert_eq!((exchange.locked(account, USD), exchange.locked(account, BTC)), (0, 0));
        }
        let sum: u128 = exchange.store.balances().map(|(_, balance)| u128::from(balance.free.0)).sum();
        assert_eq!(sum, 2 * u128::from(u64::MAX));
    }
}

#[test]
fn a_position_of_the_largest_size_can_be_turned_around() {
    let mut exchange = whales();
    exchange.operator(OperatorCommand::CreateMarket(plain()));
    let most = 1 << 61;
    exchange.buy(ANN, 1, most);
    assert_eq!(exchange.refuse(ANN, buy(1, 1)), types::Reject::PositionLimit);
    exchange.sell(BOB, 1, most);
    assert_eq!((exchange.net(ANN), exchange.net(BOB)), (1 << 61, -(1 << 61)));
    exchange.sell(ANN, 1, most);
    exchange.place(BOB, budget_buy(most));
    assert_eq!((exchange.net(ANN), exchange.net(BOB)), (0, 0));
}

#[test]
fn time_may_stand_at_its_end() {
    let mut exchange = Exchange::new();
    exchange.buy(ANN, 90, 1);
    exchange.print(100);
    exchange.change(|params| params.breaker = types::Breaker { band: 1, window: u64::MAX, halt: u64::MAX });
    exchange.print(100);
    exchange.sell(BOB, 500, 1);
    exchange.now = u64::MAX - 1;
    exchange.buy(CAT, 500, 1);
    assert!(exchange.market().phase != types::Phase::Open);
    exchange.now = u64::MAX;
    assert_eq!(exchange.refuse(ANN, buy(90, 1)), types::Reject::SessionExpired);
    let outcome =
        exchange.send_from(types::Origin::Owner, ANN, Command::MassCancel { market: None, side: None });
    assert_eq!(outcome, Outcome::Done);
}
