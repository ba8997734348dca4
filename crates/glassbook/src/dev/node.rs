//! The parts of a development exchange, put together.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use contracts::MAX_WITHDRAWALS;
use exchange::{BatchPolicy, Exchange};
use flow::{Simulation, SimulationOptions};
use gateway::native::Facts;
use indicatif::ProgressBar;
use l1::{EthereumChain, Indexer, IndexerOptions};
use proving::{Cancellation, Millis};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rules::Capacity;
use settings::LogFormat;
use settlement::{Policy, Ports, Settlement, SettlementError, State, Store, Summary};
use tokio::runtime::{Handle, Runtime};
use types::Timestamp;
use verifier::ProofKind;
use verifier::sp1::COMMITTED_PROGRAM;

use super::attestors::Attestors;
use super::chain::{ATTESTORS, Chain, Delays, Deployment, USERS};
use super::custody::{Checked, Custody};
use super::desk::Desk;
use super::front::{self, Front};
use super::keys::{self, Role};
use super::lifecycle::{Forcing, Life};
use super::people::{self, Person};
use super::published::Published;
use super::settling::{self, Evidence};
use super::shards::{Availability, Shards};
use super::status::Board;
use super::traffic::{Beginning, Traffic};
use super::{Flow, Options, checks, claims, table};
use crate::config;
use crate::prove::ProvingOptions;
use crate::proving_node::ProvingNode;

/// How often settlement looks when there was nothing to do.
const IDLE: Duration = Duration::from_millis(100);
/// How long the end may take: everything that was accepted becomes final.
const ENDING: Duration = Duration::from_secs(600);
/// How long withdrawals that could not be claimed wait for the next try.
const CLAIM_AGAIN: Duration = Duration::from_secs(30);
/// Markets that are simulated.
const MARKETS: u16 = 3;
/// Orders that are simulated at most.
const ORDERS: u64 = 1 << 40;

/// Where things are in the data directory.
struct Places {
    root: PathBuf,
    published: PathBuf,
}

impl Places {
    fn exchange(&self) -> PathBuf {
        self.root.join("exchange")
    }

    fn batches(&self) -> PathBuf {
        self.exchange().join("batches")
    }

    fn of(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// Runs until Ctrl-C, or until the time is over and everything is final.
pub fn run(options: &Options) -> Result<()> {
    front::check(&options.settings.gateway, options.port)?;
    let temporary = options.data.is_none().then(tempfile::tempdir).transpose()?;
    let root = match (&options.data, &temporary) {
        (Some(dir), _) => dir.clone(),
        (None, Some(dir)) => dir.path().to_path_buf(),
        (None, None) => bail!("no data directory"),
    };
    fs::create_dir_all(&root).with_context(|| root.display().to_string())?;
    let published = options.published.clone().unwrap_or_else(|| root.join("published"));
    let places = Places { root, published };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let kept = options.data.is_some().then(|| places.of("l1"));
    let chain = options.chain(kept)?;
    let chain = runtime.block_on(async {
        tokio::select! {
            biased;
            // Ethrex would swallow it.
            _ = tokio::signal::ctrl_c() => {
                Err(anyhow!("interrupted before the chain had started; nothing was changed"))
            }
            chain = Chain::start(&chain) => chain,
        }
    })?;
    // After the chain: ethrex's server takes the signal for itself.
    let then = "what was accepted becomes final first";
    let stop = match options.settings.telemetry.log_format {
        LogFormat::Text => Cancellation::on_ctrl_c(then)?,
        LogFormat::Json => Cancellation::on_ctrl_c_say(move || tracing::info!(then, "stopping"))?,
    };
    let result = on_chain(options, &places, &runtime, &chain, &stop);
    if let Some(node) = &chain.embedded {
        runtime.block_on(node.shutdown());
    }
    result
}

fn on_chain(
    options: &Options,
    places: &Places,
    runtime: &Runtime,
    chain: &Chain,
    stop: &Cancellation,
) -> Result<()> {
    let mut simulation = Simulation::new(SimulationOptions {
        seed: options.seed,
        commands: ORDERS,
        markets: MARKETS,
        accounts: options.traders.max(2),
        makers: (options.traders / 6).max(1),
        start: Timestamp(Millis::now().0 * 1_000),
    })?;
    let capacity = Capacity { accounts: 100_000, ..simulation.genesis().capacity };
    let beginning = Beginning::of(&mut simulation, ORDERS);
    let delays = Delays::development(options.finality_delay);
    let (deployment, genesis) = runtime
        .block_on(chain.contracts(
            &places.of("deployment.json"),
            capacity,
            &beginning.assets,
            delays,
            COMMITTED_PROGRAM,
        ))
        .context("the contracts")?;

    let mut config = config::exchange(&options.settings.exchange, places.exchange());
    config.max_withdrawals = MAX_WITHDRAWALS;
    config.batch = BatchPolicy { commands: options.batch.max(1), interval: options.interval };
    let (exchange, recovered) = Exchange::open(config, &genesis, |_| {})?;
    let exchange = Arc::new(exchange);
    let settings = IndexerOptions { from_block: deployment.from_block, ..IndexerOptions::default() };
    let index = places.of("index.redb");
    let indexer = Arc::new(Indexer::open(&index, chain.client.clone(), deployment.exchange, settings)?);
    let handle = runtime.handle().clone();
    let first = recovered.l1_position;
    let confirmation = options.deposits.into();
    let desk = Desk::start(Arc::clone(&exchange), Arc::clone(&indexer), handle.clone(), first, confirmation);
    beginning.set_up(&exchange, &deployment)?;
    let availability = Availability::start(options, &places.of("shards"), &deployment, &handle)?;
    let shards = Arc::clone(&availability.shards);
    let publisher = Published::create(
        &places.published,
        &places.batches(),
        Arc::clone(&shards),
        Arc::clone(&indexer),
        &genesis,
    )?;
    let proving = proving(options, places)?;
    let evidence = match &proving {
        None => Evidence::Executed,
        Some(node) => Evidence::Proofs(Arc::clone(node), options.proofs, options.keys),
    };
    let store = Store::open(&places.of("settlement.redb"))?;
    let board = Board::new(store.clone(), places.batches(), worth(options.proofs), &exchange);
    let board = Arc::new(board.with(&options.telling));
    checks::add(&options.telling.health, &exchange, &board, &places.root, options.settings.exchange.max_lag);
    let settler = Settler::start(Setting {
        places,
        chain,
        runtime,
        deployment: &deployment,
        indexer: &indexer,
        publisher,
        evidence,
        shards,
        store,
        board: Arc::clone(&board),
        policy: config::settlement(&options.settings.settlement),
    })?;
    let custody = Custody::new(chain.client.clone(), deployment.clone(), places.published.clone(), &genesis);
    let watch = Watch::start(custody, &indexer, &board, handle.clone());
    let shards_url = format!("http://{}", availability.address);
    let life = Life {
        board: Arc::clone(&board),
        shards: Arc::clone(&availability.shards),
        proving: proving.clone(),
        facts: Facts {
            l1_url: Some(chain.client.url().to_string()),
            program: Some(COMMITTED_PROGRAM.to_string()),
            proofs: options.proofs.to_string(),
            proof_statement: match options.proofs {
                ProofKind::Executed => {
                    "NOT PROVED: attestors execute every batch again and sign; --proofs core has them proved"
                        .to_string()
                }
                kind => format!("checked off chain by attestors who sign: {}", kind.statement()),
            },
            shards_url: Some(shards_url.clone()),
        },
        forcing: runtime.block_on(Forcing::read(&chain.client, &deployment))?,
    };
    let front = Front::open(front::Setting {
        settings: &options.settings.gateway,
        fix: &options.settings.fix,
        port: options.port,
        dir: &places.of("gateway"),
        batches: &places.batches(),
        exchange: &exchange,
        genesis: &genesis,
        lifecycle: Arc::new(life),
        board: &board,
        origins: &[shards_url, chain.client.url().to_string()],
        runtime: &handle,
    })?;
    let origin = front.origin();
    banner(options, places, chain, &deployment, &origin)?;
    if let Some(fix) = front.fix_address {
        writeln!(std::io::stdout(), "FIX           {fix}, TargetCompID {}", options.settings.fix.comp_id)?;
    }
    availability.announce()?;

    let funder = Arc::new(chain.sender(&chain.funder));
    let traffic = Traffic {
        exchange: &exchange,
        genesis: &genesis,
        deployment: &deployment,
        indexer: &indexer,
        funder: Arc::clone(&funder),
        runtime: handle,
        rate: options.rate.max(1),
        stop,
    };
    let began = Instant::now();
    let until = options.time.map(|time| began + time);
    let mut running = Running {
        options,
        places,
        runtime,
        deployment: &deployment,
        exchange: &exchange,
        indexer: &indexer,
        funder: &funder,
        settler,
        watch,
        proving: proving.clone(),
        spinner: ProgressBar::new_spinner(),
        claimed: 0,
        next_claim: began,
    };
    let played = thread::scope(|scope| {
        let traffic = scope.spawn(|| -> Result<()> {
            // Only where coins are for nothing.
            if chain.embedded.is_some() {
                introduce(&people::open(&traffic, &beginning, &front.gateway)?, &origin)?;
            }
            if options.flow == Flow::None {
                return Ok(());
            }
            let accounts = traffic.traders(options.traders.max(2), &beginning)?;
            traffic.trade(simulation, &accounts, &beginning, until).map(drop)
        });
        let over = || stop.is_cancelled() || until.is_some_and(|until| Instant::now() >= until);
        let played = || options.flow != Flow::None && traffic.is_finished();
        while !(over() || running.troubled() || desk.has_ended() || played()) {
            running.show();
            running.claim();
            thread::sleep(IDLE);
        }
        if running.troubled() || desk.has_ended() {
            stop.cancel();
        }
        traffic.join().map_err(|_| anyhow!("the thread that plays orders panicked"))?
    });
    // What arrives on L1 from here on waits for the next start.
    desk.stop()?;
    // Nor is anything new taken from here on: what was becomes final.
    front.stop();
    let result = running.finish();
    let sampled = availability.stop();
    if let Some(node) = proving.and_then(Arc::into_inner) {
        node.stop()?;
    }
    if let Some(exchange) = Arc::into_inner(exchange) {
        exchange.shutdown()?;
    }
    played.and(result).and(sampled)
}

/// What is running, for whoever watches it and ends it.
struct Running<'a> {
    options: &'a Options,
    places: &'a Places,
    runtime: &'a Runtime,
    deployment: &'a Deployment,
    exchange: &'a Exchange,
    indexer: &'a Indexer,
    funder: &'a l1::Sender,
    settler: Settler,
    watch: Watch,
    proving: Option<Arc<ProvingNode>>,
    spinner: ProgressBar,
    /// The last batch whose withdrawals were claimed.
    claimed: u64,
    /// Not before: the node did not answer the last time.
    next_claim: Instant,
}

impl Running<'_> {
    /// Whether something has ended that should not.
    fn troubled(&self) -> bool {
        self.exchange.fault().is_some() || self.settler.has_ended() || self.watch.has_ended()
    }

    fn show(&self) {
        let stats = self.exchange.stats();
        let settled = self.settler.settled.load(Ordering::Relaxed);
        let sealed = self.settler.sealed.load(Ordering::Relaxed);
        let text = format!("{} commands, {sealed} batches sealed, {settled} final", stats.executed);
        self.spinner.set_message(text);
        self.spinner.tick();
    }

    /// Claims what became final, unless that is left to the owners.
    fn claim(&mut self) {
        let settled = self.settler.settled.load(Ordering::Relaxed);
        while !self.options.no_claims && self.claimed < settled && Instant::now() >= self.next_claim {
            let (contract, batch) = (self.deployment.exchange, self.claimed + 1);
            let next = claims::claim(self.funder, contract, &self.places.published, batch);
            match self.runtime.block_on(next) {
                Ok(_) => self.claimed = batch,
                // Nobody's money waits for it: owners can claim by themselves.
                Err(error) => {
                    tracing::warn!(
                        batch,
                        "withdrawals are not claimed yet, again in {CLAIM_AGAIN:?}: {error:#}"
                    );
                    self.next_claim = Instant::now() + CLAIM_AGAIN;
                }
            }
        }
    }

    /// Seals, waits until everything is final, and says whether all of it agrees.
    fn finish(mut self) -> Result<()> {
        let mut began = Instant::now();
        self.exchange.seal();
        while !self.watch.has_ended() {
            // Proofs take the time that they take; a worker that hangs loses its lease.
            if self.proving.as_ref().is_some_and(|node| node.manager.counts().at_work > 0) {
                began = Instant::now();
            }
            self.show();
            let stats = self.exchange.stats();
            if let Some(fault) = self.exchange.fault() {
                return Err(fault.into());
            }
            // The last batch that has a file.
            let last = last_batch(&self.places.batches())?;
            if stats.executed == stats.sealed && self.settler.settled.load(Ordering::Relaxed) == last {
                self.claim();
                break;
            }
            if self.settler.has_ended() || began.elapsed() > ENDING {
                break;
            }
            thread::sleep(IDLE);
        }
        let Self { options, places, runtime, indexer, settler, watch, spinner, .. } = self;
        // Nothing more is settled after a disagreement.
        let (settled, summary) = settler.stop()?;
        let mut custody = watch.stop()?;
        spinner.finish_and_clear();
        let mut out = std::io::stdout().lock();
        table::batches(&mut out, &settled, &places.batches(), &worth(options.proofs))?;
        table::summary(&mut out, &summary)?;
        let last = last_batch(&places.batches())?;
        runtime.block_on(indexer.follow())?;
        let checked = runtime.block_on(custody.check(indexer))?.context("the index has no block")?;
        table::custody(&mut out, &checked)?;
        if let Some(wrong) = checked.disagreement() {
            bail!("the contract and the exchange disagree: {wrong}");
        }
        ensure!(
            summary.halted.is_none() && summary.failures.is_empty(),
            "settlement needs somebody to look at it"
        );
        ensure!(
            settled.len() as u64 == last && settled.iter().all(|record| record.state == State::Final),
            "{} of {last} batches are final",
            summary.last_final
        );
        writeln!(
            out,
            "all {last} batches are final, and the contract holds what the exchange owes, to the wei"
        )?;
        Ok(())
    }
}

/// The number of the last batch file; zero when there is none.
fn last_batch(dir: &Path) -> Result<u64> {
    let mut last = 0;
    for entry in fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let name = entry?.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_suffix(".batch")).and_then(|number| number.parse().ok());
        last = last.max(number.unwrap_or(0));
    }
    Ok(last)
}

fn proving(options: &Options, places: &Places) -> Result<Option<Arc<ProvingNode>>> {
    if !options.proofs.is_proof() {
        return Ok(None);
    }
    let proving = ProvingOptions {
        kind: options.proofs,
        listen: options.listen,
        keys: options.keys,
        ..ProvingOptions::default()
    };
    let node = ProvingNode::start(&places.exchange(), proving.node())?;
    crate::prove::announce(&places.exchange(), &node, options.proofs);
    Ok(Some(Arc::new(node)))
}

/// What a settler is made of.
struct Setting<'a> {
    places: &'a Places,
    chain: &'a Chain,
    runtime: &'a Runtime,
    deployment: &'a Deployment,
    indexer: &'a Arc<Indexer>,
    publisher: Published,
    evidence: Evidence,
    shards: Arc<Shards>,
    store: Store,
    board: Arc<Board>,
    policy: Policy,
}

/// Settlement, in a thread of its own.
struct Settler {
    /// The last final batch.
    settled: Arc<AtomicU64>,
    /// The last batch that settlement knows.
    sealed: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(Vec<settlement::Record>, Summary)>>,
}

impl Settler {
    fn start(setting: Setting<'_>) -> Result<Self> {
        let Setting {
            places,
            chain,
            runtime,
            deployment,
            indexer,
            publisher,
            evidence,
            shards,
            store,
            board,
            policy,
        } = setting;
        let signers = (0..ATTESTORS.0).take(ATTESTORS.1).map(|number| keys::signer(Role::Attestor, number));
        let signers = signers.collect::<Result<Vec<_>>>()?;
        let attestors = Attestors::new(signers, deployment.chain_id, deployment.verifier, COMMITTED_PROGRAM);
        let desk =
            settling::Desk { batches: places.batches(), attestors: Arc::new(attestors), evidence, shards };
        let sender = chain.sender(&chain.operator);
        let opened = EthereumChain::open(sender, Arc::clone(indexer), deployment.exchange, desk.clone());
        let ethereum = runtime.block_on(opened)?;
        let random = ChaCha12Rng::seed_from_u64(Millis::now().0);
        let mut settlement = Settlement::open(store, policy, random)?;
        let settled = Arc::new(AtomicU64::new(settlement.first_open() - 1));
        let (sealed, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (shown, known, end) = (Arc::clone(&settled), Arc::clone(&sealed), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let ports = Ports { source: &desk, publisher: &publisher, prover: &desk, chain: &ethereum };
            let mut trouble = None;
            while !end.load(Ordering::Relaxed) {
                let now = Millis::now().0;
                let active = match settlement.step(&ports, now) {
                    Ok(active) => active,
                    Err(SettlementError::Conflict(conflict)) => {
                        tracing::error!(%conflict, "settlement has stopped");
                        board.settled(settlement.summary(now), settlement.take_events());
                        break;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "settlement does not go on; it is tried again");
                        false
                    }
                };
                let summary = settlement.summary(now);
                shown.store(summary.last_final, Ordering::Relaxed);
                known.store(summary.last_sealed, Ordering::Relaxed);
                tell(&summary, &mut trouble);
                board.settled(summary, settlement.take_events());
                if !active {
                    thread::sleep(IDLE);
                }
            }
            Ok((settlement.batches(1, usize::MAX)?, settlement.summary(Millis::now().0)))
        });
        Ok(Self { settled, sealed, stop, thread })
    }

    fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    fn stop(self) -> Result<(Vec<settlement::Record>, Summary)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the thread that settles panicked"))?
    }
}

/// Compares custody at each new block, in a thread of its own, which ends at a disagreement.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Custody>>,
}

impl Watch {
    fn start(mut custody: Custody, indexer: &Arc<Indexer>, board: &Arc<Board>, runtime: Handle) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (end, indexer, board) = (Arc::clone(&stop), Arc::clone(indexer), Arc::clone(board));
        let thread = thread::spawn(move || {
            let (mut last, mut doubt): (_, Option<Checked>) = (None, None);
            let mut errors: Option<(String, bool)> = None;
            while !end.load(Ordering::Relaxed) {
                let tip = indexer.tip()?;
                thread::sleep(IDLE);
                if tip == last {
                    continue;
                }
                let checked = match runtime.block_on(custody.check(&indexer)) {
                    Ok(Some(checked)) => checked,
                    Ok(None) => continue,
                    Err(error) => {
                        board.not_checked();
                        let text = format!("{error:#}");
                        // A block may be gone by a reorg, a node too busy: it is said when it lasts, and once.
                        errors = match errors {
                            Some((before, false)) if before == text => {
                                tracing::warn!(error = text, "custody cannot be compared");
                                Some((before, true))
                            }
                            Some((before, told)) if before == text => Some((before, told)),
                            _ => Some((text, false)),
                        };
                        continue;
                    }
                };
                errors = None;
                last = Some(checked.block);
                let wrong = checked.disagreement();
                board.checked(checked.clone());
                // A reorg in the middle of it looks like one.
                match (wrong, doubt.take()) {
                    (Some(wrong), Some(_)) => bail!("the contract and the exchange disagree: {wrong}"),
                    (Some(_), None) => (last, doubt) = (None, Some(checked)),
                    (None, _) => {}
                }
            }
            Ok(custody)
        });
        Self { stop, thread }
    }

    fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    fn stop(self) -> Result<Custody> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow!("the thread that compares custody panicked"))?
    }
}

/// What stands behind a batch that is proved on the chain.
fn worth(proofs: ProofKind) -> String {
    match proofs {
        ProofKind::Executed => "attested: executed again, NOT PROVED".to_string(),
        kind => format!("attested: {kind} proof"),
    }
}

/// Says that settlement waits, once, and that it goes on. A batch that has failed is said when it does.
fn tell(summary: &Summary, before: &mut Option<String>) {
    let now = summary.trouble.as_ref().map(ToString::to_string);
    if now == *before {
        return;
    }
    match &now {
        Some(why) => tracing::warn!(why, "settlement waits"),
        None => tracing::info!("settlement goes on"),
    }
    *before = now;
}

/// Says with which accounts people can trade.
fn introduce(people: &[Person], front: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if !people.is_empty() {
        writeln!(
            out,
            "Accounts to trade with, delegated to this gateway; open the link, or use key and secret with any Binance client:"
        )?;
    }
    for Person { account, api_key, secret } in people {
        writeln!(out, "account {account:<5} key {api_key}\n              secret {secret}")?;
        writeln!(out, "              {front}/#/account?key={api_key}&secret={secret}")?;
    }
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Shows what runs where, in the manner of anvil.
fn banner(
    options: &Options,
    places: &Places,
    chain: &Chain,
    deployment: &Deployment,
    front: &str,
) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nglassbook {}: an exchange on a chain\n", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "open          {front}/")?;
    writeln!(
        out,
        "APIs          {front}/api/v3 (Binance's), /api/glassbook/v1 (its own: /openapi.json), /ws /stream /ws-api/v3\n"
    )?;
    let whose = if chain.embedded.is_some() { "embedded ethrex" } else { "somebody's node" };
    writeln!(out, "L1            {} ({whose}), chain id {}", chain.client.url(), deployment.chain_id)?;
    writeln!(out, "exchange      {}", deployment.exchange)?;
    writeln!(out, "verifier      {} (attested, {} of {})", deployment.verifier, ATTESTORS.1, ATTESTORS.0)?;
    for (asset, token) in deployment.tokens.iter().enumerate() {
        let what = if token.is_zero() { "the chain's own coin".to_string() } else { token.to_string() };
        writeln!(out, "asset {asset}       {what}")?;
    }
    writeln!(out, "program       {COMMITTED_PROGRAM}")?;
    match options.proofs {
        ProofKind::Executed => writeln!(
            out,
            "proofs        NONE: attestors execute every batch again and sign; --proofs core has them proved"
        )?,
        kind => writeln!(
            out,
            "proofs        {kind}, checked off chain by attestors who sign: {}",
            kind.statement()
        )?,
    }
    writeln!(
        out,
        "data          {}",
        match &options.data {
            Some(dir) => dir.display().to_string(),
            None => "thrown away in the end; keep it with --data DIR".to_string(),
        }
    )?;
    writeln!(out, "published     {}", places.published.display())?;
    writeln!(out, "figures       {front}/metrics /healthz /readyz")?;
    writeln!(
        out,
        "keys          attestors' and traders' keys are public: hold NOTHING OF WORTH in this exchange"
    )?;
    if chain.embedded.is_some() {
        writeln!(out, "\nFunded accounts. EVERYBODY HAS THESE KEYS: never use them elsewhere.")?;
        for number in 0..USERS {
            let address = keys::signer(Role::User, number)?.address();
            writeln!(out, "({number}) {address}  0x{}", hex::encode(keys::bytes(Role::User, number)))?;
        }
    }
    writeln!(out)?;
    out.flush()?;
    Ok(())
}
