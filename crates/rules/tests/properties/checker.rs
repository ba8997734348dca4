//! Executes commands on the model and re-derives from the events alone what the state must be: who owns what,
//! who rests where and in which order, who paid which fee.

use std::collections::BTreeMap;

use rules::{Balance, Genesis, Life, Market, ModelStore, OPERATOR, Order, OrderKind, Position, execute};
use types::{
    AccountId, AssetId, CancelReason, Command, Event, Fill, Limits, MarketId, OperatorCommand, OrderId,
    OrderRef, OrderType, Origin, Outcome, Phase, PhaseCause, Price, Rate, Sequenced, Side, TimeInForce,
};

/// An order as the events told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Resting {
    order: OrderId,
    price: Price,
    quantity: u64,
}

/// The model, and a second book kept from events alone.
pub struct Checker {
    store: ModelStore,
    /// By market and side, in the order of joining.
    books: BTreeMap<(MarketId, bool), Vec<Resting>>,
    flows: BTreeMap<AssetId, i128>,
}

/// What an incoming order must keep to.
#[derive(Clone, Copy)]
struct Bounds {
    limit: Option<Price>,
    life: Life,
    post_only: bool,
    quantity: Option<u64>,
}

impl Checker {
    pub fn new(genesis: &Genesis) -> Self {
        Self { store: ModelStore::open(genesis), books: BTreeMap::new(), flows: BTreeMap::new() }
    }

    /// Executes a command and checks everything.
    pub fn apply(&mut self, seed: u64, command: &Sequenced) {
        let before = self.store.clone();
        let mut events = Vec::new();
        let Ok(outcome) = execute(&mut self.store, command, &mut |event| events.push(event));
        let step = Step { before, command, outcome, events };
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.check_rejection(&step);
            self.check_fills(&step);
            self.follow_books(&step);
            self.check_money(&step);
            self.check_counts();
            self.check_orders(&step);
            self.check_positions(&step);
            self.check_markets(&step);
        }));
        if let Err(panic) = checked {
            eprintln!(
                "seed {seed}, command {}: {:?} by {} from {:?} at {} gave {:?} and {:#?}",
                command.sequence,
                command.command,
                command.account,
                command.origin,
                command.timestamp,
                outcome,
                step.events
            );
            std::panic::resume_unwind(panic);
        }
    }

    /// A rejected command changes nothing but what the passing of time does.
    fn check_rejection(&self, step: &Step) {
        let Outcome::Rejected(reason) = step.outcome else { return };
        let mut woken = false;
        for event in &step.events {
            match event {
                Event::Cancelled { reason: CancelReason::Expired, .. } => {}
                Event::PhaseChanged { cause: PhaseCause::Time, .. } => {}
                Event::Triggered { .. } => woken = true,
                _ => assert!(woken, "rejected ({reason}), but {event:?}"),
            }
        }
        let mut idle = step.before.clone();
        let mut idle_events = Vec::new();
        let nothing = Sequenced {
            account: OPERATOR,
            origin: Origin::Session,
            command: Command::Operator(OperatorCommand::AdvanceTime.into()),
            ..step.command.clone()
        };
        let Ok(_) = execute(&mut idle, &nothing, &mut |event| idle_events.push(event));
        if idle_events == step.events {
            let nonce = u64::from(step.command.origin == Origin::Owner);
            let changed: Vec<_> =
                self.store.accounts().filter(|pair| idle.accounts().all(|i| i != *pair)).collect();
            if let [(id, account)] = changed[..] {
                assert_eq!(id, step.command.account);
                let (_, old) = step.before.accounts().find(|(old, _)| *old == id).expect("existed");
                let expected = rules::Account { nonce: old.nonce + nonce, ..*old };
                assert_eq!(*account, expected, "only the nonce may count on");
            }
            assert!(changed.len() <= 1);
            assert!(self.store.orders().eq(idle.orders()), "orders changed");
            assert!(self.store.balances().eq(idle.balances()), "balances changed");
            assert!(self.store.positions().eq(idle.positions()), "positions changed");
            assert_eq!(self.store.counters(), idle.counters());
            assert!(self.store.assets().eq(idle.assets()));
            assert!(self.store.custom_limits().eq(idle.custom_limits()));
            for ((_, now), (_, then)) in self.store.markets().zip(idle.markets()) {
                let cleared = Market { triggers_pending: now.triggers_pending, ..*then };
                assert_eq!(*now, cleared, "a market changed");
            }
        }
    }

    /// Fills keep to the taker's terms, to the collar, the fees and the expiry.
    fn check_fills(&self, step: &Step) {
        let mut totals: BTreeMap<OrderId, (u64, u64, u64)> = BTreeMap::new();
        let mut references: BTreeMap<MarketId, Price> = BTreeMap::new();
        let mut collars: BTreeMap<OrderId, (Price, Price)> = BTreeMap::new();
        for fill in step.fills() {
            let market = step.market(fill.market);
            assert_ne!(fill.maker_account, fill.taker_account, "a self-trade");
            assert_ne!(fill.quantity.0, 0);
            let bounds = step.bounds(fill.taker);
            assert!(!bounds.post_only || step.woken(fill.taker), "a post-only order took");
            match (bounds.limit, fill.taker_side) {
                (Some(limit), Side::Buy) => assert!(fill.price <= limit, "bought above its limit"),
                (Some(limit), Side::Sell) => assert!(fill.price >= limit, "sold below its limit"),
                (None, _) => {}
            }
            for order in [fill.maker, fill.taker] {
                if let Some(order) = step.order_before(order) {
                    assert!(order.expires > step.command.timestamp, "an expired order traded");
                }
            }

            let last = references.entry(fill.market).or_insert_with(|| market.reference());
            let collar = *collars.entry(fill.taker).or_insert_with(|| collar(&market, *last));
            match fill.taker_side {
                Side::Buy => assert!(fill.price <= collar.1, "bought beyond the collar"),
                Side::Sell => assert!(fill.price >= collar.0, "sold beyond the collar"),
            }
            *last = fill.price;

            let notional = u64::from(fill.price.0) * market.params.tick * fill.quantity.0;
            let (lots, traded, fees) = totals.entry(fill.taker).or_default();
            *lots += fill.quantity.0;
            *traded += notional;
            *fees += fill.taker_fee.0;
            let exact = u128::from(*traded) * u128::from(market.params.taker_fee.0.unsigned_abs());
            let paid = u128::from(*fees) * u128::from(Rate::ONE);
            assert!(paid >= exact && paid - exact < u128::from(Rate::ONE), "rounding costs under a quantum");

            let resting = step.order_before(fill.maker).filter(|order| !order.is_waiting());
            // An order that was replaced or woken just now rests under the present fees.
            let rejoined = step
                .events
                .iter()
                .any(|event| matches!(event, Event::Rested { order, .. } if *order == fill.maker));
            let rate = match resting {
                Some(order) if !rejoined => order.fee_rate,
                _ => market.params.maker_fee,
            };
            let exact = i128::from(notional) * i128::from(rate.0) / i128::from(Rate::ONE);
            let expected = exact.max(-i128::from(fill.taker_fee.0));
            assert_eq!(i128::from(fill.maker_fee), expected, "the maker's fee");
        }
        for (taker, (lots, _, _)) in totals {
            let bounds = step.bounds(taker);
            if bounds.life == Life::FillOrKill {
                assert_eq!(Some(lots), bounds.quantity, "filled in part");
            }
            if let Some(quantity) = bounds.quantity {
                assert!(lots <= quantity, "filled more than it wanted");
            }
        }
        for event in &step.events {
            if let Event::Rested { order, .. } = event {
                assert_eq!(step.bounds(*order).life, Life::Rest, "rests and must not");
            }
        }
    }

    /// Keeps the second book and checks that every maker was the best there, at its own price.
    fn follow_books(&mut self, step: &Step) {
        for event in &step.events {
            match *event {
                Event::Rested { order, market, side, price, quantity, .. } => {
                    let book = self.books.entry((market, side == Side::Buy)).or_default();
                    assert!(book.iter().all(|resting| resting.order != order));
                    book.push(Resting { order, price, quantity: quantity.0 });
                }
                Event::Fill(Fill { market, taker_side, maker, price, quantity, .. }) => {
                    let buyers = taker_side == Side::Sell;
                    let book = self.books.entry((market, buyers)).or_default();
                    let best = book.iter().map(|resting| resting.price);
                    let best = if buyers { best.max() } else { best.min() };
                    let first = book.iter().position(|resting| Some(resting.price) == best);
                    let first = first.expect("a maker rests");
                    assert_eq!((book[first].order, book[first].price), (maker, price), "not the best maker");
                    book[first].quantity -= quantity.0;
                    if book[first].quantity == 0 {
                        book.remove(first);
                    }
                }
                Event::Cancelled { order, market, side, quantity, remaining, resting: true, .. } => {
                    let book = self.books.entry((market, side == Side::Buy)).or_default();
                    let at = book.iter().position(|resting| resting.order == order).expect("was resting");
                    assert_eq!(book[at].quantity, quantity.0 + remaining.0);
                    book[at].quantity = remaining.0;
                    if remaining.0 == 0 {
                        book.remove(at);
                    }
                }
                Event::Replaced {
                    order,
                    market,
                    old_price,
                    old_quantity,
                    quantity,
                    kept_place,
                    price,
                    ..
                } => {
                    let sides = [(market, true), (market, false)];
                    let side = sides.into_iter().find(|key| {
                        self.books.get(key).is_some_and(|book| book.iter().any(|r| r.order == order))
                    });
                    let book = self.books.entry(side.expect("was resting")).or_default();
                    let at = book.iter().position(|r| r.order == order).expect("was resting");
                    assert_eq!((book[at].price, book[at].quantity), (old_price, old_quantity.0));
                    assert_eq!(kept_place, price == old_price && quantity <= old_quantity);
                    if kept_place {
                        book[at].quantity = quantity.0;
                    } else {
                        book.remove(at);
                    }
                }
                _ => {}
            }
        }
        for ((market, buyers), book) in &self.books {
            let side = if *buyers { Side::Buy } else { Side::Sell };
            let mut resting: Vec<_> = self.store.resting(*market, side).collect();
            resting.sort_by_key(|order| order.arrival);
            let stored: Vec<_> = resting
                .iter()
                .map(|o| Resting { order: o.id, price: o.price, quantity: o.quantity.0 })
                .collect();
            assert_eq!(*book, stored, "the events tell of another book");
        }
    }

    /// Every balance changed by exactly what the events say; sums are deposits minus withdrawals.
    fn check_money(&mut self, step: &Step) {
        let mut owned: BTreeMap<(AccountId, AssetId), i128> = BTreeMap::new();
        let bounced = matches!(step.command.command, Command::Deposit { .. });
        for event in &step.events {
            match *event {
                Event::Deposited { account, asset, amount } => {
                    *owned.entry((account, asset)).or_default() += i128::from(amount.0);
                    *self.flows.entry(asset).or_default() += i128::from(amount.0);
                }
                Event::Withdrawn { account, asset, amount, .. } if !bounced => {
                    *owned.entry((account, asset)).or_default() -= i128::from(amount.0);
                    *self.flows.entry(asset).or_default() -= i128::from(amount.0);
                }
                Event::Fill(fill) => {
                    let params = step.market(fill.market).params;
                    let goods = i128::from(fill.quantity.0) * i128::from(params.lot);
                    let notional =
                        i128::from(fill.quantity.0) * i128::from(params.tick) * i128::from(fill.price.0);
                    let (taker_fee, maker_fee) = (i128::from(fill.taker_fee.0), i128::from(fill.maker_fee));
                    let (buyer, seller, buyer_fee, seller_fee) = match fill.taker_side {
                        Side::Buy => (fill.taker_account, fill.maker_account, taker_fee, maker_fee),
                        Side::Sell => (fill.maker_account, fill.taker_account, maker_fee, taker_fee),
                    };
                    assert!(taker_fee + maker_fee >= 0, "the exchange pays nothing out");
                    for (account, asset, change) in [
                        (buyer, params.base, goods),
                        (buyer, params.quote, -notional - buyer_fee),
                        (seller, params.base, -goods),
                        (seller, params.quote, notional - seller_fee),
                        (params.fee_account, params.quote, taker_fee + maker_fee),
                    ] {
                        *owned.entry((account, asset)).or_default() += change;
                    }
                }
                _ => {}
            }
        }
        for (key, balance) in step.before.balances() {
            *owned.entry(key).or_default() += whole(balance);
        }
        owned.retain(|_, amount| *amount != 0);
        let actual: BTreeMap<_, _> =
            self.store.balances().map(|(key, balance)| (key, whole(balance))).collect();
        assert_eq!(owned, actual, "balances differ from what the events say");

        for (id, asset) in self.store.assets() {
            let sum: i128 =
                self.store.balances().filter(|((_, a), _)| *a == id).map(|(_, balance)| whole(balance)).sum();
            assert_eq!(sum, i128::from(asset.total.0), "the sum of all balances of asset {id}");
            assert_eq!(sum, self.flows.get(&id).copied().unwrap_or(0), "deposits minus withdrawals of {id}");
        }
    }

    /// Counters equal a recount; what is locked equals what open orders set aside.
    fn check_counts(&self) {
        assert_eq!(self.store.counters().open_orders as usize, self.store.orders().count());
        assert!(self.store.counters().open_orders <= self.store.counters().capacity.open_orders);
        let mut positions: BTreeMap<(AccountId, MarketId), Position> = BTreeMap::new();
        let mut locked: BTreeMap<(AccountId, AssetId), u128> = BTreeMap::new();
        for order in self.store.orders() {
            let position = positions.entry((order.account, order.market)).or_default();
            position.open_orders += 1;
            match order.side {
                Side::Buy => position.open_buy.0 += order.quantity.0,
                Side::Sell => position.open_sell.0 += order.quantity.0,
            }
            let params = self.market(order.market).params;
            let asset = if order.side == Side::Buy { params.quote } else { params.base };
            *locked.entry((order.account, asset)).or_default() += reserved(order, params.lot, params.tick);
        }
        for (key, position) in self.store.positions() {
            let open = positions.remove(&key).unwrap_or_default();
            assert_eq!(position, Position { net: position.net, ..open }, "position of {key:?}");
        }
        assert!(positions.is_empty(), "not counted: {positions:?}");
        for (key, balance) in self.store.balances() {
            let sum = locked.remove(&key).unwrap_or(0);
            assert_eq!(u128::from(balance.locked.0), sum, "locked by {key:?}");
        }
        locked.retain(|_, amount| *amount != 0);
        assert!(locked.is_empty(), "not locked: {locked:?}");
        let mut nets: BTreeMap<MarketId, i64> = BTreeMap::new();
        self.store
            .positions()
            .for_each(|((_, market), position)| *nets.entry(market).or_default() += position.net);
        assert!(nets.values().all(|net| *net == 0), "what one bought another sold: {nets:?}");
    }

    /// Open orders are in range, unique by client id, and new ones have not expired.
    fn check_orders(&self, step: &Step) {
        let mut named = BTreeMap::new();
        for order in self.store.orders() {
            if order.client_id.0 != 0 {
                let twin = named.insert((order.account, order.client_id), order.id);
                assert_eq!(twin, None, "two orders with one client id");
            }
            assert!(order.quantity.0 != 0 || order.budget.0 != 0);
            if step.order_before(order.id).is_none_or(|before| before.arrival != order.arrival) {
                assert!(order.expires > step.command.timestamp, "an expired order joined");
            }
            if order.is_waiting() {
                let market = self.market(order.market);
                let last = market.last_price;
                let due = match order.direction {
                    rules::Direction::Rising => last >= order.trigger,
                    rules::Direction::Falling => last <= order.trigger,
                };
                let may_wait = market.triggers_pending || market.phase != Phase::Open || last.0 == 0;
                assert!(!due || may_wait, "should have woken: {order:?}");
            } else {
                assert_eq!((order.kind, order.life), (OrderKind::Limit, Life::Rest));
            }
        }
        if let Outcome::Accepted(id) = step.outcome {
            assert!(id.0 > step.before.counters().orders, "order numbers go up");
        }
    }

    /// What an account would hold with all orders filled grows only within its limit.
    fn check_positions(&self, step: &Step) {
        let old: BTreeMap<_, _> = step.before.positions().collect();
        for (key, position) in self.store.positions() {
            let before = old.get(&key).copied().unwrap_or_default();
            let limit = i128::from(step.limits(key).max_position.0);
            let long = |p: &Position| i128::from(p.net) + i128::from(p.open_buy.0);
            let short = |p: &Position| i128::from(p.open_sell.0) - i128::from(p.net);
            for (held, held_before) in [(long(&position), long(&before)), (short(&position), short(&before))]
            {
                assert!(held <= held_before || held <= limit, "{key:?} may hold {limit}, holds {held}");
            }
            let within = position.open_orders <= step.limits(key).max_open_orders;
            assert!(position.open_orders <= before.open_orders || within, "too many open orders");
        }
    }

    /// No book is crossed, and no trade printed beyond the breaker's band.
    fn check_markets(&self, step: &Step) {
        for (id, market) in self.store.markets() {
            let bid = self.store.resting(id, Side::Buy).map(|order| order.price).max();
            let ask = self.store.resting(id, Side::Sell).map(|order| order.price).min();
            if let (Some(bid), Some(ask)) = (bid, ask) {
                assert!(bid < ask, "market {id} is crossed: {bid} and {ask}");
            }
            let Some(last) = step.fills().filter(|fill| fill.market == id).last() else { continue };
            assert_eq!(market.last_price, last.price);
            let band = u64::from(market.params.breaker.band);
            if band != 0 && market.window_price.0 != 0 {
                let moved = u64::from(market.last_price.0.abs_diff(market.window_price.0));
                assert!(moved * Rate::ONE <= band * u64::from(market.window_price.0), "beyond the breaker");
            }
            let was = step.before.markets().find(|(old, _)| *old == id).map(|(_, market)| market.phase);
            let opened = step.events.iter().any(|event| {
                matches!(event, Event::PhaseChanged { market, phase: Phase::Open, .. } if *market == id)
            });
            assert!(was == Some(Phase::Open) || opened, "traded while halted");
        }
    }

    fn market(&self, id: MarketId) -> Market {
        *self.store.markets().find(|(market, _)| *market == id).expect("an order's market").1
    }
}

/// One command and what it did.
struct Step<'a> {
    before: ModelStore,
    command: &'a Sequenced,
    outcome: Outcome,
    events: Vec<Event>,
}

impl Step<'_> {
    fn fills(&self) -> impl Iterator<Item = &Fill> {
        self.events.iter().filter_map(|event| match event {
            Event::Fill(fill) => Some(fill),
            _ => None,
        })
    }

    fn market(&self, id: MarketId) -> Market {
        *self.before.markets().find(|(market, _)| *market == id).expect("a fill's market").1
    }

    fn order_before(&self, id: OrderId) -> Option<&Order> {
        self.before.orders().find(|order| order.id == id)
    }

    fn woken(&self, id: OrderId) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Triggered { order, .. } if *order == id))
    }

    fn limits(&self, (account, market): (AccountId, MarketId)) -> Limits {
        let own = self.before.custom_limits().find(|(key, _)| *key == (account, market));
        own.map_or_else(|| self.market(market).params.limits, |(_, limits)| *limits)
    }

    /// The terms of an order that came in with this command, or was woken by it.
    fn bounds(&self, id: OrderId) -> Bounds {
        match (&self.command.command, self.order_before(id)) {
            (Command::Replace { market, order, price, quantity, left }, Some(old))
                if !self.woken(id)
                    && old.market == *market
                    && match order {
                        OrderRef::Id(named) => *named == id,
                        OrderRef::Client(named) => {
                            *named == old.client_id && old.account == self.command.account
                        }
                    } =>
            {
                Bounds {
                    limit: Some(*price),
                    life: old.life,
                    post_only: old.post_only,
                    quantity: Some(left.map_or(quantity.0, |left| {
                        quantity.0.saturating_sub(left.0.saturating_sub(old.quantity.0))
                    })),
                }
            }
            (_, Some(old)) => Bounds {
                limit: (old.kind == OrderKind::Limit).then_some(old.price),
                life: old.life,
                post_only: old.post_only,
                quantity: (old.kind != OrderKind::MarketBudget).then_some(old.quantity.0),
            },
            (Command::Place(place), None) => {
                assert_eq!(self.outcome, Outcome::Accepted(id));
                let (limit, quantity) = match place.order_type {
                    OrderType::Limit { price, quantity } => (Some(price), Some(quantity.0)),
                    OrderType::Market { quantity } => (None, Some(quantity.0)),
                    OrderType::MarketBudget { .. } => (None, None),
                };
                let life = match place.time_in_force {
                    TimeInForce::Gtc | TimeInForce::Gtd(_) => Life::Rest,
                    TimeInForce::Ioc => Life::Immediate,
                    TimeInForce::Fok => Life::FillOrKill,
                };
                Bounds { limit, life, post_only: place.post_only, quantity }
            }
            (command, None) => panic!("{command:?} brought order {id} in"),
        }
    }
}

fn whole(balance: Balance) -> i128 {
    i128::from(balance.free.0) + i128::from(balance.locked.0)
}

/// What an order sets aside, said once more.
fn reserved(order: &Order, lot: u64, tick: u64) -> u128 {
    let quantity = u128::from(order.quantity.0);
    if order.side == Side::Sell {
        return quantity * u128::from(lot);
    }
    if order.kind == OrderKind::MarketBudget {
        return order.budget.0.into();
    }
    let notional = u128::from(order.price.0) * u128::from(tick) * quantity;
    let fee = notional * order.fee_rate.0.max(0).unsigned_abs() as u128;
    let one = u128::from(Rate::ONE);
    notional + if order.is_waiting() { fee.div_ceil(one) } else { fee / one }
}

/// The lowest and highest price a trade may print at.
fn collar(market: &Market, reference: Price) -> (Price, Price) {
    if market.params.collar == 0 || reference.0 == 0 {
        return (Price(0), Price(u32::MAX));
    }
    let (price, collar) = (u128::from(reference.0), u128::from(market.params.collar));
    let reach = (price * collar / u128::from(Rate::ONE)) as u32;
    (Price(reference.0 - reach.min(reference.0)), Price(reference.0 + reach))
}
