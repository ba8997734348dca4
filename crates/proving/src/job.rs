//! A job: batches to be proved together, and what became of them.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use transition::{BatchRange, Claim, SealedBatch};
use verifier::{ProofKind, ProofSystem};

use crate::SubmitError;
use crate::router::{MicroDollars, Preference, Strategy};

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    /// The machine's clock.
    #[must_use]
    pub fn now() -> Self {
        Self::of(SystemTime::now())
    }

    /// A moment of the machine's clock.
    #[must_use]
    pub fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// The time passed since an earlier moment; zero when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// So many milliseconds later.
    #[must_use]
    pub fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// What a job is known by: the hash of its input and the kind of proof. The same work has the same id, whoever asks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub [u8; 32]);

impl fmt::Display for JobId {
    /// In hexadecimal; `{:.8}` gives the first eight digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

impl FromStr for JobId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 32];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

/// How urgent a job is. Waiting makes every job more urgent, so none starves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// When nothing else is to be done.
    Low,
    /// The exchange's own batches.
    #[default]
    Normal,
    /// Somebody waits for it.
    High,
    /// Money waits for it.
    Critical,
}

impl Priority {
    /// All of them, the least urgent first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// Its name in files, options and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for Priority {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.name() == name)
            .ok_or("a priority is one of low, normal, high, critical")
    }
}

/// Work to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// What to prove.
    pub range: BatchRange,
    /// What it must claim: known already, because the exchange sealed it.
    pub claims: Vec<Claim>,
    /// What kind of proof.
    pub kind: ProofKind,
}

impl Work {
    /// Consecutive sealed batches.
    ///
    /// # Errors
    /// When there are none or too many, or they do not follow each other.
    pub fn new(batches: Vec<SealedBatch>, kind: ProofKind) -> Result<Self, SubmitError> {
        let count = batches.len();
        let (inputs, claims): (Vec<_>, Vec<_>) =
            batches.into_iter().map(|batch| (batch.input, batch.claim)).unzip();
        if let Some([_, gap]) =
            claims.array_windows::<2>().find(|[before, after]: &&[Claim; 2]| !after.follows(before))
        {
            return Err(SubmitError::NotConsecutive { batch: gap.batch });
        }
        let range = BatchRange::new(inputs).ok_or(SubmitError::Size { batches: count })?;
        Ok(Self { range, claims, kind })
    }

    /// What the job is known by, given the input's encoding.
    #[must_use]
    pub fn id(&self, input: &[u8]) -> JobId {
        let mut hash = Sha256::new();
        hash.update(b"glassbook job 1");
        hash.update(self.kind.name().as_bytes());
        hash.update([0]);
        hash.update(input);
        JobId(hash.finalize().into())
    }
}

/// A worker is known by its Ed25519 public key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkerId(pub [u8; 32]);

impl fmt::Display for WorkerId {
    /// In hexadecimal; `{:.8}` gives the first eight digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WorkerId({self})")
    }
}

impl FromStr for WorkerId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 32];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

/// Which worker to prefer for a job, and which to refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences {
    /// What to optimise for; none for what is usual for work of that class.
    pub strategy: Option<Strategy>,
    /// A wish or a demand for a proof system.
    pub preference: Preference,
    /// The largest proof, in bytes.
    pub max_proof_bytes: Option<u64>,
    /// What the proof may cost.
    pub max_cost: Option<MicroDollars>,
}

/// Work as the queue keeps it: everything but the input itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What it is known by.
    pub id: JobId,
    /// What kind of proof.
    pub kind: ProofKind,
    /// How urgent.
    pub priority: Priority,
    /// When it was asked for.
    pub submitted: Millis,
    /// When nobody needs it any more.
    pub deadline: Option<Millis>,
    /// First and last batch.
    pub batches: (u64, u64),
    /// Commands in them.
    pub commands: u64,
    /// Bytes of input.
    pub input_bytes: u64,
    /// SHA-256 of the public values that the proof must have: the exchange knows them.
    pub claims_hash: [u8; 32],
    /// Which worker to prefer, and which to refuse.
    pub preferences: Preferences,
    /// How often it was handed out.
    pub attempts: u32,
    /// What became of it.
    pub state: JobState,
}

/// What became of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobState {
    /// It waits, and is not handed out before that time.
    Queued {
        /// After a failure, some time must pass.
        not_before: Millis,
    },
    /// A worker has it.
    Leased(Lease),
    /// There is a proof, which the node has checked; or, for the kind "executed", claims that the node shares.
    Done(Figures),
    /// There will be no proof.
    Failed {
        /// When it was given up.
        at: Millis,
        /// Why.
        why: String,
    },
    /// Somebody does not want it any more.
    Cancelled {
        /// When.
        at: Millis,
    },
    /// No worker took so many batches at once: they are jobs of their own now.
    Split {
        /// When.
        at: Millis,
        /// How many jobs.
        jobs: u32,
    },
}

impl JobState {
    /// Whether nothing will change any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Queued { .. } | Self::Leased(_))
    }

    /// Its name in tables and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Leased(_) => "proving",
            Self::Done(_) => "done",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Split { .. } => "split",
        }
    }
}

/// A worker's right to a job, for some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Names it.
    pub id: LeaseId,
    /// Who has it.
    pub worker: WorkerId,
    /// Since when.
    pub since: Millis,
    /// Until when, unless it is renewed.
    pub expires: Millis,
}

/// What a lease is known by: random, so that nobody can guess another's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseId(pub [u8; 16]);

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeaseId({self})")
    }
}

impl FromStr for LeaseId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 16];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

/// What a proof took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// When it was done.
    pub at: Millis,
    /// Who made it; zeros when a crash came before that was written down and nobody had the lease.
    pub worker: WorkerId,
    /// With what.
    pub system: ProofSystem,
    /// From being asked for to being handed out, in milliseconds.
    pub queue_wait: u64,
    /// From being handed out to being here, in milliseconds.
    pub proving: u64,
    /// In the system's own unit; what the worker says. 0 when a crash came before that was written down.
    pub cycles: u64,
    /// Of the proof file.
    pub proof_bytes: u64,
    /// How long the node checked, in microseconds.
    pub verify_micros: u64,
}
