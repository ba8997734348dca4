//! One WebSocket connection: reads messages, writes answers and what is told, pings, and lets go of whoever is too slow,
//! too talkative or silent.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use futures_util::stream::{FuturesUnordered, SplitSink};
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::counters::count;
use crate::limits::MessageRate;
use crate::server::READ_AT_ONCE;
use crate::{ClientAddress, Gateway, clock};

/// How long a client may keep a write waiting.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is written together at most.
const TOGETHER: usize = 128;
/// Bytes that are gathered before they are handed to the operating system.
const GATHERED: usize = 16 << 10;

/// What a connection does with what it reads.
pub(super) trait Handler: Send + 'static {
    /// A message has come.
    fn text(&mut self, text: Utf8Bytes, now: u64) -> Action;
    /// Messages a second that the client may send, if they are counted.
    fn rate(&self) -> Option<u32>;
    /// The connection has ended.
    fn ended(&mut self);
    /// Whether it lives by an API key that was revoked.
    fn is_revoked(&self) -> bool {
        false
    }
}

/// What to do about a message.
pub(super) enum Action {
    /// Answer.
    Reply(String),
    /// Answer when this is ready. It is polled before the next message is read.
    Later(Later),
}

/// An answer that takes its time.
pub(super) type Later = Pin<Box<dyn Future<Output = String> + Send>>;

/// Where messages for one connection go. Never waits: whoever is too far behind is let go.
pub(crate) struct Outbox {
    pub id: u64,
    queue: mpsc::Sender<Utf8Bytes>,
    slow: Notify,
}

impl Outbox {
    /// With room for so many messages.
    pub fn new(room: usize) -> (Arc<Self>, mpsc::Receiver<Utf8Bytes>) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (queue, receiver) = mpsc::channel(room.max(1));
        (Arc::new(Self { id: NEXT.fetch_add(1, Ordering::Relaxed), queue, slow: Notify::new() }), receiver)
    }

    /// Whether the connection stays.
    pub fn send(&self, text: Utf8Bytes) -> bool {
        let sent = self.queue.try_send(text).is_ok();
        if !sent {
            self.slow.notify_one();
        }
        sent
    }

    /// Lets the connection go, as when messages for it were lost.
    pub fn let_go(&self) {
        self.slow.notify_one();
    }
}

/// Becomes a WebSocket, within bounds.
pub(super) fn upgrade<H: Handler>(
    upgrade: WebSocketUpgrade,
    gateway: Arc<Gateway>,
    client: ClientAddress,
    outbox: Arc<Outbox>,
    queue: mpsc::Receiver<Utf8Bytes>,
    handler: H,
) -> Response {
    let most = gateway.settings.limits.ws_message_bytes;
    upgrade
        .max_message_size(most)
        .max_frame_size(most)
        .read_buffer_size(READ_AT_ONCE)
        .write_buffer_size(GATHERED)
        .on_upgrade(move |socket| async move {
            let mut connection = Connection { gateway, outbox, queue, handler };
            let end = connection.run(socket).await;
            tracing::debug!(address = %client.address, ?end, "a WebSocket ends");
            if matches!(end, End::Slow) {
                count(&connection.gateway.counters.slow_readers);
            }
            connection.handler.ended();
            drop(client);
        })
}

struct Connection<H> {
    gateway: Arc<Gateway>,
    outbox: Arc<Outbox>,
    queue: mpsc::Receiver<Utf8Bytes>,
    handler: H,
}

/// Why a connection ends.
#[derive(Debug)]
enum End {
    Gone,
    Slow,
    Silent,
    Talkative,
    Rude,
    Old,
    Revoked,
    Stopping,
}

type Sink = SplitSink<WebSocket, Message>;

impl<H: Handler> Connection<H> {
    async fn run(&mut self, socket: WebSocket) -> End {
        let limits = self.gateway.settings.limits.clone();
        let silence = Duration::from_secs(limits.ws_silence_seconds);
        let (mut sink, mut source) = socket.split();
        let mut later: FuturesUnordered<Later> = FuturesUnordered::new();
        let mut batch = Vec::with_capacity(TOGETHER);
        let mut rate = MessageRate::default();
        let mut heard = Instant::now();
        let mut ping = interval(Duration::from_secs(limits.ws_ping_seconds.max(1)));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let old = tokio::time::sleep(Duration::from_secs(limits.ws_hours.saturating_mul(3_600)));
        let (gateway, outbox) = (Arc::clone(&self.gateway), Arc::clone(&self.outbox));
        let stopped = gateway.stopped();
        let mut revocations = gateway.keys.revocations();
        tokio::pin!(old, stopped);
        loop {
            let message = tokio::select! {
                _ = self.queue.recv_many(&mut batch, TOGETHER) => {
                    let texts = batch.drain(..).map(Message::Text);
                    if let Err(end) = write(&outbox, &mut sink, texts).await {
                        return end;
                    }
                    continue;
                }
                Some(first) = later.next(), if !later.is_empty() => {
                    let more = std::iter::from_fn(|| later.next().now_or_never().flatten());
                    let texts: Vec<Message> =
                        std::iter::once(first).chain(more).map(|text| Message::Text(text.into())).collect();
                    if let Err(end) = write(&outbox, &mut sink, texts.into_iter()).await {
                        return end;
                    }
                    continue;
                }
                message = source.next(), if later.len() < limits.ws_requests => message,
                _ = ping.tick() => {
                    if heard.elapsed() >= silence {
                        return End::Silent;
                    }
                    let ping = Message::Ping(clock::millis().to_string().into());
                    if let Err(end) = write(&outbox, &mut sink, std::iter::once(ping)).await {
                        return end;
                    }
                    continue;
                }
                () = outbox.slow.notified() => return End::Slow,
                // However many there were.
                _ = revocations.recv() => match self.handler.is_revoked() {
                    true => return close(&mut sink, close_code::POLICY, "the API key is revoked", End::Revoked).await,
                    false => continue,
                },
                () = &mut old => return close(&mut sink, close_code::AWAY, "24 hours are over", End::Old).await,
                () = &mut stopped => return close(&mut sink, close_code::RESTART, "shutting down", End::Stopping).await,
            };
            let Some(Ok(message)) = message else { return End::Gone };
            heard = Instant::now();
            let now = clock::millis();
            if self.handler.rate().is_some_and(|limit| !rate.allows(limit, now)) {
                return close(&mut sink, close_code::POLICY, "Too many requests", End::Talkative).await;
            }
            let text = match message {
                Message::Text(text) => text,
                Message::Close(_) => {
                    // The library answers it, if it is let to.
                    let _ = timeout(Duration::from_secs(1), sink.close()).await;
                    return End::Gone;
                }
                // Pings are answered by the library.
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Binary(_) => {
                    return close(&mut sink, close_code::UNSUPPORTED, "text only", End::Rude).await;
                }
            };
            let reply = match self.handler.text(text, now) {
                Action::Reply(reply) => reply,
                Action::Later(mut answer) => match poll_once(&mut answer).await {
                    Poll::Ready(reply) => reply,
                    Poll::Pending => {
                        later.push(answer);
                        continue;
                    }
                },
            };
            if let Err(end) = write(&outbox, &mut sink, std::iter::once(Message::Text(reply.into()))).await {
                return end;
            }
        }
    }
}

/// Writes all, unless the client is too slow to take it.
async fn write(
    outbox: &Outbox,
    sink: &mut Sink,
    messages: impl Iterator<Item = Message> + Send,
) -> Result<(), End> {
    let written = async {
        for message in messages {
            sink.feed(message).await?;
        }
        sink.flush().await
    };
    tokio::select! {
        written = timeout(PATIENCE, written) => match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::Slow),
        },
        () = outbox.slow.notified() => Err(End::Slow),
    }
}

/// Polls once.
async fn poll_once(answer: &mut Later) -> Poll<String> {
    std::future::poll_fn(|context| Poll::Ready(answer.as_mut().poll(context))).await
}

/// Says why, if the client still listens.
async fn close(sink: &mut Sink, code: u16, reason: &'static str, end: End) -> End {
    let frame = CloseFrame { code, reason: reason.into() };
    let _ = timeout(Duration::from_secs(1), sink.send(Message::Close(Some(frame)))).await;
    end
}
