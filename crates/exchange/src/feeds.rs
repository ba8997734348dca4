//! Feeds: execution reports, trades, depth and tickers, in the order of the commands and only of durable ones.
//!
//! Every subscription has a bounded queue. Whoever lets it fill up is dropped: what was queued can still be read,
//! then comes [`FeedError::Dropped`] with the place to resynchronise from. The exchange waits for nobody.

use std::collections::HashMap;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use rules::Order;
use thiserror::Error;
use types::{AccountId, Event, Fill, MarketId, Outcome, Price, Quantity};

use crate::chunk::{Chunk, Item};
use crate::market_view::{Level, MarketView, Ticker};

/// What can be subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Outcomes and events that concern an account.
    Executions(AccountId),
    /// Trades of a market.
    Trades(MarketId),
    /// The book of a market: first a snapshot, then changes.
    Depth(MarketId, DepthLevel),
    /// Last price, best prices and volume of a market, after every command that changed them.
    Ticker(MarketId),
}

/// How much of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DepthLevel {
    /// Best bid and ask.
    L1,
    /// Quantity by price.
    L2,
    /// Every order.
    L3,
}

/// A message of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedMessage {
    /// The command that caused it.
    pub sequence: u64,
    /// Counts the messages of this topic's market (or of this subscription, for executions) without gaps.
    pub update: u64,
    /// What happened.
    pub body: FeedUpdate,
}

/// What a feed says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedUpdate {
    /// What became of one of the account's commands; only to the account that sent it.
    Outcome(Outcome),
    /// An event that concerns the account.
    Execution(Event),
    /// A trade.
    Trade(Fill),
    /// Best bid and ask, with the quantity there.
    Best {
        /// The highest bid.
        bid: Option<(Price, Quantity)>,
        /// The lowest ask.
        ask: Option<(Price, Quantity)>,
    },
    /// The whole book by price, best first.
    L2Snapshot {
        /// Bids.
        bids: Vec<(Price, Quantity)>,
        /// Asks.
        asks: Vec<(Price, Quantity)>,
    },
    /// The quantity at a price is now this; zero when the level is gone.
    L2(Level),
    /// Every resting order, best first, bids before asks.
    L3Snapshot(Vec<Order>),
    /// An event that changed the book.
    L3(Event),
    /// The ticker.
    Ticker(Ticker),
}

/// Why a feed has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FeedError {
    /// The subscriber was too slow. Subscribe again: the snapshot that comes first resynchronises.
    #[error("dropped for being too slow; subscribe again")]
    Dropped,
    /// Nothing came in time.
    #[error("nothing happened in time")]
    Timeout,
}

/// A subscriber's end of a feed.
#[derive(Debug)]
pub struct Subscription {
    pub(crate) receiver: Receiver<FeedMessage>,
}

impl Subscription {
    /// The next message; waits for it.
    ///
    /// # Errors
    /// When the subscriber was dropped, or the exchange has ended.
    pub fn next(&self) -> Result<FeedMessage, FeedError> {
        self.receiver.recv().map_err(|_| FeedError::Dropped)
    }

    /// As [`Subscription::next`], but no longer than this.
    ///
    /// # Errors
    /// As [`Subscription::next`], and when nothing came in time.
    pub fn next_within(&self, time: std::time::Duration) -> Result<FeedMessage, FeedError> {
        self.receiver.recv_timeout(time).map_err(|error| match error {
            RecvTimeoutError::Timeout => FeedError::Timeout,
            RecvTimeoutError::Disconnected => FeedError::Dropped,
        })
    }
}

/// Turns durable chunks into messages. Costs nothing while nobody listens.
#[derive(Default)]
pub(crate) struct Publisher {
    accounts: HashMap<AccountId, Vec<Subscriber>>,
    markets: HashMap<MarketId, MarketFeed>,
    dropped: u64,
}

struct Subscriber {
    sender: Sender<FeedMessage>,
    updates: u64,
}

#[derive(Default)]
struct MarketFeed {
    view: MarketView,
    update: u64,
    trades: Vec<Sender<FeedMessage>>,
    l1: Vec<Sender<FeedMessage>>,
    l2: Vec<Sender<FeedMessage>>,
    l3: Vec<Sender<FeedMessage>>,
    tickers: Vec<Sender<FeedMessage>>,
}

impl Publisher {
    /// Publishes a chunk; how many subscribers were dropped by it.
    pub fn publish(&mut self, chunk: &mut Chunk) -> u64 {
        self.dropped = 0;
        let idle = self.accounts.is_empty() && self.markets.is_empty();
        if idle && !chunk.items.iter().any(|item| matches!(item, Item::Subscribe { .. })) {
            return 0;
        }
        let items = std::mem::take(&mut chunk.items);
        let results: Vec<(Outcome, &[Event])> = chunk.results().collect();
        let mut at = 0;
        for item in &items {
            match item {
                Item::Bundle { first_sequence, count, .. } => {
                    for place in 0..*count {
                        let (outcome, events) = results[at + place];
                        let account = chunk.accounts[at + place];
                        self.command(first_sequence + place as u64, account, outcome, events);
                    }
                    at += count;
                }
                Item::Subscribe { topic, sender, sequence, book } => {
                    self.subscribe(*topic, sender.clone(), *sequence, book.as_deref());
                }
                Item::Seal { .. } => {}
            }
        }
        chunk.items = items;
        self.markets.retain(|_, market| market.is_heard());
        self.dropped
    }

    fn subscribe(
        &mut self,
        topic: Topic,
        sender: Sender<FeedMessage>,
        sequence: u64,
        book: Option<&[Order]>,
    ) {
        if let Topic::Executions(account) = topic {
            self.accounts.entry(account).or_default().push(Subscriber { sender, updates: 0 });
            return;
        }
        let (Topic::Trades(id) | Topic::Depth(id, _) | Topic::Ticker(id)) = topic else { return };
        let market = self.markets.entry(id).or_default();
        if let Some(book) = book {
            // The same book as the view already has, if it has one.
            market.view.reset(book);
        }
        let body = match topic {
            Topic::Depth(_, DepthLevel::L1) => Some(market.view.best()),
            Topic::Depth(_, DepthLevel::L2) => Some(market.view.l2_snapshot()),
            Topic::Depth(_, DepthLevel::L3) => {
                Some(FeedUpdate::L3Snapshot(book.unwrap_or_default().to_vec()))
            }
            Topic::Ticker(_) => Some(FeedUpdate::Ticker(market.view.ticker())),
            _ => None,
        };
        let update = market.update;
        if body.is_some_and(|body| sender.try_send(FeedMessage { sequence, update, body }).is_err()) {
            self.dropped += 1;
            return;
        }
        match topic {
            Topic::Trades(_) => market.trades.push(sender),
            Topic::Depth(_, DepthLevel::L1) => market.l1.push(sender),
            Topic::Depth(_, DepthLevel::L2) => market.l2.push(sender),
            Topic::Depth(_, DepthLevel::L3) => market.l3.push(sender),
            Topic::Ticker(_) => market.tickers.push(sender),
            Topic::Executions(_) => {}
        }
    }

    fn command(&mut self, sequence: u64, account: AccountId, outcome: Outcome, events: &[Event]) {
        self.to_account(account, sequence, FeedUpdate::Outcome(outcome));
        for event in events {
            if let Some(market) = event_market(event)
                && let Some(feed) = self.markets.get_mut(&market)
            {
                self.dropped += feed.event(sequence, event);
            }
            if !self.accounts.is_empty() {
                for account in event_accounts(event).into_iter().flatten() {
                    self.to_account(account, sequence, FeedUpdate::Execution(*event));
                }
            }
        }
        for feed in self.markets.values_mut() {
            self.dropped += feed.after_command(sequence);
        }
    }

    fn to_account(&mut self, account: AccountId, sequence: u64, body: FeedUpdate) {
        let Some(subscribers) = self.accounts.get_mut(&account) else { return };
        let before = subscribers.len();
        subscribers.retain_mut(|subscriber| {
            let message = FeedMessage { sequence, update: subscriber.updates, body: body.clone() };
            subscriber.updates += 1;
            subscriber.sender.try_send(message).is_ok()
        });
        self.dropped += (before - subscribers.len()) as u64;
        if subscribers.is_empty() {
            self.accounts.remove(&account);
        }
    }
}

impl MarketFeed {
    fn is_heard(&self) -> bool {
        [&self.trades, &self.l1, &self.l2, &self.l3, &self.tickers].iter().any(|list| !list.is_empty())
    }

    fn event(&mut self, sequence: u64, event: &Event) -> u64 {
        let mut dropped = 0;
        let levels = self.view.apply(event);
        if let Event::Fill(fill) = event {
            self.update += 1;
            let message = FeedMessage { sequence, update: self.update, body: FeedUpdate::Trade(*fill) };
            dropped += send_all(&mut self.trades, &message);
        }
        if MarketView::changes_book(event) && !self.l3.is_empty() {
            self.update += 1;
            let message = FeedMessage { sequence, update: self.update, body: FeedUpdate::L3(*event) };
            dropped += send_all(&mut self.l3, &message);
        }
        for level in levels.into_iter().flatten() {
            self.update += 1;
            let message = FeedMessage { sequence, update: self.update, body: FeedUpdate::L2(level) };
            dropped += send_all(&mut self.l2, &message);
        }
        dropped
    }

    fn after_command(&mut self, sequence: u64) -> u64 {
        let mut dropped = 0;
        if let Some(best) = self.view.best_if_changed() {
            self.update += 1;
            let message = FeedMessage { sequence, update: self.update, body: best };
            dropped += send_all(&mut self.l1, &message);
        }
        if let Some(ticker) = self.view.ticker_if_changed() {
            self.update += 1;
            let message = FeedMessage { sequence, update: self.update, body: FeedUpdate::Ticker(ticker) };
            dropped += send_all(&mut self.tickers, &message);
        }
        dropped
    }
}

/// Sends to all; drops those whose queue is full or who have gone. How many were too slow.
fn send_all(senders: &mut Vec<Sender<FeedMessage>>, message: &FeedMessage) -> u64 {
    let mut slow = 0;
    senders.retain(|sender| match sender.try_send(message.clone()) {
        Ok(()) => true,
        Err(TrySendError::Full(_)) => {
            slow += 1;
            false
        }
        Err(TrySendError::Disconnected(_)) => false,
    });
    slow
}

/// The market an event is about.
fn event_market(event: &Event) -> Option<MarketId> {
    match *event {
        Event::Fill(fill) => Some(fill.market),
        Event::Rested { market, .. }
        | Event::Cancelled { market, .. }
        | Event::Replaced { market, .. }
        | Event::Waiting { market, .. }
        | Event::Triggered { market, .. }
        | Event::PhaseChanged { market, .. } => Some(market),
        _ => None,
    }
}

/// The accounts an event is about: two for a fill.
fn event_accounts(event: &Event) -> [Option<AccountId>; 2] {
    match *event {
        Event::Fill(fill) if fill.maker_account == fill.taker_account => [Some(fill.maker_account), None],
        Event::Fill(fill) => [Some(fill.maker_account), Some(fill.taker_account)],
        Event::Rested { account, .. }
        | Event::Waiting { account, .. }
        | Event::Triggered { account, .. }
        | Event::Replaced { account, .. }
        | Event::Cancelled { account, .. }
        | Event::AccountOpened { account, .. }
        | Event::Deposited { account, .. }
        | Event::Withdrawn { account, .. }
        | Event::SessionRegistered { account, .. }
        | Event::AccountSuspended { account, .. }
        | Event::LimitsSet { account, .. } => [Some(account), None],
        _ => [None, None],
    }
}
