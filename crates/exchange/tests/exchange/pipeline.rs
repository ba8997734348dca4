//! From submissions to acknowledgements and sealed batches.

use std::sync::Mutex;
use std::time::Duration;

use exchange::{BatchPolicy, Exchange, ExchangeError, Refused, Submission};
use transition::{SealedBatch, SealedBatchError};
use types::{AccountId, Command, Outcome, Sequenced, Timestamp};

use crate::kit::*;

/// Everything that was acknowledged: who, what, and where it was sequenced.
type Acknowledged = Mutex<Vec<(u64, AccountId, Command)>>;

fn note(acknowledged: &Acknowledged, first: u64, commands: Vec<(AccountId, Command)>) {
    let numbered = (first..).zip(commands).map(|(sequence, (account, command))| (sequence, account, command));
    acknowledged.lock().unwrap().extend(numbered);
}

#[test]
fn threads_submit_and_every_command_is_sequenced_acknowledged_and_sealed_where_it_was_told() {
    let dir = directory();
    let mut config = config(dir.path());
    config.batch = BatchPolicy { commands: 250, interval: Duration::from_millis(20) };
    config.snapshot_every = 5;
    let (exchange, _) = Exchange::open(config.clone(), &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let first = exchange.stats().executed;
    let acknowledged = Acknowledged::default();
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let (exchange, acknowledged) = (&exchange, &acknowledged);
            scope.spawn(move || {
                let mut random = Random(u64::from(thread));
                let mut traders: Vec<Trader> =
                    (1..=3).map(|place| Trader::join(exchange, thread * 3 + place, 1)).collect();
                let mut waiting = Vec::new();
                let mut last = 0;
                let mut client_id = 0;
                for round in 0..300 {
                    // A single command, a bundle of one account, or one of three accounts.
                    let submission = match random.below(3) {
                        0 => {
                            let [one, two, three] = &mut traders[..] else { panic!() };
                            client_id += 1;
                            together(&mut [two, one, three], |_| random_command(&mut random, client_id))
                        }
                        _ => {
                            let count = if random.below(2) == 0 { 1 } else { 1 + random.below(20) };
                            let which = random.below(3) as usize;
                            let commands = (0..count)
                                .map(|_| {
                                    client_id += 1;
                                    random_command(&mut random, client_id)
                                })
                                .collect();
                            traders[which].signs(commands)
                        }
                    };
                    let Submission::Streams { commands, .. } = &submission else { panic!() };
                    let commands = commands.clone();
                    waiting.push((exchange.submit_waiting(submission).unwrap(), commands));
                    if round % 16 == 15 {
                        for (ticket, commands) in waiting.drain(..) {
                            let answer = ticket.wait().unwrap();
                            assert_eq!(answer.outcomes.len(), commands.len());
                            // In the order in which this thread submitted.
                            assert!(answer.first_sequence > last);
                            last = answer.first_sequence + commands.len() as u64 - 1;
                            note(acknowledged, answer.first_sequence, commands);
                        }
                    }
                }
                for (ticket, commands) in waiting {
                    note(acknowledged, ticket.wait().unwrap().first_sequence, commands);
                }
            });
        }
    });
    let stats = exchange.stats();
    let streams: Vec<_> = (0..=TRADERS).map(|account| exchange.stream(AccountId(account))).collect();
    exchange.shutdown().unwrap();

    let mut acknowledged = acknowledged.into_inner().unwrap();
    acknowledged.sort_by_key(|(sequence, ..)| *sequence);
    assert!(acknowledged.iter().map(|(sequence, ..)| *sequence).eq(first + 1..=stats.executed), "no gap");
    assert_eq!((stats.executed, stats.durable), (stats.durable, stats.executed));

    let batches = check_batches(dir.path(), &genesis());
    assert!(batches.len() > 10);
    let published = published(&batches);
    assert_eq!(published.len() as u64, stats.executed);
    for (sequence, account, command) in acknowledged {
        let Sequenced { sequence: found, account: whose, command: what, .. } =
            &published[sequence as usize - 1];
        assert_eq!((*found, *whose, what), (sequence, account, &command));
    }

    let (exchange, recovered) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    assert_eq!(recovered.last_sequence, stats.executed);
    assert_eq!(recovered.state_root, batches[batches.len() - 1].claim.state_root);
    assert!(
        recovered.snapshot_batch > 0 && recovered.damaged_snapshots.is_empty() && recovered.torn.is_none()
    );
    let again: Vec<_> = (0..=TRADERS).map(|account| exchange.stream(AccountId(account))).collect();
    assert_eq!(again, streams);
    let answer =
        done(&exchange, Trader::join(&exchange, 5, 1).signs(vec![random_command(&mut Random(1), 1 << 40)]));
    assert_eq!(answer.first_sequence, stats.executed + 1);
    exchange.shutdown().unwrap();
    assert_eq!(check_batches(dir.path(), &genesis()).len(), batches.len() + 1);
}

#[test]
fn hostile_flow_is_answered_as_by_the_obvious_store_and_seals_into_true_batches() {
    for (seed, commands, batch) in [(1, 3_000, 64), (2, 3_000, 1), (3, 6_000, 700)] {
        let dir = directory();
        let steps = signed_flow(seed, commands);
        let mut config = flow_config(dir.path());
        config.batch.commands = batch;
        config.snapshot_every = 3;
        let (exchange, _) = Exchange::open(config.clone(), &flow_genesis(), |_| {}).unwrap();
        play(&exchange, &steps);
        let nonces: Vec<_> = (0..20).map(|account| exchange.nonce(AccountId(account))).collect();
        let streams: Vec<_> = (0..20).map(|account| exchange.stream(AccountId(account))).collect();
        exchange.shutdown().unwrap();
        let batches = check_batches(dir.path(), &flow_genesis());
        let expected: Vec<Sequenced> = steps.iter().flat_map(|step| step.commands.clone()).collect();
        assert_eq!(published(&batches), expected, "seed {seed}");

        let (exchange, _) = Exchange::open(config, &flow_genesis(), |_| {}).unwrap();
        assert_eq!((0..20).map(|account| exchange.nonce(AccountId(account))).collect::<Vec<_>>(), nonces);
        assert_eq!((0..20).map(|account| exchange.stream(AccountId(account))).collect::<Vec<_>>(), streams);
    }
}

#[test]
fn a_batch_ends_by_count_by_time_by_request_and_never_empty() {
    let dir = directory();
    let mut settings = config(dir.path());
    settings.batch = BatchPolicy { commands: 10, interval: Duration::from_secs(3_600) };
    let (exchange, _) = Exchange::open(settings.clone(), &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    exchange.seal();
    eventually("the set-up is sealed", || exchange.stats().sealed == exchange.stats().executed);
    let before = exchange.stats().batches;
    exchange.seal();
    exchange.seal();
    let mut trader = Trader::join(&exchange, 1, 1);
    let command = |count: u64| (1..=count).map(|id| random_command(&mut Random(id), id)).collect::<Vec<_>>();
    // By count, and never in the middle of a submission.
    let answer = done(&exchange, trader.signs(command(25)));
    assert_eq!(answer.batch, before + 1);
    assert_eq!(done(&exchange, trader.signs(command(9))).batch, before + 2);
    assert_eq!(done(&exchange, trader.signs(command(2))).batch, before + 2);
    assert_eq!(done(&exchange, trader.signs(command(1))).batch, before + 3);
    exchange.shutdown().unwrap();
    let batches = check_batches(dir.path(), &genesis());
    assert_eq!(batches.len() as u64, before + 3, "no empty batch");
    let size = |batch: &SealedBatch| batch.claim.last_sequence + 1 - batch.claim.first_sequence;
    assert_eq!(batches[before as usize..].iter().map(size).collect::<Vec<_>>(), [25, 11, 1]);

    // By time.
    settings.batch = BatchPolicy { commands: 1 << 40, interval: Duration::from_millis(30) };
    let (exchange, _) = Exchange::open(settings, &genesis(), |_| {}).unwrap();
    done(&exchange, Trader::join(&exchange, 1, 1).signs(command(3)));
    eventually("the batch is sealed by time", || exchange.stats().sealed == 3);
}

#[test]
fn an_interval_beyond_all_time_means_never() {
    let dir = directory();
    let mut config = config(dir.path());
    config.batch = BatchPolicy { commands: 1 << 40, interval: Duration::MAX };
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    done(&exchange, Trader::join(&exchange, 1, 1).signs(vec![random_command(&mut Random(1), 1)]));
    assert_eq!((exchange.fault(), exchange.stats().batches), (None, 0));
    exchange.shutdown().unwrap();
    assert_eq!(check_batches(dir.path(), &genesis()).len(), 1);
}

#[test]
fn another_genesis_a_second_process_and_senseless_settings_are_refused_with_their_reason() {
    let dir = directory();
    let mut settings = config(dir.path());
    let exchange = open(dir.path());
    set_up(&exchange);
    let error = Exchange::open(settings.clone(), &genesis(), |_| {}).err().unwrap();
    let locked = matches!(error, ExchangeError::Journal(journal::JournalError::Locked { pid: Some(pid), .. })
        if pid == std::process::id());
    assert!(locked, "{error}");
    exchange.shutdown().unwrap();

    // By the journal's first record, then by a snapshot.
    settings.snapshot_every = 1;
    for snapshots in [false, true] {
        if snapshots {
            let (exchange, _) = Exchange::open(settings.clone(), &genesis(), |_| {}).unwrap();
            done(&exchange, Trader::join(&exchange, 1, 1).signs(vec![random_command(&mut Random(1), 1)]));
            exchange.shutdown().unwrap();
            assert!(dir.path().join("snapshots").read_dir().unwrap().count() > 0);
        }
        let mut others = [genesis(); 7];
        others[0].chain_id += 1;
        others[1].exchange.0[0] ^= 1;
        others[2].capacity.open_orders = 1;
        others[3].capacity.accounts = 2;
        others[4].operator.0[0] ^= 1;
        others[5].operator_key.0[0] ^= 1;
        others[6].operator_expires = Timestamp(5);
        for other in others {
            let directory = settings.clone();
            within(Duration::from_secs(20), move || {
                let error = Exchange::open(directory, &other, |_| {}).err().unwrap();
                assert!(matches!(error, ExchangeError::OtherExchange { .. }), "{error}");
                assert!(error.to_string().contains("holds another exchange"), "{error}");
            });
        }
        Exchange::open(settings.clone(), &genesis(), |_| {}).unwrap().0.shutdown().unwrap();
    }

    type Change = fn(&mut exchange::Config);
    let senseless: [(Change, &str); 8] = [
        (|config| config.queue = 0, "queue"),
        (|config| config.group = 0, "group"),
        (|config| config.max_withdrawals = 0, "max_withdrawals"),
        (|config| config.max_bundle = 0, "max_bundle"),
        (|config| config.feed_buffer = 0, "feed_buffer"),
        (|config| config.batch.commands = 0, "batch.commands"),
        (|config| config.snapshot_every = 0, "snapshot_every"),
        (|config| config.max_bundle = 1_100, "max_record_bytes"),
    ];
    for (change, what) in senseless {
        let mut config = settings.clone();
        change(&mut config);
        let error = Exchange::open(config, &genesis(), |_| {}).err().unwrap();
        assert!(matches!(&error, ExchangeError::Config { why } if why.contains(what)), "{error}");
    }
}

#[test]
fn the_largest_submission_fits_into_the_journal() {
    let dir = directory();
    let (exchange, _) = Exchange::open(config(dir.path()), &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let mut operator = Trader::join(&exchange, 0, 1);
    // The longest command there is, as often as a submission may hold one.
    let mut params = market_params();
    params.lot = u64::MAX;
    params.tick = u64::MAX;
    params.breaker.window = u64::MAX;
    params.breaker.halt = u64::MAX;
    let change = types::OperatorCommand::ChangeMarket { market: types::MarketId(u16::MAX), params };
    let answer = done(&exchange, operator.signs(vec![Command::Operator(change.into()); 500]));
    assert_eq!(answer.outcomes.len(), 500);
    assert!(answer.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Rejected(_))));
    exchange.shutdown().unwrap();
    check_batches(dir.path(), &genesis());
}

#[test]
fn dropping_an_exchange_finishes_seals_and_releases_it() {
    let dir = directory();
    let exchange = open(dir.path());
    set_up(&exchange);
    let mut trader = Trader::join(&exchange, 3, 1);
    let tickets: Vec<_> = (1..50)
        .map(|id| exchange.submit(trader.signs(vec![random_command(&mut Random(id), id)])).unwrap())
        .collect();
    let commands = exchange.stats();
    drop(exchange);
    assert!(tickets.into_iter().all(|ticket| ticket.wait().is_ok()), "{commands:?}");
    let batches = check_batches(dir.path(), &genesis());
    let exchange = open(dir.path());
    assert_eq!(exchange.stream(AccountId(3)).unwrap().position, 49);
    assert_eq!(published(&batches).len() as u64, 4 + u64::from(TRADERS) * 3 + 49);
}

#[test]
fn a_sealed_batch_file_that_was_changed_anywhere_is_not_taken_for_true() {
    let dir = directory();
    let exchange = open(dir.path());
    set_up(&exchange);
    exchange.shutdown().unwrap();
    let path = &batch_files(dir.path())[0];
    let bytes = std::fs::read(path).unwrap();
    let batch = SealedBatch::decode(&bytes).unwrap();
    assert_eq!(batch.encode(), bytes);
    let mut random = Random(4);
    for _ in 0..300 {
        let mut damaged = bytes.clone();
        damaged[random.below(bytes.len() as u64) as usize] ^= 1 << random.below(8);
        assert!(SealedBatch::decode(&damaged).is_err());
        let cut = random.below(bytes.len() as u64) as usize;
        assert!(SealedBatch::decode(&bytes[..cut]).is_err());
    }
    // With a right checksum, but another claim, or another signature.
    let mut lie = batch.clone();
    lie.claim.state_root[0] ^= 1;
    assert!(matches!(SealedBatch::decode(&lie.encode()).unwrap().verify(), Err(SealedBatchError::Claim)));
    let mut forged = batch;
    forged.input.authorisation.streams[0].1[0] ^= 1;
    assert!(matches!(forged.verify(), Err(SealedBatchError::Transition(_))));
}

#[test]
fn nothing_is_taken_after_the_end_and_nobody_waits_for_it() {
    let dir = directory();
    let exchange = open(dir.path());
    set_up(&exchange);
    let feed = exchange.subscribe(exchange::Topic::Trades(MARKET));
    assert!(feed.next().is_ok());
    let ticket =
        exchange.submit(Trader::join(&exchange, 1, 1).signs(vec![random_command(&mut Random(1), 1)]));
    exchange.shutdown().unwrap();
    assert!(ticket.unwrap().wait().is_ok());
    assert_eq!(feed.next().unwrap_err(), exchange::FeedError::Ended);
    let refused: Refused = Refused::ShuttingDown;
    assert_eq!(refused.to_string(), "shutting down");
}

#[test]
fn whoever_must_not_block_is_called_when_it_is_durable_and_not_at_all_when_it_is_refused() {
    let dir = directory();
    let exchange = open(dir.path());
    set_up(&exchange);
    let mut trader = Trader::join(&exchange, 1, 1);
    let (tell, told) = std::sync::mpsc::channel();
    let submission = trader.signs(vec![random_command(&mut Random(1), 1)]);
    let again = submission.clone();
    let before = exchange.stats().durable;
    let then = tell.clone();
    exchange.submit_then(submission, move |answer| drop(then.send(answer))).unwrap();
    let answer = told.recv_timeout(Duration::from_secs(20)).unwrap().unwrap();
    assert_eq!((answer.first_sequence, answer.outcomes.len()), (before + 1, 1));
    // The stream has moved on: the same signature does not fit again, and nobody is called.
    let refused = exchange.submit_then(again, move |answer| drop(tell.send(answer)));
    assert!(matches!(refused, Err(Refused::Signature { .. })));
    assert!(told.recv().is_err(), "dropped uncalled");
}
