//! What outlives a crash: the numbers of every session, the messages it may have to send again, and the application's notes.
//!
//! One redb database. One thread writes; what has collected while it wrote goes into one transaction (group commit), so a
//! busy acceptor pays for a disk flush together.
//!
//! | table | key | value |
//! |---|---|---|
//! | `sessions 1` | principal, our CompID, the other's, separated by zeros | five numbers of 8 bytes (little endian): number of the session, next in, next out, last Logon, last change |
//! | `sent n` | MsgSeqNum | SendingTime (8 bytes), length of MsgType (1 byte), MsgType, fields |
//! | `notes n` | the application's | the application's |

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use redb::{
    Database, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _, TableDefinition,
    TableError, WriteTransaction,
};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use crate::session::{Kept, Numbers, Record};
use crate::{Body, Utc};

const SESSIONS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("sessions 1");

/// Records of several sessions that may be committed together.
const GROUP: usize = 1_024;
/// A session that nothing happened in for so long may be forgotten when there is no room for a new one.
const FORGET_AFTER: u64 = 7 * 86_400 * 1_000_000;

/// Which session: who it is, as the application knows him, and both CompIDs. Two principals with one CompID have two
/// sessions, and neither sees what was sent to the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// Who, as the application says.
    pub principal: String,
    /// Our CompID.
    pub own: String,
    /// The other side's CompID.
    pub other: String,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}->{}", self.principal, self.other, self.own)
    }
}

/// A session as it was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Which.
    pub id: SessionId,
    /// Its number in the store.
    pub number: u64,
    /// Where its numbers are.
    pub numbers: Numbers,
    /// SendingTime of its last Logon.
    pub logged_on: Utc,
}

/// Why something is not kept.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database.
    #[error("the store of FIX sessions: {0}")]
    Database(Box<redb::Error>),
    /// A record that this version did not write.
    #[error("a record of {what} in the store of FIX sessions does not decode")]
    Record {
        /// Of what.
        what: &'static str,
    },
    /// No room for a new session.
    #[error("there are {limit} sessions already{}", if *.of_principal { " of this account" } else { "" })]
    Full {
        /// How many there may be.
        limit: usize,
        /// Of one principal, not in all.
        of_principal: bool,
    },
    /// The thread that writes could not be started.
    #[error("start the thread that writes the store of FIX sessions: {0}")]
    Thread(std::io::Error),
    /// An earlier write failed; nothing is written any more.
    #[error("the store of FIX sessions writes no more, after an earlier failure")]
    Ended,
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}

from_redb!(DatabaseError, TransactionError, TableError, StorageError, CommitError);

/// Bounds on the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// Sessions in all.
    pub sessions: usize,
    /// Sessions of one principal.
    pub of_principal: usize,
    /// Messages of a session; older ones are filled as a gap when asked for.
    pub kept: u64,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self { sessions: 1_000, of_principal: 10, kept: 10_000 }
    }
}

/// An open store.
#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    limits: StoreLimits,
    jobs: mpsc::Sender<Job>,
    /// Sessions are created one at a time.
    creating: Arc<Mutex<()>>,
}

struct Job {
    session: Arc<Place>,
    records: Vec<Record>,
    done: oneshot::Sender<()>,
}

/// Where a session is kept.
#[derive(Debug)]
pub(crate) struct Place {
    key: String,
    number: u64,
}

impl Store {
    /// Opens or creates a store.
    ///
    /// # Errors
    /// When the file cannot be used, is in use, or holds something else.
    pub fn open(path: &Path, limits: StoreLimits) -> Result<Self, StoreError> {
        let database = Arc::new(Database::create(path)?);
        let write = database.begin_write()?;
        write.open_table(SESSIONS)?;
        write.commit()?;
        let (jobs, queue) = mpsc::channel(GROUP);
        let writer = Arc::clone(&database);
        std::thread::Builder::new()
            .name("fix store".into())
            .spawn(move || write_all(&writer, queue, limits.kept))
            .map_err(StoreError::Thread)?;
        Ok(Self { database, limits, jobs, creating: Arc::default() })
    }

    /// All sessions.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sessions(&self) -> Result<Vec<Saved>, StoreError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(SESSIONS)?;
        table
            .iter()?
            .map(|entry| {
                entry.map_err(StoreError::from).and_then(|(key, value)| saved(key.value(), value.value()))
            })
            .collect()
    }

    /// A session; a new one if there is none, and which other one was forgotten for it, if there was no room.
    ///
    /// # Errors
    /// When there is no room, or the database fails.
    pub fn session(&self, id: &SessionId) -> Result<(Saved, Option<SessionId>), StoreError> {
        let _creating = self.creating.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = self.sessions()?;
        if let Some(saved) = sessions.iter().find(|saved| saved.id == *id) {
            return Ok((saved.clone(), None));
        }
        let own = sessions.iter().filter(|saved| saved.id.principal == id.principal).count();
        let forgotten = if own >= self.limits.of_principal {
            let limit = self.limits.of_principal;
            Some(self.oldest(Some(&id.principal))?.ok_or(StoreError::Full { limit, of_principal: true })?)
        } else if sessions.len() >= self.limits.sessions {
            let limit = self.limits.sessions;
            Some(self.oldest(None)?.ok_or(StoreError::Full { limit, of_principal: false })?)
        } else {
            None
        };
        let number = sessions.iter().map(|saved| saved.number + 1).max().unwrap_or(1);
        let numbers = Numbers { next_in: 1, next_out: 1 };
        let new = Saved { id: id.clone(), number, numbers, logged_on: Utc(0) };
        let write = self.database.begin_write()?;
        {
            let mut table = write.open_table(SESSIONS)?;
            if let Some(old) = &forgotten {
                table.remove(key(&old.id).as_str())?;
                write.delete_table(sent(&sent_name(old.number)))?;
                write.delete_table(notes(&notes_name(old.number)))?;
            }
            table.insert(key(id).as_str(), encode(&new, Utc::now()).as_slice())?;
        }
        write.commit()?;
        Ok((new, forgotten.map(|old| old.id)))
    }

    /// The session that was unused longest, if for long enough that it may be forgotten.
    fn oldest(&self, principal: Option<&str>) -> Result<Option<Saved>, StoreError> {
        let read = self.database.begin_read()?;
        let mut oldest: Option<(u64, Saved)> = None;
        for entry in read.open_table(SESSIONS)?.iter()? {
            let (key, value) = entry?;
            let saved = saved(key.value(), value.value())?;
            let changed = numbers(value.value())?[4];
            let counts = principal.is_none_or(|principal| saved.id.principal == principal);
            if counts && oldest.as_ref().is_none_or(|(time, _)| changed < *time) {
                oldest = Some((changed, saved));
            }
        }
        let now = Utc::now().0;
        Ok(oldest.filter(|(changed, _)| changed + FORGET_AFTER < now).map(|(_, saved)| saved))
    }

    /// Where a session is kept.
    pub(crate) fn place(saved: &Saved) -> Arc<Place> {
        Arc::new(Place { key: key(&saved.id), number: saved.number })
    }

    /// Writes records down; they are durable when this returns.
    ///
    /// # Errors
    /// When the writer has ended. Nothing more can be written then.
    pub(crate) async fn write(&self, session: &Arc<Place>, records: Vec<Record>) -> Result<(), StoreError> {
        let (done, written) = oneshot::channel();
        let job = Job { session: Arc::clone(session), records, done };
        self.jobs.send(job).await.map_err(|_| StoreError::Ended)?;
        written.await.map_err(|_| StoreError::Ended)
    }

    /// At most `limit` of the messages with numbers `from` to `to`.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) fn kept(
        &self,
        session: &Place,
        (from, to): (u64, u64),
        limit: usize,
    ) -> Result<Vec<Kept>, StoreError> {
        let read = self.database.begin_read()?;
        let name = sent_name(session.number);
        let table = match read.open_table(sent(&name)) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let mut list = Vec::new();
        for entry in table.range(from..=to)?.take(limit) {
            let (number, value) = entry?;
            list.push(kept(number.value(), value.value())?);
        }
        Ok(list)
    }

    /// All of the application's notes.
    ///
    /// # Errors
    /// When the database fails.
    #[allow(clippy::type_complexity, reason = "keys and values")]
    pub(crate) fn notes(&self, session: &Place) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        let read = self.database.begin_read()?;
        let name = notes_name(session.number);
        let table = match read.open_table(notes(&name)) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error.into()),
        };
        let pairs = table.iter()?.map(|entry| {
            entry.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())).map_err(StoreError::from)
        });
        pairs.collect()
    }
}

/// The thread that writes. Ends when all stores are dropped, or after a failure: whoever waits then learns that what he
/// handed in is not durable.
fn write_all(database: &Database, mut queue: mpsc::Receiver<Job>, retained: u64) {
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < GROUP
            && let Ok(job) = queue.try_recv()
        {
            jobs.push(job);
        }
        if let Err(error) = write_jobs(database, &jobs, retained) {
            tracing::error!(%error, "FIX sessions end");
            return;
        }
        for job in jobs {
            let _ = job.done.send(());
        }
    }
}

fn write_jobs(database: &Database, jobs: &[Job], retained: u64) -> Result<(), StoreError> {
    let write = database.begin_write()?;
    let now = Utc::now();
    for job in jobs {
        write_job(&write, job, retained, now)?;
    }
    write.commit()?;
    Ok(())
}

fn write_job(write: &WriteTransaction, job: &Job, retained: u64, now: Utc) -> Result<(), StoreError> {
    let Place { key, number } = &*job.session;
    let mut sessions = write.open_table(SESSIONS)?;
    let stored = sessions.get(key.as_str())?.map(|value| saved(key, value.value())).transpose()?;
    // Forgotten meanwhile.
    let Some(mut session) = stored.filter(|stored| stored.number == *number) else { return Ok(()) };
    for record in &job.records {
        match record {
            Record::NextIn(next) => session.numbers.next_in = *next,
            Record::NextOut(next) => session.numbers.next_out = *next,
            Record::LoggedOn(time) => session.logged_on = *time,
            Record::Reset => {
                session.numbers = Numbers { next_in: 1, next_out: 1 };
                write.delete_table(sent(&sent_name(*number)))?;
            }
            Record::Sent { number: sequence, time, body } => {
                let name = sent_name(*number);
                let mut table = write.open_table(sent(&name))?;
                table.insert(sequence, encode_kept(*time, body).as_slice())?;
                while table.len()? > retained {
                    table.pop_first()?;
                }
            }
            Record::Note(note, value) => {
                let name = notes_name(*number);
                let mut table = write.open_table(notes(&name))?;
                match value {
                    Some(value) => drop(table.insert(note.as_slice(), value.as_slice())?),
                    None => drop(table.remove(note.as_slice())?),
                }
            }
        }
    }
    sessions.insert(key.as_str(), encode(&session, now).as_slice())?;
    Ok(())
}

fn sent_name(number: u64) -> String {
    format!("sent {number}")
}

fn notes_name(number: u64) -> String {
    format!("notes {number}")
}

fn sent(name: &str) -> TableDefinition<'_, u64, &'static [u8]> {
    TableDefinition::new(name)
}

fn notes(name: &str) -> TableDefinition<'_, &'static [u8], &'static [u8]> {
    TableDefinition::new(name)
}

fn key(id: &SessionId) -> String {
    let SessionId { principal, own, other } = id;
    format!("{principal}\0{own}\0{other}")
}

fn saved(key: &str, value: &[u8]) -> Result<Saved, StoreError> {
    let unreadable = StoreError::Record { what: "a session" };
    let mut parts = key.split('\0').map(str::to_owned);
    let (Some(principal), Some(own), Some(other)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(unreadable);
    };
    let [number, next_in, next_out, logged_on, _] = numbers(value)?;
    let numbers = Numbers { next_in, next_out };
    Ok(Saved { id: SessionId { principal, own, other }, number, numbers, logged_on: Utc(logged_on) })
}

fn numbers(value: &[u8]) -> Result<[u64; 5], StoreError> {
    let mut numbers = [0; 5];
    if value.len() != 40 {
        return Err(StoreError::Record { what: "a session" });
    }
    for (number, bytes) in numbers.iter_mut().zip(value.as_chunks().0) {
        *number = u64::from_le_bytes(*bytes);
    }
    Ok(numbers)
}

fn encode(saved: &Saved, now: Utc) -> Vec<u8> {
    let Numbers { next_in, next_out } = saved.numbers;
    [saved.number, next_in, next_out, saved.logged_on.0, now.0]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}

fn encode_kept(time: Utc, body: &Body) -> Vec<u8> {
    let kind = body.kind().as_bytes();
    let length = u8::try_from(kind.len()).unwrap_or(u8::MAX);
    [&time.0.to_le_bytes()[..], &[length], &kind[..usize::from(length)], body.fields()].concat()
}

fn kept(number: u64, value: &[u8]) -> Result<Kept, StoreError> {
    let unreadable = || StoreError::Record { what: "a sent message" };
    let (time, rest) = value.split_first_chunk().ok_or_else(unreadable)?;
    let (length, rest) = rest.split_first().ok_or_else(unreadable)?;
    let (kind, fields) = rest.split_at_checked(usize::from(*length)).ok_or_else(unreadable)?;
    let kind = std::str::from_utf8(kind).map_err(|_| unreadable())?;
    let time = Utc(u64::from_le_bytes(*time));
    Ok(Kept { number, time, body: Body::from_parts(kind, fields) })
}
