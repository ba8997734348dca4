//! Listens, finds out who connects, and gives the connection to the session.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::connection::{Attached, Driver, Stream};
use crate::session::{Rules, Session};
use crate::store::{Saved, SessionId, Store, StoreError};
use crate::tags::{self, kind};
use crate::{
    Application, BEGIN, Body, Frame, Framer, Header, Identity, Message, MessageLimits, SessionHandle, Status,
    Utc,
};

/// How long to wait after accepting failed, as it does when there are no file descriptors left.
const RECOVER: Duration = Duration::from_millis(50);
/// How long whoever may not log on keeps his place, so that guessing is slow.
const PENALTY: Duration = Duration::from_secs(1);
/// How long all sessions may take to end, and how long the application's may after that.
const FAREWELL: Duration = Duration::from_secs(5);
/// Characters of a CompID.
const COMP_ID: usize = 64;

/// How an acceptor works.
#[derive(Clone)]
pub struct AcceptorSettings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Our CompID: what others send as TargetCompID.
    pub comp_id: String,
    /// Speaks TLS, if given.
    pub tls: Option<TlsAcceptor>,
    /// The session layer's rules.
    pub rules: Rules,
    /// Bounds on a message.
    pub message: MessageLimits,
    /// Bounds on connections.
    pub limits: AcceptorLimits,
}

/// Bounds on connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptorLimits {
    /// Connections in all. More are closed at once.
    pub connections: usize,
    /// Connections of one address (of one /64 network for IPv6).
    pub connections_per_address: usize,
    /// How long a connection may take to send its Logon, the handshake of TLS included.
    pub logon_timeout: Duration,
    /// How long the other side may take to read what is sent to it.
    pub write_timeout: Duration,
    /// Messages a second that are read from a connection; more wait.
    pub messages_per_second: u32,
    /// Messages that may wait between a session and the application, either way.
    pub queue: usize,
}

impl Default for AcceptorLimits {
    fn default() -> Self {
        Self {
            connections: 1_000,
            connections_per_address: 20,
            logon_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            messages_per_second: 1_000,
            queue: 1_024,
        }
    }
}

/// Why an acceptor does not start.
#[derive(Debug, Error)]
pub enum AcceptorError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The CompID.
    #[error("a CompID has 1 to {COMP_ID} readable ASCII characters, which {comp_id:?} has not")]
    CompId {
        /// As given.
        comp_id: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running acceptor.
pub struct Acceptor {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    /// Takes the sessions that run.
    sessions: Box<dyn FnOnce() -> Vec<Running> + Send>,
}

impl Acceptor {
    /// Listens, and goes on with the sessions that the store has.
    ///
    /// # Errors
    /// When the address is taken, or the store fails.
    pub async fn start<A: Application>(
        settings: AcceptorSettings,
        store: Store,
        application: Arc<A>,
    ) -> Result<Self, AcceptorError> {
        let comp_id = &settings.comp_id;
        if comp_id.is_empty()
            || comp_id.len() > COMP_ID
            || !comp_id.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        {
            return Err(AcceptorError::CompId { comp_id: comp_id.clone() });
        }
        let failed = |source| AcceptorError::Listen { address: settings.listen, source };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let saved = store.sessions()?;
        let inner = Arc::new(Inner {
            connections: Connections::new(&settings.limits),
            settings,
            store,
            application,
            sessions: Mutex::default(),
            stop: stopped,
        });
        {
            let mut sessions = lock(&inner.sessions);
            for saved in saved.into_iter().filter(|saved| saved.id.own == inner.settings.comp_id) {
                let running = inner.run(&saved);
                sessions.insert(saved.id, running);
            }
        }
        let ending = Arc::clone(&inner);
        let sessions = Box::new(move || lock(&ending.sessions).drain().map(|(_, running)| running).collect());
        let accepting = tokio::spawn(inner.accept(listener));
        Ok(Self { address, stop, accepting, sessions })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Logs everybody out, and returns when the sessions' numbers are written down and the application's sessions have ended,
    /// for which all of them together have a few seconds.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.accepting.await;
        let (mut tasks, mut applications) = (Vec::new(), Vec::new());
        for Running { attach, task, application } in (self.sessions)() {
            drop(attach);
            tasks.push(task);
            applications.push(application);
        }
        // All end at the same time, and one that does not keeps nobody.
        for handles in [tasks, applications] {
            let end = Instant::now() + FAREWELL;
            for mut handle in handles {
                if timeout_at(end.into(), &mut handle).await.is_err() {
                    handle.abort();
                }
            }
        }
    }
}

struct Inner<A> {
    settings: AcceptorSettings,
    store: Store,
    application: Arc<A>,
    connections: Arc<Connections>,
    sessions: Mutex<HashMap<SessionId, Running>>,
    stop: watch::Receiver<bool>,
}

/// A session's tasks.
struct Running {
    attach: mpsc::Sender<Attached>,
    task: JoinHandle<()>,
    application: JoinHandle<()>,
}

impl<A: Application> Inner<A> {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut stop = self.stop.clone();
        loop {
            let accepted = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a FIX connection is not accepted");
                    sleep(RECOVER).await;
                    continue;
                }
            };
            let Some(permit) = self.connections.enter(peer.ip()) else { continue };
            let inner = Arc::clone(&self);
            tokio::spawn(async move {
                let mut stop = inner.stop.clone();
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => {}
                    () = inner.greet(stream, peer.ip(), permit) => {}
                }
            });
        }
    }

    /// Reads the Logon, and gives the connection to its session.
    async fn greet(&self, stream: TcpStream, peer: IpAddr, permit: Permit) {
        let _ = stream.set_nodelay(true);
        let mut framer = Framer::new(self.settings.message);
        let read = async {
            let mut stream: Box<dyn Stream> = match &self.settings.tls {
                Some(tls) => Box::new(tls.accept(stream).await.ok()?),
                None => Box::new(stream),
            };
            let logon = first_message(&mut stream, &mut framer).await?;
            Some((stream, logon))
        };
        let Ok(Some((mut stream, logon))) = timeout(self.settings.limits.logon_timeout, read).await else {
            tracing::debug!(%peer, "no Logon came");
            return;
        };
        match self.identify(&logon, peer).await {
            Ok((id, grant)) => {
                let attached = Attached { stream, framer, logon, grant, peer, permit };
                match self.attach(id, attached).await {
                    Ok(()) => {}
                    Err(error) => tracing::warn!(%peer, %error, "a FIX session does not begin"),
                }
            }
            Err(why) => {
                tracing::info!(%peer, why, "a FIX Logon is refused");
                sleep(PENALTY).await;
                if let Ok(other) = logon.text(tags::SENDER_COMP_ID) {
                    let body = Body::new(kind::LOGOUT).with(tags::TEXT, why);
                    let frame = self.header(other).frame(&body);
                    let _ = timeout(self.settings.limits.write_timeout, stream.write_all(&frame)).await;
                }
                let _ = timeout(PENALTY, stream.shutdown()).await;
            }
        }
    }

    /// Of what is said before a session is found: it has no number of the session's.
    fn header<'a>(&'a self, target: &'a str) -> Header<'a> {
        Header { sender: &self.settings.comp_id, target, number: 1, time: Utc::now(), original: None }
    }

    async fn identify(&self, logon: &Message, peer: IpAddr) -> Result<(SessionId, Arc<str>), String> {
        if logon.kind() != kind::LOGON {
            return Err("the first message must be a Logon".into());
        }
        if logon.get(tags::BEGIN_STRING) != Some(BEGIN.as_bytes()) {
            return Err(format!("BeginString must be {BEGIN}"));
        }
        let own = logon.text(tags::TARGET_COMP_ID).map_err(|error| error.to_string())?;
        let other = logon.text(tags::SENDER_COMP_ID).map_err(|error| error.to_string())?;
        if own != self.settings.comp_id {
            return Err(format!("TargetCompID must be {}", self.settings.comp_id));
        }
        if other.is_empty() || other.len() > COMP_ID {
            return Err(format!("SenderCompID must have 1 to {COMP_ID} characters"));
        }
        let Identity { principal, grant } =
            self.application.authenticate(logon, peer).await.map_err(|refusal| refusal.0)?;
        Ok((SessionId { principal, own: own.to_owned(), other: other.to_owned() }, grant))
    }

    async fn attach(&self, id: SessionId, attached: Attached) -> Result<(), StoreError> {
        let known = lock(&self.sessions).get(&id).map(|running| running.attach.clone());
        let attach = match known {
            Some(attach) => attach,
            None => {
                let store = self.store.clone();
                let wanted = id.clone();
                let created = tokio::task::spawn_blocking(move || store.session(&wanted)).await;
                let (saved, forgotten) = created.map_err(|_| StoreError::Ended)??;
                let mut sessions = lock(&self.sessions);
                if let Some(forgotten) = forgotten {
                    // Its task ends when nobody can attach any more.
                    sessions.remove(&forgotten);
                }
                // Somebody else may have been here meanwhile.
                sessions.entry(id).or_insert_with(|| self.run(&saved)).attach.clone()
            }
        };
        // A second connection waits behind the first only until the session looks at it, and closes it.
        attach.send(attached).await.map_err(|_| StoreError::Ended)
    }

    /// Starts a session's task, and the application's beside it.
    fn run(&self, saved: &Saved) -> Running {
        let AcceptorSettings { rules, limits, .. } = self.settings;
        let place = Store::place(saved);
        let repeated = self.application.repeated_tags();
        let names = (saved.id.own.as_str(), saved.id.other.as_str());
        let (attach, attached) = mpsc::channel(1);
        let (outgoing, to_send) = mpsc::channel(limits.queue);
        let (incoming, to_application) = mpsc::channel(limits.queue);
        let (status, watched) = watch::channel(Status::default());
        let handle = SessionHandle {
            id: saved.id.clone(),
            outgoing,
            status: watched,
            store: self.store.clone(),
            place: Arc::clone(&place),
        };
        let driver = Driver {
            id: saved.id.clone(),
            session: Session::new(rules, names, repeated, saved.numbers, saved.logged_on),
            store: self.store.clone(),
            place,
            limits,
            attached,
            outgoing: to_send,
            incoming,
            status,
            stop: self.stop.clone(),
            link: None,
            started: Instant::now(),
        };
        let application = tokio::spawn(Arc::clone(&self.application).session(handle, to_application));
        Running { attach, task: tokio::spawn(driver.run()), application }
    }
}

async fn first_message(stream: &mut Box<dyn Stream>, framer: &mut Framer) -> Option<Message> {
    let mut buffer = [0; 4_096];
    loop {
        match framer.next_frame().ok()? {
            Some(Frame::Message(message)) => return Some(message),
            Some(Frame::Garbled(_)) => return None,
            None => {}
        }
        let length = stream.read(&mut buffer).await.ok().filter(|length| *length > 0)?;
        framer.push(&buffer[..length]);
    }
}

/// Counts connections, in all and by address.
struct Connections {
    limit: usize,
    per_address: usize,
    all: AtomicUsize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place. Dropping it gives it back.
pub(crate) struct Permit {
    connections: Arc<Connections>,
    network: IpAddr,
}

impl Connections {
    fn new(limits: &AcceptorLimits) -> Arc<Self> {
        let (limit, per_address) = (limits.connections, limits.connections_per_address);
        Arc::new(Self { limit, per_address, all: AtomicUsize::new(0), addresses: Mutex::default() })
    }

    fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let network = network(address);
        let mut addresses = lock(&self.addresses);
        let held = addresses.get(&network).copied().unwrap_or(0);
        if self.all.load(Ordering::Relaxed) >= self.limit || held >= self.per_address {
            return None;
        }
        addresses.insert(network, held + 1);
        self.all.fetch_add(1, Ordering::Relaxed);
        Some(Permit { connections: Arc::clone(self), network })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut addresses = lock(&self.connections.addresses);
        self.connections.all.fetch_sub(1, Ordering::Relaxed);
        match addresses.get_mut(&self.network) {
            Some(held) if *held > 1 => *held -= 1,
            _ => drop(addresses.remove(&self.network)),
        }
    }
}

/// Whoever has one IPv6 address has a network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
