//! The fast book against the slow, obvious store: the same outcomes, the same events, the same state.

use std::collections::BTreeMap;

use book::Book;
use rules::{Direction, Genesis, ModelStore, Order, Store, execute, model_flow};
use types::{AccountId, AssetId, ClientOrderId, Event, MarketId, OrderId, Sequenced, Side, Timestamp};

const EVERY: usize = 50;

fn open(genesis: &Genesis) -> (Book, ModelStore) {
    let mut book = Book::new(genesis.capacity);
    let Ok(()) = rules::open(&mut book, genesis);
    (book, ModelStore::open(genesis))
}

/// How many orders there were.
fn run(seed: u64, commands: usize, genesis: &Genesis) -> u64 {
    let (mut book, mut model) = open(genesis);
    let flow = model_flow::flow(seed, commands);
    for (at, sequenced) in flow.iter().enumerate() {
        let (mut fast, mut slow): (Vec<Event>, Vec<Event>) = Default::default();
        let Ok(expected) = execute(&mut model, sequenced, &mut |event| slow.push(event));
        let Ok(outcome) = execute(&mut book, sequenced, &mut |event| fast.push(event));
        assert_eq!((outcome, &fast), (expected, &slow), "seed {seed}, {sequenced:?}");
        if at % EVERY == EVERY - 1 || at + 1 == flow.len() {
            same_state(&mut book, &mut model, sequenced, &format!("seed {seed}, after {sequenced:?}"));
        }
    }
    model.counters().orders
}

/// Every look-up that the rules may make gives the same on both.
fn same_state(book: &mut Book, model: &mut ModelStore, last: &Sequenced, when: &str) {
    assert_eq!(book.counters(), model.counters(), "{when}");
    assert!(book.assets().iter().eq(model.assets().map(|(_, asset)| asset)), "{when}");
    assert!(book.markets().eq(model.markets().map(|(_, market)| market)), "{when}");
    assert!(book.accounts().iter().eq(model.accounts().map(|(_, account)| account)), "{when}");
    let counters = *model.counters();
    let accounts = || (0..counters.accounts).map(AccountId);
    let markets = || (0..counters.markets).map(MarketId);
    let assets = || (0..counters.assets).map(AssetId);

    for account in accounts() {
        for asset in assets() {
            let Ok(expected) = model.balance(account, asset).copied();
            assert_eq!(book.balance_of(account, asset), expected, "{account} {asset}, {when}");
        }
        for market in markets() {
            let (Ok(ours), Ok(expected)) = (book.position(account, market), model.position(account, market));
            assert_eq!(ours, expected, "{account} {market}, {when}");
            assert_eq!(book.limits(account, market), model.limits(account, market), "{when}");
            assert_eq!(open_orders(book, account, market), open_orders(model, account, market), "{when}");
        }
        for id in 0..41 {
            let id = ClientOrderId(id);
            let (Ok(ours), Ok(expected)) = (book.find_client(account, id), model.find_client(account, id));
            assert_eq!(order(book, ours), order(model, expected), "{account} {id}, {when}");
        }
    }
    for market in markets() {
        for side in Side::BOTH {
            let expected = resting(model, market, side);
            assert_eq!(resting(book, market, side), expected, "{market} {side:?}, {when}");
            assert!(book.side(market, side).eq(&expected), "{market} {side:?}, {when}");
        }
        for direction in Direction::BOTH {
            let ours = book.first_waiting(market, direction).unwrap_or_default();
            let Ok(expected) = model.first_waiting(market, direction);
            assert_eq!(order(book, ours), order(model, expected), "{market} {direction:?}, {when}");
        }
    }
    let end = Timestamp(u64::MAX - 1);
    for now in [last.timestamp, Timestamp(last.timestamp.0 + 1_000), end] {
        let (Ok(ours), Ok(expected)) = (book.first_expired(now), model.first_expired(now));
        assert_eq!(order(book, ours), order(model, expected), "{when}");
    }
    // By number: the open ones, waiting ones included, and some that are not open.
    let open: BTreeMap<OrderId, Order> = model.orders().map(|order| (order.id, *order)).collect();
    let recent = counters.orders.saturating_sub(700)..counters.orders + 2;
    for id in recent.map(OrderId).chain(open.keys().copied()) {
        let known = open.get(&id).copied();
        let (account, market) =
            known.map_or((AccountId(1), MarketId(0)), |order| (order.account, order.market));
        let Ok(ours) = book.find(account, market, id);
        assert_eq!(order(book, ours), known, "{id}, {when}");
        if known.is_some() {
            assert_eq!(book.find(AccountId(account.0 + 1), market, id), Ok(None), "{id}, {when}");
            assert_eq!(book.find(account, MarketId(market.0 + 1), id), Ok(None), "{id}, {when}");
        }
    }
}

fn order<S: Store<Error = std::convert::Infallible>>(
    store: &mut S,
    handle: Option<S::Handle>,
) -> Option<Order> {
    handle.map(|handle| {
        let Ok(order) = store.order(handle);
        *order
    })
}

/// By the walk that matching takes.
fn resting<S: Store<Error = std::convert::Infallible>>(
    store: &mut S,
    market: MarketId,
    side: Side,
) -> Vec<Order> {
    let Ok(mut next) = store.best(market, side);
    let mut orders = Vec::new();
    while let Some(handle) = next {
        orders.extend(order(store, next));
        let Ok(behind) = store.next_best(handle);
        next = behind;
    }
    orders
}

/// By the walk that mass cancellation takes.
fn open_orders<S: Store<Error = std::convert::Infallible>>(
    store: &mut S,
    account: AccountId,
    market: MarketId,
) -> Vec<Order> {
    let Ok(mut next) = store.first_open(account, market);
    let mut orders = Vec::new();
    while let Some(handle) = next {
        orders.extend(order(store, next));
        let Ok(behind) = store.next_open(handle);
        next = behind;
    }
    orders
}

#[test]
fn the_book_does_and_holds_what_the_obvious_store_does_and_holds() {
    for seed in 0..24 {
        run(seed, 3_000, &model_flow::genesis());
    }
}

#[test]
fn a_book_of_tiny_capacity_goes_round_its_ring_hundreds_of_times_and_stays_right() {
    // The ring is twice the capacity: eight to 64 cells for thousands of order numbers. Nearly every order that
    // stays open for a while is overtaken and moves to the elders.
    for (seed, open_orders) in [(100, 3), (101, 4), (102, 12), (103, 16), (104, 32)] {
        let mut genesis = model_flow::genesis();
        genesis.capacity.open_orders = open_orders;
        let orders = run(seed, 7_000, &genesis);
        assert!(orders > 20 * u64::from(2 * open_orders).next_power_of_two(), "{orders}");
    }
}
