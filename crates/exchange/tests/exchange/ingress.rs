//! What is let in, what is refused, and that a refusal costs nobody else anything.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use exchange::{BatchPolicy, Clock, DepthLevel, Exchange, Refused, Submission, Ticket, Topic};
use types::{AccountId, Command, OperatorCommand, Outcome, Quanta, Reject, Sequenced, SessionKey, Timestamp};

use crate::kit::*;

fn command(id: u64) -> Command {
    random_command(&mut Random(id), id)
}

/// A running exchange with traders, and its directory.
fn running() -> (tempfile::TempDir, Exchange) {
    let dir = directory();
    let exchange = open(dir.path());
    set_up(&exchange);
    (dir, exchange)
}

fn refused(exchange: &Exchange, submission: Submission) -> Refused {
    let before = (exchange.stats(), streams(exchange));
    let refused = exchange.submit(submission).unwrap_err();
    let mut after = (exchange.stats(), streams(exchange));
    after.0.busy_ns = before.0.busy_ns;
    assert_eq!(after, before, "{refused}");
    refused
}

fn streams(exchange: &Exchange) -> Vec<(Option<transition::Stream>, Option<u64>)> {
    (0..=TRADERS).map(AccountId).map(|id| (exchange.stream(id), exchange.nonce(id))).collect()
}

#[test]
fn wrong_missing_left_over_and_repeated_signatures_are_refused_without_a_trace() {
    let (dir, exchange) = running();
    let mut one = Trader::join(&exchange, 1, 1);
    let mut two = Trader::join(&exchange, 2, 1);
    let good = one.signs(vec![command(1), command(2)]);
    let Submission::Streams { commands, signatures, .. } = good.clone() else { panic!() };
    let with =
        |commands: &[(AccountId, Command)], signatures: &[(AccountId, [u8; 64])]| Submission::Streams {
            commands: commands.to_vec(),
            signatures: signatures.to_vec(),
            timestamps: Vec::new(),
        };
    let signature = |position| Refused::Signature { account: AccountId(1), position };

    for byte in 0..64 {
        let mut wrong = signatures.clone();
        wrong[0].1[byte] ^= 0x10;
        assert_eq!(refused(&exchange, with(&commands, &wrong)), signature(0));
    }
    assert_eq!(refused(&exchange, with(&commands, &[])), signature(0));
    // Of the right stream at another place; of another account; of another session.
    assert_eq!(refused(&exchange, with(&commands[..1], &signatures)), signature(0));
    assert_eq!(refused(&exchange, with(&commands[1..], &signatures)), signature(0));
    let theirs = two.signs(vec![command(1), command(2)]);
    let Submission::Streams { signatures: others, .. } = &theirs else { panic!() };
    assert_eq!(refused(&exchange, with(&commands, &[(AccountId(1), others[0].1)])), signature(0));
    let mut stranger = Trader::join(&exchange, 1, 2);
    assert_eq!(refused(&exchange, stranger.signs(vec![command(1)])), signature(0));
    // For another account's stream.
    let stolen: Vec<_> = commands.iter().map(|(_, command)| (AccountId(2), command.clone())).collect();
    let refusal = refused(&exchange, with(&stolen, &[(AccountId(2), signatures[0].1)]));
    assert_eq!(refusal, Refused::Signature { account: AccountId(2), position: 0 });
    // Left over, twice, unknown, without a session, nobody's.
    let left = [signatures[0], others[0]];
    assert_eq!(
        refused(&exchange, with(&commands, &left)),
        Refused::Signature { account: AccountId(2), position: 0 }
    );
    let twice = [signatures[0], signatures[0]];
    assert!(matches!(refused(&exchange, with(&commands, &twice)), Refused::Misplaced { .. }));
    let many: Vec<_> = (0..3).map(|account| (AccountId(account), [0; 64])).collect();
    assert!(matches!(refused(&exchange, with(&commands, &many)), Refused::Misplaced { .. }));
    let account = AccountId(4_000_000_000);
    let unknown = with(&[(account, command(1))], &[(account, [0; 64])]);
    assert_eq!(refused(&exchange, unknown), Refused::UnknownAccount { account });
    let account = AccountId(TRADERS + 1);
    done(&exchange, from_l1(vec![deposit(account, BASE, 5)]));
    let without = with(&[(account, command(1))], &[(account, [0; 64])]);
    assert_eq!(refused(&exchange, without.clone()), Refused::NoSession { account });
    let zero = Command::RegisterSession { key: SessionKey([0; 32]), expires: Timestamp::NEVER };
    done(&exchange, from_l1(vec![(account, zero)]));
    assert_eq!(refused(&exchange, without), Refused::NoSession { account });

    // The right one is taken, once.
    assert_eq!(done(&exchange, good.clone()).outcomes.len(), 2);
    assert_eq!(refused(&exchange, good), signature(2));
    done(&exchange, theirs);
    exchange.shutdown().unwrap();
    check_batches(dir.path(), &genesis());
}

#[test]
fn commands_have_their_place_and_submissions_their_size() {
    let (_dir, exchange) = running();
    let misplaced = |submission| {
        assert!(matches!(refused(&exchange, submission), Refused::Misplaced { .. }));
    };
    let account = AccountId(1);
    let (_, given) = deposit(account, BASE, 1);
    for wrong in [given, register(account, 2)] {
        misplaced(Trader::join(&exchange, 1, 1).signs(vec![wrong]));
    }
    let advance = Command::Operator(OperatorCommand::AdvanceTime.into());
    for wrong in [command(20), advance.clone()] {
        misplaced(from_l1(vec![deposit(account, BASE, 1), (account, wrong)]));
    }
    for (found, submission) in [
        (0, Trader::join(&exchange, 1, 1).signs(Vec::new())),
        (0, from_l1(Vec::new())),
        (501, Trader::join(&exchange, 1, 1).signs((1..=501).map(command).collect())),
        (501, from_l1(vec![deposit(account, BASE, 1); 501])),
    ] {
        assert_eq!(refused(&exchange, submission), Refused::Size { found, limit: 500 });
    }
    assert_eq!(
        done(&exchange, Trader::join(&exchange, 1, 1).signs((1..=500).map(command).collect())).outcomes.len(),
        500
    );
    // Not the operator: the rules say so, and it is proved.
    let answer = done(&exchange, Trader::join(&exchange, 2, 1).signs(vec![advance]));
    assert_eq!(answer.outcomes, [Outcome::Rejected(Reject::NotOperator)]);
}

#[test]
fn an_owner_signs_commands_one_by_one() {
    let (dir, exchange) = running();
    let account = AccountId(3);
    let withdraw = Command::Withdraw { asset: BASE, amount: Quanta(5) };
    let sign = |account, nonce, command: &Command| Submission::Owner {
        account,
        command: command.clone(),
        signature: owner_signature(&genesis(), account, nonce, command),
        timestamps: Vec::new(),
    };
    let first = sign(account, 0, &withdraw);
    let wrong = |submission, account, position| {
        assert_eq!(refused(&exchange, submission), Refused::Signature { account, position });
    };
    wrong(sign(account, 1, &withdraw), account, 0);
    let Submission::Owner { signature, .. } = first else { panic!() };
    let other = Command::Withdraw { asset: BASE, amount: Quanta(6) };
    wrong(Submission::Owner { account, command: other, signature, timestamps: Vec::new() }, account, 0);
    let stolen = Submission::Owner {
        account: AccountId(4),
        command: withdraw.clone(),
        signature,
        timestamps: Vec::new(),
    };
    wrong(stolen, AccountId(4), 0);
    for byte in 0..65 {
        let mut damaged = signature;
        damaged[byte] ^= 0x40;
        wrong(
            Submission::Owner {
                account,
                command: withdraw.clone(),
                signature: damaged,
                timestamps: Vec::new(),
            },
            account,
            0,
        );
    }
    let unknown = AccountId(77);
    assert_eq!(refused(&exchange, sign(unknown, 0, &withdraw)), Refused::UnknownAccount { account: unknown });

    // One after the other without waiting; rejected ones count too.
    let commands =
        [withdraw.clone(), deposit(account, BASE, 1).1, command(20), register(account, 2), withdraw];
    let tickets: Vec<_> = (0..)
        .zip(&commands)
        .map(|(nonce, command)| exchange.submit(sign(account, nonce, command)).unwrap())
        .collect();
    let outcomes: Vec<_> = tickets.into_iter().map(|ticket| ticket.wait().unwrap().outcomes[0]).collect();
    assert_eq!(outcomes[0], Outcome::Done);
    assert_eq!(outcomes[1], Outcome::Rejected(Reject::NotAuthorised));
    assert_eq!((exchange.nonce(account), outcomes.len()), (Some(5), 5));
    wrong(sign(account, 0, &commands[0]), account, 5);
    done(&exchange, Trader::join(&exchange, 3, 2).signs(vec![command(1)]));
    exchange.shutdown().unwrap();
    check_batches(dir.path(), &genesis());
}

/// Keeps the engine busy for some milliseconds.
fn heavy(trader: &mut Trader, id: &mut u64) -> Submission {
    let commands = (0..500).map(|_| {
        *id += 1;
        random_command(&mut Random(*id), *id)
    });
    trader.signs(commands.collect())
}

#[test]
fn a_session_that_changes_under_a_queued_submission_refuses_it_and_all_its_accounts_go_on() {
    let (dir, exchange) = running();
    let (a, b) = (AccountId(1), AccountId(2));
    let mut busy = Trader::join(&exchange, 3, 1);
    let mut id = 0;
    let mut caught = 0;
    for session in 1..=400 {
        let mut one = Trader::join(&exchange, 1, session);
        let mut two = Trader::join(&exchange, 2, 1);
        let heavy: Vec<_> =
            (0..4).map(|_| exchange.submit_waiting(heavy(&mut busy, &mut id)).unwrap()).collect();
        let change = exchange.submit_waiting(owned(&exchange, a, register(a, session + 1))).unwrap();
        let both = exchange.submit_waiting(together(&mut [&mut one, &mut two], |_| command(1)));
        // Built on it, of the other account, whose session does not change; and a second time.
        let follows: Vec<_> =
            (0..2).map(|at| exchange.submit_waiting(two.signs(vec![command(20 + at)]))).collect();
        heavy.into_iter().for_each(|ticket| assert!(ticket.wait().is_ok()));
        change.wait().unwrap();
        let both = both.and_then(|ticket| ticket.wait());
        let follows: Vec<_> =
            follows.into_iter().map(|answer| answer.and_then(|ticket| ticket.wait())).collect();
        let expected = exchange.stream(b).unwrap();
        match both {
            Err(Refused::SessionChanged { account }) => {
                caught += 1;
                assert_eq!(account, a);
                // What was signed on top of it cannot be executed without it.
                for follower in follows {
                    let lost = matches!(follower, Err(Refused::Signature { account, .. }) if account == b);
                    assert!(lost, "{follower:?}");
                }
            }
            // Too late or too early to meet: then the signature was checked under the new key.
            Err(Refused::Signature { .. }) => {}
            other => panic!("{other:?}"),
        }
        let mut two = Trader::join(&exchange, 2, 1);
        assert_eq!(two.signer.stream(), expected);
        done(&exchange, two.signs(vec![command(30)]));
        done(&exchange, Trader::join(&exchange, 1, session + 1).signs(vec![command(31)]));
        if caught == 10 {
            break;
        }
    }
    assert!(caught > 0, "no session changed in time");
    exchange.shutdown().unwrap();
    // The signatures of both are true: nothing that was refused is in anybody's stream.
    check_batches(dir.path(), &genesis());
    let exchange = open(dir.path());
    done(&exchange, Trader::join(&exchange, 2, 1).signs(vec![command(32)]));
    exchange.shutdown().unwrap();
    check_batches(dir.path(), &genesis());
}

#[test]
fn a_submission_refused_by_the_engine_leaves_streams_and_nonces_where_they_were() {
    let dir = directory();
    let config = exchange::Config { clock: Clock::Submission, ..config(dir.path()) };
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    let at = |mut submission: Submission, times: &[u64]| {
        let stated = times.iter().copied().map(Timestamp).collect();
        match &mut submission {
            Submission::Streams { timestamps, .. }
            | Submission::Owner { timestamps, .. }
            | Submission::L1 { timestamps, .. } => *timestamps = stated,
        }
        submission
    };
    let account = AccountId(1);
    let entries = vec![deposit(account, BASE, 1_000), (account, register(account, 1))];
    done(&exchange, at(from_l1(entries), &[100, 100]));
    let before = (exchange.stream(account), exchange.nonce(account));
    for times in [&[][..], &[99, 100], &[102, 101], &[100], &[100, 100, 100]] {
        let mut trader = Trader::join(&exchange, 1, 1);
        let submissions = [
            at(trader.signs(vec![command(1), command(2)]), times),
            // On top of the refused one: its time is right, its stream is not.
            at(trader.signs(vec![command(3)]), &[100]),
            at(trader.signs(vec![command(4)]), &[100]),
        ];
        // Ingress refuses those that come after the roll-back, the engine those before it: for the same reason.
        let tickets = submissions.map(|submission| exchange.submit(submission));
        let answers = tickets.map(|ticket| ticket.and_then(Ticket::wait).unwrap_err());
        assert_eq!(answers[0], Refused::Time);
        assert_eq!(
            answers[1..],
            [Refused::Signature { account, position: 0 }, Refused::Signature { account, position: 0 }]
        );
        let withdraw = Command::Withdraw { asset: BASE, amount: Quanta(1) };
        if times.len() != 1 {
            let late = at(owned(&exchange, account, withdraw), times);
            assert_eq!(exchange.submit(late).unwrap().wait(), Err(Refused::Time));
        }
        assert_eq!((exchange.stream(account), exchange.nonce(account)), before);
    }
    assert_eq!(exchange.stats().executed, 2);
    let mut trader = Trader::join(&exchange, 1, 1);
    done(&exchange, at(trader.signs(vec![command(1)]), &[100]));
    let withdraw = Command::Withdraw { asset: BASE, amount: Quanta(1) };
    done(&exchange, at(owned(&exchange, account, withdraw), &[100]));
    exchange.shutdown().unwrap();
    assert_eq!(published(&check_batches(dir.path(), &genesis())).len(), 4);
}

#[test]
fn beyond_the_downstream_limit_the_answer_is_busy_until_what_follows_has_caught_up() {
    let dir = directory();
    let mut config = config(dir.path());
    config.batch = BatchPolicy { commands: 10, interval: Duration::from_secs(3_600) };
    let (exchange, _) = Exchange::open(config.clone(), &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let mut trader = Trader::join(&exchange, 1, 1);
    for number in 1..=20 {
        done(&exchange, trader.signs(vec![command(number)]));
    }
    exchange.seal();
    eventually("all is sealed", || exchange.stats().sealed == exchange.stats().executed);
    exchange.shutdown().unwrap();

    // Without a report nothing is known to be taken: also after a restart.
    config.max_downstream_lag = 5;
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    let sealed = check_batches(dir.path(), &genesis()).last().unwrap().claim.last_sequence;
    let next = trader.signs(vec![command(21)]);
    assert_eq!(exchange.submit(next.clone()).unwrap_err(), Refused::BusyDownstream { waiting: sealed });
    exchange.taken_downstream(sealed - 6);
    assert_eq!(exchange.submit(next.clone()).unwrap_err(), Refused::BusyDownstream { waiting: 6 });
    exchange.taken_downstream(sealed - 5);
    // A report never goes back.
    exchange.taken_downstream(1);
    done(&exchange, next);
    exchange.shutdown().unwrap();
}

#[test]
fn beyond_the_lag_limit_the_answer_is_busy_and_nothing_is_lost() {
    let dir = directory();
    let mut config = config(dir.path());
    config.batch = BatchPolicy { commands: 1 << 40, interval: Duration::from_secs(3_600) };
    config.max_lag = 60;
    let (exchange, _) = Exchange::open(config.clone(), &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let mut trader = Trader::join(&exchange, 1, 1);
    let mut sent = 0;
    for round in 1..=5 {
        let busy = loop {
            let submission = trader.signs(vec![command(sent + 1), command(sent + 2)]);
            match exchange.submit(submission.clone()) {
                Ok(_) => sent += 2,
                Err(Refused::Busy { waiting }) => {
                    // What waits in the queue counts: the limit is not exceeded by more than a submission.
                    assert!((61..=62).contains(&waiting), "{waiting}");
                    break submission;
                }
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(exchange.stream(AccountId(1)).unwrap().position, sent);
        exchange.seal();
        eventually("the batch is sealed", || exchange.stats().sealed == exchange.stats().executed);
        assert_eq!(exchange.stats().batches, round);
        done(&exchange, busy);
        sent += 2;
    }
    // Whoever waits is let in as soon as there is room.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            for _ in 0..100 {
                let submission = trader.signs(vec![command(sent + 1)]);
                exchange.submit_waiting(submission).unwrap();
                sent += 1;
            }
        });
        eventually("all are let in", || {
            exchange.seal();
            waiting.is_finished()
        });
    });
    exchange.shutdown().unwrap();
    let batches = check_batches(dir.path(), &genesis());
    let count = published(&batches).len() as u64;
    assert_eq!(count, sent + 4 + u64::from(TRADERS) * 3);
}

#[test]
fn an_unfinished_batch_found_at_the_start_counts_against_the_lag_limit() {
    let (dir, exchange) = running();
    let image = directory();
    copy_directory(dir.path(), image.path());
    drop(exchange);
    let mut config = config(image.path());
    config.max_lag = 40;
    config.batch.commands = 1 << 40;
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    let mut trader = Trader::join(&exchange, 1, 1);
    let first = exchange.submit(trader.signs(vec![command(1)])).unwrap();
    first.wait().unwrap();
    let submission = trader.signs(vec![command(2)]);
    assert_eq!(exchange.submit(submission.clone()).unwrap_err(), Refused::Busy { waiting: 41 });
    exchange.seal();
    eventually("there is room", || exchange.submit(submission.clone()).is_ok());
}

#[test]
fn a_full_queue_is_busy_too_and_everything_is_executed_once() {
    let dir = directory();
    let mut config = config(dir.path());
    config.queue = 1;
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let busy = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for account in 1..=4 {
            let (exchange, busy) = (&exchange, &busy);
            scope.spawn(move || {
                let mut trader = Trader::join(exchange, account, 1);
                for id in 1..=200 {
                    let submission = trader.signs(vec![command(id), command(id + 1_000)]);
                    loop {
                        match exchange.submit(submission.clone()) {
                            Ok(_) => break,
                            Err(Refused::Busy { .. }) => busy.fetch_add(1, Ordering::Relaxed),
                            Err(other) => panic!("{other}"),
                        };
                    }
                }
            });
        }
    });
    assert!(busy.into_inner() > 0);
    exchange.shutdown().unwrap();
    assert_eq!(published(&check_batches(dir.path(), &genesis())).len(), 40 + 4 * 400);
}

#[test]
fn eight_threads_with_bundles_registrations_new_accounts_and_subscriptions_do_not_block_each_other() {
    within(Duration::from_secs(120), || {
        let dir = directory();
        let mut config = config(dir.path());
        config.queue = 8;
        config.max_lag = 2_000;
        config.batch = BatchPolicy { commands: 300, interval: Duration::from_millis(10) };
        config.snapshot_every = 4;
        config.feed_buffer = 64;
        let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
        set_up(&exchange);
        let stop = AtomicBool::new(false);
        let changed = AtomicU64::new(0);
        let (exchange_ref, stop_ref, changed_ref) = (&exchange, &stop, &changed);
        std::thread::scope(|scope| {
            let exchange = exchange_ref;
            let goes_on = move || !stop_ref.load(Ordering::Relaxed);
            // Bundles of the same accounts in different orders.
            for thread in 0..4u64 {
                scope.spawn(move || {
                    let mut random = Random(thread);
                    let mut id = 0;
                    while goes_on() {
                        let mut accounts = [1, 2, 3, 4];
                        for at in (1..4).rev() {
                            accounts.swap(at, random.below(at as u64 + 1) as usize);
                        }
                        // Sessions of account 1 change; the others race for each other's streams.
                        let mut traders: Vec<Trader> = accounts[..2 + random.below(3) as usize]
                            .iter()
                            .filter(|account| **account != 1 || thread == 0)
                            .map(|account| Trader::join(exchange, *account, 1))
                            .collect();
                        id += 1;
                        let submission = together(&mut traders.iter_mut().collect::<Vec<_>>(), |_| {
                            random_command(&mut random, id)
                        });
                        let answer = exchange
                            .submit_waiting(submission)
                            .and_then(|ticket| if id % 4 == 0 { ticket.wait().map(|_| ()) } else { Ok(()) });
                        match answer {
                            Ok(()) | Err(Refused::Signature { .. }) => {}
                            Err(Refused::SessionChanged { .. }) => {
                                changed_ref.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                });
            }
            // A heavy trader alone.
            scope.spawn(move || {
                let mut trader = Trader::join(exchange, 5, 1);
                let mut id = 0;
                while goes_on() {
                    exchange.submit_waiting(heavy(&mut trader, &mut id)).unwrap();
                }
            });
            // Sessions change, over and over.
            scope.spawn(move || {
                let mut session = 1;
                while goes_on() {
                    for account in [AccountId(1), AccountId(6)] {
                        let change = owned(exchange, account, register(account, session + 1));
                        exchange.submit_waiting(change).unwrap().wait().unwrap();
                    }
                    session += 1;
                    let mut trader = Trader::join(exchange, 6, session);
                    exchange.submit_waiting(trader.signs(vec![command(session)])).unwrap().wait().unwrap();
                }
            });
            // Accounts are opened.
            scope.spawn(move || {
                for account in (TRADERS + 1..500).map(AccountId) {
                    let entries = vec![deposit(account, BASE, 1_000), (account, register(account, 1))];
                    exchange.submit_waiting(from_l1(entries)).unwrap();
                    if account.0 % 16 == 0 || !goes_on() {
                        exchange.seal();
                    }
                    if !goes_on() {
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            // Subscribers come and go; many never read.
            scope.spawn(move || {
                let mut kept = std::collections::VecDeque::new();
                let mut random = Random(99);
                while goes_on() {
                    let topic = match random.below(5) {
                        0 => Topic::Executions(AccountId(random.below(10) as u32)),
                        1 => Topic::Trades(MARKET),
                        2 => Topic::Ticker(MARKET),
                        3 => Topic::Depth(MARKET, DepthLevel::L2),
                        _ => Topic::Depth(MARKET, DepthLevel::L3),
                    };
                    kept.push_back(exchange.subscribe(topic));
                    if kept.len() > 40 {
                        kept.pop_front();
                    }
                    let _ = exchange.stats();
                    let _ = exchange.batches().len();
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            std::thread::sleep(Duration::from_secs(3));
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!(exchange.fault(), None);
        exchange.shutdown().unwrap();
        let batches = check_batches(dir.path(), &genesis());
        assert!(batches.len() > 10);
    });
}

#[test]
fn no_batch_may_take_out_more_than_its_limit_not_even_one_that_a_restart_found_unfinished() {
    let (running, dir) = (directory(), directory());
    let mut config = config(running.path());
    config.batch = BatchPolicy { commands: 1 << 40, interval: Duration::from_secs(3_600) };
    config.max_withdrawals = 30;
    let (exchange, _) = Exchange::open(config.clone(), &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let withdraw = || Command::Withdraw { asset: BASE, amount: Quanta(1) };
    let withdraws = |count| vec![withdraw(); count];
    let mut trader = Trader::join(&exchange, 1, 1);
    // The traders' deposits count: there is room for six withdrawals.
    assert_eq!(done(&exchange, trader.signs(withdraws(5))).batch, 1);
    // What a machine that fails now leaves behind.
    copy_directory(running.path(), dir.path());
    config.data_dir = dir.path().to_path_buf();
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    let mut trader = Trader::join(&exchange, 1, 1);
    assert_eq!(done(&exchange, trader.signs(withdraws(1))).batch, 1);
    assert_eq!(done(&exchange, trader.signs(vec![command(1)])).batch, 1);
    assert_eq!(done(&exchange, trader.signs(withdraws(1))).batch, 2);
    assert_eq!(done(&exchange, trader.signs(withdraws(30))).batch, 3);
    assert_eq!(done(&exchange, from_l1(vec![deposit(AccountId(1), BASE, 1)])).batch, 4);
    let too_many = Refused::Withdrawals { found: 31, limit: 30 };
    assert_eq!(refused(&exchange, trader.signs(withdraws(31))), too_many);
    assert_eq!(refused(&exchange, from_l1(vec![deposit(AccountId(1), BASE, 1); 31])), too_many);
    exchange.shutdown().unwrap();
    for batch in check_batches(dir.path(), &genesis()) {
        let commands = published(&[batch]);
        let out = |command: &&Sequenced| {
            matches!(command.command, Command::Withdraw { .. } | Command::Deposit { .. })
        };
        assert!(commands.iter().filter(out).count() <= 30);
    }
}
