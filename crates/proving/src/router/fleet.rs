//! The workers, what they did, and what they have in flight.

use std::collections::BTreeMap;
use std::time::Duration;

use types::Timestamp;
use verifier::{ProofKind, ProofSystem};

use super::{
    BreakerConfig, CycleModel, Estimate, Failure, RouterError, Run, WorkerDescription, WorkerRecord,
    Workload, clock,
};
use crate::job::{JobId, WorkerId};

/// How the router judges.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// After this time a measurement counts half.
    pub half_life: Duration,
    /// Workers at most.
    pub max_workers: usize,
    /// When workers are given up, and tried again.
    pub breaker: BreakerConfig,
    /// How long a request waits at most for a better worker than one that asks for it.
    pub max_wait: Duration,
    /// How many points a preferred system may be worse and still be chosen; a point is a factor of two.
    pub preference_bonus: f64,
    /// How many points a worker that is to be tried out may be worse.
    pub trial_bonus: f64,
    /// A worker and kind with results of less weight than this is to be tried out; a fresh one weighs 1.
    pub trial_weight: f64,
    /// What an execution costs, by system.
    pub cycle_models: BTreeMap<ProofSystem, CycleModel>,
}

impl Default for Config {
    /// Half-life of six hours, 1,024 workers, ten seconds of waiting; a preferred system may be twice as bad, an unknown
    /// worker 16 times; results are forgotten after about a day.
    fn default() -> Self {
        Self {
            half_life: Duration::from_secs(6 * 3600),
            max_workers: 1024,
            breaker: BreakerConfig::default(),
            max_wait: Duration::from_secs(10),
            preference_bonus: 1.0,
            trial_bonus: 4.0,
            trial_weight: 0.06,
            cycle_models: ProofSystem::ALL.map(|system| (system, CycleModel::measured(system))).into(),
        }
    }
}

/// Decides which worker should make which proof.
#[derive(Clone, Debug)]
pub struct Router {
    pub(super) config: Config,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
}

impl Router {
    /// Pieces of work that a worker can have in flight at most.
    pub const MAX_IN_FLIGHT: usize = 1024;

    /// A router that knows no workers.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, workers: BTreeMap::new() }
    }

    /// Adds a worker, with what was kept of it ([`Router::records`]), or nothing if it is new. One that is known already
    /// is described anew; it keeps its record and its work in flight.
    ///
    /// # Errors
    /// When there are too many, or the description is of no use.
    pub fn register(
        &mut self,
        description: WorkerDescription,
        kept: Option<WorkerRecord>,
    ) -> Result<(), RouterError> {
        let id = description.id;
        let wrong = |what| RouterError::Description { worker: id, what };
        if description.slots == 0 {
            return Err(wrong("it makes no proofs: slots are 0"));
        }
        if description.kinds.is_empty() {
            return Err(wrong("it makes no kind of proof"));
        }
        if let Some(known) = self.workers.get_mut(&id) {
            known.description = description;
            return Ok(());
        }
        if self.workers.len() >= self.config.max_workers {
            return Err(RouterError::TooManyWorkers { limit: self.config.max_workers });
        }
        let mut record = kept.unwrap_or_default();
        // Nobody will report on a probe that was given before a restart.
        record.breaker.lose_probe();
        self.workers.insert(id, Worker { description, record, in_flight: BTreeMap::new() });
        Ok(())
    }

    /// Takes a worker out; what is to be kept of it, if it was there. Keep it: a worker that comes back without its record
    /// has its lies forgiven.
    pub fn remove(&mut self, worker: WorkerId) -> Option<WorkerRecord> {
        self.workers.remove(&worker).map(|worker| worker.record)
    }

    /// A worker was given work of that kind.
    ///
    /// # Errors
    /// When the worker is unknown, has that work already, or has too much.
    pub fn started(
        &mut self,
        worker: WorkerId,
        job: JobId,
        kind: ProofKind,
        workload: &Workload,
        now: Timestamp,
    ) -> Result<(), RouterError> {
        let expected = self.known(worker)?.estimate(kind, workload, now, &self.config).proving;
        let known = self.known_mut(worker)?;
        if known.in_flight.contains_key(&job) {
            return Err(RouterError::AlreadyStarted { worker, job });
        }
        if known.in_flight.len() >= Self::MAX_IN_FLIGHT {
            return Err(RouterError::TooMuchWork { worker, limit: Self::MAX_IN_FLIGHT });
        }
        known.in_flight.insert(job, Work { kind, started: now, expected });
        known.record.breaker.started(now);
        Ok(())
    }

    /// A worker delivered, and what it delivered was verified.
    ///
    /// # Errors
    /// When the worker is unknown or was not given the work, or no longer. Then nothing is learnt.
    pub fn finished(
        &mut self,
        worker: WorkerId,
        job: JobId,
        run: &Run,
        now: Timestamp,
    ) -> Result<(), RouterError> {
        let model = self.config.model(self.known(worker)?.description.system);
        let (half_life, breaker) = (self.config.half_life, self.config.breaker);
        let known = self.known_mut(worker)?;
        known.in_flight.remove(&job).ok_or(RouterError::NotStarted { worker, job })?;
        known.record.profile.succeeded(run, &model, now, half_life);
        known.record.breaker.succeeded(&breaker);
        Ok(())
    }

    /// A worker did not deliver.
    ///
    /// # Errors
    /// When the worker is unknown or was not given the work, or no longer. Then nothing is learnt, except of a lie, which
    /// counts whenever it is told.
    pub fn failed(
        &mut self,
        worker: WorkerId,
        job: JobId,
        failure: Failure,
        now: Timestamp,
    ) -> Result<(), RouterError> {
        let (half_life, breaker) = (self.config.half_life, self.config.breaker);
        let known = self.known_mut(worker)?;
        match known.in_flight.remove(&job) {
            Some(work) if failure != Failure::Withdrawn => {
                known.record.profile.failed(work.kind, now, half_life);
            }
            None if failure != Failure::Lied => return Err(RouterError::NotStarted { worker, job }),
            _ => {}
        }
        known.record.breaker.failed(failure, now, &breaker);
        Ok(())
    }

    /// The operator trusts a worker again: its breaker is closed.
    ///
    /// # Errors
    /// When the worker is unknown.
    pub fn reset(&mut self, worker: WorkerId) -> Result<(), RouterError> {
        self.known_mut(worker)?.record.breaker.reset();
        Ok(())
    }

    /// All workers by id, what they say of themselves, and what is to be kept of them across restarts.
    pub fn records(&self) -> impl Iterator<Item = (&WorkerDescription, &WorkerRecord)> {
        self.workers.values().map(|worker| (&worker.description, &worker.record))
    }

    /// How it judges.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn known(&self, worker: WorkerId) -> Result<&Worker, RouterError> {
        self.workers.get(&worker).ok_or(RouterError::UnknownWorker { worker })
    }

    fn known_mut(&mut self, worker: WorkerId) -> Result<&mut Worker, RouterError> {
        self.workers.get_mut(&worker).ok_or(RouterError::UnknownWorker { worker })
    }
}

impl Config {
    fn model(&self, system: ProofSystem) -> CycleModel {
        self.cycle_models.get(&system).copied().unwrap_or(CycleModel::measured(system))
    }
}

#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) description: WorkerDescription,
    pub(super) record: WorkerRecord,
    pub(super) in_flight: BTreeMap<JobId, Work>,
}

/// Work in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    kind: ProofKind,
    started: Timestamp,
    expected: Duration,
}

impl Worker {
    pub(super) fn estimate(
        &self,
        kind: ProofKind,
        workload: &Workload,
        now: Timestamp,
        config: &Config,
    ) -> Estimate {
        let model = config.model(self.description.system);
        let time = (now, config.half_life);
        let (description, profile) = (&self.description, &self.record.profile);
        Estimate::new(description, profile, &model, kind, workload, self.waiting(now), time)
    }

    /// Whether too little is known of it making this kind to judge it.
    pub(super) fn untried(&self, kind: ProofKind, now: Timestamp, config: &Config) -> bool {
        let weight = self.record.profile.kind(kind).map(|known| known.success.weight(now, config.half_life));
        self.in_flight.is_empty() && weight.unwrap_or(0.0) < config.trial_weight
    }

    /// Until a slot is free: the rest of the work in flight, spread over the slots.
    fn waiting(&self, now: Timestamp) -> Duration {
        if self.in_flight.len() < self.description.slots as usize {
            return Duration::ZERO;
        }
        let rest = self.in_flight.values().map(|work| {
            // What is overdue will not be done at once: a tenth is always left.
            work.expected.saturating_sub(clock::elapsed(work.started, now)).max(work.expected / 10)
        });
        rest.fold(Duration::ZERO, Duration::saturating_add) / self.description.slots
    }
}
