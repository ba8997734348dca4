//! Feeds tell what really happened, to whom it concerns, and wait for nobody.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use exchange::{
    DepthLevel, Exchange, FeedError, FeedMessage, FeedUpdate, Level, Subscription, TapeEntry, Ticker, Topic,
};
use rules::{ModelStore, Order, execute};
use types::{AccountId, Command, Event, Fill, MarketId, Outcome, Price, Quantity, Sequenced, Side};

use crate::kit::*;

const MARKETS: u16 = 4;
const ACCOUNTS: u32 = 20;
const DEPTHS: [DepthLevel; 3] = [DepthLevel::L1, DepthLevel::L2, DepthLevel::L3];

/// All messages until the exchange ends; their numbers have no gap.
fn read_to_the_end(feed: Subscription) -> Vec<FeedMessage> {
    let mut messages: Vec<FeedMessage> = Vec::new();
    loop {
        match feed.next_within(Duration::from_secs(20)) {
            Ok(message) => {
                if let Some(last) = messages.last() {
                    assert_eq!(message.update, last.update + 1, "{message:?}");
                    assert!(message.sequence >= last.sequence);
                }
                messages.push(message);
            }
            Err(error) => {
                assert_eq!(error, FeedError::Ended);
                return messages;
            }
        }
    }
}

type Levels = BTreeMap<Price, u64>;

fn levels(model: &ModelStore, market: MarketId, side: Side) -> Levels {
    let mut levels = Levels::new();
    for order in model.resting(market, side) {
        *levels.entry(order.price).or_default() += order.quantity.0;
    }
    levels
}

/// A market as somebody sees it who has nothing but the feeds.
#[derive(Default)]
struct Seen {
    bids: Levels,
    asks: Levels,
    orders: BTreeMap<u64, (Side, Price, u64)>,
    best: [Option<(Price, Quantity)>; 2],
    ticker: Ticker,
}

impl Seen {
    fn read(&mut self, message: &FeedMessage) {
        let quantities =
            |list: &[(Price, Quantity)]| list.iter().map(|(price, quantity)| (*price, quantity.0)).collect();
        match &message.body {
            FeedUpdate::L2Snapshot { bids, asks } => {
                assert!(
                    bids.is_sorted_by(|one, two| one.0 > two.0)
                        && asks.is_sorted_by(|one, two| one.0 < two.0)
                );
                (self.bids, self.asks) = (quantities(bids), quantities(asks));
            }
            FeedUpdate::L2(Level { side, price, quantity }) => {
                let side = if *side == Side::Buy { &mut self.bids } else { &mut self.asks };
                match quantity.0 {
                    0 => side.remove(price),
                    quantity => side.insert(*price, quantity),
                };
            }
            FeedUpdate::Best { bid, ask } => self.best = [*bid, *ask],
            FeedUpdate::Ticker(ticker) => self.ticker = *ticker,
            FeedUpdate::L3Snapshot(orders) => {
                let entry = |order: &Order| (order.id.0, (order.side, order.price, order.quantity.0));
                self.orders = orders.iter().map(entry).collect();
            }
            FeedUpdate::L3(event) => match *event {
                Event::Rested { order, side, price, quantity, .. } => {
                    assert_eq!(self.orders.insert(order.0, (side, price, quantity.0)), None);
                }
                Event::Fill(fill) => self.reduce(fill.maker.0, fill.quantity.0),
                Event::Cancelled { order, quantity, .. } => self.reduce(order.0, quantity.0),
                Event::Replaced { order, old_quantity, quantity, kept_place, .. } => {
                    self.reduce(order.0, old_quantity.0 - if kept_place { quantity.0 } else { 0 });
                }
                ref other => panic!("{other:?} does not change the book"),
            },
            other => panic!("{other:?} on a market's feed"),
        }
    }

    fn reduce(&mut self, order: u64, quantity: u64) {
        let left = &mut self.orders.get_mut(&order).unwrap().2;
        *left -= quantity;
        if *left == 0 {
            self.orders.remove(&order);
        }
    }
}

/// The feeds of a market, read in step with a model.
struct Watched {
    market: MarketId,
    seen: Seen,
    feeds: Vec<std::iter::Peekable<std::vec::IntoIter<FeedMessage>>>,
    /// The command after which they begin.
    from: u64,
}

impl Watched {
    fn subscribe(exchange: &Exchange, market: MarketId) -> Vec<Subscription> {
        let depths = DEPTHS.map(|depth| Topic::Depth(market, depth));
        depths.into_iter().chain([Topic::Ticker(market)]).map(|topic| exchange.subscribe(topic)).collect()
    }

    fn new(market: MarketId, feeds: Vec<Subscription>) -> Self {
        let feeds: Vec<Vec<FeedMessage>> = feeds.into_iter().map(read_to_the_end).collect();
        let from = feeds[0][0].sequence;
        assert!(feeds.iter().all(|messages| messages[0].sequence == from));
        let feeds = feeds.into_iter().map(|messages| messages.into_iter().peekable()).collect();
        Self { market, seen: Seen::default(), feeds, from }
    }

    /// After a command: what was read so far is what is.
    fn follow(&mut self, sequence: u64, model: &ModelStore, last: Price, traded: (u128, u64)) {
        if sequence < self.from {
            return;
        }
        for feed in &mut self.feeds {
            while let Some(message) = feed.next_if(|message| message.sequence <= sequence) {
                self.seen.read(&message);
            }
        }
        let (market, seen) = (self.market, &self.seen);
        let (bids, asks) = (levels(model, market, Side::Buy), levels(model, market, Side::Sell));
        let orders = Side::BOTH.iter().flat_map(|side| model.resting(market, *side));
        let orders = orders.map(|order| (order.id.0, (order.side, order.price, order.quantity.0))).collect();
        let when = format!("market {market}, after command {sequence}");
        assert_eq!((&seen.bids, &seen.asks), (&bids, &asks), "{when}");
        assert_eq!(seen.orders, orders, "{when}");
        let best =
            |level: Option<(&Price, &u64)>| level.map(|(price, quantity)| (*price, Quantity(*quantity)));
        assert_eq!(seen.best, [best(bids.last_key_value()), best(asks.first_key_value())], "{when}");
        let price = |level: Option<(&Price, &u64)>| level.map_or(Price(0), |(price, _)| *price);
        let (volume, trades) = traded;
        let ticker = Ticker {
            last,
            bid: price(bids.last_key_value()),
            ask: price(asks.first_key_value()),
            volume,
            trades,
        };
        if trades > 0 || self.from == 0 {
            assert_eq!(seen.ticker, ticker, "{when}");
        }
    }
}

/// What an account must be told of a command.
fn concerns(account: AccountId, command: &Sequenced, outcome: Outcome, events: &[Event]) -> Vec<FeedUpdate> {
    let mut told = Vec::new();
    if command.account == account {
        told.push(FeedUpdate::Outcome(outcome));
    }
    for event in events {
        let whose = match *event {
            Event::Fill(Fill { maker_account, taker_account, .. }) => vec![maker_account, taker_account],
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
            | Event::LimitsSet { account, .. } => vec![account],
            _ => Vec::new(),
        };
        if whose.contains(&account) {
            told.push(FeedUpdate::Execution(*event));
        }
    }
    told
}

#[test]
fn feeds_show_the_real_book_after_every_command_and_tell_every_account_its_own_and_no_more() {
    for seed in [21, 22] {
        let dir = directory();
        let steps = signed_flow(seed, 2_500);
        let half = steps.len() / 2;
        let (exchange, _) = Exchange::open(flow_config(dir.path()), &flow_genesis(), |_| {}).unwrap();
        let markets = || (0..MARKETS).map(MarketId);
        let subscribe =
            || -> Vec<_> { markets().map(|id| (id, Watched::subscribe(&exchange, id))).collect() };
        let early = subscribe();
        let trades: Vec<_> = markets().map(|id| exchange.subscribe(Topic::Trades(id))).collect();
        let executions: Vec<_> =
            (0..ACCOUNTS).map(|id| exchange.subscribe(Topic::Executions(AccountId(id)))).collect();
        play(&exchange, &steps[..half]);
        let late = subscribe();
        play(&exchange, &steps[half..]);
        exchange.shutdown().unwrap();

        let watched = |feeds: Vec<(MarketId, Vec<Subscription>)>| {
            feeds.into_iter().map(|(id, feeds)| Watched::new(id, feeds))
        };
        let mut watched: Vec<Watched> = watched(early).chain(watched(late)).collect();
        assert_eq!(watched[4].from, steps[half - 1].commands.last().unwrap().sequence);
        let mut model = ModelStore::open(&flow_genesis());
        let mut fills: HashMap<MarketId, Vec<(u64, Fill)>> = HashMap::new();
        let mut told: Vec<Vec<(u64, FeedUpdate)>> = vec![Vec::new(); ACCOUNTS as usize];
        for step in &steps {
            for (command, (outcome, events)) in step.commands.iter().zip(&step.expected) {
                let sequence = command.sequence;
                let Ok(_) = execute(&mut model, command, &mut |_| {});
                for event in events {
                    if let Event::Fill(fill) = event {
                        fills.entry(fill.market).or_default().push((sequence, *fill));
                    }
                }
                for (account, told) in (0..).map(AccountId).zip(&mut told) {
                    let news = concerns(account, command, *outcome, events);
                    told.extend(news.into_iter().map(|news| (sequence, news)));
                }
                for market in &mut watched {
                    let fills = fills.get(&market.market).map_or(&[][..], |fills| fills);
                    // A ticker's volume counts from the market's first subscription, here from the beginning.
                    let volume = fills.iter().map(|(_, fill)| u128::from(fill.quantity.0)).sum();
                    let last = fills.last().map_or(Price(0), |(_, fill)| fill.price);
                    market.follow(sequence, &model, last, (volume, fills.len() as u64));
                }
            }
        }
        for (market, feed) in markets().zip(trades) {
            let mut messages = read_to_the_end(feed).into_iter();
            assert_eq!(messages.next().unwrap().body, FeedUpdate::Begin);
            let found = messages.map(|message| (message.sequence, message.body));
            let expected = fills.remove(&market).unwrap_or_default();
            assert!(
                found.eq(expected.into_iter().map(|(sequence, fill)| (sequence, FeedUpdate::Trade(fill))))
            );
        }
        for (told, feed) in told.into_iter().zip(executions) {
            let mut messages = read_to_the_end(feed).into_iter();
            assert_eq!(
                messages.next().unwrap(),
                FeedMessage { sequence: 0, update: 0, body: FeedUpdate::Begin }
            );
            assert!(messages.map(|message| (message.sequence, message.body)).eq(told));
        }
    }
}

#[test]
fn a_slow_subscriber_reads_what_was_queued_then_where_the_gap_begins_and_may_come_again() {
    const BUFFER: usize = 64;
    let dir = directory();
    let mut config = config(dir.path());
    config.feed_buffer = BUFFER;
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let topics = [
        Topic::Depth(MARKET, DepthLevel::L1),
        Topic::Depth(MARKET, DepthLevel::L2),
        Topic::Depth(MARKET, DepthLevel::L3),
        Topic::Ticker(MARKET),
        Topic::Trades(MARKET),
        Topic::Executions(AccountId(1)),
    ];
    let slow = topics.map(|topic| exchange.subscribe(topic));
    let fast = topics.map(|topic| exchange.subscribe(topic));
    let mut one = Trader::join(&exchange, 1, 1);
    let mut two = Trader::join(&exchange, 2, 1);
    let mut all = topics.map(|_| Vec::new());
    let mut random = Random(3);
    let mut command = |id| match random_command(&mut random, id) {
        // One command must not fill a queue by itself.
        Command::MassCancel { .. } => random_command(&mut Random(1), id),
        command => command,
    };
    for id in 1..=1_500 {
        done(&exchange, two.signs(vec![command(id)]));
        let sequence = done(&exchange, one.signs(vec![command(id)])).first_sequence;
        // The fast ones read after every command, so nobody drops them.
        loop {
            let message = fast[5].next().unwrap();
            let last = matches!(message.body, FeedUpdate::Outcome(_)) && message.sequence == sequence;
            all[5].push(message);
            if last {
                break;
            }
        }
        for (feed, all) in fast.iter().zip(&mut all) {
            while let Ok(message) = feed.next_within(Duration::ZERO) {
                all.push(message);
            }
        }
    }
    eventually("six were dropped", || exchange.stats().dropped_subscribers == 6);
    for ((slow, all), topic) in slow.iter().zip(&all).zip(topics) {
        let queued: Vec<FeedMessage> = (0..BUFFER).map(|_| slow.next().unwrap()).collect();
        assert_eq!(queued, all[..BUFFER], "{topic:?}");
        let error = slow.next().unwrap_err();
        assert_eq!(error, FeedError::Dropped { sequence: all[BUFFER].sequence }, "{topic:?}");
        assert_eq!(slow.next_within(Duration::ZERO).unwrap_err(), error);
        // Again: the snapshot stands for everything missed.
        let again = exchange.subscribe(topic);
        let first = again.next().unwrap();
        assert_eq!(first.sequence, exchange.stats().executed);
        if let Topic::Executions(_) = topic {
            assert_eq!(first.update, 0);
        } else {
            assert!(first.update >= all[BUFFER].update, "{topic:?}");
        }
    }
    exchange.shutdown().unwrap();
}

#[test]
fn subscribers_that_never_read_stop_nobody() {
    within(Duration::from_secs(60), || {
        let dir = directory();
        let mut config = config(dir.path());
        config.feed_buffer = 1;
        let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
        set_up(&exchange);
        let silent: Vec<Subscription> = (0..300)
            .map(|number| {
                exchange.subscribe(match number % 5 {
                    0 => Topic::Executions(AccountId(1 + number % 12)),
                    1 => Topic::Trades(MARKET),
                    2 => Topic::Ticker(MARKET),
                    3 => Topic::Depth(MARKET, DepthLevel::L1),
                    _ => Topic::Depth(MARKET, DepthLevel::L3),
                })
            })
            .collect();
        let mut traders: Vec<Trader> =
            (1..=TRADERS).map(|account| Trader::join(&exchange, account, 1)).collect();
        let mut random = Random(8);
        for id in 1..=200 {
            for trader in &mut traders {
                let commands = (0..5).map(|at| random_command(&mut random, id * 5 + at)).collect();
                exchange.submit_waiting(trader.signs(commands)).unwrap();
            }
        }
        exchange.shutdown().unwrap();
        for feed in silent {
            assert!(feed.next().is_ok(), "what was queued is still there");
            assert!(matches!(feed.next().unwrap_err(), FeedError::Dropped { .. }));
        }
        check_batches(dir.path(), &genesis());
    });
}

#[test]
fn a_feed_says_when_nothing_happened_in_time_and_when_the_exchange_has_ended() {
    let dir = directory();
    let exchange = open(dir.path());
    let feed = exchange.subscribe(Topic::Trades(MARKET));
    assert_eq!(feed.next().unwrap(), FeedMessage { sequence: 0, update: 0, body: FeedUpdate::Begin });
    assert_eq!(feed.next_within(Duration::from_millis(5)).unwrap_err(), FeedError::Timeout);
    drop(exchange);
    assert_eq!(feed.next().unwrap_err(), FeedError::Ended);
}

/// What a tape says until the exchange ends: commands, and the last command of each batch.
fn read_tape(feed: Subscription) -> (u64, Vec<TapeEntry>, Vec<(u64, u64)>) {
    let (mut begin, mut entries, mut sealed) = (None, Vec::new(), Vec::new());
    for message in read_to_the_end(feed) {
        match message.body {
            FeedUpdate::Begin => assert_eq!(begin.replace(message.sequence), None),
            FeedUpdate::Command(entry) => {
                assert_eq!(message.sequence, entry.sequenced.sequence);
                entries.push((*entry).clone());
            }
            FeedUpdate::Sealed { batch } => sealed.push((batch, message.sequence)),
            other => panic!("{other:?} on the tape"),
        }
    }
    (begin.unwrap(), entries, sealed)
}

#[test]
fn the_tape_has_every_command_with_its_outcome_and_events_from_where_it_begins() {
    let dir = directory();
    let flow = signed_flow(41, 3_000);
    let (exchange, _) = Exchange::open(flow_config(dir.path()), &flow_genesis(), |_| {}).unwrap();
    let whole = exchange.subscribe(Topic::Commands);
    let (first, second) = flow.split_at(flow.len() / 2);
    play(&exchange, first);
    let late = exchange.subscribe(Topic::Commands);
    // Somebody else's feed must not keep the tape's time from being right.
    let other = exchange.subscribe(Topic::Trades(MARKET));
    play(&exchange, second);
    exchange.shutdown().unwrap();
    drop(other);

    let expected: Vec<(Sequenced, Outcome, Vec<Event>)> = flow
        .iter()
        .flat_map(|step| step.commands.iter().zip(&step.expected))
        .map(|(command, (outcome, events))| (command.clone(), *outcome, events.clone()))
        .collect();
    let batches = check_batches(dir.path(), &flow_genesis());
    for (feed, least) in [(whole, 0), (late, 1)] {
        let (begin, entries, sealed) = read_tape(feed);
        assert!(begin >= least && begin < expected.len() as u64);
        assert_eq!(begin + entries.len() as u64, expected.len() as u64);
        for (entry, expected) in entries.iter().zip(&expected[begin as usize..]) {
            assert_eq!(
                (&entry.sequenced, &entry.outcome, &entry.events),
                (&expected.0, &expected.1, &expected.2)
            );
            let claim = &batches[entry.batch as usize - 1].claim;
            assert!((claim.first_sequence..=claim.last_sequence).contains(&entry.sequenced.sequence));
        }
        let claims = batches.iter().map(|batch| (batch.claim.batch, batch.claim.last_sequence));
        assert!(claims.skip_while(|claim| claim.1 <= begin).eq(sealed));
    }
}

#[test]
fn a_tape_that_nobody_reads_is_dropped_where_its_own_buffer_ends() {
    let dir = directory();
    let mut config = config(dir.path());
    config.feed_buffer = 4;
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    let small = exchange.subscribe(Topic::Commands);
    let large = exchange.subscribe_with(Topic::Commands, 1 << 20);
    set_up(&exchange);
    exchange.shutdown().unwrap();
    for sequence in 1..=4 {
        // The beginning is a message too.
        assert_eq!(small.next().unwrap().sequence, sequence - 1);
    }
    assert_eq!(small.next().unwrap_err(), FeedError::Dropped { sequence: 4 });
    let (begin, entries, _) = read_tape(large);
    assert_eq!((begin, entries.len()), (0, 4 + 3 * TRADERS as usize));
}
