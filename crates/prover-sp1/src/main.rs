//! `prover-sp1`: execute, prove and check sealed batches in the SP1 zkVM.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use prover_sp1::{Config, Device, Phase, Sp1, environment, program_key};
use proving::work_command::{self, KeyOptions, WorkOptions};
use proving::{Availability, Backend, Cancellation};
use transition::{BatchRange, SealedBatch};
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
    /// Takes minutes and many gigabytes: the first proof of a process also sets the prover up.
    Prove(ProveOptions),
    /// Check a proof of any kind
    ///
    /// Says what the proof is worth, and checks it. `glassbook verify` does the same for core proofs without this
    /// program.
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
        Command::Verify { proof } => verify(&proof),
        Command::Work { device, options } => Ok(work_command::run(&Sp1::new(Config { device })?, &options)?),
        Command::WorkerKey(options) => Ok(work_command::show_key(&options)?),
        Command::Status { device } => status(device),
        Command::Key { elf } => key(&elf),
    }
}

fn execute(batches: &[PathBuf], together: bool) -> anyhow::Result<()> {
    let sp1 = Sp1::new(Config::default())?;
    let ranges = if together {
        vec![read_range(batches)?]
    } else {
        batches.iter().map(|batch| read_range(std::slice::from_ref(batch))).collect::<anyhow::Result<_>>()?
    };
    for range in ranges {
        let start = Instant::now();
        let (claims, cost) = sp1.cost(&range)?;
        let elapsed = start.elapsed();
        let commands: u64 = claims.iter().map(|claim| claim.last_sequence - claim.first_sequence + 1).sum();
        let [first, last] = [&claims[0], &claims[claims.len() - 1]];
        println!("batches          {} to {}", first.batch, last.batch);
        println!("commands         {} to {} ({commands})", first.first_sequence, last.last_sequence);
        println!("state root       {}", hex(&last.state_root));
        println!("cycles           {} ({} a command)", cost.cycles, cost.cycles / commands.max(1));
        println!("gas              {} ({} a command)", cost.gas, cost.gas / commands.max(1));
        for (name, calls) in cost.precompiles.iter().chain(&cost.parts) {
            println!("  {name:<24} {calls}");
        }
        println!("executed in      {:.2} s: NOT A PROOF", elapsed.as_secs_f64());
    }
    Ok(())
}

fn prove(options: &ProveOptions) -> anyhow::Result<()> {
    let range = read_range(&options.batches)?;
    let bar = spinner();
    let shown = bar.clone();
    let sp1 = Sp1::new(Config { device: options.device })?.with_progress(move |phase| show(&shown, phase));
    let start = Instant::now();
    let result = sp1.prove(&range, options.kind, &Cancellation::default());
    bar.finish_and_clear();
    let proof = result?;
    let bytes = proof.encode();
    std::fs::write(&options.out, &bytes).with_context(|| options.out.display().to_string())?;
    println!(
        "{}: {} proof of {} in {:.0} s, {} bytes{}",
        options.out.display(),
        proof.kind,
        batches_of(&proof),
        start.elapsed().as_secs_f64(),
        bytes.len(),
        peak_memory().map(|peak| format!(", peak memory {peak:.1} GiB")).unwrap_or_default(),
    );
    println!("It says: {}.", proof.kind.statement());
    Ok(())
}

fn verify(path: &Path) -> anyhow::Result<()> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let proof = Proof::decode(&bytes)?;
    let sp1 = Sp1::new(Config::default())?;
    let start = Instant::now();
    sp1.verify(&proof, &proof.claims)?;
    println!(
        "The {} proof of {} holds ({:.0} ms).",
        proof.kind,
        batches_of(&proof),
        start.elapsed().as_millis()
    );
    println!("It says: {}.", proof.kind.statement());
    Ok(())
}

fn status(device: Device) -> anyhow::Result<()> {
    let sp1 = Sp1::new(Config { device })?;
    println!("SP1 circuits     {}", sp1.version());
    println!("program          0x{}", sp1.program());
    let capabilities = sp1.capabilities();
    println!("device           {}", capabilities.device);
    for (kind, availability) in &capabilities.kinds {
        match availability {
            Availability::Ready => println!("  {:<14} ready", kind.name()),
            Availability::Missing { what } => println!("  {:<14} missing: {what}", kind.name()),
        }
    }
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

fn read_range(batches: &[PathBuf]) -> anyhow::Result<BatchRange> {
    let inputs =
        batches.iter().map(|path| Ok(SealedBatch::read(path)?.input)).collect::<anyhow::Result<_>>()?;
    BatchRange::new(inputs).context(format!("one proof takes 1 to {} batches", BatchRange::MAX_BATCHES))
}

fn batches_of(proof: &Proof) -> String {
    match proof.claims.as_slice() {
        [one] => format!("batch {}", one.batch),
        [first, .., last] => format!("batches {} to {}", first.batch, last.batch),
        [] => "nothing".to_string(),
    }
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
        Phase::Checking => "checking the proof".to_string(),
    };
    if bar.is_hidden() {
        eprintln!("{message}");
    }
    bar.set_message(message);
}

/// The most memory that this process ever had, in GiB.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / (1 << 20) as f64)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
