//! Cancelling one order or many. Always possible, whatever is halted.

use types::{AccountId, CancelReason, Event, MarketId, OrderRef, Outcome, Quanta, Quantity, Reject, Side};

use crate::execute::{Stop, reject};
use crate::fees::{reserve, reserve_of};
use crate::ledger::Run;
use crate::matching::Terms;
use crate::{EventSink, Order, Store};

impl<S: Store, E: EventSink> Run<'_, S, E> {
    /// Cancels one of the account's orders.
    #[inline]
    pub fn cancel(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: OrderRef,
    ) -> Result<Outcome, Stop<S::Error>> {
        let handle = self.find(account, market, order)?;
        self.cancel_open(handle, CancelReason::Requested)?;
        Ok(Outcome::Done)
    }

    /// One of the account's open orders in a market.
    #[inline]
    pub fn find(
        &mut self,
        account: AccountId,
        market: MarketId,
        order: OrderRef,
    ) -> Result<S::Handle, Stop<S::Error>> {
        if self.store.market(market)?.is_none() {
            return reject(Reject::UnknownMarket);
        }
        let found = match order {
            OrderRef::Id(id) => self.store.find(account, market, id)?,
            OrderRef::Client(id) => match self.store.find_client(account, id)? {
                Some(handle) if self.store.order(handle)?.market == market => Some(handle),
                _ => None,
            },
        };
        match found {
            Some(handle) => Ok(handle),
            None => reject(Reject::UnknownOrder),
        }
    }

    /// Cancels the account's orders in a market or in all, on a side or on both, lowest number first.
    pub fn mass_cancel(
        &mut self,
        account: AccountId,
        market: Option<MarketId>,
        side: Option<Side>,
    ) -> Result<Outcome, Stop<S::Error>> {
        match market {
            Some(market) if self.store.market(market)?.is_none() => return reject(Reject::UnknownMarket),
            Some(market) => self.cancel_market(account, market, side)?,
            None => {
                for market in 0..self.store.globals().markets {
                    self.cancel_market(account, MarketId(market), side)?;
                }
            }
        }
        Ok(Outcome::Done)
    }

    fn cancel_market(
        &mut self,
        account: AccountId,
        market: MarketId,
        side: Option<Side>,
    ) -> Result<(), S::Error> {
        if self.store.position(account, market)?.open_orders == 0 {
            return Ok(());
        }
        let mut next = self.store.first_open(account, market)?;
        while let Some(handle) = next {
            next = self.store.next_open(handle)?;
            let this = self.store.order(handle)?.side;
            if side.is_none_or(|side| side == this) {
                self.cancel_open(handle, CancelReason::Mass)?;
            }
        }
        Ok(())
    }

    /// Takes an open order out, frees what it had set aside, and says why.
    #[inline]
    pub fn cancel_open(&mut self, handle: S::Handle, reason: CancelReason) -> Result<(), S::Error> {
        let order = self.take_out(handle)?;
        self.emit(Event::Cancelled {
            order: order.id,
            market: order.market,
            account: order.account,
            side: order.side,
            price: order.price,
            quantity: order.quantity,
            remaining: Quantity(0),
            resting: !order.is_waiting(),
            reason,
        });
        Ok(())
    }

    /// Takes an open order out and frees what it had set aside, without a word.
    #[inline]
    pub fn take_out(&mut self, handle: S::Handle) -> Result<Order, S::Error> {
        let order = self.store.remove(handle)?;
        let terms = self.terms(order.market)?;
        self.unlock(order.account, terms.reserved_asset(order.side), reserve(&order, terms.lot, terms.tick))?;
        self.forget(&order)?;
        Ok(order)
    }

    /// Counts an order that left.
    #[inline]
    pub fn forget(&mut self, order: &Order) -> Result<(), S::Error> {
        self.store.globals().open_orders -= 1;
        let position = self.store.position(order.account, order.market)?;
        position.open_orders -= 1;
        match order.side {
            Side::Buy => position.open_buy.0 -= order.quantity.0,
            Side::Sell => position.open_sell.0 -= order.quantity.0,
        }
        Ok(())
    }

    /// Takes `quantity` (less than all) out of a resting order, which keeps its place.
    pub fn shrink(&mut self, handle: S::Handle, quantity: u64, terms: &Terms) -> Result<Order, S::Error> {
        let order = *self.store.order(handle)?;
        let left = order.quantity.0 - quantity;
        let freed =
            reserve(&order, terms.lot, terms.tick).0 - reserve_of(&order, left, terms.lot, terms.tick).0;
        self.unlock(order.account, terms.reserved_asset(order.side), Quanta(freed))?;
        self.store.set_quantity(handle, Quantity(left))?;
        let position = self.store.position(order.account, order.market)?;
        match order.side {
            Side::Buy => position.open_buy.0 -= quantity,
            Side::Sell => position.open_sell.0 -= quantity,
        }
        Ok(order)
    }
}
