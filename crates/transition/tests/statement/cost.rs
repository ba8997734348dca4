//! What a batch costs in hashes and bytes, exactly, so that a regression shows.

use std::collections::BTreeSet;

use state::{HashCounts, StateTree};
use transition::{EventsLog, Native, execute_batch};
use types::{Command, MarketId, OrderId, OrderRef, Origin, Sequenced};

use crate::support::*;

/// Hashes that the whole tree makes for a batch.
fn cost(exchange: &Exchange) -> HashCounts {
    let mut tree = exchange.tree.clone();
    tree.root();
    let before = tree.hashes();
    let blob = exchange.blob(&exchange.pending);
    execute_batch::<_, Native>(&mut tree, &blob, None, EventsLog::root_only(), &mut ()).unwrap();
    tree.hashes().since(&before)
}

#[test]
fn orders_that_come_and_go_within_a_batch_cost_no_tree_hash() {
    let exchange = busy_exchange();
    let tree = &exchange.tree;
    let touched: BTreeSet<u32> =
        [key::ANCHOR, key::GLOBALS, key::stream(1)].iter().map(|key| slot_of(tree, *key)).collect();
    let least = HashCounts { leaves: 3, nodes: paths(&touched), roots: 1 };
    let next_id = tree_orders(&exchange) + 1;
    for rounds in [1, 10, 300] {
        let mut batch = exchange.clone();
        for round in 0..rounds {
            // Deep in the book, in front of it, with a name and a time to live.
            let mut named = limit(types::Side::Buy, 100, 2);
            named.client_id = types::ClientOrderId(9);
            named.time_in_force = types::TimeInForce::Gtd(types::Timestamp(u64::from(u32::MAX)));
            batch.session(1, sell(140, 1)).session(1, Command::Place(named));
            let id = next_id + 2 * round;
            batch.session(1, Command::Cancel { market: MARKET, order: OrderRef::Id(OrderId(id)) });
            let named = OrderRef::Client(types::ClientOrderId(9));
            batch.session(1, Command::Cancel { market: MARKET, order: named });
        }
        assert_eq!(cost(&batch), least, "{rounds} rounds");
    }
    // One that stays costs more: the test can fail.
    let mut batch = exchange.clone();
    batch.session(1, sell(140, 1));
    let stays = cost(&batch);
    assert!(stays.leaves >= least.leaves + 4 && stays.nodes > least.nodes, "{stays:?}");
    // A rejected command changes not even the globals.
    let mut batch = exchange.clone();
    batch.session(1, Command::Cancel { market: MarketId(9), order: OrderRef::Id(OrderId(1)) });
    assert_eq!(cost(&batch).leaves, 2);
}

fn tree_orders(exchange: &Exchange) -> u64 {
    let of = |entry: &&state::Entry| entry.key >> 120 == 0x0b;
    exchange.tree.iter().filter(of).map(|entry| entry.key as u64).max().unwrap()
}

/// A thousand commands of the model's flow after its first thousand.
#[test]
fn a_thousand_commands_cost_exactly_this() {
    let mut exchange = Exchange::new(rules::model_flow::genesis().capacity);
    for sequenced in rules::model_flow::flow(7, 4_000) {
        let registers = matches!(sequenced.command, Command::RegisterSession { .. });
        let full = exchange.pending.len() == 1_000;
        if full && exchange.batch > 0 {
            break;
        }
        if full {
            exchange.seal();
        }
        let spoke = |s: &Sequenced| s.account == sequenced.account && s.origin == Origin::Session;
        if !(registers && exchange.pending.iter().any(spoke)) {
            crate::honest::push_model(&mut exchange, sequenced);
        }
    }
    assert_eq!((exchange.pending.len(), exchange.batch), (1_000, 1));
    let full = cost(&exchange);
    let sealed = exchange.seal();
    let witness = decode_witness(&sealed.input);
    let mut partial = state::PartialTree::<state::Sha256Hash>::from_witness(witness.clone()).unwrap();
    let opened = partial.hashes();
    let signatures = Some(&sealed.input.authorisation);
    execute_batch::<_, Native>(
        &mut partial,
        &sealed.input.commands,
        signatures,
        EventsLog::root_only(),
        &mut (),
    )
    .unwrap();
    let closed = partial.hashes().since(&opened);
    let figures = [
        ("command bytes", sealed.input.commands.len() as u64),
        ("witness bytes", sealed.input.witness.len() as u64),
        ("witness leaves", witness.touched.len() as u64),
        ("witness digests", witness.siblings.len() as u64),
        ("hashes of the whole tree", full.total()),
        ("hashes to open the witness", opened.total()),
        ("hashes to close it", closed.total()),
        ("stream signatures", sealed.input.authorisation.streams.len() as u64),
        ("owner signatures", sealed.input.authorisation.owners.len() as u64),
    ];
    let pinned = [11_095, 40_873, 837, 1, 1_695, 1_702, 1_695, 14, 21];
    assert_eq!(figures.map(|(_, figure)| figure), pinned, "{figures:#?}");
}
