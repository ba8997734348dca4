//! Feeds: execution reports, trades, depth and tickers, in the order of the commands and only of durable ones.
//!
//! Every subscription has a bounded queue. Whoever lets it fill up is dropped: what was queued can still be read,
//! then comes [`FeedError::Dropped`] with the place where the gap begins. The exchange waits for nobody.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use rules::Order;
use thiserror::Error;
use types::{AccountId, Event, Fill, MarketId, Outcome, Price, Quantity, Reader, Sequenced, Timestamp};

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
    /// Every command with what became of it, in order: the tape.
    Commands,
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
    /// The command that caused it. Of the first message: the last command before the feed begins.
    pub sequence: u64,
    /// Counts the messages of the topic without gaps, from the number of the subscription's first message on.
    pub update: u64,
    /// What happened.
    pub body: FeedUpdate,
}

/// What a feed says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedUpdate {
    /// The first message where there is no state to begin with (executions, trades, commands): the feed has everything
    /// after this command.
    Begin,
    /// A command, on the tape.
    Command(Arc<TapeEntry>),
    /// The batch ends here, on the tape. Its file comes later.
    Sealed {
        /// Its number.
        batch: u64,
    },
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

/// A durable command and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapeEntry {
    /// The command, with its place and time.
    pub sequenced: Sequenced,
    /// The batch that it is or will be sealed in.
    pub batch: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// What it did.
    pub events: Vec<Event>,
}

/// Why there is no next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FeedError {
    /// The subscriber was too slow. Subscribe again: the first message tells where the new feed begins, and a snapshot
    /// in it resynchronises.
    #[error("dropped for being too slow, messages are missing from command {sequence} on; subscribe again")]
    Dropped {
        /// The command whose messages did not all fit. Everything before it was delivered.
        sequence: u64,
    },
    /// The exchange has stopped or shut down. Nothing durable is missing in the feed.
    #[error("the exchange has ended")]
    Ended,
    /// Nothing came in time.
    #[error("nothing happened in time")]
    Timeout,
}

/// A subscriber's end of a feed.
#[derive(Debug)]
pub struct Subscription {
    receiver: Receiver<FeedMessage>,
    state: Arc<FeedState>,
}

/// The exchange's end of a feed.
#[derive(Debug)]
pub(crate) struct Sink {
    sender: Sender<FeedMessage>,
    state: Arc<FeedState>,
    limit: usize,
}

/// What both ends share. Its reference count tells whether the subscriber is still there.
#[derive(Debug, Default)]
struct FeedState {
    /// One more than the sequence number at which the subscriber was dropped; zero if he was not.
    dropped: AtomicU64,
}

/// A feed in which at most `limit` messages wait. They are not allocated beforehand: there may be many subscribers,
/// and most of them read at once.
pub(crate) fn feed(limit: usize) -> (Sink, Subscription) {
    let (sender, receiver) = unbounded();
    let state = Arc::new(FeedState::default());
    (Sink { sender, state: Arc::clone(&state), limit }, Subscription { receiver, state })
}

/// What became of a message.
enum Sent {
    Queued,
    /// The queue is full.
    Slow,
    /// The subscriber has gone.
    Gone,
}

impl Sink {
    fn send(&self, message: FeedMessage) -> Sent {
        let sequence = message.sequence;
        // There is only this sender, so the queue does not grow in between.
        if self.sender.len() >= self.limit {
            self.say_dropped(sequence);
            return Sent::Slow;
        }
        match self.sender.send(message) {
            Ok(()) => Sent::Queued,
            Err(_) => Sent::Gone,
        }
    }

    fn say_dropped(&self, sequence: u64) {
        self.state.dropped.store(sequence.saturating_add(1), Ordering::Release);
    }

    /// Sends, and tells whether the subscriber stays. One that was too slow is counted.
    fn keeps(&self, message: FeedMessage, slow: &mut u64) -> bool {
        match self.send(message) {
            Sent::Queued => true,
            Sent::Slow => {
                *slow += 1;
                false
            }
            Sent::Gone => false,
        }
    }

    fn is_gone(&self) -> bool {
        Arc::strong_count(&self.state) == 1
    }
}

impl Subscription {
    /// The next message; waits for it.
    ///
    /// # Errors
    /// When the subscriber was dropped, or the exchange has ended; not before everything queued was read.
    pub fn next(&self) -> Result<FeedMessage, FeedError> {
        self.receiver.recv().map_err(|_| self.end())
    }

    /// As [`Subscription::next`], but no longer than this.
    ///
    /// # Errors
    /// As [`Subscription::next`], and when nothing came in time.
    pub fn next_within(&self, time: std::time::Duration) -> Result<FeedMessage, FeedError> {
        self.receiver.recv_timeout(time).map_err(|error| match error {
            RecvTimeoutError::Timeout => FeedError::Timeout,
            RecvTimeoutError::Disconnected => self.end(),
        })
    }

    fn end(&self) -> FeedError {
        match self.state.dropped.load(Ordering::Acquire).checked_sub(1) {
            Some(sequence) => FeedError::Dropped { sequence },
            None => FeedError::Ended,
        }
    }
}

/// Turns durable chunks into messages. Costs nothing while nobody listens.
#[derive(Default)]
pub(crate) struct Publisher {
    accounts: HashMap<AccountId, Vec<Subscriber>>,
    markets: HashMap<MarketId, MarketFeed>,
    tape: Channel,
    /// The time of the last command, while somebody listens to the tape: commands are encoded relative to it.
    tape_time: Timestamp,
    dropped: u64,
    /// Subscriptions since the last look for those that have gone, and how many there were then.
    subscribed: usize,
    left: usize,
}

struct Subscriber {
    sink: Sink,
    updates: u64,
}

#[derive(Default)]
struct MarketFeed {
    view: MarketView,
    trades: Channel,
    l1: Channel,
    l2: Channel,
    l3: Channel,
    tickers: Channel,
}

/// The subscribers of one topic, and the number of its last message.
#[derive(Default)]
struct Channel {
    update: u64,
    sinks: Vec<Sink>,
}

impl Publisher {
    /// Publishes a chunk; how many subscribers were dropped by it.
    pub fn publish(&mut self, chunk: &mut Chunk) -> u64 {
        self.dropped = 0;
        let idle = self.accounts.is_empty() && self.markets.is_empty() && self.tape.sinks.is_empty();
        if idle && !chunk.items.iter().any(|item| matches!(item, Item::Subscribe { .. })) {
            return 0;
        }
        let mut items = std::mem::take(&mut chunk.items);
        let results: Vec<(Outcome, &[Event])> = chunk.results(0..chunk.outcomes.len()).collect();
        let mut at = 0;
        for item in &mut items {
            match item {
                Item::Bundle { first_sequence, count, commands, timestamp, batch, .. } => {
                    let results = &results[at..at + *count];
                    for (place, (outcome, events)) in results.iter().enumerate() {
                        let account = chunk.accounts[at + place];
                        self.command(*first_sequence + place as u64, account, *outcome, events);
                    }
                    if !self.tape.sinks.is_empty() {
                        let commands = &chunk.records[commands.0..commands.1];
                        self.tell_tape(*first_sequence, *batch, commands, results);
                    }
                    // Also where a command did not decode: the next submission begins here.
                    self.tape_time = *timestamp;
                    at += *count;
                }
                Item::Subscribe { topic, sink, sequence, timestamp, book } => {
                    // The chunk lives on in the shadow's queue; a feed must end when it is dropped here.
                    if let Some(sink) = sink.take() {
                        self.tape_time = *timestamp;
                        self.subscribe(*topic, sink, *sequence, book.as_deref());
                    }
                }
                Item::Seal { batch, last_sequence, .. } => {
                    if !self.tape.sinks.is_empty() {
                        self.dropped +=
                            self.tape.publish(*last_sequence, FeedUpdate::Sealed { batch: *batch });
                    }
                }
            }
        }
        chunk.items = items;
        self.markets.retain(|_, market| market.is_heard());
        self.dropped
    }

    fn subscribe(&mut self, topic: Topic, sink: Sink, sequence: u64, book: Option<&[Order]>) {
        self.forget_the_gone();
        if let Topic::Executions(account) = topic {
            let begin = FeedMessage { sequence, update: 0, body: FeedUpdate::Begin };
            if let Sent::Queued = sink.send(begin) {
                self.accounts.entry(account).or_default().push(Subscriber { sink, updates: 1 });
            }
            return;
        }
        if topic == Topic::Commands {
            let begin = FeedMessage { sequence, update: self.tape.update, body: FeedUpdate::Begin };
            if let Sent::Queued = sink.send(begin) {
                self.tape.sinks.push(sink);
            }
            return;
        }
        let (Topic::Trades(id) | Topic::Depth(id, _) | Topic::Ticker(id)) = topic else { return };
        let market = self.markets.entry(id).or_default();
        if let Some(book) = book {
            // The same book as the view already has, if it has one.
            market.view.reset(book);
        }
        let (channel, body) = match topic {
            Topic::Depth(_, DepthLevel::L1) => (&mut market.l1, market.view.best()),
            Topic::Depth(_, DepthLevel::L2) => (&mut market.l2, market.view.l2_snapshot()),
            Topic::Depth(_, DepthLevel::L3) => {
                (&mut market.l3, FeedUpdate::L3Snapshot(book.unwrap_or_default().to_vec()))
            }
            Topic::Ticker(_) => (&mut market.tickers, FeedUpdate::Ticker(market.view.ticker())),
            Topic::Trades(_) | Topic::Executions(_) | Topic::Commands => {
                (&mut market.trades, FeedUpdate::Begin)
            }
        };
        if let Sent::Queued = sink.send(FeedMessage { sequence, update: channel.update, body }) {
            channel.sinks.push(sink);
        }
    }

    /// Subscribers that have gone are found when they are sent something. Those of quiet topics are looked for here,
    /// each time the number of subscriptions has doubled.
    fn forget_the_gone(&mut self) {
        self.subscribed += 1;
        if self.subscribed <= self.left.max(64) {
            return;
        }
        for subscribers in self.accounts.values_mut() {
            subscribers.retain(|subscriber| !subscriber.sink.is_gone());
        }
        self.accounts.retain(|_, subscribers| !subscribers.is_empty());
        for channel in self.markets.values_mut().flat_map(MarketFeed::channels) {
            channel.sinks.retain(|sink| !sink.is_gone());
        }
        self.markets.retain(|_, market| market.is_heard());
        self.tape.sinks.retain(|sink| !sink.is_gone());
        let markets = self.markets.values_mut().flat_map(MarketFeed::channels);
        self.left = markets.map(|channel| channel.sinks.len()).sum::<usize>()
            + self.accounts.values().map(Vec::len).sum::<usize>()
            + self.tape.sinks.len();
        self.subscribed = 0;
    }

    fn command(&mut self, sequence: u64, account: AccountId, outcome: Outcome, events: &[Event]) {
        self.tell(account, sequence, FeedUpdate::Outcome(outcome));
        for event in events {
            if let Some(market) = event_market(event)
                && let Some(feed) = self.markets.get_mut(&market)
            {
                self.dropped += feed.event(sequence, event);
            }
            if !self.accounts.is_empty() {
                for account in event_accounts(event).into_iter().flatten() {
                    self.tell(account, sequence, FeedUpdate::Execution(*event));
                }
            }
        }
        for feed in self.markets.values_mut() {
            self.dropped += feed.after_command(sequence);
        }
    }

    /// A submission's commands, as they were journaled.
    fn tell_tape(&mut self, first: u64, batch: u64, commands: &[u8], results: &[(Outcome, &[Event])]) {
        let mut reader = Reader::new(commands);
        let mut time = self.tape_time;
        for (sequence, (outcome, events)) in (first..).zip(results) {
            let sequenced = Sequenced::decode(sequence, time, &mut reader);
            debug_assert!(sequenced.is_ok(), "the engine has encoded it: {sequenced:?}");
            let Ok(sequenced) = sequenced else {
                // Nobody may take a tape with a gap for a whole one.
                self.tape.sinks.drain(..).for_each(|sink| sink.say_dropped(sequence));
                return;
            };
            time = sequenced.timestamp;
            let entry = TapeEntry { sequenced, batch, outcome: *outcome, events: events.to_vec() };
            self.dropped += self.tape.publish(sequence, FeedUpdate::Command(Arc::new(entry)));
        }
    }

    fn tell(&mut self, account: AccountId, sequence: u64, body: FeedUpdate) {
        let Some(subscribers) = self.accounts.get_mut(&account) else { return };
        let mut slow = 0;
        subscribers.retain_mut(|subscriber| {
            let message = FeedMessage { sequence, update: subscriber.updates, body: body.clone() };
            subscriber.updates += 1;
            subscriber.sink.keeps(message, &mut slow)
        });
        self.dropped += slow;
        if subscribers.is_empty() {
            self.accounts.remove(&account);
        }
    }
}

impl MarketFeed {
    fn channels(&mut self) -> [&mut Channel; 5] {
        [&mut self.trades, &mut self.l1, &mut self.l2, &mut self.l3, &mut self.tickers]
    }

    fn is_heard(&mut self) -> bool {
        self.channels().iter().any(|channel| !channel.sinks.is_empty())
    }

    fn event(&mut self, sequence: u64, event: &Event) -> u64 {
        let mut dropped = 0;
        let levels = self.view.apply(event);
        if let Event::Fill(fill) = event {
            dropped += self.trades.publish(sequence, FeedUpdate::Trade(*fill));
        }
        if MarketView::changes_book(event) {
            dropped += self.l3.publish(sequence, FeedUpdate::L3(*event));
        }
        for level in levels.into_iter().flatten() {
            dropped += self.l2.publish(sequence, FeedUpdate::L2(level));
        }
        dropped
    }

    fn after_command(&mut self, sequence: u64) -> u64 {
        let mut dropped = 0;
        if let Some(best) = self.view.best_if_changed() {
            dropped += self.l1.publish(sequence, best);
        }
        if let Some(ticker) = self.view.ticker_if_changed() {
            dropped += self.tickers.publish(sequence, FeedUpdate::Ticker(ticker));
        }
        dropped
    }
}

impl Channel {
    /// Sends to all; drops those whose queue is full or who have gone. How many were too slow.
    fn publish(&mut self, sequence: u64, body: FeedUpdate) -> u64 {
        self.update += 1;
        let mut slow = 0;
        self.sinks.retain(|sink| {
            sink.keeps(FeedMessage { sequence, update: self.update, body: body.clone() }, &mut slow)
        });
        slow
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_that_came_and_went_leave_nothing_behind_although_nothing_happens() {
        let mut publisher = Publisher::default();
        let (sink, kept) = feed(8);
        publisher.subscribe(Topic::Ticker(MarketId(1)), sink, 0, Some(&[]));
        for number in 0..10_000 {
            let topic = match number % 3 {
                0 => Topic::Executions(AccountId(number)),
                1 => Topic::Trades(MarketId(number as u16)),
                _ => Topic::Depth(MarketId(number as u16 % 7), DepthLevel::L2),
            };
            let (sink, subscription) = feed(8);
            publisher.subscribe(topic, sink, 0, Some(&[]));
            drop(subscription);
        }
        let sinks = publisher.markets.values_mut().flat_map(MarketFeed::channels);
        let sinks: usize = sinks.map(|channel| channel.sinks.len()).sum();
        assert!(publisher.accounts.len() + publisher.markets.len() + sinks < 300);
        assert!(kept.next().is_ok());
        assert_eq!(publisher.markets[&MarketId(1)].tickers.sinks.len(), 1);
    }
}
