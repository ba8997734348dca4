//! What an operator decides about the gateway.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Settings of a gateway. Every one has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Holds API keys, session keys of delegated accounts, client order ids and the audit log. Created with access for
    /// its owner only.
    pub directory: PathBuf,
    /// Speak TLS; without, plain HTTP, which only a loopback address or a proxy in front should see.
    pub tls: Option<Tls>,
    /// Web pages of these origins (`https://example.org`) may call the API from a browser. None by default; the page
    /// that the gateway serves itself needs no entry.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` says who really calls. Empty by default: the peer is who calls.
    pub trusted_proxies: Vec<IpAddr>,
    /// Bounds on everything that others can ask for.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7700)),
            directory: PathBuf::from("gateway"),
            tls: None,
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Certificate and key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate, and those that lead to its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Bounds on everything that others can ask for. The defaults are Binance's where Binance states one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections in all. More are closed at once.
    pub connections: usize,
    /// Connections of one address (of one /64 network for IPv6). Of whoever is behind a trusted proxy, WebSockets and requests
    /// that are under way.
    pub connections_per_address: usize,
    /// How long a request's head, or the next request on a kept connection, may take to arrive.
    pub header_timeout_ms: u64,
    /// How long a request's body may take to arrive.
    pub body_timeout_ms: u64,
    /// How long an answer may take to begin, and may wait without its reader taking a byte of it.
    pub request_timeout_ms: u64,
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Bytes of a request's body, unless a route says otherwise.
    pub body_bytes: usize,
    /// Request weight an address may use in a minute.
    pub weight_per_minute: u32,
    /// Requests refused with 429 in a minute after which an address is banned with 418.
    pub refusals_until_ban: u32,
    /// How long the first ban lasts; each further one twice as long, up to three days.
    pub ban_seconds: u64,
    /// Addresses whose use is remembered; those longest unseen are forgotten first.
    pub addresses: usize,
    /// Orders an account may place in ten seconds.
    pub orders_per_ten_seconds: u32,
    /// Orders an account may place in a day.
    pub orders_per_day: u32,
    /// API keys of one account.
    pub keys_per_account: usize,
    /// Client order ids that are not numbers, remembered so that they can be shown again.
    pub client_ids: u64,
    /// Listen keys of user data streams in all; one an account.
    pub listen_keys: usize,
    /// Minutes after which a listen key ends unless it is kept alive.
    pub listen_key_minutes: u64,
    /// Bytes of one incoming WebSocket message.
    pub ws_message_bytes: usize,
    /// Messages a second that a client may send on a connection for streams.
    pub ws_messages_per_second: u32,
    /// Streams of one connection.
    pub ws_streams: usize,
    /// Messages that may wait for a reader; whoever is further behind is disconnected.
    pub ws_queue: usize,
    /// Requests of one WebSocket API connection that may be under way.
    pub ws_requests: usize,
    /// Seconds between pings to a WebSocket client.
    pub ws_ping_seconds: u64,
    /// Seconds of silence after which a WebSocket client is disconnected.
    pub ws_silence_seconds: u64,
    /// Hours after which a WebSocket connection ends.
    pub ws_hours: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 300,
            header_timeout_ms: 30_000,
            body_timeout_ms: 10_000,
            request_timeout_ms: 30_000,
            header_bytes: 16 << 10,
            body_bytes: 64 << 10,
            weight_per_minute: 6_000,
            refusals_until_ban: 300,
            ban_seconds: 120,
            addresses: 100_000,
            orders_per_ten_seconds: 100,
            orders_per_day: 200_000,
            keys_per_account: 30,
            client_ids: 1_000_000,
            listen_keys: 10_000,
            listen_key_minutes: 60,
            ws_message_bytes: 64 << 10,
            ws_messages_per_second: 5,
            ws_streams: 1_024,
            ws_queue: 4_096,
            ws_requests: 256,
            ws_ping_seconds: 20,
            ws_silence_seconds: 60,
            ws_hours: 24,
        }
    }
}
