//! The `work` and `worker-key` commands that every prover's binary has.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use thiserror::Error;

use crate::protocol::auth::WorkerKey;
use crate::worker::{WorkerError, WorkerEvent, WorkerOptions, work};
use crate::{Backend, Cancellation};

/// Work for a node: take jobs, prove them, hand the proofs in
#[derive(Args, Clone, Debug)]
pub struct WorkOptions {
    /// The node's address, as `glassbook prove` prints it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7600")]
    pub node: String,
    /// This worker's key; made when it is not there. The node must allow the worker that `worker-key` prints
    #[arg(long, value_name = "FILE", default_value = "worker.key")]
    pub key: PathBuf,
    /// What people call this worker
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Take no executions with more cycles (SP1) or steps (ZisK)
    #[arg(long, value_name = "CYCLES")]
    pub max_cycles: Option<u64>,
    /// What a second of this worker costs, in millionths of a dollar: for the node's choice among workers
    #[arg(long, value_name = "MICRODOLLARS", default_value_t = 0)]
    pub price: u64,
    /// Stop after so many jobs
    #[arg(long, value_name = "JOBS")]
    pub jobs: Option<u64>,
    /// Stop when there is nothing to do
    #[arg(long)]
    pub until_idle: bool,
}

/// Print this worker's id, for the node's list of workers
#[derive(Args, Clone, Debug)]
pub struct KeyOptions {
    /// The key; made when it is not there
    #[arg(long, value_name = "FILE", default_value = "worker.key")]
    pub key: PathBuf,
}

/// Why a worker does not work.
#[derive(Debug, Error)]
pub enum WorkCommandError {
    /// The key's file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The key.
    #[error("{} is not a worker's key: 64 hexadecimal digits", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
    },
    /// Signals.
    #[error("cannot watch for Ctrl-C: {0}")]
    Signal(#[from] ctrlc::Error),
    /// The node.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}

/// Reads a worker's key, or makes one.
///
/// # Errors
/// When the file cannot be read or written, or is something else.
pub fn worker_key(path: &Path) -> Result<WorkerKey, WorkCommandError> {
    let file = |source| WorkCommandError::File { path: path.to_path_buf(), source };
    match fs::read_to_string(path) {
        Ok(text) => {
            let mut secret = [0; 32];
            hex::decode_to_slice(text.trim(), &mut secret)
                .map_err(|_| WorkCommandError::Key { path: path.to_path_buf() })?;
            Ok(WorkerKey::new(&secret))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let secret: [u8; 32] = rand::random();
            let mut new =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(file)?;
            writeln!(new, "{}", hex::encode(secret)).map_err(file)?;
            Ok(WorkerKey::new(&secret))
        }
        Err(error) => Err(file(error)),
    }
}

/// `worker-key`: prints the line for the node's list of workers.
///
/// # Errors
/// As [`worker_key`].
pub fn show_key(options: &KeyOptions) -> Result<(), WorkCommandError> {
    println!("{}", worker_key(&options.key)?.id());
    Ok(())
}

/// `work`: works for a node until Ctrl-C.
///
/// # Errors
/// When the key cannot be used or the node does not want this worker.
pub fn run(backend: &(dyn Backend + Sync), options: &WorkOptions) -> Result<(), WorkCommandError> {
    let key = worker_key(&options.key)?;
    let stop = Cancellation::on_ctrl_c(
        "the proof at hand is finished first; if not, its job goes to another worker",
    )?;
    let id = key.id();
    eprintln!("worker {id}, {} {}, program {}", backend.system(), backend.version(), backend.program());
    let options = WorkerOptions {
        node: options.node.clone(),
        key,
        name: options.name.clone().unwrap_or_else(|| format!("{} worker {id:.8}", backend.system())),
        max_cycles: options.max_cycles,
        price: options.price,
        jobs: options.jobs,
        until_idle: options.until_idle,
        poll: Duration::from_millis(500),
    };
    let bar = Mutex::new(ProgressBar::hidden());
    work(backend, &options, &stop, &mut |event| tell(&bar, &options.node, event))?;
    Ok(())
}

fn tell(bar: &Mutex<ProgressBar>, node: &str, event: WorkerEvent) {
    let Ok(mut bar) = bar.lock() else { return };
    bar.finish_and_clear();
    match event {
        WorkerEvent::Connected => eprintln!("connected to {node}"),
        WorkerEvent::Idle => eprintln!("nothing to do: waiting"),
        WorkerEvent::Unreachable { why, again_in } => {
            eprintln!("{why}; trying again in {:.0} s", again_in.as_secs_f64());
        }
        WorkerEvent::Began(offer) => {
            let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
            *bar = ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_message(format!(
                "batches {} to {}, {} commands: making a {} proof",
                offer.first_batch, offer.last_batch, offer.commands, offer.kind
            ));
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        WorkerEvent::Delivered { offer, elapsed, cycles, proof_bytes } => {
            let what = if proof_bytes == 0 {
                "executed, NOT PROVED".to_string()
            } else {
                format!("{} proof of {proof_bytes} bytes", offer.kind)
            };
            println!(
                "batches {} to {}, {} commands: {what}, {cycles} cycles, {:.1} s",
                offer.first_batch,
                offer.last_batch,
                offer.commands,
                elapsed.as_secs_f64()
            );
        }
        WorkerEvent::Failed { offer, why } => {
            eprintln!("batches {} to {}: {why}", offer.first_batch, offer.last_batch);
        }
    }
}
