//! New orders: every check, in a fixed order, before anything changes.

use types::{
    AccountId, Event, Limits, MarketId, OrderId, OrderType, Outcome, Place, Price, Quanta, Quantity, Reject,
    Side, TimeInForce, Timestamp, TriggerKind,
};

use crate::execute::{Stop, reject};
use crate::fees::{notional, taker_fee};
use crate::ledger::Run;
use crate::matching::{Taker, Terms};
use crate::phase::collar;
use crate::{Direction, EventSink, Life, Market, Order, OrderKind, Store};

/// No position or sum of open orders may exceed this, whatever the limits say: it keeps the sums in range.
const MAX_LOTS: u64 = 1 << 61;

/// What an order that is about to be replaced gives back.
#[derive(Clone, Copy, Default)]
pub(crate) struct Relief {
    pub lots: u64,
    pub quanta: u64,
}

impl<S: Store, E: EventSink> Run<'_, S, E> {
    /// Places an order in an open market.
    #[inline]
    pub fn place(&mut self, account: AccountId, place: &Place) -> Result<Outcome, Stop<S::Error>> {
        let Some(market) = self.store.market(place.market)?.copied() else {
            return reject(Reject::UnknownMarket);
        };
        let (kind, price, quantity, budget) = match place.order_type {
            OrderType::Limit { price, quantity } => (OrderKind::Limit, price, quantity.0, 0),
            OrderType::Market { quantity } => (OrderKind::Market, Price(0), quantity.0, 0),
            OrderType::MarketBudget { budget } => (OrderKind::MarketBudget, Price(0), 0, budget.0),
        };
        let (life, expires) = match place.time_in_force {
            TimeInForce::Gtc => (Life::Rest, Timestamp::NEVER),
            TimeInForce::Gtd(expires) => (Life::Rest, expires),
            TimeInForce::Ioc => (Life::Immediate, Timestamp::NEVER),
            TimeInForce::Fok => (Life::FillOrKill, Timestamp::NEVER),
        };
        if quantity == 0 && budget == 0 {
            return reject(Reject::ZeroQuantity);
        }
        match kind {
            OrderKind::Limit => {}
            OrderKind::MarketBudget if place.side == Side::Sell => return reject(Reject::BudgetNotAllowed),
            OrderKind::MarketBudget if life != Life::Immediate => return reject(Reject::BadTimeInForce),
            _ if life == Life::Rest => return reject(Reject::BadTimeInForce),
            _ => {}
        }
        if place.post_only && life != Life::Rest {
            return reject(Reject::PostOnlyNotAllowed);
        }
        if expires <= self.now {
            return reject(Reject::ExpiryInPast);
        }
        if expires > Timestamp::LAST_EXPIRY && expires != Timestamp::NEVER {
            return reject(Reject::ExpiryOutOfRange);
        }

        let terms = Terms::new(place.market, &market);
        let limits = self.effective_limits(account, place.market, &market)?;
        if kind == OrderKind::Limit {
            self.check_price(price, &market)?;
        }
        let rests = life == Life::Rest || place.trigger.is_some();
        if rests {
            let globals = self.store.globals();
            if globals.open_orders >= globals.capacity.open_orders {
                return reject(Reject::ExchangeFull);
            }
            if self.store.position(account, place.market)?.open_orders >= limits.max_open_orders {
                return reject(Reject::OpenOrderLimit);
            }
        }
        if place.client_id.0 != 0 && self.store.find_client(account, place.client_id)?.is_some() {
            return reject(Reject::DuplicateClientOrderId);
        }

        if let Some(trigger) = place.trigger {
            let direction = match (trigger.kind, place.side) {
                (TriggerKind::StopLoss, Side::Buy) | (TriggerKind::TakeProfit, Side::Sell) => {
                    Direction::Rising
                }
                _ => Direction::Falling,
            };
            let order = Order {
                id: OrderId(0),
                arrival: 0,
                quantity: Quantity(quantity),
                budget: Quanta(budget),
                client_id: place.client_id,
                expires,
                account,
                price,
                fee_rate: terms.taker_fee,
                trigger: trigger.price,
                market: place.market,
                side: place.side,
                direction,
                kind,
                life,
                post_only: place.post_only,
                self_trade: place.self_trade,
            };
            return self.wait(order, &terms, &market, &limits);
        }

        let mut taker = Taker {
            id: OrderId(0),
            arrival: 0,
            account,
            side: place.side,
            kind,
            bound: price,
            quantity,
            cap: u64::MAX,
            life,
            expires,
            post_only: place.post_only,
            self_trade: place.self_trade,
            client_id: place.client_id,
            traded: 0,
            fees: 0,
        };
        match kind {
            OrderKind::Limit => {
                self.check_collar(place.side, price, &market)?;
                self.check_risk(account, place.side, price, quantity, &terms, &limits, Relief::default())?;
            }
            _ => self.prepare_market_order(&mut taker, budget, &terms, &market, &limits)?,
        }
        if place.post_only && self.would_take(place.market, place.side, price)? {
            return reject(Reject::PostOnlyWouldTake);
        }
        if life == Life::FillOrKill && !self.can_fill(&taker, &terms, &market)? {
            return reject(Reject::CannotFill);
        }
        taker.arrival = self.next_number();
        taker.id = OrderId(taker.arrival);
        let id = taker.id;
        if self.enter(taker, &terms, &market)? {
            self.finish_triggers(place.market)?;
        }
        Ok(Outcome::Accepted(id))
    }

    /// Accepts an order that waits for its trigger, and sets aside what it will need.
    fn wait(
        &mut self,
        mut order: Order,
        terms: &Terms,
        market: &Market,
        limits: &Limits,
    ) -> Result<Outcome, Stop<S::Error>> {
        if order.trigger.0 == 0 || order.trigger > market.params.max_price {
            return reject(Reject::PriceOutOfRange);
        }
        let last = market.last_price;
        let holds = match order.direction {
            Direction::Rising => last >= order.trigger,
            Direction::Falling => last <= order.trigger,
        };
        if last.0 != 0 && holds {
            return reject(Reject::AlreadyTriggered);
        }
        match (order.kind, order.side) {
            (OrderKind::Market, Side::Buy) => return reject(Reject::BudgetRequired),
            (OrderKind::MarketBudget, _) => {
                self.check_budget(order.account, order.budget.0, terms, limits)?;
            }
            // A market sell is bound by its quantity alone.
            (OrderKind::Market, Side::Sell) => {
                let price = order.trigger;
                let (lots, none) = (order.quantity.0, Relief::default());
                self.check_risk(order.account, order.side, price, lots, terms, limits, none)?;
            }
            (OrderKind::Limit, _) => {
                let (price, lots, none) = (order.price, order.quantity.0, Relief::default());
                self.check_risk(order.account, order.side, price, lots, terms, limits, none)?;
            }
        }
        order.arrival = self.next_number();
        order.id = OrderId(order.arrival);
        self.open(order, terms)?;
        self.emit(Event::Waiting {
            order: order.id,
            market: order.market,
            account: order.account,
            side: order.side,
            trigger: order.trigger,
        });
        Ok(Outcome::Accepted(order.id))
    }

    /// Bounds a market order by the collar, the funds there are, and the limits.
    pub fn prepare_market_order(
        &mut self,
        taker: &mut Taker,
        budget: u64,
        terms: &Terms,
        market: &Market,
        limits: &Limits,
    ) -> Result<(), Stop<S::Error>> {
        let reference = market.reference();
        if market.params.collar != 0 && reference.0 == 0 {
            return reject(Reject::NoReferencePrice);
        }
        let (lowest, highest) = collar(&market.params, reference);
        taker.bound = if taker.side == Side::Buy { highest } else { lowest };
        if taker.kind == OrderKind::MarketBudget {
            self.check_budget(taker.account, budget, terms, limits)?;
            taker.cap_spending(Quanta(budget), terms);
            taker.quantity =
                self.room(taker.account, Side::Buy, terms, limits, 0)?.min(limits.max_quantity.0);
            if taker.quantity == 0 {
                return reject(Reject::PositionLimit);
            }
            return Ok(());
        }
        // With neither a last nor a reference price there is nothing to value the order at.
        let price = Price(reference.0.max(1));
        self.check_lots(taker.account, taker.side, price, taker.quantity, terms, limits, 0)?;
        match taker.side {
            Side::Buy => {
                let free = self.store.balance(taker.account, terms.quote)?.free;
                taker.cap_spending(free, terms);
            }
            Side::Sell => {
                self.check_goods(taker.account, taker.quantity, terms, 0)?;
            }
        }
        Ok(())
    }

    /// Quantity, notional, position and funds of an order with a price.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "the order's terms, the market's, and the account's")]
    pub fn check_risk(
        &mut self,
        account: AccountId,
        side: Side,
        price: Price,
        quantity: u64,
        terms: &Terms,
        limits: &Limits,
        relief: Relief,
    ) -> Result<(), Stop<S::Error>> {
        let notional = self.check_lots(account, side, price, quantity, terms, limits, relief.lots)?;
        match side {
            Side::Sell => self.check_goods(account, quantity, terms, relief.quanta),
            Side::Buy => {
                let cost = notional.checked_add(taker_fee(notional, terms.taker_fee));
                let free = self.store.balance(account, terms.quote)?.free.0;
                match cost {
                    Some(cost) if cost <= free + relief.quanta => Ok(()),
                    _ => reject(Reject::InsufficientBalance),
                }
            }
        }
    }

    /// Quantity, notional and position; the notional.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "the order's terms, the market's, and the account's")]
    fn check_lots(
        &mut self,
        account: AccountId,
        side: Side,
        price: Price,
        quantity: u64,
        terms: &Terms,
        limits: &Limits,
        relief: u64,
    ) -> Result<u64, Stop<S::Error>> {
        if quantity > limits.max_quantity.0 || quantity > MAX_LOTS {
            return reject(Reject::QuantityLimit);
        }
        let notional = match notional(price.0, quantity, terms.tick) {
            Some(notional) if notional <= limits.max_notional.0 => notional,
            _ => return reject(Reject::NotionalLimit),
        };
        if quantity > self.room(account, side, terms, limits, relief)? {
            return reject(Reject::PositionLimit);
        }
        Ok(notional)
    }

    /// How many more lots the position limit allows on a side, with all open orders filled but
    /// `relief` of them gone.
    #[inline]
    fn room(
        &mut self,
        account: AccountId,
        side: Side,
        terms: &Terms,
        limits: &Limits,
        relief: u64,
    ) -> Result<u64, S::Error> {
        let position = self.store.position(account, terms.market)?;
        let most = i128::from(limits.max_position.0.min(MAX_LOTS));
        let held = match side {
            Side::Buy => i128::from(position.net) + i128::from(position.open_buy.0),
            Side::Sell => i128::from(position.open_sell.0) - i128::from(position.net),
        };
        Ok((most - held + i128::from(relief)).clamp(0, i128::from(u64::MAX)) as u64)
    }

    #[inline]
    fn check_goods(
        &mut self,
        account: AccountId,
        quantity: u64,
        terms: &Terms,
        relief: u64,
    ) -> Result<(), Stop<S::Error>> {
        let free = self.store.balance(account, terms.base)?.free.0;
        match quantity.checked_mul(terms.lot) {
            Some(goods) if goods <= free + relief => Ok(()),
            _ => reject(Reject::InsufficientBalance),
        }
    }

    fn check_budget(
        &mut self,
        account: AccountId,
        budget: u64,
        terms: &Terms,
        limits: &Limits,
    ) -> Result<(), Stop<S::Error>> {
        if budget > limits.max_notional.0 {
            return reject(Reject::NotionalLimit);
        }
        if budget > self.store.balance(account, terms.quote)?.free.0 {
            return reject(Reject::InsufficientBalance);
        }
        Ok(())
    }

    /// The limits that hold for an account in a market.
    #[inline]
    pub fn effective_limits(
        &mut self,
        account: AccountId,
        id: MarketId,
        market: &Market,
    ) -> Result<Limits, S::Error> {
        if self.store.account(account)?.is_some_and(|account| account.custom_limits != 0)
            && let Some(limits) = self.store.limits(account, id)?
        {
            return Ok(limits);
        }
        Ok(market.params.limits)
    }

    #[inline]
    pub fn check_price(&self, price: Price, market: &Market) -> Result<(), Stop<S::Error>> {
        if price.0 == 0 || price > market.params.max_price {
            return reject(Reject::PriceOutOfRange);
        }
        Ok(())
    }

    /// A buy may not reach above the collar, a sell not below it.
    #[inline]
    pub fn check_collar(&self, side: Side, price: Price, market: &Market) -> Result<(), Stop<S::Error>> {
        let (lowest, highest) = collar(&market.params, market.reference());
        let beyond = match side {
            Side::Buy => price > highest,
            Side::Sell => price < lowest,
        };
        if beyond { reject(Reject::PriceCollar) } else { Ok(()) }
    }

    /// The next order id or arrival number.
    #[inline]
    pub fn next_number(&mut self) -> u64 {
        let globals = self.store.globals();
        globals.orders += 1;
        globals.orders
    }
}
