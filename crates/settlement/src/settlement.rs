//! Takes batches through their lives.

use std::collections::{BTreeMap, VecDeque};

use rand::Rng as _;
use rand_chacha::ChaCha12Rng;

use crate::life::{Before, Next, Receipt, Record, State, next};
use crate::ports::{Chain, Fate, Fault, Heads, Prover, Publisher, Source, Standing};
use crate::report::{Conflict, Event, SettlementError, Summary};
use crate::store::{Records, StoreError, Totals};

/// Events that are kept for whoever takes them.
const EVENTS: usize = 65_536;
/// Records that are written at once when batches are taken in, and batches beyond the window that are counted in a step.
const CHUNK: u64 = 256;

/// What an operator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Batches that are under way together at most.
    pub window: u64,
    /// Batches in one commitment, and in one step to finality, at most.
    pub group: usize,
    /// A transaction that is open for so many milliseconds is replaced.
    pub replace_after: u64,
    /// The rest after a first failure, in milliseconds; it doubles.
    pub first_rest: u64,
    /// The longest rest, in milliseconds.
    pub longest_rest: u64,
    /// A batch has failed when the contract refused it so many times in one state.
    pub refusals: u32,
    /// Final batches that are compared with the chain before anything is sent, and then in each idle step until all were.
    pub audit: usize,
}

impl Default for Policy {
    /// 64 batches under way, 16 in a transaction, replacement after a minute, rests of a second to five minutes, failed after
    /// 8 refusals, 32 final batches compared at a time.
    fn default() -> Self {
        Self {
            window: 64,
            group: 16,
            replace_after: 60_000,
            first_rest: 1_000,
            longest_rest: 300_000,
            refusals: 8,
            audit: 32,
        }
    }
}

impl Policy {
    /// The rest after so many failures: between half of it and all of it, so that many do not come back at once.
    fn rest(&self, failures: u32, random: &mut ChaCha12Rng) -> u64 {
        let doubled = self.first_rest.saturating_mul(1 << failures.saturating_sub(1).min(20));
        let rest = doubled.min(self.longest_rest);
        rest / 2 + random.random_range(0..=rest / 2)
    }
}

/// The ports that settlement works through.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The batches.
    pub source: &'a dyn Source,
    /// Who publishes them.
    pub publisher: &'a dyn Publisher,
    /// Who proves them.
    pub prover: &'a dyn Prover,
    /// The chain.
    pub chain: &'a dyn Chain,
}

/// Why a pass ends early.
pub(crate) enum Stop {
    /// Somebody who is asked on behalf of no single batch does not answer.
    Fault(Fault),
    /// It cannot go on.
    Error(SettlementError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}

impl From<Conflict> for Stop {
    fn from(conflict: Conflict) -> Self {
        Self::Error(SettlementError::Conflict(Box::new(conflict)))
    }
}

/// All batches and where they are. Only those that are not final are in memory.
pub struct Settlement<R: Records> {
    pub(crate) store: R,
    pub(crate) policy: Policy,
    random: ChaCha12Rng,
    pub(crate) open: BTreeMap<u64, Record>,
    pub(crate) totals: Totals,
    last_sealed: u64,
    /// The heads that were seen last, and what the contract said since.
    heads: Option<Heads>,
    /// The chain's clock then.
    chain_time: u64,
    standings: BTreeMap<u64, Standing>,
    pub(crate) reconciled: bool,
    /// Batches that had failed before the start are to be tried again.
    pub(crate) retry_failed: bool,
    /// Final batches up to this one were compared with the chain.
    pub(crate) audited: u64,
    halted: Option<Conflict>,
    /// Of reading the chain and the source: failures one after another, and the rest after the last.
    failures: u32,
    not_before: u64,
    trouble: Option<Fault>,
    events: VecDeque<Event>,
    events_lost: u64,
    taken_back: u64,
}

impl<R: Records> Settlement<R> {
    /// Opens it with what is stored. `random` is for the rests after failures. A batch that had failed is tried again: the first
    /// time that records and chain are compared lets it go on from where the chain has it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn open(store: R, policy: Policy, random: ChaCha12Rng) -> Result<Self, SettlementError> {
        let (totals, records) = store.load()?;
        let open: BTreeMap<u64, Record> =
            records.into_iter().map(|record| (record.batch.number, record)).collect();
        let last_sealed = open.last_key_value().map_or(totals.last_final, |(last, _)| *last);
        Ok(Self {
            store,
            policy,
            random,
            open,
            totals,
            last_sealed,
            heads: None,
            chain_time: 0,
            standings: BTreeMap::new(),
            reconciled: false,
            retry_failed: true,
            audited: 0,
            halted: None,
            failures: 0,
            not_before: 0,
            trouble: None,
            events: VecDeque::new(),
            events_lost: 0,
            taken_back: 0,
        })
    }

    /// The records of batches that are not final.
    #[must_use]
    pub fn open_batches(&self) -> &BTreeMap<u64, Record> {
        &self.open
    }

    /// Records of any batches, from a number on, in order: `limit` at most.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn batches(&self, from: u64, limit: usize) -> Result<Vec<Record>, SettlementError> {
        Ok(self.store.list(from, limit)?)
    }

    /// Every batch before this one is final.
    #[must_use]
    pub fn first_open(&self) -> u64 {
        self.totals.last_final + 1
    }

    /// The transitions since they were taken last, oldest first. They are not kept over a restart: the records are. When
    /// nobody takes them the oldest are dropped, and counted in the summary.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events).into()
    }

    /// The figures, at a time in milliseconds since 1970.
    #[must_use]
    pub fn summary(&self, now: u64) -> Summary {
        let mut states: BTreeMap<&'static str, u64> = State::NAMES.iter().map(|name| (*name, 0)).collect();
        let (mut gas, mut retries) = (self.totals.gas.clone(), self.totals.retries);
        let mut failures = BTreeMap::new();
        for (number, record) in &self.open {
            *states.entry(record.state.name()).or_default() += 1;
            retries += record.retries;
            for (action, receipt) in &record.receipts {
                *gas.entry(*action).or_default() += receipt.gas;
            }
            if let State::Failed { why, remedy } = &record.state {
                failures.insert(*number, (why.clone(), remedy.clone()));
            }
        }
        let last = self.open.last_key_value().map_or(self.totals.last_final, |(last, _)| *last);
        let last_sealed = self.last_sealed.max(last);
        *states.entry(State::Sealed.name()).or_default() += last_sealed - last;
        states.insert(State::Final.name(), self.totals.last_final);
        Summary {
            states,
            last_sealed,
            last_final: self.totals.last_final,
            lag: last_sealed - self.totals.last_final,
            gas,
            retries,
            taken_back: self.taken_back,
            oldest_open: self.open.values().map(|record| now.saturating_sub(record.since)).max(),
            audited: self.audited,
            events_lost: self.events_lost,
            trouble: self.trouble.clone(),
            failures,
            halted: self.halted.clone(),
        }
    }

    /// Compares records and chain, and repairs what is safe: takes over what the chain has done, takes back what it has not,
    /// and knows batches that another process committed. The first step does so too, if it was not done before.
    ///
    /// # Errors
    /// When they cannot both be right, or the store fails. The inner error says that somebody did not answer.
    pub fn reconcile(&mut self, ports: &Ports<'_>, now: u64) -> Result<Result<(), Fault>, SettlementError> {
        self.reconciled = false;
        match self.guarded(|this| {
            this.look(ports)?;
            this.compare(ports, now)
        })? {
            Ok(()) => Ok(Ok(())),
            Err(fault) => {
                self.trouble = Some(fault.clone());
                Ok(Err(fault))
            }
        }
    }

    /// Does what can be done now, at a time in milliseconds since 1970. Whether anything was: then there may be more.
    ///
    /// # Errors
    /// When records and chain cannot both be right, or the store fails. Faults of others are written to the record they
    /// concern, and tried again later.
    pub fn step(&mut self, ports: &Ports<'_>, now: u64) -> Result<bool, SettlementError> {
        if self.halted.is_none() && now < self.not_before {
            return Ok(false);
        }
        match self.guarded(|this| this.pass(ports, now))? {
            Ok(active) => {
                (self.failures, self.trouble) = (0, None);
                Ok(active)
            }
            Err(fault) => {
                self.failures = self.failures.saturating_add(1);
                self.not_before = now.saturating_add(self.policy.rest(self.failures, &mut self.random));
                self.trouble = Some(fault);
                Ok(false)
            }
        }
    }

    /// Lets a batch that had failed go on from where the chain has it. Whether it had failed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn retry(&mut self, number: u64, now: u64) -> Result<bool, SettlementError> {
        Ok(self.retry_record(number, now)?)
    }

    pub(crate) fn retry_record(&mut self, number: u64, now: u64) -> Result<bool, StoreError> {
        let Some(record) = self.open.get(&number) else { return Ok(false) };
        if !matches!(record.state, State::Failed { .. }) {
            return Ok(false);
        }
        let mut record = record.clone();
        record.take_over(&Standing::Unknown);
        record.enter(if record.publication.is_some() { State::Published } else { State::Sealed }, now);
        self.write(vec![record], now)?;
        Ok(true)
    }

    /// Nothing is done after a conflict.
    fn guarded<T>(
        &mut self,
        what: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<Result<T, Fault>, SettlementError> {
        if let Some(conflict) = &self.halted {
            return Err(SettlementError::Conflict(Box::new(conflict.clone())));
        }
        match what(self) {
            Ok(value) => Ok(Ok(value)),
            Err(Stop::Fault(fault)) => Ok(Err(fault)),
            Err(Stop::Error(error)) => {
                if let SettlementError::Conflict(conflict) = &error {
                    self.halted = Some((**conflict).clone());
                }
                Err(error)
            }
        }
    }

    fn pass(&mut self, ports: &Ports<'_>, now: u64) -> Result<bool, Stop> {
        self.look(ports)?;
        if !self.reconciled {
            self.compare(ports, now)?;
        }
        let end = self.totals.last_final.saturating_add(self.policy.window);
        // What the exchange cannot give now keeps nothing else.
        let missing = match self.take_in(ports, end, now) {
            Err(Stop::Fault(fault)) => Some(fault),
            other => other.map(|()| None)?,
        };
        let mut active = false;
        let mut before = Before::SETTLED;
        let numbers: Vec<u64> = self.open.keys().copied().collect();
        for number in numbers {
            let standing = self.standing(ports, number)?;
            active |= self.step_one(ports, number, &standing, before, now)?;
            before = Before::of(&standing, !self.open.contains_key(&number));
        }
        if !active && self.audited < self.totals.last_final {
            self.audit(ports, self.audited + 1, now)?;
        }
        match missing {
            Some(fault) if !active => Err(fault.into()),
            _ => Ok(active),
        }
    }

    /// Sees where the chain is. What the contract says changes only with it.
    fn look(&mut self, ports: &Ports<'_>) -> Result<(), Stop> {
        let heads = ports.chain.heads()?;
        if self.heads != Some(heads) {
            self.standings.clear();
        }
        self.heads = Some(heads);
        self.chain_time = ports.chain.time();
        Ok(())
    }

    /// The time by which the contract judges.
    pub(crate) fn on_chain(&self, now: u64) -> u64 {
        now.max(self.chain_time)
    }

    /// What the contract says of a batch.
    pub(crate) fn standing(&mut self, ports: &Ports<'_>, number: u64) -> Result<Standing, Stop> {
        if let Some(standing) = self.standings.get(&number) {
            return Ok(*standing);
        }
        let standing = ports.chain.standing(number)?;
        self.standings.insert(number, standing);
        Ok(standing)
    }

    pub(crate) fn finalized(&self) -> u64 {
        self.heads.map_or(0, |heads| heads.finalized)
    }

    /// Takes sealed batches in, up to a number, and counts those behind it.
    pub(crate) fn take_in(&mut self, ports: &Ports<'_>, to: u64, now: u64) -> Result<(), Stop> {
        let mut new = Vec::new();
        let mut number = self.first_open();
        while number <= to {
            if !self.open.contains_key(&number) {
                let Some(batch) = ports.source.sealed(number)? else { break };
                new.push(Record::new(batch, now));
                if new.len() as u64 == CHUNK {
                    self.write(std::mem::take(&mut new), now)?;
                }
            }
            number += 1;
        }
        if !new.is_empty() {
            self.write(new, now)?;
        }
        self.last_sealed = self.last_sealed.max(number - 1);
        for _ in 0..CHUNK {
            if ports.source.sealed(self.last_sealed + 1)?.is_none() {
                break;
            }
            self.last_sealed += 1;
        }
        Ok(())
    }

    fn step_one(
        &mut self,
        ports: &Ports<'_>,
        number: u64,
        standing: &Standing,
        before: Before,
        now: u64,
    ) -> Result<bool, Stop> {
        let Some(record) = self.open.get(&number) else { return Ok(false) };
        let what = next(record, standing, before, self.finalized(), self.on_chain(now));
        match what {
            Next::Conflict(why) => return Err(Conflict::with_chain(record, why, standing).into()),
            Next::Enter(state) => {
                self.enter(ports, number, state, standing, now)?;
                return Ok(true);
            }
            // What the chain says is always heard; what is tried by us rests after a failure.
            _ if record.not_before > now => return Ok(false),
            _ => {}
        }
        let mut record = record.clone();
        match what {
            Next::Wait | Next::Conflict(_) | Next::Enter(_) => return Ok(false),
            Next::Publish => match ports.publisher.publish(&record.batch) {
                Ok(publication) => {
                    record.publication = Some(publication);
                    record.enter(State::Published, now);
                }
                Err(fault) => return self.hold(record, &fault, now),
            },
            Next::Ask => match ports.prover.ask(&record.batch) {
                Ok(()) => record.enter(State::Proving, now),
                Err(fault) => return self.hold(record, &fault, now),
            },
            Next::LookForProof => match ports.prover.proof(&record.batch) {
                Ok(Some(range)) => {
                    record.proof = Some(range);
                    record.enter(State::Proved, now);
                }
                Ok(None) => return Ok(false),
                Err(fault) => return self.hold(record, &fault, now),
            },
            Next::Submit(action) => return self.submit(ports, record, action, now),
        }
        self.write(vec![record], now)?;
        Ok(true)
    }

    /// Takes over what the chain says.
    pub(crate) fn enter(
        &mut self,
        ports: &Ports<'_>,
        number: u64,
        state: State,
        standing: &Standing,
        now: u64,
    ) -> Result<(), Stop> {
        let Some(mut record) = self.open.get(&number).cloned() else { return Ok(()) };
        let blocks = record.blocks.len();
        if *standing == Standing::Unknown {
            // What will be committed again must be what was committed before.
            let digest = ports.source.sealed(number)?.map(|batch| batch.digest);
            if digest != Some(record.batch.digest) {
                return Err(Conflict::with_source(&record, digest).into());
            }
        }
        record.take_over(standing);
        let last = record.blocks.last_key_value().map(|(action, _)| *action);
        for (action, submission) in &record.sent {
            if Some(*action) <= last && !record.receipts.contains_key(action) {
                match ports.chain.fate(&submission.sent) {
                    Ok(Fate::Done { gas }) => {
                        let gas = submission.share(gas, number);
                        let transaction = submission.sent.id.clone();
                        record.receipts.insert(*action, Receipt { transaction, gas });
                    }
                    Err(fault @ Fault::Passing(_)) => return Err(fault.into()),
                    // Another process did it.
                    Ok(Fate::Open | Fate::Refused { .. }) | Err(Fault::Lasting { .. }) => {}
                }
            }
        }
        let taken_back = record.blocks.len() < blocks;
        if taken_back {
            // What a reorg took back waits to be mined again: it has its time anew before it is replaced.
            for (_, submission) in record.sent.iter_mut().filter(|(action, _)| Some(**action) > last) {
                submission.at = now;
            }
        }
        record.enter(state, now);
        self.write(vec![record], now)?;
        self.taken_back += u64::from(taken_back);
        Ok(())
    }

    /// Writes down what went wrong, and when it is tried again.
    pub(crate) fn hold(&mut self, mut record: Record, fault: &Fault, now: u64) -> Result<bool, Stop> {
        record.retries += 1;
        match fault {
            Fault::Passing(why) => {
                record.attempts = record.attempts.saturating_add(1);
                record.not_before = now.saturating_add(self.policy.rest(record.attempts, &mut self.random));
                record.trouble = Some(why.clone());
            }
            Fault::Lasting { why, remedy } => {
                let (why, remedy) = (why.clone(), format!("{remedy}; then start this node again"));
                record.enter(State::Failed { why, remedy }, now);
            }
        }
        self.write(vec![record], now)?;
        Ok(false)
    }

    /// Writes records down, then takes them over: when the disk is full, nothing has changed.
    pub(crate) fn write(&mut self, records: Vec<Record>, now: u64) -> Result<(), StoreError> {
        let mut totals = self.totals.clone();
        for record in records.iter().filter(|record| record.state == State::Final) {
            // What was final before is written again when it is repaired.
            if record.batch.number <= totals.last_final {
                continue;
            }
            assert_eq!(record.batch.number, totals.last_final + 1, "batches become final in order");
            totals.last_final += 1;
            totals.retries += record.retries;
            for (action, receipt) in &record.receipts {
                *totals.gas.entry(*action).or_default() += receipt.gas;
            }
        }
        self.store.put(&records.iter().collect::<Vec<_>>(), &totals)?;
        (self.totals, self.failures) = (totals, 0);
        for record in records {
            let number = record.batch.number;
            let old = self.open.get(&number);
            if old.is_none_or(|old| old.state != record.state || old.blocks != record.blocks) {
                if self.events.len() == EVENTS {
                    self.events.pop_front();
                    self.events_lost += 1;
                }
                let from = old.map(|old| old.state.clone());
                let (to, block) = (record.state.clone(), record.block());
                self.events.push_back(Event { batch: number, from, to, block, at: now });
            }
            if record.state == State::Final {
                self.open.remove(&number);
                self.standings.remove(&number);
            } else {
                self.open.insert(number, record);
            }
        }
        Ok(())
    }
}
