//! `kill -9` at random moments, over and over: no acknowledged command is lost, none is applied twice.
//!
//! The test starts its own binary with a directory in the environment; there it runs an exchange until it is killed,
//! and prints every acknowledged command.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use exchange::{BatchPolicy, Config, Exchange};
use rules::ModelStore;
use state::{FullTree, Sha256Hash, StateTree};
use transition::{CommandsBlob, EventsLog, Native, execute_batch, stream_digest, stream_start};
use types::{AccountId, ClientOrderId, Command, Origin, Place, Reader, Sequenced, Side, Timestamp};

use crate::kit::*;

const DIRECTORY: &str = "GLASSBOOK_KILL_LOOP";
const ACCOUNTS: u32 = 4;
const ROUNDS: usize = 24;
/// Lines on the child's standard output begin with this; the test harness prints too.
const MARK: &str = "@@";

fn settings(dir: &Path) -> Config {
    let mut config = config(dir);
    config.batch = BatchPolicy { commands: 200, interval: Duration::from_millis(15) };
    config.snapshot_every = 6;
    config.journal.segment_bytes = 64 << 20;
    config
}

/// The next command of an account. Its stream position is its client id; it never rests for long.
fn next_command(account: u32, position: u64) -> Command {
    let mut random = Random(position << 8 | u64::from(account));
    match random_command(&mut random, position) {
        // A client id is wanted in each.
        Command::Place(place) => Command::Place(place),
        _ => {
            let mut place = Place::limit(MARKET, Side::Buy, types::Price(1), types::Quantity(1));
            place.time_in_force = types::TimeInForce::Ioc;
            place.client_id = ClientOrderId(position);
            Command::Place(place)
        }
    }
}

/// The child: submits and prints until it is killed.
#[test]
fn the_process_that_is_killed() {
    let Some(dir) = std::env::var_os(DIRECTORY) else { return };
    let say = |line: String| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{MARK}{line}").and_then(|()| out.flush()).unwrap();
    };
    say("opening".into());
    let (exchange, recovered) = Exchange::open(settings(Path::new(&dir)), &genesis(), |_| {}).unwrap();
    if recovered.last_sequence == 0 {
        set_up(&exchange);
    }
    say(format!("open {} {}", recovered.last_sequence, recovered.replayed_commands));
    std::thread::scope(|scope| {
        for account in 1..=ACCOUNTS {
            let (exchange, say) = (&exchange, &say);
            scope.spawn(move || {
                let mut trader = Trader::join(exchange, account, 1);
                let mut random = Random(std::process::id().into());
                let mut under_way = std::collections::VecDeque::new();
                loop {
                    let first = trader.signer.stream().position + 1;
                    let count = 1 + random.below(8);
                    let commands = (first..first + count).map(|at| next_command(account, at)).collect();
                    let ticket = exchange.submit_waiting(trader.signs(commands)).unwrap();
                    under_way.push_back((ticket, first, count));
                    if under_way.len() > 3 {
                        let (ticket, first, count) = under_way.pop_front().unwrap();
                        let answer = ticket.wait().unwrap();
                        say(format!("ack {account} {first} {count} {}", answer.first_sequence));
                    }
                }
            });
        }
    });
}

#[derive(Default)]
struct Heard {
    /// Sequence number by account and client id.
    acknowledged: BTreeMap<(u32, u64), u64>,
    /// What each start found.
    opened: Vec<(u64, u64)>,
    before_open: bool,
}

fn listen(line: &str, heard: &Mutex<Heard>) {
    let mut heard = heard.lock().unwrap();
    // Other threads of the harness may have begun the line.
    let Some((_, line)) = line.split_once(MARK) else { return };
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    match words[0] {
        "opening" => heard.before_open = true,
        "open" => {
            heard.before_open = false;
            heard.opened.push((number(1), number(2)));
        }
        "ack" => {
            let (account, first, count, sequence) = (number(1) as u32, number(2), number(3), number(4));
            for place in 0..count {
                let before = heard.acknowledged.insert((account, first + place), sequence + place);
                assert_eq!(before, None, "acknowledged twice");
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn killed_at_random_moments_it_loses_nothing_acknowledged_and_repeats_nothing() {
    if std::env::var_os(DIRECTORY).is_some() {
        return;
    }
    // On a real disk.
    let dir = tempfile::TempDir::new().unwrap();
    let seed = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    eprintln!("seed {seed}");
    let mut random = Random(seed.into());
    let heard = Mutex::new(Heard::default());
    let (mut killed_in_recovery, start) = (0, Instant::now());
    for round in 0..ROUNDS {
        let mut child = Process::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill_loop::the_process_that_is_killed", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::scope(|scope| {
            scope.spawn(|| output.lines().map_while(Result::ok).for_each(|line| listen(&line, &heard)));
            // Every third time while it is still starting, as far as a few milliseconds can tell.
            let patience = match round % 3 {
                2 => 1 + random.below(40),
                _ => 150 + random.below(700),
            };
            std::thread::sleep(Duration::from_millis(patience));
            child.kill().unwrap();
            let mut errors = String::new();
            std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
            assert_eq!(child.wait().unwrap().code(), None, "it ended by itself: {errors}");
        });
        if std::mem::take(&mut heard.lock().unwrap().before_open) {
            killed_in_recovery += 1;
        }
    }
    let Heard { acknowledged, opened, .. } = heard.into_inner().unwrap();
    let replayed: u64 = opened.iter().map(|(_, replayed)| replayed).sum();
    eprintln!(
        "{ROUNDS} kills in {:?}, {killed_in_recovery} of them in recovery; {} commands acknowledged, {replayed} replayed",
        start.elapsed(),
        acknowledged.len(),
    );
    assert!(acknowledged.len() > 1_000, "too few to mean anything: {}", acknowledged.len());
    assert!(opened.len() >= ROUNDS / 2);
    assert!(opened.is_sorted_by_key(|(last, _)| *last), "what was there once stays: {opened:?}");

    let journaled = Journaled::read(&dir.path().join("journal"));
    check_acknowledged(&acknowledged, &journaled);
    check_streams(&journaled);
    let (root, batches) = journaled.execute();
    check_again(dir.path(), &journaled, root, batches);
}

/// The journal, read without the exchange.
struct Journaled {
    commands: Vec<Sequenced>,
    /// How many commands there were when a batch was ended.
    seals: Vec<usize>,
}

impl Journaled {
    fn read(dir: &Path) -> Self {
        let mut records = journal::Reader::open(dir).unwrap().read(0).unwrap();
        let (mut commands, mut seals) = (Vec::new(), Vec::new());
        let mut time = Timestamp(0);
        while let Some((_, bytes)) = records.next_record().unwrap() {
            let mut record = Reader::new(bytes);
            match record.byte("tag").unwrap() {
                0 => assert!(commands.is_empty()),
                1 => {
                    let (first, count) = (record.uint("first").unwrap(), record.uint("count").unwrap());
                    assert_eq!(first, commands.len() as u64 + 1);
                    record.uint("time").unwrap();
                    let length = record.uint("length").unwrap() as usize;
                    let mut bundle = Reader::new(record.raw(length, "commands").unwrap());
                    for _ in 0..count {
                        let sequence = commands.len() as u64 + 1;
                        let sequenced = Sequenced::decode(sequence, time, &mut bundle).unwrap();
                        time = sequenced.timestamp;
                        commands.push(sequenced);
                    }
                    assert_eq!(bundle.left(), 0);
                }
                2 => {
                    seals.push(commands.len());
                    assert_eq!(record.uint("batch").unwrap(), seals.len() as u64);
                }
                tag => panic!("{tag}"),
            }
        }
        Self { commands, seals }
    }

    /// An uninterrupted execution: the root after the last sealed batch, and their number.
    fn execute(&self) -> ([u8; 32], u64) {
        let mut tree = FullTree::<Sha256Hash>::new();
        transition::genesis(&mut tree, &genesis()).unwrap();
        let mut model = ModelStore::open(&genesis());
        let (mut start, mut time) = (0, Timestamp(0));
        for (number, end) in (1..).zip(&self.seals) {
            let commands = &self.commands[start..*end];
            let mut blob = CommandsBlob::new(number, start as u64 + 1, time);
            commands.iter().for_each(|command| blob.push(command));
            let log = EventsLog::root_only();
            // And the obvious store agrees.
            let mut compare = |sequenced: &Sequenced, outcome, events: &[types::Event]| {
                if sequenced.sequence <= 4_000 {
                    let mut expected = Vec::new();
                    let Ok(slow) = rules::execute(&mut model, sequenced, &mut |event| expected.push(event));
                    assert_eq!((outcome, events), (slow, &expected[..]), "{sequenced:?}");
                }
            };
            execute_batch::<_, Native>(&mut tree, &blob.finish(), None, log, &mut compare).unwrap();
            (start, time) = (*end, commands[commands.len() - 1].timestamp);
        }
        (tree.root(), self.seals.len() as u64)
    }
}

fn client_id(command: &Command) -> Option<u64> {
    match command {
        Command::Place(Place { client_id, .. }) => Some(client_id.0),
        _ => None,
    }
}

/// Every acknowledged command is there, where the acknowledgement said, and nowhere else.
fn check_acknowledged(acknowledged: &BTreeMap<(u32, u64), u64>, journaled: &Journaled) {
    let mut places: HashMap<(u32, u64), Vec<u64>> = HashMap::new();
    for command in journaled.commands.iter().filter(|command| command.origin == Origin::Session) {
        if let Some(id) = client_id(&command.command) {
            places.entry((command.account.0, id)).or_default().push(command.sequence);
        }
    }
    for (name, sequence) in acknowledged {
        assert_eq!(places.get(name), Some(&vec![*sequence]), "account {}, command {}", name.0, name.1);
    }
    for (name, places) in &places {
        assert_eq!(places.len(), 1, "{name:?} was sequenced more than once");
    }
}

/// Every account's commands are one stream without gap or repetition, each as it was signed.
fn check_streams(journaled: &Journaled) {
    for account in 1..=ACCOUNTS {
        let own = journaled.commands.iter();
        let own = own.filter(|command| command.account.0 == account && command.origin == Origin::Session);
        for (position, sequenced) in (1..).zip(own) {
            assert_eq!(sequenced.command, next_command(account, position), "account {account}");
        }
    }
}

/// Started once more, the exchange is where that execution is, and all its batches are true.
fn check_again(dir: &Path, journaled: &Journaled, root: [u8; 32], batches: u64) {
    let mut config = settings(dir);
    config.batch.interval = Duration::from_secs(3_600);
    let (exchange, recovered) = Exchange::open(config.clone(), &genesis(), |_| {}).unwrap();
    assert_eq!(recovered.last_sequence, journaled.commands.len() as u64);
    assert_eq!(recovered.state_root, root);
    for account in (1..=ACCOUNTS).map(AccountId) {
        let genesis = genesis();
        let mut stream = stream_start::<Sha256Hash>(genesis.chain_id, genesis.exchange, account, 1);
        let own = journaled.commands.iter();
        for sequenced in own.filter(|command| command.account == account && command.origin == Origin::Session)
        {
            let mut bytes = Vec::new();
            sequenced.command.encode(&mut bytes);
            stream.digest = stream_digest::<Sha256Hash>(&stream.digest, &bytes);
            stream.position += 1;
        }
        assert_eq!(exchange.stream(account), Some(stream));
        let mut trader = Trader::join(&exchange, account.0, 1);
        done(&exchange, trader.signs(vec![next_command(account.0, stream.position + 1)]));
    }
    exchange.shutdown().unwrap();
    let sealed = check_batches(dir, &genesis());
    assert_eq!(sealed[batches as usize - 1].claim.state_root, root);
    let published = published(&sealed);
    assert_eq!(published[..journaled.commands.len()], journaled.commands);
    assert_eq!(published.len(), journaled.commands.len() + ACCOUNTS as usize);

    // And so it is from the journal alone.
    std::fs::remove_dir_all(dir.join("snapshots")).unwrap();
    let (_exchange, recovered) = Exchange::open(config, &genesis(), |_| {}).unwrap();
    assert_eq!(recovered.state_root, sealed[sealed.len() - 1].claim.state_root);
}
