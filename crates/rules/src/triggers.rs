//! Stop-loss and take-profit orders: woken by the last trade price, in a fixed order.
//!
//! After a command's own matching, while the last price wakes an order: rising triggers first, from the lowest
//! up, then falling ones, from the highest down; equal triggers by order number. Each one matches to its end
//! before the next is looked at, and may move the last price.

use types::{CancelReason, Event, MarketId, Phase, Price, Quantity, Reject};

use crate::execute::{Stop, reject};
use crate::ledger::Run;
use crate::matching::{Taker, Terms};
use crate::{Direction, EventSink, Life, Market, Order, OrderKind, Store};

/// At most this many orders wake in one command. More than that wait, and the market accepts no order until
/// they had their turn, so that the price cannot run away from them.
pub const MAX_TRIGGERED_PER_COMMAND: usize = 256;

impl<S: Store, E: EventSink> Run<'_, S, E> {
    /// Wakes what the last price wakes, and remembers if some had to be left over.
    #[inline]
    pub fn finish_triggers(&mut self, market: MarketId) -> Result<(), S::Error> {
        self.run_triggers(market)?;
        Ok(())
    }

    /// Wakes what the last price wakes. Whether none is left over.
    #[inline]
    pub fn run_triggers(&mut self, id: MarketId) -> Result<bool, S::Error> {
        let mut done = false;
        for _ in 0..MAX_TRIGGERED_PER_COMMAND {
            let Some(order) = self.next_triggered(id)? else {
                done = true;
                break;
            };
            self.wake(order)?;
        }
        if let Some(market) = self.store.market(id)?
            && market.triggers_pending == done
        {
            market.triggers_pending = !done;
        }
        Ok(done)
    }

    #[inline]
    fn next_triggered(&mut self, id: MarketId) -> Result<Option<S::Handle>, S::Error> {
        let last = match self.store.market(id)? {
            Some(market) if market.phase == Phase::Open => market.last_price,
            _ => return Ok(None),
        };
        if last.0 == 0 {
            return Ok(None);
        }
        for direction in Direction::BOTH {
            if let Some(handle) = self.store.first_waiting(id, direction)? {
                let trigger = self.store.order(handle)?.trigger;
                let woken = match direction {
                    Direction::Rising => trigger <= last,
                    Direction::Falling => trigger >= last,
                };
                if woken {
                    return Ok(Some(handle));
                }
            }
        }
        Ok(None)
    }

    /// One waiting order becomes an incoming one, under today's fees and checks; an expired one leaves.
    fn wake(&mut self, handle: S::Handle) -> Result<(), S::Error> {
        if self.store.order(handle)?.is_expired(self.now) {
            return self.cancel_open(handle, CancelReason::Expired);
        }
        let order = self.take_out(handle)?;
        self.emit(Event::Triggered { order: order.id, market: order.market, account: order.account });
        let Some(market) = self.store.market(order.market)?.copied() else { return Ok(()) };
        let terms = Terms::new(order.market, &market);
        match self.prepare_woken(&order, &terms, &market) {
            Ok(taker) => {
                self.enter(taker, &terms, &market)?;
            }
            Err(Stop::Store(error)) => return Err(error),
            Err(Stop::Reject(_)) => self.emit(Event::Cancelled {
                order: order.id,
                market: order.market,
                account: order.account,
                side: order.side,
                price: order.price,
                quantity: order.quantity,
                remaining: Quantity(0),
                resting: false,
                reason: CancelReason::TriggerRefused,
            }),
        }
        Ok(())
    }

    fn prepare_woken(
        &mut self,
        order: &Order,
        terms: &Terms,
        market: &Market,
    ) -> Result<Taker, Stop<S::Error>> {
        if self.store.globals().halted {
            return reject(Reject::ExchangeHalted);
        }
        if self.store.account(order.account)?.is_some_and(|account| account.suspended) {
            return reject(Reject::AccountSuspended);
        }
        let limits = self.effective_limits(order.account, order.market, market)?;
        let mut taker = Taker {
            id: order.id,
            arrival: 0,
            account: order.account,
            side: order.side,
            kind: order.kind,
            bound: order.price,
            quantity: order.quantity.0,
            cap: u64::MAX,
            life: order.life,
            expires: order.expires,
            post_only: order.post_only,
            self_trade: order.self_trade,
            client_id: order.client_id,
            traded: 0,
            fees: 0,
        };
        if order.kind == OrderKind::Limit {
            self.check_collar(order.side, order.price, market)?;
            let (price, lots) = (order.price, order.quantity.0);
            self.check_risk(order.account, order.side, price, lots, terms, &limits, Default::default())?;
            if order.post_only && self.would_take(order.market, order.side, order.price)? {
                return reject(Reject::PostOnlyWouldTake);
            }
        } else {
            self.prepare_market_order(&mut taker, order.budget.0, terms, market, &limits)?;
        }
        if order.life == Life::FillOrKill && !self.can_fill(&taker, terms, market)? {
            return reject(Reject::CannotFill);
        }
        debug_assert!(taker.bound > Price(0));
        taker.arrival = self.next_number();
        Ok(taker)
    }
}
