//! The queue: which job is handed out next, and what becomes of it. Knows no clock and no disk; every change gives the
//! job as it is to be written down.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand_chacha::ChaCha12Rng;

use crate::backoff::Backoff;
use crate::job::{Figures, Job, JobId, JobState, Lease, LeaseId, Millis, Priority, WorkerId};

/// What the queue decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePolicy {
    /// Jobs that may wait or be worked on; more are refused.
    pub max_open: usize,
    /// A lease ends after so many milliseconds without a sign of life.
    pub lease: u64,
    /// A lease ends after so many milliseconds, whatever the worker says.
    pub max_lease: u64,
    /// A job is given up after being handed out so often.
    pub max_attempts: u32,
    /// Waiting so many milliseconds is worth one step of priority.
    pub ageing: u64,
    /// How long a failed job rests.
    pub backoff: Backoff,
}

impl Default for QueuePolicy {
    /// 10,000 jobs; a minute for a sign of life, two hours at most; five attempts; a step of priority every ten minutes.
    fn default() -> Self {
        Self {
            max_open: 10_000,
            lease: 60_000,
            max_lease: 2 * 3_600_000,
            max_attempts: 5,
            ageing: 600_000,
            backoff: Backoff::default(),
        }
    }
}

/// All jobs.
#[derive(Debug)]
pub struct Queue {
    policy: QueuePolicy,
    jobs: BTreeMap<JobId, Job>,
    /// Those that wait or are worked on.
    open: BTreeSet<JobId>,
    leases: BTreeMap<LeaseId, JobId>,
    random: ChaCha12Rng,
}

/// How a lease ended without a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The job, which waits again or was given up.
    pub job: Job,
    /// Who had it.
    pub worker: WorkerId,
}

impl Queue {
    /// A queue of jobs that were written down before.
    #[must_use]
    pub fn new(policy: QueuePolicy, jobs: impl IntoIterator<Item = Job>, random: ChaCha12Rng) -> Self {
        let jobs: BTreeMap<JobId, Job> = jobs.into_iter().map(|job| (job.id, job)).collect();
        let open = jobs.values().filter(|job| !job.state.is_final()).map(|job| job.id).collect();
        let leases = jobs
            .values()
            .filter_map(|job| match &job.state {
                JobState::Leased(lease) => Some((lease.id, job.id)),
                _ => None,
            })
            .collect();
        Self { policy, jobs, open, leases, random }
    }

    /// A job.
    #[must_use]
    pub fn get(&self, id: JobId) -> Option<&Job> {
        self.jobs.get(&id)
    }

    /// All jobs, in no order that matters.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// How many wait or are worked on.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Whether there is room for one more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.open.len() < self.policy.max_open
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open.len() - self.leases.len()
    }

    /// The job of a lease.
    #[must_use]
    pub fn leased(&self, lease: LeaseId) -> Option<&Job> {
        self.leases.get(&lease).and_then(|id| self.jobs.get(id))
    }

    /// Adds a job, or asks again for one that was given up or cancelled.
    pub fn insert(&mut self, job: Job) -> &Job {
        self.open.insert(job.id);
        let id = job.id;
        self.jobs.insert(id, job);
        &self.jobs[&id]
    }

    /// Makes a job that waits more urgent. It never becomes less urgent.
    pub fn raise(&mut self, id: JobId, priority: Priority) -> Option<&Job> {
        let job = self.jobs.get_mut(&id).filter(|job| priority > job.priority)?;
        job.priority = priority;
        Some(job)
    }

    /// The jobs that may be handed out now, the most urgent first.
    #[must_use]
    pub fn ready(&self, now: Millis) -> Vec<JobId> {
        let mut ready: Vec<&Job> = self
            .open
            .iter()
            .filter_map(|id| self.jobs.get(id))
            .filter(|job| matches!(job.state, JobState::Queued { not_before } if not_before <= now))
            .collect();
        ready.sort_by_key(|job| {
            (std::cmp::Reverse(self.urgency(job, now)), job.submitted, job.batches, job.id)
        });
        ready.into_iter().map(|job| job.id).collect()
    }

    /// Priority and waiting in one number, in milliseconds.
    fn urgency(&self, job: &Job, now: Millis) -> u64 {
        (job.priority as u64).saturating_mul(self.policy.ageing).saturating_add(now.since(job.submitted))
    }

    /// Hands a waiting job to a worker.
    pub fn lease(&mut self, id: JobId, worker: WorkerId, now: Millis) -> Option<&Job> {
        let job = self.jobs.get_mut(&id).filter(|job| matches!(job.state, JobState::Queued { .. }))?;
        let lease = Lease {
            id: LeaseId(self.random.random()),
            worker,
            since: now,
            expires: now.plus(self.policy.lease),
        };
        self.leases.insert(lease.id, id);
        job.attempts += 1;
        job.state = JobState::Leased(lease);
        Some(job)
    }

    /// A sign of life. Not written down: after a restart workers have a full term to show up.
    pub fn renew(&mut self, lease: LeaseId, worker: WorkerId, now: Millis) -> Option<Millis> {
        let job = self.jobs.get_mut(self.leases.get(&lease)?)?;
        match &mut job.state {
            JobState::Leased(lease) if lease.worker == worker => {
                let latest = lease.since.plus(self.policy.max_lease);
                lease.expires = now.plus(self.policy.lease).min(latest);
                Some(lease.expires)
            }
            _ => None,
        }
    }

    /// Gives every leased job a full term: the node was away, not the workers.
    pub fn restart_terms(&mut self, now: Millis) {
        for id in self.leases.values() {
            if let Some(Job { state: JobState::Leased(lease), .. }) = self.jobs.get_mut(id) {
                lease.expires = now.plus(self.policy.lease);
            }
        }
    }

    /// There is a proof. Also for a job whose lease has ended: work that was done is not done again.
    pub fn done(&mut self, id: JobId, figures: Figures) -> Option<&Job> {
        self.finish(id, JobState::Done(figures))
    }

    /// Nobody wants it any more.
    pub fn cancel(&mut self, id: JobId, now: Millis) -> Option<&Job> {
        self.finish(id, JobState::Cancelled { at: now })
    }

    /// It will never succeed.
    pub fn give_up(&mut self, id: JobId, why: String, now: Millis) -> Option<&Job> {
        self.finish(id, JobState::Failed { at: now, why })
    }

    /// Smaller jobs take its place.
    pub fn split(&mut self, id: JobId, jobs: u32, now: Millis) -> Option<&Job> {
        self.finish(id, JobState::Split { at: now, jobs })
    }

    fn finish(&mut self, id: JobId, state: JobState) -> Option<&Job> {
        let job = self.jobs.get_mut(&id).filter(|job| !job.state.is_final())?;
        if let JobState::Leased(lease) = &job.state {
            self.leases.remove(&lease.id);
        }
        self.open.remove(&id);
        job.state = state;
        Some(job)
    }

    /// A lease ended without a proof: the job waits again for a while, or is given up.
    pub fn lost(&mut self, lease: LeaseId, why: &str, now: Millis) -> Option<Lost> {
        let id = self.leases.remove(&lease)?;
        let job = self.jobs.get_mut(&id)?;
        let JobState::Leased(Lease { worker, .. }) = job.state else { return None };
        if job.attempts >= self.policy.max_attempts {
            self.open.remove(&id);
            let why = format!("given up after {} attempts; the last: {why}", job.attempts);
            job.state = JobState::Failed { at: now, why };
        } else {
            let rest = self.policy.backoff.after(job.attempts, &mut self.random);
            job.state = JobState::Queued { not_before: now.plus(rest) };
        }
        Some(Lost { job: job.clone(), worker })
    }

    /// The leases that have ended by time.
    #[must_use]
    pub fn expired(&self, now: Millis) -> Vec<(LeaseId, WorkerId)> {
        let leased = self.leases.values().filter_map(|id| self.jobs.get(id));
        leased
            .filter_map(|job| match &job.state {
                JobState::Leased(lease) if lease.expires <= now => Some((lease.id, lease.worker)),
                _ => None,
            })
            .collect()
    }

    /// The jobs that nobody needs any more.
    #[must_use]
    pub fn overdue(&self, now: Millis) -> Vec<JobId> {
        let open = self.open.iter().filter_map(|id| self.jobs.get(id));
        open.filter(|job| job.deadline.is_some_and(|deadline| deadline <= now)).map(|job| job.id).collect()
    }

    /// Forgets finished jobs, the oldest first, until so many are left.
    pub fn forget(&mut self, keep: usize) -> Vec<JobId> {
        let finished = self.jobs.len() - self.open.len();
        let mut old: Vec<(Millis, JobId)> = Vec::new();
        if finished > keep {
            old = self
                .jobs
                .values()
                .filter(|job| job.state.is_final())
                .map(|job| (job.submitted, job.id))
                .collect();
            old.sort_unstable();
            old.truncate(finished - keep);
        }
        for (_, id) in &old {
            self.jobs.remove(id);
        }
        old.into_iter().map(|(_, id)| id).collect()
    }
}
