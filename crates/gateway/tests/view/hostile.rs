//! The view against a slow model, with flow in which everything happens that can: triggers, budgets, self-trades,
//! replacements, expiries, halts, storms.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use exchange::{BatchPolicy, Exchange};
use gateway::view::{Execution, Order, OrderStatus, Range, Update, View, ViewOptions};
use rules::{ModelStore, execute};
use types::{AccountId, AssetId, ClientOrderId, Event, MarketId, OrderId, OrderRef, Outcome, Side};

use crate::kit::*;
use crate::{everything, wait};

/// What the events say of an order.
#[derive(Default, PartialEq, Debug)]
struct Traded {
    executed: u64,
    notional: u128,
    fees: i128,
}

/// A slow model of the state, and of what has become of orders.
struct Model {
    store: ModelStore,
    traded: HashMap<OrderId, Traded>,
    accepted: Vec<OrderId>,
    trades: u64,
}

impl Model {
    fn of(steps: &[Step]) -> Self {
        let store = ModelStore::open(&flow_genesis());
        let mut model = Self { store, traded: HashMap::new(), accepted: Vec::new(), trades: 0 };
        for sequenced in steps.iter().flat_map(|step| &step.commands) {
            let mut events = Vec::new();
            let Ok(outcome) = execute(&mut model.store, sequenced, &mut |event| events.push(event));
            if let Outcome::Accepted(id) = outcome {
                model.accepted.push(id);
            }
            for event in events {
                let Event::Fill(fill) = event else { continue };
                model.trades += 1;
                let (_, market) = model.store.markets().nth(usize::from(fill.market.0)).unwrap();
                let lots = u128::from(fill.quantity.0);
                let notional = u128::from(fill.price.0) * u128::from(market.params.tick) * lots;
                for (id, fee) in
                    [(fill.maker, i128::from(fill.maker_fee)), (fill.taker, i128::from(fill.taker_fee.0))]
                {
                    let traded = model.traded.entry(id).or_default();
                    traded.executed += fill.quantity.0;
                    traded.notional += notional;
                    traded.fees += fee;
                }
            }
        }
        model
    }

    fn accounts(&self) -> Vec<AccountId> {
        self.store.accounts().map(|(id, _)| id).collect()
    }
}

fn assert_is(view: &View, model: &Model) {
    assert_eq!(view.fault(), None);
    let balances: HashMap<(AccountId, AssetId), _> = model.store.balances().collect();
    let assets: Vec<AssetId> = model.store.assets().map(|(id, _)| id).collect();
    let mut sums = vec![0; assets.len()];
    for (id, state) in model.store.accounts() {
        let shown = view.account(id).unwrap();
        assert_eq!(&shown.state, state);
        assert_eq!(view.account_of(state.owner), Some(id));
        for ((asset, sum), shown) in assets.iter().zip(&mut sums).zip(&shown.balances) {
            assert_eq!(*shown, balances.get(&(id, *asset)).copied().unwrap_or_default(), "{id} {asset}");
            *sum += u128::from(shown.free.0) + u128::from(shown.locked.0);
        }
    }
    for ((id, asset), sum) in model.store.assets().zip(sums) {
        assert_eq!(u128::from(asset.total.0), sum, "all of asset {id}");
    }
    for (id, _) in model.store.markets() {
        let depth = view.depth(id, usize::MAX);
        for (side, shown) in [(Side::Buy, depth.bids), (Side::Sell, depth.asks)] {
            let mut levels = BTreeMap::new();
            model
                .store
                .resting(id, side)
                .for_each(|order| *levels.entry(order.price).or_default() += order.quantity.0);
            let mut levels: Vec<_> =
                levels.into_iter().map(|(price, lots)| (price, types::Quantity(lots))).collect();
            if side == Side::Buy {
                levels.reverse();
            }
            assert_eq!(levels, shown, "market {id}");
        }
    }
    let open: HashMap<OrderId, &rules::Order> = model.store.orders().map(|order| (order.id, order)).collect();
    for id in &model.accepted {
        let shown = view.order_by_id(*id).unwrap();
        let traded = model.traded.get(id);
        let told = Traded { executed: shown.executed.0, notional: shown.executed_notional, fees: shown.fees };
        assert_eq!(&told, traded.unwrap_or(&Traded::default()), "{shown:?}");
        let is_open = matches!(shown.status, OrderStatus::New | OrderStatus::PartiallyFilled);
        assert_eq!(is_open, open.contains_key(id), "{shown:?}");
        let budget = matches!(shown.terms.order_type, types::OrderType::MarketBudget { .. });
        let left = (!budget).then(|| shown.quantity.0 - shown.executed.0 - shown.prevented.0);
        match shown.status {
            OrderStatus::New => assert_eq!(shown.executed.0, 0),
            OrderStatus::PartiallyFilled => assert!(shown.executed.0 > 0),
            OrderStatus::Filled => assert!(shown.executed.0 > 0 && left.is_none_or(|left| left == 0)),
            _ => assert!(shown.reason.is_some()),
        }
        if let Some(order) = open.get(id) {
            assert_eq!((shown.account, shown.market, shown.side), (order.account, order.market, order.side));
            assert_eq!((shown.price, shown.client_id), (order.price, order.client_id));
            assert_eq!(shown.waiting, order.is_waiting());
            assert_eq!(left.unwrap_or_default(), order.quantity.0, "{shown:?}");
            let by_id = OrderRef::Id(*id);
            assert_eq!(view.order(order.account, order.market, by_id), Some(shown));
            assert_eq!(view.order(AccountId(order.account.0 + 1), order.market, by_id), None);
            if order.client_id != ClientOrderId::NONE {
                let named = OrderRef::Client(order.client_id);
                assert_eq!(view.order(order.account, order.market, named), Some(shown));
            }
        }
    }
    let mut listed = 0;
    for account in model.accounts() {
        let shown: Vec<OrderId> = view.open_orders(account, None).iter().map(|order| order.id).collect();
        let expected: Vec<OrderId> =
            model.store.orders().filter(|order| order.account == account).map(|order| order.id).collect();
        assert_eq!(shown, expected);
        for (market, _) in model.store.markets() {
            let orders = view.orders(account, market, everything());
            assert!(orders.is_sorted_by_key(|order| order.id));
            listed += orders.len();
            // Each order's trades make up the order.
            for order in orders {
                let trades = view.account_trades(account, market, Some(order.id), everything());
                assert_eq!(trades.iter().map(|trade| trade.quantity.0).sum::<u64>(), order.executed.0);
            }
        }
    }
    assert_eq!(listed, model.accepted.len());
    let trades: usize =
        model.store.markets().map(|(market, _)| view.trades(market, everything()).len()).sum();
    assert_eq!(trades as u64, model.trades);
}

/// What somebody knows who has nothing but the updates.
#[derive(Default)]
struct Heard {
    orders: HashMap<OrderId, Order>,
    balances: HashMap<(AccountId, AssetId), rules::Balance>,
    updates: HashMap<MarketId, u64>,
    kinds: HashMap<&'static str, u64>,
}

impl Heard {
    fn hear(&mut self, update: &Update) {
        match update {
            Update::Order(order, execution) => {
                let known = self.orders.insert(order.id, *order);
                assert_eq!(known.is_none(), *execution == Execution::New, "{order:?} {execution:?}");
                if let Some(known) = known {
                    let open = matches!(known.status, OrderStatus::New | OrderStatus::PartiallyFilled);
                    assert!(open, "{known:?} had ended, then came {execution:?}");
                    assert!(known.executed <= order.executed && known.updated <= order.updated);
                }
                let kind = match execution {
                    Execution::New => "new",
                    Execution::Trade(trade, is_maker) => {
                        let of = if *is_maker { trade.maker } else { trade.taker };
                        assert_eq!(of, (order.id, order.account));
                        "trade"
                    }
                    Execution::Replaced => "replaced",
                    Execution::Triggered => "triggered",
                    Execution::Prevented(_) => "prevented",
                    Execution::Canceled => "canceled",
                    Execution::Expired => "expired",
                };
                *self.kinds.entry(kind).or_default() += 1;
            }
            Update::Balances(account, list) => {
                for (asset, balance) in list {
                    let known = self.balances.insert((*account, *asset), *balance).unwrap_or_default();
                    assert_ne!(known, *balance, "only what is another one is told");
                }
            }
            Update::Depth(change) => {
                let update = self.updates.entry(change.market).or_default();
                *update += 1;
                assert_eq!(change.update, *update);
            }
            _ => {}
        }
    }
}

/// Keeps everything.
fn options() -> ViewOptions {
    let all = 1 << 20;
    ViewOptions {
        account_trades: all,
        all_account_trades: all,
        closed_orders: all,
        all_closed_orders: all,
        ..ViewOptions::default()
    }
}

fn follow(exchange: &Arc<Exchange>, dir: &std::path::Path) -> Arc<View> {
    View::follow(Arc::clone(exchange), &flow_genesis(), dir.join("batches"), options()).unwrap()
}

#[test]
fn every_order_and_balance_of_a_hostile_flow_is_what_a_slow_model_says() {
    let mut kinds: HashMap<&'static str, u64> = HashMap::new();
    for seed in 1..=4 {
        let steps = signed_flow(seed, 4_000);
        let dir = directory();
        let exchange = Arc::new(Exchange::open(flow_config(dir.path()), &flow_genesis(), |_| {}).unwrap().0);
        let view = follow(&exchange, dir.path());
        let mut updates = view.subscribe();
        play(&exchange, &steps);
        let last = steps.last().unwrap().commands.last().unwrap().sequence;
        wait(&view, last);
        let model = Model::of(&steps);
        assert_is(&view, &model);

        let mut heard = Heard::default();
        for sequence in 1..=last {
            let told = updates.try_recv().unwrap();
            assert_eq!(told.sequence, sequence);
            told.list.iter().for_each(|update| heard.hear(update));
        }
        let listed: Vec<MarketId> = view.markets().iter().map(|market| market.id).collect();
        assert_eq!(listed.len() + view.unlisted().len(), model.store.markets().count());
        for id in &model.accepted {
            let shown = view.order_by_id(*id).unwrap();
            let told = listed.contains(&shown.market).then_some(&shown);
            assert_eq!(heard.orders.get(id), told, "the last report of an order is the order");
        }
        for ((account, asset), balance) in model.store.balances() {
            assert_eq!(heard.balances.get(&(account, asset)), Some(&balance));
        }
        for market in listed {
            assert_eq!(heard.updates.get(&market).copied().unwrap_or_default(), view.depth(market, 1).update);
        }
        for (kind, count) in heard.kinds {
            *kinds.entry(kind).or_default() += count;
        }
    }
    for kind in ["new", "trade", "replaced", "triggered", "prevented", "canceled", "expired"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 20), "too little of {kind}: {kinds:?}");
    }
}

#[test]
fn a_batch_that_was_not_sealed_before_a_crash_is_sealed_for_the_view() {
    let steps = signed_flow(21, 3_000);
    let (running, image) = (directory(), directory());
    let mut config = flow_config(running.path());
    config.batch = BatchPolicy { commands: 700, interval: Duration::from_secs(3_600) };
    let exchange = Exchange::open(config.clone(), &flow_genesis(), |_| {}).unwrap().0;
    let half = &steps[..steps.len() / 2];
    play(&exchange, half);
    eventually("only the unfinished batch is left", || {
        let stats = exchange.stats();
        stats.executed - stats.sealed < 700
    });
    assert!(exchange.stats().executed > exchange.stats().sealed, "choose another half");
    copy_directory(running.path(), image.path());
    drop(exchange);

    config.data_dir = image.path().to_path_buf();
    let exchange = Arc::new(Exchange::open(config, &flow_genesis(), |_| {}).unwrap().0);
    let view = follow(&exchange, image.path());
    let last = half.last().unwrap().commands.last().unwrap().sequence;
    eventually("the view is up to date", || view.is_up_to_date());
    assert_eq!(view.sequence(), last);
    assert_is(&view, &Model::of(half));
    // And goes on with the tape.
    play(&exchange, &steps[half.len()..]);
    wait(&view, steps.last().unwrap().commands.last().unwrap().sequence);
    assert_is(&view, &Model::of(&steps));
}

#[tokio::test]
async fn waiting_ends_with_the_command_or_with_the_view() {
    let dir = directory();
    let exchange = Arc::new(open(dir.path()));
    let view =
        View::follow(Arc::clone(&exchange), &genesis(), dir.path().join("batches"), options()).unwrap();
    let wanted = {
        let exchange = Arc::clone(&exchange);
        tokio::task::spawn_blocking(move || set_up(&exchange))
    };
    view.reached(5).await;
    assert!(view.reached_or_stopped(5).await);
    assert!(view.sequence() >= 5);
    wanted.await.unwrap();
    let symbols: Vec<String> = view.markets().iter().map(|market| market.symbol.clone()).collect();
    assert_eq!(symbols, ["BBBBBBBBCCCCCCCC", "BBBBBBBBCCCCCCCC_1"]);
    let last = view.sequence();
    tokio::task::spawn_blocking(move || drop(exchange)).await.unwrap();
    assert!(!view.reached_or_stopped(last + 1_000).await, "the exchange has ended");
    let forever = tokio::time::timeout(Duration::from_millis(20), view.reached(last + 1_000));
    assert!(forever.await.is_err(), "nobody may take a view that has stopped for one that has the command");
    assert_eq!((view.fault(), view.is_up_to_date()), (None, false));
    // What was there is still shown.
    assert_eq!(view.depth(MARKET, 5).bids, []);
    assert!(view.trades(MARKET, Range { limit: 5, ..Range::default() }).is_empty());
}

#[test]
fn another_genesis_is_a_fault() {
    let dir = directory();
    let exchange = Arc::new(open(dir.path()));
    set_up(&exchange);
    exchange.seal();
    eventually("it is sealed", || exchange.stats().sealed == exchange.stats().executed);
    let other = rules::Genesis { operator_expires: types::Timestamp(1), ..genesis() };
    let view = View::follow(Arc::clone(&exchange), &other, dir.path().join("batches"), options()).unwrap();
    eventually("the view stops", || view.fault().is_some());
    assert!(view.fault().unwrap().contains("another genesis"), "{:?}", view.fault());

    // What no batch says, the tape does.
    let dir = directory();
    let exchange = Arc::new(open(dir.path()));
    let view = View::follow(Arc::clone(&exchange), &other, dir.path().join("batches"), options()).unwrap();
    eventually("the view follows the tape", || view.is_up_to_date());
    set_up(&exchange);
    eventually("the view stops", || view.fault().is_some());
    assert!(
        view.fault().unwrap().contains("command 1: executed again, the outcome is"),
        "{:?}",
        view.fault()
    );
}
