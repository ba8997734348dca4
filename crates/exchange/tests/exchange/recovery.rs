//! Every way back from disk gives the state of an exchange that never stopped.

use std::fs;
use std::path::Path;

use exchange::{BatchPolicy, Config, Exchange, ExchangeError, Recovered, rebuild};
use journal::JournalError;
use types::AccountId;

use crate::kit::*;

const BATCH: u64 = 60;

fn settings(dir: &Path) -> Config {
    let mut config = flow_config(dir);
    config.batch.commands = BATCH;
    config.snapshot_every = 4;
    config
}

/// Batch files by name.
fn files(dir: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let named = |path: std::path::PathBuf| (path.file_name().unwrap().to_owned(), fs::read(path).unwrap());
    batch_files(dir).into_iter().map(named).collect()
}

fn snapshots(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir.join("snapshots")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "snapshot"));
    files.sort();
    files
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(path, bytes).unwrap();
}

#[test]
fn from_a_snapshot_from_the_journal_alone_and_past_a_damaged_snapshot_it_is_the_same_exchange() {
    let steps = signed_flow(11, 4_000);
    let never_stopped = directory();
    let (exchange, _) = Exchange::open(settings(never_stopped.path()), &flow_genesis(), |_| {}).unwrap();
    play(&exchange, &steps);
    exchange.shutdown().unwrap();
    let expected = files(never_stopped.path());
    let root = check_batches(never_stopped.path(), &flow_genesis()).last().unwrap().claim.state_root;

    // The image of a machine that loses power in the middle: everything acknowledged, a batch unfinished.
    let running = directory();
    let (exchange, _) = Exchange::open(settings(running.path()), &flow_genesis(), |_| {}).unwrap();
    let half = steps.len() / 2;
    play(&exchange, &steps[..half]);
    eventually("nothing but the unfinished batch is left", || {
        let stats = exchange.stats();
        stats.executed - stats.sealed < BATCH && snapshots(running.path()).len() == 2
    });
    let (position, nonce) = (exchange.stream(AccountId(2)), exchange.nonce(AccountId(2)));
    let unfinished = exchange.stats().executed - exchange.stats().sealed;
    assert!(unfinished > 0, "choose another half");
    let sealed = exchange.batches().len();
    // The newest snapshot may still be under way.
    std::thread::sleep(std::time::Duration::from_millis(200));

    type Way = (&'static str, fn(&Path), fn(&Recovered));
    let ways: [Way; 4] = [
        ("snapshot and journal", |_| {}, |found| assert!(found.snapshot_batch > 0)),
        (
            "journal alone",
            |dir| fs::remove_dir_all(dir.join("snapshots")).unwrap(),
            |found| assert_eq!(found.snapshot_batch, 0),
        ),
        (
            "the newest snapshot damaged",
            |dir| damage(snapshots(dir).last().unwrap()),
            |found| assert!(found.snapshot_batch > 0 && found.damaged_snapshots.len() == 1),
        ),
        (
            "all snapshots damaged, batches lost",
            |dir| {
                snapshots(dir).iter().for_each(|path| damage(path));
                fs::remove_dir_all(dir.join("batches")).unwrap();
            },
            |found| assert!(found.snapshot_batch == 0 && found.damaged_snapshots.len() == 2),
        ),
    ];
    for (name, harm, check) in ways {
        let image = directory();
        copy_directory(running.path(), image.path());
        harm(image.path());
        let mut told = Vec::new();
        let (exchange, recovered) =
            Exchange::open(settings(image.path()), &flow_genesis(), |count| told.push(count)).unwrap();
        check(&recovered);
        assert_eq!(recovered.last_sequence, steps[half - 1].commands.last().unwrap().sequence, "{name}");
        assert_eq!(told.last().copied().unwrap_or(0), recovered.replayed_commands, "{name}");
        assert_eq!(
            (exchange.stream(AccountId(2)), exchange.nonce(AccountId(2))),
            (position, nonce),
            "{name}"
        );
        assert_eq!(exchange.stats().executed - exchange.stats().sealed, unfinished, "{name}");
        play(&exchange, &steps[half..]);
        exchange.shutdown().unwrap();
        assert_eq!(files(image.path()), expected, "{name}");
        let (again, recovered) = Exchange::open(settings(image.path()), &flow_genesis(), |_| {}).unwrap();
        assert_eq!(recovered.state_root, root, "{name}");
        drop(again);
    }
    assert!(sealed > 8);
}

#[test]
fn an_unfinished_batch_found_at_the_start_is_sealed_by_time_without_a_new_command() {
    let running = directory();
    let exchange = open(running.path());
    set_up(&exchange);
    let image = directory();
    copy_directory(running.path(), image.path());
    let mut config = config(image.path());
    config.batch = BatchPolicy { commands: 1 << 40, interval: std::time::Duration::from_millis(30) };
    let (exchange, recovered) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    assert_eq!((recovered.replayed_commands, recovered.replayed_batches), (40, 0));
    eventually("the batch is sealed", || exchange.stats().sealed == 40);
    assert_eq!(exchange.stats().executed, 40);
}

#[test]
fn snapshots_let_the_journal_shrink_and_without_them_its_missing_beginning_is_named() {
    let dir = directory();
    let mut config = flow_config(dir.path());
    config.batch.commands = 50;
    config.snapshot_every = 1;
    config.max_bundle = 100;
    config.journal.segment_bytes = 64 << 10;
    config.journal.max_frame_bytes = 48 << 10;
    config.journal.max_record_bytes = 32 << 10;
    let (exchange, _) = Exchange::open(config.clone(), &flow_genesis(), |_| {}).unwrap();
    play(&exchange, &signed_flow(5, 6_000));
    exchange.shutdown().unwrap();
    assert_eq!(snapshots(dir.path()).len(), 2, "the newest and one older");
    let reader = journal::Reader::open(&dir.path().join("journal")).unwrap();
    assert!(reader.oldest_index() > 0, "the journal was truncated");
    drop(reader);
    let batches = check_batches(dir.path(), &flow_genesis());

    // The older snapshot serves as well.
    let image = directory();
    copy_directory(dir.path(), image.path());
    fs::remove_file(snapshots(image.path()).last().unwrap()).unwrap();
    let mut moved = config.clone();
    moved.data_dir = image.path().to_path_buf();
    let (exchange, recovered) = Exchange::open(moved, &flow_genesis(), |_| {}).unwrap();
    assert_eq!(recovered.state_root, batches.last().unwrap().claim.state_root);
    drop(exchange);

    fs::remove_dir_all(dir.path().join("snapshots")).unwrap();
    let error = Exchange::open(config, &flow_genesis(), |_| {}).err().unwrap();
    let named = matches!(error, ExchangeError::Journal(JournalError::MissingSegment { needed: 0, .. }));
    assert!(named, "{error}");
}

#[test]
fn snapshots_are_taken_even_if_every_batch_is_ended_by_a_session_change() {
    let dir = directory();
    let mut config = config(dir.path());
    config.snapshot_every = 3;
    config.batch.commands = 1 << 40;
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let account = AccountId(1);
    for session in 1..40 {
        let mut trader = Trader::join(&exchange, 1, session);
        let answer = done(&exchange, trader.signs(vec![random_command(&mut Random(session), session)]));
        assert_eq!(answer.batch, session);
        // The registration ends the batch early, and begins the next one.
        let answer = done(&exchange, owned(&exchange, account, register(account, session + 1)));
        assert_eq!(answer.batch, session + 1);
    }
    exchange.seal();
    eventually("a snapshot at the first group that ends with a batch", || !snapshots(dir.path()).is_empty());
    exchange.shutdown().unwrap();
    check_batches(dir.path(), &genesis());
}

#[test]
fn more_batches_than_the_process_may_have_files_open_are_sealed_before_a_snapshot() {
    let dir = directory();
    let mut config = config(dir.path());
    config.batch.commands = 1;
    let (exchange, _) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    set_up(&exchange);
    let mut trader = Trader::join(&exchange, 1, 1);
    for id in 1..1_500 {
        exchange.submit_waiting(trader.signs(vec![random_command(&mut Random(id), id)])).unwrap();
    }
    eventually("all are sealed", || exchange.stats().batches > 1_500 || exchange.fault().is_some());
    assert_eq!(exchange.fault(), None);
    let open = fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < 500, "{open} files are open");
}

#[test]
fn an_exchange_is_rebuilt_from_its_batches_alone() {
    let steps = signed_flow(12, 3_000);
    let lost = directory();
    let (exchange, _) = Exchange::open(settings(lost.path()), &flow_genesis(), |_| {}).unwrap();
    play(&exchange, &steps);
    let streams: Vec<_> =
        (0..8).map(|id| (exchange.stream(AccountId(id)), exchange.nonce(AccountId(id)))).collect();
    exchange.shutdown().unwrap();
    let batches = check_batches(lost.path(), &flow_genesis());

    let found = directory();
    let mut config = settings(found.path());
    // Records of a few commands, too.
    config.max_bundle = 7;
    let given = batches.iter().cloned().map(Ok::<_, ExchangeError>);
    assert_eq!(rebuild(&config, &flow_genesis(), given).unwrap(), batches.len() as u64);
    config.max_bundle = settings(found.path()).max_bundle;
    let (exchange, recovered) = Exchange::open(config.clone(), &flow_genesis(), |_| {}).unwrap();
    assert_eq!(recovered.state_root, batches.last().unwrap().claim.state_root);
    assert_eq!(recovered.replayed_batches, batches.len() as u64);
    let again: Vec<_> =
        (0..8).map(|id| (exchange.stream(AccountId(id)), exchange.nonce(AccountId(id)))).collect();
    assert_eq!(again, streams);
    exchange.shutdown().unwrap();
    assert_eq!(files(found.path()), files(lost.path()));

    let given = batches.iter().cloned().map(Ok::<_, ExchangeError>);
    let error = rebuild(&config, &flow_genesis(), given).unwrap_err();
    assert!(matches!(error, ExchangeError::NotEmpty { .. }), "{error}");
}

#[test]
fn an_exchange_is_rebuilt_from_true_batches_in_order_only() {
    let steps = signed_flow(13, 500);
    let lost = directory();
    let (exchange, _) = Exchange::open(settings(lost.path()), &flow_genesis(), |_| {}).unwrap();
    play(&exchange, &steps);
    exchange.shutdown().unwrap();
    let batches = check_batches(lost.path(), &flow_genesis());
    let mut forged = batches[1].clone();
    forged.input.authorisation.streams[0].1[5] ^= 1;
    let mut other_root = batches[1].clone();
    other_root.claim.state_root[0] ^= 1;
    let gap = [batches[0].clone(), batches[2].clone()];
    let twice = [batches[0].clone(), batches[0].clone()];
    for given in [gap, twice, [batches[0].clone(), forged], [batches[0].clone(), other_root]] {
        let found = directory();
        let given = given.into_iter().map(Ok::<_, ExchangeError>);
        let error = rebuild(&settings(found.path()), &flow_genesis(), given).unwrap_err();
        assert!(matches!(error, ExchangeError::Batch { number: 2, .. }), "{error}");
        // What came before is whole.
        let (exchange, recovered) = Exchange::open(settings(found.path()), &flow_genesis(), |_| {}).unwrap();
        assert_eq!(recovered.state_root, batches[0].claim.state_root);
        drop(exchange);
    }
}
