//! `glassbook replay`: order flow through the whole core.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use book::Book;
use clap::Args;
use exchange::{BatchPolicy, Clock, Config, Exchange, ExchangeError, Recovered};
use flow::{FlowItem, MarketRecorder, Numbering, Source};
use indicatif::{ProgressBar, ProgressStyle};
use proving::Cancellation;
use types::{Event, Outcome};
use verifier::ProofKind;

use crate::player::Player;
use crate::prove::{self, ProvingOptions};
use crate::proving_node::ProvingNode;
use crate::report::{self, Measured};

/// Commands handed in together at most.
const MAX_BUNDLE: usize = 4_096;
/// Samples of each market in the report's pictures, at least.
const SAMPLES: usize = 400;

/// Play order flow through the whole core.
#[derive(Args)]
pub struct Options {
    /// A LOBSTER recording or a flow file
    file: PathBuf,
    /// Keep journal, snapshots and sealed batches here; when they are there already, go on where they end
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the HTML report here
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    report: PathBuf,
    /// Seal a batch after this many commands
    #[arg(long, value_name = "COMMANDS", default_value_t = 1_000)]
    batch: u64,
    /// Seal a batch this many milliseconds after its first command at the latest
    #[arg(long, value_name = "MS", default_value_t = 500)]
    interval: u64,
    /// Commands that are signed and handed in together
    #[arg(long, value_name = "COMMANDS", default_value_t = 500)]
    bundle: usize,
    /// Play at most so many commands a second
    #[arg(long, value_name = "COMMANDS", value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    /// Bind the engine to this core
    #[arg(long, value_name = "CORE")]
    engine_core: Option<usize>,
    /// Bind the shadow to this core
    #[arg(long, value_name = "CORE")]
    shadow_core: Option<usize>,
    /// Let the engine poll its queue without sleeping
    #[arg(long)]
    busy_poll: bool,
    /// Have the batches proved meanwhile, as `glassbook prove` does; ends when all are
    #[arg(long, requires = "data", help_heading = "Proving")]
    prove: bool,
    /// Answer "busy" while more sealed commands than this are not proved
    #[arg(long, value_name = "COMMANDS", requires = "prove", help_heading = "Proving")]
    max_unproved: Option<u64>,
    #[command(flatten, next_help_heading = "Proving")]
    proving: ProvingOptions,
}

/// Plays the file and reports.
pub fn run(options: &Options) -> Result<()> {
    if !options.prove && options.proving != ProvingOptions::default() {
        bail!("options about proving need --prove");
    }
    let stop = Cancellation::on_ctrl_c("what was accepted is finished first")?;

    let mut source = flow::open(&options.file)?;
    let genesis = *source.genesis();
    let temporary = match &options.data {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("a folder for the journal")?),
    };
    let data = options.data.clone().or_else(|| temporary.as_ref().map(|dir| dir.path().to_path_buf()));
    let data = data.context("no data directory")?;
    let (exchange, recovered) = open(options, &data, &genesis)?;
    tell_recovery(&data, &recovered);
    let exchange = Arc::new(exchange);
    let proving = if options.prove { Some(Proving::start(options, &data, &exchange)?) } else { None };

    let bar = bar(&source);
    let mut watch = Watch::new(&genesis);
    let mut player = Player::new(&exchange, options.bundle.clamp(1, MAX_BUNDLE));
    let began = Instant::now();
    let (mut skipped, mut handed_in) = (0_u64, 0_u64);
    while !stop.is_cancelled() {
        let Some(item) = source.next() else { break };
        let item: FlowItem = item?;
        watch.follow(&item);
        if skipped < recovered.last_sequence {
            skipped += 1;
        } else {
            if let Some(rate) = options.rate {
                sleep_until(began + Duration::from_secs_f64(handed_in as f64 / rate as f64));
            }
            player.play(item)?;
            handed_in += 1;
        }
        let progress = source.progress();
        if progress.done % 256 == 0 {
            bar.set_position(progress.done);
        }
    }
    if skipped < recovered.last_sequence {
        bail!(
            "{} holds {} commands, more than this flow has; it was not made from it",
            data.display(),
            recovered.last_sequence
        );
    }
    let tally = player.finish()?;
    let played = began.elapsed();
    exchange.seal();
    bar.set_message("sealing");
    while exchange.stats().sealed < exchange.stats().executed {
        if let Some(fault) = exchange.fault() {
            bail!(fault);
        }
        thread::sleep(Duration::from_millis(1));
    }
    let sealed = began.elapsed();
    bar.finish_and_clear();

    let measured = Measured {
        source: options.file.display().to_string(),
        stopped_early: stop.is_cancelled(),
        resumed_after: recovered.last_sequence,
        tally,
        agreement: source.agreement().cloned(),
        markets: watch.recorder.finish(),
        params: watch.book.markets().map(|market| market.params).collect(),
        assets: watch.book.assets().iter().map(|asset| asset.params).collect(),
        batches: exchange.batches(),
        stats: exchange.stats(),
        engine_latency: exchange.engine_latency(),
        played,
        sealed,
    };
    // Whatever became of the proofs, the exchange ends well and the report is written.
    let proved = proving.map(|proving| proving.finish(&stop));
    let exchange = Arc::into_inner(exchange).context("the exchange is still in use")?;
    exchange.shutdown()?;
    // The page first: the reader of the tables may have gone.
    report::write_html(&measured, &options.report)
        .with_context(|| format!("write {}", options.report.display()))?;
    report::print(&measured)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "\npictures: {}", options.report.display())?;
    match temporary {
        Some(_) => writeln!(out, "sealed batches were thrown away; keep them with --data DIR")?,
        None => writeln!(out, "sealed batches: {}", data.join("batches").display())?,
    }
    proved.unwrap_or(Ok(()))
}

/// Sleeps only when it is worth it: a timer is no more exact than that.
fn sleep_until(time: Instant) {
    let left = time.saturating_duration_since(Instant::now());
    if left > Duration::from_millis(1) {
        thread::sleep(left);
    }
}

/// Batches that are proved while the flow is played.
struct Proving {
    node: Arc<ProvingNode>,
    kind: ProofKind,
    over: Arc<AtomicBool>,
    reporter: JoinHandle<()>,
}

impl Proving {
    /// Starts the node, and tells the exchange how far it is.
    fn start(options: &Options, data: &Path, exchange: &Arc<Exchange>) -> Result<Self> {
        let node = Arc::new(ProvingNode::start(data, options.proving.node())?);
        prove::announce(data, &node, options.proving.kind);
        let over = Arc::new(AtomicBool::new(false));
        let reporter = {
            let (node, exchange, over) = (Arc::clone(&node), Arc::clone(exchange), Arc::clone(&over));
            thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    exchange.taken_downstream(node.done().1);
                    thread::sleep(Duration::from_millis(20));
                }
            })
        };
        Ok(Self { node, kind: options.proving.kind, over, reporter })
    }

    /// Waits until every batch has its proof, or somebody wants to stop.
    fn finish(self, stop: &Cancellation) -> Result<()> {
        let waited = prove::wait(&self.node, self.kind, true, stop);
        self.over.store(true, Ordering::Relaxed);
        if self.reporter.join().is_err() {
            bail!("the thread that reports to the exchange panicked");
        }
        let node = Arc::into_inner(self.node).context("the proving node is still in use")?;
        prove::finish(node, self.kind)?;
        waited
    }
}

fn open(options: &Options, data: &Path, genesis: &rules::Genesis) -> Result<(Exchange, Recovered)> {
    let mut config = Config::new(data);
    config.batch =
        BatchPolicy { commands: options.batch.max(1), interval: Duration::from_millis(options.interval) };
    config.clock = Clock::Submission;
    config.measure = true;
    config.max_downstream_lag = options.max_unproved.unwrap_or(u64::MAX);
    config.max_bundle = MAX_BUNDLE;
    config.threads.engine_core = options.engine_core;
    config.threads.shadow_core = options.shadow_core;
    config.threads.busy_poll = options.busy_poll;
    let spinner = ProgressBar::new_spinner().with_message("opening");
    let opened = Exchange::open(config, genesis, |commands| {
        if commands % 1024 < 16 {
            spinner.set_message(format!("replaying the journal: {commands} commands"));
            spinner.tick();
        }
    });
    spinner.finish_and_clear();
    opened.map_err(|error| match error {
        ExchangeError::OtherExchange { .. } => anyhow::Error::from(error)
            .context("this folder was made from another flow; choose another --data, or remove it"),
        error => error.into(),
    })
}

fn tell_recovery(data: &Path, recovered: &Recovered) {
    for damaged in &recovered.damaged_snapshots {
        eprintln!("warning: a damaged snapshot was passed over: {damaged}");
    }
    if let Some(torn) = &recovered.torn {
        eprintln!(
            "the last write was cut short by a crash: {} bytes at {} of {} dropped; they were never acknowledged",
            torn.bytes,
            torn.offset,
            torn.file.display()
        );
    }
    if recovered.last_sequence > 0 {
        eprintln!(
            "{} goes on after command {} (snapshot of batch {}, {} commands replayed)",
            data.display(),
            recovered.last_sequence,
            recovered.snapshot_batch,
            recovered.replayed_commands
        );
    }
}

fn bar(source: &Source) -> ProgressBar {
    let progress = source.progress();
    let bar = match progress.total {
        Some(total) => ProgressBar::new(total),
        None => ProgressBar::new_spinner(),
    };
    let style =
        ProgressStyle::with_template("{bar:32} {human_pos}/{human_len} {prefix} {per_sec} {eta} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(progress.unit);
    bar
}

/// Follows the flow on a book of its own, for the pictures.
struct Watch {
    book: Book,
    numbering: Numbering,
    recorder: MarketRecorder,
    events: Vec<Event>,
}

impl Watch {
    fn new(genesis: &rules::Genesis) -> Self {
        let mut book = Book::new(genesis.capacity);
        let Ok(()) = rules::open(&mut book, genesis);
        let recorder = MarketRecorder::new(SAMPLES);
        Self { book, numbering: Numbering::default(), recorder, events: Vec::new() }
    }

    fn follow(&mut self, item: &FlowItem) {
        let sequenced = self.numbering.number(item.clone());
        self.recorder.advance(sequenced.timestamp);
        self.events.clear();
        let events = &mut self.events;
        let Ok(_): Result<Outcome, _> =
            rules::execute(&mut self.book, &sequenced, &mut |event| events.push(event));
        for event in &self.events {
            self.recorder.event(event);
        }
    }
}
