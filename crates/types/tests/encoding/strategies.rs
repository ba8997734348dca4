//! Any command, event, outcome: with many numbers at the edges of their encodings.

use proptest::prelude::*;
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, CancelReason, ClientOrderId, Command, Event, Fill,
    Limits, MarketId, MarketParams, OperatorCommand, OrderId, OrderRef, OrderType, Origin, Outcome, Phase,
    PhaseCause, Place, Price, Quanta, Quantity, Rate, Reject, SelfTrade, Sequenced, SessionKey, Side,
    TimeInForce, Timestamp, Trigger, TriggerKind,
};

/// Where encodings grow by a byte.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..300u64,
        (0..64u32, 0..3u64).prop_map(|(bit, less)| (1u64 << bit).wrapping_sub(less)),
    ]
}

fn small() -> impl Strategy<Value = u32> {
    number().prop_map(|number| number as u32)
}

fn tiny() -> impl Strategy<Value = u16> {
    number().prop_map(|number| number as u16)
}

fn market() -> impl Strategy<Value = MarketId> {
    tiny().prop_map(MarketId)
}

fn asset() -> impl Strategy<Value = AssetId> {
    tiny().prop_map(AssetId)
}

fn account() -> impl Strategy<Value = AccountId> {
    small().prop_map(AccountId)
}

fn order() -> impl Strategy<Value = OrderId> {
    number().prop_map(OrderId)
}

fn price() -> impl Strategy<Value = Price> {
    small().prop_map(Price)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    number().prop_map(Quantity)
}

fn quanta() -> impl Strategy<Value = Quanta> {
    number().prop_map(Quanta)
}

fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![number().prop_map(Timestamp), Just(Timestamp::NEVER)]
}

fn rate() -> impl Strategy<Value = Rate> {
    small().prop_map(|rate| Rate(rate.cast_signed()))
}

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address)
}

fn key() -> impl Strategy<Value = SessionKey> {
    any::<[u8; 32]>().prop_map(SessionKey)
}

fn side() -> impl Strategy<Value = Side> {
    prop::sample::select(&Side::BOTH[..])
}

fn limits() -> impl Strategy<Value = Limits> {
    (quantity(), quanta(), small(), quantity()).prop_map(
        |(max_quantity, max_notional, max_open_orders, max_position)| Limits {
            max_quantity,
            max_notional,
            max_open_orders,
            max_position,
        },
    )
}

fn asset_params() -> impl Strategy<Value = AssetParams> {
    (address(), number(), any::<[u8; 8]>()).prop_map(|(token, quantum, symbol)| AssetParams {
        token,
        quantum,
        symbol,
    })
}

fn market_params() -> BoxedStrategy<MarketParams> {
    let fixed = (asset(), asset(), number(), number(), price());
    let fees = (rate(), rate(), account());
    let breaker =
        (small(), number(), number()).prop_map(|(band, window, halt)| Breaker { band, window, halt });
    (fixed, fees, limits(), small(), breaker, price())
        .prop_map(
            |(
                (base, quote, lot, tick, max_price),
                (maker_fee, taker_fee, fee_account),
                limits,
                collar,
                breaker,
                reference_price,
            )| {
                MarketParams {
                    base,
                    quote,
                    lot,
                    tick,
                    max_price,
                    maker_fee,
                    taker_fee,
                    fee_account,
                    limits,
                    collar,
                    breaker,
                    reference_price,
                }
            },
        )
        .boxed()
}

fn place() -> BoxedStrategy<Place> {
    let order_type = prop_oneof![
        (price(), quantity()).prop_map(|(price, quantity)| OrderType::Limit { price, quantity }),
        quantity().prop_map(|quantity| OrderType::Market { quantity }),
        quanta().prop_map(|budget| OrderType::MarketBudget { budget }),
    ];
    let time_in_force = prop_oneof![
        Just(TimeInForce::Gtc),
        Just(TimeInForce::Ioc),
        Just(TimeInForce::Fok),
        time().prop_map(TimeInForce::Gtd),
    ];
    let self_trade = prop::sample::select(
        &[SelfTrade::ExpireTaker, SelfTrade::ExpireMaker, SelfTrade::ExpireBoth, SelfTrade::Decrement][..],
    );
    let kind = prop::sample::select(&[TriggerKind::StopLoss, TriggerKind::TakeProfit][..]);
    let trigger = prop::option::of((kind, price()).prop_map(|(kind, price)| Trigger { kind, price }));
    let client_id = prop_oneof![Just(ClientOrderId::NONE), number().prop_map(ClientOrderId)];
    (market(), side(), order_type, time_in_force, any::<bool>(), self_trade, trigger, client_id)
        .prop_map(|(market, side, order_type, time_in_force, post_only, self_trade, trigger, client_id)| {
            Place { market, side, order_type, time_in_force, post_only, self_trade, trigger, client_id }
        })
        .boxed()
}

fn order_ref() -> impl Strategy<Value = OrderRef> {
    prop_oneof![order().prop_map(OrderRef::Id), number().prop_map(|id| OrderRef::Client(ClientOrderId(id))),]
}

fn scope() -> impl Strategy<Value = (Option<MarketId>, Option<Side>)> {
    (prop::option::of(market()), prop::option::of(side()))
}

fn operator_command() -> BoxedStrategy<OperatorCommand> {
    prop_oneof![
        asset_params().prop_map(OperatorCommand::ListAsset),
        market_params().prop_map(OperatorCommand::CreateMarket),
        (market(), market_params())
            .prop_map(|(market, params)| OperatorCommand::ChangeMarket { market, params }),
        (market(), time()).prop_map(|(market, until)| OperatorCommand::HaltMarket { market, until }),
        market().prop_map(|market| OperatorCommand::ResumeMarket { market }),
        (account(), any::<bool>())
            .prop_map(|(account, suspended)| OperatorCommand::SuspendAccount { account, suspended }),
        (account(), market(), prop::option::of(limits()))
            .prop_map(|(account, market, limits)| OperatorCommand::SetLimits { account, market, limits }),
        (account(), scope()).prop_map(|(account, (market, side))| OperatorCommand::MassCancel {
            account,
            market,
            side
        }),
        any::<bool>().prop_map(|halted| OperatorCommand::HaltExchange { halted }),
        Just(OperatorCommand::AdvanceTime),
    ]
    .boxed()
}

/// Any command.
pub fn command() -> BoxedStrategy<Command> {
    prop_oneof![
        4 => place().prop_map(Command::Place),
        1 => (market(), order_ref()).prop_map(|(market, order)| Command::Cancel { market, order }),
        1 => (market(), order_ref(), price(), quantity(), prop::option::of(quantity())).prop_map(
            |(market, order, price, quantity, left)| Command::Replace { market, order, price, quantity, left }
        ),
        1 => scope().prop_map(|(market, side)| Command::MassCancel { market, side }),
        1 => (asset(), quanta()).prop_map(|(asset, amount)| Command::Withdraw { asset, amount }),
        1 => (key(), time()).prop_map(|(key, expires)| Command::RegisterSession { key, expires }),
        1 => (address(), asset(), quanta())
            .prop_map(|(owner, asset, amount)| Command::Deposit { owner, asset, amount }),
        4 => operator_command().prop_map(|command| Command::Operator(command.into())),
    ]
    .boxed()
}

/// Any sequenced command, and a time at or before its own.
pub fn sequenced() -> impl Strategy<Value = (Timestamp, Sequenced)> {
    let origin = prop_oneof![Just(Origin::Session), Just(Origin::Owner), number().prop_map(Origin::L1)];
    (number(), number(), number(), account(), origin, command()).prop_map(
        |(sequence, previous, later, account, origin, command)| {
            let timestamp = Timestamp(previous.saturating_add(later));
            (Timestamp(previous), Sequenced { sequence, timestamp, account, origin, command })
        },
    )
}

fn trading_event() -> BoxedStrategy<Event> {
    let fill = (
        (market(), side(), order(), order(), account()),
        (account(), price(), quantity(), number(), quanta()),
    )
        .prop_map(
            |(
                (market, taker_side, maker, taker, maker_account),
                (taker_account, price, quantity, maker_fee, taker_fee),
            )| {
                Event::Fill(Fill {
                    market,
                    taker_side,
                    maker,
                    taker,
                    maker_account,
                    taker_account,
                    price,
                    quantity,
                    maker_fee: maker_fee.cast_signed(),
                    taker_fee,
                })
            },
        );
    let reason = prop::sample::select(
        &[
            CancelReason::Requested,
            CancelReason::Mass,
            CancelReason::Expired,
            CancelReason::Immediate,
            CancelReason::SelfTrade,
            CancelReason::Funds,
            CancelReason::Collar,
            CancelReason::Halted,
            CancelReason::TriggerRefused,
        ][..],
    );
    let which = || (order(), market(), account());
    prop_oneof![
        2 => fill,
        1 => (which(), side(), price(), quantity()).prop_map(
            |((order, market, account), side, price, quantity)| {
                Event::Rested { order, market, account, side, price, quantity }
            }
        ),
        1 => (which(), side(), price()).prop_map(|((order, market, account), side, trigger)| {
            Event::Waiting { order, market, account, side, trigger }
        }),
        1 => which().prop_map(|(order, market, account)| Event::Triggered { order, market, account }),
        1 => (which(), price(), quantity(), price(), quantity(), any::<bool>()).prop_map(
            |((order, market, account), old_price, old_quantity, price, quantity, kept_place)| {
                Event::Replaced { order, market, account, old_price, old_quantity, price, quantity, kept_place }
            }
        ),
        2 => (which(), side(), price(), quantity(), quantity(), any::<bool>(), reason).prop_map(
            |((order, market, account), side, price, quantity, remaining, resting, reason)| {
                Event::Cancelled { order, market, account, side, price, quantity, remaining, resting, reason }
            }
        ),
    ]
    .boxed()
}

fn other_event() -> BoxedStrategy<Event> {
    let phase = prop_oneof![Just(Phase::Open), time().prop_map(|until| Phase::Halted { until })];
    let cause = prop::sample::select(&[PhaseCause::Operator, PhaseCause::Breaker, PhaseCause::Time][..]);
    prop_oneof![
        (account(), address()).prop_map(|(account, owner)| Event::AccountOpened { account, owner }),
        (account(), asset(), quanta()).prop_map(|(account, asset, amount)| Event::Deposited {
            account,
            asset,
            amount
        }),
        (number(), account(), address(), asset(), quanta()).prop_map(
            |(index, account, owner, asset, amount)| Event::Withdrawn {
                index,
                account,
                owner,
                asset,
                amount
            }
        ),
        (account(), key(), time()).prop_map(|(account, key, expires)| Event::SessionRegistered {
            account,
            key,
            expires
        }),
        asset().prop_map(|asset| Event::AssetListed { asset }),
        market().prop_map(|market| Event::MarketCreated { market }),
        market().prop_map(|market| Event::MarketChanged { market }),
        (market(), phase, cause).prop_map(|(market, phase, cause)| Event::PhaseChanged {
            market,
            phase,
            cause
        }),
        (account(), any::<bool>())
            .prop_map(|(account, suspended)| Event::AccountSuspended { account, suspended }),
        (account(), market()).prop_map(|(account, market)| Event::LimitsSet { account, market }),
        any::<bool>().prop_map(|halted| Event::ExchangeHalted { halted }),
    ]
    .boxed()
}

/// Any event.
pub fn event() -> BoxedStrategy<Event> {
    prop_oneof![trading_event(), other_event()].boxed()
}

/// Any outcome.
pub fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Done),
        order().prop_map(Outcome::Accepted),
        prop::sample::select(Reject::ALL).prop_map(Outcome::Rejected),
    ]
}
