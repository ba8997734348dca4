//! Golden vectors: one of each kind. They are the protocol; if one has to change, so has every stored journal,
//! root and proof.

use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, CancelReason, ClientOrderId, Command, Event, Fill,
    Limits, MarketId, MarketParams, OperatorCommand, OrderId, OrderRef, OrderType, Origin, Outcome, Phase,
    PhaseCause, Place, Price, Quanta, Quantity, Rate, Reader, Reject, SelfTrade, Sequenced, SessionKey, Side,
    TimeInForce, Timestamp, Trigger, TriggerKind,
};

const MARKET: MarketId = MarketId(3);
const ACCOUNT: AccountId = AccountId(300);
const ASSET: AssetId = AssetId(2);
const ORDER: OrderId = OrderId(70_000);
const PRICE: Price = Price(1_000);
const QUANTITY: Quantity = Quantity(200);
const AMOUNT: Quanta = Quanta(u64::MAX);
const OWNER: Address = Address([0xab; 20]);
const KEY: SessionKey = SessionKey([0xcd; 32]);
const TIME: Timestamp = Timestamp(1_340_000_000_000_000);

fn limits() -> Limits {
    Limits {
        max_quantity: Quantity(1),
        max_notional: Quanta(200),
        max_open_orders: 3,
        max_position: Quantity(u64::MAX),
    }
}

fn params() -> MarketParams {
    MarketParams {
        base: AssetId(1),
        quote: AssetId(0),
        lot: 1_000,
        tick: 5,
        max_price: Price(1 << 20),
        maker_fee: Rate(-100),
        taker_fee: Rate(300),
        fee_account: AccountId(0),
        limits: limits(),
        collar: 100_000,
        breaker: Breaker { band: 50_000, window: 60_000_000, halt: 0 },
        reference_price: PRICE,
    }
}

fn limit() -> Place {
    Place::limit(MARKET, Side::Buy, PRICE, QUANTITY)
}

fn commands() -> Vec<(&'static str, Command)> {
    let (market, account) = (MARKET, ACCOUNT);
    let operator = |command: OperatorCommand| Command::Operator(Box::new(command));
    let stop = Place {
        side: Side::Sell,
        time_in_force: TimeInForce::Gtd(TIME),
        post_only: true,
        self_trade: SelfTrade::Decrement,
        trigger: Some(Trigger { kind: TriggerKind::StopLoss, price: Price(900) }),
        client_id: ClientOrderId(9),
        ..limit()
    };
    let budget = Place {
        order_type: OrderType::MarketBudget { budget: Quanta(5_000) },
        time_in_force: TimeInForce::Ioc,
        self_trade: SelfTrade::ExpireBoth,
        trigger: Some(Trigger { kind: TriggerKind::TakeProfit, price: Price(1) }),
        ..limit()
    };
    let kill = Place {
        time_in_force: TimeInForce::Fok,
        self_trade: SelfTrade::ExpireMaker,
        ..Place::market(MARKET, Side::Sell, QUANTITY)
    };
    let asset = AssetParams { token: OWNER, quantum: 10_000_000_000, symbol: *b"ETH\0\0\0\0\0" };
    vec![
        ("", Command::Place(limit())),
        ("", Command::Place(stop)),
        ("", Command::Place(budget)),
        ("", Command::Place(kill)),
        ("", Command::Cancel { market, order: OrderRef::Id(ORDER) }),
        ("", Command::Cancel { market, order: OrderRef::Client(ClientOrderId(9)) }),
        ("", Command::Replace { market, order: OrderRef::Id(ORDER), price: PRICE, quantity: QUANTITY }),
        ("", Command::MassCancel { market: None, side: None }),
        ("", Command::MassCancel { market: Some(market), side: Some(Side::Buy) }),
        ("", Command::MassCancel { market: None, side: Some(Side::Sell) }),
        ("", Command::Withdraw { asset: ASSET, amount: AMOUNT }),
        ("", Command::RegisterSession { key: KEY, expires: TIME }),
        ("", Command::Deposit { owner: OWNER, asset: ASSET, amount: AMOUNT }),
        ("", operator(OperatorCommand::ListAsset(asset))),
        ("", operator(OperatorCommand::CreateMarket(params()))),
        ("", operator(OperatorCommand::ChangeMarket { market, params: params() })),
        ("", operator(OperatorCommand::HaltMarket { market, until: Timestamp::NEVER })),
        ("", operator(OperatorCommand::ResumeMarket { market })),
        ("", operator(OperatorCommand::SuspendAccount { account, suspended: true })),
        ("", operator(OperatorCommand::SetLimits { account, market, limits: Some(limits()) })),
        ("", operator(OperatorCommand::SetLimits { account, market, limits: None })),
        ("", operator(OperatorCommand::MassCancel { account, market: Some(market), side: Some(Side::Sell) })),
        ("", operator(OperatorCommand::HaltExchange { halted: true })),
        ("", operator(OperatorCommand::AdvanceTime)),
    ]
}

fn events() -> Vec<(&'static str, Event)> {
    let (order, market, account, asset) = (ORDER, MARKET, ACCOUNT, ASSET);
    let (price, quantity, amount, owner, side) = (PRICE, QUANTITY, AMOUNT, OWNER, Side::Sell);
    let fill = Fill {
        market,
        taker_side: Side::Buy,
        maker: ORDER,
        taker: OrderId(70_001),
        maker_account: AccountId(1),
        taker_account: ACCOUNT,
        price,
        quantity,
        maker_fee: -20,
        taker_fee: Quanta(60),
    };
    let halted = Phase::Halted { until: TIME };
    let cancelled = |reason| Event::Cancelled {
        order,
        market,
        account,
        side: Side::Buy,
        price,
        quantity,
        remaining: Quantity(0),
        resting: false,
        reason,
    };
    vec![
        ("", Event::Fill(fill)),
        ("", Event::Fill(Fill { taker_side: Side::Sell, maker_fee: 20, ..fill })),
        ("", Event::Rested { order, market, account, side, price, quantity }),
        ("", Event::Waiting { order, market, account, side, trigger: price }),
        ("", Event::Triggered { order, market, account }),
        ("", Event::Replaced { order, market, account, old_price: Price(999), old_quantity: Quantity(201), price, quantity, kept_place: true }),
        ("", Event::Cancelled { order, market, account, side, price, quantity, remaining: Quantity(1), resting: true, reason: CancelReason::Requested }),
        ("", cancelled(CancelReason::Mass)),
        ("", cancelled(CancelReason::Expired)),
        ("", cancelled(CancelReason::Immediate)),
        ("", cancelled(CancelReason::SelfTrade)),
        ("", cancelled(CancelReason::Funds)),
        ("", cancelled(CancelReason::Collar)),
        ("", cancelled(CancelReason::Halted)),
        ("", cancelled(CancelReason::TriggerRefused)),
        ("", Event::AccountOpened { account, owner }),
        ("", Event::Deposited { account, asset, amount }),
        ("", Event::Withdrawn { index: 128, account, owner, asset, amount }),
        ("", Event::SessionRegistered { account, key: KEY, expires: TIME }),
        ("", Event::AssetListed { asset }),
        ("", Event::MarketCreated { market }),
        ("", Event::MarketChanged { market }),
        ("", Event::PhaseChanged { market, phase: Phase::Open, cause: PhaseCause::Operator }),
        ("", Event::PhaseChanged { market, phase: halted, cause: PhaseCause::Breaker }),
        ("", Event::PhaseChanged { market, phase: Phase::Open, cause: PhaseCause::Time }),
        ("", Event::AccountSuspended { account, suspended: true }),
        ("", Event::LimitsSet { account, market }),
        ("", Event::ExchangeHalted { halted: true }),
    ]
}

fn outcomes() -> Vec<(&'static str, Outcome)> {
    vec![
        ("", Outcome::Done),
        ("", Outcome::Accepted(ORDER)),
        ("", Outcome::Rejected(Reject::UnknownAccount)),
        ("", Outcome::Rejected(Reject::NothingToDo)),
    ]
}

fn sequenced() -> Vec<(&'static str, Sequenced)> {
    let command = Command::Cancel { market: MARKET, order: OrderRef::Id(OrderId(1)) };
    let from = |origin| Sequenced {
        sequence: 12,
        timestamp: Timestamp(TIME.0 + 130),
        account: ACCOUNT,
        origin,
        command: command.clone(),
    };
    vec![
        ("", from(Origin::Session)),
        ("", from(Origin::Owner)),
        ("", from(Origin::L1(128))),
    ]
}

fn hex_of(encode: impl Fn(&mut Vec<u8>)) -> String {
    let mut bytes = Vec::new();
    encode(&mut bytes);
    hex::encode(bytes)
}

#[test]
fn commands_have_these_bytes() {
    for (golden, command) in commands() {
        assert_eq!(hex_of(|out| command.encode(out)), golden, "{command:?}");
        let bytes = hex::decode(golden).expect("hexadecimal");
        assert_eq!(Command::decode(&mut Reader::new(&bytes)), Ok(command));
    }
}

#[test]
fn events_have_these_bytes() {
    for (golden, event) in events() {
        assert_eq!(hex_of(|out| event.encode(out)), golden, "{event:?}");
        let bytes = hex::decode(golden).expect("hexadecimal");
        assert_eq!(Event::decode(&mut Reader::new(&bytes)), Ok(event));
    }
}

#[test]
fn outcomes_have_these_bytes() {
    for (golden, outcome) in outcomes() {
        assert_eq!(hex_of(|out| outcome.encode(out)), golden, "{outcome:?}");
        let bytes = hex::decode(golden).expect("hexadecimal");
        assert_eq!(Outcome::decode(&mut Reader::new(&bytes)), Ok(outcome));
    }
}

#[test]
fn sequenced_commands_have_these_bytes() {
    for (golden, sequenced) in sequenced() {
        assert_eq!(hex_of(|out| sequenced.encode(TIME, out)), golden, "{sequenced:?}");
        let bytes = hex::decode(golden).expect("hexadecimal");
        assert_eq!(Sequenced::decode(12, TIME, &mut Reader::new(&bytes)), Ok(sequenced));
    }
}

#[test]
fn dump() {
    for (i, (_, v)) in commands().iter().enumerate() { println!("GOLD COMMANDS {i} {}", hex_of(|o| v.encode(o))); }
    for (i, (_, v)) in events().iter().enumerate() { println!("GOLD EVENTS {i} {}", hex_of(|o| v.encode(o))); }
    for (i, (_, v)) in outcomes().iter().enumerate() { println!("GOLD OUTCOMES {i} {}", hex_of(|o| v.encode(o))); }
    for (i, (_, v)) in sequenced().iter().enumerate() { println!("GOLD SEQUENCED {i} {}", hex_of(|o| v.encode(TIME, o))); }
}
