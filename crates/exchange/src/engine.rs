//! The engine thread: the one writer. Sequences submissions, executes them on the fast book, and hands groups of them
//! on.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use book::Book;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use hdrhistogram::Histogram;
use state::Sha256Hash;
use transition::{Stream, stream_start};
use types::{AccountId, Command, Event, MarketId, Origin, Sequenced, Side, Timestamp};

use crate::bundle::{Submission, may_withdraw};
use crate::chunk::{Chunk, Item};
use crate::config::{Clock, Config};
use crate::error::PanicGuard;
use crate::feeds::{Sink, Topic};
use crate::ingress::{Admitted, Checked, Permits, Session, Sessions, lock};
use crate::record::{BundleRecord, encode_seal};
use crate::stats::{Counters, add_since};
use crate::{Fault, Refused};

/// Journal bytes in one group at most; a submission may exceed it by its own size.
const GROUP_BYTES: usize = 4 << 20;

pub(crate) enum Message {
    Submission(Box<Admitted>),
    Subscribe {
        topic: Topic,
        sink: Sink,
    },
    /// Seal what there is, if there is anything.
    Seal,
    /// Seal, and end.
    Shutdown,
}

/// Where the sequence of commands stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The last command.
    pub sequence: u64,
    pub timestamp: Timestamp,
    pub l1_position: u64,
    /// The batch that is being filled.
    pub batch: u64,
    /// Commands in it so far.
    pub in_batch: u64,
    /// Commands in it so far that may take money out.
    pub withdrawals: usize,
}

pub(crate) struct Engine {
    pub book: Book,
    pub cursor: Cursor,
    pub config: Config,
    pub identity: (u64, types::Address),
    pub sessions: Arc<Sessions>,
    pub counters: Arc<Counters>,
    pub fault: Arc<Mutex<Option<Fault>>>,
    pub queue: Receiver<Message>,
    pub permits: Permits,
    pub chunks: Sender<Chunk>,
    pub spare: Receiver<Chunk>,
    /// Where the streams are after the commands executed so far, by account. Ingress may be ahead.
    pub streams: Vec<Stream>,
    /// Accounts whose stream has commands in the current batch: the batch's number by account.
    pub streams_in_batch: Vec<u64>,
    pub latency: Option<Histogram<u64>>,
}

impl Engine {
    pub fn run(mut self) {
        let fault = Arc::clone(&self.fault);
        if let Some(core) = self.config.threads.engine_core {
            core_affinity::set_for_current(core_affinity::CoreId { id: core });
        }
        // A batch that was found unfinished at the start waits no longer than others.
        let mut batch_began = (self.cursor.in_batch > 0).then(Instant::now);
        let mut chunk = Chunk::default();
        let _guard = PanicGuard::new("engine", &fault);
        loop {
            let message = match self.receive(batch_began) {
                Ok(message) => message,
                Err(RecvTimeoutError::Timeout) => Message::Seal,
                Err(RecvTimeoutError::Disconnected) => Message::Shutdown,
            };
            let start = Instant::now();
            let batch = self.cursor.batch;
            let mut next = Some(message);
            let mut ends = false;
            while let Some(message) = next.take() {
                let seals = match message {
                    Message::Submission(admitted) => {
                        self.permits.give_back();
                        self.admit(*admitted, &mut chunk, &fault);
                        false
                    }
                    Message::Subscribe { topic, sink } => {
                        self.subscribe(topic, sink, &mut chunk);
                        false
                    }
                    Message::Seal => true,
                    Message::Shutdown => {
                        ends = true;
                        true
                    }
                };
                if seals || self.cursor.in_batch >= self.config.batch.commands {
                    self.seal(&mut chunk);
                    break;
                }
                if chunk.outcomes.len() >= self.config.group || chunk.records.len() >= GROUP_BYTES {
                    break;
                }
                next = self.queue.try_recv().ok();
            }
            add_since(&self.counters.engine_ns, start);
            batch_began = match self.cursor.in_batch {
                0 => None,
                _ if self.cursor.batch != batch => Some(start),
                _ => batch_began.or(Some(start)),
            };
            // While the queue is never empty, nobody else looks at the clock.
            if batch_began.is_some_and(|began| began.elapsed() >= self.config.batch.interval) {
                self.seal(&mut chunk);
                batch_began = None;
            }
            if !chunk.items.is_empty() {
                self.counters.executed.fetch_add(chunk.outcomes.len() as u64, Ordering::Relaxed);
                self.share_latency();
                let full = std::mem::replace(&mut chunk, self.spare.try_recv().unwrap_or_default());
                if self.chunks.send(full).is_err() {
                    return;
                }
            }
            if ends {
                return;
            }
        }
    }

    fn receive(&self, batch_began: Option<Instant>) -> Result<Message, RecvTimeoutError> {
        let deadline = batch_began.and_then(|began| began.checked_add(self.config.batch.interval));
        if self.config.threads.busy_poll {
            loop {
                match self.queue.try_recv() {
                    Ok(message) => return Ok(message),
                    Err(crossbeam_channel::TryRecvError::Disconnected) => {
                        return Err(RecvTimeoutError::Disconnected);
                    }
                    Err(crossbeam_channel::TryRecvError::Empty) => std::hint::spin_loop(),
                }
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Err(RecvTimeoutError::Timeout);
                }
            }
        }
        match deadline {
            Some(deadline) => self.queue.recv_deadline(deadline),
            None => self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Sequences and executes a submission.
    fn admit(&mut self, admitted: Admitted, chunk: &mut Chunk, fault: &Mutex<Option<Fault>>) {
        let Admitted { submission, checked, reply } = admitted;
        let _guard = PanicGuard::new("engine", fault);
        if let Err(refused) = self.still_valid(&submission, &checked) {
            self.roll_back(&submission, &checked);
            self.counters.accepted.fetch_sub(submission.len() as u64, Ordering::Relaxed);
            if let Some(reply) = reply {
                reply.send(Err(refused));
            }
            return;
        }
        let withdrawals = self.cursor.withdrawals.saturating_add(submission.withdrawals());
        if withdrawals > self.config.max_withdrawals || self.ends_a_stream(&submission) {
            self.seal(chunk);
        }
        let mut signed = Vec::new();
        if let Checked::Streams(extensions) = &checked {
            for extension in extensions {
                self.streams[extension.account.0 as usize] = extension.after;
            }
            signed = extensions.iter().map(|extension| (extension.account, extension.after)).collect();
        }
        self.sequence(submission, chunk);
        if let Some(Item::Bundle { after, reply: place, .. }) = chunk.items.last_mut() {
            *after = signed;
            *place = reply;
        }
    }

    /// What may have changed while the submission waited in the queue: a session, or a submission before it was
    /// refused here and is now missing in a stream.
    fn still_valid(&self, submission: &Submission, checked: &Checked) -> Result<(), Refused> {
        if self.config.clock == Clock::Submission {
            let times = submission.timestamps();
            let follows = times.first().is_some_and(|first| *first >= self.cursor.timestamp);
            if !follows || times.len() != submission.len() || !times.is_sorted() {
                return Err(Refused::Time);
            }
        }
        let accounts = self.book.accounts();
        match (submission, checked) {
            (_, Checked::Streams(extensions)) => {
                for extension in extensions {
                    let (account, at) = (extension.account, extension.account.0 as usize);
                    if accounts.get(at).is_none_or(|known| known.sessions != extension.session) {
                        return Err(Refused::SessionChanged { account });
                    }
                    let stream = &self.streams[at];
                    if stream.digest != extension.before {
                        return Err(Refused::Signature { account, position: stream.position });
                    }
                }
            }
            (Submission::Owner { account, .. }, Checked::Owner { nonce, .. }) => {
                let position = accounts.get(account.0 as usize).map_or(0, |account| account.nonce);
                if position != *nonce {
                    return Err(Refused::Signature { account: *account, position });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Sets ingress back to where the engine is, after a refusal. Only once for all that is in the queue on top of
    /// the refused submission: by then ingress may have taken new ones from there on.
    fn roll_back(&self, submission: &Submission, checked: &Checked) {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        match (submission, checked) {
            (_, Checked::Streams(extensions)) => {
                for extension in extensions {
                    let at = extension.account.0 as usize;
                    let Some(mut session) = sessions.get(at).map(lock) else { continue };
                    if session.stream_resets == extension.resets {
                        session.stream_resets += 1;
                        session.stream = self.streams[at];
                    }
                }
            }
            (Submission::Owner { account, .. }, Checked::Owner { resets, .. }) => {
                let at = account.0 as usize;
                let Some(mut session) = sessions.get(at).map(lock) else { return };
                if session.nonce_resets == *resets {
                    session.nonce_resets += 1;
                    session.nonce = self.book.accounts()[at].nonce;
                }
            }
            _ => {}
        }
    }

    /// A session key may change in a batch only before the stream's first command.
    fn ends_a_stream(&self, submission: &Submission) -> bool {
        let ends = |account: AccountId, command: &Command| {
            matches!(command, Command::RegisterSession { .. })
                && self.streams_in_batch.get(account.0 as usize) == Some(&self.cursor.batch)
        };
        match submission {
            Submission::Streams { .. } => false,
            Submission::Owner { account, command, .. } => ends(*account, command),
            Submission::L1 { entries, .. } => {
                entries.iter().any(|(account, command)| ends(*account, command))
            }
        }
    }

    fn sequence(&mut self, mut submission: Submission, chunk: &mut Chunk) {
        let mut times = match self.config.clock {
            Clock::Submission => submission.take_timestamps(),
            Clock::Wall => Vec::new(),
        }
        .into_iter();
        let now = wall_clock().max(self.cursor.timestamp);
        let first_sequence = self.cursor.sequence + 1;
        let mut commands = Vec::with_capacity(submission.len() * 24);
        let (streams, owner) = match submission {
            Submission::Streams { commands: list, signatures, .. } => {
                for (account, command) in list {
                    let at = account.0 as usize;
                    if at >= self.streams_in_batch.len() {
                        self.streams_in_batch.resize(at + 1, 0);
                    }
                    self.streams_in_batch[at] = self.cursor.batch;
                    self.execute(
                        account,
                        Origin::Session,
                        command,
                        times.next().unwrap_or(now),
                        &mut commands,
                        chunk,
                    );
                }
                (signatures, None)
            }
            Submission::Owner { account, command, signature, .. } => {
                self.execute(
                    account,
                    Origin::Owner,
                    command,
                    times.next().unwrap_or(now),
                    &mut commands,
                    chunk,
                );
                (Vec::new(), Some(signature))
            }
            Submission::L1 { entries, .. } => {
                for (account, command) in entries {
                    let origin = Origin::L1(self.cursor.l1_position);
                    self.cursor.l1_position += 1;
                    self.execute(account, origin, command, times.next().unwrap_or(now), &mut commands, chunk);
                }
                (Vec::new(), None)
            }
        };
        let count = self.cursor.sequence + 1 - first_sequence;
        let start = chunk.records.len();
        let timestamp = self.cursor.timestamp;
        let record = BundleRecord { first_sequence, count, timestamp, commands: &commands, streams, owner };
        record.encode(&mut chunk.records);
        let end = chunk.records.len();
        let BundleRecord { streams, owner, .. } = record;
        // The commands lie in the record right before the signatures.
        let tail = signatures_length(&streams, owner.is_some());
        let commands = (end - tail - commands.len(), end - tail);
        chunk.items.push(Item::Bundle {
            record: (start, end),
            commands,
            first_sequence,
            count: usize::try_from(count).unwrap_or(usize::MAX),
            timestamp,
            batch: self.cursor.batch,
            streams,
            after: Vec::new(),
            owner,
            reply: None,
        });
    }

    #[inline]
    fn execute(
        &mut self,
        account: AccountId,
        origin: Origin,
        command: Command,
        timestamp: Timestamp,
        bytes: &mut Vec<u8>,
        chunk: &mut Chunk,
    ) {
        let sequenced = Sequenced { sequence: self.cursor.sequence + 1, timestamp, account, origin, command };
        sequenced.encode(self.cursor.timestamp, bytes);
        self.cursor.sequence += 1;
        self.cursor.timestamp = timestamp;
        self.cursor.in_batch += 1;
        self.cursor.withdrawals += usize::from(may_withdraw(&sequenced.command));
        let before = chunk.events.len();
        let events = &mut chunk.events;
        let outcome = if let Some(latency) = &mut self.latency {
            let start = Instant::now();
            let Ok(outcome) = rules::execute(&mut self.book, &sequenced, &mut |event| events.push(event));
            let nanos = start.elapsed().as_nanos();
            latency.saturating_record(u64::try_from(nanos).unwrap_or(u64::MAX));
            outcome
        } else {
            let Ok(outcome) = rules::execute(&mut self.book, &sequenced, &mut |event| events.push(event));
            outcome
        };
        chunk.accounts.push(account);
        chunk.outcomes.push(outcome);
        chunk.ends.push(u32::try_from(chunk.events.len()).unwrap_or(u32::MAX));
        if origin != Origin::Session {
            let streams = &mut self.streams;
            follow_sessions(
                &self.sessions,
                self.identity,
                &self.book,
                &chunk.events[before..],
                |at, stream| match streams.get_mut(at) {
                    Some(known) => *known = stream,
                    None => streams.push(stream),
                },
            );
        }
    }

    fn seal(&mut self, chunk: &mut Chunk) {
        if self.cursor.in_batch == 0 {
            return;
        }
        let start = chunk.records.len();
        encode_seal(self.cursor.batch, &mut chunk.records);
        chunk.items.push(Item::Seal {
            record: (start, chunk.records.len()),
            batch: self.cursor.batch,
            last_sequence: self.cursor.sequence,
        });
        self.cursor.batch += 1;
        (self.cursor.in_batch, self.cursor.withdrawals) = (0, 0);
    }

    fn subscribe(&mut self, topic: Topic, sink: Sink, chunk: &mut Chunk) {
        let book = match topic {
            Topic::Depth(market, _) | Topic::Ticker(market) => Some(self.resting(market)),
            Topic::Executions(_) | Topic::Trades(_) | Topic::Commands => None,
        };
        let Cursor { sequence, timestamp, .. } = self.cursor;
        chunk.items.push(Item::Subscribe { topic, sink: Some(sink), sequence, timestamp, book });
    }

    fn resting(&self, market: MarketId) -> Vec<rules::Order> {
        Side::BOTH.into_iter().flat_map(|side| self.book.side(market, side)).copied().collect()
    }

    fn share_latency(&mut self) {
        if let Some(latency) = &mut self.latency {
            let mut shared = lock(&self.counters.engine_latency);
            match &mut *shared {
                Some(sum) => {
                    // Same bounds, so nothing can be out of range.
                    let _ = sum.add(&*latency);
                    latency.reset();
                }
                None => {
                    *shared = Some(latency.clone());
                    latency.reset();
                }
            }
        }
    }
}

/// Tells ingress what the engine did to accounts and sessions, and `began` of every stream that begins.
pub(crate) fn follow_sessions(
    sessions: &Sessions,
    identity: (u64, types::Address),
    book: &Book,
    events: &[Event],
    mut began: impl FnMut(usize, Stream),
) {
    for event in events {
        match *event {
            Event::AccountOpened { account, owner } => {
                let stream = stream_start::<Sha256Hash>(identity.0, identity.1, account, 0);
                let key = types::SessionKey::default();
                let session =
                    Session { owner, key, number: 0, stream, stream_resets: 0, nonce: 0, nonce_resets: 0 };
                began(account.0 as usize, stream);
                sessions.write().unwrap_or_else(PoisonError::into_inner).push(Mutex::new(session));
            }
            Event::SessionRegistered { account, key, .. } => {
                let sessions = sessions.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(session) = sessions.get(account.0 as usize) {
                    let mut session = lock(session);
                    let number = book.accounts().get(account.0 as usize).map_or(0, |known| known.sessions);
                    session.key = key;
                    session.number = number;
                    session.stream = stream_start::<Sha256Hash>(identity.0, identity.1, account, number);
                    session.stream_resets += 1;
                    began(account.0 as usize, session.stream);
                }
            }
            _ => {}
        }
    }
}

fn signatures_length(streams: &[(AccountId, [u8; 64])], owner: bool) -> usize {
    let varint = |value: u64| (64 - u64::leading_zeros(value | 1) as usize).div_ceil(7);
    varint(streams.len() as u64)
        + streams.iter().map(|(account, _)| varint(account.0.into()) + 64).sum::<usize>()
        + 1
        + if owner { 65 } else { 0 }
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
