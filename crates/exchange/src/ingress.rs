//! The way in: signatures and static limits, on the submitting threads.
//!
//! For every account ingress knows the session key and where its stream is. A submission's place in the queue is taken
//! while the streams it extends are locked, so the queue holds every stream in its own order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use state::Sha256Hash;
use transition::{Crypto, Native, Stream, owner_digest, stream_digest};
use types::{AccountId, Address, Command, SessionKey};

use crate::bundle::{Reply, Submission};
use crate::config::Config;
use crate::engine::Message;
use crate::stats::{Counters, add_since};
use crate::{Fault, Refused};

/// What ingress knows of an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub owner: Address,
    pub key: SessionKey,
    /// Counts registrations.
    pub number: u64,
    pub stream: Stream,
    /// Of the owner's next command.
    pub nonce: u64,
}

/// Sessions by account; the engine adds and resets them.
pub(crate) type Sessions = RwLock<Vec<Mutex<Session>>>;

/// A submission whose signatures are right.
pub(crate) struct Admitted {
    pub submission: Submission,
    /// The sessions that the signatures were checked under.
    pub sessions: Vec<(AccountId, u64)>,
    /// The nonce that an owner's signature was checked under.
    pub nonce: Option<u64>,
    pub reply: Option<Reply>,
}

pub(crate) struct Ingress {
    pub chain_id: u64,
    pub exchange: Address,
    pub sessions: Arc<Sessions>,
    pub counters: Arc<Counters>,
    pub fault: Arc<Mutex<Option<Fault>>>,
    /// Never full: a permit comes first.
    pub queue: Sender<Message>,
    pub permits: Permits,
    pub max_bundle: usize,
    pub max_lag: u64,
}

impl Ingress {
    pub fn new(
        config: &Config,
        identity: (u64, Address),
        sessions: Arc<Sessions>,
        counters: Arc<Counters>,
        fault: Arc<Mutex<Option<Fault>>>,
        queue: Sender<Message>,
        permits: Permits,
    ) -> Self {
        let (chain_id, exchange) = identity;
        let (max_bundle, max_lag) = (config.max_bundle, config.max_lag);
        Self { chain_id, exchange, sessions, counters, fault, queue, permits, max_bundle, max_lag }
    }

    /// Checks a submission and puts it into the queue. With `wait`, waits for room instead of answering "busy".
    pub fn submit(&self, submission: Submission, reply: Option<Reply>, wait: bool) -> Result<(), Refused> {
        self.check(&submission, wait)?;
        // Room in the queue comes before any lock: whoever holds a lock never waits for the engine.
        if !self.permits.take(wait) {
            return Err(Refused::Busy { waiting: self.counters.lag() });
        }
        let start = Instant::now();
        let result = self.admit(submission, reply);
        add_since(&self.counters.ingress_ns, start);
        if result.is_err() {
            self.permits.give_back();
        }
        result
    }

    fn check(&self, submission: &Submission, wait: bool) -> Result<(), Refused> {
        if let Some(fault) = lock(&self.fault).clone() {
            return Err(Refused::Stopped(fault));
        }
        let found = submission.len();
        if found == 0 || found > self.max_bundle {
            return Err(Refused::Size { found, limit: self.max_bundle });
        }
        while self.counters.lag() > self.max_lag {
            if !wait {
                return Err(Refused::Busy { waiting: self.counters.lag() });
            }
            std::thread::sleep(std::time::Duration::from_micros(200));
            if let Some(fault) = lock(&self.fault).clone() {
                return Err(Refused::Stopped(fault));
            }
        }
        Ok(())
    }

    fn admit(&self, submission: Submission, reply: Option<Reply>) -> Result<(), Refused> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        match &submission {
            Submission::Streams { .. } => self.admit_streams(&sessions, submission, reply),
            Submission::Owner { .. } => self.admit_owner(&sessions, submission, reply),
            Submission::L1 { entries, .. } => {
                let queueable = |command: &Command| {
                    matches!(
                        command,
                        Command::Deposit { .. }
                            | Command::Withdraw { .. }
                            | Command::MassCancel { .. }
                            | Command::RegisterSession { .. }
                    )
                };
                if !entries.iter().all(|(_, command)| queueable(command)) {
                    return Err(Refused::Misplaced { what: "the L1 queue cannot hold such a command" });
                }
                self.enqueue(Admitted { submission, sessions: Vec::new(), nonce: None, reply })
            }
        }
    }

    fn admit_streams(
        &self,
        sessions: &[Mutex<Session>],
        submission: Submission,
        reply: Option<Reply>,
    ) -> Result<(), Refused> {
        let Submission::Streams { commands, signatures, .. } = &submission else { return Ok(()) };
        let mut accounts: Vec<AccountId> = signatures.iter().map(|(account, _)| *account).collect();
        accounts.sort_unstable();
        if accounts.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refused::Misplaced { what: "an account has two signatures" });
        }
        // Locked in ascending order, so that two submissions cannot wait for each other.
        let mut locked = accounts
            .iter()
            .map(|account| {
                let session = sessions.get(account.0 as usize);
                let session = session.ok_or(Refused::UnknownAccount { account: *account })?;
                let guard = lock(session);
                if guard.key == SessionKey::default() {
                    return Err(Refused::NoSession { account: *account });
                }
                let stream = guard.stream;
                Ok(Extended { guard, stream })
            })
            .collect::<Result<Vec<Extended<'_>>, Refused>>()?;

        let places: HashMap<AccountId, usize> =
            accounts.iter().enumerate().map(|(place, account)| (*account, place)).collect();
        let mut bytes = Vec::with_capacity(Command::MAX_BYTES);
        let mut last: Option<(AccountId, usize)> = None;
        for (account, command) in commands {
            let place = match last {
                Some((known, place)) if known == *account => place,
                _ => *places.get(account).ok_or(Refused::Signature { account: *account, position: 0 })?,
            };
            last = Some((*account, place));
            if matches!(command, Command::Deposit { .. } | Command::RegisterSession { .. }) {
                return Err(Refused::Misplaced { what: "a session cannot send deposits or registrations" });
            }
            bytes.clear();
            command.encode(&mut bytes);
            let stream = &mut locked[place].stream;
            stream.digest = stream_digest::<Sha256Hash>(&stream.digest, &bytes);
            stream.position += 1;
        }
        for (account, signature) in signatures {
            let session = &locked[places[account]];
            let position = session.guard.stream.position;
            let unused = session.stream.position == position;
            if unused || !Native::verify_ed25519(&session.guard.key.0, &session.stream.digest, signature) {
                return Err(Refused::Signature { account: *account, position });
            }
        }
        let numbers: Vec<(AccountId, u64)> =
            accounts.iter().zip(&locked).map(|(account, session)| (*account, session.guard.number)).collect();
        self.enqueue(Admitted { submission, sessions: numbers, nonce: None, reply })?;
        for session in &mut locked {
            session.guard.stream = session.stream;
        }
        Ok(())
    }

    fn admit_owner(
        &self,
        sessions: &[Mutex<Session>],
        submission: Submission,
        reply: Option<Reply>,
    ) -> Result<(), Refused> {
        let Submission::Owner { account, command, signature, .. } = &submission else { return Ok(()) };
        let account = *account;
        let session = sessions.get(account.0 as usize).ok_or(Refused::UnknownAccount { account })?;
        let mut session = lock(session);
        let mut bytes = Vec::with_capacity(Command::MAX_BYTES);
        command.encode(&mut bytes);
        let nonce = session.nonce;
        let digest = owner_digest::<Native>(self.chain_id, self.exchange, account, nonce, &bytes);
        if Native::recover_secp256k1(&digest, signature) != Some(session.owner) {
            return Err(Refused::Signature { account, position: nonce });
        }
        self.enqueue(Admitted { submission, sessions: Vec::new(), nonce: Some(nonce), reply })?;
        session.nonce += 1;
        Ok(())
    }

    fn enqueue(&self, admitted: Admitted) -> Result<(), Refused> {
        let message = Message::Submission(Box::new(admitted));
        self.queue.send(message).map_err(|_| Refused::ShuttingDown)
    }

    /// Where an account's stream is.
    pub fn stream(&self, account: AccountId) -> Option<(Stream, u64)> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let session = lock(sessions.get(account.0 as usize)?);
        Some((session.stream, session.nonce))
    }
}

/// Places in the engine's queue.
#[derive(Clone)]
pub(crate) struct Permits {
    give: Sender<()>,
    take: Receiver<()>,
}

impl Permits {
    pub fn new(count: usize) -> Self {
        let (give, take) = bounded(count);
        for _ in 0..count {
            let _ = give.send(());
        }
        Self { give, take }
    }

    fn take(&self, wait: bool) -> bool {
        if wait { self.take.recv().is_ok() } else { self.take.try_recv().is_ok() }
    }

    pub fn give_back(&self) {
        // There are never more permits than room for them.
        let _ = self.give.try_send(());
    }
}

struct Extended<'a> {
    guard: MutexGuard<'a, Session>,
    stream: Stream,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
