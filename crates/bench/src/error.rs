//! What can go wrong with a benchmark.

use std::path::PathBuf;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// An engine did not do what the workload's own book did, so its figures mean nothing.
    #[error("{engine} filled {filled} lots, the workload {expected}: not the same work")]
    DifferentWork {
        /// Which engine.
        engine: &'static str,
        /// What it filled.
        filled: u64,
        /// What the workload's book filled.
        expected: u64,
    },
    /// An engine refused an operation that every engine must accept.
    #[error("{engine} refused {count} operations")]
    Refused {
        /// Which engine.
        engine: &'static str,
        /// How many.
        count: u64,
    },
    /// The kernel does not say how much memory the process has.
    #[error("/proc/self/statm cannot be read")]
    NoMemoryFigures,
    /// The JSON file could not be written.
    #[error("cannot write {path}")]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no room for a journal.
    #[error("cannot make a temporary folder")]
    Directory(#[source] std::io::Error),
    /// The exchange did not start or stopped.
    #[error(transparent)]
    Exchange(#[from] exchange::ExchangeError),
    /// The exchange refused what it must accept.
    #[error(transparent)]
    Submission(#[from] exchange::Refused),
}
