//! The way in: signatures and static limits, on the submitting threads.
//!
//! For every account ingress knows the session key and where its stream is. Signatures are checked without a lock;
//! then the streams that a submission extends are locked, and if they are still where they were, its place in the
//! queue is taken. So the queue holds every stream in its own order.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

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
    /// Counts how often the stream was set to another place than where its last submission left it.
    pub stream_resets: u64,
    /// Of the owner's next command.
    pub nonce: u64,
    /// Likewise of the nonce.
    pub nonce_resets: u64,
}

/// Sessions by account; the engine adds and resets them.
pub(crate) type Sessions = RwLock<Vec<Mutex<Session>>>;

/// A submission whose signatures are right, provided that all before it in the queue is executed.
pub(crate) struct Admitted {
    pub submission: Submission,
    pub checked: Checked,
    pub reply: Option<Reply>,
}

/// What the signatures of a submission were checked against. The engine looks whether it is still so.
pub(crate) enum Checked {
    Streams(Vec<Extension>),
    Owner {
        nonce: u64,
        /// [`Session::nonce_resets`] at that time.
        resets: u64,
    },
    /// The L1 queue has no signatures.
    Nothing,
}

/// What a submission adds to a stream.
pub(crate) struct Extension {
    pub account: AccountId,
    /// [`Session::number`] at that time.
    pub session: u64,
    /// [`Session::stream_resets`] at that time.
    pub resets: u64,
    pub before: [u8; 32],
    pub after: Stream,
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
    pub max_withdrawals: usize,
    pub max_lag: u64,
    pub max_downstream_lag: u64,
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
        let Config { max_bundle, max_withdrawals, max_lag, max_downstream_lag, .. } = *config;
        Self {
            chain_id,
            exchange,
            sessions,
            counters,
            fault,
            queue,
            permits,
            max_bundle,
            max_withdrawals,
            max_lag,
            max_downstream_lag,
        }
    }

    /// Checks a submission and puts it into the queue. With `wait`, waits for room instead of answering "busy".
    pub fn submit(&self, submission: Submission, reply: Option<Reply>, wait: bool) -> Result<(), Refused> {
        self.check(&submission, wait)?;
        // Room in the queue comes before any lock: whoever holds a lock never waits for the engine.
        while !self.permits.take(wait) {
            self.check(&submission, wait)?;
            if !wait {
                return Err(Refused::Busy { waiting: self.counters.lag() });
            }
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
        let found = submission.withdrawals();
        if found > self.max_withdrawals {
            return Err(Refused::Withdrawals { found, limit: self.max_withdrawals });
        }
        while let Some(busy) = self.busy() {
            if !wait {
                return Err(busy);
            }
            std::thread::sleep(Duration::from_micros(200));
            if let Some(fault) = lock(&self.fault).clone() {
                return Err(Refused::Stopped(fault));
            }
        }
        Ok(())
    }

    fn busy(&self) -> Option<Refused> {
        let (waiting, behind) = (self.counters.lag(), self.counters.downstream_lag());
        if waiting > self.max_lag {
            return Some(Refused::Busy { waiting });
        }
        (behind > self.max_downstream_lag).then_some(Refused::BusyDownstream { waiting: behind })
    }

    fn admit(&self, submission: Submission, reply: Option<Reply>) -> Result<(), Refused> {
        match &submission {
            Submission::Streams { .. } => self.admit_streams(submission, reply),
            Submission::Owner { .. } => self.admit_owner(submission, reply),
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
                self.enqueue(Admitted { submission, checked: Checked::Nothing, reply })
            }
        }
    }

    fn admit_streams(&self, submission: Submission, reply: Option<Reply>) -> Result<(), Refused> {
        let Submission::Streams { commands, signatures, .. } = &submission else { return Ok(()) };
        // Nobody looks at more sessions than he sends commands.
        if signatures.len() > commands.len() {
            return Err(Refused::Misplaced { what: "there are more signatures than commands" });
        }
        let mut accounts: Vec<AccountId> = signatures.iter().map(|(account, _)| *account).collect();
        accounts.sort_unstable();
        if accounts.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refused::Misplaced { what: "an account has two signatures" });
        }
        let seen = self.look(&accounts)?;
        if let Some(place) = seen.iter().position(|session| session.key == SessionKey::default()) {
            return Err(Refused::NoSession { account: accounts[place] });
        }

        let places: HashMap<AccountId, usize> =
            accounts.iter().enumerate().map(|(place, account)| (*account, place)).collect();
        let mut streams: Vec<Stream> = seen.iter().map(|session| session.stream).collect();
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
            let stream = &mut streams[place];
            stream.digest = stream_digest::<Sha256Hash>(&stream.digest, &bytes);
            stream.position += 1;
        }
        for (account, signature) in signatures {
            let (session, stream) = (&seen[places[account]], &streams[places[account]]);
            let position = session.stream.position;
            let unused = stream.position == position;
            if unused || !Native::verify_ed25519(&session.key.0, &stream.digest, signature) {
                return Err(Refused::Signature { account: *account, position });
            }
        }

        let extensions =
            accounts.iter().zip(&seen).zip(&streams).map(|((account, session), stream)| Extension {
                account: *account,
                session: session.number,
                resets: session.stream_resets,
                before: session.stream.digest,
                after: *stream,
            });
        let checked = Checked::Streams(extensions.collect());
        // Locked in ascending order, so that two submissions cannot wait for each other.
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let mut locked: Vec<MutexGuard<'_, Session>> =
            accounts.iter().filter_map(|account| sessions.get(account.0 as usize)).map(lock).collect();
        for ((account, now), then) in accounts.iter().zip(&locked).zip(&seen) {
            let account = *account;
            if now.number != then.number {
                return Err(Refused::SessionChanged { account });
            }
            if now.stream != then.stream {
                return Err(Refused::Signature { account, position: now.stream.position });
            }
        }
        self.enqueue(Admitted { submission, checked, reply })?;
        for (session, stream) in locked.iter_mut().zip(streams) {
            session.stream = stream;
        }
        Ok(())
    }

    fn admit_owner(&self, submission: Submission, reply: Option<Reply>) -> Result<(), Refused> {
        let Submission::Owner { account, command, signature, .. } = &submission else { return Ok(()) };
        let account = *account;
        let Session { owner, nonce, nonce_resets, .. } = self.look(&[account])?[0];
        let mut bytes = Vec::with_capacity(Command::MAX_BYTES);
        command.encode(&mut bytes);
        let digest = owner_digest::<Native>(self.chain_id, self.exchange, account, nonce, &bytes);
        if Native::recover_secp256k1(&digest, signature) != Some(owner) {
            return Err(Refused::Signature { account, position: nonce });
        }
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let mut session = lock(&sessions[account.0 as usize]);
        if session.nonce != nonce {
            return Err(Refused::Signature { account, position: session.nonce });
        }
        let checked = Checked::Owner { nonce, resets: nonce_resets };
        self.enqueue(Admitted { submission, checked, reply })?;
        session.nonce += 1;
        Ok(())
    }

    /// What is known of accounts now. Signatures are checked against this without any lock: the engine, which needs
    /// the locks to open accounts and change sessions, never waits for them.
    fn look(&self, accounts: &[AccountId]) -> Result<Vec<Session>, Refused> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let known = accounts.iter().map(|account| {
            let session = sessions.get(account.0 as usize);
            session.map(|session| *lock(session)).ok_or(Refused::UnknownAccount { account: *account })
        });
        known.collect()
    }

    fn enqueue(&self, admitted: Admitted) -> Result<(), Refused> {
        let commands = admitted.submission.len() as u64;
        self.counters.accepted.fetch_add(commands, Ordering::Relaxed);
        self.queue.send(Message::Submission(Box::new(admitted))).map_err(|_| {
            self.counters.accepted.fetch_sub(commands, Ordering::Relaxed);
            lock(&self.fault).clone().map_or(Refused::ShuttingDown, Refused::Stopped)
        })
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

    /// With `wait`, not forever: an engine that has died gives nothing back.
    fn take(&self, wait: bool) -> bool {
        let patience = Duration::from_millis(if wait { 20 } else { 0 });
        self.take.recv_timeout(patience).is_ok()
    }

    pub fn give_back(&self) {
        // There are never more permits than room for them.
        let _ = self.give.try_send(());
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
