//! A session's task: carries out what the state machine says, on a connection and the store.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, sleep_until, timeout};

use crate::acceptor::{AcceptorLimits, Permit};
use crate::application::{Incoming, Outgoing, Status};
use crate::session::{Action, Closed, Now, Record, Session};
use crate::store::{Place, SessionId, Store, StoreError};
use crate::{Framer, Message, Utc};

/// Bytes read at once.
const CHUNK: usize = 16 << 10;
/// Messages of the application that are put on disk and sent together.
const TOGETHER: usize = 256;
/// Messages read from the store at once, when they are sent again.
const PIECE: usize = 128;

/// How long the other side may take to read what is sent to it once the acceptor stops.
const HURRY: Duration = Duration::from_secs(1);

/// How long a second connection waits for the end of the first.
const NOTICE: Duration = Duration::from_millis(50);

/// What a connection is made of: TCP, or TLS over it.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection whose Logon has arrived, and who sent it is known.
pub(crate) struct Attached {
    pub stream: Box<dyn Stream>,
    pub framer: Framer,
    pub logon: Message,
    pub grant: Arc<str>,
    pub peer: IpAddr,
    /// Its place among all connections.
    pub permit: Permit,
}

/// A session, and everything around it.
pub(crate) struct Driver {
    pub id: SessionId,
    pub session: Session,
    pub store: Store,
    pub place: Arc<Place>,
    pub limits: AcceptorLimits,
    pub attached: mpsc::Receiver<Attached>,
    pub outgoing: mpsc::Receiver<Outgoing>,
    pub incoming: mpsc::Sender<Incoming>,
    pub status: watch::Sender<Status>,
    pub stop: watch::Receiver<bool>,
    pub link: Option<Link>,
    pub started: Instant,
}

/// A connection that is logged on.
pub(crate) struct Link {
    stream: Box<dyn Stream>,
    framer: Framer,
    /// Whether the framer may hold another message.
    more: bool,
    grant: Arc<str>,
    peer: IpAddr,
    throttle: Throttle,
    _permit: Permit,
}

/// What there is to do.
enum Work {
    Attached(Option<Attached>),
    Outgoing(Option<Outgoing>),
    Read(std::io::Result<usize>),
    Frames,
    Tick,
    Stop,
}

impl Driver {
    /// Runs until the acceptor stops, or the store fails.
    pub async fn run(mut self) {
        let mut buffer = vec![0; CHUNK];
        loop {
            let done = match self.next(&mut buffer).await {
                Work::Stop | Work::Attached(None) | Work::Outgoing(None) => break,
                Work::Attached(Some(attached)) => self.attach(attached).await,
                Work::Outgoing(Some(first)) => self.send(first).await,
                Work::Read(Ok(length)) if length > 0 => {
                    if let Some(link) = &mut self.link {
                        link.framer.push(&buffer[..length]);
                        link.more = true;
                    }
                    Ok(())
                }
                Work::Read(_) => self.detach("the other side closed the connection").await,
                Work::Frames => self.receive().await,
                Work::Tick => {
                    let mut actions = Vec::new();
                    self.session.tick(self.now(), &mut actions);
                    self.perform(actions).await
                }
            };
            if let Err(error) = done {
                tracing::error!(session = %self.id, %error, "the FIX session ends");
                return;
            }
        }
        let mut actions = Vec::new();
        self.session.log_out(self.now(), "the exchange is closing the session", &mut actions);
        let done = self.perform(actions).await;
        if let Err(error) = done.and(self.detach("the acceptor stops").await) {
            tracing::warn!(session = %self.id, %error, "the numbers of a FIX session are not written down");
        }
    }

    async fn next(&mut self, buffer: &mut [u8]) -> Work {
        // Whatever else there is to do.
        if self.is_stopping() {
            return Work::Stop;
        }
        let tick = self.session.next_tick().map(|tick| self.started + tick);
        let link = self.link.as_mut();
        let (more, stream, wait) = match link {
            Some(link) => (link.more, Some(&mut link.stream), link.throttle.wait()),
            None => (false, None, None),
        };
        let reading = async {
            match stream {
                Some(stream) => stream.read(buffer).await,
                None => std::future::pending().await,
            }
        };
        // A message is only read when there is room for it at the application. Nothing here waits for the application
        // otherwise, which may be waiting for this task.
        let frames = async {
            at(wait).await;
            self.incoming.reserve().await.map(drop)
        };
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => Work::Stop,
            attached = self.attached.recv() => Work::Attached(attached),
            outgoing = self.outgoing.recv() => Work::Outgoing(outgoing),
            room = frames, if more => if room.is_ok() { Work::Frames } else { Work::Stop },
            read = reading, if !more => Work::Read(read),
            () = at(tick), if tick.is_some() => Work::Tick,
        }
    }

    async fn attach(&mut self, attached: Attached) -> Result<(), StoreError> {
        if self.link.is_some() && !self.is_gone().await? {
            // "Disconnect without sending a message": anything sent would have a number of the session that goes on.
            tracing::info!(session = %self.id, "a second connection of a FIX session is closed");
            return Ok(());
        }
        let Attached { stream, framer, logon, grant, peer, permit } = attached;
        let throttle = Throttle::new(&self.limits);
        self.link = Some(Link { stream, framer, more: true, grant, peer, throttle, _permit: permit });
        let mut actions = Vec::new();
        self.session.logon(self.now(), &logon, &mut actions);
        let online = self.session.is_online();
        if online {
            tracing::info!(session = %self.id, "logged on");
            self.status.send_modify(|status| *status = Status { online, logon: status.logon + 1 });
        }
        self.perform(actions).await
    }

    /// Whether the connection that there is was closed by the other side, who may be back sooner than that was noticed.
    async fn is_gone(&mut self) -> Result<bool, StoreError> {
        let Some(link) = &mut self.link else { return Ok(true) };
        let mut buffer = vec![0; CHUNK];
        match timeout(NOTICE, link.stream.read(&mut buffer)).await {
            Ok(Ok(length)) if length > 0 => {
                link.framer.push(&buffer[..length]);
                link.more = true;
                Ok(false)
            }
            Ok(_) => self.detach("the other side closed the connection").await.map(|()| true),
            Err(_) => Ok(false),
        }
    }

    async fn send(&mut self, first: Outgoing) -> Result<(), StoreError> {
        let mut actions = Vec::new();
        let now = self.now();
        let mut next = Some(first);
        let mut left = TOGETHER;
        while let Some(outgoing) = next {
            match outgoing {
                Outgoing::Kept(body, notes) => self.session.send(now, body, notes, &mut actions),
                Outgoing::Together(bodies, notes) => {
                    // All records of one turn are one transaction.
                    self.session.note(notes, &mut actions);
                    for body in bodies {
                        self.session.send(now, body, Vec::new(), &mut actions);
                    }
                }
                Outgoing::Volatile(body, logon) if logon == self.status.borrow().logon => {
                    self.session.send_volatile(now, &body, &mut actions);
                }
                Outgoing::Volatile(..) => {}
                Outgoing::Note(notes) => self.session.note(notes, &mut actions),
                Outgoing::LogOut(why) => self.session.log_out(now, &why, &mut actions),
            }
            left -= 1;
            next = if left > 0 { self.outgoing.try_recv().ok() } else { None };
        }
        self.perform(actions).await
    }

    /// Takes messages from the framer for as long as the application has room; there was room for one.
    async fn receive(&mut self) -> Result<(), StoreError> {
        let mut actions = Vec::new();
        let now = self.now();
        let mut room = self.incoming.capacity();
        while room > 0
            && let Some(link) = &mut self.link
        {
            if link.throttle.wait().is_some() {
                break;
            }
            match link.framer.next_frame() {
                Ok(Some(frame)) => {
                    link.throttle.count();
                    let before = actions.len();
                    self.session.receive(now, &frame, &mut actions);
                    room -= actions[before..]
                        .iter()
                        .filter(|action| matches!(action, Action::Deliver(_)))
                        .count();
                }
                Ok(None) => {
                    link.more = false;
                    break;
                }
                Err(error) => {
                    link.more = false;
                    self.session.too_long(now, error, &mut actions);
                    break;
                }
            }
            if !self.session.is_online() {
                break;
            }
        }
        self.perform(actions).await
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Carries out actions: first what is to be on disk, then the rest in order.
    async fn perform(&mut self, actions: Vec<Action>) -> Result<(), StoreError> {
        let mut rest = Vec::with_capacity(actions.len());
        let mut records = Vec::new();
        for action in actions {
            match action {
                Action::Record(record) => records.push(record),
                other => rest.push(other),
            }
        }
        self.record(records).await?;
        // Whoever asks again before he was answered gets one answer.
        let mut again: Option<(u64, u64)> = None;
        for action in &rest {
            if let Action::Resend { from, to } = action {
                again = Some(again.map_or((*from, *to), |(first, last)| (first.min(*from), last.max(*to))));
            }
        }
        let mut bytes = Vec::new();
        let mut closed = None;
        for action in rest {
            match action {
                Action::Write(frame) => bytes.extend_from_slice(&frame),
                Action::Resend { .. } => {
                    let Some((from, to)) = again.take() else { continue };
                    if !self.write(&std::mem::take(&mut bytes)).await || !self.resend(from, to).await? {
                        return self.detach("the other side does not read").await;
                    }
                }
                Action::Deliver(message) => {
                    let logon = self.status.borrow().logon;
                    let Some(link) = &self.link else { continue };
                    let (grant, peer) = (Arc::clone(&link.grant), link.peer);
                    // There is room, or the application has ended, and the next turn of the loop sees it.
                    let _ = self.incoming.try_send(Incoming { message, logon, grant, peer });
                }
                Action::Close(why) => closed = Some(why),
                Action::Record(_) => {}
            }
        }
        if !self.write(&bytes).await {
            return self.detach("the other side does not read").await;
        }
        match closed {
            Some(Closed::Broken(why)) => self.detach(&why).await,
            Some(Closed::LoggedOut) => self.detach("logged out").await,
            Some(Closed::Silent) => self.detach("nothing came for too long").await,
            None => Ok(()),
        }
    }

    async fn resend(&mut self, from: u64, to: u64) -> Result<bool, StoreError> {
        let mut next = from;
        // What is left when the acceptor stops is asked for again after the next Logon.
        while next <= to && !self.is_stopping() {
            let kept = self.store.kept(&self.place, (next, to), PIECE)?;
            let last = kept.last().filter(|_| kept.len() == PIECE).map_or(to, |last| last.number);
            let mut actions = Vec::new();
            self.session.resend(self.now(), (next, last), kept, &mut actions);
            let mut bytes = Vec::new();
            for action in actions {
                if let Action::Write(frame) = action {
                    bytes.extend_from_slice(&frame);
                }
            }
            if !self.write(&bytes).await {
                return Ok(false);
            }
            next = last + 1;
        }
        Ok(true)
    }

    async fn record(&mut self, records: Vec<Record>) -> Result<(), StoreError> {
        if records.is_empty() { Ok(()) } else { self.store.write(&self.place, records).await }
    }

    /// False when the other side does not take the bytes in time.
    async fn write(&mut self, bytes: &[u8]) -> bool {
        let Some(link) = &mut self.link else { return true };
        if bytes.is_empty() {
            return true;
        }
        let written = async {
            link.stream.write_all(bytes).await?;
            link.stream.flush().await
        };
        let stop = &mut self.stop;
        let hurry = async {
            let _ = stop.wait_for(|stop| *stop).await;
            sleep(HURRY).await;
        };
        tokio::select! {
            written = timeout(self.limits.write_timeout, written) => matches!(written, Ok(Ok(()))),
            () = hurry => false,
        }
    }

    /// Ends the connection, and writes down where the numbers are.
    async fn detach(&mut self, why: &str) -> Result<(), StoreError> {
        let Some(mut link) = self.link.take() else { return Ok(()) };
        tracing::info!(session = %self.id, why, "disconnected");
        let mut actions = Vec::new();
        self.session.disconnected(&mut actions);
        self.status.send_modify(|status| status.online = false);
        let records = actions.into_iter().filter_map(|action| match action {
            Action::Record(record) => Some(record),
            _ => None,
        });
        let recorded = self.record(records.collect()).await;
        let _ = timeout(Duration::from_secs(1), link.stream.shutdown()).await;
        recorded
    }

    fn now(&self) -> Now {
        Now { utc: Utc::now(), ticks: self.started.elapsed() }
    }
}

async fn at(instant: Option<Instant>) {
    if let Some(instant) = instant {
        sleep_until(instant.into()).await;
    }
}

/// Lets so many messages a second through, and one second's worth at once; the rest waits in the socket, and so does whoever
/// sends (the generic cell rate algorithm).
struct Throttle {
    interval: Duration,
    burst: Duration,
    /// When all that was let through would have been sent at the allowed rate.
    due: Instant,
}

impl Throttle {
    fn new(limits: &AcceptorLimits) -> Self {
        let interval = Duration::from_secs(1) / limits.messages_per_second.max(1);
        Self { interval, burst: Duration::from_secs(1), due: Instant::now() }
    }

    fn count(&mut self) {
        self.due = self.due.max(Instant::now()) + self.interval;
    }

    /// Until when the next message has to wait, if it has to.
    fn wait(&self) -> Option<Instant> {
        let from = self.due.checked_sub(self.burst)?;
        (from > Instant::now()).then_some(from)
    }
}
