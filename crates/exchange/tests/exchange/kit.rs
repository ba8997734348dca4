//! What the tests have in common: keys, an exchange with a market and funded traders, signed flow, and the check of
//! everything that was sealed.

#![allow(dead_code, clippy::unwrap_used)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use k256::ecdsa::SigningKey as OwnerKey;
use rules::{Capacity, Genesis, ModelStore, OPERATOR, Store, execute, model_flow};
use state::{FullTree, Sha256Hash, StateTree};
use tempfile::TempDir;
use transition::{CommandsHeader, Crypto, Native, SealedBatch, StreamSigner, owner_digest, stream_start};
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, ClientOrderId, Command, Event, Limits, MarketId,
    MarketParams, OperatorCommand, OrderRef, Origin, Outcome, Place, Price, Quanta, Quantity, Rate, Reader,
    Sequenced, SessionKey, Side, TimeInForce, Timestamp,
};

use crate::under_test::{Acknowledgement, BatchPolicy, Clock, Config, Exchange, Submission, Ticket};

pub const MARKET: MarketId = MarketId(0);
pub const BASE: AssetId = AssetId(0);
pub const QUOTE: AssetId = AssetId(1);
/// Traders that [`set_up`] opens accounts for, numbered from one.
pub const TRADERS: u32 = 12;
pub const FUNDS: u64 = 1 << 50;

/// A directory in memory where there is one.
pub fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// The key of an account's session with this number; the first session has number one.
pub fn session_key(account: AccountId, number: u64) -> SigningKey {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&account.0.to_le_bytes());
    bytes[4..12].copy_from_slice(&number.to_le_bytes());
    SigningKey::from_bytes(&bytes)
}

pub fn public(account: AccountId, number: u64) -> SessionKey {
    SessionKey(session_key(account, number).verifying_key().to_bytes())
}

fn owner_key(account: AccountId) -> OwnerKey {
    let mut bytes = [9; 32];
    bytes[..4].copy_from_slice(&account.0.to_le_bytes());
    OwnerKey::from_slice(&bytes).unwrap()
}

pub fn owner(account: AccountId) -> Address {
    let point = owner_key(account).verifying_key().to_encoded_point(false);
    let hash = Native::keccak256(&point.as_bytes()[1..]);
    Address(*hash.last_chunk().unwrap())
}

pub fn owner_signature(genesis: &Genesis, account: AccountId, nonce: u64, command: &Command) -> [u8; 65] {
    let mut bytes = Vec::new();
    command.encode(&mut bytes);
    let digest = owner_digest::<Native>(genesis.chain_id, genesis.exchange, account, nonce, &bytes);
    let (signature, recovery) = owner_key(account).sign_prehash_recoverable(&digest).unwrap();
    let mut out = [0; 65];
    out[..64].copy_from_slice(&signature.to_bytes());
    out[64] = recovery.to_byte();
    out
}

pub fn genesis() -> Genesis {
    Genesis {
        chain_id: 31_337,
        exchange: Address([0xee; 20]),
        capacity: Capacity { accounts: 512, open_orders: 8_192, assets: 3, markets: 2, price_levels: 4_000 },
        operator: owner(OPERATOR),
        operator_key: public(OPERATOR, 1),
        operator_expires: Timestamp::NEVER,
    }
}

/// Small batches by count, none by time, one journal segment, no snapshots.
pub fn config(dir: &Path) -> Config {
    Config {
        batch: BatchPolicy { commands: 100, interval: Duration::from_secs(3_600) },
        queue: 256,
        max_bundle: 500,
        feed_buffer: 1 << 20,
        snapshot_every: 1 << 40,
        journal: journal::Options {
            segment_bytes: 8 << 20,
            max_frame_bytes: 1 << 20,
            max_record_bytes: 256 << 10,
            preallocate_ahead: false,
            ..journal::Options::default()
        },
        ..Config::new(dir)
    }
}

pub fn open(dir: &Path) -> Exchange {
    Exchange::open(config(dir), &genesis(), |_| {}).unwrap().0
}

/// One trader's session.
pub struct Trader {
    pub account: AccountId,
    pub signer: StreamSigner,
}

impl Trader {
    /// Goes on where the exchange saw the stream of this session.
    pub fn join(exchange: &Exchange, account: u32, session: u64) -> Self {
        let account = AccountId(account);
        let stream = exchange.stream(account).unwrap();
        Self { account, signer: StreamSigner::new(account, session_key(account, session), stream) }
    }

    pub fn signs(&mut self, commands: Vec<Command>) -> Submission {
        for command in &commands {
            self.signer.push(command);
        }
        Submission::Streams {
            commands: commands.into_iter().map(|command| (self.account, command)).collect(),
            signatures: vec![(self.account, self.signer.sign())],
            timestamps: Vec::new(),
        }
    }
}

/// One submission of several traders, a command each.
pub fn together(traders: &mut [&mut Trader], mut command: impl FnMut(AccountId) -> Command) -> Submission {
    let commands: Vec<(AccountId, Command)> =
        traders.iter().map(|trader| (trader.account, command(trader.account))).collect();
    let mut signatures = Vec::new();
    for (trader, (_, command)) in traders.iter_mut().zip(&commands) {
        trader.signer.push(command);
        signatures.push((trader.account, trader.signer.sign()));
    }
    Submission::Streams { commands, signatures, timestamps: Vec::new() }
}

pub fn owned(exchange: &Exchange, account: AccountId, command: Command) -> Submission {
    let nonce = exchange.nonce(account).unwrap();
    let signature = owner_signature(&genesis(), account, nonce, &command);
    Submission::Owner { account, command, signature, timestamps: Vec::new() }
}

pub fn from_l1(entries: Vec<(AccountId, Command)>) -> Submission {
    Submission::L1 { entries, timestamps: Vec::new() }
}

pub fn deposit(account: AccountId, asset: AssetId, amount: u64) -> (AccountId, Command) {
    (account, Command::Deposit { owner: owner(account), asset, amount: Quanta(amount) })
}

pub fn register(account: AccountId, session: u64) -> Command {
    Command::RegisterSession { key: public(account, session), expires: Timestamp::NEVER }
}

pub fn done(exchange: &Exchange, submission: Submission) -> Acknowledgement {
    exchange.submit_waiting(submission).unwrap().wait().unwrap()
}

pub fn market_params() -> MarketParams {
    MarketParams {
        base: BASE,
        quote: QUOTE,
        lot: 1,
        tick: 1,
        max_price: Price(1_000),
        maker_fee: Rate(-100),
        taker_fee: Rate(300),
        fee_account: OPERATOR,
        limits: Limits::NONE,
        collar: 0,
        breaker: Breaker { band: 0, window: 0, halt: 0 },
        reference_price: Price(500),
    }
}

/// Two assets, two markets, funded traders with their first sessions.
pub fn set_up(exchange: &Exchange) {
    let mut operator = Trader::join(exchange, 0, 1);
    let assets = [1, 2].map(|number| {
        let params = AssetParams { token: Address([number; 20]), quantum: 1, symbol: [b'A' + number; 8] };
        OperatorCommand::ListAsset(params)
    });
    let markets = [(); 2].map(|()| OperatorCommand::CreateMarket(market_params()));
    let commands = assets.into_iter().chain(markets).map(|command| Command::Operator(command.into()));
    let answer = done(exchange, operator.signs(commands.collect()));
    assert_eq!(answer.outcomes, [Outcome::Done; 4]);
    let mut entries = Vec::new();
    for account in (1..=TRADERS).map(AccountId) {
        entries.push(deposit(account, BASE, FUNDS));
        entries.push(deposit(account, QUOTE, FUNDS));
        entries.push((account, register(account, 1)));
    }
    done(exchange, from_l1(entries));
}

/// A generator good enough for tests.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * u128::from(bound)) >> 64) as u64
    }
}

/// A trader's random command: orders around the middle, crossing ones, cancellations by client id.
pub fn random_command(random: &mut Random, client_id: u64) -> Command {
    let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
    let market = MarketId(random.below(2) as u16);
    let offset = random.below(20) as u32;
    let price =
        Price(if (side == Side::Buy) == (random.below(4) == 0) { 500 + offset } else { 500 - offset });
    let mut place = Place::limit(market, side, price, Quantity(1 + random.below(30)));
    place.client_id = ClientOrderId(client_id);
    match random.below(20) {
        0 => return Command::MassCancel { market: None, side: Some(side) },
        1..7 => {
            let order =
                OrderRef::Client(ClientOrderId(client_id.saturating_sub(1 + random.below(30)).max(1)));
            return Command::Cancel { market, order };
        }
        7..10 => {
            let order =
                OrderRef::Client(ClientOrderId(client_id.saturating_sub(1 + random.below(30)).max(1)));
            let quantity = Quantity(1 + random.below(30));
            let left = quantity.0.is_multiple_of(2).then_some(Quantity(20));
            return Command::Replace { market, order, price, quantity, left };
        }
        10..13 => place.time_in_force = TimeInForce::Ioc,
        _ => {}
    }
    Command::Place(place)
}

/// The root of the tree before the first batch.
pub fn genesis_root(genesis: &Genesis) -> [u8; 32] {
    let mut tree = FullTree::<Sha256Hash>::new();
    transition::genesis(&mut tree, genesis).unwrap();
    tree.root()
}

pub fn batch_files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir.join("batches")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "batch"));
    files.sort();
    files
}

/// Every sealed batch file: reads back, is true, and follows the one before.
pub fn check_batches(dir: &Path, genesis: &Genesis) -> Vec<SealedBatch> {
    let mut root = genesis_root(genesis);
    let (mut sequence, mut position, mut time) = (0, 0, Timestamp(0));
    let mut batches = Vec::new();
    for (number, path) in (1..).zip(batch_files(dir)) {
        let batch = SealedBatch::read(&path).unwrap();
        batch.verify().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let claim = &batch.claim;
        assert_eq!((claim.chain_id, claim.exchange), (genesis.chain_id, genesis.exchange));
        assert_eq!(claim.batch, number);
        assert_eq!(claim.previous_root, root, "batch {number}");
        assert_eq!(claim.first_sequence, sequence + 1, "batch {number}");
        assert!(claim.last_sequence >= claim.first_sequence);
        assert!(claim.l1_position >= position && claim.timestamp >= time);
        (root, sequence) = (claim.state_root, claim.last_sequence);
        (position, time) = (claim.l1_position, claim.timestamp);
        batches.push(batch);
    }
    batches
}

/// The commands of sealed batches, in order.
pub fn published(batches: &[SealedBatch]) -> Vec<Sequenced> {
    let mut commands = Vec::new();
    for batch in batches {
        let mut reader = Reader::new(&batch.input.commands);
        let header = CommandsHeader::decode(&mut reader).unwrap();
        let (mut sequence, mut time) = (header.first_sequence, header.previous_timestamp);
        while reader.left() > 0 {
            let sequenced = Sequenced::decode(sequence, time, &mut reader).unwrap();
            (sequence, time) = (sequence + 1, sequenced.timestamp);
            commands.push(sequenced);
        }
    }
    commands
}

/// A submission of recorded flow, and what must come of it.
#[derive(Clone)]
pub struct Step {
    pub submission: Submission,
    pub commands: Vec<Sequenced>,
    pub expected: Vec<(Outcome, Vec<Event>)>,
}

/// The genesis that [`signed_flow`] is for.
pub fn flow_genesis() -> Genesis {
    Genesis { operator: owner(OPERATOR), operator_key: public(OPERATOR, 1), ..model_flow::genesis() }
}

pub fn flow_config(dir: &Path) -> Config {
    Config { clock: Clock::Submission, ..config(dir) }
}

/// The hostile flow of the rules' tests, in bundles of random size, signed with keys that exist. What ingress would
/// not let through is left out.
pub fn signed_flow(seed: u64, commands: usize) -> Vec<Step> {
    let genesis = flow_genesis();
    let mut random = Random(seed);
    let mut model = ModelStore::open(&genesis);
    let mut signers: HashMap<AccountId, StreamSigner> = HashMap::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut sequence = 0;
    let mut position = 0;
    let mut room = 0;
    for mut sequenced in model_flow::flow(seed, commands) {
        let account = sequenced.account;
        let Ok(known) = model.account(account).map(|known| known.map(|known| *known));
        let admissible = match (sequenced.origin, &sequenced.command) {
            (
                Origin::L1(_),
                Command::Deposit { .. }
                | Command::Withdraw { .. }
                | Command::MassCancel { .. }
                | Command::RegisterSession { .. },
            ) => true,
            (Origin::L1(_), _) => false,
            (Origin::Session, Command::Deposit { .. } | Command::RegisterSession { .. }) => false,
            (Origin::Session, _) => known.is_some_and(|known| known.sessions > 0),
            (Origin::Owner, _) => known.is_some(),
        };
        if !admissible {
            continue;
        }
        let session = known.map_or(0, |known| known.sessions);
        match &mut sequenced.command {
            Command::Deposit { owner: depositor, .. } if *depositor == model_flow::owner(account) => {
                *depositor = owner(account);
            }
            Command::RegisterSession { key, .. } => *key = public(account, session + 1),
            _ => {}
        }
        if let Origin::L1(at) = &mut sequenced.origin {
            *at = position;
            position += 1;
        }
        sequence += 1;
        sequenced.sequence = sequence;
        let mut events = Vec::new();
        let Ok(outcome) = execute(&mut model, &sequenced, &mut |event| events.push(event));

        let signature = match sequenced.origin {
            Origin::Session => {
                let signer = signers.entry(account).or_insert_with(|| {
                    let (chain_id, exchange) = (genesis.chain_id, genesis.exchange);
                    let start = stream_start::<Sha256Hash>(chain_id, exchange, account, session);
                    StreamSigner::new(account, session_key(account, session), start)
                });
                signer.push(&sequenced.command);
                Some(signer.sign())
            }
            _ => None,
        };
        if matches!(sequenced.command, Command::RegisterSession { .. }) {
            signers.remove(&account);
        }
        let nonce = known.map_or(0, |known| known.nonce);
        append(&mut steps, &mut room, &mut random, &genesis, &sequenced, signature, nonce);
        let step = steps.last_mut().unwrap();
        step.commands.push(sequenced);
        step.expected.push((outcome, events));
    }
    steps
}

/// Adds a command to the last submission, or to a new one.
fn append(
    steps: &mut Vec<Step>,
    room: &mut u64,
    random: &mut Random,
    genesis: &Genesis,
    sequenced: &Sequenced,
    signature: Option<[u8; 64]>,
    nonce: u64,
) {
    let Sequenced { account, command, timestamp, .. } = sequenced.clone();
    match (steps.last_mut().map(|step| &mut step.submission), sequenced.origin) {
        (Some(Submission::Streams { commands, signatures, timestamps }), Origin::Session) if *room > 0 => {
            commands.push((account, command));
            timestamps.push(timestamp);
            signatures.retain(|(signer, _)| *signer != account);
            signatures.extend(signature.map(|signature| (account, signature)));
            *room -= 1;
            return;
        }
        (Some(Submission::L1 { entries, timestamps }), Origin::L1(_)) if *room > 0 => {
            entries.push((account, command));
            timestamps.push(timestamp);
            *room -= 1;
            return;
        }
        _ => {}
    }
    *room = if random.below(3) == 0 { 0 } else { random.below(40) };
    let timestamps = vec![timestamp];
    let submission = match sequenced.origin {
        Origin::Session => Submission::Streams {
            commands: vec![(account, command)],
            signatures: signature.map(|signature| (account, signature)).into_iter().collect(),
            timestamps,
        },
        Origin::L1(_) => Submission::L1 { entries: vec![(account, command)], timestamps },
        Origin::Owner => {
            let signature = owner_signature(genesis, account, nonce, &command);
            Submission::Owner { account, command, signature, timestamps }
        }
    };
    steps.push(Step { submission, commands: Vec::new(), expected: Vec::new() });
}

/// Plays flow and checks every acknowledgement. Waits where a new session must be known before it is used.
pub fn play(exchange: &Exchange, steps: &[Step]) {
    let mut under_way = Vec::new();
    let settle = |under_way: &mut Vec<(Ticket, &Step)>| {
        for (ticket, step) in under_way.drain(..) {
            let answer = ticket.wait().unwrap();
            assert_eq!(answer.first_sequence, step.commands[0].sequence);
            assert_eq!(Some(answer.timestamp), step.commands.last().map(|command| command.timestamp));
            let expected: Vec<Outcome> = step.expected.iter().map(|(outcome, _)| *outcome).collect();
            assert_eq!(answer.outcomes, expected);
        }
    };
    for step in steps {
        under_way.push((exchange.submit_waiting(step.submission.clone()).unwrap(), step));
        let changes = |command: &Sequenced| {
            matches!(command.command, Command::RegisterSession { .. } | Command::Deposit { .. })
        };
        if under_way.len() > 64 || step.commands.iter().any(changes) {
            settle(&mut under_way);
        }
    }
    settle(&mut under_way);
}

/// Waits for something that must come soon.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited a minute for: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs a test on a thread of its own, and aborts everything when it hangs.
pub fn within(time: Duration, test: impl FnOnce() + Send + 'static) {
    let (finished, wait) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        let _ = finished.send(());
    });
    if wait.recv_timeout(time) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        eprintln!("a deadlock: nothing for {time:?}");
        std::process::abort();
    }
    thread.join().unwrap();
}

pub fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Accounts named in commands, once each.
pub fn accounts_of(steps: &[Step]) -> HashSet<AccountId> {
    steps.iter().flat_map(|step| &step.commands).map(|command| command.account).collect()
}
