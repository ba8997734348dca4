//! The exchange as it will be once the commands so far are played: the real book under the real rules.

use std::collections::VecDeque;

use book::Book;
use rules::{Genesis, Order, Store, execute, open};
use types::{AccountId, ClientOrderId, Event, Fill, MarketId, Outcome, Price, Side};

use crate::{FlowItem, Numbering};

/// The only market of a reconstruction.
pub(crate) const MARKET: MarketId = MarketId(0);

/// Executes every command that it passes on.
pub(crate) struct Mirror {
    book: Book,
    numbering: Numbering,
    passed: VecDeque<FlowItem>,
    /// Of the last command.
    fills: Vec<Fill>,
    rejected: u64,
}

impl Mirror {
    pub fn new(genesis: &Genesis) -> Self {
        let mut book = Book::new(genesis.capacity);
        let Ok(()) = open(&mut book, genesis);
        Self {
            book,
            numbering: Numbering::default(),
            passed: VecDeque::new(),
            fills: Vec::new(),
            rejected: 0,
        }
    }

    /// Executes a command and passes it on.
    pub fn send(&mut self, item: FlowItem) {
        let sequenced = self.numbering.number(item.clone());
        self.passed.push_back(item);
        self.fills.clear();
        let fills = &mut self.fills;
        let mut sink = |event: Event| {
            if let Event::Fill(fill) = event {
                fills.push(fill);
            }
        };
        let Ok(outcome) = execute(&mut self.book, &sequenced, &mut sink);
        self.rejected += u64::from(matches!(outcome, Outcome::Rejected(_)));
    }

    /// The next command that was passed on and not yet taken.
    pub fn take(&mut self) -> Option<FlowItem> {
        self.passed.pop_front()
    }

    /// The trades of the last command.
    pub fn fills(&self) -> &[Fill] {
        &self.fills
    }

    /// How many commands the rules rejected.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The orders of a side, best first.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = &Order> {
        self.book.side(MARKET, side)
    }

    /// The first order of a side.
    pub fn best(&self, side: Side) -> Option<Order> {
        self.orders(side).next().copied()
    }

    /// The orders at the best price of a side, earliest first; none when that is not `price`.
    pub fn level(&self, side: Side, price: Price) -> Vec<Order> {
        self.orders(side).take_while(|order| order.price == price).copied().collect()
    }

    /// An account's resting order.
    pub fn find(&mut self, account: AccountId, client_id: ClientOrderId) -> Option<Order> {
        let Ok(found) = self.book.find_client(account, client_id);
        found.map(|handle| {
            let Ok(order) = self.book.order(handle);
            *order
        })
    }
}
