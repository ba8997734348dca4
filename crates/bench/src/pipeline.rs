//! The whole pipeline: signed submissions in, journal with fsync, engine, shadow, sealed batch files out.
//!
//! Market makers hand in their commands in bundles, one signature over the stream for each. Everything is made and
//! signed before the clock starts, since that is the traders' work.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use exchange::{BatchPolicy, Config, Exchange, Submission, Ticket};
use rules::{Capacity, Genesis, Store};
use serde::Serialize;
use transition::StreamSigner;
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, Command, Limits, MarketId, MarketParams,
    OperatorCommand, OrderId, OrderRef, Origin, Outcome, Place, Price, Quanta, Quantity, Rate, SelfTrade,
    Sequenced, SessionKey, Side, TimeInForce, Timestamp,
};

use crate::error::BenchError;
use crate::thread_cpu::ThreadCpu;
use crate::workload::SplitMix;

/// Market makers.
const MAKERS: u32 = 20;
/// Open orders a maker has before it begins to cancel.
const QUOTES: usize = 500;
const MARKET: MarketId = MarketId(0);
const MAX_PRICE: Price = Price(1 << 16);
/// Submissions under way before the oldest acknowledgement is waited for.
const UNDER_WAY: usize = 256;

/// Unsealed commands at most, to measure what can be sustained: three batches of 50,000, one to fill, one to execute, one to
/// seal.
pub const SUSTAINED: u64 = 150_000;
/// Unsealed commands at most, to measure how fast a burst is acknowledged.
pub const BURST: u64 = 1 << 20;

/// Commands before the clock starts: the rates are those of an exchange that has been running, whose memory has been used
/// before.
const WARM_UP: usize = 250_000;

/// What the pipeline did.
#[derive(Clone, Debug, Serialize)]
pub struct PipelineFigures {
    /// Commands.
    pub commands: u64,
    /// Commands a signature.
    pub bundle: usize,
    /// Commands a batch.
    pub batch: u64,
    /// Commands that could be let in and not yet sealed.
    pub max_lag: u64,
    /// Commands a second, durable and acknowledged.
    pub acknowledged_per_second: f64,
    /// Commands a second, sealed: executed a second time on the tree, compared, witnessed, written.
    pub sealed_per_second: f64,
    /// Open orders at the end.
    pub open_orders: u32,
    /// Group commits, each one fsync.
    pub commits: u64,
    /// Journal bytes a command.
    pub journal_bytes: f64,
    /// Published bytes a command.
    pub published_bytes: f64,
    /// Witness bytes a command.
    pub witness_bytes: f64,
    /// Tree hashes a command.
    pub tree_hashes: f64,
    /// Where the time goes: nanoseconds of a thread at work, a command.
    pub stages: Vec<(&'static str, f64)>,
    /// Nanoseconds of processor time a command, by thread; the submitting thread has the program's own name.
    pub threads: Vec<(String, f64)>,
}

/// Runs the pipeline on `commands` commands in bundles of `bundle`. With a `max_lag` below `commands` the rates are sustained:
/// nothing is let in faster than it is sealed. Above, they show how fast a burst is acknowledged.
///
/// # Errors
/// When there is no room for the journal, or the exchange stops.
pub fn measure_pipeline(
    seed: u64,
    commands: usize,
    bundle: usize,
    batch: u64,
    max_lag: u64,
) -> Result<PipelineFigures, BenchError> {
    let genesis = genesis();
    let (admin, funding) = setup();
    let (bundles, open_orders) = bundles(seed, WARM_UP + commands, bundle, &genesis, &admin, &funding);
    let dir = tempfile::tempdir().map_err(BenchError::Directory)?;
    let mut config = Config::new(dir.path());
    config.max_lag = max_lag;
    config.batch = BatchPolicy { commands: batch, interval: Duration::from_secs(10) };
    let (exchange, _) = Exchange::open(config, &genesis, |_| {})?;

    let operator = [(AccountId(0), admin)];
    for (account, commands) in operator {
        let (submission, _) = sign(signer(&exchange, account)?, account, commands);
        exchange.submit(submission)?.wait()?;
    }
    exchange.submit(Submission::L1 { entries: funding, timestamps: Vec::new() })?.wait()?;
    let mut signers = Vec::new();
    for account in 1..=MAKERS {
        signers.push(Some(signer(&exchange, AccountId(account))?));
    }
    let mut submissions = Vec::with_capacity(bundles.len());
    for (account, commands) in bundles {
        let slot = &mut signers[account.0 as usize - 1];
        let Some(signer) = slot.take() else { continue };
        let (submission, signer) = sign(signer, account, commands);
        *slot = Some(signer);
        submissions.push(submission);
    }
    let measured = submissions.split_off(WARM_UP.div_ceil(bundle).min(submissions.len()));
    play(&exchange, submissions)?;
    exchange.seal();
    settle(&exchange)?;
    let before = exchange.stats();
    let cpu = ThreadCpu::now();

    let start = Instant::now();
    play(&exchange, measured)?;
    let acknowledged = start.elapsed();
    exchange.seal();
    settle(&exchange)?;
    let sealed = start.elapsed();
    let threads = ThreadCpu::now().since(&cpu);

    let after = exchange.stats();
    let count = (after.executed - before.executed) as f64;
    let batches = exchange.batches();
    let measured = &batches[usize::try_from(before.batches).unwrap_or(0).min(batches.len())..];
    let a_command = |total: u64| total as f64 / count;
    let busy = |of: fn(&exchange::BusyNanos) -> u64| a_command(of(&after.busy_ns) - of(&before.busy_ns));
    let figures = PipelineFigures {
        commands: after.executed - before.executed,
        bundle,
        batch,
        max_lag,
        acknowledged_per_second: count / acknowledged.as_secs_f64(),
        sealed_per_second: count / sealed.as_secs_f64(),
        open_orders,
        commits: after.commits - before.commits,
        journal_bytes: a_command(after.journal_bytes - before.journal_bytes),
        published_bytes: a_command(measured.iter().map(|batch| batch.command_bytes).sum()),
        witness_bytes: a_command(measured.iter().map(|batch| batch.witness_bytes).sum()),
        tree_hashes: a_command(measured.iter().map(|batch| batch.hashes.total()).sum()),
        stages: vec![
            ("ingress: stream digests, signatures", busy(|busy| busy.ingress)),
            ("engine: sequence, execute, encode", busy(|busy| busy.engine)),
            ("journal: hash, write, fsync", busy(|busy| busy.journal)),
            ("acknowledgements and feeds", busy(|busy| busy.feeds)),
            ("shadow: execute on the tree, compare, root", busy(|busy| busy.shadow_execute)),
            ("shadow: witness and file", busy(|busy| busy.shadow_seal)),
        ],
        threads: threads.into_iter().map(|(name, nanos)| (name, a_command(nanos))).collect(),
    };
    exchange.shutdown()?;
    Ok(figures)
}

/// Hands submissions in, and waits until all are acknowledged.
fn play(exchange: &Exchange, submissions: Vec<Submission>) -> Result<(), BenchError> {
    let mut tickets = VecDeque::new();
    for submission in submissions {
        tickets.push_back(exchange.submit_waiting(submission)?);
        while tickets.len() > UNDER_WAY {
            let Some(ticket) = tickets.pop_front() else { break };
            Ticket::wait(ticket)?;
        }
    }
    for ticket in tickets {
        ticket.wait()?;
    }
    Ok(())
}

/// Waits until everything executed is sealed.
fn settle(exchange: &Exchange) -> Result<(), BenchError> {
    while exchange.stats().sealed < exchange.stats().executed {
        if let Some(fault) = exchange.fault() {
            return Err(exchange::ExchangeError::from(fault).into());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

fn key(account: AccountId) -> SigningKey {
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&account.0.to_be_bytes());
    SigningKey::from_bytes(&seed)
}

fn signer(exchange: &Exchange, account: AccountId) -> Result<StreamSigner, BenchError> {
    let stream = exchange.stream(account).ok_or(exchange::Refused::UnknownAccount { account })?;
    Ok(StreamSigner::new(account, key(account), stream))
}

fn sign(mut signer: StreamSigner, account: AccountId, commands: Vec<Command>) -> (Submission, StreamSigner) {
    for command in &commands {
        signer.push(command);
    }
    let signatures = vec![(account, signer.sign())];
    let commands = commands.into_iter().map(|command| (account, command)).collect();
    (Submission::Streams { commands, signatures, timestamps: Vec::new() }, signer)
}

fn genesis() -> Genesis {
    Genesis {
        chain_id: 1,
        exchange: Address([1; 20]),
        capacity: Capacity {
            accounts: MAKERS + 1,
            open_orders: 1 << 20,
            assets: 2,
            markets: 1,
            price_levels: MAX_PRICE.0,
        },
        operator: Address([2; 20]),
        operator_key: SessionKey(key(AccountId(0)).verifying_key().to_bytes()),
        operator_expires: Timestamp::NEVER,
    }
}

/// The operator's commands, then deposits and sessions.
fn setup() -> (Vec<Command>, Vec<(AccountId, Command)>) {
    let asset = |symbol| {
        Command::Operator(Box::new(OperatorCommand::ListAsset(AssetParams {
            token: Address::default(),
            quantum: 1,
            symbol,
        })))
    };
    let market = Command::Operator(Box::new(OperatorCommand::CreateMarket(MarketParams {
        base: AssetId(0),
        quote: AssetId(1),
        lot: 1_000,
        tick: 100,
        max_price: MAX_PRICE,
        maker_fee: Rate(-50),
        taker_fee: Rate(300),
        fee_account: AccountId(0),
        limits: Limits {
            max_quantity: Quantity(1_000_000),
            max_notional: Quanta(1 << 50),
            max_open_orders: 100_000,
            max_position: Quantity(1 << 40),
        },
        collar: 200_000,
        breaker: Breaker { band: 500_000, window: 60_000_000, halt: 0 },
        reference_price: Price(30_000),
    })));
    let mut funding = Vec::new();
    for account in (1..=MAKERS).map(AccountId) {
        for asset in [AssetId(0), AssetId(1)] {
            let deposit = Command::Deposit { owner: Address([3; 20]), asset, amount: Quanta(1 << 50) };
            funding.push((account, deposit));
        }
        let key = SessionKey(key(account).verifying_key().to_bytes());
        funding.push((account, Command::RegisterSession { key, expires: Timestamp::NEVER }));
    }
    (vec![asset(*b"BASE\0\0\0\0"), asset(*b"QUOTE\0\0\0"), market], funding)
}

/// Bundles of makers in turn: half adds, 42 % cancels of their own orders, 8 % crossings. A book runs along, to know the
/// order ids. Also how many orders are open in the end.
fn bundles(
    seed: u64,
    commands: usize,
    bundle: usize,
    genesis: &Genesis,
    admin: &[Command],
    funding: &[(AccountId, Command)],
) -> (Vec<(AccountId, Vec<Command>)>, u32) {
    let mut book = book::Book::new(genesis.capacity);
    let Ok(()) = rules::open(&mut book, genesis);
    let mut sequence = 0;
    let mut run = |book: &mut book::Book, account: AccountId, origin: Origin, command: &Command| {
        sequence += 1;
        let timestamp = Timestamp(sequence);
        let sequenced = Sequenced { sequence, timestamp, account, origin, command: command.clone() };
        let Ok(outcome) = rules::execute(book, &sequenced, &mut |_| {});
        outcome
    };
    admin.iter().for_each(|command| {
        run(&mut book, AccountId(0), Origin::Session, command);
    });
    funding.iter().for_each(|(account, command)| {
        run(&mut book, *account, Origin::L1(0), command);
    });
    let mut random = SplitMix(seed);
    let mut live: Vec<Vec<OrderId>> = vec![Vec::new(); MAKERS as usize];
    let mut mid = 30_000u32;
    let mut bundles = Vec::new();
    for _ in 0..commands.div_ceil(bundle) {
        let account = AccountId(1 + random.below(MAKERS.into()) as u32);
        let live = &mut live[account.0 as usize - 1];
        mid = mid + random.below(3) as u32 - 1;
        let mut list = Vec::with_capacity(bundle);
        for _ in 0..bundle {
            let dice = random.below(100);
            let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
            let mut cancel = None;
            while dice < 42 && live.len() > QUOTES && cancel.is_none() {
                let order = live.swap_remove(random.below(live.len() as u64) as usize);
                // Those that traded away meanwhile are not cancelled.
                let Ok(open) = book.find(account, MARKET, order);
                cancel = open.map(|_| order);
            }
            if let Some(order) = cancel {
                list.push(Command::Cancel { market: MARKET, order: OrderRef::Id(order) });
            } else {
                let crosses = dice >= 92;
                let depth = 1 + (random.below(8) * random.below(8) + random.below(4)) as u32;
                let price = match (side, crosses) {
                    (Side::Buy, false) => mid - depth,
                    (Side::Sell, false) => mid + depth,
                    (Side::Buy, true) => mid + 10,
                    (Side::Sell, true) => mid - 10,
                };
                let place = Place::limit(MARKET, side, Price(price), Quantity(1 + random.below(100)));
                list.push(Command::Place(if crosses {
                    Place { time_in_force: TimeInForce::Ioc, self_trade: SelfTrade::ExpireMaker, ..place }
                } else {
                    place
                }));
            }
            let command = &list[list.len() - 1];
            if let Outcome::Accepted(order) = run(&mut book, account, Origin::Session, command)
                && matches!(command, Command::Place(place) if place.time_in_force == TimeInForce::Gtc)
            {
                live.push(order);
            }
        }
        bundles.push((account, list));
    }
    (bundles, book.counters().open_orders)
}
