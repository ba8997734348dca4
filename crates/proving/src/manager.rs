//! The manager: takes work, hands it to workers, checks what they bring, and forgets nothing.
//!
//! Every change of a job is on disk before anybody hears of it. After a crash the jobs are as they were: those that were
//! being worked on are still leased to their workers, who have a full term to show up. Those whose proofs are on disk
//! already are done.
//!
//! Workers say how long an execution they take. A job that is too long for all of them is cut into jobs that are not; a
//! single batch that is too long waits for a larger worker, and is reported ([`Manager::stuck`]).

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use sha2::{Digest, Sha256};
use thiserror::Error;
use transition::{BatchRange, Limits, Native, execute_range};
use types::Timestamp;
use verifier::{Proof, ProofError, ProofKind, ProofSystem};

use crate::batches::BatchSet;
use crate::cutting::cut;
use crate::formation::Load;
use crate::job::{Figures, Job, JobId, JobState, LeaseId, Millis, Preferences, Priority, Work, WorkerId};
use crate::protocol::{Failed, Hello, Incident, JobStatus, Offer, Pulse, Status, WorkerStatus};
use crate::queue::{Queue, QueuePolicy};
use crate::router::{
    self, BreakerState, Failure, Limits as RouteLimits, MicroDollars, Request, Router, Run,
    WorkerDescription, WorkerRecord, Workload,
};
use crate::statistics::Statistics;
use crate::store::Store;
use crate::{StoreError, SubmitError};

/// Incidents that are remembered.
const INCIDENTS: usize = 1_000;
/// Leases that ended by time and are remembered: their proofs are welcome still.
const LAPSED: usize = 1_000;
/// Jobs that a status shows.
const SHOWN: usize = 100;
/// Jobs that are cut in one tick at most.
const CUTS: usize = 16;
/// So many milliseconds are between two looks at what is too long for the workers.
const LOOK: u64 = 500;
/// A worker that was silent so many milliseconds is not counted on.
const SILENT: u64 = 120_000;

/// Checks a proof: the light verifier, with the programs that this exchange trusts.
pub type Check = Box<dyn Fn(&Proof) -> Result<(), ProofError> + Send + Sync>;

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How jobs wait.
    pub queue: QueuePolicy,
    /// How workers are chosen.
    pub router: router::Config,
    /// Finished jobs that are remembered. Proofs are kept anyway.
    pub keep_finished: usize,
}

/// How a job is to be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubmitOptions {
    /// How urgent.
    pub priority: Priority,
    /// When nobody needs it any more.
    pub deadline: Option<Millis>,
    /// What its proof must keep to, and what to prefer.
    pub preferences: Preferences,
}

/// The proving queue of a node.
pub struct Manager {
    store: Store,
    check: Check,
    keep_finished: usize,
    opened: Millis,
    state: Mutex<Inner>,
    changed: Condvar,
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager").field("store", &self.store).finish_non_exhaustive()
    }
}

/// How many jobs and workers there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that wait.
    pub waiting: usize,
    /// Jobs that workers have.
    pub at_work: usize,
    /// Jobs that were given up.
    pub given_up: usize,
    /// Of the jobs that wait, those that are too long for every worker here.
    pub stuck: usize,
    /// Workers that were heard of lately.
    pub workers: usize,
}

struct Inner {
    queue: Queue,
    /// The batches that are done. Survives that their jobs are forgotten.
    done: BTreeMap<ProofKind, BatchSet>,
    router: Router,
    workers: BTreeMap<WorkerId, Known>,
    /// What the router knows of open jobs.
    requests: BTreeMap<JobId, Request>,
    /// What is kept of workers that have not come back since the start.
    records: BTreeMap<WorkerId, WorkerRecord>,
    decisions: BTreeMap<JobId, String>,
    incidents: VecDeque<Incident>,
    /// The latest leases that ended by time.
    lapsed: VecDeque<(LeaseId, WorkerId, JobId)>,
    /// Jobs that are too long for every worker here and cannot be cut, and why.
    stuck: BTreeMap<JobId, String>,
    /// When it was looked what is too long.
    looked: Millis,
}

struct Known {
    hello: Hello,
    system: ProofSystem,
    heard: Millis,
}

/// Why a worker's request is refused.
#[derive(Debug, Error)]
pub enum WorkerFault {
    /// It has not said what it can do.
    #[error("the node does not know what this worker can do: it must introduce itself first")]
    Unknown,
    /// What it says of itself makes no sense.
    #[error("the introduction is not understood: {why}")]
    Hello {
        /// What is wrong.
        why: String,
    },
    /// It has no such lease, or not any more.
    #[error("this worker has no such lease; it may have ended by time")]
    NoLease,
    /// There is no such job.
    #[error("there is no such job")]
    NoJob,
    /// The job was finished or cancelled.
    #[error("nobody wants this work any more")]
    Over,
    /// The proof does not hold.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// The proof is of something else.
    #[error("the proof is not of this job's batches and kind")]
    OtherClaims,
    /// The node's disk.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Manager {
    /// Opens a queue's directory, with what was in it.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub fn open(dir: &Path, settings: Settings, check: Check) -> Result<Self, StoreError> {
        let store = Store::open(dir)?;
        let random = ChaCha12Rng::from_seed(rand::random());
        let mut jobs = store.jobs()?;
        for job in jobs.iter_mut().filter(|job| !job.state.is_final()) {
            // A crash came after the proof and before the job was done.
            if let Some(figures) = kept_proof(&store, &check, job) {
                job.state = JobState::Done(figures);
                store.put(&[job])?;
                store.drop_input(job.id);
            }
        }
        let mut queue = Queue::new(settings.queue, jobs, random);
        queue.restart_terms(Millis::now());
        let mut requests = BTreeMap::new();
        for job in queue.jobs().filter(|job| !job.state.is_final()) {
            let range = BatchRange::decode(&store.input(job.id)?, &Limits::default())?;
            requests.insert(job.id, request(&range, job)?);
        }
        let mut proofs = store.proofs()?;
        // A file that is not the proof of its open job will be replaced.
        for job in queue.jobs().filter(|job| !job.state.is_final()) {
            proofs.remove(&(job.kind, job.batches));
        }
        let mut done: BTreeMap<ProofKind, BatchSet> = BTreeMap::new();
        for (kind, (first, last)) in proofs {
            done.entry(kind).or_default().insert(first, last);
        }
        // A record that cannot be read is learned again.
        let records = store
            .profiles()?
            .into_iter()
            .filter_map(|(id, record)| Some((id, WorkerRecord::decode(&record).ok()?)))
            .collect();
        let inner = Inner {
            queue,
            done,
            router: Router::new(settings.router),
            requests,
            records,
            workers: BTreeMap::new(),
            decisions: BTreeMap::new(),
            incidents: VecDeque::new(),
            lapsed: VecDeque::new(),
            stuck: BTreeMap::new(),
            looked: Millis(0),
        };
        let keep_finished = settings.keep_finished;
        let (opened, state, changed) = (Millis::now(), Mutex::new(inner), Condvar::new());
        Ok(Self { store, check, keep_finished, opened, state, changed })
    }

    fn state(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes work. When it returns, the job is on disk. The same work is one job, however often it is asked for: one that
    /// is done already is not done again, one that failed or was cancelled gets another chance.
    ///
    /// # Errors
    /// When the queue is full or the disk fails.
    pub fn submit(&self, work: &Work, options: SubmitOptions) -> Result<JobId, SubmitError> {
        let input = work.range.encode();
        let id = work.id(&input);
        let now = Millis::now();
        let mut state = self.state();
        if state.queue.get(id).is_some_and(|job| self.is_alive(job)) {
            if let Some(job) = state.queue.raise(id, options.priority) {
                self.store.put(&[job])?;
            }
            return Ok(id);
        }
        if !state.queue.has_room() {
            return Err(SubmitError::Full { open: state.queue.open() });
        }
        let job = queued(work, &input, options, now)?;
        let request = request(&work.range, &job)?;
        self.store.put_input(id, &input)?;
        self.store.put(&[&job])?;
        state.queue.insert(job);
        state.requests.insert(id, request);
        Ok(id)
    }

    /// Gives a job up that nobody wants any more; its worker hears of it at its next sign of life. False when there is no
    /// such job or it is finished.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn cancel(&self, id: JobId) -> Result<bool, StoreError> {
        let mut state = self.state();
        let now = Millis::now();
        let holder = state.holder(id);
        let Some(job) = state.queue.cancel(id, now) else { return Ok(false) };
        self.store.put(&[job])?;
        self.store.drop_input(id);
        state.withdraw(id, holder, now);
        self.changed.notify_all();
        Ok(true)
    }

    /// A job.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<Job> {
        self.state().queue.get(id).cloned()
    }

    /// All jobs, by their first batch.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        let mut jobs: Vec<Job> = self.state().queue.jobs().cloned().collect();
        jobs.sort_by_key(|job| (job.batches, job.submitted));
        jobs
    }

    /// The batches that have a proof of that kind.
    #[must_use]
    pub fn done(&self, kind: ProofKind) -> BatchSet {
        self.state().done.get(&kind).cloned().unwrap_or_default()
    }

    /// The batches that have a proof of that kind, and those that open jobs will prove.
    #[must_use]
    pub fn covered(&self, kind: ProofKind) -> BatchSet {
        let state = self.state();
        let mut covered = state.done.get(&kind).cloned().unwrap_or_default();
        for job in state.queue.jobs().filter(|job| job.kind == kind && !job.state.is_final()) {
            covered.insert(job.batches.0, job.batches.1);
        }
        covered
    }

    /// How many jobs and workers there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let state = self.state();
        let waiting = state.queue.waiting();
        let given_up = state.queue.jobs().filter(|job| matches!(job.state, JobState::Failed { .. })).count();
        Counts {
            waiting,
            at_work: state.queue.open() - waiting,
            given_up,
            stuck: state.stuck.len(),
            workers: state.here(Millis::now()),
        }
    }

    /// Waits until a job is finished; none when the time is over before.
    #[must_use]
    pub fn wait(&self, id: JobId, time: Duration) -> Option<Job> {
        let until = Instant::now() + time;
        let mut state = self.state();
        loop {
            if let Some(job) = state.queue.get(id)
                && job.state.is_final()
            {
                return Some(job.clone());
            }
            let left = until.checked_duration_since(Instant::now())?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The proof of a job that is done.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn proof(&self, id: JobId) -> Result<Option<Proof>, StoreError> {
        match self.job(id) {
            Some(job @ Job { state: JobState::Done(_), .. }) => self.store.proof(&job).map(Some),
            _ => Ok(None),
        }
    }

    /// Where the proof of a job is, or will be.
    #[must_use]
    pub fn proof_path(&self, job: &Job) -> std::path::PathBuf {
        self.store.proof_path(job)
    }

    /// How busy the workers are.
    #[must_use]
    pub fn load(&self) -> Load {
        let state = self.state();
        let here = state.here(Millis::now());
        let busy = state.queue.open() - state.queue.waiting();
        // What waits for other workers is nothing that these are busy with.
        let waiting = state.queue.waiting().saturating_sub(state.stuck.len());
        Load { waiting, idle: here.saturating_sub(busy) }
    }

    /// What is too long for every worker here, in words, if anything is.
    #[must_use]
    pub fn stuck(&self) -> Option<String> {
        let state = self.state();
        let stuck = state.stuck.iter().filter_map(|(id, why)| Some((state.queue.get(*id)?.batches, why)));
        let ((first, last), why) = stuck.min_by_key(|(batches, _)| *batches)?;
        let more = match state.stuck.len() - 1 {
            0 => String::new(),
            more => format!(" ({more} more jobs wait like this)"),
        };
        let batches = if first == last { format!("{first}") } else { format!("{first} to {last}") };
        Some(format!("batch {batches} waits for a larger worker: {why}{more}"))
    }

    /// Ends leases whose time is over, and jobs that nobody needs any more. To be called now and then.
    pub fn tick(&self) {
        let now = Millis::now();
        let mut state = self.state();
        for (lease, worker) in state.queue.expired(now) {
            let why = format!("no sign of life of worker {worker:.8} in time");
            self.lose(&mut state, lease, Failure::TimedOut, &why, now);
        }
        for id in state.queue.overdue(now) {
            let holder = state.holder(id);
            if let Some(job) = state.queue.give_up(id, "the deadline passed".into(), now) {
                self.keep(job);
                state.withdraw(id, holder, now);
            }
        }
        let old = state.queue.forget(self.keep_finished);
        if !old.is_empty() {
            for id in &old {
                state.decisions.remove(id);
            }
            // They will be forgotten another time.
            let _ = self.store.forget(&old);
        }
        self.changed.notify_all();
        drop(state);
        self.fit(now);
    }

    /// Cuts jobs that are too long for every worker here, and notes those that cannot be cut.
    fn fit(&self, now: Millis) {
        let mut too_long = Vec::new();
        {
            let mut state = self.state();
            let state = &mut *state;
            if now.since(state.looked) < LOOK {
                return;
            }
            state.looked = now;
            state.stuck.clear();
            // A larger worker has the time that a better one has.
            let patience = u64::try_from(state.router.config().max_wait.as_millis()).unwrap_or(u64::MAX);
            for id in state.queue.ready(now) {
                let Some(job) = state.queue.get(id) else { continue };
                let (single, since) = (job.batches.0 == job.batches.1, job.submitted.max(self.opened));
                if now.since(since) < patience {
                    continue;
                }
                match state.requests.get(&id).and_then(|request| state.oversize(request, now)) {
                    Some(oversize) if single => drop(state.stuck.insert(id, oversize.to_string())),
                    Some(_) => too_long.push(id),
                    None => {}
                }
            }
        }
        for id in too_long.into_iter().take(CUTS) {
            if let Err(why) = self.cut(id, now) {
                self.state().stuck.insert(id, format!("it cannot be cut: {why}"));
            }
        }
    }

    /// Puts smaller jobs in the place of one that waits, unless a worker takes it by now.
    fn cut(&self, id: JobId, now: Millis) -> Result<(), SubmitError> {
        let range = BatchRange::decode(&self.store.input(id)?, &Limits::default())?;
        let (whole, parts) = {
            let state = self.state();
            let (Some(job), Some(request)) = (state.queue.get(id), state.requests.get(&id)) else {
                return Ok(());
            };
            let fits = |workload: &Workload| {
                let part = Request { workload: *workload, ..request.clone() };
                state.oversize(&part, now).is_none()
            };
            (job.clone(), cut(&range, fits))
        };
        // The node has executed these batches before: what they claim is no surprise. The lock is not held meanwhile.
        let claims =
            execute_range::<Native>(&range).map_err(|why| SubmitError::Refused { why: why.to_string() })?;
        let mut jobs = Vec::new();
        for part in parts {
            let inputs = range.inputs()[part.clone()].to_vec();
            let range = BatchRange::new(inputs).ok_or(SubmitError::Size { batches: part.len() })?;
            let work = Work { range, claims: claims[part].to_vec(), kind: whole.kind };
            let input = work.range.encode();
            let Job { priority, deadline, preferences, submitted, .. } = whole;
            let options = SubmitOptions { priority, deadline, preferences };
            let job = queued(&work, &input, options, submitted)?;
            let request = request(&work.range, &job)?;
            self.store.put_input(job.id, &input)?;
            jobs.push((job, request));
        }
        let mut state = self.state();
        let waits = state.queue.get(id).is_some_and(|job| matches!(job.state, JobState::Queued { .. }));
        let count = u32::try_from(jobs.len()).unwrap_or(u32::MAX);
        if waits && count > 1 {
            // One that was asked for apart is open or done already.
            jobs.retain(|(job, _)| !state.queue.get(job.id).is_some_and(|known| self.is_alive(known)));
            let split = Job { state: JobState::Split { at: now, jobs: count }, ..whole };
            let written: Vec<&Job> = jobs.iter().map(|(job, _)| job).chain([&split]).collect();
            self.store.put(&written)?;
            state.queue.split(id, count, now);
            state.requests.remove(&id);
            self.store.drop_input(id);
            for (job, request) in jobs {
                state.requests.insert(job.id, request);
                state.queue.insert(job);
            }
            self.changed.notify_all();
        }
        Ok(())
    }

    /// Whether a job is open, or done with its proof still there.
    fn is_alive(&self, job: &Job) -> bool {
        match job.state {
            JobState::Done(_) => self.store.proof(job).is_ok(),
            JobState::Queued { .. } | JobState::Leased(_) => true,
            JobState::Failed { .. } | JobState::Cancelled { .. } | JobState::Split { .. } => false,
        }
    }

    /// Writes down what was learned of a worker. If that fails, it is learned again.
    fn learn(&self, state: &Inner, worker: WorkerId) {
        if let Some((_, record)) = state.router.records().find(|(description, _)| description.id == worker) {
            let _ = self.store.put_profile(worker, &record.encode());
        }
    }

    /// Writes a change down that nobody asked for. If that fails, the job is after a restart as it was before, and needs
    /// its input again.
    fn keep(&self, job: &Job) {
        if self.store.put(&[job]).is_ok() && job.state.is_final() {
            self.store.drop_input(job.id);
        }
    }

    /// A lease ended without a proof.
    fn lose(&self, state: &mut Inner, lease: LeaseId, failure: Failure, why: &str, now: Millis) {
        let Some(lost) = state.queue.lost(lease, why, now) else { return };
        let id = lost.job.id;
        self.keep(&lost.job);
        if lost.job.state.is_final() {
            state.requests.remove(&id);
        } else if failure == Failure::TimedOut {
            state.lapsed.truncate(LAPSED - 1);
            state.lapsed.push_front((lease, lost.worker, id));
        }
        // The router may not know the worker: it has not come back since the node was started.
        let _ = state.router.failed(lost.worker, id, failure, micros(now));
        self.learn(state, lost.worker);
        state.incident(now, lost.worker, id, why);
        self.changed.notify_all();
    }

    /// A worker says what it can do.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn hello(&self, worker: WorkerId, hello: Hello) -> Result<(), WorkerFault> {
        let description = describe(worker, &hello)?;
        let known = Known { system: description.system, hello, heard: Millis::now() };
        let mut state = self.state();
        let state = &mut *state;
        let record = state.records.get(&worker).cloned();
        let refused = |error: router::RouterError| WorkerFault::Hello { why: error.to_string() };
        state.router.register(description, record).map_err(refused)?;
        // What it has from before the node was started.
        for job in state.queue.jobs() {
            if let (JobState::Leased(lease), Some(request)) = (&job.state, state.requests.get(&job.id))
                && lease.worker == worker
            {
                let (id, since) = (job.id, micros(lease.since));
                // It may be known already.
                let _ = state.router.started(worker, id, job.kind, &request.workload, since);
            }
        }
        state.workers.insert(worker, known);
        Ok(())
    }

    /// The next job for a worker that asks for one.
    ///
    /// # Errors
    /// When the worker is unknown or the disk fails.
    pub fn lease(&self, worker: WorkerId) -> Result<Option<Offer>, WorkerFault> {
        let now = Millis::now();
        let mut state = self.state();
        let state = &mut *state;
        state.workers.get_mut(&worker).ok_or(WorkerFault::Unknown)?.heard = now;
        for id in state.queue.ready(now) {
            let Some(request) = state.requests.get(&id) else { continue };
            let Ok(decision) = state.router.may_take(worker, request, micros(now)) else { continue };
            let Some(job) = state.queue.lease(id, worker, now) else { continue };
            let JobState::Leased(lease) = &job.state else { continue };
            self.store.put(&[job])?;
            // A worker that asks for more than it should is counted on for less.
            let _ = state.router.started(worker, id, job.kind, &request.workload, micros(now));
            state.stuck.remove(&id);
            state.decisions.insert(id, decision.to_string());
            return Ok(Some(Offer {
                lease: lease.id.to_string(),
                job: id.to_string(),
                kind: job.kind.to_string(),
                first_batch: job.batches.0,
                last_batch: job.batches.1,
                commands: job.commands,
                input_bytes: job.input_bytes,
                expires_in: lease.expires.since(now),
            }));
        }
        Ok(None)
    }

    /// The input of a job, for who has the lease.
    ///
    /// # Errors
    /// When the worker has no such lease or the disk fails.
    pub fn input(&self, worker: WorkerId, lease: LeaseId) -> Result<Vec<u8>, WorkerFault> {
        let id = self.state().held(worker, lease)?;
        Ok(self.store.input(id)?)
    }

    /// A sign of life.
    ///
    /// # Errors
    /// When the worker has no such lease.
    pub fn renew(&self, worker: WorkerId, lease: LeaseId) -> Result<Pulse, WorkerFault> {
        let now = Millis::now();
        let mut state = self.state();
        if let Some(known) = state.workers.get_mut(&worker) {
            known.heard = now;
        }
        let expires = state.queue.renew(lease, worker, now).ok_or(WorkerFault::NoLease)?;
        Ok(Pulse { go_on: true, expires_in: expires.since(now) })
    }

    /// A worker could not do it.
    ///
    /// # Errors
    /// When the worker has no such lease or the disk fails.
    pub fn failed(&self, worker: WorkerId, lease: LeaseId, failed: &Failed) -> Result<(), WorkerFault> {
        let id = self.state().held(worker, lease)?;
        let why: String = failed.why.chars().filter(|c| !c.is_control()).take(1_000).collect();
        // Whether the program refuses the input is not believed, but tried.
        let refused = failed.refused && {
            let input = self.store.input(id)?;
            !BatchRange::decode(&input, &Limits::default())
                .is_ok_and(|range| execute_range::<Native>(&range).is_ok())
        };
        let now = Millis::now();
        let mut state = self.state();
        if refused {
            let why = format!("the program refuses the input, and so does this node: {why}");
            if let Some(job) = state.queue.give_up(id, why, now) {
                self.store.put(&[job])?;
                self.store.drop_input(id);
            }
            state.withdraw(id, Some(worker), now);
            self.changed.notify_all();
        } else {
            self.lose(&mut state, lease, Failure::Failed, &why, now);
        }
        Ok(())
    }

    /// Whether a worker may bring a job's proof: it has the lease, or had it until its time was over. Leases that ended
    /// before the node was started are not remembered.
    ///
    /// # Errors
    /// When it may not, or nobody wants the proof any more.
    pub fn may_deliver(&self, worker: WorkerId, id: JobId, lease: LeaseId) -> Result<(), WorkerFault> {
        let state = self.state();
        if !state.workers.contains_key(&worker) {
            return Err(WorkerFault::Unknown);
        }
        if state.queue.get(id).ok_or(WorkerFault::NoJob)?.state.is_final() {
            return Err(WorkerFault::Over);
        }
        let held = state.held(worker, lease).is_ok_and(|held| held == id);
        if held || state.lapsed.contains(&(lease, worker, id)) { Ok(()) } else { Err(WorkerFault::NoLease) }
    }

    /// A worker brings a proof. It counts when it is of this job, and holds. Work whose lease has ended by time is welcome,
    /// too.
    ///
    /// # Errors
    /// When [the worker may not](Self::may_deliver); when the proof is not of this job or does not hold, which costs the worker its lease; when nobody wants it any
    /// more; when the disk fails.
    pub fn deliver(
        &self,
        worker: WorkerId,
        id: JobId,
        lease: LeaseId,
        cycles: u64,
        file: &[u8],
    ) -> Result<(), WorkerFault> {
        self.may_deliver(worker, id, lease)?;
        let (job, system) = {
            let mut state = self.state();
            let known = state.workers.get_mut(&worker).ok_or(WorkerFault::Unknown)?;
            known.heard = Millis::now();
            let system = known.system;
            (state.queue.get(id).cloned().ok_or(WorkerFault::NoJob)?, system)
        };
        // The lock is not held while the proof is checked.
        let began = Instant::now();
        if let Err(fault) = examine(&self.check, &job, system, file) {
            let now = Millis::now();
            let mut state = self.state();
            let (failure, what) = judge(&fault);
            let why = format!("{what}: {fault}");
            if state.held(worker, lease).is_ok_and(|held| held == id) {
                self.lose(&mut state, lease, failure, &why, now);
            } else {
                // Of work that it does not have any more, only a lie counts; and it has had its chance.
                state.lapsed.retain(|lapsed| lapsed.0 != lease);
                let _ = state.router.failed(worker, id, failure, micros(now));
                self.learn(&state, worker);
                state.incident(now, worker, id, &why);
            }
            return Err(fault);
        }
        let verify_micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.store.put_proof(&job, file)?;
        let now = Millis::now();
        let mut state = self.state();
        let since = match &job.state {
            JobState::Leased(lease) if lease.worker == worker => lease.since,
            _ => now,
        };
        let figures = Figures {
            at: now,
            worker,
            system,
            queue_wait: since.since(job.submitted),
            proving: now.since(since),
            cycles,
            proof_bytes: file.len() as u64,
            verify_micros,
        };
        // On disk first: if that fails, the job is open still, and the worker can bring the proof again.
        let done = match state.queue.get(id) {
            Some(job) if !job.state.is_final() => {
                Job { state: JobState::Done(figures.clone()), ..job.clone() }
            }
            _ => return Err(WorkerFault::Over),
        };
        self.store.put(&[&done])?;
        state.queue.done(id, figures.clone());
        self.store.drop_input(id);
        state.done.entry(job.kind).or_default().insert(job.batches.0, job.batches.1);
        let holder = match &job.state {
            JobState::Leased(lease) => Some(lease.worker),
            _ => None,
        };
        state.stuck.remove(&id);
        if let Some(request) = state.requests.remove(&id) {
            let run = Run {
                kind: job.kind,
                workload: request.workload,
                cycles,
                elapsed: Duration::from_millis(figures.proving),
                proof_bytes: if job.kind.is_proof() { figures.proof_bytes } else { 0 },
                verification: Duration::from_micros(figures.verify_micros),
            };
            // Of work whose lease had ended nothing is learned.
            let _ = state.router.finished(worker, id, &run, micros(now));
        }
        self.learn(&state, worker);
        if holder != Some(worker) {
            state.withdraw(id, holder, now);
        }
        self.changed.notify_all();
        Ok(())
    }

    /// How it goes.
    #[must_use]
    pub fn status(&self) -> Status {
        let now = Millis::now();
        let state = self.state();
        let mut jobs: Vec<&Job> = state.queue.jobs().collect();
        jobs.sort_by_key(|job| std::cmp::Reverse((job.submitted, job.batches, job.id)));
        jobs.truncate(SHOWN);
        let workers = state.workers.iter().map(|(id, known)| WorkerStatus {
            id: id.to_string(),
            hello: known.hello.clone(),
            silent: now.since(known.heard),
            breaker: state.breaker(*id, now),
        });
        Status {
            statistics: Statistics::of(state.queue.jobs()),
            workers: workers.collect(),
            jobs: jobs.into_iter().map(|job| state.job_status(job, now)).collect(),
            incidents: state.incidents.iter().rev().cloned().collect(),
        }
    }
}

/// Whether the file proves what the job asks for.
fn examine(check: &Check, job: &Job, system: ProofSystem, file: &[u8]) -> Result<(), WorkerFault> {
    let proof = Proof::decode(file)?;
    if proof.system == system { proves(check, job, &proof) } else { Err(WorkerFault::OtherClaims) }
}

fn proves(check: &Check, job: &Job, proof: &Proof) -> Result<(), WorkerFault> {
    let hash: [u8; 32] = Sha256::digest(proof.public_values()).into();
    if proof.kind != job.kind || hash != job.claims_hash {
        return Err(WorkerFault::OtherClaims);
    }
    // Claims that were only executed are known to be right: the node made the same. They prove nothing, and are counted
    // apart.
    if proof.kind.is_proof() { Ok(check(proof)?) } else { Ok(()) }
}

/// What is known of the proof of an open job, if it is on disk and holds.
fn kept_proof(store: &Store, check: &Check, job: &Job) -> Option<Figures> {
    let (proof, proof_bytes, at) = store.kept_proof(job)?;
    let began = Instant::now();
    proves(check, job, &proof).ok()?;
    let verify_micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (worker, since) = match &job.state {
        JobState::Leased(lease) => (lease.worker, lease.since),
        _ => (WorkerId([0; 32]), at),
    };
    Some(Figures {
        at,
        worker,
        system: proof.system,
        queue_wait: since.since(job.submitted),
        proving: at.since(since),
        cycles: 0,
        proof_bytes,
        verify_micros,
    })
}

/// Work as a job that waits.
fn queued(work: &Work, input: &[u8], options: SubmitOptions, now: Millis) -> Result<Job, SubmitError> {
    let (Some(first), Some(last)) = (work.claims.first(), work.claims.last()) else {
        return Err(SubmitError::Size { batches: 0 });
    };
    Ok(Job {
        id: work.id(input),
        kind: work.kind,
        priority: options.priority,
        submitted: now,
        deadline: options.deadline,
        batches: (first.batch, last.batch),
        commands: last.last_sequence.saturating_sub(first.first_sequence).saturating_add(1),
        input_bytes: input.len() as u64,
        claims_hash: Sha256::digest(verifier::public_values(&work.claims)).into(),
        preferences: options.preferences,
        attempts: 0,
        state: JobState::Queued { not_before: now },
    })
}

/// A job as the router sees it.
fn request(range: &BatchRange, job: &Job) -> Result<Request, types::DecodeError> {
    let Preferences { strategy, preference, max_proof_bytes, max_cost } = job.preferences;
    let deadline = job.deadline.map(micros);
    let limits =
        RouteLimits { preference, max_proof_bytes, max_cost, deadline, ..RouteLimits::kind(job.kind) };
    let mut request = Request::new(range, limits, micros(job.submitted))?;
    request.strategy = strategy.unwrap_or(request.strategy);
    Ok(request)
}

/// What a proof that is not taken says of who brought it.
fn judge(fault: &WorkerFault) -> (Failure, &'static str) {
    match fault {
        // The node is the one that cannot.
        WorkerFault::Proof(ProofError::Unsupported { .. }) => {
            (Failure::Withdrawn, "a proof that this node cannot check")
        }
        WorkerFault::Proof(ProofError::OtherProgram { .. } | ProofError::OtherVersion { .. }) => {
            (Failure::Failed, "a proof of another version")
        }
        _ => (Failure::Lied, "a wrong proof"),
    }
}

/// The router counts microseconds.
fn micros(time: Millis) -> Timestamp {
    Timestamp(time.0.saturating_mul(1_000))
}

/// What a worker says of itself, as the router needs it.
fn describe(worker: WorkerId, hello: &Hello) -> Result<WorkerDescription, WorkerFault> {
    let bad = |why: &str| WorkerFault::Hello { why: why.to_string() };
    let texts = [&hello.name, &hello.version, &hello.device];
    if texts.iter().any(|text| text.len() > 200 || text.chars().any(char::is_control)) {
        return Err(bad("name, version and device have at most 200 bytes, without control characters"));
    }
    Ok(WorkerDescription {
        id: worker,
        system: hello.system.parse().map_err(bad)?,
        device: hello.device.clone(),
        kinds: hello.kinds.iter().map(|kind| kind.parse().map_err(bad)).collect::<Result<_, _>>()?,
        max_cycles: hello.max_cycles.unwrap_or(u64::MAX),
        slots: 1,
        price: MicroDollars(hello.price),
    })
}

impl Inner {
    /// The workers that were heard of lately.
    fn here(&self, now: Millis) -> usize {
        self.workers.values().filter(|worker| now.since(worker.heard) < SILENT).count()
    }

    /// Whether a request is too long for the workers that were heard of lately.
    fn oversize(&self, request: &Request, now: Millis) -> Option<router::Oversize> {
        let here = |id| self.workers.get(&id).is_some_and(|worker: &Known| now.since(worker.heard) < SILENT);
        self.router.oversize(request, micros(now), here)
    }

    /// A job as others see it.
    fn job_status(&self, job: &Job, now: Millis) -> JobStatus {
        let mut status = job_status(job, self.decisions.get(&job.id), now);
        if let JobState::Queued { .. } = job.state {
            if let Some(why) = self.stuck.get(&job.id) {
                status.state = "stuck".into();
                status.detail = format!("waits for a larger worker: {why}");
            }
            let no_route = self.requests.get(&job.id).map(|request| self.router.route(request, micros(now)));
            if let Some(Err(no_route)) = no_route {
                status.decision = Some(no_route.to_string());
            }
        }
        status
    }

    /// Who works on a job.
    fn holder(&self, id: JobId) -> Option<WorkerId> {
        match &self.queue.get(id)?.state {
            JobState::Leased(lease) => Some(lease.worker),
            _ => None,
        }
    }

    /// Whether a worker is given work, in words.
    fn breaker(&self, worker: WorkerId, now: Millis) -> String {
        let known = self.router.records().find(|(description, _)| description.id == worker);
        match known.map(|(_, record)| record.breaker.state()) {
            None => "unknown".into(),
            Some(BreakerState::Closed) => "gets work".into(),
            Some(BreakerState::HalfOpen) => "on probation: one job decides".into(),
            Some(BreakerState::Open { until, cause }) if until <= micros(now) => {
                format!("gets one job on probation: {cause}")
            }
            Some(BreakerState::Open { until, cause }) => {
                let minutes = until.0.saturating_sub(micros(now).0) / 60_000_000;
                format!("gets no work for {minutes} minutes: {cause}")
            }
        }
    }

    /// Nobody needs it any more; that says nothing of who worked on it.
    fn withdraw(&mut self, id: JobId, holder: Option<WorkerId>, now: Millis) {
        self.requests.remove(&id);
        self.stuck.remove(&id);
        if let Some(worker) = holder {
            // Unknown workers have nothing in flight.
            let _ = self.router.failed(worker, id, Failure::Withdrawn, micros(now));
        }
    }

    /// The job that a worker holds by a lease.
    fn held(&self, worker: WorkerId, lease: LeaseId) -> Result<JobId, WorkerFault> {
        match self.queue.leased(lease) {
            Some(Job { id, state: JobState::Leased(held), .. }) if held.worker == worker => Ok(*id),
            _ => Err(WorkerFault::NoLease),
        }
    }

    fn incident(&mut self, now: Millis, worker: WorkerId, job: JobId, what: &str) {
        if self.incidents.len() >= INCIDENTS {
            self.incidents.pop_front();
        }
        let (worker, job) = (worker.to_string(), job.to_string());
        self.incidents.push_back(Incident { at: now.0, worker, job, what: what.to_string() });
    }
}

fn job_status(job: &Job, decision: Option<&String>, now: Millis) -> JobStatus {
    let detail = match &job.state {
        JobState::Queued { not_before } if *not_before > now => {
            format!("rests for {} ms", not_before.since(now))
        }
        JobState::Queued { .. } => String::new(),
        JobState::Leased(lease) => {
            format!("worker {} since {} ms", lease.worker, now.since(lease.since))
        }
        JobState::Done(figures) => format!(
            "{}, worker {}: waited {} ms, took {} ms, {} cycles, {} bytes, checked in {} µs",
            figures.system,
            figures.worker,
            figures.queue_wait,
            figures.proving,
            figures.cycles,
            figures.proof_bytes,
            figures.verify_micros
        ),
        JobState::Failed { why, .. } => why.clone(),
        JobState::Cancelled { .. } => String::new(),
        JobState::Split { jobs, .. } => format!("too long for every worker: it became {jobs} smaller jobs"),
    };
    JobStatus {
        id: job.id.to_string(),
        kind: job.kind.to_string(),
        priority: job.priority.name().to_string(),
        first_batch: job.batches.0,
        last_batch: job.batches.1,
        commands: job.commands,
        state: job.state.name().to_string(),
        attempts: job.attempts,
        detail,
        decision: decision.cloned(),
    }
}
