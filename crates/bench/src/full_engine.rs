//! The whole engine: the rules on the fast book, with balances, risk limits, collar, circuit breaker, fees
//! (makers get a rebate) and all events collected.

use std::marker::PhantomData;

use book::Book;
use rules::{Capacity, Genesis};
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, ClientOrderId, Command, Event, Limits, MarketId,
    MarketParams, OperatorCommand, OrderId, OrderRef, Origin, Outcome, Place, Price, Quanta, Quantity, Rate,
    Sequenced, SessionKey, TimeInForce, Timestamp,
};

use crate::engine::Engine;
use crate::workload::{ACCOUNTS, MAX_PRICE, Operation, Workload};

/// Whether orders carry client order ids, and are cancelled by them.
pub trait ClientIds {
    /// The row's name in the table.
    const NAME: &'static str;
    /// Whether they do.
    const USED: bool;
}

/// Orders have the exchange's numbers only.
pub struct Without;
/// Every order has one, and is cancelled by it.
pub struct With;

impl ClientIds for Without {
    const NAME: &'static str = "glassbook, full engine";
    const USED: bool = false;
}

impl ClientIds for With {
    const NAME: &'static str = "glassbook, full, client ids";
    const USED: bool = true;
}

/// [`rules::execute`] on a [`Book`] with one market under test.
pub struct FullEngine<C = Without> {
    book: Book,
    events: Vec<Event>,
    sequence: u64,
    /// Orders given out so far.
    placed: u32,
    filled: u64,
    refused: u64,
    client_ids: PhantomData<C>,
}

impl<C> FullEngine<C> {
    /// The market of the benchmarks.
    pub const MARKET: MarketId = MarketId(0);

    /// An exchange of `open_orders` with one market and `accounts` funded traders, numbered from one.
    ///
    /// # Panics
    /// When the rules refuse the set-up.
    #[must_use]
    pub fn open(open_orders: u32, accounts: u32) -> Self {
        let capacity = Capacity {
            accounts: accounts + 1,
            open_orders,
            assets: 2,
            markets: 1,
            price_levels: MAX_PRICE.0,
        };
        let genesis = Genesis {
            chain_id: 1,
            exchange: Address::default(),
            capacity,
            operator: Address::default(),
            operator_key: SessionKey::default(),
            operator_expires: Timestamp::NEVER,
        };
        let mut book = Book::new(capacity);
        let Ok(()) = rules::open(&mut book, &genesis);
        let events = Vec::with_capacity(1 << 14);
        let mut engine =
            Self { book, events, sequence: 0, placed: 0, filled: 0, refused: 0, client_ids: PhantomData };
        engine.create_market();
        for account in 1..=accounts {
            engine.fund(AccountId(account));
        }
        engine
    }

    fn create_market(&mut self) {
        for symbol in [*b"BASE\0\0\0\0", *b"QUOTE\0\0\0"] {
            let asset = AssetParams { token: Address::default(), quantum: 1, symbol };
            self.set_up(rules::OPERATOR, Origin::Session, operator(OperatorCommand::ListAsset(asset)));
        }
        let market = OperatorCommand::CreateMarket(MarketParams {
            base: AssetId(0),
            quote: AssetId(1),
            lot: 1_000,
            tick: 100,
            max_price: MAX_PRICE,
            maker_fee: Rate(-50),
            taker_fee: Rate(300),
            fee_account: rules::OPERATOR,
            limits: Limits {
                max_quantity: Quantity(10_000),
                max_notional: Quanta(1 << 40),
                max_open_orders: 1_000_000,
                max_position: Quantity(1 << 40),
            },
            collar: 100_000,
            breaker: Breaker { band: 50_000, window: 60_000_000, halt: 60_000_000 },
            reference_price: Price(30_000),
        });
        self.set_up(rules::OPERATOR, Origin::Session, operator(market));
    }

    fn fund(&mut self, account: AccountId) {
        for asset in [AssetId(0), AssetId(1)] {
            let deposit = Command::Deposit { owner: Address::default(), asset, amount: Quanta(1 << 50) };
            self.set_up(account, Origin::L1(0), deposit);
        }
        let session = Command::RegisterSession { key: SessionKey::default(), expires: Timestamp::NEVER };
        self.set_up(account, Origin::L1(0), session);
    }

    fn set_up(&mut self, account: AccountId, origin: Origin, command: Command) {
        let sequenced = Sequenced { origin, ..self.sequenced(account, command) };
        self.execute(&sequenced);
        assert_eq!(self.refused, 0, "the set-up is accepted: {sequenced:?}");
        self.events.clear();
    }

    /// The next command of a trader's session, a microsecond after the one before.
    pub fn sequenced(&mut self, account: AccountId, command: Command) -> Sequenced {
        self.sequence += 1;
        Sequenced {
            sequence: self.sequence,
            timestamp: Timestamp(self.sequence),
            account,
            origin: Origin::Session,
            command,
        }
    }

    /// Executes one command and keeps its events.
    #[inline]
    pub fn execute(&mut self, sequenced: &Sequenced) -> Outcome {
        let events = &mut self.events;
        let Ok(outcome) = rules::execute(&mut self.book, sequenced, &mut |event: Event| events.push(event));
        self.refused += u64::from(matches!(outcome, Outcome::Rejected(_)));
        outcome
    }

    /// Throws the kept events away.
    pub fn clear_events(&mut self) {
        self.events.clear();
    }

    /// The book itself.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }
}

fn operator(command: OperatorCommand) -> Command {
    Command::Operator(Box::new(command))
}

impl<C: ClientIds> Engine for FullEngine<C> {
    type Command = Sequenced;

    const NAME: &'static str = C::NAME;

    fn new(_: &Workload) -> Self {
        Self::open(1 << 20, ACCOUNTS)
    }

    fn prepare(&mut self, workload: &Workload, group: &[Operation], commands: &mut Vec<Sequenced>) {
        for operation in group {
            let order = match *operation {
                Operation::Cancel { order } => order,
                _ => self.placed,
            };
            let client_id = if C::USED { workload.client_id(order) } else { ClientOrderId::NONE };
            let place = |side, price, quantity, time_in_force| {
                let order = Place::limit(Self::MARKET, side, price, quantity);
                Command::Place(Place { time_in_force, client_id, ..order })
            };
            let command = match *operation {
                Operation::Add { side, price, quantity } => place(side, price, quantity, TimeInForce::Gtc),
                Operation::Cross { side, price, quantity } => place(side, price, quantity, TimeInForce::Ioc),
                Operation::Cancel { .. } if C::USED => {
                    Command::Cancel { market: Self::MARKET, order: OrderRef::Client(client_id) }
                }
                Operation::Cancel { order } => {
                    // The rules number orders from one as they are accepted, and accept all of these.
                    let id = OrderId(u64::from(order) + 1);
                    Command::Cancel { market: Self::MARKET, order: OrderRef::Id(id) }
                }
            };
            self.placed += u32::from(!matches!(operation, Operation::Cancel { .. }));
            let sequenced = self.sequenced(workload.account(order), command);
            commands.push(sequenced);
        }
    }

    #[inline]
    fn apply(&mut self, command: &Sequenced) {
        self.execute(command);
    }

    fn group_done(&mut self) {
        for event in self.events.drain(..) {
            if let Event::Fill(fill) = event {
                self.filled += fill.quantity.0;
            }
        }
    }

    fn filled(&self) -> u64 {
        self.filled
    }

    fn refused(&self) -> u64 {
        self.refused
    }
}
