//! The view against the exchange that it follows, with simulated flow.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod hostile;
#[path = "../../../exchange/tests/exchange/kit.rs"]
mod kit;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use exchange as under_test;
use exchange::{BatchPolicy, Config, DepthLevel, Exchange, FeedUpdate, Submission, Topic};
use flow::{FlowItem, FlowOrigin, Simulation, SimulationOptions, dev_key};
use gateway::view::{Range, Update, View, ViewOptions};
use rules::Genesis;
use tokio::sync::broadcast::error::TryRecvError;
use transition::StreamSigner;
use types::{AccountId, Command, MarketId, Price, Quantity, Side, Timestamp};

const ACCOUNTS: u32 = 12;
const MARKETS: u16 = 3;

fn simulation() -> Simulation {
    Simulation::new(SimulationOptions {
        seed: 7,
        commands: 6_000,
        markets: MARKETS,
        accounts: ACCOUNTS,
        makers: 3,
        start: Timestamp(1_767_623_400_000_000),
    })
    .unwrap()
}

fn open(dir: &Path, genesis: &Genesis) -> Arc<Exchange> {
    let mut config = Config::new(dir);
    config.batch = BatchPolicy { commands: 700, interval: Duration::from_millis(300) };
    Arc::new(Exchange::open(config, genesis, |_| {}).unwrap().0)
}

fn follow(exchange: &Arc<Exchange>, genesis: &Genesis, dir: &Path, options: ViewOptions) -> Arc<View> {
    View::follow(Arc::clone(exchange), genesis, dir.join("batches"), options).unwrap()
}

/// Submits each item by itself and waits for all in the end; the last command's number.
fn play(exchange: &Exchange, items: impl Iterator<Item = FlowItem>) -> u64 {
    let tickets: Vec<_> = items
        .map(|item| {
            let FlowItem { account, origin, command, .. } = item;
            let submission = match origin {
                FlowOrigin::L1 => {
                    Submission::L1 { entries: vec![(account, command)], timestamps: Vec::new() }
                }
                FlowOrigin::Session => {
                    // Where the stream is, ingress knows as soon as it has taken the last submission.
                    while exchange.stream(account).is_none() {
                        sleep(Duration::from_millis(1));
                    }
                    let mut signer =
                        StreamSigner::new(account, dev_key(account), exchange.stream(account).unwrap());
                    signer.push(&command);
                    let (commands, signatures) = (vec![(account, command)], vec![(account, signer.sign())]);
                    Submission::Streams { commands, signatures, timestamps: Vec::new() }
                }
            };
            let waits = matches!(&submission, Submission::L1 { .. });
            let ticket = exchange.submit_waiting(submission).unwrap();
            // A session counts once it is executed.
            if waits { Err(ticket.wait().unwrap().first_sequence) } else { Ok(ticket) }
        })
        .collect();
    let last = tickets.into_iter().map(|ticket| match ticket {
        Ok(ticket) => ticket.wait().unwrap().first_sequence,
        Err(sequence) => sequence,
    });
    last.max().unwrap()
}

fn wait(view: &View, sequence: u64) {
    let began = Instant::now();
    while view.sequence() < sequence {
        assert_eq!(view.fault(), None);
        assert!(began.elapsed() < Duration::from_secs(60), "the view is at {}", view.sequence());
        sleep(Duration::from_millis(5));
    }
}

fn everything() -> Range {
    Range { limit: 10_000, ..Range::default() }
}

/// All that two views of one exchange must agree on.
fn assert_same(ours: &View, theirs: &View) {
    assert_eq!((ours.sequence(), ours.time()), (theirs.sequence(), theirs.time()));
    assert_eq!((ours.markets(), ours.assets()), (theirs.markets(), theirs.assets()));
    for market in (0..MARKETS).map(MarketId) {
        assert_eq!(ours.depth(market, usize::MAX), theirs.depth(market, usize::MAX));
        assert_eq!(ours.trades(market, everything()), theirs.trades(market, everything()));
        assert_eq!(
            ours.aggregate_trades(market, everything()),
            theirs.aggregate_trades(market, everything())
        );
        for interval in gateway::view::Interval::ALL {
            assert_eq!(
                ours.candles(market, interval, everything()),
                theirs.candles(market, interval, everything())
            );
        }
        assert_eq!(ours.day(market), theirs.day(market));
        for account in (0..=ACCOUNTS).map(AccountId) {
            assert_eq!(
                ours.orders(account, market, everything()),
                theirs.orders(account, market, everything())
            );
            assert_eq!(
                ours.account_trades(account, market, None, everything()),
                theirs.account_trades(account, market, None, everything())
            );
        }
    }
    for account in (0..=ACCOUNTS).map(AccountId) {
        assert_eq!(ours.account(account), theirs.account(account));
    }
}

/// A book as the exchange's own feed shows it.
fn feed_book(exchange: &Exchange, market: MarketId) -> [Vec<(Price, Quantity)>; 2] {
    let feed = exchange.subscribe(Topic::Depth(market, DepthLevel::L2));
    match feed.next().unwrap().body {
        FeedUpdate::L2Snapshot { bids, asks } => [bids, asks],
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_view_is_what_the_exchange_has_and_a_restart_sees_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut flow = simulation();
    let genesis = *flow.genesis();
    let exchange = open(dir.path(), &genesis);
    let lived = follow(&exchange, &genesis, dir.path(), ViewOptions::default());
    let mut updates = lived.subscribe();
    let half = play(&exchange, flow.by_ref().take(3_000));
    wait(&lived, half);

    // From a book and the changes after it to the book now.
    let market = MarketId(0);
    let mut books = [BTreeMap::new(), BTreeMap::new()];
    let snapshot = lived.depth(market, usize::MAX);
    books[0].extend(snapshot.bids.iter().copied());
    books[1].extend(snapshot.asks.iter().copied());
    let (mut update, mut sequence, mut traded) = (snapshot.update, 0, 0);
    let last = play(&exchange, flow);
    wait(&lived, last);
    loop {
        let told = match updates.try_recv() {
            Ok(told) => told,
            Err(TryRecvError::Empty) => break,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(told.sequence, sequence + 1, "every command is told");
        sequence = told.sequence;
        for told in &told.list {
            match told {
                Update::Trade(_) => traded += 1,
                Update::Depth(change) if change.market == market && change.update > update => {
                    assert_eq!(change.update, update + 1, "no change is missing");
                    update = change.update;
                    for (book, levels) in books.iter_mut().zip([&change.bids, &change.asks]) {
                        for (price, quantity) in levels {
                            match quantity.0 {
                                0 => {
                                    assert!(book.remove(price).is_some(), "a level that was not there ended")
                                }
                                _ => drop(book.insert(*price, *quantity)),
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }
    assert_eq!(sequence, last);
    let depth = lived.depth(market, usize::MAX);
    assert_eq!(update, depth.update);
    let [bids, asks] = books;
    assert!(
        bids.into_iter().rev().eq(depth.bids.iter().copied())
            && asks.into_iter().eq(depth.asks.iter().copied())
    );

    // What the exchange itself shows; what orders lock; that no money came or went.
    for id in (0..MARKETS).map(MarketId) {
        let depth = lived.depth(id, usize::MAX);
        assert_eq!([depth.bids, depth.asks], feed_book(&exchange, id));
        let best = lived.best(id);
        assert_eq!(lived.depth(id, 1).bids.first(), best.bid.as_ref());
        // The open orders together are the book.
        let mut levels: BTreeMap<(bool, Price), u64> = BTreeMap::new();
        for account in (0..=ACCOUNTS).map(AccountId) {
            for order in lived.open_orders(account, Some(id)).iter().filter(|order| !order.waiting) {
                let left = order.quantity.0 - order.executed.0 - order.prevented.0;
                *levels.entry((order.side == Side::Sell, order.price)).or_default() += left;
            }
        }
        let depth = lived.depth(id, usize::MAX);
        let shown = depth.bids.iter().map(|(price, quantity)| ((false, *price), quantity.0));
        let shown = shown.chain(depth.asks.iter().map(|(price, quantity)| ((true, *price), quantity.0)));
        assert_eq!(levels, shown.collect());
    }
    let trades: usize = (0..MARKETS).map(|id| lived.trades(MarketId(id), everything()).len()).sum();
    assert!(traded > 100 && trades == traded, "{traded} trades were told, {trades} are kept");
    for (at, asset) in lived.assets().iter().enumerate() {
        let held = (0..=ACCOUNTS).map(|id| lived.account(AccountId(id)).unwrap().balances[at]);
        let held: u128 = held.map(|balance| u128::from(balance.free.0) + u128::from(balance.locked.0)).sum();
        let deposited: u128 = simulation()
            .filter_map(|item| match item.command {
                Command::Deposit { asset: of, amount, .. } if of == asset.id => Some(u128::from(amount.0)),
                _ => None,
            })
            .sum();
        assert!(held > 0 && held <= deposited, "{held} of {deposited}");
    }

    // Another that begins late, with a tape that is too small, and one after a restart.
    let options = ViewOptions { tape: 1, ..ViewOptions::default() };
    let slow = follow(&exchange, &genesis, dir.path(), options);
    wait(&slow, last);
    assert_same(&slow, &lived);
    drop(slow);
    // A follower lets go of the exchange when it next looks for news.
    let began = Instant::now();
    while Arc::strong_count(&exchange) > 1 && began.elapsed() < Duration::from_secs(60) {
        sleep(Duration::from_millis(5));
    }
    Arc::into_inner(exchange).unwrap().shutdown().unwrap();
    let exchange = open(dir.path(), &genesis);
    let after = follow(&exchange, &genesis, dir.path(), ViewOptions::default());
    wait(&after, last);
    assert_same(&after, &lived);
    assert_eq!(lived.fault(), None, "the end of an exchange is no fault");
}

#[test]
fn a_view_that_is_too_slow_for_the_tape_reads_the_batches_and_tells_every_command_once() {
    let dir = tempfile::tempdir().unwrap();
    let flow = simulation();
    let genesis = *flow.genesis();
    let exchange = open(dir.path(), &genesis);
    let options = ViewOptions { tape: 2, ..ViewOptions::default() };
    let view = follow(&exchange, &genesis, dir.path(), options);
    let mut updates = view.subscribe();
    let last = play(&exchange, flow);
    wait(&view, last);
    for sequence in 1..=last {
        assert_eq!(updates.try_recv().unwrap().sequence, sequence);
    }
    assert!(exchange.stats().dropped_subscribers > 0, "the tape was never too fast");
}

#[test]
fn a_batch_that_is_not_there_or_not_the_next_is_a_fault_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let flow = simulation();
    let genesis = *flow.genesis();
    let exchange = open(dir.path(), &genesis);
    play(&exchange, flow.into_iter().take(2_000));
    exchange.seal();
    while exchange.stats().sealed < exchange.stats().executed {
        sleep(Duration::from_millis(5));
    }
    let batches = dir.path().join("batches");
    std::fs::copy(exchange::batch_path(&batches, 2), exchange::batch_path(&batches, 1)).unwrap();
    let view = follow(&exchange, &genesis, dir.path(), ViewOptions::default());
    let fault = |view: &View| {
        let began = Instant::now();
        loop {
            if let Some(fault) = view.fault() {
                return fault;
            }
            assert!(began.elapsed() < Duration::from_secs(30));
            sleep(Duration::from_millis(5));
        }
    };
    assert!(fault(&view).contains("it has another number"));
    std::fs::remove_file(exchange::batch_path(&batches, 1)).unwrap();
    let view = follow(&exchange, &genesis, dir.path(), ViewOptions::default());
    assert!(fault(&view).contains("is missing"));
    assert!(!view.is_up_to_date());
}

#[test]
fn whoever_asks_while_commands_come_sees_whole_commands_only() {
    let dir = tempfile::tempdir().unwrap();
    let flow = simulation();
    let genesis = *flow.genesis();
    let exchange = open(dir.path(), &genesis);
    let view = follow(&exchange, &genesis, dir.path(), ViewOptions::default());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let (mut asked, mut updates) = (0_u64, [0; MARKETS as usize]);
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for (market, seen) in (0..MARKETS).map(MarketId).zip(&mut updates) {
                    let depth = view.depth(market, 20);
                    assert!(depth.update >= *seen, "a book never goes back");
                    *seen = depth.update;
                    // Between two events of a command a book may be crossed; between commands never.
                    if let (Some(bid), Some(ask)) = (depth.bids.first(), depth.asks.first()) {
                        assert!(bid.0 < ask.0, "{depth:?}");
                    }
                    let candles = view.candles(market, gateway::view::Interval::Minute1, everything());
                    assert!(candles.iter().all(|candle| candle.low <= candle.high));
                    asked += 1;
                }
            }
            asked
        });
        let last = play(&exchange, flow);
        wait(&view, last);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(asking.join().unwrap() > 100);
    });
}
