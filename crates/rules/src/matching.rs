//! Price-time priority: an incoming order meets the best resting orders at their prices.

use types::{
    AccountId, AssetId, CancelReason, ClientOrderId, Event, Fill, MarketId, OrderId, Price, Quanta, Quantity,
    Rate, SelfTrade, Side, Timestamp,
};

use crate::fees::{affordable_notional, maker_fee, reserve, reserve_of, taker_fee};
use crate::ledger::Run;
use crate::phase::Window;
use crate::{Direction, EventSink, Life, Market, Order, OrderKind, Store};

/// What of a market's parameters settling needs.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub market: MarketId,
    pub base: AssetId,
    pub quote: AssetId,
    pub lot: u64,
    pub tick: u64,
    pub maker_fee: Rate,
    pub taker_fee: Rate,
    pub fee_account: AccountId,
}

impl Terms {
    #[inline]
    pub fn new(id: MarketId, market: &Market) -> Self {
        let p = &market.params;
        Self {
            market: id,
            base: p.base,
            quote: p.quote,
            lot: p.lot,
            tick: p.tick,
            maker_fee: p.maker_fee,
            taker_fee: p.taker_fee,
            fee_account: p.fee_account,
        }
    }

    /// What an order of this side sets aside.
    #[inline]
    pub fn reserved_asset(&self, side: Side) -> AssetId {
        match side {
            Side::Buy => self.quote,
            Side::Sell => self.base,
        }
    }
}

/// An order on its way in, after all checks.
pub(crate) struct Taker {
    pub id: OrderId,
    pub arrival: u64,
    pub account: AccountId,
    pub side: Side,
    pub kind: OrderKind,
    /// The worst price it may trade at: its limit, or the collar for a market order.
    pub bound: Price,
    /// Lots still to trade.
    pub quantity: u64,
    /// The most notional it may trade in all; `u64::MAX` when its funds were checked before.
    pub cap: u64,
    pub life: Life,
    pub expires: Timestamp,
    pub post_only: bool,
    pub self_trade: SelfTrade,
    pub client_id: ClientOrderId,
    /// Notional traded so far.
    pub traded: u64,
    /// Fees paid so far.
    pub fees: u64,
}

impl Taker {
    #[inline]
    fn crosses(&self, price: Price) -> bool {
        match self.side {
            Side::Buy => price <= self.bound,
            Side::Sell => price >= self.bound,
        }
    }

    /// Caps what it may trade by the quote quanta there are for it; `u64::MAX` would mean no cap.
    pub fn cap_spending(&mut self, quanta: Quanta, terms: &Terms) {
        self.cap = affordable_notional(quanta.0, terms.taker_fee).min(u64::MAX - 1);
    }

    #[inline]
    fn affordable(&self, price: Price, quantity: u64, terms: &Terms) -> u64 {
        if self.cap == u64::MAX {
            return quantity;
        }
        let lot_price = u128::from(price.0) * u128::from(terms.tick);
        let lots = u128::from(self.cap - self.traded) / lot_price;
        lots.min(u128::from(quantity)) as u64
    }
}

impl<S: Store, E: EventSink> Run<'_, S, E> {
    /// The terms of a market that exists.
    #[inline]
    pub fn terms(&mut self, id: MarketId) -> Result<Terms, S::Error> {
        let market = self.store.market(id)?;
        debug_assert!(market.is_some(), "an open order's market exists");
        Ok(market.map_or(Terms::NONE, |market| Terms::new(id, market)))
    }

    /// Lets an order trade, and then rest or leave. Whether it traded.
    #[inline]
    pub fn enter(&mut self, mut taker: Taker, terms: &Terms, market: &Market) -> Result<bool, S::Error> {
        let stop = self.take(&mut taker, terms, market)?;
        let traded = taker.traded != 0;
        let reason = match (taker.kind, stop) {
            (OrderKind::MarketBudget, Some(CancelReason::Funds)) if traded => return Ok(true),
            (OrderKind::MarketBudget, None) => Some(CancelReason::Immediate),
            (_, None) if taker.quantity == 0 => return Ok(traded),
            (_, None) if taker.life == Life::Rest => None,
            (_, None) => Some(CancelReason::Immediate),
            (_, stop) => stop,
        };
        match reason {
            None => self.rest(&taker, terms)?,
            Some(reason) => {
                let budget = taker.kind == OrderKind::MarketBudget;
                self.emit(Event::Cancelled {
                    order: taker.id,
                    market: terms.market,
                    account: taker.account,
                    side: taker.side,
                    price: if taker.kind == OrderKind::Limit { taker.bound } else { Price(0) },
                    quantity: Quantity(if budget { 0 } else { taker.quantity }),
                    remaining: Quantity(0),
                    resting: false,
                    reason,
                });
            }
        }
        Ok(traded)
    }

    /// Trades until nothing is left, nothing crosses, or something stops it; says what.
    #[inline]
    fn take(
        &mut self,
        taker: &mut Taker,
        terms: &Terms,
        market: &Market,
    ) -> Result<Option<CancelReason>, S::Error> {
        let mut window = Window::at(market, self.now);
        let mut last = Price(0);
        let wanted = taker.quantity;
        let mut unfilled = 0;
        let stop = loop {
            if taker.quantity == 0 {
                break None;
            }
            let Some(handle) = self.store.best(terms.market, taker.side.opposite())? else { break None };
            let maker = self.store.order(handle)?;
            if !taker.crosses(maker.price) {
                break (taker.kind != OrderKind::Limit).then_some(CancelReason::Collar);
            }
            if maker.is_expired(self.now) {
                self.cancel_open(handle, CancelReason::Expired)?;
                continue;
            }
            let (price, available) = (maker.price, maker.quantity.0);
            if maker.account == taker.account {
                match taker.self_trade {
                    SelfTrade::ExpireTaker => break Some(CancelReason::SelfTrade),
                    SelfTrade::ExpireMaker => self.cancel_open(handle, CancelReason::SelfTrade)?,
                    SelfTrade::ExpireBoth => {
                        self.cancel_open(handle, CancelReason::SelfTrade)?;
                        break Some(CancelReason::SelfTrade);
                    }
                    SelfTrade::Decrement => {
                        let quantity = taker.affordable(price, taker.quantity.min(available), terms);
                        if quantity == 0 {
                            break Some(CancelReason::Funds);
                        }
                        self.decrement(handle, taker, quantity, terms)?;
                        unfilled += quantity;
                    }
                }
                continue;
            }
            if window.breaks(price) {
                self.break_circuit(terms.market)?;
                break Some(CancelReason::Halted);
            }
            let quantity = taker.affordable(price, taker.quantity.min(available), terms);
            if quantity == 0 {
                break Some(CancelReason::Funds);
            }
            self.settle(handle, quantity, taker, terms)?;
            last = price;
        };
        if last.0 != 0 {
            if let Some(market) = self.store.market(terms.market)? {
                market.last_price = last;
                market.window_start = window.start;
                market.window_price = window.price;
            }
            let filled = (wanted - taker.quantity - unfilled).cast_signed();
            let position = self.store.position(taker.account, terms.market)?;
            position.net += if taker.side == Side::Buy { filled } else { -filled };
        }
        Ok(stop)
    }

    /// One trade: money and goods change hands, fees are taken, the maker shrinks or leaves.
    #[inline]
    fn settle(
        &mut self,
        handle: S::Handle,
        quantity: u64,
        taker: &mut Taker,
        terms: &Terms,
    ) -> Result<(), S::Error> {
        let maker = *self.store.order(handle)?;
        let left = maker.quantity.0 - quantity;
        let goods = quantity * terms.lot;
        let notional = u64::from(maker.price.0) * terms.tick * quantity;
        taker.traded += notional;
        taker.quantity -= quantity;
        let fees = taker_fee(taker.traded, terms.taker_fee);
        let fee = fees - taker.fees;
        taker.fees = fees;
        // A rebate is paid from the taker's fee, whatever the fees have been changed to since.
        let makers = maker_fee(notional, maker.fee_rate).max(-fee.cast_signed());

        match taker.side {
            Side::Buy => {
                self.debit(taker.account, terms.quote, notional + fee)?;
                self.credit(taker.account, terms.base, goods)?;
                self.pay_locked(maker.account, terms.base, goods, goods)?;
                self.credit(maker.account, terms.quote, notional.saturating_add_signed(-makers))?;
            }
            Side::Sell => {
                self.debit(taker.account, terms.base, goods)?;
                self.credit(taker.account, terms.quote, notional - fee)?;
                let released = reserve(&maker, terms.lot, terms.tick).0
                    - reserve_of(&maker, left, terms.lot, terms.tick).0;
                let paid = notional.saturating_add_signed(makers);
                self.pay_locked(maker.account, terms.quote, released, paid)?;
                self.credit(maker.account, terms.base, goods)?;
            }
        }
        let collected = fee.saturating_add_signed(makers);
        if collected != 0 {
            self.credit(terms.fee_account, terms.quote, collected)?;
        }

        let gone = left == 0;
        if gone {
            self.store.remove(handle)?;
            self.store.globals().open_orders -= 1;
        } else {
            self.store.set_quantity(handle, Quantity(left))?;
        }
        let position = self.store.position(maker.account, terms.market)?;
        position.open_orders -= u32::from(gone);
        match maker.side {
            Side::Buy => {
                position.net += quantity.cast_signed();
                position.open_buy.0 -= quantity;
            }
            Side::Sell => {
                position.net -= quantity.cast_signed();
                position.open_sell.0 -= quantity;
            }
        }
        self.emit(Event::Fill(Fill {
            market: terms.market,
            taker_side: taker.side,
            maker: maker.id,
            taker: taker.id,
            maker_account: maker.account,
            taker_account: taker.account,
            price: maker.price,
            quantity: Quantity(quantity),
            maker_fee: makers,
            taker_fee: Quanta(fee),
        }));
        Ok(())
    }

    /// Self-trade prevention that shrinks both orders by what would have traded.
    fn decrement(
        &mut self,
        handle: S::Handle,
        taker: &mut Taker,
        quantity: u64,
        terms: &Terms,
    ) -> Result<(), S::Error> {
        let maker = *self.store.order(handle)?;
        if quantity == maker.quantity.0 {
            self.cancel_open(handle, CancelReason::SelfTrade)?;
        } else {
            self.shrink(handle, quantity, terms)?;
            self.emit(Event::Cancelled {
                order: maker.id,
                market: terms.market,
                account: maker.account,
                side: maker.side,
                price: maker.price,
                quantity: Quantity(quantity),
                remaining: Quantity(maker.quantity.0 - quantity),
                resting: true,
                reason: CancelReason::SelfTrade,
            });
        }
        taker.quantity -= quantity;
        if taker.cap != u64::MAX {
            taker.cap -= u64::from(maker.price.0) * terms.tick * quantity;
        }
        self.emit(Event::Cancelled {
            order: taker.id,
            market: terms.market,
            account: taker.account,
            side: taker.side,
            price: if taker.kind == OrderKind::Limit { taker.bound } else { Price(0) },
            quantity: Quantity(quantity),
            remaining: Quantity(if taker.kind == OrderKind::MarketBudget { 0 } else { taker.quantity }),
            resting: false,
            reason: CancelReason::SelfTrade,
        });
        Ok(())
    }

    /// Puts what is left of an order on the book.
    #[inline]
    fn rest(&mut self, taker: &Taker, terms: &Terms) -> Result<(), S::Error> {
        let order = Order {
            id: taker.id,
            arrival: taker.arrival,
            quantity: Quantity(taker.quantity),
            budget: Quanta(0),
            client_id: taker.client_id,
            expires: taker.expires,
            account: taker.account,
            price: taker.bound,
            fee_rate: terms.maker_fee,
            trigger: Price(0),
            market: terms.market,
            side: taker.side,
            direction: Direction::Rising,
            kind: OrderKind::Limit,
            life: Life::Rest,
            post_only: taker.post_only,
            self_trade: taker.self_trade,
        };
        self.open(order, terms)?;
        self.emit(Event::Rested {
            order: order.id,
            market: terms.market,
            account: order.account,
            side: order.side,
            price: order.price,
            quantity: order.quantity,
        });
        Ok(())
    }

    /// Opens an order: sets aside what it needs, counts it, stores it.
    #[inline]
    pub fn open(&mut self, order: Order, terms: &Terms) -> Result<(), S::Error> {
        self.lock(order.account, terms.reserved_asset(order.side), reserve(&order, terms.lot, terms.tick))?;
        self.store.globals().open_orders += 1;
        let position = self.store.position(order.account, terms.market)?;
        position.open_orders += 1;
        match order.side {
            Side::Buy => position.open_buy.0 += order.quantity.0,
            Side::Sell => position.open_sell.0 += order.quantity.0,
        }
        self.store.insert(order)
    }

    /// Whether the book holds enough for a fill-or-kill order, within its price and funds.
    pub fn can_fill(&mut self, taker: &Taker, terms: &Terms, market: &Market) -> Result<bool, S::Error> {
        let mut window = Window::at(market, self.now);
        let mut wanted = taker.quantity;
        let mut traded = 0u64;
        let mut next = self.store.best(terms.market, taker.side.opposite())?;
        while let Some(handle) = next {
            let maker = *self.store.order(handle)?;
            if !taker.crosses(maker.price) {
                return Ok(false);
            }
            // What would leave without trading does not count, nor open the breaker's window: as in `take`.
            let expired = maker.is_expired(self.now);
            let own = maker.account == taker.account;
            if !expired && own && taker.self_trade != SelfTrade::ExpireMaker {
                return Ok(false);
            }
            if !expired && !own {
                if window.breaks(maker.price) {
                    return Ok(false);
                }
                let quantity = wanted.min(maker.quantity.0);
                let notional = u64::from(maker.price.0) * terms.tick * quantity;
                traded = traded.saturating_add(notional);
                wanted -= quantity;
                if traded > taker.cap {
                    return Ok(false);
                }
                if wanted == 0 {
                    return Ok(true);
                }
            }
            next = self.store.next_best(handle)?;
        }
        Ok(false)
    }

    /// Whether an order at this price would trade at once. Expired orders in its way leave first.
    #[inline]
    pub fn would_take(&mut self, market: MarketId, side: Side, price: Price) -> Result<bool, S::Error> {
        while let Some(handle) = self.store.best(market, side.opposite())? {
            let best = self.store.order(handle)?;
            if best.is_expired(self.now) {
                self.cancel_open(handle, CancelReason::Expired)?;
                continue;
            }
            return Ok(match side {
                Side::Buy => best.price <= price,
                Side::Sell => best.price >= price,
            });
        }
        Ok(false)
    }
}

impl Terms {
    /// Stands in where the debug assertion of [`Run::terms`] would have stopped.
    const NONE: Self = Self {
        market: MarketId(u16::MAX),
        base: AssetId(0),
        quote: AssetId(0),
        lot: 0,
        tick: 0,
        maker_fee: Rate(0),
        taker_fee: Rate(0),
        fee_account: AccountId(0),
    };
}
