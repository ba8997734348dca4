//! `glassbook prove`: has the sealed batches of a data directory proved by workers; and `glassbook verify`.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use proving::protocol::auth::WorkerKey;
use proving::protocol::{Client, Status};
use proving::router::{self, BreakerConfig, MicroDollars, Strategy};
use proving::{
    Cancellation, Counts, FormationPolicy, JobState, Preferences, Priority, QueuePolicy, Settings,
    SubmitOptions,
};
use verifier::zisk::ZiskVerifier;
use verifier::{Proof, ProofError, ProofKind, ProofSystem};

use crate::proving_node::{NodeOptions, ProvingNode};

/// Finished jobs that a node remembers.
const KEEP_FINISHED: usize = 100_000;
/// A worker whose proof did not hold gets no work for so long.
const LIE_COOLDOWN: Duration = Duration::from_secs(24 * 3600);

/// Settings of a proving node that `prove` and `replay --prove` share.
#[derive(Args, Clone, Debug, PartialEq)]
pub struct ProvingOptions {
    /// Where workers come to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7600")]
    pub listen: SocketAddr,
    /// What to make of every batch: executed (NO proof), core, compressed, groth16, plonk
    #[arg(long, default_value_t = ProofKind::Core)]
    pub kind: ProofKind,
    /// Batches in one proof at most
    #[arg(long, value_name = "BATCHES", default_value_t = FormationPolicy::default().max_batches)]
    pub max_batches: usize,
    /// Commands in one proof at most, unless one batch has more
    #[arg(long, value_name = "COMMANDS", default_value_t = FormationPolicy::default().max_commands)]
    pub max_commands: u64,
    /// What to prefer when several workers could do it: latency, size, reliability, balanced
    #[arg(long)]
    pub strategy: Option<Strategy>,
    /// Only workers of this proof system: sp1, zisk
    #[arg(long, value_name = "SYSTEM")]
    pub only: Option<ProofSystem>,
    /// Prefer workers of this proof system
    #[arg(long, value_name = "SYSTEM", conflicts_with = "only")]
    pub prefer: Option<ProofSystem>,
    /// Refuse workers whose proofs are expected to be larger
    #[arg(long, value_name = "BYTES")]
    pub max_proof_bytes: Option<u64>,
    /// Refuse workers that are expected to cost more, in millionths of a dollar
    #[arg(long, value_name = "MICRODOLLARS")]
    pub max_cost: Option<u64>,
    /// How urgent: low, normal, high, critical
    #[arg(long, default_value = "normal")]
    pub priority: Priority,
    #[command(flatten)]
    pub keys: Keys,
}

/// Keys that are not committed with this program.
#[derive(Args, Clone, Copy, Debug, PartialEq)]
pub struct Keys {
    /// The ZisK program's key, 64 hexadecimal digits, as `prover-zisk key` prints it: for checking ZisK proofs
    #[arg(long, value_name = "KEY", value_parser = hex_key)]
    zisk_program_key: Option<[u8; 32]>,
}

impl Keys {
    /// Whether a proof holds for the programs that this version knows.
    pub fn check(self, proof: &Proof) -> Result<(), ProofError> {
        match (proof.system, self.zisk_program_key) {
            (ProofSystem::Zisk, key @ Some(_)) => ZiskVerifier::new(key).verify(proof),
            _ => verifier::verify(proof),
        }
    }
}

impl std::str::FromStr for Keys {
    type Err = String;

    /// From the ZisK program's key.
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self { zisk_program_key: Some(hex_key(text)?) })
    }
}

fn hex_key(text: &str) -> Result<[u8; 32], String> {
    let mut key = [0; 32];
    let text = text.strip_prefix("0x").unwrap_or(text);
    hex::decode_to_slice(text, &mut key).map_err(|_| "a program key is 64 hexadecimal digits".to_string())?;
    Ok(key)
}

impl Default for ProvingOptions {
    /// As when nothing is said on the command line.
    fn default() -> Self {
        #[derive(Parser)]
        struct Unsaid {
            #[command(flatten)]
            options: ProvingOptions,
        }
        Unsaid::parse_from(["glassbook"]).options
    }
}

impl ProvingOptions {
    /// The node's options.
    pub fn node(&self) -> NodeOptions {
        let preference = match (self.only, self.prefer) {
            (Some(only), _) => router::Preference::Only(only),
            (None, Some(prefer)) => router::Preference::Prefer(prefer),
            (None, None) => router::Preference::Any,
        };
        let preferences = Preferences {
            strategy: self.strategy,
            preference,
            max_proof_bytes: self.max_proof_bytes,
            max_cost: self.max_cost.map(MicroDollars),
        };
        NodeOptions {
            listen: self.listen,
            kind: self.kind,
            formation: FormationPolicy {
                max_batches: self.max_batches.clamp(1, transition::BatchRange::MAX_BATCHES),
                max_commands: self.max_commands.max(1),
                ..FormationPolicy::default()
            },
            settings: Settings {
                queue: QueuePolicy::default(),
                router: router::Config {
                    breaker: BreakerConfig { lie_cooldown: Some(LIE_COOLDOWN), ..BreakerConfig::default() },
                    ..router::Config::default()
                },
                keep_finished: KEEP_FINISHED,
            },
            keys: self.keys,
            submit: SubmitOptions { priority: self.priority, deadline: None, preferences },
        }
    }
}

/// Have the sealed batches of a data directory proved by workers
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Option<ProveCommand>,
    /// A data directory, as `glassbook replay --data` makes it; may be in use
    data: Option<PathBuf>,
    #[command(flatten)]
    proving: ProvingOptions,
    /// Stop when every batch that is there has its proof
    #[arg(long)]
    until_done: bool,
}

#[derive(Subcommand)]
enum ProveCommand {
    /// How a running node is doing: jobs, workers, figures, incidents
    Status {
        /// The node's address
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7600")]
        node: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Serves workers until Ctrl-C, or shows how a node is doing.
pub fn run(options: &Options) -> Result<()> {
    if let Some(ProveCommand::Status { node, json }) = &options.command {
        return show_status(node, *json);
    }
    let data = options.data.as_deref().context(
        "which data directory? `glassbook prove DIR`; `glassbook replay FLOW --data DIR` makes one",
    )?;
    if !data.join("batches").is_dir() {
        bail!("{} is not a data directory: it has no folder `batches`", data.display());
    }
    let stop = Cancellation::on_ctrl_c("nothing is lost, workers come back when the node does")?;
    let node = ProvingNode::start(data, options.proving.node())?;
    announce(data, &node, options.proving.kind);
    wait(&node, options.proving.kind, options.until_done, &stop)?;
    finish(node, options.proving.kind)
}

/// Shows how far a node is, until somebody wants to stop or every batch is done.
pub fn wait(node: &ProvingNode, kind: ProofKind, until_done: bool, stop: &Cancellation) -> Result<()> {
    let bar = bar();
    let began = Instant::now();
    let mut told = None;
    while !stop.is_cancelled() {
        std::thread::sleep(Duration::from_millis(200));
        show(&bar, node);
        // The bar is not shown in a log, and a part of it may be cut off.
        let trouble = node.trouble();
        if let Some(why) = trouble.as_ref().filter(|_| trouble != told) {
            bar.suspend(|| eprintln!("{why}"));
        }
        told = trouble;
        // The folder has been looked into by then.
        if until_done && began.elapsed() > Duration::from_secs(1) {
            if node.seen() == 0 {
                bail!("there are no sealed batches");
            }
            if node.done().0 >= node.seen() {
                break;
            }
            if let Some(why) = given_up(node, kind) {
                bail!("a job was given up: {why}");
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// Stops a node and says what it has done.
pub fn finish(node: ProvingNode, kind: ProofKind) -> Result<()> {
    let status = node.manager.status();
    let (done, sequence) = node.done();
    node.stop()?;
    let mut out = io::stdout().lock();
    print_figures(&mut out, &status)?;
    let what = if kind.is_proof() { "proved" } else { "executed, NOT PROVED" };
    match done {
        0 => writeln!(out, "no batch is {what} yet")?,
        done => writeln!(out, "batches 1 to {done} (commands to {sequence}) are {what}")?,
    }
    Ok(())
}

/// Says where workers come to and how they are let in.
pub fn announce(data: &Path, node: &ProvingNode, kind: ProofKind) {
    eprintln!("proving {} at http://{}", data.display(), node.address);
    if kind.is_proof() {
        eprintln!("  every batch gets a {kind} proof: {}", kind.statement());
    } else {
        eprintln!("  {}", kind.statement());
    }
    eprintln!("  let a worker in: prover-sp1 worker-key >> {}", data.join("proving/workers").display());
    eprintln!("  start it:        prover-sp1 work --node http://{}", node.address);
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:32} {pos}/{len} batches {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn show(bar: &ProgressBar, node: &ProvingNode) {
    let Counts { waiting, at_work, given_up, stuck, workers } = node.manager.counts();
    bar.set_length(node.seen());
    bar.set_position(node.done().0);
    let stuck = if stuck > 0 { format!(" ({stuck} for a larger worker)") } else { String::new() };
    bar.set_message(format!(
        "done; {waiting} jobs wait{stuck}, {at_work} at work, {given_up} failed; {workers} workers"
    ));
}

/// Why batches have no proof of that kind, and no job that would make one.
fn given_up(node: &ProvingNode, kind: ProofKind) -> Option<String> {
    if node.manager.counts().given_up == 0 {
        return None;
    }
    let covered = node.manager.covered(kind);
    node.manager.jobs().into_iter().find_map(|job| match job.state {
        JobState::Failed { why, .. } if job.kind == kind && !covered.contains(job.batches.0) => {
            Some(format!("batches {} to {}: {why}", job.batches.0, job.batches.1))
        }
        _ => None,
    })
}

fn show_status(node: &str, json: bool) -> Result<()> {
    // Nobody needs a key to ask how it goes.
    let status = Client::new(node, WorkerKey::new(&[0; 32])).status()?;
    let mut out = io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, &status)?;
        writeln!(out)?;
        return Ok(());
    }
    print_figures(&mut out, &status)?;
    writeln!(out, "\nworkers")?;
    for worker in &status.workers {
        let hello = &worker.hello;
        writeln!(
            out,
            "  {:.8}  {}, {} {} on {}, makes {}{}; heard of {} s ago; {}",
            worker.id,
            hello.name,
            hello.system,
            hello.version,
            hello.device,
            hello.kinds.join(", "),
            hello.max_cycles.map(|cycles| format!(" of at most {cycles} cycles")).unwrap_or_default(),
            worker.silent / 1000,
            worker.breaker
        )?;
    }
    writeln!(out, "\njobs (the latest)")?;
    for job in status.jobs.iter().take(20) {
        writeln!(
            out,
            "  {:.8}  batches {} to {}  {}  {}  {} attempts  {}",
            job.id, job.first_batch, job.last_batch, job.kind, job.state, job.attempts, job.detail
        )?;
        if let Some(decision) = &job.decision {
            writeln!(out, "            {decision}")?;
        }
    }
    if !status.incidents.is_empty() {
        writeln!(out, "\nincidents (the latest)")?;
        for incident in status.incidents.iter().take(20) {
            writeln!(out, "  worker {:.8}, job {:.8}: {}", incident.worker, incident.job, incident.what)?;
        }
    }
    Ok(())
}

fn print_figures(out: &mut impl io::Write, status: &Status) -> io::Result<()> {
    let all = &status.statistics;
    writeln!(
        out,
        "jobs: {} proved, {} executed (NOT proved), {} queued, {} at work, {} failed, {} cancelled, {} split; {} attempts",
        all.proved, all.executed, all.queued, all.proving, all.failed, all.cancelled, all.split, all.attempts
    )?;
    if let Some(permille) = all.success_permille {
        let (percent, tenth) = (permille / 10, permille % 10);
        writeln!(out, "success {percent}.{tenth} %, {} commands proved", all.commands_proved)?;
    }
    writeln!(out, "{:<22}{:>14}{:>14}{:>14}{:>14}{:>14}", "", "mean", "p50", "p90", "p99", "max")?;
    for (name, s) in [
        ("queue wait, ms", all.queue_wait),
        ("proving, ms", all.proving_time),
        ("cycles", all.cycles),
        ("proof file, bytes", all.proof_bytes),
        ("node's check, µs", all.verify_micros),
    ] {
        writeln!(out, "{name:<22}{:>14}{:>14}{:>14}{:>14}{:>14}", s.mean, s.p50, s.p90, s.p99, s.max)?;
    }
    Ok(())
}

/// Checks proof files offline, and says what each is worth.
pub fn verify(paths: &[PathBuf], keys: Keys) -> Result<()> {
    let mut out = io::stdout().lock();
    for path in paths {
        let name = path.display();
        let size = std::fs::metadata(path).with_context(|| name.to_string())?.len();
        if size > Proof::MAX_BYTES as u64 {
            bail!("{name}: the file is larger than any proof");
        }
        let bytes = std::fs::read(path).with_context(|| name.to_string())?;
        let proof = Proof::decode(&bytes).with_context(|| name.to_string())?;
        let claims = &proof.claims;
        let (Some(first), Some(last)) = (claims.first(), claims.last()) else { bail!("{name}: no claims") };
        writeln!(out, "{name}")?;
        writeln!(
            out,
            "  proof          {} of {} {}, {} bytes",
            proof.kind,
            proof.system,
            proof.version,
            proof.bytes.len()
        )?;
        writeln!(out, "  program        {}", proof.program)?;
        writeln!(out, "  exchange       {} on chain {}", first.exchange, first.chain_id)?;
        writeln!(out, "  batches        {} to {}", first.batch, last.batch)?;
        writeln!(out, "  commands       {} to {}", first.first_sequence, last.last_sequence)?;
        writeln!(out, "  state root     {}", hex::encode(first.previous_root))?;
        writeln!(out, "  becomes        {}", hex::encode(last.state_root))?;
        for claim in claims {
            writeln!(out, "  commands root  {} (batch {})", hex::encode(claim.commands_root), claim.batch)?;
        }
        let began = Instant::now();
        match keys.check(&proof) {
            Ok(()) => {
                writeln!(
                    out,
                    "VALID, checked in {:.0} ms: {}",
                    began.elapsed().as_secs_f64() * 1e3,
                    proof.kind.statement()
                )?;
            }
            Err(ProofError::NotAProof) => bail!("{name}: {}", ProofKind::Executed.statement()),
            Err(error) => bail!("{name}: {error}"),
        }
    }
    Ok(())
}
