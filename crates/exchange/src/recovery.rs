//! From a data directory back to a running exchange: the newest snapshot, then the journal behind it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, RwLock};

use book::Book;
use journal::{Journal, SnapshotStore, TornFrame};
use rules::Genesis;
use state::{FullTree, Sha256Hash, StateTree};
use transition::{Anchor, Stream, TransitionError, restore, stream_digest, stream_start};
use types::{AccountId, DecodeError, Origin, Reader, Sequenced, Timestamp};

use crate::ExchangeError;
use crate::bundle::may_withdraw;
use crate::chunk::Chunk;
use crate::config::Config;
use crate::engine::{Cursor, follow_sessions};
use crate::ingress::{Session, Sessions, lock};
use crate::pending::Submitted;
use crate::record::{BundleRecord, Record, StateSnapshot, difference, encode_genesis};
use crate::sealer::{BatchReport, KEPT_REPORTS, Sealer};
use crate::shadow::Shadow;

/// What starting found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The batch after which the snapshot was taken that served; zero if none did.
    pub snapshot_batch: u64,
    /// Snapshots that were damaged and passed over.
    pub damaged_snapshots: Vec<String>,
    /// Commands executed again from the journal.
    pub replayed_commands: u64,
    /// Batches sealed again.
    pub replayed_batches: u64,
    /// What a crash left half written at the journal's end; never acknowledged, and dropped.
    pub torn: Option<TornFrame>,
    /// The last command.
    pub last_sequence: u64,
    /// Its time.
    pub last_timestamp: Timestamp,
    /// The next entry of the L1 queue.
    pub l1_position: u64,
    /// The state root after the last sealed batch.
    pub state_root: [u8; 32],
}

/// All parts of an exchange that is about to start.
pub(crate) struct Parts {
    pub book: Book,
    pub shadow: Shadow,
    pub sealer: Sealer,
    pub journal: Journal,
    pub snapshots: SnapshotStore,
    pub sessions: Sessions,
    pub cursor: Cursor,
    pub streams_in_batch: Vec<u64>,
    /// Of the batches sealed again, those that are kept.
    pub reports: VecDeque<BatchReport>,
    pub recovered: Recovered,
}

/// Opens a data directory, creating it with `genesis` when it is empty. `progress` is told the number of commands
/// replayed so far.
pub(crate) fn open(
    config: &Config,
    genesis: &Genesis,
    progress: &mut dyn FnMut(u64),
) -> Result<Parts, ExchangeError> {
    config.check()?;
    let dir = &config.data_dir;
    let batches_dir = dir.join("batches");
    if config.keep_batches {
        std::fs::create_dir_all(&batches_dir).map_err(|source| ExchangeError::File {
            doing: "create",
            path: batches_dir.clone(),
            source,
        })?;
    }
    let snapshots = SnapshotStore::open(&dir.join("snapshots"))?;
    let latest = snapshots.latest()?;
    let mut recovered = Recovered {
        damaged_snapshots: latest
            .damaged
            .iter()
            .map(|damaged| format!("{}: {}", damaged.path.display(), damaged.error))
            .collect(),
        ..Recovered::default()
    };
    let from = latest.snapshot.as_ref().map_or(journal::ReplayFrom::Genesis, journal::Snapshot::replay_from);
    let (mut journal, found) = Journal::open(&dir.join("journal"), config.journal.clone(), from)?;
    recovered.torn = found.torn;

    let same_exchange = |found: &Genesis| match difference(found, genesis) {
        Some(what) => Err(ExchangeError::OtherExchange { data_dir: dir.clone(), what }),
        None => Ok(()),
    };
    let mut book = Book::new(genesis.capacity);
    let mut tree = FullTree::<Sha256Hash>::new();
    let mut index = 0;
    let restored = match &latest.snapshot {
        Some(snapshot) => {
            index = snapshot.index;
            let body = snapshot.read_body()?;
            let snapshot = StateSnapshot::decode(&body)
                .map_err(|source| ExchangeError::Snapshot { path: snapshot.path.clone(), source })?;
            // Before the tree is restored into a book of this capacity.
            same_exchange(&snapshot.genesis)?;
            tree = FullTree::from_snapshot(snapshot.tree)?;
            if tree.root() != snapshot.root {
                return Err(TransitionError::PreviousRoot.into());
            }
            let restored = restore(&tree, &mut book, |never| match never {})?;
            recovered.snapshot_batch = restored.anchor.batch;
            restored
        }
        None => {
            transition::genesis(&mut tree, genesis)?;
            if journal.next_index() == 0 {
                journal.append(&encode_genesis(genesis))?;
                journal.commit()?;
            }
            restore(&tree, &mut book, |never| match never {})?
        }
    };
    let Anchor { chain_id, exchange, batch, sequence, timestamp, l1_position, .. } = restored.anchor;
    let identity = (chain_id, exchange);
    let sessions = restored_sessions(identity, &book, &restored.streams);
    let cursor = Cursor { sequence, timestamp, l1_position, batch: batch + 1, in_batch: 0, withdrawals: 0 };
    let kept = config.keep_batches.then_some(batches_dir);
    let shadow = Shadow::new(tree, batch + 1, sequence + 1, timestamp, genesis);
    let mut replay = Replay {
        book,
        shadow,
        sealer: Sealer::new(kept),
        sessions,
        cursor,
        streams_in_batch: Vec::new(),
        reports: VecDeque::new(),
        identity,
    };

    let mut records = journal.read(index)?;
    while let Some((index, bytes)) = records.next_record()? {
        let bad = |source: DecodeError| ExchangeError::Record { index, source };
        match Record::decode(bytes).map_err(bad)? {
            Record::Genesis(found) => same_exchange(&found)?,
            Record::Bundle(bundle) => {
                recovered.replayed_commands += bundle.count;
                replay.bundle(&bundle).map_err(bad)?;
                progress(recovered.replayed_commands);
            }
            Record::Seal { batch } => {
                recovered.replayed_batches += 1;
                if batch != replay.cursor.batch {
                    return Err(bad(DecodeError::BadInteger { what: "batch number" }));
                }
                replay.seal(batch)?;
            }
        }
    }
    let Replay { book, mut shadow, sealer, sessions, cursor, streams_in_batch, reports, .. } = replay;
    recovered.last_sequence = cursor.sequence;
    recovered.last_timestamp = cursor.timestamp;
    recovered.l1_position = cursor.l1_position;
    recovered.state_root = shadow.tree.root();
    Ok(Parts {
        book,
        shadow,
        sealer,
        journal,
        snapshots,
        sessions,
        cursor,
        streams_in_batch,
        reports,
        recovered,
    })
}

fn restored_sessions(
    identity: (u64, types::Address),
    book: &Book,
    streams: &[(AccountId, Stream)],
) -> Sessions {
    let mut sessions: Vec<Mutex<Session>> = (0u32..)
        .zip(book.accounts())
        .map(|(id, account)| {
            let id = AccountId(id);
            let stream = stream_start::<Sha256Hash>(identity.0, identity.1, id, account.sessions);
            Mutex::new(Session {
                owner: account.owner,
                key: account.session_key,
                number: account.sessions,
                stream,
                stream_resets: 0,
                nonce: account.nonce,
                nonce_resets: 0,
            })
        })
        .collect();
    for (account, stream) in streams {
        if let Some(session) = sessions.get_mut(account.0 as usize) {
            session.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner).stream = *stream;
        }
    }
    RwLock::new(sessions)
}

struct Replay {
    book: Book,
    shadow: Shadow,
    sealer: Sealer,
    sessions: Sessions,
    cursor: Cursor,
    streams_in_batch: Vec<u64>,
    reports: VecDeque<BatchReport>,
    identity: (u64, types::Address),
}

impl Replay {
    fn bundle(&mut self, bundle: &BundleRecord<'_>) -> Result<(), DecodeError> {
        if bundle.first_sequence != self.cursor.sequence + 1 {
            return Err(DecodeError::BadInteger { what: "first sequence" });
        }
        let mut reader = Reader::new(bundle.commands);
        let mut chunk = Chunk::default();
        let mut bytes = Vec::new();
        for _ in 0..bundle.count {
            let sequenced = Sequenced::decode(self.cursor.sequence + 1, self.cursor.timestamp, &mut reader)?;
            self.cursor.sequence = sequenced.sequence;
            self.cursor.timestamp = sequenced.timestamp;
            self.cursor.in_batch += 1;
            self.cursor.withdrawals += usize::from(may_withdraw(&sequenced.command));
            let before = chunk.events.len();
            let events = &mut chunk.events;
            let Ok(outcome) = rules::execute(&mut self.book, &sequenced, &mut |event| events.push(event));
            chunk.outcomes.push(outcome);
            chunk.ends.push(u32::try_from(chunk.events.len()).unwrap_or(u32::MAX));
            self.follow(&sequenced, &mut bytes);
            follow_sessions(&self.sessions, self.identity, &self.book, &chunk.events[before..], |_, _| {});
        }
        reader.finish()?;
        let sessions = self.sessions.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let stream = |account: &AccountId| Some((*account, lock(sessions.get(account.0 as usize)?).stream));
        let after: Vec<_> = bundle.streams.iter().filter_map(|(account, _)| stream(account)).collect();
        let submitted = Submitted {
            commands: bundle.commands,
            count: bundle.count,
            timestamp: bundle.timestamp,
            streams: &bundle.streams,
            after: &after,
            owner: bundle.owner,
        };
        self.shadow.pending.add(&Arc::new(chunk), 0, &submitted);
        Ok(())
    }

    /// Moves streams, nonces and the L1 queue on, as ingress and engine did.
    fn follow(&mut self, sequenced: &Sequenced, bytes: &mut Vec<u8>) {
        let at = sequenced.account.0 as usize;
        let sessions = self.sessions.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        match sequenced.origin {
            Origin::Session => {
                if let Some(session) = sessions.get(at) {
                    bytes.clear();
                    sequenced.command.encode(bytes);
                    let mut session = lock(session);
                    session.stream.digest = stream_digest::<Sha256Hash>(&session.stream.digest, bytes);
                    session.stream.position += 1;
                }
                if at >= self.streams_in_batch.len() {
                    self.streams_in_batch.resize(at + 1, 0);
                }
                self.streams_in_batch[at] = self.cursor.batch;
            }
            Origin::Owner => {
                if let Some(session) = sessions.get(at) {
                    lock(session).nonce += 1;
                }
            }
            Origin::L1(_) => self.cursor.l1_position += 1,
        }
    }

    fn seal(&mut self, batch: u64) -> Result<(), ExchangeError> {
        while self.reports.len() >= KEPT_REPORTS {
            self.reports.pop_front();
        }
        let mut executed = self.shadow.execute(batch)?;
        self.reports.push_back(self.sealer.seal(&mut executed)?);
        self.cursor.batch = batch + 1;
        (self.cursor.in_batch, self.cursor.withdrawals) = (0, 0);
        Ok(())
    }
}
