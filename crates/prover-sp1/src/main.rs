//! `prover-sp1`: execute, prove and check sealed batches in the SP1 zkVM.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use prover_sp1::{Config, Device, Phase, Sp1, environment, leftovers, program_key};
use proving::work_command::{self, KeyOptions, WorkOptions};
use proving::{Backend, BackendError, Cancellation, prover_command};
use verifier::{Proof, ProofKind};

/// Makes and checks SP1 proofs of sealed batches.
///
/// A proof shows that the committed program, given some input, ends with the batches' claims. `prover-sp1 status` says
/// what can be made on this machine.
#[derive(Parser)]
#[command(name = "prover-sp1", version, arg_required_else_help = true)]
#[command(after_help = "Start with:\n  glassbook simulate --commands 2000 --out flow.gbflow\n  \
                        glassbook replay flow.gbflow --data data --batch 100\n  \
                        prover-sp1 execute data/batches/000000000001.batch\n  \
                        prover-sp1 prove data/batches/000000000001.batch --out one.proof\n  \
                        glassbook verify one.proof\n\
                        Memory and parallelism are SP1's environment variables; `prover-sp1 status` shows those that \
                        this program sets unless they are set.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the program on sealed batches without proving, and count its cycles and its gas (SP1's estimate of the
    /// proving work)
    Execute {
        /// Sealed batches; several must follow each other
        #[arg(required = true)]
        batches: Vec<PathBuf>,
        /// Execute all batches as one range, as one proof would
        #[arg(long)]
        range: bool,
    },
    /// Prove sealed batches in one proof
    ///
    /// Takes minutes and many gigabytes. Proofs of other kinds than core set the SDK's prover up first, once in a process.
    Prove(ProveOptions),
    /// Make one proof of several compressed proofs of consecutive batches
    ///
    /// It claims all that they claim, in one proof of constant size. Needs the memory that a compressed proof needs.
    Aggregate {
        /// Files from `prover-sp1 prove --kind compressed`, in order
        #[arg(required = true)]
        proofs: Vec<PathBuf>,
        /// What to make: compressed, groth16 or plonk
        #[arg(long, default_value_t = ProofKind::Compressed)]
        kind: ProofKind,
        /// Where proofs are made: cpu, cuda or network
        #[arg(long, default_value_t = Device::Cpu)]
        device: Device,
        /// Where to write the proof
        #[arg(long, default_value = "aggregate.proof")]
        out: PathBuf,
    },
    /// Check a proof of any kind
    ///
    /// Says what the proof is worth, and checks it, as `glassbook verify` does.
    Verify {
        /// A file from `prover-sp1 prove`
        proof: PathBuf,
    },
    /// Work for a node: take its jobs, prove them, hand the proofs in
    ///
    /// The node is `glassbook prove`. Ctrl-C lets the proof at hand be finished.
    Work {
        /// Where proofs are made: cpu, cuda or network
        #[arg(long, default_value_t = Device::Cpu)]
        device: Device,
        #[command(flatten)]
        options: WorkOptions,
    },
    /// Print this worker's id, for the node's list of workers; makes the key if there is none
    WorkerKey(KeyOptions),
    /// Say what can be made here, and with which settings
    Status {
        /// Where proofs would be made: cpu, cuda or network
        #[arg(long, default_value_t = Device::Cpu)]
        device: Device,
    },
    /// Make the verification key of a guest executable: FILE.vk, and its hash in FILE.vkey
    ///
    /// `guests/build` calls this after it has built the guest.
    Key {
        /// The executable, ending in .elf
        elf: PathBuf,
    },
}

#[derive(Args)]
struct ProveOptions {
    /// Sealed batches; several must follow each other
    #[arg(required = true)]
    batches: Vec<PathBuf>,
    /// What to make: executed (no proof), core, compressed, groth16 or plonk
    #[arg(long, default_value_t = ProofKind::Core)]
    kind: ProofKind,
    /// Where proofs are made: cpu, cuda or network
    #[arg(long, default_value_t = Device::Cpu)]
    device: Device,
    /// Where to write the proof
    #[arg(long, default_value = "batch.proof")]
    out: PathBuf,
}

fn main() -> ExitCode {
    environment::set_defaults();
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prover-sp1: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Execute { batches, range } => execute(&batches, range),
        Command::Prove(options) => prove(&options),
        Command::Aggregate { proofs, kind, device, out } => aggregate(&proofs, kind, device, &out),
        Command::Verify { proof } => Ok(prover_command::verify(&Sp1::new(Config::default())?, &proof)?),
        Command::Work { device, options } => {
            clear_leftovers();
            Ok(work_command::run(&Sp1::new(Config { device })?, &options)?)
        }
        Command::WorkerKey(options) => Ok(work_command::show_key(&options)?),
        Command::Status { device } => status(device),
        Command::Key { elf } => key(&elf),
    }
}

fn execute(batches: &[PathBuf], together: bool) -> anyhow::Result<()> {
    let sp1 = Sp1::new(Config::default())?;
    for range in prover_command::read_ranges(batches, together)? {
        let start = Instant::now();
        let (claims, cost) = sp1.cost(&range)?;
        let elapsed = start.elapsed();
        let commands = prover_command::print_execution(&claims, "cycles", cost.cycles);
        println!("gas              {} ({} a command)", cost.gas, cost.gas / commands.max(1));
        for (name, calls) in cost.precompiles.iter().chain(&cost.parts) {
            println!("  {name:<24} {calls}");
        }
        println!("executed in      {:.2} s: NOT A PROOF", elapsed.as_secs_f64());
    }
    Ok(())
}

fn prove(options: &ProveOptions) -> anyhow::Result<()> {
    let range = prover_command::read_range(&options.batches)?;
    make(options.device, &options.out, |sp1| sp1.prove(&range, options.kind, &Cancellation::default()))
}

fn aggregate(proofs: &[PathBuf], kind: ProofKind, device: Device, out: &Path) -> anyhow::Result<()> {
    let parts = proofs.iter().map(|path| prover_command::read_proof(path)).collect::<Result<Vec<_>, _>>()?;
    make(device, out, |sp1| sp1.aggregate(&parts, kind))
}

/// Makes a proof, showing how far it is, and writes it.
fn make(
    device: Device,
    out: &Path,
    prove: impl FnOnce(&Sp1) -> Result<Proof, BackendError>,
) -> anyhow::Result<()> {
    clear_leftovers();
    let bar = spinner();
    let shown = bar.clone();
    let sp1 = Sp1::new(Config { device })?.with_progress(move |phase| show(&shown, phase));
    let start = Instant::now();
    let result = prove(&sp1);
    bar.finish_and_clear();
    Ok(prover_command::write_proof(&result?, out, start.elapsed())?)
}

/// Gives back the memory that provers took with them when they were killed. None of it is worth failing for.
fn clear_leftovers() {
    match leftovers::clear() {
        Ok(cleared) if cleared == leftovers::Cleared::default() => {}
        Ok(cleared) => eprintln!(
            "removed what provers that were killed left in shared memory: {} files, {:.1} GB, {} executors",
            cleared.files,
            cleared.bytes as f64 / 1e9,
            cleared.executors
        ),
        Err(error) => eprintln!("cannot clear what provers that were killed left in shared memory: {error}"),
    }
}

fn status(device: Device) -> anyhow::Result<()> {
    prover_command::print_status(&Sp1::new(Config { device })?);
    println!("settings");
    for (name, _) in environment::DEFAULTS {
        println!("  {name}={}", std::env::var(name).unwrap_or_default());
    }
    Ok(())
}

fn key(elf: &Path) -> anyhow::Result<()> {
    ensure!(elf.extension().is_some_and(|extension| extension == "elf"), "the executable must end in .elf");
    let bytes = std::fs::read(elf).with_context(|| elf.display().to_string())?;
    let (key, program) = program_key(bytes)?;
    std::fs::write(elf.with_extension("vk"), key)?;
    std::fs::write(elf.with_extension("vkey"), format!("0x{program}\n"))?;
    println!("0x{program}");
    Ok(())
}

fn spinner() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn show(bar: &ProgressBar, phase: Phase) {
    let message = match phase {
        Phase::Executing => "executing".to_string(),
        Phase::Preparing => "setting the prover up: one to two minutes, once".to_string(),
        Phase::Proving { cycles } => {
            format!("proving {cycles} cycles: about {:.0} minutes on two cores", 1.5 + cycles as f64 * 2e-6)
        }
        Phase::Shards { done, cycles } => format!("{done} shards proved, {cycles} cycles traced"),
        Phase::Checking => "checking the proof".to_string(),
    };
    if bar.is_hidden() {
        eprintln!("{message}");
    }
    bar.set_message(message);
}
