//! What uses the sessions.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;
use tokio::sync::{mpsc, watch};

use crate::session::Record;
use crate::store::{Place, SessionId, Store, StoreError};
use crate::{Body, Message};

/// What uses the sessions.
pub trait Application: Send + Sync + 'static {
    /// Who sends this Logon. `peer` is where it comes from. The CompIDs are those of the message; they prove nothing.
    ///
    /// # Errors
    /// When he may not log on, with words for him.
    fn authenticate(
        &self,
        logon: &Message,
        peer: IpAddr,
    ) -> impl Future<Output = Result<Identity, Refusal>> + Send;

    /// Runs beside a session, from the first Logon or the start of the acceptor on, whether somebody is logged on or not.
    /// `incoming` ends when the session does.
    fn session(
        self: Arc<Self>,
        session: SessionHandle,
        incoming: mpsc::Receiver<Incoming>,
    ) -> impl Future<Output = ()> + Send;

    /// Tags of repeating groups: those that may be in a message more than once.
    fn repeated_tags(&self) -> &'static [u32];
}

/// Who has logged on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name under which his sessions are kept. Without zero bytes.
    pub principal: String,
    /// By what right: goes with each message of the connection, and is not kept.
    pub grant: Arc<str>,
}

/// Why somebody may not log on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// A message for the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// What.
    pub message: Message,
    /// Under which Logon it came: see [`Status::logon`].
    pub logon: u64,
    /// By what right: [`Identity::grant`].
    pub grant: Arc<str>,
    /// From where.
    pub peer: IpAddr,
}

/// Whether somebody is logged on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether.
    pub online: bool,
    /// Counts Logons since the process started. What belongs to a connection ends when this changes.
    pub logon: u64,
}

/// A message from the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// Kept, and sent again when asked for; also when nobody is logged on. The notes are written with it, all or nothing.
    Kept(Body, Vec<(Vec<u8>, Option<Vec<u8>>)>),
    /// As [`Outgoing::Kept`], several: all messages and notes are written together, or none.
    Together(Vec<Body>, Vec<(Vec<u8>, Option<Vec<u8>>)>),
    /// Only for whoever is logged on under this Logon.
    Volatile(Body, u64),
    /// Nothing to send, only notes.
    Note(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    /// Ends the connection, if there is one.
    LogOut(String),
}

/// The session cannot keep messages any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the session has ended")]
pub struct SessionEnded;

/// A session, as the application holds it.
#[derive(Clone)]
pub struct SessionHandle {
    pub(crate) id: SessionId,
    pub(crate) outgoing: mpsc::Sender<Outgoing>,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) store: Store,
    pub(crate) place: Arc<Place>,
}

impl SessionHandle {
    /// Which.
    #[must_use]
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Sends. Waits while the other side does not read, but never longer than the connection may take to write.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn send(&self, outgoing: Outgoing) -> Result<(), SessionEnded> {
        self.outgoing.send(outgoing).await.map_err(|_| SessionEnded)
    }

    /// Whether somebody is logged on.
    #[must_use]
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// Returns when the status may have changed.
    pub async fn status_changed(&mut self) {
        if self.status.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Writes notes down; they are on disk when this returns. Not in turn with what is sent.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn write(&self, notes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), SessionEnded> {
        let records = notes.into_iter().map(|(key, value)| Record::Note(key, value)).collect();
        self.store.write(&self.place, records).await.map_err(|_| SessionEnded)
    }

    /// The notes, as they are on disk.
    ///
    /// # Errors
    /// When the store fails.
    #[allow(clippy::type_complexity, reason = "keys and values")]
    pub fn notes(&self) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StoreError> {
        self.store.notes(&self.place)
    }
}
