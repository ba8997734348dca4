//! What is said, as JSON.

use serde::{Deserialize, Serialize};

use crate::statistics::Statistics;

/// A worker introduces itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// A name for people: a host, say.
    pub name: String,
    /// `sp1` or `zisk`.
    pub system: String,
    /// The system's version.
    pub version: String,
    /// The program that it runs, in hex.
    pub program: String,
    /// `cpu`, `cuda`, `network`.
    pub device: String,
    /// The kinds of proofs that it can make.
    pub kinds: Vec<String>,
    /// The largest execution it takes, in the system's cycles.
    pub max_cycles: Option<u64>,
    /// What a second of its work costs, in millionths of a dollar.
    pub price: u64,
}

/// A job for the worker that asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The right to it.
    pub lease: String,
    /// The job.
    pub job: String,
    /// What kind of proof.
    pub kind: String,
    /// The first batch.
    pub first_batch: u64,
    /// The last batch.
    pub last_batch: u64,
    /// Commands in them.
    pub commands: u64,
    /// Bytes of input to fetch.
    pub input_bytes: u64,
    /// Milliseconds until the lease ends without a sign of life.
    pub expires_in: u64,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulse {
    /// Whether somebody still wants the work.
    pub go_on: bool,
    /// Milliseconds until the lease ends without another sign of life.
    pub expires_in: u64,
}

/// A worker could not do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Whether the program refused the input, which the node then checks itself.
    pub refused: bool,
    /// What went wrong.
    pub why: String,
}

/// How it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Counts and times.
    pub statistics: Statistics,
    /// Workers that were heard of.
    pub workers: Vec<WorkerStatus>,
    /// The latest jobs, the newest first.
    pub jobs: Vec<JobStatus>,
    /// What workers did wrong, the latest first.
    pub incidents: Vec<Incident>,
}

/// A worker as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Its key.
    pub id: String,
    /// Its own words.
    pub hello: Hello,
    /// Milliseconds since it was last heard of.
    pub silent: u64,
    /// Whether the router gives it work.
    pub breaker: String,
}

/// A job as the node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// Its id.
    pub id: String,
    /// What kind of proof.
    pub kind: String,
    /// Its priority.
    pub priority: String,
    /// The first batch.
    pub first_batch: u64,
    /// The last batch.
    pub last_batch: u64,
    /// Commands in them.
    pub commands: u64,
    /// What became of it. `stuck` is a job that waits and is too long for every worker here.
    pub state: String,
    /// How often it was handed out.
    pub attempts: u32,
    /// More about the state: who works on it, what it took, why it failed.
    pub detail: String,
    /// Why that worker got it, or why nobody may take it now.
    pub decision: Option<String>,
}

/// Something a worker did wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Who.
    pub worker: String,
    /// Which job.
    pub job: String,
    /// What.
    pub what: String,
}
