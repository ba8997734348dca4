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
        ("01000003e807c801", Command::Place(limit())),
        ("01f90503e807c8018080ffff90d7b002840709", Command::Place(stop)),
        ("018c0203882701", Command::Place(budget)),
        ("01530003c801", Command::Place(kill)),
        ("020300f0a204", Command::Cancel { market, order: OrderRef::Id(ORDER) }),
        ("02030109", Command::Cancel { market, order: OrderRef::Client(ClientOrderId(9)) }),
        (
            "030300f0a204e807c801",
            Command::Replace {
                market,
                order: OrderRef::Id(ORDER),
                price: PRICE,
                quantity: QUANTITY,
                left: None,
            },
        ),
        (
            "080300f0a204e807c801ac02",
            Command::Replace {
                market,
                order: OrderRef::Id(ORDER),
                price: PRICE,
                quantity: QUANTITY,
                left: Some(Quantity(300)),
            },
        ),
        ("0400", Command::MassCancel { market: None, side: None }),
        ("040303", Command::MassCancel { market: Some(market), side: Some(Side::Buy) }),
        ("0406", Command::MassCancel { market: None, side: Some(Side::Sell) }),
        ("0502ffffffffffffffffff01", Command::Withdraw { asset: ASSET, amount: AMOUNT }),
        (
            "06cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd8080ffff90d7b002",
            Command::RegisterSession { key: KEY, expires: TIME },
        ),
        (
            "07abababababababababababababababababababab02ffffffffffffffffff01",
            Command::Deposit { owner: OWNER, asset: ASSET, amount: AMOUNT },
        ),
        (
            "10abababababababababababababababababababab80c8afa0254554480000000000",
            operator(OperatorCommand::ListAsset(asset)),
        ),
        (
            "110100e80705808040c701d8040001c80103ffffffffffffffffff01a08d06d08603808ece1c00e807",
            operator(OperatorCommand::CreateMarket(params())),
        ),
        (
            "12030100e80705808040c701d8040001c80103ffffffffffffffffff01a08d06d08603808ece1c00e807",
            operator(OperatorCommand::ChangeMarket { market, params: params() }),
        ),
        (
            "1303ffffffffffffffffff01",
            operator(OperatorCommand::HaltMarket { market, until: Timestamp::NEVER }),
        ),
        ("1403", operator(OperatorCommand::ResumeMarket { market })),
        ("15ac0201", operator(OperatorCommand::SuspendAccount { account, suspended: true })),
        (
            "16ac02030101c80103ffffffffffffffffff01",
            operator(OperatorCommand::SetLimits { account, market, limits: Some(limits()) }),
        ),
        ("16ac020300", operator(OperatorCommand::SetLimits { account, market, limits: None })),
        (
            "17ac020703",
            operator(OperatorCommand::MassCancel { account, market: Some(market), side: Some(Side::Sell) }),
        ),
        ("1801", operator(OperatorCommand::HaltExchange { halted: true })),
        ("19", operator(OperatorCommand::AdvanceTime)),
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
        ("0103f0a204f1a20401ac02e807c801273c", Event::Fill(fill)),
        (
            "0203f0a204f1a20401ac02e807c801283c",
            Event::Fill(Fill { taker_side: Side::Sell, maker_fee: 20, ..fill }),
        ),
        ("03f0a20403ac0201e807c801", Event::Rested { order, market, account, side, price, quantity }),
        ("04f0a20403ac0201e807", Event::Waiting { order, market, account, side, trigger: price }),
        ("05f0a20403ac02", Event::Triggered { order, market, account }),
        (
            "06f0a20403ac02e707c901e807c80101",
            Event::Replaced {
                order,
                market,
                account,
                old_price: Price(999),
                old_quantity: Quantity(201),
                price,
                quantity,
                kept_place: true,
            },
        ),
        (
            "07f0a20403ac0203e807c80101",
            Event::Cancelled {
                order,
                market,
                account,
                side,
                price,
                quantity,
                remaining: Quantity(1),
                resting: true,
                reason: CancelReason::Requested,
            },
        ),
        ("07f0a20403ac0204e807c80100", cancelled(CancelReason::Mass)),
        ("07f0a20403ac0208e807c80100", cancelled(CancelReason::Expired)),
        ("07f0a20403ac020ce807c80100", cancelled(CancelReason::Immediate)),
        ("07f0a20403ac0210e807c80100", cancelled(CancelReason::SelfTrade)),
        ("07f0a20403ac0214e807c80100", cancelled(CancelReason::Funds)),
        ("07f0a20403ac0218e807c80100", cancelled(CancelReason::Collar)),
        ("07f0a20403ac021ce807c80100", cancelled(CancelReason::Halted)),
        ("07f0a20403ac0220e807c80100", cancelled(CancelReason::TriggerRefused)),
        ("08ac02abababababababababababababababababababab", Event::AccountOpened { account, owner }),
        ("09ac0202ffffffffffffffffff01", Event::Deposited { account, asset, amount }),
        (
            "0a8001ac02abababababababababababababababababababab02ffffffffffffffffff01",
            Event::Withdrawn { index: 128, account, owner, asset, amount },
        ),
        (
            "0bac02cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd8080ffff90d7b002",
            Event::SessionRegistered { account, key: KEY, expires: TIME },
        ),
        ("0c02", Event::AssetListed { asset }),
        ("0d03", Event::MarketCreated { market }),
        ("0e03", Event::MarketChanged { market }),
        ("0f030000", Event::PhaseChanged { market, phase: Phase::Open, cause: PhaseCause::Operator }),
        (
            "0f03018080ffff90d7b00201",
            Event::PhaseChanged { market, phase: halted, cause: PhaseCause::Breaker },
        ),
        ("0f030002", Event::PhaseChanged { market, phase: Phase::Open, cause: PhaseCause::Time }),
        ("10ac0201", Event::AccountSuspended { account, suspended: true }),
        ("11ac0203", Event::LimitsSet { account, market }),
        ("1201", Event::ExchangeHalted { halted: true }),
    ]
}

fn outcomes() -> Vec<(&'static str, Outcome)> {
    vec![
        ("00", Outcome::Done),
        ("01f0a204", Outcome::Accepted(ORDER)),
        ("0264", Outcome::Rejected(Reject::UnknownAccount)),
        ("02dc04", Outcome::Rejected(Reject::NothingToDo)),
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
        ("8201ac020002030001", from(Origin::Session)),
        ("8201ac020102030001", from(Origin::Owner)),
        ("8201ac0202800102030001", from(Origin::L1(128))),
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
