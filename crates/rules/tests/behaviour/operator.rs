//! Listing, creating, changing, halting.

use types::{
    AccountId, AssetId, AssetParams, Breaker, Event, Limits, MarketId, MarketParams, OperatorCommand, Price,
    Rate, Reject, Timestamp,
};

use crate::support::*;

#[test]
fn assets_and_markets_are_numbered_in_the_order_of_their_making() {
    let mut exchange = Exchange::new();
    exchange.list(5);
    assert_eq!(exchange.events, [Event::AssetListed { asset: AssetId(2) }]);
    exchange.operator(OperatorCommand::CreateMarket(plain()));
    assert_eq!(exchange.events, [Event::MarketCreated { market: MarketId(1) }]);
}

#[test]
fn no_more_is_made_than_the_exchange_was_configured_for() {
    let mut exchange = Exchange::new();
    exchange.list(5);
    let params = AssetParams { token: types::Address::default(), quantum: 1, symbol: [0; 8] };
    assert_eq!(exchange.operator_refused(OperatorCommand::ListAsset(params)), Reject::CapacityReached);
    let bad = AssetParams { quantum: 0, ..params };
    assert_eq!(exchange.operator_refused(OperatorCommand::ListAsset(bad)), Reject::BadAssetParams);

    let wide = MarketParams { max_price: Price(2_001), ..plain() };
    assert_eq!(exchange.operator_refused(OperatorCommand::CreateMarket(wide)), Reject::CapacityReached);
    let narrow = MarketParams { max_price: Price(1), ..plain() };
    exchange.operator(OperatorCommand::CreateMarket(narrow));
    exchange.operator(OperatorCommand::CreateMarket(narrow));
    assert_eq!(exchange.operator_refused(OperatorCommand::CreateMarket(narrow)), Reject::CapacityReached);
}

#[test]
fn a_markets_parameters_must_make_sense() {
    let mut exchange = Exchange::new();
    let good = plain();
    for (params, reason) in [
        (MarketParams { taker_fee: Rate(-1), ..good }, Reject::BadMarketParams),
        (MarketParams { taker_fee: Rate(100_001), ..good }, Reject::BadMarketParams),
        (MarketParams { taker_fee: Rate(i32::MIN), ..good }, Reject::BadMarketParams),
        (MarketParams { maker_fee: Rate(1), ..good }, Reject::BadMarketParams),
        (MarketParams { maker_fee: Rate(-1), ..good }, Reject::BadMarketParams),
        (MarketParams { maker_fee: Rate(i32::MIN), ..good }, Reject::BadMarketParams),
        (MarketParams { lot: 0, ..good }, Reject::BadMarketParams),
        (MarketParams { tick: 0, ..good }, Reject::BadMarketParams),
        (MarketParams { max_price: Price(0), ..good }, Reject::BadMarketParams),
        (MarketParams { max_price: Price(MarketParams::MAX_TICKS + 1), ..good }, Reject::BadMarketParams),
        (MarketParams { reference_price: Price(1_001), ..good }, Reject::BadMarketParams),
        (MarketParams { collar: 1_000_001, ..good }, Reject::BadMarketParams),
        (
            MarketParams { breaker: Breaker { band: u32::MAX, window: 0, halt: 0 }, ..good },
            Reject::BadMarketParams,
        ),
        (MarketParams { base: USD, ..good }, Reject::BadMarketParams),
        (MarketParams { base: AssetId(2), ..good }, Reject::UnknownAsset),
        (MarketParams { quote: AssetId(u16::MAX), ..good }, Reject::UnknownAsset),
        (MarketParams { fee_account: AccountId(77), ..good }, Reject::UnknownAccount),
    ] {
        assert_eq!(exchange.operator_refused(OperatorCommand::CreateMarket(params)), reason, "{params:?}");
        let change = OperatorCommand::ChangeMarket { market: MARKET, params };
        assert_eq!(exchange.operator_refused(change), reason, "{params:?}");
    }
}

#[test]
fn some_parameters_are_fixed_for_a_markets_life() {
    let mut exchange = Exchange::new();
    let good = plain();
    for params in [
        MarketParams { base: USD, quote: BTC, ..good },
        MarketParams { lot: 2, ..good },
        MarketParams { tick: 2, ..good },
        MarketParams { max_price: Price(1_001), ..good },
    ] {
        let change = OperatorCommand::ChangeMarket { market: MARKET, params };
        assert_eq!(exchange.operator_refused(change), Reject::FixedParameter);
    }
    exchange.change(|params| params.collar = 5);
    assert_eq!(exchange.events, [Event::MarketChanged { market: MARKET }]);
}

#[test]
fn what_is_already_so_is_not_done_again() {
    let mut exchange = Exchange::new();
    let (account, market) = (ANN, MARKET);
    let halt = OperatorCommand::HaltMarket { market, until: Timestamp(5) };
    for command in [
        OperatorCommand::ResumeMarket { market },
        OperatorCommand::SuspendAccount { account, suspended: false },
        OperatorCommand::SetLimits { account, market, limits: None },
        OperatorCommand::HaltExchange { halted: false },
    ] {
        assert_eq!(exchange.operator_refused(command), Reject::NothingToDo);
    }
    exchange.operator(halt.clone());
    assert_eq!(exchange.operator_refused(halt), Reject::NothingToDo);
    exchange.operator(OperatorCommand::HaltMarket { market, until: Timestamp(6) });
}

#[test]
fn what_the_operator_names_must_exist() {
    let mut exchange = Exchange::new();
    let (nobody, nowhere) = (AccountId(u32::MAX), MarketId(u16::MAX));
    let limits = Some(Limits::NONE);
    for (command, reason) in [
        (OperatorCommand::HaltMarket { market: nowhere, until: Timestamp(5) }, Reject::UnknownMarket),
        (OperatorCommand::ResumeMarket { market: nowhere }, Reject::UnknownMarket),
        (OperatorCommand::ChangeMarket { market: nowhere, params: plain() }, Reject::UnknownMarket),
        (OperatorCommand::SetLimits { account: ANN, market: nowhere, limits }, Reject::UnknownMarket),
        (OperatorCommand::SetLimits { account: nobody, market: MARKET, limits }, Reject::UnknownAccount),
        (OperatorCommand::SuspendAccount { account: nobody, suspended: true }, Reject::UnknownAccount),
        (OperatorCommand::MassCancel { account: nobody, market: None, side: None }, Reject::UnknownAccount),
        (
            OperatorCommand::MassCancel { account: ANN, market: Some(nowhere), side: None },
            Reject::UnknownMarket,
        ),
    ] {
        assert_eq!(exchange.operator_refused(command), reason);
    }
}

#[test]
fn the_exchange_holds_as_many_open_orders_as_it_was_configured_for() {
    let mut exchange = Exchange::new();
    for _ in 0..2_000 {
        exchange.buy(ANN, 1, 1);
    }
    assert_eq!(exchange.refuse(BOB, buy(1, 1)), Reject::ExchangeFull);
    assert_eq!(exchange.refuse(BOB, sell(1, 1).stop(1)), Reject::ExchangeFull);
    exchange.place(BOB, sell(1, 1).ioc());
    exchange.buy(BOB, 1, 1);
}
