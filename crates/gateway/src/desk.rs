//! Places commands for accounts that have delegated their session to this gateway.
//!
//! Trading software that speaks Binance's protocol cannot sign streams. Such an account registers, with its owner's
//! signature, a session key that the gateway holds; the gateway then signs the account's stream. It can do what a
//! session can (trade, cancel, withdraw to the owner's own address), and the owner ends it by registering another key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, UNIX_EPOCH};

use ed25519_dalek::SigningKey;
use exchange::{Acknowledgement, Exchange, Refused, Submission};
use rand::RngCore as _;
use redb::{Database, ReadableTable as _, TableDefinition};
use telemetry::{OrderTrace, Traces};
use thiserror::Error;
use tokio::sync::{OwnedMutexGuard, oneshot};
use transition::StreamSigner;
use types::{AccountId, Command, Outcome, SessionKey};

use crate::GatewayError;
use crate::counters::{Counters, count};
use crate::view::View;

/// Secret session keys, by account and by their order.
const SESSIONS: TableDefinition<(u32, u64), [u8; 32]> = TableDefinition::new("session keys 1");

/// Keys kept for one account: a key that was asked for is registered later, or never.
const KEPT: usize = 4;
/// How often a submission is signed again because the stream went on meanwhile.
const ATTEMPTS: usize = 4;
/// How long the view may take to show what was acknowledged.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the desk did not place something.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeskError {
    /// The gateway holds no session key that is the account's now.
    #[error("account {account} has not delegated its session to this gateway, or no longer does")]
    NotDelegated {
        /// Whose.
        account: AccountId,
    },
    /// The exchange refused; nothing happened.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The exchange stopped before it was known what became of the commands; the journal decides when it starts again.
    #[error(
        "the exchange stopped before it answered; whether the commands count is known when it starts again"
    )]
    Unanswered,
}

/// Signs for delegated accounts.
pub struct Desk {
    exchange: Arc<Exchange>,
    view: Arc<View>,
    database: Arc<Database>,
    counters: Arc<Counters>,
    sessions: RwLock<HashMap<AccountId, Arc<Session>>>,
    traces: OnceLock<Traces>,
}

/// The keys of one account, oldest first. Locked while a submission is signed and handed in, so that the account's
/// submissions go in one after the other; not while they wait to become durable.
#[derive(Default)]
struct Session {
    keys: Mutex<Keys>,
    /// Held by an amendment.
    amending: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Default)]
struct Keys {
    list: Vec<(u64, SigningKey)>,
    /// The place of the one that the account has registered, as far as is known.
    current: Option<usize>,
}

/// What is promised to whoever handed in a submission.
type Promise = oneshot::Receiver<Result<Acknowledgement, Refused>>;

impl Desk {
    /// Reads the keys.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn open(
        exchange: Arc<Exchange>,
        view: Arc<View>,
        database: Arc<Database>,
        counters: Arc<Counters>,
    ) -> Result<Self, GatewayError> {
        let mut sessions: HashMap<AccountId, Keys> = HashMap::new();
        let write = database.begin_write()?;
        for entry in write.open_table(SESSIONS)?.iter()? {
            let (key, secret) = entry?;
            let (account, number) = key.value();
            let keys = sessions.entry(AccountId(account)).or_default();
            keys.list.push((number, SigningKey::from_bytes(&secret.value())));
        }
        write.commit()?;
        let sessions = sessions.into_iter().map(|(account, keys)| {
            let session = Session { keys: Mutex::new(keys), ..Session::default() };
            (account, Arc::new(session))
        });
        let sessions = RwLock::new(sessions.collect());
        Ok(Self { exchange, view, database, counters, sessions, traces: OnceLock::new() })
    }

    /// Traces orders from now on.
    pub fn trace_to(&self, traces: Traces) {
        // The first one stays.
        let _ = self.traces.set(traces);
    }

    /// Begins the trace of an order, if it is to be traced.
    #[must_use]
    pub fn trace(
        &self,
        door: &'static str,
        request: &'static str,
        traceparent: Option<&str>,
    ) -> Option<OrderTrace> {
        self.traces.get()?.begin(door, request, traceparent)
    }

    /// Makes a session key for an account. It counts once the account's owner has registered it.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn create(&self, account: AccountId) -> Result<SessionKey, GatewayError> {
        let mut secret = [0; 32];
        rand::rng().fill_bytes(&mut secret);
        self.adopt(account, &SigningKey::from_bytes(&secret))
    }

    /// Keeps a session key of an account. Of many the oldest is forgotten, but never the one in use.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub fn adopt(&self, account: AccountId, key: &SigningKey) -> Result<SessionKey, GatewayError> {
        let session = {
            let mut sessions = self.sessions.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(sessions.entry(account).or_default())
        };
        let mut keys = session.lock();
        let public = SessionKey(key.verifying_key().to_bytes());
        if keys.list.iter().any(|(_, known)| known.verifying_key() == key.verifying_key()) {
            return Ok(public);
        }
        let registered = self.registered(account);
        let oldest = keys.list.iter().position(|(_, known)| registered != Some(public_half(known)));
        let forgotten = oldest.filter(|_| keys.list.len() >= KEPT).map(|at| (at, keys.list[at].0));
        let number = keys.list.last().map_or(0, |(number, _)| number + 1);
        let write = self.database.begin_write()?;
        {
            let mut table = write.open_table(SESSIONS)?;
            table.insert((account.0, number), key.to_bytes())?;
            if let Some((_, number)) = forgotten {
                table.remove((account.0, number))?;
            }
        }
        write.commit()?;
        if let Some((at, _)) = forgotten {
            keys.list.remove(at);
        }
        keys.list.push((number, key.clone()));
        keys.current = None;
        Ok(public)
    }

    /// The session key under which the gateway signs for an account; `None` when the account has not delegated.
    #[must_use]
    pub fn delegated(&self, account: AccountId) -> Option<SessionKey> {
        let registered = self.registered(account)?;
        let session = self.session(account)?;
        let keys = session.lock();
        keys.list.iter().any(|(_, key)| public_half(key) == registered).then_some(registered)
    }

    /// Places commands of one account together, and returns when they are durable, executed and in the view. Whether each
    /// did anything is for its outcome to say. What is handed in before this future waits for the first time stays before
    /// what is handed in later.
    ///
    /// # Errors
    /// When nothing was placed, or that is not known.
    #[tracing::instrument(skip_all, fields(account = account.0, commands = commands.len(), first_sequence, batch))]
    pub async fn place(
        &self,
        account: AccountId,
        commands: Vec<Command>,
    ) -> Result<Acknowledgement, DeskError> {
        let mut trace = telemetry::current::take_or(|| self.trace("session", "commands", None));
        let placed = self.placed(account, commands, &mut trace).await;
        match (trace, &placed) {
            (Some(trace), Ok(acknowledgement)) => tell(trace, acknowledgement),
            (Some(trace), Err(error)) => trace.refused(&error.to_string()),
            (None, _) => {}
        }
        let acknowledgement = placed.inspect_err(|error| {
            count(&self.counters.failed_submissions);
            tracing::debug!(%error, "nothing was placed");
        })?;
        count(&self.counters.submissions);
        let last = acknowledgement.first_sequence + acknowledgement.outcomes.len() as u64 - 1;
        let span = tracing::Span::current();
        span.record("first_sequence", acknowledgement.first_sequence);
        span.record("batch", acknowledgement.batch);
        tracing::debug!(last_sequence = last, "acknowledged");
        let shown = tokio::time::timeout(PATIENCE, self.view.reached_or_stopped(last)).await;
        if shown != Ok(true) {
            tracing::warn!(sequence = last, "the view does not follow");
        }
        Ok(acknowledgement)
    }

    /// Places commands, and returns when they are durable and executed.
    async fn placed(
        &self,
        account: AccountId,
        commands: Vec<Command>,
        trace: &mut Option<OrderTrace>,
    ) -> Result<Acknowledgement, DeskError> {
        let mut attempt = 0;
        loop {
            let promise = self.hand_in(account, &commands)?;
            if let Some(trace) = trace.as_mut().filter(|_| attempt == 0) {
                trace.handed_over();
            }
            match promise.await {
                Ok(Ok(acknowledgement)) => return Ok(acknowledgement),
                // It was taken: what stopped the exchange did so before or after the commands were durable.
                Ok(Err(Refused::Stopped(_) | Refused::ShuttingDown)) | Err(_) => {
                    return Err(DeskError::Unanswered);
                }
                Ok(Err(refused)) => {
                    attempt += 1;
                    if !is_stale(&refused) || attempt == ATTEMPTS {
                        return Err(refused.into());
                    }
                    self.forget_current(account);
                }
            }
        }
    }

    /// Signs and hands in, under the account's lock.
    fn hand_in(&self, account: AccountId, commands: &[Command]) -> Result<Promise, DeskError> {
        let session = self.session(account).ok_or(DeskError::NotDelegated { account })?;
        let mut keys = session.lock();
        let mut attempt = 0;
        loop {
            let key = self.current(account, &mut keys).ok_or(DeskError::NotDelegated { account })?;
            let stream = self
                .exchange
                .stream(account)
                .ok_or(DeskError::Refused(Refused::UnknownAccount { account }))?;
            let mut signer = StreamSigner::new(account, key, stream);
            for command in commands {
                signer.push(command);
            }
            let submission = Submission::Streams {
                commands: commands.iter().map(|command| (account, command.clone())).collect(),
                signatures: vec![(account, signer.sign())],
                timestamps: Vec::new(),
            };
            let (answer, promise) = oneshot::channel();
            // Whoever no longer waits does not mind.
            match self.exchange.submit_then(submission, move |result| drop(answer.send(result))) {
                Ok(()) => return Ok(promise),
                // Somebody else signs under this key too, or the session has changed.
                Err(refused) if is_stale(&refused) && attempt + 1 < ATTEMPTS => {
                    attempt += 1;
                    keys.current = None;
                }
                Err(refused) => return Err(refused.into()),
            }
        }
    }

    /// The account's turn to amend an order, for as long as what this gives is held: an amendment is reckoned from what its order
    /// is, so the one before must be done.
    pub(crate) async fn turn_to_amend(&self, account: AccountId) -> Option<OwnedMutexGuard<()>> {
        let amending = Arc::clone(&self.session(account)?.amending);
        Some(amending.lock_owned().await)
    }

    /// The key that the account has registered, if it is here.
    fn current(&self, account: AccountId, keys: &mut Keys) -> Option<SigningKey> {
        if keys.current.is_none() {
            let registered = self.registered(account)?;
            keys.current = keys.list.iter().position(|(_, key)| public_half(key) == registered);
        }
        keys.current.and_then(|at| keys.list.get(at)).map(|(_, key)| key.clone())
    }

    fn forget_current(&self, account: AccountId) {
        if let Some(session) = self.session(account) {
            session.lock().current = None;
        }
    }

    fn registered(&self, account: AccountId) -> Option<SessionKey> {
        self.view.account(account).map(|account| account.state.session_key)
    }

    fn session(&self, account: AccountId) -> Option<Arc<Session>> {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).get(&account).cloned()
    }
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a trace what its order was acknowledged with.
pub(crate) fn tell(mut trace: OrderTrace, acknowledgement: &Acknowledgement) {
    let outcomes = &acknowledgement.outcomes;
    let order = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Accepted(order) => Some(order.0),
        _ => None,
    });
    let rejected = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Rejected(reason) => Some(reason.code()),
        _ => None,
    });
    trace.outcome(order, rejected);
    let time = Duration::from_micros(acknowledgement.timestamp.0);
    let sequenced = UNIX_EPOCH.checked_add(time).unwrap_or(UNIX_EPOCH);
    trace.acknowledged(acknowledgement.first_sequence, acknowledgement.batch, sequenced);
}

fn public_half(key: &SigningKey) -> SessionKey {
    SessionKey(key.verifying_key().to_bytes())
}

/// Whether signing again may help: the stream or the session went on meanwhile, and nothing has happened.
fn is_stale(refused: &Refused) -> bool {
    matches!(refused, Refused::Signature { .. } | Refused::SessionChanged { .. } | Refused::NoSession { .. })
}
