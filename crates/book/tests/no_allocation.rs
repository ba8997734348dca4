//! In the steady state the rules on the book allocate nothing.
//!
//! The only test of its binary: the allocator counts for the whole process.

use std::alloc::System;
use std::collections::VecDeque;

use book::Book;
use rules::{Capacity, Genesis, OPERATOR, execute};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, ClientOrderId, Command, Event, Limits, MarketId,
    MarketParams, OperatorCommand, OrderId, OrderRef, Origin, Outcome, Place, Price, Quanta, Quantity, Rate,
    Sequenced, SessionKey, Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MARKET: MarketId = MarketId(0);
const TRADERS: u32 = 50;
const OPEN: usize = 900;

struct Desk {
    book: Book,
    sequence: u64,
    random: u64,
    events: Vec<Event>,
    /// Open orders, oldest first.
    open: VecDeque<(AccountId, OrderId)>,
    fills: u64,
    cancels: u64,
    replaced: u64,
}

impl Desk {
    fn open() -> Self {
        let genesis = Genesis {
            chain_id: 1,
            exchange: Address::default(),
            capacity: Capacity {
                accounts: TRADERS + 1,
                open_orders: 4_096,
                assets: 2,
                markets: 1,
                price_levels: 10_000,
            },
            operator: Address::default(),
            operator_key: SessionKey([1; 32]),
            operator_expires: Timestamp::NEVER,
        };
        let mut book = Book::new(genesis.capacity);
        let Ok(()) = rules::open(&mut book, &genesis);
        let mut desk = Self {
            book,
            sequence: 0,
            random: 7,
            events: Vec::with_capacity(1 << 16),
            open: VecDeque::with_capacity(1 << 14),
            fills: 0,
            cancels: 0,
            replaced: 0,
        };
        for asset in 0..2 {
            let params = AssetParams { token: Address([asset; 20]), quantum: 1, symbol: [b'A' + asset; 8] };
            desk.operator(OperatorCommand::ListAsset(params));
        }
        desk.operator(OperatorCommand::CreateMarket(MarketParams {
            base: AssetId(0),
            quote: AssetId(1),
            lot: 1,
            tick: 1,
            max_price: Price(10_000),
            maker_fee: Rate(-100),
            taker_fee: Rate(500),
            fee_account: OPERATOR,
            limits: Limits { max_open_orders: 500, ..Limits::NONE },
            collar: 500_000,
            breaker: Breaker { band: 900_000, window: 1 << 40, halt: 1 },
            reference_price: Price(5_000),
        }));
        for account in 1..=TRADERS {
            for asset in 0..2 {
                let owner = Address([account as u8; 20]);
                let (asset, amount) = (AssetId(asset), Quanta(1 << 55));
                let deposit = Command::Deposit { owner, asset, amount };
                desk.send(AccountId(account), Origin::L1(0), deposit);
            }
            let register = Command::RegisterSession { key: SessionKey([2; 32]), expires: Timestamp::NEVER };
            desk.send(AccountId(account), Origin::L1(0), register);
        }
        desk
    }

    fn operator(&mut self, command: OperatorCommand) {
        assert_eq!(self.send(OPERATOR, Origin::Session, Command::Operator(command.into())), Outcome::Done);
    }

    fn send(&mut self, account: AccountId, origin: Origin, command: Command) -> Outcome {
        self.sequence += 1;
        let timestamp = Timestamp(1_000_000 + self.sequence);
        let sequenced = Sequenced { sequence: self.sequence, timestamp, account, origin, command };
        self.events.clear();
        let events = &mut self.events;
        let Ok(outcome) = execute(&mut self.book, &sequenced, &mut |event| events.push(event));
        self.fills += self.events.iter().filter(|event| matches!(event, Event::Fill(_))).count() as u64;
        self.cancels +=
            self.events.iter().filter(|event| matches!(event, Event::Cancelled { .. })).count() as u64;
        self.replaced +=
            self.events.iter().filter(|event| matches!(event, Event::Replaced { .. })).count() as u64;
        outcome
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.random >> 11) * u128::from(bound)) >> 53) as u64
    }

    /// Half adds around the middle, most of the rest cancels; crossing orders, replacements, stops, expiries.
    fn step(&mut self) {
        let account = AccountId(1 + self.below(u64::from(TRADERS)) as u32);
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let distance = 1 + self.below(200) as u32;
        let quantity = Quantity(1 + self.below(50));
        let behind = Price(if side == Side::Buy { 5_000 - distance } else { 5_000 + distance });
        let mut place = Place::limit(MARKET, side, behind, quantity);
        match self.below(100) {
            _ if self.open.len() > OPEN => return self.cancel(0),
            0..45 => {
                place.client_id = ClientOrderId(self.sequence);
                match self.below(10) {
                    0 => place.time_in_force = TimeInForce::Gtd(Timestamp(1_000_000 + self.sequence + 2_000)),
                    1 => {
                        let price = if side == Side::Buy { 5_000 + distance } else { 5_000 - distance };
                        place.trigger = Some(Trigger { kind: TriggerKind::StopLoss, price: Price(price) });
                    }
                    _ => {}
                }
            }
            45..55 => {
                let across = if side == Side::Buy { 5_020 } else { 4_980 };
                place = Place::limit(MARKET, side, Price(across), Quantity(1 + self.below(150)));
                place.time_in_force = TimeInForce::Ioc;
            }
            55..65 => {
                let at = self.below(self.open.len() as u64 + 1) as usize;
                if let Some(&(account, order)) = self.open.get(at) {
                    let (order, price) = (OrderRef::Id(order), behind);
                    self.send(
                        account,
                        Origin::Session,
                        Command::Replace { market: MARKET, order, price, quantity, left: None },
                    );
                }
                return;
            }
            65 => {
                self.send(
                    account,
                    Origin::Session,
                    Command::MassCancel { market: Some(MARKET), side: Some(side) },
                );
                return;
            }
            _ => {
                let at = self.below(self.open.len() as u64 + 1) as usize;
                return self.cancel(at);
            }
        }
        if let Outcome::Accepted(id) = self.send(account, Origin::Session, Command::Place(place)) {
            self.open.push_back((account, id));
        }
    }

    fn cancel(&mut self, at: usize) {
        if let Some((account, order)) = self.open.remove(at) {
            let order = OrderRef::Id(order);
            self.send(account, Origin::Session, Command::Cancel { market: MARKET, order });
        }
    }
}

#[test]
fn a_hundred_thousand_commands_on_a_warm_book_allocate_nothing() {
    let mut desk = Desk::open();
    for _ in 0..400_000 {
        desk.step();
    }
    (desk.fills, desk.cancels, desk.replaced) = (0, 0, 0);
    let before = desk.sequence;
    let region = Region::new(ALLOCATOR);
    while desk.sequence < before + 100_000 {
        desk.step();
    }
    let change = region.change();
    assert_eq!((change.allocations, change.reallocations, change.deallocations), (0, 0, 0), "{change:?}");
    assert!(desk.fills > 5_000, "{}", desk.fills);
    assert!(desk.cancels > 20_000, "{}", desk.cancels);
    assert!(desk.replaced > 1_000, "{}", desk.replaced);

    // The counter counts.
    let region = Region::new(ALLOCATOR);
    std::hint::black_box(Box::new(1));
    assert_eq!(region.change().allocations, 1);
}
