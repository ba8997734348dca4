//! What can go wrong in telling the router something.

use thiserror::Error;

use crate::job::{JobId, WorkerId};

/// Why the router does not take what it is told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RouterError {
    /// Nobody registered that worker, or it was removed.
    #[error("worker {worker} is not registered")]
    UnknownWorker {
        /// The worker.
        worker: WorkerId,
    },
    /// There are as many workers as the configuration allows.
    #[error("there are {limit} workers already; raise the limit, or remove some")]
    TooManyWorkers {
        /// The limit.
        limit: usize,
    },
    /// The description describes no worker.
    #[error("worker {worker}: {what}")]
    Description {
        /// The worker.
        worker: WorkerId,
        /// What is wrong.
        what: &'static str,
    },
    /// The worker has as much in flight as it may ever have.
    #[error("worker {worker} already has {limit} pieces of work in flight")]
    TooMuchWork {
        /// The worker.
        worker: WorkerId,
        /// The limit.
        limit: usize,
    },
    /// The worker has that work in flight already.
    #[error("worker {worker} already works on job {job:.8}")]
    AlreadyStarted {
        /// The worker.
        worker: WorkerId,
        /// The work.
        job: JobId,
    },
    /// The worker has no such work in flight: it is late, or it was never given.
    #[error("worker {worker} does not work on job {job:.8}")]
    NotStarted {
        /// The worker.
        worker: WorkerId,
        /// The work.
        job: JobId,
    },
}
