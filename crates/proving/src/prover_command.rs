//! What the provers' command lines have in common: reading batches and proofs, writing and checking proofs, saying what can
//! be made.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;
use transition::{BatchRange, Claim, SealedBatch, SealedBatchError};
use verifier::{Proof, ProofError};

use crate::{Availability, Backend, BackendError};

/// Why a prover's command fails.
#[derive(Debug, Error)]
pub enum ProverCommandError {
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// Not a sealed batch.
    #[error("{}: {source}", path.display())]
    Batch {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        source: SealedBatchError,
    },
    /// Not a proof.
    #[error("{}: {source}", path.display())]
    Proof {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        source: ProofError,
    },
    /// Too many batches.
    #[error("one proof takes 1 to {} batches", BatchRange::MAX_BATCHES)]
    Size,
    /// The proof system.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Reads sealed batches as one range.
///
/// # Errors
/// When a file is no sealed batch, or there are too many.
pub fn read_range(batches: &[PathBuf]) -> Result<BatchRange, ProverCommandError> {
    let read = |path: &PathBuf| match SealedBatch::read(path) {
        Ok(batch) => Ok(batch.input),
        Err(SealedBatchError::File { path, source }) => Err(ProverCommandError::File { path, source }),
        Err(source) => Err(ProverCommandError::Batch { path: path.clone(), source }),
    };
    let inputs = batches.iter().map(read).collect::<Result<_, _>>()?;
    BatchRange::new(inputs).ok_or(ProverCommandError::Size)
}

/// Reads sealed batches, as one range or each as its own.
///
/// # Errors
/// As [`read_range`].
pub fn read_ranges(batches: &[PathBuf], together: bool) -> Result<Vec<BatchRange>, ProverCommandError> {
    if together {
        return Ok(vec![read_range(batches)?]);
    }
    batches.iter().map(|batch| read_range(std::slice::from_ref(batch))).collect()
}

/// Reads a proof file.
///
/// # Errors
/// When it is none.
pub fn read_proof(path: &Path) -> Result<Proof, ProverCommandError> {
    let file = |source| ProverCommandError::File { path: path.to_path_buf(), source };
    let bytes = fs::read(path).map_err(file)?;
    Proof::decode(&bytes).map_err(|source| ProverCommandError::Proof { path: path.to_path_buf(), source })
}

/// Prints which batches and commands an execution was of, and what it cost in the system's unit. The number of commands.
pub fn print_execution(claims: &[Claim], unit: &str, cycles: u64) -> u64 {
    let [Some(first), Some(last)] = [claims.first(), claims.last()] else { return 0 };
    let commands = last.last_sequence.saturating_sub(first.first_sequence).saturating_add(1);
    println!("batches          {} to {}", first.batch, last.batch);
    println!("commands         {} to {} ({commands})", first.first_sequence, last.last_sequence);
    println!("state root       {}", hex::encode(last.state_root));
    println!("{unit:<17}{cycles} ({} a command)", cycles / commands.max(1));
    commands
}

/// Writes a proof, and says what it is.
///
/// # Errors
/// When the file cannot be written.
pub fn write_proof(proof: &Proof, path: &Path, elapsed: Duration) -> Result<(), ProverCommandError> {
    let bytes = proof.encode();
    fs::write(path, &bytes)
        .map_err(|source| ProverCommandError::File { path: path.to_path_buf(), source })?;
    println!(
        "{}: {} of {} in {:.0} s, {} bytes{}",
        path.display(),
        if proof.kind.is_proof() {
            format!("{} proof", proof.kind)
        } else {
            "execution, NOT A PROOF,".into()
        },
        batches_of(proof),
        elapsed.as_secs_f64(),
        bytes.len(),
        peak_memory().map(|peak| format!(", peak memory {peak:.1} GiB")).unwrap_or_default(),
    );
    println!("It says: {}.", proof.kind.statement());
    Ok(())
}

/// Checks a proof file, and says what it is worth.
///
/// # Errors
/// When it is no proof, or does not hold.
pub fn verify(backend: &dyn Backend, path: &Path) -> Result<(), ProverCommandError> {
    let proof = read_proof(path)?;
    let start = Instant::now();
    backend.verify(&proof, &proof.claims)?;
    let millis = start.elapsed().as_millis();
    println!("The {} proof of {} holds ({millis} ms).", proof.kind, batches_of(&proof));
    println!("It says: {}.", proof.kind.statement());
    Ok(())
}

/// Says what can be made, and what is missing for the rest.
pub fn print_status(backend: &dyn Backend) {
    let capabilities = backend.capabilities();
    println!("{:<17}{}", backend.system().to_string(), backend.version());
    println!("program          {}", backend.program());
    println!("device           {}", capabilities.device);
    for (kind, availability) in &capabilities.kinds {
        let name = kind.name();
        match availability {
            Availability::Ready if kind.is_proof() => println!("  {name:<15}ready"),
            Availability::Ready => println!("  {name:<15}ready (NOT A PROOF)"),
            Availability::Missing { what } => println!("  {name:<15}missing: {what}"),
        }
    }
}

fn batches_of(proof: &Proof) -> String {
    match proof.claims.as_slice() {
        [one] => format!("batch {}", one.batch),
        [first, .., last] => format!("batches {} to {}", first.batch, last.batch),
        [] => "nothing".to_string(),
    }
}

/// The most memory that this process ever had, in GiB.
fn peak_memory() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / (1 << 20) as f64)
}
