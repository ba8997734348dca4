//! Random but plausible commands from a seed, for property and differential tests.
//!
//! The generator runs the rules on a [`ModelStore`] as it goes, so that it can name orders which are really
//! open, aim at the last price, and end halts before nothing else happens. Prices lie close together and
//! accounts are few, so that much trades and the same accounts often meet themselves. Some commands make no
//! sense or carry the largest numbers there are; now and then a *storm* lets more orders wake or expire at
//! once than one command may handle. Session keys are arbitrary bytes: the rules never read them, and a test
//! that checks signatures puts its own in their place.

use alloc::vec::Vec;

use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, ClientOrderId, Command, Limits, MarketId,
    MarketParams, OperatorCommand, OrderId, OrderRef, OrderType, Origin, Phase, Place, Price, Quanta,
    Quantity, Rate, SelfTrade, Sequenced, SessionKey, Side, TimeInForce, Timestamp, Trigger, TriggerKind,
};

use crate::{Capacity, Genesis, Market, ModelStore, OPERATOR, Order, execute};

/// Traders that the set-up opens accounts for, numbered from one.
pub const TRADERS: u32 = 12;
/// The quote asset whose whole supply, `u64::MAX` quanta, one account holds.
const HUGE: AssetId = AssetId(3);
/// The account that holds it.
const WHALE: AccountId = AccountId(1);
/// Without breaker, collar or tight limits: where storms happen.
const STORMY: MarketId = MarketId(0);
const START: u64 = 1_000_000;

/// The first state of the exchange that [`flow`] is for.
#[must_use]
pub fn genesis() -> Genesis {
    Genesis {
        chain_id: 31_337,
        exchange: Address([0xee; 20]),
        capacity: Capacity { accounts: 20, open_orders: 680, assets: 5, markets: 6, price_levels: 2_000 },
        operator: owner(OPERATOR),
        operator_key: key(OPERATOR, 0),
        operator_expires: Timestamp::NEVER,
    }
}

/// The first `commands` commands of the flow with this seed: the set-up of an exchange, then a random mix of
/// everything. Sequence numbers count from one, L1 positions from zero.
#[must_use]
pub fn flow(seed: u64, commands: usize) -> Vec<Sequenced> {
    let mut flow = Flow {
        random: SplitMix(seed),
        store: ModelStore::open(&genesis()),
        now: START,
        position: 0,
        commands: Vec::with_capacity(commands),
    };
    flow.set_up();
    while flow.commands.len() < commands {
        flow.step();
    }
    flow.commands.truncate(commands);
    flow.commands
}

/// The owner on L1 of an account in the flow.
#[must_use]
pub fn owner(account: AccountId) -> Address {
    let mut owner = [0xaa; 20];
    owner[16..].copy_from_slice(&account.0.to_be_bytes());
    Address(owner)
}

fn key(account: AccountId, number: u64) -> SessionKey {
    let mut key = [0x55; 32];
    key[..4].copy_from_slice(&account.0.to_be_bytes());
    key[4..12].copy_from_slice(&number.to_be_bytes());
    SessionKey(key)
}

struct Flow {
    random: SplitMix,
    store: ModelStore,
    now: u64,
    position: u64,
    commands: Vec<Sequenced>,
}

impl Flow {
    fn send(&mut self, account: AccountId, origin: Origin, command: Command) {
        let sequence = self.commands.len() as u64 + 1;
        let sequenced = Sequenced { sequence, timestamp: Timestamp(self.now), account, origin, command };
        let Ok(_) = execute(&mut self.store, &sequenced, &mut |_| {});
        self.commands.push(sequenced);
    }

    fn session(&mut self, account: AccountId, command: Command) {
        self.send(account, Origin::Session, command);
    }

    fn l1(&mut self, account: AccountId, command: Command) {
        let position = self.position;
        self.position += 1;
        self.send(account, Origin::L1(position), command);
    }

    fn operator(&mut self, command: OperatorCommand) {
        self.session(OPERATOR, Command::Operator(command.into()));
    }

    fn deposit(&mut self, account: AccountId, asset: AssetId, amount: u64) {
        self.l1(account, Command::Deposit { owner: owner(account), asset, amount: Quanta(amount) });
    }

    fn set_up(&mut self) {
        for (at, quantum) in [1u64, 10_000_000_000, 1_000, 0, 1].into_iter().enumerate() {
            let symbol = [b'A' + at as u8, 0, 0, 0, 0, 0, 0, 0];
            let token = Address([at as u8; 20]);
            self.operator(OperatorCommand::ListAsset(AssetParams { token, quantum, symbol }));
        }
        for account in 1..=TRADERS {
            let account = AccountId(account);
            let purse = if account.0 % 4 == 3 { 20_000 } else { 5_000_000 };
            for asset in 0..3 {
                let amount = purse + self.random.below(purse);
                self.deposit(account, AssetId(asset), amount);
            }
            self.register(account);
        }
        self.deposit(WHALE, HUGE, u64::MAX);
        let calm = MarketParams {
            base: AssetId(1),
            quote: AssetId(0),
            lot: 10,
            tick: 3,
            max_price: Price(300),
            maker_fee: Rate(-150),
            taker_fee: Rate(700),
            fee_account: OPERATOR,
            limits: Limits { max_open_orders: 80, ..Limits::NONE },
            collar: 0,
            breaker: Breaker { band: 0, window: 0, halt: 0 },
            reference_price: Price(0),
        };
        let nervous = MarketParams {
            base: AssetId(2),
            lot: 7,
            tick: 5,
            max_price: Price(150),
            maker_fee: Rate(33_333),
            taker_fee: Rate(100_000),
            fee_account: AccountId(2),
            collar: 80_000,
            breaker: Breaker { band: 40_000, window: 30_000, halt: 3_000 },
            reference_price: Price(100),
            limits: Limits {
                max_quantity: Quantity(40),
                max_notional: Quanta(30_000),
                max_open_orders: 9,
                max_position: Quantity(90),
            },
            ..calm
        };
        let odd = MarketParams {
            base: AssetId(2),
            quote: AssetId(1),
            lot: 1,
            tick: 1,
            max_price: Price(120),
            maker_fee: Rate(-77_777),
            taker_fee: Rate(77_777),
            collar: 150_000,
            limits: Limits::NONE,
            ..calm
        };
        let huge = MarketParams {
            quote: HUGE,
            lot: 1,
            tick: 1 << 50,
            max_price: Price(1 << 8),
            maker_fee: Rate(0),
            taker_fee: Rate(0),
            limits: Limits { max_open_orders: 12, ..Limits::NONE },
            ..calm
        };
        for params in [calm, nervous, odd, huge] {
            self.operator(OperatorCommand::CreateMarket(params));
        }
    }

    fn step(&mut self) {
        self.now += match self.random.below(100) {
            0 => 20_000 + self.random.below(20_000),
            1..25 => 0,
            _ => self.random.below(400),
        };
        self.end_halts();
        match self.random.below(10_000) {
            0..2 => self.trigger_storm(),
            2..4 => self.expiry_storm(),
            4..7_300 => self.place(),
            7_300..7_800 => self.cancel(),
            7_800..8_500 => self.replace(),
            8_500..8_580 => self.mass_cancel(),
            8_580..8_800 => self.withdraw(),
            8_800..9_000 => self.queue(),
            9_000..9_450 => self.administer(),
            9_450..9_550 => self.register_anyone(),
            9_550..9_700 => self.misuse(),
            _ => self.renew_sessions(),
        }
    }

    /// Nothing stays halted or suspended for long.
    fn end_halts(&mut self) {
        if self.store.counters().halted && self.random.chance(10) {
            self.operator(OperatorCommand::HaltExchange { halted: false });
        }
        let halted =
            self.store.markets().find(|(_, market)| market.phase != Phase::Open).map(|found| found.0);
        if let Some(market) = halted
            && self.random.chance(8)
        {
            self.operator(OperatorCommand::ResumeMarket { market });
        }
        let suspended = self.store.accounts().find(|(_, account)| account.suspended).map(|found| found.0);
        if let Some(account) = suspended
            && self.random.chance(4)
        {
            self.operator(OperatorCommand::SuspendAccount { account, suspended: false });
        }
    }

    fn place(&mut self) {
        let account = self.trader();
        let market = self.market_id();
        let place = self.random_place(market);
        let origin = if self.random.chance(3) { Origin::Owner } else { Origin::Session };
        self.send(account, origin, Command::Place(place));
    }

    fn random_place(&mut self, market: MarketId) -> Place {
        let side = self.random.side();
        let quantity = Quantity(self.lots());
        let price = self.price(market, side);
        let order_type = match self.random.below(20) {
            0..16 => OrderType::Limit { price, quantity },
            16..18 => OrderType::Market { quantity },
            _ => OrderType::MarketBudget { budget: Quanta(self.budget(market)) },
        };
        let limit = matches!(order_type, OrderType::Limit { .. });
        let soon = Timestamp(self.now.saturating_add(self.random.below(60_000)));
        let time_in_force = match self.random.below(20) {
            0..10 if limit => TimeInForce::Gtc,
            10..13 if limit => TimeInForce::Gtd(soon),
            13 if self.random.chance(20) => TimeInForce::Gtd(Timestamp(self.random.wild())),
            14 if self.random.chance(20) => TimeInForce::Gtc,
            15 => TimeInForce::Fok,
            _ => TimeInForce::Ioc,
        };
        let rests = matches!(time_in_force, TimeInForce::Gtc | TimeInForce::Gtd(_));
        let kind = self.random.one_of(&[TriggerKind::StopLoss, TriggerKind::TakeProfit]);
        let trigger = self.random.chance(10).then(|| Trigger { kind, price: self.price(market, side) });
        let modes =
            [SelfTrade::ExpireTaker, SelfTrade::ExpireMaker, SelfTrade::ExpireBoth, SelfTrade::Decrement];
        Place {
            market,
            side: match order_type {
                OrderType::MarketBudget { .. } if self.random.chance(95) => Side::Buy,
                OrderType::Market { .. } if trigger.is_some() && self.random.chance(80) => Side::Sell,
                _ => side,
            },
            order_type,
            time_in_force,
            post_only: self.random.chance(if rests { 12 } else { 1 }),
            self_trade: self.random.one_of(&modes),
            trigger,
            client_id: ClientOrderId(if self.random.chance(60) { 0 } else { self.random.below(40) }),
        }
    }

    fn cancel(&mut self) {
        let (account, market, order) = self.some_order();
        self.session(account, Command::Cancel { market, order });
    }

    fn replace(&mut self) {
        let (account, market, order) = self.some_order();
        let known = match order {
            OrderRef::Id(id) => self.store.orders().find(|o| o.id == id).copied(),
            OrderRef::Client(_) => None,
        };
        let (price, quantity) = match known {
            Some(order) if self.random.chance(40) => {
                (order.price, Quantity(1 + self.random.below(order.quantity.0.max(1))))
            }
            Some(order) => (self.price(market, order.side), Quantity(self.lots())),
            None => {
                let side = self.random.side();
                (self.price(market, side), Quantity(self.lots()))
            }
        };
        let left = self.random.chance(30).then(|| {
            let now = known.map_or(0, |order| order.quantity.0);
            Quantity(now.saturating_add(self.random.below(4)))
        });
        self.session(account, Command::Replace { market, order, price, quantity, left });
    }

    fn mass_cancel(&mut self) {
        let market = self.random.chance(70).then(|| self.market_id());
        let side = self.random.chance(40).then(|| self.random.side());
        let account = self.trader();
        match self.random.below(4) {
            0 => self.l1(account, Command::MassCancel { market, side }),
            1 => self.operator(OperatorCommand::MassCancel { account, market, side }),
            _ => self.session(account, Command::MassCancel { market, side }),
        }
    }

    fn withdraw(&mut self) {
        let (account, asset) = (self.trader(), self.asset_id());
        let command = Command::Withdraw { asset, amount: Quanta(self.amount()) };
        match self.random.below(3) {
            0 => self.l1(account, command),
            1 => self.send(account, Origin::Owner, command),
            _ => self.session(account, command),
        }
    }

    /// From L1: deposits (good, for new accounts, for the wrong owner), and what may not come from there.
    fn queue(&mut self) {
        let mut account = self.trader();
        let (asset, amount) = (self.asset_id(), self.amount());
        match self.random.below(8) {
            0 => {
                let owner = Address([0xbb; 20]);
                self.l1(account, Command::Deposit { owner, asset, amount: Quanta(amount) });
            }
            1 => {
                account = AccountId(self.store.counters().accounts);
                self.deposit(account, asset, amount);
                self.register(account);
            }
            2 => self.l1(account, Command::Cancel { market: STORMY, order: OrderRef::Id(OrderId(1)) }),
            _ => self.deposit(account, asset, amount),
        }
    }

    fn administer(&mut self) {
        let market = self.market_id();
        let account = self.trader();
        let command = match self.random.below(15) {
            0 => {
                let until = self.random.one_of(&[Timestamp::NEVER, Timestamp(self.now + 2_000)]);
                OperatorCommand::HaltMarket { market, until }
            }
            1 => OperatorCommand::ResumeMarket { market },
            2 | 3 => OperatorCommand::SuspendAccount { account, suspended: self.random.chance(60) },
            4 => OperatorCommand::HaltExchange { halted: self.random.chance(30) },
            5..8 => OperatorCommand::SetLimits { account, market, limits: self.limits() },
            8..12 => OperatorCommand::ChangeMarket { market, params: self.params(market) },
            12 if self.random.chance(20) => OperatorCommand::CreateMarket(self.params(market)),
            13 if self.random.chance(20) => OperatorCommand::ListAsset(AssetParams {
                token: Address([9; 20]),
                quantum: self.random.below(3),
                symbol: *b"MORE\0\0\0\0",
            }),
            _ => OperatorCommand::AdvanceTime,
        };
        self.operator(command);
    }

    /// A market's parameters, changed a little, or beyond what is allowed.
    fn params(&mut self, market: MarketId) -> MarketParams {
        let known = self.store.markets().find(|(id, _)| *id == market).map(|(_, market)| market.params);
        let any = self.store.markets().next().map(|(_, market)| market.params);
        let mut params = known.or(any).expect("the set-up made markets");
        match self.random.below(12) {
            0 => params.taker_fee = Rate(self.random.below(100_001) as i32),
            1 | 2 => {
                params.taker_fee = Rate(self.random.below(50_000) as i32);
                params.maker_fee = Rate(params.taker_fee.0 - self.random.below(50_000) as i32);
            }
            3 => params.collar = self.random.below(300_000) as u32,
            4 if market != STORMY => {
                params.breaker = Breaker {
                    band: self.random.below(80_000) as u32,
                    window: self.random.below(50_000),
                    halt: self.random.one_of(&[0, 1_000, 5_000]),
                };
            }
            5 if market != STORMY => params.limits = self.limits().unwrap_or(params.limits),
            6 => params.fee_account = self.trader(),
            7 => params.lot = self.random.wild(),
            8 => params.tick = self.random.wild(),
            9 => params.max_price = Price(self.random.wild() as u32),
            10 => params.maker_fee = Rate(self.random.wild() as i32),
            _ => params.base = self.asset_id(),
        }
        params
    }

    fn limits(&mut self) -> Option<Limits> {
        self.random.chance(50).then(|| Limits {
            max_quantity: Quantity(self.random.one_of(&[u64::MAX, u64::MAX, 15, 40])),
            max_notional: Quanta(self.random.one_of(&[u64::MAX, u64::MAX, 3_000, 20_000])),
            max_open_orders: self.random.one_of(&[u32::MAX, u32::MAX, 3, 20]),
            max_position: Quantity(self.random.one_of(&[u64::MAX, u64::MAX, u64::MAX, 0, 60, 120])),
        })
    }

    fn register_anyone(&mut self) {
        let account = self.trader();
        self.register(account);
    }

    fn renew_sessions(&mut self) {
        let now = Timestamp(self.now);
        let over = self.store.accounts().find(|(_, account)| account.session_expires <= now);
        match over.map(|(id, _)| id) {
            Some(account) => self.register(account),
            None => self.place(),
        }
    }

    fn register(&mut self, account: AccountId) {
        let life = 200_000 + self.random.below(1_000_000);
        let expires = if self.random.chance(50) { Timestamp::NEVER } else { Timestamp(self.now + life) };
        let command = Command::RegisterSession { key: key(account, self.random.next()), expires };
        match self.random.below(2) {
            0 => self.l1(account, command),
            _ => self.send(account, Origin::Owner, command),
        }
    }

    /// What nobody may do, or with the largest numbers there are.
    fn misuse(&mut self) {
        let wild = self.random.wild();
        let (account, market) = (self.trader(), self.market_id());
        let owner = owner(account);
        match self.random.below(14) {
            0 => self.session(account, Command::Operator(OperatorCommand::AdvanceTime.into())),
            1 => {
                let command = OperatorCommand::HaltExchange { halted: true };
                self.send(OPERATOR, Origin::Owner, Command::Operator(command.into()));
            }
            2 => self.session(account, Command::Deposit { owner, asset: HUGE, amount: Quanta(wild) }),
            3 => self
                .session(account, Command::RegisterSession { key: key(account, 0), expires: Timestamp(0) }),
            4 => self.session(AccountId(wild as u32 | 64), Command::MassCancel { market: None, side: None }),
            5 => self.session(account, Command::MassCancel { market: Some(MarketId(77)), side: None }),
            6 => {
                let params = self.params(MarketId(wild as u16));
                self.operator(OperatorCommand::ChangeMarket { market: MarketId(wild as u16), params });
            }
            7 => {
                let command = OperatorCommand::SuspendAccount { account: AccountId(999), suspended: true };
                self.operator(command);
            }
            8 => {
                self.session(account, Command::Withdraw { asset: AssetId(wild as u16), amount: Quanta(wild) })
            }
            9 => {
                let order = OrderRef::Id(OrderId(wild));
                self.session(account, Command::Cancel { market: MarketId(wild as u16), order });
            }
            10 => {
                let order = OrderRef::Client(ClientOrderId(0));
                self.session(account, Command::Cancel { market, order });
            }
            11 => {
                let (account, market, order) = self.some_order();
                let (price, quantity) = (Price(wild as u32), Quantity(self.random.wild()));
                let left = self.random.chance(30).then(|| Quantity(self.random.wild()));
                self.session(account, Command::Replace { market, order, price, quantity, left });
            }
            _ => {
                let mut place = self.random_place(market);
                let amount = self.random.wild();
                place.order_type = match place.order_type {
                    OrderType::Limit { price, .. } if self.random.chance(50) => {
                        OrderType::Limit { price, quantity: Quantity(amount) }
                    }
                    OrderType::Limit { .. } => {
                        OrderType::Limit { price: Price(wild as u32), quantity: Quantity(amount) }
                    }
                    OrderType::Market { .. } => OrderType::Market { quantity: Quantity(amount) },
                    OrderType::MarketBudget { .. } => OrderType::MarketBudget { budget: Quanta(amount) },
                };
                if self.random.chance(30) {
                    place.trigger = Some(Trigger {
                        kind: TriggerKind::StopLoss,
                        price: Price(self.random.wild() as u32),
                    });
                }
                self.session(account, Command::Place(place));
            }
        }
    }

    /// Many stops at nearly the same price, and the trade that wakes them all.
    fn trigger_storm(&mut self) {
        let last = self.state_of(STORMY).last_price.0;
        if last < 20 || self.store.counters().halted {
            return;
        }
        self.operator(OperatorCommand::ResumeMarket { market: STORMY });
        for account in (1..=TRADERS).map(AccountId) {
            self.operator(OperatorCommand::MassCancel { account, market: None, side: None });
            self.operator(OperatorCommand::SetLimits { account, market: STORMY, limits: None });
        }
        // More than two commands can wake, and more than the exchange holds.
        for _ in 0..720 {
            let account = AccountId(1 + self.random.below(u64::from(TRADERS)) as u32);
            let price = Price(last - 1 - self.random.below(2) as u32);
            let mut place = Place::market(STORMY, Side::Sell, Quantity(1));
            if self.random.chance(50) {
                place.order_type = OrderType::Limit { price, quantity: Quantity(1) };
            }
            place.trigger = Some(Trigger { kind: TriggerKind::StopLoss, price });
            self.session(account, Command::Place(place));
        }
        let bid = Price(last.saturating_sub(3).max(1));
        let in_the_way: u64 =
            self.store.resting(STORMY, Side::Buy).filter(|o| o.price > bid).map(|o| o.quantity.0).sum();
        let supply = Place::limit(STORMY, Side::Buy, bid, Quantity(100));
        self.send(AccountId(2), Origin::Owner, Command::Place(supply));
        let mut shot = Place::limit(STORMY, Side::Sell, bid, Quantity(in_the_way + 10));
        (shot.time_in_force, shot.self_trade) = (TimeInForce::Ioc, SelfTrade::ExpireMaker);
        for account in [4, 6, 8] {
            self.send(AccountId(account), Origin::Owner, Command::Place(shot));
        }
    }

    /// Many orders that expire at once, waiting and resting ones, and a command that finds some of them there.
    fn expiry_storm(&mut self) {
        let end = Timestamp(self.now + 1_000);
        let last = self.state_of(STORMY).last_price.0.clamp(20, 280);
        for _ in 0..330 {
            let account = AccountId(1 + self.random.below(u64::from(TRADERS)) as u32);
            let side = self.random.side();
            let reach = 1 + self.random.below(6) as u32;
            let price = Price(if side == Side::Buy { last - reach } else { last + reach });
            let mut place = Place::limit(STORMY, side, price, Quantity(1));
            place.time_in_force = TimeInForce::Gtd(end);
            if self.random.chance(50) {
                let price = Price(last + 1);
                let kind = if side == Side::Buy { TriggerKind::StopLoss } else { TriggerKind::TakeProfit };
                place.trigger = Some(Trigger { kind, price });
            }
            self.session(account, Command::Place(place));
        }
        let (price, quantity) = (Price(last + 2), Quantity(1_000));
        let supply = Place::limit(STORMY, Side::Sell, price, quantity);
        self.send(AccountId(2), Origin::Owner, Command::Place(supply));
        let late = self.store.orders().filter(|o| o.expires == end && !o.is_waiting()).last().copied();
        self.now += 1_000;
        let mut shot = Place::limit(STORMY, Side::Buy, Price(last + 7), quantity);
        shot.time_in_force = self.random.one_of(&[TimeInForce::Ioc, TimeInForce::Fok]);
        match late {
            Some(late) if self.random.chance(30) => {
                let order = OrderRef::Id(late.id);
                let command =
                    Command::Replace { market: STORMY, order, price, quantity: Quantity(2), left: None };
                self.send(late.account, Origin::Owner, command);
            }
            _ => self.send(AccountId(4), Origin::Owner, Command::Place(shot)),
        }
    }

    fn state_of(&self, market: MarketId) -> Market {
        *self.store.markets().find(|(id, _)| *id == market).expect("the set-up made this market").1
    }

    /// Mostly those of the set-up, so that they meet.
    fn trader(&mut self) -> AccountId {
        match self.random.below(40) {
            0 => AccountId(self.random.below(u64::from(self.store.counters().accounts)) as u32),
            1 => WHALE,
            _ => AccountId(1 + self.random.below(u64::from(TRADERS)) as u32),
        }
    }

    fn market_id(&mut self) -> MarketId {
        match self.random.below(100) {
            0 => MarketId(self.random.below(8) as u16),
            1..8 => MarketId(3),
            _ => MarketId(self.random.below(3) as u16),
        }
    }

    fn asset_id(&mut self) -> AssetId {
        let known = if self.random.chance(5) { 7 } else { 4 };
        AssetId(self.random.below(known) as u16)
    }

    /// Somebody's open order, and now and then a wrong name for it.
    fn some_order(&mut self) -> (AccountId, MarketId, OrderRef) {
        let open = self.store.orders().count() as u64;
        let at = self.random.below(open.max(1)) as usize;
        let Some(order) = self.store.orders().nth(at).copied() else {
            return (self.trader(), self.market_id(), OrderRef::Id(OrderId(1)));
        };
        let Order { id, account, market, client_id, .. } = order;
        match self.random.below(20) {
            0 => (self.trader(), market, OrderRef::Id(id)),
            1 => (account, self.market_id(), OrderRef::Id(id)),
            2 => (account, market, OrderRef::Client(ClientOrderId(self.random.below(40)))),
            3..10 if client_id != ClientOrderId::NONE => (account, market, OrderRef::Client(client_id)),
            _ => (account, market, OrderRef::Id(id)),
        }
    }

    /// A few ticks around the last price, on the passive side a little more often.
    fn price(&mut self, market: MarketId, side: Side) -> Price {
        let known = self.store.markets().find(|(id, _)| *id == market);
        let reference = known.map_or(0, |(_, market)| market.reference().0);
        let center = if reference == 0 { 100 } else { reference };
        let reach = if self.random.chance(6) { 30 } else { 7 };
        let offset = self.random.below(reach) as u32;
        // A little pull back to 100 keeps markets away from their highest price.
        let up = match side {
            Side::Buy => self.random.chance(u64::from(92_u32.saturating_sub(center / 2))),
            Side::Sell => self.random.chance(u64::from(108_u32.saturating_sub(center / 2))),
        };
        Price(if up { center + offset } else { center.saturating_sub(offset) })
    }

    fn lots(&mut self) -> u64 {
        match self.random.below(50) {
            0 => self.random.below(100_000),
            1..6 => self.random.below(120),
            _ => 1 + self.random.below(20),
        }
    }

    fn budget(&mut self, market: MarketId) -> u64 {
        if market.0 == 3 && self.random.chance(80) {
            return u64::MAX >> self.random.below(12);
        }
        match self.random.below(10) {
            0 => self.random.below(400),
            1 => 200_000,
            _ => self.random.below(20_000),
        }
    }

    fn amount(&mut self) -> u64 {
        match self.random.below(12) {
            0 => self.random.wild(),
            1 => 10_000_000,
            _ => self.random.below(60_000),
        }
    }
}

/// A small, well-known generator (Steele, Lea and Flood, 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn side(&mut self) -> Side {
        self.one_of(&Side::BOTH)
    }

    /// A number at some edge.
    fn wild(&mut self) -> u64 {
        let edge = self.one_of(&[0, 1, 1 << 24, 1 << 31, 1 << 32, 1 << 61, 1 << 62, 1 << 63, u64::MAX]);
        edge.wrapping_sub(self.below(3))
    }
}
