//! Commands of every kind on the fast book and on the slow, obvious store: the same outcomes, the same events, the same
//! state, and no unit created or lost.
#![no_main]

use std::sync::LazyLock;

use book::Book;
use kit::{Choices, admitted_flow};
use libfuzzer_sys::fuzz_target;
use rules::{ModelStore, Store, model_flow};
use types::{
    AccountId, Address, AssetId, AssetParams, ClientOrderId, Command, Event, Limits, MarketId,
    OperatorCommand, OrderId, OrderRef, OrderType, Origin, Place, Price, Quanta, Quantity, SelfTrade,
    Sequenced, SessionKey, Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

/// Assets, accounts with money, four markets, and a few hundred commands.
static PREFIX: LazyLock<Vec<Sequenced>> = LazyLock::new(|| admitted_flow(11, 250));

fuzz_target!(|bytes: &[u8]| {
    let genesis = model_flow::genesis();
    let mut book = Book::new(genesis.capacity);
    let Ok(()) = rules::open(&mut book, &genesis);
    let mut model = ModelStore::open(&genesis);
    for sequenced in PREFIX.iter() {
        same(&mut book, &mut model, sequenced);
    }

    let mut choices = Choices::new(bytes);
    let mut now = PREFIX.last().map_or(0, |last| last.timestamp.0);
    for sequence in PREFIX.len() as u64 + 1.. {
        if choices.is_empty() {
            break;
        }
        now += u64::from(choices.byte()) * [0, 1, 100, 10_000][usize::from(choices.byte() % 4)];
        let (account, origin, command) = command(&mut choices, model.counters().orders, now);
        same(
            &mut book,
            &mut model,
            &Sequenced { sequence, timestamp: Timestamp(now), account, origin, command },
        );
    }

    for (account, asset) in pairs(model.counters().accounts, model.counters().assets) {
        let (account, asset) = (AccountId(account), AssetId(asset));
        let Ok(balance) = model.balance(account, asset).copied();
        assert_eq!(book.balance_of(account, asset), balance, "{account} {asset}");
    }
    for (account, market) in pairs(model.counters().accounts, model.counters().markets) {
        let (account, market) = (AccountId(account), MarketId(market));
        let (Ok(ours), Ok(expected)) = (book.position(account, market), model.position(account, market));
        assert_eq!(ours, expected, "{account} {market}");
    }
    for (asset, listed) in model.assets() {
        let sum = model.balances().filter(|((_, of), _)| *of == asset);
        let sum: u128 =
            sum.map(|(_, balance)| u128::from(balance.free.0) + u128::from(balance.locked.0)).sum();
        assert_eq!(sum, listed.total.0.into(), "asset {asset} is conserved");
    }
    for market in 0..model.counters().markets {
        let market = MarketId(market);
        for side in Side::BOTH {
            let mut expected: Vec<_> = model.resting(market, side).collect();
            expected.sort_by_key(|order| {
                (if side == Side::Buy { !order.price.0 } else { order.price.0 }, order.arrival)
            });
            assert!(book.side(market, side).eq(expected), "{market} {side:?}");
        }
        // Orders whose time has come may stand in the way of nothing until they leave.
        let live = Side::BOTH.map(|side| {
            book.side(market, side).find(|order| !order.is_expired(Timestamp(now))).map(|order| order.price)
        });
        if let [Some(bid), Some(ask)] = live {
            assert!(bid < ask, "{market} is crossed");
        }
    }
});

fn same(book: &mut Book, model: &mut ModelStore, sequenced: &Sequenced) {
    let (mut fast, mut slow): (Vec<Event>, Vec<Event>) = Default::default();
    let Ok(ours) = rules::execute(book, sequenced, &mut |event| fast.push(event));
    let Ok(expected) = rules::execute(model, sequenced, &mut |event| slow.push(event));
    assert_eq!((ours, fast), (expected, slow), "{sequenced:?}");
    assert_eq!(book.counters(), model.counters(), "{sequenced:?}");
}

fn pairs(first: u32, second: u16) -> impl Iterator<Item = (u32, u16)> {
    (0..first).flat_map(move |a| (0..second).map(move |b| (a, b)))
}

fn command(c: &mut Choices<'_>, orders: u64, now: u64) -> (AccountId, Origin, Command) {
    let account = AccountId(c.below(14));
    let market = MarketId(c.below(5) as u16);
    let asset = AssetId(c.below(6) as u16);
    let command = match c.below(20) {
        0..=9 => Command::Place(place(c, market, now)),
        10 | 11 => Command::Cancel { market, order: order(c, orders) },
        12 | 13 => Command::Replace {
            market,
            order: order(c, orders),
            price: Price(c.below(310)),
            quantity: Quantity(c.amount(60)),
            left: (c.below(3) == 0).then(|| Quantity(c.amount(60))),
        },
        14 => Command::MassCancel { market: scope(c, market), side: side_scope(c) },
        15 => Command::Withdraw { asset, amount: Quanta(c.amount(10_000)) },
        16 => {
            let owner = model_flow::owner(account);
            return (
                account,
                Origin::L1(0),
                Command::Deposit { owner, asset, amount: Quanta(c.amount(10_000)) },
            );
        }
        17 => {
            let key = SessionKey([c.byte(); 32]);
            let expires =
                if c.byte() < 200 { Timestamp::NEVER } else { Timestamp(now + c.amount(1_000) % 1_000) };
            return (account, Origin::Owner, Command::RegisterSession { key, expires });
        }
        _ => {
            let command = operator(c, market, now);
            return (AccountId(c.below(16) / 15), Origin::Session, Command::Operator(Box::new(command)));
        }
    };
    let origin = c.of(&[Origin::Session, Origin::Session, Origin::Session, Origin::Owner, Origin::L1(0)]);
    (account, origin, command)
}

fn place(c: &mut Choices<'_>, market: MarketId, now: u64) -> Place {
    let price = Price(c.below(310));
    let order_type = match c.below(8) {
        0..=4 => OrderType::Limit { price, quantity: Quantity(c.amount(60)) },
        5 | 6 => OrderType::Market { quantity: Quantity(c.amount(60)) },
        _ => OrderType::MarketBudget { budget: Quanta(c.amount(30_000)) },
    };
    let time_in_force = match c.below(6) {
        0 | 1 => TimeInForce::Gtc,
        2 => TimeInForce::Gtd(Timestamp(now.saturating_add(c.amount(5_000)))),
        3 | 4 => TimeInForce::Ioc,
        _ => TimeInForce::Fok,
    };
    let kind = c.of(&[TriggerKind::StopLoss, TriggerKind::TakeProfit]);
    Place {
        market,
        side: c.of(&Side::BOTH),
        order_type,
        time_in_force,
        post_only: c.below(8) == 0,
        self_trade: c.of(&[
            SelfTrade::ExpireTaker,
            SelfTrade::ExpireMaker,
            SelfTrade::ExpireBoth,
            SelfTrade::Decrement,
        ]),
        trigger: (c.below(4) == 0).then(|| Trigger { kind, price: Price(c.below(310)) }),
        client_id: ClientOrderId(c.below(12).into()),
    }
}

fn order(c: &mut Choices<'_>, orders: u64) -> OrderRef {
    match c.below(4) {
        0 => OrderRef::Client(ClientOrderId(c.below(12).into())),
        _ => OrderRef::Id(OrderId(orders.saturating_sub(c.below(300).into()))),
    }
}

fn scope(c: &mut Choices<'_>, market: MarketId) -> Option<MarketId> {
    (c.byte() % 2 == 0).then_some(market)
}

fn side_scope(c: &mut Choices<'_>) -> Option<Side> {
    c.of(&[None, Some(Side::Buy), Some(Side::Sell)])
}

fn operator(c: &mut Choices<'_>, market: MarketId, now: u64) -> OperatorCommand {
    let account = AccountId(c.below(14));
    let limits = Limits {
        max_quantity: Quantity(c.amount(60)),
        max_notional: Quanta(c.amount(30_000)),
        max_open_orders: c.below(40),
        max_position: Quantity(c.amount(200)),
    };
    match c.below(10) {
        0 => OperatorCommand::HaltMarket { market, until: Timestamp(now.saturating_add(c.amount(500))) },
        1 | 2 => OperatorCommand::ResumeMarket { market },
        3 => OperatorCommand::SuspendAccount { account, suspended: c.byte() % 2 == 0 },
        4 => OperatorCommand::SetLimits { account, market, limits: (c.byte() % 2 == 0).then_some(limits) },
        5 => OperatorCommand::MassCancel { account, market: scope(c, market), side: side_scope(c) },
        6 => OperatorCommand::HaltExchange { halted: c.byte() % 4 == 0 },
        7 => OperatorCommand::ListAsset(AssetParams {
            token: Address::default(),
            quantum: c.amount(3),
            symbol: [0; 8],
        }),
        _ => OperatorCommand::AdvanceTime,
    }
}
