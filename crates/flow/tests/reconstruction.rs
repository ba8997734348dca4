//! From recordings to commands, and how far they agree.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use flow::{Agreement, FlowItem, Inferred, Reconstruction, Recording};
use types::{Command, OrderRef, OrderType, Place, Price, Quantity, Side, TimeInForce};

const HEADER: &str = "time,type,order_id,size,price,direction,ask_price,ask_size,bid_price,bid_size\n";

/// The commands after the setup, and the agreement.
fn reconstruct(lines: &str) -> (Vec<FlowItem>, Agreement) {
    let csv = format!("{HEADER}{lines}");
    let mut flow = Reconstruction::new(Recording::read(csv.as_bytes()).unwrap());
    let items: Vec<FlowItem> = flow.by_ref().collect();
    assert!(items.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
    let setup = items
        .iter()
        .position(|item| matches!(item.command, Command::Place(_) | Command::Cancel { .. }))
        .unwrap_or(items.len());
    (items[setup..].to_vec(), flow.agreement().clone())
}

/// Client id, side, ticks, lots, and whether it may rest.
fn placed(item: &FlowItem) -> Option<(u64, Side, u32, u64, bool)> {
    match &item.command {
        Command::Place(Place {
            order_type: OrderType::Limit { price: Price(price), quantity: Quantity(quantity) },
            side,
            client_id,
            time_in_force,
            ..
        }) => Some((client_id.0, *side, *price, *quantity, *time_in_force == TimeInForce::Gtc)),
        _ => None,
    }
}

#[test]
fn messages_become_the_commands_that_must_have_caused_them() {
    let (items, agreement) = reconstruct(
        "1.0,1,10,100,20000,1,30000,50,20000,100\n\
         1.1,1,11,40,20000,1,30000,50,20000,140\n\
         1.2,4,10,100,20000,1,30000,50,20000,40\n\
         1.3,2,11,15,20000,1,30000,50,20000,25\n\
         1.4,5,0,70,25000,1,30000,50,20000,25\n\
         1.5,1,12,5,19900,1,30000,50,20000,25\n\
         1.6,3,11,25,20000,1,30000,50,19900,5\n",
    );
    let orders: Vec<_> = items.iter().filter_map(placed).collect();
    assert_eq!(
        orders,
        [
            (10, Side::Buy, 200, 100, true),
            // The ask was there before: nobody recorded it.
            (1, Side::Sell, 300, 50, true),
            (11, Side::Buy, 200, 40, true),
            (0, Side::Sell, 200, 100, false),
            (12, Side::Buy, 199, 5, true),
        ]
    );
    assert!(matches!(
        items[4].command,
        Command::Replace { order: OrderRef::Client(id), price: Price(200), quantity: Quantity(25), .. } if id.0 == 11
    ));
    assert!(matches!(
        items.last().unwrap().command,
        Command::Cancel { order: OrderRef::Client(id), .. } if id.0 == 11
    ));
    assert_eq!(agreement.inferred, Inferred { anonymous_orders: 1, ..Inferred::default() });
    assert_eq!((agreement.executions, agreement.executions_at_terms), (1, 1));
    assert_eq!(agreement.executions_with_maker, 1);
    assert_eq!(agreement.hidden_executions, 1);
    assert_eq!(agreement.quotes_in_the_end, 7);
    assert_eq!(agreement.rejected, 0);
}

#[test]
fn an_order_that_entered_unseen_is_placed_where_its_number_says() {
    // Orders 11 and 12 enter at 199 while 200 is the best, so nobody sees them; 12 is seen entering.
    let (items, agreement) = reconstruct(
        "1.0,1,10,100,20000,1,30000,50,20000,100\n\
         1.2,1,13,10,20000,1,30000,50,20000,110\n\
         1.3,3,10,100,20000,1,30000,50,20000,10\n\
         1.4,3,13,10,20000,1,30000,50,19900,60\n\
         1.5,4,11,20,19900,1,30000,50,19900,40\n\
         1.6,4,12,40,19900,1,30000,50,19800,1\n",
    );
    let orders: Vec<u64> =
        items.iter().filter_map(placed).filter(|order| order.4).map(|order| order.0).collect();
    assert_eq!(orders[..4], [10, 11, 12, 1], "before 13, which is younger");
    assert_eq!(agreement.inferred.named_orders, 2);
    assert_eq!((agreement.executions_at_terms, agreement.executions_with_maker), (2, 2));
    assert_eq!(agreement.executions_of_unseen, 2);
}

#[test]
fn a_maker_behind_another_order_is_never_moved_to_the_front() {
    // The recording breaks time priority: 11 trades although 10 came first.
    let (_, agreement) = reconstruct(
        "1.0,1,10,100,20000,1,30000,50,20000,100\n\
         1.1,1,11,100,20000,1,30000,50,20000,200\n\
         1.2,4,11,100,20000,1,30000,50,20000,100\n\
         1.3,4,10,100,20000,1,30000,50,19900,1\n",
    );
    assert_eq!((agreement.executions_at_terms, agreement.executions_with_maker), (2, 0));
    assert_eq!(agreement.deviations.len(), 2);
    assert_eq!(agreement.deviations[0].line, 4);
    assert_eq!(agreement.deviations[0].kind, flow::DeviationKind::Maker { instead: Some(10) });
}

#[test]
fn orders_better_than_the_recorded_best_left_unseen() {
    let (items, agreement) = reconstruct(
        "1.0,1,10,100,20000,1,30000,50,20000,100\n\
         1.1,1,11,10,20100,1,30000,50,20100,10\n\
         1.2,3,11,10,20100,1,30000,50,19900,7\n",
    );
    assert!(items.iter().any(|item| matches!(
        item.command,
        Command::Cancel { order: OrderRef::Client(id), .. } if id.0 == 10
    )));
    assert_eq!(agreement.inferred.cancels, 1);
    assert_eq!(agreement.quotes_in_the_end, 3);
}

#[test]
fn what_is_gone_is_taken_from_orders_that_no_message_needs() {
    // 10 is cancelled later and must stay; 11 is never heard of again; both hid behind 12.
    let (items, agreement) = reconstruct(
        "1.0,1,10,100,20000,1,30000,50,20000,100\n\
         1.1,1,11,30,20000,1,30000,50,20000,130\n\
         1.2,1,12,10,20100,1,30000,50,20100,10\n\
         1.3,3,12,10,20100,1,30000,50,20000,110\n\
         1.4,3,10,100,20000,1,30000,50,20000,10\n",
    );
    assert!(items.iter().any(|item| matches!(
        item.command,
        Command::Replace { order: OrderRef::Client(id), quantity: Quantity(10), .. } if id.0 == 11
    )));
    assert_eq!(agreement.inferred.reductions, 1);
    assert_eq!(agreement.quotes_in_the_end, 5);
    assert_eq!(agreement.unknown_cancels, 0);
}

#[test]
fn prices_that_are_not_whole_cents_get_a_finer_tick() {
    let read = |line: &str| Recording::read(format!("{HEADER}{line}").as_bytes()).unwrap().tick();
    assert_eq!(read("1.0,1,10,100,20000,1,30000,50,20000,100\n"), 100);
    assert_eq!(read("1.0,1,10,100,20050,1,30000,50,20050,100\n"), 50);
    assert_eq!(read("1.0,1,10,100,20001,1,30000,50,20001,100\n"), 1);
    // Hidden orders trade between ticks; that says nothing about the visible book.
    assert_eq!(read("1.0,5,0,100,20001,1,30000,50,20000,100\n"), 100);
}

#[test]
fn prices_beyond_any_market_are_refused() {
    let csv = format!("{HEADER}1.0,1,10,100,20001,1,4000000001,50,20001,100\n");
    assert!(matches!(
        Recording::read(csv.as_bytes()),
        Err(flow::FlowError::Lobster { line: 2, problem: flow::LobsterProblem::PriceTooHigh { .. } })
    ));
}

#[test]
fn contradictory_recordings_are_reconstructed_without_panic() {
    let (_, agreement) = reconstruct(
        "1.0,3,10,100,20000,1,30000,50,20000,100\n\
         1.0,4,10,900,20000,-1,30000,50,20000,100\n\
         1.0,1,10,5,40000,1,30000,50,20000,100\n\
         1.0,1,10,5,40000,-1,30000,50,20000,100\n\
         1.0,2,10,5,1,-1,9999999999,0,-9999999999,0\n\
         1.0,7,0,0,0,0,30000,50,20000,100\n",
    );
    assert_eq!(agreement.messages, 6);
}

/// The whole of the real recording, pinned: a change of any figure is a change of the reconstruction.
#[test]
fn the_recorded_day_agrees() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/amzn-2012-06-21-a.csv");
    let Ok(file) = File::open(&path) else {
        println!("SKIPPED: {} is not there", path.display());
        eprintln!("SKIPPED: {} is not there", path.display());
        return;
    };
    let recording = Recording::read(BufReader::new(file)).unwrap();
    assert_eq!(recording.tick(), 100);
    let mut flow = Reconstruction::new(recording);
    let commands = flow.by_ref().count();
    let agreement = flow.agreement();
    assert_eq!(commands, 26_371);
    let expected = Agreement {
        messages: 20_000,
        submissions: 9_926,
        reductions: 5,
        deletions: 6_750,
        executions: 2_657,
        hidden_executions: 662,
        other: 0,
        unknown_cancels: 1,
        executions_at_terms: 2_657,
        executions_of_unseen: 1_112,
        executions_with_maker: 2_642,
        quotes_at_once: 17_924,
        quotes_in_the_end: 20_000,
        unexpected_fills: 0,
        rejected: 0,
        inferred: Inferred { named_orders: 2_556, anonymous_orders: 494, cancels: 3_812, reductions: 118 },
        deviations: agreement.deviations.clone(),
    };
    assert_eq!(agreement, &expected);
    assert_eq!(agreement.deviations.len(), 15);
    assert!(agreement.maker_percent() > 99.4);
}
