//! What has become of orders: every open one, and the newest that are closed.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use types::{
    AccountId, CancelReason, ClientOrderId, Command, Event, MarketId, OrderId, OrderRef, OrderType, Outcome,
    Price, Quantity, Sequenced, Side, Timestamp,
};

use super::fault::Disagreement;
use super::kept::Kept;
use super::options::ViewOptions;
use super::told::Told;
use super::{Execution, Order, OrderStatus, OrderTerms, Trade, Update};

/// Orders by number, account and client id.
pub(super) struct Orders {
    records: HashMap<OrderId, Record>,
    open: HashMap<AccountId, BTreeSet<OrderId>>,
    closed: Kept<OrderId>,
    /// The command that ended the last order of an account that was forgotten.
    forgotten: HashMap<AccountId, u64>,
    /// The newest order of this name.
    clients: HashMap<(AccountId, MarketId, ClientOrderId), OrderId>,
    /// The order that the current command placed, until an event speaks of it.
    placed: Option<Record>,
}

/// The command whose events are looked at.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub sequence: u64,
    pub time: Timestamp,
}

#[derive(Clone, Copy)]
struct Record {
    order: Order,
    /// Lots that are open; of no meaning for a budget.
    left: u64,
}

impl Orders {
    pub fn new(options: &ViewOptions) -> Self {
        Self {
            records: HashMap::new(),
            open: HashMap::new(),
            closed: Kept::new(options.closed_orders, options.all_closed_orders),
            forgotten: HashMap::new(),
            clients: HashMap::new(),
            placed: None,
        }
    }

    /// Begins a command.
    pub fn begin(&mut self, sequenced: &Sequenced, outcome: Outcome) {
        let (Command::Place(place), Outcome::Accepted(id)) = (&sequenced.command, outcome) else { return };
        let (price, quantity) = match place.order_type {
            OrderType::Limit { price, quantity } => (price, quantity),
            OrderType::Market { quantity } => (Price(0), quantity),
            OrderType::MarketBudget { .. } => (Price(0), Quantity(0)),
        };
        let order = Order {
            id,
            client_id: place.client_id,
            market: place.market,
            account: sequenced.account,
            side: place.side,
            terms: OrderTerms {
                order_type: place.order_type,
                time_in_force: place.time_in_force,
                post_only: place.post_only,
                self_trade: place.self_trade,
                trigger: place.trigger,
            },
            price,
            quantity,
            executed: Quantity(0),
            prevented: Quantity(0),
            executed_notional: 0,
            fees: 0,
            status: OrderStatus::New,
            reason: None,
            waiting: place.trigger.is_some(),
            time: sequenced.timestamp,
            updated: sequenced.timestamp,
            sequence: sequenced.sequence,
            updated_sequence: sequenced.sequence,
        };
        self.placed = Some(Record { order, left: quantity.0 });
    }

    /// An order that is open; the one that was just placed becomes so here.
    fn open_record(&mut self, id: OrderId, told: &mut Told) -> Result<&mut Record, Disagreement> {
        if let Some(record) = self.placed.take_if(|placed| placed.order.id == id) {
            let order = record.order;
            told.say(|| Update::Order(order, Execution::New));
            self.open.entry(order.account).or_default().insert(id);
            if order.client_id != ClientOrderId::NONE {
                self.clients.insert((order.account, order.market, order.client_id), id);
            }
            self.records.insert(id, record);
        }
        self.records.get_mut(&id).ok_or(Disagreement::UnknownOrder { order: id })
    }

    /// An order rests, with this much.
    pub fn rested(&mut self, id: OrderId, quantity: Quantity, told: &mut Told) -> Result<(), Disagreement> {
        let record = self.open_record(id, told)?;
        if record.left == quantity.0 { Ok(()) } else { Err(Disagreement::Quantity { order: id }) }
    }

    /// An order waits for its trigger.
    pub fn waits(&mut self, id: OrderId, told: &mut Told) -> Result<(), Disagreement> {
        self.open_record(id, told).map(|_| ())
    }

    /// The last price woke an order.
    pub fn woken(&mut self, id: OrderId, now: Now, told: &mut Told) -> Result<(), Disagreement> {
        let order = &mut self.open_record(id, told)?.order;
        order.waiting = false;
        (order.updated, order.updated_sequence) = (now.time, now.sequence);
        let order = *order;
        told.say(|| Update::Order(order, Execution::Triggered));
        Ok(())
    }

    /// A trade: both orders. `later` are the events of the command that come after it.
    pub fn traded(&mut self, trade: &Trade, later: &[Event], told: &mut Told) -> Result<(), Disagreement> {
        // The taker may be new, and is so before it trades.
        self.open_record(trade.taker.0, told)?;
        for (id, is_maker, fee) in [
            (trade.maker.0, true, trade.maker_fee.into()),
            (trade.taker.0, false, i128::from(trade.taker_fee.0)),
        ] {
            let Record { order, left } = self.open_record(id, told)?;
            let quantity = trade.quantity.0;
            let budget = order.has_budget();
            if !budget {
                *left = left.checked_sub(quantity).ok_or(Disagreement::Quantity { order: id })?;
            }
            order.executed.0 += quantity;
            order.executed_notional += trade.notional;
            order.fees += fee;
            // The end of a budget is not said: nothing more is heard of the order.
            let done = if budget { !later.iter().any(|event| speaks_of(event, id)) } else { *left == 0 };
            order.status = if done { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
            (order.updated, order.updated_sequence) = (trade.time, trade.sequence);
            let order = *order;
            if done {
                self.close(&order);
            }
            told.say(|| Update::Order(order, Execution::Trade(*trade, is_maker)));
        }
        Ok(())
    }

    /// A resting order has new terms; its side.
    pub fn replaced(
        &mut self,
        id: OrderId,
        price: Price,
        quantity: Quantity,
        now: Now,
        told: &mut Told,
    ) -> Result<Side, Disagreement> {
        let Record { order, left } = self.open_record(id, told)?;
        *left = quantity.0;
        order.price = price;
        order.quantity.0 = order.executed.0 + order.prevented.0 + quantity.0;
        (order.updated, order.updated_sequence) = (now.time, now.sequence);
        let order = *order;
        told.say(|| Update::Order(order, Execution::Replaced));
        Ok(order.side)
    }

    /// An order, or part of it, left without trading. `later` are the events of the command that come after it.
    #[expect(clippy::too_many_arguments, reason = "what the event says, and where it is")]
    pub fn cancelled(
        &mut self,
        id: OrderId,
        quantity: Quantity,
        remaining: Quantity,
        reason: CancelReason,
        later: &[Event],
        now: Now,
        told: &mut Told,
    ) -> Result<(), Disagreement> {
        let Record { order, left } = self.open_record(id, told)?;
        (order.updated, order.updated_sequence) = (now.time, now.sequence);
        let budget = order.has_budget();
        if !budget {
            *left = left.checked_sub(quantity.0).ok_or(Disagreement::Quantity { order: id })?;
        }
        if reason == CancelReason::SelfTrade {
            order.prevented.0 += quantity.0;
            // A budget is never said to remain; when the order ends, no quantity is said.
            if remaining.0 > 0 || budget && quantity.0 > 0 {
                let shrunk = *order;
                told.say(|| Update::Order(shrunk, Execution::Prevented(quantity)));
                // What is left of the budget may not pay for another lot, and then nothing more is heard of the order.
                if !budget || later.iter().any(|event| speaks_of(event, id)) {
                    return Ok(());
                }
            }
        }
        let (status, execution) = match reason {
            CancelReason::Requested | CancelReason::Mass => (OrderStatus::Canceled, Execution::Canceled),
            CancelReason::SelfTrade => (OrderStatus::ExpiredInMatch, Execution::Expired),
            _ => (OrderStatus::Expired, Execution::Expired),
        };
        (order.status, order.reason, order.waiting) = (status, Some(reason), false);
        *left = 0;
        let order = *order;
        self.close(&order);
        told.say(|| Update::Order(order, execution));
        Ok(())
    }

    /// Ends a command. An order that was accepted has been spoken of.
    pub fn end(&mut self) -> Result<(), Disagreement> {
        match self.placed.take() {
            Some(placed) => Err(Disagreement::UnknownOrder { order: placed.order.id }),
            None => Ok(()),
        }
    }

    fn close(&mut self, order: &Order) {
        if let Some(open) = self.open.get_mut(&order.account) {
            open.remove(&order.id);
        }
        let (records, clients, forgotten) = (&mut self.records, &mut self.clients, &mut self.forgotten);
        self.closed.push(order.account, order.id, |account, gone| {
            let Some(Record { order, .. }) = records.remove(&gone) else { return };
            forgotten.insert(account, order.updated_sequence);
            let name = (order.account, order.market, order.client_id);
            if clients.get(&name) == Some(&gone) {
                clients.remove(&name);
            }
        });
    }

    pub fn by_id(&self, id: OrderId) -> Option<Order> {
        self.records.get(&id).map(|record| record.order)
    }

    pub fn find(&self, account: AccountId, market: MarketId, order: OrderRef) -> Option<Order> {
        let id = match order {
            OrderRef::Id(id) => id,
            OrderRef::Client(client_id) => *self.clients.get(&(account, market, client_id))?,
        };
        self.by_id(id).filter(|order| order.account == account && order.market == market)
    }

    /// By number.
    pub fn open_of(&self, account: AccountId) -> impl Iterator<Item = Order> {
        self.open.get(&account).into_iter().flatten().filter_map(|id| self.by_id(*id))
    }

    /// The command that ended the last order of an account that was forgotten; zero when none was.
    pub fn forgotten(&self, account: AccountId) -> u64 {
        self.forgotten.get(&account).copied().unwrap_or(0)
    }

    /// Those that are closed and not forgotten, in no order.
    pub fn closed_of(&self, account: AccountId) -> impl Iterator<Item = Order> {
        self.closed.of(account).filter_map(|id| self.by_id(*id))
    }

    /// Open and closed, in no order.
    pub fn all_of(&self, account: AccountId) -> impl Iterator<Item = Order> {
        self.open_of(account).chain(self.closed_of(account))
    }
}

impl Order {
    fn has_budget(&self) -> bool {
        matches!(self.terms.order_type, OrderType::MarketBudget { .. })
    }
}

/// Whether an event is about an incoming order.
fn speaks_of(event: &Event, id: OrderId) -> bool {
    match *event {
        Event::Fill(fill) => fill.taker == id,
        Event::Cancelled { order, .. } => order == id,
        _ => false,
    }
}
