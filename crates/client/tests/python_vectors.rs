//! Holds the Python package to what the Rust sources say: the vectors that its tests read are made here.
//!
//! `GLASSBOOK_WRITE_VECTORS=1 cargo test -p glassbook-client --test python_vectors` writes them anew.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

use std::fs;
use std::path::PathBuf;

use ed25519_dalek::SigningKey;
use glassbook_client::{StreamSigner, login_digest};
use serde_json::{Value, json};
use state::{Change, FullTree, Sha256Hash, StateTree as _, Value as StateValue};
use transition::{
    Claim, Crypto as _, EventsLog, Native, Withdrawal, WithdrawalTree, balance_key, owner_digest,
    stream_start,
};
use types::{
    AccountId, Address, AssetId, CancelReason, ClientOrderId, Command, Event, Fill, MarketId, OrderId,
    OrderRef, OrderType, Outcome, Phase, PhaseCause, Place, Price, Quanta, Quantity, Reject, SelfTrade,
    SessionKey, Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

const CHAIN: u64 = 31_337;
const EXCHANGE: Address = Address([0xee; 20]);
const SECRET: &str = "596f9a98fc650799f41620f7c839503fe59161e9a5aee555b51b2f2e9a918571";

#[test]
fn the_python_packages_vectors_are_those_of_the_rust_sources() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/python/tests/vectors.json");
    let made = json!({
        "commands": commands().iter().map(described).collect::<Vec<_>>(),
        "stream": stream(),
        "login": login(),
        "keccak": keccak(),
        "owner": owner(),
        "batches": batches(),
        "withdrawals": withdrawals(),
        "state": state_proofs(),
    });
    if std::env::var_os("GLASSBOOK_WRITE_VECTORS").is_some() {
        fs::write(&path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    // By value: in which order an object's members are written depends on what else is built (serde_json's `preserve_order`).
    let kept: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert!(kept == made, "{} differs: write it anew, see this test's beginning", path.display());
}

/// Every kind of command that a trader or an owner sends, at the edges of its fields.
fn commands() -> Vec<Command> {
    let limit = Place::limit(MarketId(0), Side::Buy, Price(64_000), Quantity(5));
    let mut commands = vec![
        Command::Place(Place { client_id: ClientOrderId(42), ..limit }),
        Command::Cancel { market: MarketId(0), order: OrderRef::Client(ClientOrderId(42)) },
        Command::Place(limit),
        Command::Place(Place::limit(MarketId(u16::MAX), Side::Sell, Price(u32::MAX), Quantity(u64::MAX))),
        Command::Place(Place { client_id: ClientOrderId(u64::MAX), post_only: true, ..limit }),
        Command::Place(Place::market(MarketId(1), Side::Sell, Quantity(300))),
        Command::Place(Place {
            order_type: OrderType::MarketBudget { budget: Quanta(1 << 40) },
            time_in_force: TimeInForce::Fok,
            ..limit
        }),
        Command::Place(Place { time_in_force: TimeInForce::Gtd(Timestamp(1_700_000_000_000_000)), ..limit }),
        Command::Place(Place {
            trigger: Some(Trigger { kind: TriggerKind::StopLoss, price: Price(63_999) }),
            time_in_force: TimeInForce::Gtd(Timestamp(127)),
            client_id: ClientOrderId(128),
            ..limit
        }),
        Command::Place(Place {
            trigger: Some(Trigger { kind: TriggerKind::TakeProfit, price: Price(1) }),
            ..limit
        }),
        Command::Cancel { market: MarketId(1), order: OrderRef::Id(OrderId(5)) },
        Command::Replace {
            market: MarketId(2),
            order: OrderRef::Id(OrderId(u64::MAX)),
            price: Price(1 << 24),
            quantity: Quantity(7),
            left: None,
        },
        Command::Replace {
            market: MarketId(2),
            order: OrderRef::Client(ClientOrderId(9)),
            price: Price(1),
            quantity: Quantity(1),
            left: Some(Quantity(300)),
        },
        Command::Withdraw { asset: AssetId(1), amount: Quanta(1_000_000) },
        Command::RegisterSession { key: SessionKey([0xa5; 32]), expires: Timestamp::NEVER },
        Command::RegisterSession { key: SessionKey([1; 32]), expires: Timestamp(300) },
    ];
    for self_trade in [SelfTrade::ExpireMaker, SelfTrade::ExpireBoth, SelfTrade::Decrement] {
        commands.push(Command::Place(Place { self_trade, time_in_force: TimeInForce::Ioc, ..limit }));
    }
    for market in [None, Some(MarketId(3))] {
        for side in [None, Some(Side::Buy), Some(Side::Sell)] {
            commands.push(Command::MassCancel { market, side });
        }
    }
    commands
}

/// A command in the words of the Python package, with its encoding.
fn described(command: &Command) -> Value {
    let mut encoded = Vec::new();
    command.encode(&mut encoded);
    let reference = |order: &OrderRef| match order {
        OrderRef::Id(id) => json!(["id", id.0]),
        OrderRef::Client(id) => json!(["client", id.0]),
    };
    let side = |side: Side| u8::from(side == Side::Sell);
    let (kind, fields) = match command {
        Command::Place(place) => ("place", described_place(place)),
        Command::Cancel { market, order } => {
            ("cancel", json!({ "market": market.0, "order": reference(order) }))
        }
        Command::Replace { market, order, price, quantity, left } => (
            "replace",
            json!({
                "market": market.0, "order": reference(order), "price": price.0, "quantity": quantity.0,
                "left": left.map(|left| left.0),
            }),
        ),
        Command::MassCancel { market, side: which } => {
            ("mass_cancel", json!({ "market": market.map(|market| market.0), "side": which.map(side) }))
        }
        Command::Withdraw { asset, amount } => ("withdraw", json!({ "asset": asset.0, "amount": amount.0 })),
        Command::RegisterSession { key, expires } => {
            ("register_session", json!({ "key": hex::encode(key.0), "expires": expires.0 }))
        }
        Command::Deposit { .. } | Command::Operator(_) => panic!("no trader's command"),
    };
    json!({ "kind": kind, "fields": fields, "encoded": hex::encode(encoded) })
}

fn described_place(place: &Place) -> Value {
    let (price, quantity, budget) = match place.order_type {
        OrderType::Limit { price, quantity } => (Some(price.0), Some(quantity.0), None),
        OrderType::Market { quantity } => (None, Some(quantity.0), None),
        OrderType::MarketBudget { budget } => (None, None, Some(budget.0)),
    };
    let (life, expires) = match place.time_in_force {
        TimeInForce::Gtc => (0, None),
        TimeInForce::Ioc => (1, None),
        TimeInForce::Fok => (2, None),
        TimeInForce::Gtd(expires) => (3, Some(expires.0)),
    };
    let trigger = place.trigger.map(|trigger| match trigger.kind {
        TriggerKind::StopLoss => (1, trigger.price.0),
        TriggerKind::TakeProfit => (2, trigger.price.0),
    });
    json!({
        "market": place.market.0,
        "side": u8::from(place.side == Side::Sell),
        "price": price,
        "quantity": quantity,
        "budget": budget,
        "time_in_force": life,
        "expires": expires,
        "post_only": place.post_only,
        "self_trade": place.self_trade as u8,
        "trigger": trigger,
        "client_id": place.client_id.0,
    })
}

/// The book's vector (docs: signing).
fn stream() -> Value {
    let secret: [u8; 32] = hex::decode(SECRET).unwrap().try_into().unwrap();
    let start = stream_start::<Sha256Hash>(CHAIN, EXCHANGE, AccountId(1), 1);
    let mut signer = StreamSigner::new(AccountId(1), SigningKey::from_bytes(&secret), start);
    let commands: Vec<Value> = commands()[..2]
        .iter()
        .map(|command| {
            signer.push(command);
            let mut described = described(command);
            described["digest"] = json!(hex::encode(signer.stream().digest));
            described
        })
        .collect();
    let signature = hex::encode(signer.sign());
    assert!(signature.starts_with("8071389b63dece9d"), "it is not the book's");
    json!({
        "chain_id": CHAIN,
        "exchange": hex::encode(EXCHANGE.0),
        "account": 1,
        "session": 1,
        "secret": SECRET,
        "public": hex::encode(signer.public_key().0),
        "start": hex::encode(start.digest),
        "commands": commands,
        "signature": signature,
    })
}

fn login() -> Value {
    let time = 1_700_000_000_123;
    let digest = login_digest(CHAIN, EXCHANGE, AccountId(7), time);
    json!({
        "chain_id": CHAIN,
        "exchange": hex::encode(EXCHANGE.0),
        "account": 7,
        "time": time,
        "digest": hex::encode(digest),
    })
}

/// Around the ends of a block of 136 bytes.
fn keccak() -> Vec<Value> {
    [0, 1, 135, 136, 137, 272, 1_000]
        .iter()
        .map(|zeros| json!({ "zeros": zeros, "digest": hex::encode(Native::keccak256(&vec![0; *zeros])) }))
        .collect()
}

/// The book's vector (docs: signing).
fn owner() -> Value {
    let command = hex::decode("02010005").unwrap();
    let digest = owner_digest::<Native>(CHAIN, EXCHANGE, AccountId(3), 9, &command);
    assert!(hex::encode(digest).starts_with("15120b298b330392"), "it is not the book's");
    json!({
        "chain_id": CHAIN,
        "exchange": hex::encode(EXCHANGE.0),
        "account": 3,
        "nonce": 9,
        "command": hex::encode(command),
        "digest": hex::encode(digest),
    })
}

/// What commands did, one of each kind of event, with what the Python package says of them.
fn results() -> Vec<(Outcome, Vec<Event>, &'static str, Vec<&'static str>)> {
    let (market, account, order) = (MarketId(1), AccountId(70_000), OrderId(1_000_000));
    let fill = Fill {
        market,
        taker_side: Side::Sell,
        maker: OrderId(1642),
        taker: OrderId(3981),
        maker_account: AccountId(75),
        taker_account: AccountId(822),
        price: Price(64_243),
        quantity: Quantity(10),
        maker_fee: -12_848,
        taker_fee: Quanta(128_486),
    };
    let rested =
        Event::Rested { order, market, account, side: Side::Buy, price: Price(300), quantity: Quantity(7) };
    let waiting = Event::Waiting { order, market, account, side: Side::Sell, trigger: Price(299) };
    let replaced = Event::Replaced {
        order,
        market,
        account,
        old_price: Price(300),
        old_quantity: Quantity(7),
        price: Price(300),
        quantity: Quantity(6),
        kept_place: true,
    };
    let cancelled = Event::Cancelled {
        order,
        market,
        account,
        side: Side::Sell,
        price: Price(0),
        quantity: Quantity(3),
        remaining: Quantity(2),
        resting: true,
        reason: CancelReason::TriggerRefused,
    };
    let withdrawn = Event::Withdrawn {
        index: 300,
        account,
        owner: Address([0xab; 20]),
        asset: AssetId(1),
        amount: Quanta(u64::MAX),
    };
    let registered = Event::SessionRegistered { account, key: SessionKey([0xcd; 32]), expires: Timestamp(1) };
    let halted = Event::PhaseChanged {
        market,
        phase: Phase::Halted { until: Timestamp(500) },
        cause: PhaseCause::Breaker,
    };
    let opened = Event::PhaseChanged { market, phase: Phase::Open, cause: PhaseCause::Time };
    vec![
        (Outcome::Done, vec![], "Done()", vec![]),
        (Outcome::Rejected(Reject::InsufficientBalance), vec![], "Rejected(code=400)", vec![]),
        (
            Outcome::Accepted(order),
            vec![
                Event::Fill(fill),
                Event::Fill(Fill { taker_side: Side::Buy, maker_fee: 5, ..fill }),
                rested,
            ],
            "Accepted(order=1000000)",
            vec![
                "Fill(market=1, taker_side=<Side.SELL: 1>, maker=1642, taker=3981, maker_account=75, taker_account=822, price=64243, quantity=10, maker_fee=-12848, taker_fee=128486)",
                "Fill(market=1, taker_side=<Side.BUY: 0>, maker=1642, taker=3981, maker_account=75, taker_account=822, price=64243, quantity=10, maker_fee=5, taker_fee=128486)",
                "Rested(order=1000000, market=1, account=70000, side=<Side.BUY: 0>, price=300, quantity=7)",
            ],
        ),
        (
            Outcome::Accepted(order),
            vec![waiting, Event::Triggered { order, market, account }],
            "Accepted(order=1000000)",
            vec![
                "Waiting(order=1000000, market=1, account=70000, side=<Side.SELL: 1>, trigger=299)",
                "Triggered(order=1000000, market=1, account=70000)",
            ],
        ),
        (
            Outcome::Done,
            vec![replaced, cancelled],
            "Done()",
            vec![
                "Replaced(order=1000000, market=1, account=70000, old_price=300, old_quantity=7, price=300, quantity=6, kept_place=True)",
                "Cancelled(order=1000000, market=1, account=70000, side=<Side.SELL: 1>, resting=True, reason=8, price=0, quantity=3, remaining=2)",
            ],
        ),
        (
            Outcome::Done,
            vec![
                Event::AccountOpened { account, owner: Address(*b"twenty bytes, ASCII.") },
                Event::Deposited { account, asset: AssetId(2), amount: Quanta(128) },
            ],
            "Done()",
            vec![
                "AccountOpened(account=70000, owner=b'twenty bytes, ASCII.')",
                "Deposited(account=70000, asset=2, amount=128)",
            ],
        ),
        (
            Outcome::Done,
            vec![withdrawn, registered],
            "Done()",
            vec![
                r"Withdrawn(index=300, account=70000, owner=b'\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab\xab', asset=1, amount=18446744073709551615)",
                r"SessionRegistered(account=70000, key=b'\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd', expires=1)",
            ],
        ),
        (
            Outcome::Done,
            vec![
                Event::AssetListed { asset: AssetId(3) },
                Event::MarketCreated { market },
                Event::MarketChanged { market },
                halted,
                opened,
            ],
            "Done()",
            vec![
                "AssetListed(asset=3)",
                "MarketCreated(market=1)",
                "MarketChanged(market=1)",
                "PhaseChanged(market=1, halted_until=500, cause=1)",
                "PhaseChanged(market=1, halted_until=None, cause=2)",
            ],
        ),
        (
            Outcome::Done,
            vec![
                Event::AccountSuspended { account, suspended: true },
                Event::LimitsSet { account, market },
                Event::ExchangeHalted { halted: false },
            ],
            "Done()",
            vec![
                "AccountSuspended(account=70000, suspended=True)",
                "LimitsSet(account=70000, market=1)",
                "ExchangeHalted(halted=False)",
            ],
        ),
    ]
}

fn claim(batch: u64, first_sequence: u64, last_sequence: u64) -> Claim {
    Claim {
        chain_id: CHAIN,
        exchange: EXCHANGE,
        batch,
        first_sequence,
        last_sequence,
        previous_root: [batch as u8; 32],
        state_root: [batch as u8 + 1; 32],
        commands_root: [3; 32],
        events_root: [0; 32],
        l1_position: 17,
        l1_hash: [4; 32],
        withdrawals_root: [0; 32],
        timestamp: Timestamp(1_700_000_000_000_000),
    }
}

/// Batches of one, two, and some commands, with receipts of all.
fn batches() -> Vec<Value> {
    let results = results();
    let mut first = 1;
    let mut batches = Vec::new();
    for (number, count) in (1..).zip([1, 2, results.len(), 16, 1_000]) {
        let mut log = EventsLog::with_contents();
        let of = |place: usize| &results[(place + count) % results.len()];
        for place in 0..count {
            let (outcome, events, ..) = of(place);
            log.push::<Sha256Hash>(first + place as u64, *outcome, events);
        }
        let mut claim = claim(number, first, first + count as u64 - 1);
        claim.events_root = log.root::<Sha256Hash>();
        let shown: Vec<u64> =
            (0..count as u64).filter(|place| *place < 9 || *place + 2 >= count as u64).collect();
        let receipts: Vec<Value> = log
            .receipts::<Sha256Hash>(first, &shown)
            .into_iter()
            .map(|receipt| {
                receipt.verify::<Sha256Hash>(&claim).unwrap();
                let (_, _, outcome, events) = of(receipt.path.index as usize);
                json!({
                    "sequence": receipt.sequence,
                    "count": receipt.count,
                    "content": hex::encode(&receipt.content),
                    "index": receipt.path.index,
                    "siblings": receipt.path.siblings.iter().map(hex::encode).collect::<Vec<_>>(),
                    "outcome": outcome,
                    "events": events,
                })
            })
            .collect();
        batches.push(json!({ "claim": hex::encode(claim.encode()), "receipts": receipts }));
        first += count as u64;
    }
    batches
}

fn withdrawals() -> Value {
    let withdrawals: Vec<Withdrawal> = (0..5_u8)
        .map(|place| Withdrawal {
            index: 100 + u64::from(place),
            owner: Address([place + 1; 20]),
            asset: AssetId(place.into()),
            amount: Quanta(1 << (12 * place)),
        })
        .collect();
    let tree = WithdrawalTree::<Native>::new(&withdrawals);
    let claim = Claim { withdrawals_root: tree.root(), ..claim(9, 10, 20) };
    let entries: Vec<Value> = (0..)
        .zip(&withdrawals)
        .map(|(place, withdrawal)| {
            let siblings = tree.path(place).unwrap().siblings;
            json!({
                "index": withdrawal.index,
                "account": 7,
                "owner": hex::encode(withdrawal.owner.0),
                "asset": withdrawal.asset.0,
                "amount": withdrawal.amount.0,
                "siblings": siblings.iter().map(hex::encode).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "claim": hex::encode(claim.encode()), "entries": entries })
}

/// Balances that are there, one that is not, and a value of 31 bytes.
fn state_proofs() -> Value {
    let there = [(3, 0, 5, 7), (3, 2, u64::MAX, 0), (70_000, 1, 1 << 40, 1)];
    let mut changes: Vec<Change> = there
        .iter()
        .map(|(account, asset, free, locked): &(u32, u16, u64, u64)| {
            let value = [free.to_be_bytes(), locked.to_be_bytes()].concat();
            (balance_key(AccountId(*account), AssetId(*asset)), Some(StateValue::from_slice(&value)))
        })
        .collect();
    let odd: Vec<u8> = (0..31).collect();
    changes.push((balance_key(AccountId(80_000), AssetId(0)), Some(StateValue::from_slice(&odd))));
    let mut tree = FullTree::<Sha256Hash>::new();
    tree.apply(&changes).unwrap();
    let mut proof = |account, asset| {
        hex::encode(tree.prove(balance_key(AccountId(account), AssetId(asset))).unwrap().encode())
    };
    let balances: Vec<Value> = there
        .iter()
        .chain(&[(3, 1, 0, 0), (9, 0, 0, 0)])
        .map(|(account, asset, free, locked)| {
            let proof = proof(*account, *asset);
            json!({ "account": account, "asset": asset, "free": free, "locked": locked, "proof": proof })
        })
        .collect();
    let thirty_one = json!({ "account": 80_000, "asset": 0, "proof": proof(80_000, 0) });
    json!({ "root": hex::encode(tree.root()), "balances": balances, "thirty_one": thirty_one })
}
