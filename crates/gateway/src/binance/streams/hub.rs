//! The one task that turns what the view tells into messages.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::{MissedTickBehavior, interval};
use types::{AccountId, AssetId, MarketId, Timestamp};

use super::Streams;
use super::depth_diff::DepthDiff;
use super::names::{Levels, Pace, Stream};
use super::registry::Registry;
use super::{market_messages as market, user_messages as user};
use crate::binance::market_data::average;
use crate::counters::count;
use crate::view::{AggregateTrade, Best, Candle, Interval, Market, Range, Trade, Update, Updates};
use crate::{Gateway, clock};

/// How often changes of books are told.
const FAST: Duration = Duration::from_millis(100);
/// Of these, how many make a second.
const SLOW: u64 = 10;
/// Commands that are looked at before the best prices after them are told: so they are conflated when much happens.
const TOGETHER: usize = 256;
/// Candles between two looks that are told as closed at most.
const CLOSED: usize = 100;

struct Hub {
    gateway: Arc<Gateway>,
    streams: Arc<Streams>,
    markets: BTreeMap<MarketId, Followed>,
    /// What the accounts that somebody listens to own in all, free and set aside.
    totals: HashMap<AccountId, HashMap<AssetId, u64>>,
    /// Of which accounts API keys were revoked.
    revocations: broadcast::Receiver<AccountId>,
}

/// A market, and what is to be told of it.
struct Followed {
    market: Arc<Market>,
    fast: DepthDiff,
    slow: DepthDiff,
    /// The last change of the book.
    update: u64,
    /// When it was.
    time: Timestamp,
    /// Not told yet.
    best: Option<Best>,
    /// Changed since the partial books were told, at each pace.
    moved: [bool; 2],
    /// Changed in any way since the last second.
    changed: bool,
    /// What was told last of each candle: when it opened, how many trades it had.
    candles: HashMap<Interval, (Timestamp, u64)>,
}

/// Tells what happens until the gateway stops.
pub(super) async fn run(gateway: Arc<Gateway>, streams: Arc<Streams>) {
    let mut updates = gateway.view.subscribe();
    let stopping = Arc::clone(&gateway);
    let stopped = stopping.stopped();
    tokio::pin!(stopped);
    let revocations = gateway.keys.revocations();
    let mut hub = Hub { gateway, streams, markets: BTreeMap::new(), totals: HashMap::new(), revocations };
    for market in hub.gateway.view.markets() {
        hub.markets.insert(market.id, Followed::new(market));
    }
    let mut tick = interval(FAST);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ticks: u64 = 0;
    loop {
        tokio::select! {
            first = updates.recv() => {
                let mut lost = match first {
                    Ok(first) => {
                        hub.take(&first);
                        0
                    }
                    Err(RecvError::Lagged(lost)) => lost,
                    // The view has stopped, and says why.
                    Err(RecvError::Closed) => return,
                };
                for _ in 1..TOGETHER {
                    match updates.try_recv() {
                        Ok(next) => hub.take(&next),
                        Err(TryRecvError::Lagged(more)) => lost += more,
                        Err(_) => break,
                    }
                }
                if lost > 0 {
                    hub.lost(lost);
                }
                hub.tell_best();
            }
            _ = tick.tick() => {
                ticks += 1;
                hub.every(Pace::Fast);
                if ticks.is_multiple_of(SLOW) {
                    hub.every(Pace::Slow);
                    hub.every_second();
                }
            }
            () = &mut stopped => return,
        }
        // Under a flood this task never waits by itself.
        tokio::task::yield_now().await;
    }
}

impl Hub {
    /// One command.
    fn take(&mut self, updates: &Updates) {
        let streams = Arc::clone(&self.streams);
        let mut registry = streams.registry();
        if registry.is_empty() {
            // Nobody listens; only what a later listener needs is kept.
            self.totals.clear();
            for update in &updates.list {
                self.keep(update);
            }
            return;
        }
        let mut trades: &[Update] = &updates.list;
        while let Some((first, rest)) = trades.split_first() {
            trades = rest;
            self.keep(first);
            match first {
                Update::Trade(trade) => {
                    let joined = self.aggregate(trade, rest);
                    self.trade(trade, joined, &mut registry);
                }
                Update::Depth(change) => {
                    let Some(followed) = self.markets.get_mut(&change.market) else { continue };
                    followed.time = updates.time;
                    for (pace, diff) in [(Pace::Fast, &mut followed.fast), (Pace::Slow, &mut followed.slow)] {
                        if registry.has(Stream::Depth(change.market, pace)) {
                            diff.add(change);
                        } else {
                            drop(diff.take());
                        }
                    }
                }
                Update::Order(order, execution) => {
                    let Some(followed) = self.markets.get(&order.market) else { continue };
                    let ids = &self.gateway.client_ids;
                    registry.publish(Stream::User(order.account), || {
                        user::execution_report(&followed.market, order, execution, ids, updates)
                    });
                }
                Update::Balances(account, list) => self.balances(*account, list, updates, &mut registry),
                Update::Best(..) | Update::Market(_) | Update::Rejected(..) => {}
            }
        }
    }

    /// What is remembered of an update whoever listens.
    fn keep(&mut self, update: &Update) {
        match update {
            Update::Market(market) => match self.markets.get_mut(&market.id) {
                Some(followed) => followed.market = Arc::clone(market),
                None => drop(self.markets.insert(market.id, Followed::new(Arc::clone(market)))),
            },
            Update::Depth(change) => {
                if let Some(followed) = self.markets.get_mut(&change.market) {
                    followed.update = change.update;
                    (followed.moved, followed.changed) = ([true; 2], true);
                }
            }
            Update::Best(market, best) => {
                if let Some(followed) = self.markets.get_mut(market) {
                    followed.best = Some(*best);
                }
            }
            Update::Trade(trade) => {
                if let Some(followed) = self.markets.get_mut(&trade.market) {
                    followed.changed = true;
                }
            }
            Update::Order(..) | Update::Balances(..) | Update::Rejected(..) => {}
        }
    }

    /// The aggregate that ends with this trade, if no later trade of the command belongs to it.
    fn aggregate(&self, trade: &Trade, later: &[Update]) -> Option<AggregateTrade> {
        let next = later.iter().find_map(|update| match update {
            Update::Trade(next) => Some(next),
            _ => None,
        });
        if next.is_some_and(|next| next.market == trade.market && next.aggregate == trade.aggregate) {
            return None;
        }
        let range = Range { from: Some(trade.aggregate), limit: 1, ..Range::default() };
        let found = self.gateway.view.aggregate_trades(trade.market, range);
        found.into_iter().find(|found| found.id == trade.aggregate)
    }

    fn trade(&self, trade: &Trade, aggregate: Option<AggregateTrade>, registry: &mut Registry) {
        let Some(followed) = self.markets.get(&trade.market) else { return };
        registry.publish(Stream::Trades(trade.market), || market::trade(&followed.market, trade));
        if let Some(aggregate) = aggregate {
            registry.publish(Stream::AggregateTrades(trade.market), || {
                market::aggregate_trade(&followed.market, &aggregate)
            });
        }
    }

    fn balances(
        &mut self,
        account: AccountId,
        list: &[(AssetId, rules::Balance)],
        updates: &Updates,
        registry: &mut Registry,
    ) {
        let stream = Stream::User(account);
        if !registry.has(stream) {
            self.totals.remove(&account);
            return;
        }
        let assets = self.gateway.view.assets();
        // Orders and trades move balances by themselves; what else does came from outside or went there.
        let outside =
            !updates.list.iter().any(|update| matches!(update, Update::Order(..) | Update::Trade(_)));
        let totals = self.totals.entry(account).or_insert_with(|| {
            let known = self.gateway.view.account(account);
            let balances = known.map(|account| account.balances).unwrap_or_default();
            (0..).map(AssetId).zip(balances.iter().map(|balance| balance.free.0 + balance.locked.0)).collect()
        });
        registry.publish(stream, || user::position(&assets, list, updates.time));
        for (id, balance) in list {
            let total = balance.free.0 + balance.locked.0;
            let before = totals.insert(*id, total).unwrap_or(0);
            if outside
                && before != total
                && let Some(asset) = assets.get(usize::from(id.0))
            {
                let change = i128::from(total) - i128::from(before);
                registry.publish(stream, || user::balance(asset, change, updates.time));
            }
        }
    }

    /// The best prices, where they are others than before.
    fn tell_best(&mut self) {
        let mut registry = registry(&self.streams);
        for followed in self.markets.values_mut() {
            let Some(best) = followed.best.take() else { continue };
            let Followed { market: shown, update, .. } = followed;
            registry.publish(Stream::Best(shown.id), || market::best(shown, &best, *update));
            registry.publish(Stream::AllBest, || market::best(shown, &best, *update));
        }
    }

    /// Changes of books, and partial books.
    fn every(&mut self, pace: Pace) {
        let view = Arc::clone(&self.gateway.view);
        let mut registry = registry(&self.streams);
        for (id, followed) in &mut self.markets {
            let (diff, moved) = match pace {
                Pace::Fast => (&mut followed.fast, &mut followed.moved[0]),
                Pace::Slow => (&mut followed.slow, &mut followed.moved[1]),
            };
            if let Some(diff) = diff.take() {
                let (shown, time) = (&followed.market, followed.time);
                registry.publish(Stream::Depth(*id, pace), || market::depth_diff(shown, &diff, time));
            }
            if std::mem::take(moved) {
                for levels in Levels::ALL {
                    registry.publish(Stream::PartialDepth(*id, levels, pace), || {
                        market::partial_depth(&followed.market, &view.depth(*id, levels.count()))
                    });
                }
            }
        }
    }

    /// Candles, tickers, averages; listen keys whose time is over.
    fn every_second(&mut self) {
        let now = clock::millis();
        let view = Arc::clone(&self.gateway.view);
        let mut registry = registry(&self.streams);
        // Whoever had one of the account's API keys may know its listen key.
        loop {
            match self.revocations.try_recv() {
                Ok(account) => self.streams.listen_keys.end(account),
                Err(TryRecvError::Lagged(_)) => self.streams.listen_keys.end_all(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for (account, key) in self.streams.listen_keys.take_ended(now) {
            registry.publish_named(Stream::User(account), &key, || user::listen_key_expired(&key, now));
            registry.end_named(&key);
        }
        if registry.is_empty() {
            return;
        }
        let candles = registry.candles();
        for (market, interval) in &candles {
            let Some(followed) = self.markets.get_mut(market) else { continue };
            let known = followed.candles.get(interval).copied();
            let range = Range { start: known.map(|known| known.0), limit: CLOSED, ..Range::default() };
            let list = view.candles(*market, *interval, range);
            let list =
                if known.is_some() { list.as_slice() } else { list.last_chunk::<1>().map_or(&[][..], |l| l) };
            tell_candles(followed, *market, *interval, list, known, view.time(), &mut registry);
        }
        for (id, followed) in &mut self.markets {
            followed.candles.retain(|interval, _| candles.contains(&(*id, *interval)));
        }
        let (mut minis, mut days) = (Vec::new(), Vec::new());
        for (id, followed) in &mut self.markets {
            if !std::mem::take(&mut followed.changed) {
                continue;
            }
            let shown = &followed.market;
            let wanted = [Stream::Mini(*id), Stream::AllMini, Stream::Day(*id), Stream::AllDay];
            if wanted.into_iter().any(|stream| registry.has(stream)) {
                let day = view.day(*id);
                registry.publish(Stream::Mini(*id), || market::mini(shown, &day));
                registry.publish(Stream::Day(*id), || market::day(shown, &day));
                minis.push(market::mini(shown, &day));
                days.push(market::day(shown, &day));
            }
            registry.publish(Stream::Average(*id), || {
                let (price, last) = average(shown, &view);
                market::average(shown, price, last, view.time())
            });
        }
        if !minis.is_empty() {
            registry.publish(Stream::AllMini, || format!("[{}]", minis.join(",")));
            registry.publish(Stream::AllDay, || format!("[{}]", days.join(",")));
        }
    }

    /// The view went on faster than this task. Market streams have numbers that show the gap; accounts' streams have not,
    /// so whoever listens to one begins again.
    fn lost(&mut self, commands: u64) {
        tracing::warn!(commands, "the streams were too slow; user data streams begin again");
        count(&self.gateway.counters.stream_gaps);
        self.totals.clear();
        self.streams.registry().let_users_go();
        for followed in self.markets.values_mut() {
            drop((followed.fast.take(), followed.slow.take()));
        }
    }
}

fn registry(streams: &Streams) -> MutexGuard<'_, Registry> {
    streams.registry()
}

fn tell_candles(
    followed: &mut Followed,
    id: MarketId,
    interval: Interval,
    list: &[Candle],
    known: Option<(Timestamp, u64)>,
    time: Timestamp,
    registry: &mut Registry,
) {
    let shown = Arc::clone(&followed.market);
    for (at, candle) in list.iter().enumerate() {
        let closed = at + 1 < list.len();
        let state = (candle.open_time, candle.trades);
        // The open candle is told when it has changed; one that has closed is told once more.
        if closed || known != Some(state) {
            registry.publish(Stream::Candle(id, interval), || {
                market::candle(&shown, interval, candle, closed, time)
            });
        }
        followed.candles.insert(interval, state);
    }
}

impl Followed {
    fn new(market: Arc<Market>) -> Self {
        Self {
            market,
            fast: DepthDiff::default(),
            slow: DepthDiff::default(),
            update: 0,
            time: Timestamp(0),
            best: None,
            moved: [false; 2],
            changed: false,
            candles: HashMap::new(),
        }
    }
}
