//! A small exchange to try the rules on: one market, a few rich traders, no fees and no limits unless asked.

use rules::{Balance, Capacity, Genesis, ModelStore, OPERATOR, Position, execute};
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, CancelReason, Command, Event, Fill, Limits, MarketId,
    MarketParams, OperatorCommand, OrderId, OrderRef, OrderType, Origin, Outcome, Place, Price, Quanta,
    Quantity, Rate, Reject, Sequenced, SessionKey, Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

pub const USD: AssetId = AssetId(0);
pub const BTC: AssetId = AssetId(1);
pub const MARKET: MarketId = MarketId(0);
pub const ANN: AccountId = AccountId(1);
pub const BOB: AccountId = AccountId(2);
pub const CAT: AccountId = AccountId(3);
/// Receives the fees and does nothing else.
pub const FEES: AccountId = AccountId(4);
/// What Ann, Bob and Cat have of each asset.
pub const RICH: u64 = 1_000_000;

pub struct Exchange {
    pub store: ModelStore,
    pub now: u64,
    /// Of the last command.
    pub events: Vec<Event>,
    sequence: u64,
    position: u64,
}

/// Lots and ticks of one quantum, prices up to 1,000.
pub fn plain() -> MarketParams {
    MarketParams {
        base: BTC,
        quote: USD,
        lot: 1,
        tick: 1,
        max_price: Price(1_000),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
        fee_account: FEES,
        limits: Limits::NONE,
        collar: 0,
        breaker: Breaker { band: 0, window: 0, halt: 0 },
        reference_price: Price(0),
    }
}

impl Exchange {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// With a market that differs from the plain one.
    pub fn with(change: impl FnOnce(&mut MarketParams)) -> Self {
        let mut exchange = Self::empty();
        for _ in [USD, BTC] {
            exchange.list(1);
        }
        for account in [ANN, BOB, CAT] {
            exchange.deposit(account, USD, RICH);
            exchange.deposit(account, BTC, RICH);
        }
        exchange.deposit(FEES, USD, 0);
        let mut params = plain();
        change(&mut params);
        exchange.operator(OperatorCommand::CreateMarket(params));
        exchange
    }

    /// Nothing but the operator.
    pub fn empty() -> Self {
        let genesis = Genesis {
            chain_id: 1,
            exchange: Address::default(),
            capacity: Capacity {
                accounts: 6,
                open_orders: 2_000,
                assets: 3,
                markets: 3,
                price_levels: 3_000,
            },
            operator: owner(OPERATOR),
            operator_key: SessionKey::default(),
            operator_expires: Timestamp::NEVER,
        };
        Self { store: ModelStore::open(&genesis), now: 1_000, events: Vec::new(), sequence: 0, position: 0 }
    }

    pub fn send_from(&mut self, origin: Origin, account: AccountId, command: Command) -> Outcome {
        self.sequence += 1;
        let timestamp = Timestamp(self.now);
        let sequenced = Sequenced { sequence: self.sequence, timestamp, account, origin, command };
        self.events.clear();
        let Ok(outcome) = execute(&mut self.store, &sequenced, &mut |event| self.events.push(event));
        outcome
    }

    /// From the account's session.
    pub fn send(&mut self, account: AccountId, command: Command) -> Outcome {
        self.send_from(Origin::Session, account, command)
    }

    /// From L1.
    pub fn l1(&mut self, account: AccountId, command: Command) -> Outcome {
        self.position += 1;
        self.send_from(Origin::L1(self.position - 1), account, command)
    }

    /// Carried out, or the test fails.
    pub fn operator(&mut self, command: OperatorCommand) {
        let outcome = self.send(OPERATOR, Command::Operator(command.into()));
        assert_eq!(outcome, Outcome::Done);
    }

    pub fn operator_refused(&mut self, command: OperatorCommand) -> Reject {
        refused(self.send(OPERATOR, Command::Operator(command.into())))
    }

    /// Gives the market other parameters.
    pub fn change(&mut self, change: impl FnOnce(&mut MarketParams)) {
        let mut params = self.market().params;
        change(&mut params);
        self.operator(OperatorCommand::ChangeMarket { market: MARKET, params });
    }

    pub fn list(&mut self, quantum: u64) {
        let params = AssetParams { token: Address::default(), quantum, symbol: [0; 8] };
        self.operator(OperatorCommand::ListAsset(params));
    }

    /// Money from L1, and a session for whom it opens an account.
    pub fn deposit(&mut self, account: AccountId, asset: AssetId, amount: u64) {
        let command = Command::Deposit { owner: owner(account), asset, amount: Quanta(amount) };
        assert_eq!(self.l1(account, command), Outcome::Done);
        let events = self.events.clone();
        let key = SessionKey([account.0 as u8; 32]);
        let command = Command::RegisterSession { key, expires: Timestamp::NEVER };
        assert_eq!(self.l1(account, command), Outcome::Done);
        self.events = events;
    }

    /// Places an order that is accepted.
    pub fn place(&mut self, account: AccountId, place: Place) -> OrderId {
        match self.send(account, Command::Place(place)) {
            Outcome::Accepted(order) => order,
            outcome => panic!("{outcome:?}"),
        }
    }

    /// Places an order that is not accepted.
    pub fn refuse(&mut self, account: AccountId, place: Place) -> Reject {
        refused(self.send(account, Command::Place(place)))
    }

    pub fn buy(&mut self, account: AccountId, price: u32, quantity: u64) -> OrderId {
        self.place(account, buy(price, quantity))
    }

    pub fn sell(&mut self, account: AccountId, price: u32, quantity: u64) -> OrderId {
        self.place(account, sell(price, quantity))
    }

    /// One lot changes hands at this price, between Bob and Cat.
    pub fn print(&mut self, price: u32) {
        self.sell(BOB, price, 1);
        self.buy(CAT, price, 1);
        assert_eq!(self.market().last_price, Price(price));
    }

    pub fn cancel(&mut self, account: AccountId, order: OrderId) -> Outcome {
        self.send(account, Command::Cancel { market: MARKET, order: OrderRef::Id(order) })
    }

    /// Replaces what was `left` when the trader looked.
    pub fn replace_left(
        &mut self,
        account: AccountId,
        order: OrderId,
        (price, quantity): (u32, u64),
        left: u64,
    ) -> Outcome {
        let (price, quantity, left) = (Price(price), Quantity(quantity), Some(Quantity(left)));
        let order = OrderRef::Id(order);
        self.send(account, Command::Replace { market: MARKET, order, price, quantity, left })
    }

    pub fn replace(&mut self, account: AccountId, order: OrderId, price: u32, quantity: u64) -> Outcome {
        let (price, quantity) = (Price(price), Quantity(quantity));
        self.send(
            account,
            Command::Replace { market: MARKET, order: OrderRef::Id(order), price, quantity, left: None },
        )
    }

    /// Nothing happens but that time passes.
    pub fn wait(&mut self, micros: u64) {
        self.now += micros;
        self.operator(OperatorCommand::AdvanceTime);
    }

    /// Maker, taker, price and quantity of the last command's fills.
    pub fn fills(&self) -> Vec<(OrderId, OrderId, u32, u64)> {
        self.full_fills().iter().map(|f| (f.maker, f.taker, f.price.0, f.quantity.0)).collect()
    }

    pub fn full_fills(&self) -> Vec<Fill> {
        let fill = |event: &Event| if let Event::Fill(fill) = event { Some(*fill) } else { None };
        self.events.iter().filter_map(fill).collect()
    }

    /// Order, quantity and reason of what the last command's events say left without trading.
    pub fn cancelled(&self) -> Vec<(OrderId, u64, CancelReason)> {
        let cancelled = |event: &Event| match event {
            Event::Cancelled { order, quantity, reason, .. } => Some((*order, quantity.0, *reason)),
            _ => None,
        };
        self.events.iter().filter_map(cancelled).collect()
    }

    pub fn triggered(&self) -> Vec<OrderId> {
        let triggered =
            |event: &Event| if let Event::Triggered { order, .. } = event { Some(*order) } else { None };
        self.events.iter().filter_map(triggered).collect()
    }

    /// Order, price and quantity from the best down.
    pub fn book(&self, side: Side) -> Vec<(OrderId, u32, u64)> {
        let mut orders: Vec<_> = self.store.resting(MARKET, side).collect();
        orders
            .sort_by_key(|o| (if side == Side::Buy { 1_000_000 - o.price.0 } else { o.price.0 }, o.arrival));
        orders.iter().map(|o| (o.id, o.price.0, o.quantity.0)).collect()
    }

    pub fn is_open(&self, order: OrderId) -> bool {
        self.store.orders().any(|o| o.id == order)
    }

    pub fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        let found = self.store.balances().find(|(key, _)| *key == (account, asset));
        found.map(|(_, balance)| balance).unwrap_or_default()
    }

    pub fn free(&self, account: AccountId, asset: AssetId) -> u64 {
        self.balance(account, asset).free.0
    }

    pub fn locked(&self, account: AccountId, asset: AssetId) -> u64 {
        self.balance(account, asset).locked.0
    }

    pub fn net(&self, account: AccountId) -> i64 {
        let found = self.store.positions().find(|(key, _)| *key == (account, MARKET));
        found.map_or(0, |(_, Position { net, .. })| net)
    }

    pub fn market(&self) -> rules::Market {
        *self.store.markets().next().expect("one market").1
    }
}

pub fn owner(account: AccountId) -> Address {
    Address([account.0 as u8; 20])
}

pub fn refused(outcome: Outcome) -> Reject {
    match outcome {
        Outcome::Rejected(reason) => reason,
        outcome => panic!("{outcome:?}"),
    }
}

pub fn buy(price: u32, quantity: u64) -> Place {
    Place::limit(MARKET, Side::Buy, Price(price), Quantity(quantity))
}

pub fn sell(price: u32, quantity: u64) -> Place {
    Place::limit(MARKET, Side::Sell, Price(price), Quantity(quantity))
}

pub fn market_buy(quantity: u64) -> Place {
    Place::market(MARKET, Side::Buy, Quantity(quantity))
}

pub fn market_sell(quantity: u64) -> Place {
    Place::market(MARKET, Side::Sell, Quantity(quantity))
}

pub fn budget_buy(budget: u64) -> Place {
    Place { order_type: OrderType::MarketBudget { budget: Quanta(budget) }, ..market_buy(1) }
}

/// The same order with something more to it.
pub trait But: Sized {
    fn ioc(self) -> Self;
    fn fok(self) -> Self;
    fn gtd(self, expires: u64) -> Self;
    fn post_only(self) -> Self;
    fn stop(self, price: u32) -> Self;
    fn take_profit(self, price: u32) -> Self;
    fn client(self, id: u64) -> Self;
    fn mode(self, mode: types::SelfTrade) -> Self;
}

impl But for Place {
    fn ioc(self) -> Self {
        Self { time_in_force: TimeInForce::Ioc, ..self }
    }

    fn fok(self) -> Self {
        Self { time_in_force: TimeInForce::Fok, ..self }
    }

    fn gtd(self, expires: u64) -> Self {
        Self { time_in_force: TimeInForce::Gtd(Timestamp(expires)), ..self }
    }

    fn post_only(self) -> Self {
        Self { post_only: true, ..self }
    }

    fn stop(self, price: u32) -> Self {
        Self { trigger: Some(Trigger { kind: TriggerKind::StopLoss, price: Price(price) }), ..self }
    }

    fn take_profit(self, price: u32) -> Self {
        Self { trigger: Some(Trigger { kind: TriggerKind::TakeProfit, price: Price(price) }), ..self }
    }

    fn client(self, id: u64) -> Self {
        Self { client_id: types::ClientOrderId(id), ..self }
    }

    fn mode(self, mode: types::SelfTrade) -> Self {
        Self { self_trade: mode, ..self }
    }
}
