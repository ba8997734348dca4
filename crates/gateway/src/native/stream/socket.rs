//! A connection of the stream.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::Response as HttpResponse;
use state::{Sha256Hash, TreeHash as _};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use transition::{Crypto as _, Native as Crypto};
use types::{AccountId, MarketId, SessionKey};

use super::hub::Frame;
use super::protocol::{
    AuthenticateParams, Channel, ChannelParams, DepthBody, Gap, Method, Request, Response, ResultBody, Told,
};
use crate::clock;
use crate::keys::Role;
use crate::native::accounts::unknown_market;
use crate::native::error::{Refusals, unknown_account};
use crate::native::hexadecimal::read_array;
use crate::native::limits::charge;
use crate::native::submissions::StreamsRequest;
use crate::native::{ApiError, Native};
use crate::server::{ClientAddress, READ_AT_ONCE};

/// Channels of one connection.
const CHANNELS: usize = 64;
/// Submissions of one connection that may be under way.
const SUBMISSIONS: usize = 256;
/// Messages that may wait for the connection; channels wait in the hub beyond that.
const QUEUE: usize = 256;
/// How long a message may take to be sent.
const SENDING: Duration = Duration::from_secs(10);
/// Levels of a side in a snapshot of a book.
const LEVELS: usize = 1_000;
/// How far a login's time may be from ours, in milliseconds.
const WINDOW: u64 = 30_000;

/// Executions, batches, trades, books, the tape, submissions
///
/// A WebSocket with JSON messages: `/asyncapi.json` describes them.
#[utoipa::path(
    get, path = "/stream", tag = "stream",
    responses((status = 101, description = "Goes on as a WebSocket"), Refusals)
)]
pub(crate) async fn stream(
    State(native): State<Arc<Native>>,
    client: Option<Extension<ClientAddress>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<HttpResponse, ApiError> {
    let upgrade = upgrade.map_err(|rejection| {
        let remedy = "open a WebSocket here: /asyncapi.json describes its messages";
        let status = match rejection.status() {
            StatusCode::METHOD_NOT_ALLOWED => StatusCode::METHOD_NOT_ALLOWED,
            _ => StatusCode::UPGRADE_REQUIRED,
        };
        ApiError::new(status, "not_a_websocket", rejection.body_text(), remedy)
    })?;
    let limit = native.gateway.settings.limits.ws_message_bytes;
    let upgrade = upgrade.max_message_size(limit).max_frame_size(limit).read_buffer_size(READ_AT_ONCE);
    Ok(upgrade.on_upgrade(move |socket| async move {
        // The connection's place among all is kept for as long as it lives.
        let client = client.map(|Extension(client)| client);
        let (outgoing, queue) = mpsc::channel(QUEUE);
        let connection = Connection {
            address: client.as_ref().map(|client| client.address),
            authenticated: Vec::new(),
            api_keys: Vec::new(),
            channels: HashMap::new(),
            submissions: Arc::new(Semaphore::new(SUBMISSIONS)),
            outgoing,
            native,
        };
        connection.serve(socket, queue).await;
        drop(client);
    }))
}

/// A channel that is followed; no more once this is dropped.
struct Following {
    native: Arc<Native>,
    channel: Channel,
    task: JoinHandle<()>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
        let (native, channel) = (Arc::clone(&self.native), self.channel);
        // The task lets go of its end a moment after it is told to.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                native.hub.leave(channel);
            });
        }
    }
}

struct Connection {
    native: Arc<Native>,
    address: Option<IpAddr>,
    authenticated: Vec<AccountId>,
    /// Which it was authenticated with.
    api_keys: Vec<String>,
    channels: HashMap<Channel, Following>,
    submissions: Arc<Semaphore>,
    outgoing: mpsc::Sender<Message>,
}

/// Why a connection is closed from here.
struct Closing(u16, &'static str);

impl Connection {
    async fn serve(mut self, mut socket: WebSocket, mut queue: mpsc::Receiver<Message>) {
        let limits = self.native.gateway.settings.limits.clone();
        let silence = Duration::from_secs(limits.ws_silence_seconds);
        let mut heard = Instant::now();
        let mut pings = interval(Duration::from_secs(limits.ws_ping_seconds.max(1)));
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let native = Arc::clone(&self.native);
        let mut revocations = native.gateway.keys.revocations();
        let Closing(code, reason) = loop {
            let message = tokio::select! {
                message = socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => match self.answer(text.as_str()).await {
                            Ok(answer) => answer,
                            Err(closing) => break closing,
                        },
                        Some(Ok(Message::Binary(_))) => break Closing(close_code::UNSUPPORTED, "send text"),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    }
                }
                message = queue.recv() => message,
                _ = pings.tick() => match heard.elapsed() > silence {
                    true => break Closing(close_code::POLICY, "silent for too long"),
                    false => Some(Message::Ping(Default::default())),
                },
                // However many there were.
                _ = revocations.recv() => {
                    let keys = &native.gateway.keys;
                    match self.api_keys.iter().all(|api_key| keys.is_known(api_key)) {
                        true => None,
                        false => break Closing(close_code::POLICY, "the API key is revoked"),
                    }
                }
                () = native.gateway.stopped() => break Closing(close_code::AWAY, "the exchange stops"),
            };
            let Some(message) = message else { continue };
            match timeout(SENDING, socket.send(message)).await {
                Ok(Ok(())) => {}
                // Nobody takes it: neither will he take a farewell.
                Ok(Err(_)) | Err(_) => return,
            }
        };
        let farewell = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        let _ = timeout(SENDING, socket.send(farewell)).await;
    }

    /// The answer to a message; none where it comes later. Nothing more is read before it is sent.
    async fn answer(&mut self, text: &str) -> Result<Option<Message>, Closing> {
        if let Some(address) = self.address
            && let Err(error) = charge(&self.native, address, 1)
        {
            return match error.status == StatusCode::IM_A_TEAPOT {
                true => Err(Closing(close_code::POLICY, "banned")),
                false => Ok(Some(response(None, Err(error)))),
            };
        }
        let request: Request = match serde_json::from_str(text) {
            Ok(request) => request,
            Err(error) => {
                let remedy = "see /asyncapi.json for what a message must be";
                let error = ApiError::bad("bad_message", error.to_string(), remedy);
                return Ok(Some(response(None, Err(error))));
            }
        };
        let id = Some(request.id);
        let done = |native: &Native| ResultBody::Done { sequence: native.gateway.view.sequence() };
        let result = match request.method {
            Method::Ping => Ok(done(&self.native)),
            Method::Authenticate(params) => self.authenticate(params),
            Method::Unsubscribe(params) => self.channel(&params).map(|channel| {
                self.channels.remove(&channel);
                done(&self.native)
            }),
            // Its messages wait in the queue until the answer is sent.
            Method::Subscribe(params) => self.admit(&params).map(|channel| {
                self.follow(channel);
                done(&self.native)
            }),
            Method::Submit(params) => match self.submit(id, params).await {
                Ok(()) => return Ok(None),
                Err(error) => Err(error),
            },
        };
        Ok(Some(response(id, result)))
    }

    /// Hands commands in; the answer comes when they are durable and executed.
    async fn submit(&self, id: Option<u64>, params: StreamsRequest) -> Result<(), ApiError> {
        let permit = Arc::clone(&self.submissions).try_acquire_owned().map_err(|_| {
            ApiError::later("busy", "too many submissions of this connection are under way", 1)
        })?;
        let promise = self.native.hand_in(params.submission()?, self.address).await?;
        let (native, outgoing) = (Arc::clone(&self.native), self.outgoing.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let answer = native.acknowledged(promise).await;
            let answer = answer.map(|done| ResultBody::Acknowledgement(done.into()));
            // Whoever is gone does not mind.
            let _ = outgoing.send(response(id, answer)).await;
        });
        Ok(())
    }

    fn authenticate(&mut self, params: AuthenticateParams) -> Result<ResultBody, ApiError> {
        let (AuthenticateParams::ApiKey { timestamp, .. } | AuthenticateParams::Session { timestamp, .. }) =
            &params;
        let now = clock::millis();
        if timestamp.abs_diff(now) > WINDOW {
            let message = format!("the login is of {timestamp}, and now is {now}");
            let remedy = format!("sign with a time within {WINDOW} ms");
            return Err(ApiError::unauthorised("bad_time", message, remedy));
        }
        let account = match params {
            AuthenticateParams::ApiKey { api_key, timestamp, signature } => {
                let payload = format!("apiKey={api_key}&timestamp={timestamp}");
                let keys = &self.native.gateway.keys;
                let caller = keys.verify(&api_key, Role::Read, payload.as_bytes(), &signature)?;
                if !self.api_keys.contains(&api_key) {
                    if self.api_keys.len() >= CHANNELS {
                        let message = format!("a connection has {CHANNELS} API keys at most");
                        return Err(ApiError::bad("too_many_keys", message, "open another connection"));
                    }
                    self.api_keys.push(api_key);
                }
                caller.account
            }
            AuthenticateParams::Session { account, timestamp, signature } => {
                let signature: [u8; 64] = read_array(&signature, "signature")?;
                let known = self.native.account(account)?;
                let key = known.state.session_key;
                let digest = login_digest(&self.native, known.id, timestamp);
                let live = known.state.session_expires > self.native.gateway.view.time();
                if key == SessionKey::default()
                    || !live
                    || !Crypto::verify_ed25519(&key.0, &digest, &signature)
                {
                    let message = format!("the signature is not that of account {account}'s session key");
                    return Err(ApiError::unauthorised(
                        "bad_signature",
                        message,
                        "the book says what to sign",
                    ));
                }
                known.id
            }
        };
        if !self.authenticated.contains(&account) && self.authenticated.len() < CHANNELS {
            self.authenticated.push(account);
        }
        Ok(ResultBody::Authenticated { account: account.0 })
    }

    fn channel(&self, params: &ChannelParams) -> Result<Channel, ApiError> {
        let view = &self.native.gateway.view;
        let market =
            |name: &str| view.market(name).map(|market| market.id).ok_or_else(|| unknown_market(name));
        Ok(match params {
            ChannelParams::Executions { account } => Channel::Executions(AccountId(*account)),
            ChannelParams::Batches {} => Channel::Batches,
            ChannelParams::Trades { market: name } => Channel::Trades(market(name)?),
            ChannelParams::Depth { market: name } => Channel::Depth(market(name)?),
            ChannelParams::Commands {} => Channel::Commands,
        })
    }

    /// The channel, if the connection may follow it.
    fn admit(&self, params: &ChannelParams) -> Result<Channel, ApiError> {
        let channel = self.channel(params)?;
        if let Channel::Executions(account) = channel {
            if self.native.gateway.view.account(account).is_none() {
                return Err(unknown_account(account.0));
            }
            if !self.authenticated.contains(&account) {
                let message =
                    format!("executions of account {account} are told to whoever has shown to be its");
                return Err(ApiError::unauthorised("not_authenticated", message, "send authenticate before"));
            }
        }
        if self.channels.contains_key(&channel) {
            let message = "the channel is followed already";
            return Err(ApiError::new(StatusCode::CONFLICT, "subscribed", message, "unsubscribe before"));
        }
        if self.channels.len() >= CHANNELS {
            let message = format!("a connection follows {CHANNELS} channels at most");
            return Err(ApiError::bad("too_many_channels", message, "open another connection"));
        }
        Ok(channel)
    }

    fn follow(&mut self, channel: Channel) {
        let (native, outgoing) = (Arc::clone(&self.native), self.outgoing.clone());
        // From now on: nothing that happens after the answer is missing.
        let frames = native.hub.follow(channel);
        let task = tokio::spawn(forward(native, channel, frames, outgoing));
        let native = Arc::clone(&self.native);
        self.channels.insert(channel, Following { native, channel, task });
    }
}

fn response(id: Option<u64>, result: Result<ResultBody, ApiError>) -> Message {
    let response = match result {
        Ok(result) => Response { id, result: Some(result), error: None },
        Err(error) => Response { id, result: None, error: Some(error.body) },
    };
    text(&response)
}

fn text(message: &impl serde::Serialize) -> Message {
    Message::Text(Utf8Bytes::from(serde_json::to_string(message).unwrap_or_default()))
}

/// What a session key signs to log in. The client crate has the same.
fn login_digest(native: &Native, account: AccountId, time: u64) -> [u8; 32] {
    let mut bytes = b"glassbook login ".to_vec();
    bytes.extend_from_slice(&native.genesis.chain_id.to_be_bytes());
    bytes.extend_from_slice(&native.genesis.exchange.0);
    bytes.extend_from_slice(&account.0.to_be_bytes());
    bytes.extend_from_slice(&time.to_be_bytes());
    Sha256Hash::hash(&bytes)
}

/// Passes a channel's messages on, as fast as the connection takes them. Whoever is too slow is told how many he missed; of a
/// book he gets a new snapshot.
async fn forward(
    native: Arc<Native>,
    channel: Channel,
    mut frames: Receiver<Frame>,
    outgoing: mpsc::Sender<Message>,
) {
    let mut known = match channel {
        // The channel is followed before the snapshot is made: nothing is missing between them.
        Channel::Depth(market) => match snapshot(&native, market, &outgoing).await {
            Some(number) => Some(number),
            None => return,
        },
        _ => None,
    };
    loop {
        match frames.recv().await {
            Ok(frame) => {
                if known.is_some_and(|known| frame.number <= known) {
                    continue;
                }
                let jumped = known.is_some_and(|known| frame.number != known + 1);
                if let (Channel::Depth(market), true) = (channel, jumped) {
                    match snapshot(&native, market, &outgoing).await {
                        Some(number) => known = Some(number),
                        None => return,
                    }
                    if known.is_some_and(|known| frame.number <= known) {
                        continue;
                    }
                }
                if matches!(channel, Channel::Depth(_)) {
                    known = Some(frame.number);
                }
                if outgoing.send(Message::Text(frame.text)).await.is_err() {
                    return;
                }
            }
            Err(RecvError::Lagged(missed)) => {
                if outgoing.send(text(&gap(&native, channel, missed))).await.is_err() {
                    return;
                }
                if let Channel::Depth(market) = channel {
                    match snapshot(&native, market, &outgoing).await {
                        Some(number) => known = Some(number),
                        None => return,
                    }
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Sends the whole book; the number of the last change in it.
async fn snapshot(native: &Native, market: MarketId, outgoing: &mpsc::Sender<Message>) -> Option<u64> {
    let message = {
        let known = native.gateway.view.market_by_id(market)?;
        let depth = native.gateway.view.depth(market, LEVELS);
        let data = DepthBody::new(true, &depth.bids, &depth.asks);
        let (market, number) = (known.symbol.as_str(), depth.update);
        (text(&Told::Depth { market, number, sequence: None, time: None, data }), number)
    };
    let (message, number) = message;
    outgoing.send(message).await.ok()?;
    Some(number)
}

fn gap(native: &Native, channel: Channel, missed: u64) -> Gap {
    let name = |market| native.gateway.view.market_by_id(market).map(|market| market.symbol.clone());
    let (channel, account, market) = match channel {
        Channel::Executions(account) => ("executions", Some(account.0), None),
        Channel::Batches => ("batches", None, None),
        Channel::Trades(market) => ("trades", None, name(market)),
        Channel::Depth(market) => ("depth", None, name(market)),
        Channel::Commands => ("commands", None, None),
    };
    Gap { channel, account, market, missed }
}
