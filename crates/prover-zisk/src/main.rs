//! `prover-zisk`: execute, prove and check sealed batches in the ZisK zkVM.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::ensure;
use clap::{Args, Parser, Subcommand};
use prover_zisk::{Config, Mode, Zisk};
use proving::work_command::{self, KeyOptions, WorkOptions};
use proving::{Backend, Cancellation, prover_command};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use verifier::ProofKind;

/// Executes, proves and checks sealed batches in the ZisK zkVM.
///
/// Executing needs nothing else and proves nothing. Proving needs ZisK's proving key on this machine (--proving-key) or a
/// ZisK coordinator (--coordinator). `prover-zisk status` says what is missing here, and how to get it.
#[derive(Parser)]
#[command(name = "prover-zisk", version, arg_required_else_help = true)]
#[command(after_help = "Start with:\n  glassbook simulate --commands 2000 --out flow.gbflow\n  \
                        glassbook replay flow.gbflow --data data --batch 100\n  \
                        prover-zisk execute data/batches/000000000001.batch\n\
                        and, once ZisK's proving key is installed:\n  \
                        prover-zisk prove data/batches/000000000001.batch --proving-key ~/.zisk/provingKey\n  \
                        prover-zisk verify batch.proof --program-key $(prover-zisk key --proving-key ~/.zisk/provingKey)\n\
                        Warnings of ZisK are shown; RUST_LOG=info shows more.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the program on sealed batches without proving, and count its steps
    Execute {
        /// Sealed batches; several must follow each other
        #[arg(required = true)]
        batches: Vec<PathBuf>,
        /// Execute all batches as one range, as one proof would
        #[arg(long)]
        range: bool,
    },
    /// Prove sealed batches in one proof
    Prove {
        /// Sealed batches; several must follow each other
        #[arg(required = true)]
        batches: Vec<PathBuf>,
        /// What to make: compressed, or executed (no proof)
        #[arg(long, default_value_t = ProofKind::Compressed)]
        kind: ProofKind,
        /// Where to write the proof
        #[arg(long, default_value = "batch.proof")]
        out: PathBuf,
        #[command(flatten)]
        place: Place,
    },
    /// Check a proof. Needs no proving key
    Verify {
        /// A file from `prover-zisk prove`
        proof: PathBuf,
        /// The program's key, 64 hexadecimal digits, from somebody you trust or from `prover-zisk key`
        #[arg(long, value_parser = hex_key)]
        program_key: Option<[u8; 32]>,
    },
    /// Work for a node: take its jobs, prove them, hand the proofs in
    ///
    /// The node is `glassbook prove`. Ctrl-C lets the proof at hand be finished. Without a proving key and a coordinator it
    /// takes only jobs that ask for no proof.
    Work {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        options: WorkOptions,
    },
    /// Print this worker's id, for the node's list of workers; makes the key if there is none
    WorkerKey(KeyOptions),
    /// Derive the program's key, against which proofs are checked
    Key {
        #[command(flatten)]
        place: Place,
    },
    /// Say what can be made here, and what is missing for the rest
    Status {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Args)]
struct Place {
    /// The folder of ZisK's proving key, to prove on this machine; where ZisK's installer puts it, if that is there
    #[arg(long, conflicts_with = "coordinator")]
    proving_key: Option<PathBuf>,
    /// The address of a ZisK coordinator that proves, such as http://coordinator:50051
    #[arg(long)]
    coordinator: Option<String>,
}

impl Place {
    fn mode(self) -> Mode {
        match self.coordinator {
            Some(url) => Mode::Remote { url },
            None => Mode::Embedded { proving_key: self.proving_key },
        }
    }
}

fn main() -> ExitCode {
    log_warnings();
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prover-zisk: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// ZisK's SDK logs whatever it does, unless somebody else has said what is logged: here warnings, or what `RUST_LOG` says.
fn log_warnings() {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    let stderr = std::io::stderr;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .init();
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Execute { batches, range } => execute(&batches, range),
        Command::Prove { batches, kind, out, place } => prove(&batches, kind, &out, place),
        Command::Verify { proof, program_key } => {
            let zisk = Zisk::new(Config { mode: Mode::Execute, program_key });
            Ok(prover_command::verify(&zisk, &proof)?)
        }
        Command::Work { place, options } => {
            // A proving client with its key missing could not even execute.
            let mode = Some(place.mode()).filter(|mode| mode.can_prove().is_ok()).unwrap_or_default();
            Ok(work_command::run(&zisk(mode), &options)?)
        }
        Command::WorkerKey(options) => Ok(work_command::show_key(&options)?),
        Command::Key { place } => {
            println!("{}", hex(&zisk(place.mode()).derive_program_key()?));
            Ok(())
        }
        Command::Status { place } => {
            status(place);
            Ok(())
        }
    }
}

fn execute(batches: &[PathBuf], together: bool) -> anyhow::Result<()> {
    let zisk = zisk(Mode::Execute);
    for range in prover_command::read_ranges(batches, together)? {
        let execution = zisk.execute(&range)?;
        prover_command::print_execution(&execution.claims, "steps", execution.cycles);
        println!("executed in      {:.2} s: NOT A PROOF", execution.elapsed.as_secs_f64());
    }
    Ok(())
}

fn prove(batches: &[PathBuf], kind: ProofKind, out: &Path, place: Place) -> anyhow::Result<()> {
    let range = prover_command::read_range(batches)?;
    let zisk = zisk(if kind.is_proof() { place.mode() } else { Mode::Execute });
    let start = Instant::now();
    let proof = zisk.prove(&range, kind, &Cancellation::default())?;
    prover_command::write_proof(&proof, out, start.elapsed())?;
    if let Some(key) = zisk.program_key() {
        println!("program key {}", hex(&key));
    }
    Ok(())
}

fn status(place: Place) {
    let zisk = zisk(place.mode());
    prover_command::print_status(&zisk);
    match zisk.program_key() {
        Some(key) => println!("program key      {}", hex(&key)),
        None => println!("program key      not known: `prover-zisk key` derives it where a proving key is"),
    }
}

fn zisk(mode: Mode) -> Zisk {
    Zisk::new(Config { mode, program_key: None })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_key(text: &str) -> anyhow::Result<[u8; 32]> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    ensure!(text.len() == 64 && text.is_ascii(), "a program key is 64 hexadecimal digits");
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16)?;
    }
    Ok(key)
}
