//! A planted disagreement, as no switch in production could plant it: the tests here start an exchange whose fast
//! book was altered behind the shadow's back.

use std::time::Duration;

use rules::Store;
use types::{AccountId, Command, Outcome, Place, Price, Quanta, Quantity, Reject, Side};

use crate::kit::*;
use crate::recovery;
use crate::{Disagreement, Exchange, Fault, Refused};
use transition::SealedBatch;

const RICH: AccountId = AccountId(1);

/// An exchange after its set-up, restarted with `alter` applied to its fast book.
fn altered(dir: &std::path::Path, alter: impl FnOnce(&mut book::Book)) -> Exchange {
    let exchange = open(dir);
    set_up(&exchange);
    exchange.shutdown().unwrap();
    let mut config = config(dir);
    config.batch.commands = 10;
    let mut parts = recovery::open(&config, &genesis(), &mut |_| {}).unwrap();
    alter(&mut parts.book);
    Exchange::start(config, &genesis(), parts).unwrap().0
}

fn add(book: &mut book::Book, lots: u64) {
    let Ok(balance) = book.balance(RICH, BASE);
    balance.free = Quanta(balance.free.0 + lots);
}

fn sell(lots: u64) -> Command {
    Command::Place(Place::limit(MARKET, Side::Sell, Price(900), Quantity(lots)))
}

fn fault(exchange: &Exchange) -> Fault {
    eventually("the shadow finds it", || exchange.fault().is_some());
    exchange.fault().unwrap()
}

#[test]
fn a_command_that_the_engine_wrongly_accepts_stops_sealing_and_is_named() {
    let dir = directory();
    let exchange = altered(dir.path(), |book| add(book, 5));
    let mut trader = Trader::join(&exchange, 1, 1);
    let mut other = Trader::join(&exchange, 2, 1);
    // Twelve batches on which both agree: whoever does not use what he does not have is treated rightly.
    for id in 1..=120 {
        done(&exchange, other.signs(vec![random_command(&mut Random(id), id)]));
    }
    let quiet = [sell(1), Command::MassCancel { market: None, side: None }];
    let first = done(&exchange, trader.signs(vec![quiet[0].clone(); 9])).batch;
    let wrong = done(
        &exchange,
        trader.signs(vec![quiet[1].clone(), quiet[1].clone(), sell(FUNDS + 5), quiet[0].clone()]),
    );
    assert!(matches!(wrong.outcomes[2], Outcome::Accepted(_)), "acknowledged before the shadow looked");
    assert_eq!(wrong.batch, first);

    let Fault::Disagreement(found) = fault(&exchange) else { panic!("{:?}", exchange.fault()) };
    let Disagreement { batch, command, engine, shadow } = &*found;
    assert_eq!((*batch, command.sequence, command.account), (wrong.batch, wrong.first_sequence + 2, RICH));
    assert_eq!(command.command, sell(FUNDS + 5));
    assert_eq!(engine.0, wrong.outcomes[2]);
    assert_eq!(*shadow, (Outcome::Rejected(Reject::InsufficientBalance), Vec::new()));
    let told = exchange.fault().unwrap().to_string();
    assert!(told.contains(&format!("batch {batch}, command {}", command.sequence)), "{told}");

    let refused = exchange.submit(other.signs(vec![sell(1)])).unwrap_err();
    assert_eq!(refused, Refused::Stopped(exchange.fault().unwrap()));
    let refused = exchange.submit_waiting(other.signs(vec![sell(1)])).unwrap_err();
    assert!(matches!(refused, Refused::Stopped(Fault::Disagreement(_))));
    exchange.seal();
    std::thread::sleep(Duration::from_millis(20));
    let reports = exchange.batches();
    assert_eq!(reports.last().map(|report| report.claim.batch), Some(batch - 1));
    let error = exchange.shutdown().unwrap_err();
    assert!(error.to_string().contains("disagrees"), "{error}");

    // What was sealed before is true; the batch in question was never written.
    let batches = check_batches(dir.path(), &genesis());
    assert_eq!(batches.len() as u64, batch - 1);
    assert!(batches.len() > 10);

    // The alteration was in memory only: a restart executes the journal anew, and both agree.
    let (exchange, recovered) = Exchange::open(config(dir.path()), &genesis(), |_| {}).unwrap();
    assert_eq!(recovered.last_sequence, wrong.first_sequence + 3);
    exchange.shutdown().unwrap();
    check_batches(dir.path(), &genesis());
}

#[test]
fn an_event_that_differs_under_the_same_outcome_is_a_disagreement_too() {
    let dir = directory();
    // The outcome says who was accepted; that the taker paid three times the fee, only the fill tells.
    let exchange = altered(dir.path(), |book| {
        let Ok(market) = book.market(MARKET);
        market.unwrap().params.taker_fee = types::Rate(900);
    });
    let mut maker = Trader::join(&exchange, 2, 1);
    let mut taker = Trader::join(&exchange, 3, 1);
    done(&exchange, maker.signs(vec![sell(1_000)]));
    let buy = Command::Place(Place::limit(MARKET, Side::Buy, Price(900), Quantity(1_000)));
    let answer = done(&exchange, taker.signs(vec![buy.clone()]));
    exchange.seal();
    let Fault::Disagreement(found) = fault(&exchange) else { panic!("{:?}", exchange.fault()) };
    assert_eq!((found.command.sequence, &found.command.command), (answer.first_sequence, &buy));
    assert_eq!(found.engine.0, found.shadow.0);
    assert_ne!(found.engine.1, found.shadow.1);
    drop(exchange);
    check_batches(dir.path(), &genesis());
}

#[test]
fn a_thread_that_panics_is_named_and_nobody_waits_for_it_forever() {
    within(Duration::from_secs(30), || {
        let dir = directory();
        let mut settings = config(dir.path());
        settings.queue = 2;
        let exchange = open(dir.path());
        set_up(&exchange);
        exchange.shutdown().unwrap();
        let mut parts = recovery::open(&settings, &genesis(), &mut |_| {}).unwrap();
        // There is no number for another command.
        parts.cursor.sequence = u64::MAX;
        let (exchange, _) = Exchange::start(settings, &genesis(), parts).unwrap();
        let mut trader = Trader::join(&exchange, 1, 1);
        let answer = exchange.submit(trader.signs(vec![sell(1)])).and_then(|ticket| ticket.wait());
        assert_eq!(answer, Err(Refused::Stopped(Fault::Panic("engine"))));
        for _ in 0..5 {
            let answer = exchange.submit_waiting(trader.signs(vec![sell(1)]));
            assert_eq!(answer.unwrap_err(), Refused::Stopped(Fault::Panic("engine")));
        }
        assert!(exchange.subscribe(crate::Topic::Trades(MARKET)).next().is_err());
        let error = exchange.shutdown().unwrap_err();
        assert!(error.to_string().contains("engine thread panicked"), "{error}");
        assert!(SealedBatch::read(&batch_files(dir.path())[0]).unwrap().verify().is_ok());
    });
}
