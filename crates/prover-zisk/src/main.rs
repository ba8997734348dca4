//! `prover-zisk`: execute, prove and check sealed batches in the ZisK zkVM.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use prover_zisk::{Config, Mode, Zisk};
use proving::{Availability, Backend, Cancellation};
use transition::{BatchRange, SealedBatch};
use verifier::{Proof, ProofKind};

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
                        prover-zisk verify batch.proof --program-key $(prover-zisk key --proving-key ~/.zisk/provingKey)")]
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
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prover-zisk: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Execute { batches, range } => execute(&batches, range),
        Command::Prove { batches, kind, out, place } => prove(&batches, kind, &out, place),
        Command::Verify { proof, program_key } => verify(&proof, program_key),
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
    let ranges = if together {
        vec![read_range(batches)?]
    } else {
        batches.iter().map(|batch| read_range(std::slice::from_ref(batch))).collect::<anyhow::Result<_>>()?
    };
    for range in ranges {
        let execution = zisk.execute(&range)?;
        let [first, last] = [&execution.claims[0], &execution.claims[execution.claims.len() - 1]];
        let commands = last.last_sequence - first.first_sequence + 1;
        println!("batches          {} to {}", first.batch, last.batch);
        println!("commands         {} to {} ({commands})", first.first_sequence, last.last_sequence);
        println!("state root       {}", hex(&last.state_root));
        println!("steps            {} ({} a command)", execution.cycles, execution.cycles / commands.max(1));
        println!("executed in      {:.2} s: NOT A PROOF", execution.elapsed.as_secs_f64());
    }
    Ok(())
}

fn prove(batches: &[PathBuf], kind: ProofKind, out: &Path, place: Place) -> anyhow::Result<()> {
    let range = read_range(batches)?;
    let zisk = zisk(if kind.is_proof() { place.mode() } else { Mode::Execute });
    let start = Instant::now();
    let proof = zisk.prove(&range, kind, &Cancellation::default())?;
    let bytes = proof.encode();
    std::fs::write(out, &bytes).with_context(|| out.display().to_string())?;
    println!(
        "{}: {} of {} in {:.0} s, {} bytes",
        out.display(),
        if kind.is_proof() { "compressed proof" } else { "execution, NOT A PROOF," },
        batches_of(&proof),
        start.elapsed().as_secs_f64(),
        bytes.len(),
    );
    if let Some(key) = zisk.program_key() {
        println!("program key {}", hex(&key));
    }
    println!("It says: {}.", proof.kind.statement());
    Ok(())
}

fn verify(path: &Path, program_key: Option<[u8; 32]>) -> anyhow::Result<()> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    let proof = Proof::decode(&bytes).with_context(|| path.display().to_string())?;
    let zisk = Zisk::new(Config { mode: Mode::Execute, program_key });
    let start = Instant::now();
    zisk.verify(&proof, &proof.claims)?;
    let millis = start.elapsed().as_millis();
    println!("The {} proof of {} holds ({millis} ms).", proof.kind, batches_of(&proof));
    println!("It says: {}.", proof.kind.statement());
    Ok(())
}

fn status(place: Place) {
    let zisk = zisk(place.mode());
    let capabilities = zisk.capabilities();
    println!("ZisK             {}", zisk.version());
    println!("program          {}", zisk.program());
    match zisk.program_key() {
        Some(key) => println!("program key      {}", hex(&key)),
        None => println!("program key      not known: `prover-zisk key` derives it where a proving key is"),
    }
    println!("proofs           {}", capabilities.device);
    for (kind, availability) in &capabilities.kinds {
        let name = if kind.is_proof() { kind.name() } else { "executed" };
        match availability {
            Availability::Ready if kind.is_proof() => println!("  {name:<14} ready"),
            Availability::Ready => println!("  {name:<14} ready (no proof)"),
            Availability::Missing { what } => println!("  {name:<14} missing: {what}"),
        }
    }
}

fn zisk(mode: Mode) -> Zisk {
    Zisk::new(Config { mode, program_key: None })
}

fn read_range(batches: &[PathBuf]) -> anyhow::Result<BatchRange> {
    let inputs = batches
        .iter()
        .map(|path| Ok(SealedBatch::read(path).with_context(|| path.display().to_string())?.input))
        .collect::<anyhow::Result<_>>()?;
    BatchRange::new(inputs).context(format!("one proof takes 1 to {} batches", BatchRange::MAX_BATCHES))
}

fn batches_of(proof: &Proof) -> String {
    match proof.claims.as_slice() {
        [one] => format!("batch {}", one.batch),
        [first, .., last] => format!("batches {} to {}", first.batch, last.batch),
        [] => "nothing".to_string(),
    }
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
