//! Cancel-replace: a resting order gets new terms, all checks first.

use types::{AccountId, CancelReason, Event, MarketId, OrderRef, Outcome, Price, Quantity, Reject};

use crate::execute::{Stop, reject};
use crate::fees::reserve;
use crate::ledger::Run;
use crate::matching::{Taker, Terms};
use crate::place::Relief;
use crate::{EventSink, OrderKind, Store};

impl<S: Store, E: EventSink> Run<'_, S, E> {
    /// Gives a resting order a new price and remaining quantity. Its number and client id stay; its place in
    /// the queue only when it shrinks at the same price. What has gone since `left` was left of it counts.
    pub fn replace(
        &mut self,
        account: AccountId,
        id: MarketId,
        order: OrderRef,
        price: Price,
        quantity: Quantity,
        left: Option<Quantity>,
    ) -> Result<Outcome, Stop<S::Error>> {
        let handle = self.find(account, id, order)?;
        let Some(market) = self.store.market(id)?.copied() else { return reject(Reject::UnknownMarket) };
        let old = *self.store.order(handle)?;
        if old.is_expired(self.now) {
            self.cancel_open(handle, CancelReason::Expired)?;
            return reject(Reject::UnknownOrder);
        }
        if old.is_waiting() {
            return reject(Reject::CannotReplaceWaiting);
        }
        if quantity.0 == 0 {
            return reject(Reject::ZeroQuantity);
        }
        self.check_price(price, &market)?;
        let gone = left.map_or(0, |left| left.0.saturating_sub(old.quantity.0));
        let quantity = Quantity(quantity.0.saturating_sub(gone));
        if quantity.0 == 0 {
            self.cancel_open(handle, CancelReason::Requested)?;
            return Ok(Outcome::Done);
        }
        let terms = Terms::new(id, &market);
        let kept_place = price == old.price && quantity <= old.quantity;
        let replaced = Event::Replaced {
            order: old.id,
            market: id,
            account,
            old_price: old.price,
            old_quantity: old.quantity,
            price,
            quantity,
            kept_place,
        };
        if kept_place {
            self.shrink(handle, old.quantity.0 - quantity.0, &terms)?;
            self.emit(replaced);
            return Ok(Outcome::Done);
        }

        let limits = self.effective_limits(account, id, &market)?;
        self.check_collar(old.side, price, &market)?;
        let relief = Relief { lots: old.quantity.0, quanta: reserve(&old, terms.lot, terms.tick).0 };
        self.check_risk(account, old.side, price, quantity.0, &terms, &limits, relief)?;
        if old.post_only && self.would_take(id, old.side, price)? {
            return reject(Reject::PostOnlyWouldTake);
        }
        self.take_out(handle)?;
        self.emit(replaced);
        let taker = Taker {
            id: old.id,
            arrival: self.next_number(),
            account,
            side: old.side,
            kind: OrderKind::Limit,
            bound: price,
            quantity: quantity.0,
            cap: u64::MAX,
            life: old.life,
            expires: old.expires,
            post_only: old.post_only,
            self_trade: old.self_trade,
            client_id: old.client_id,
            traded: 0,
            fees: 0,
        };
        if self.enter(taker, &terms, &market)? {
            self.finish_triggers(id)?;
        }
        Ok(Outcome::Done)
    }
}
