//! Bounds on everything that others can ask the gateway for.

use std::time::Duration;

use super::{millis, seconds};
use crate::reader::Reader;

/// `[gateway.limits]`
#[derive(Debug)]
#[expect(missing_docs, reason = "each is described where it is read")]
pub struct Limits {
    pub connections: u64,
    pub connections_per_address: u64,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub request_timeout: Duration,
    pub header_bytes: u64,
    pub body_bytes: u64,
    pub weight_per_minute: u64,
    pub refusals_until_ban: u64,
    pub ban: Duration,
    pub addresses: u64,
    pub orders_per_ten_seconds: u64,
    pub orders_per_day: u64,
    pub keys_per_account: u64,
    pub client_ids: u64,
    pub listen_keys: u64,
    pub listen_key_lifetime: Duration,
    pub ws_message_bytes: u64,
    pub ws_messages_per_second: u64,
    pub ws_streams: u64,
    pub ws_queue: u64,
    pub ws_requests: u64,
    pub ws_ping: Duration,
    pub ws_silence: Duration,
    pub ws_lifetime: Duration,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section(
            "gateway.limits",
            "Bounds on everything that others can ask the gateway for. Binance's where Binance states one",
        );
        let patience = millis(100)..=seconds(600);
        Self {
            connections: s.integer(
                "connections",
                10_000,
                1..=1_000_000,
                "connections in all; more are closed at once",
            ),
            connections_per_address: s.integer(
                "connections_per_address",
                300,
                1..=1_000_000,
                "connections of one address (of one /64 network for IPv6); behind a trusted proxy, WebSockets and requests under way",
            ),
            header_timeout: s.time(
                "header_timeout",
                seconds(30),
                patience.clone(),
                "how long a request's head, or the next request on a kept connection, may take to arrive",
            ),
            body_timeout: s.time(
                "body_timeout",
                seconds(10),
                patience.clone(),
                "how long a request's body may take to arrive",
            ),
            request_timeout: s.time(
                "request_timeout",
                seconds(30),
                patience,
                "how long an answer may take to begin, and may wait without its reader taking a byte of it",
            ),
            header_bytes: s.bytes("header_bytes", 16 << 10, 8 << 10..=1 << 20, "longest head of a request"),
            body_bytes: s.bytes(
                "body_bytes",
                64 << 10,
                1 << 10..=64 << 20,
                "longest body of a request, unless a route says otherwise",
            ),
            weight_per_minute: s.integer(
                "weight_per_minute",
                6_000,
                1..=1_000_000_000,
                "request weight that an address may use in a minute",
            ),
            refusals_until_ban: s.integer(
                "refusals_until_ban",
                300,
                1..=1_000_000,
                "requests refused with 429 in a minute, after which an address is banned (418)",
            ),
            ban: s.time(
                "ban",
                seconds(120),
                seconds(1)..=seconds(259_200),
                "how long the first ban lasts; each further one twice as long, up to three days",
            ),
            addresses: s.integer(
                "addresses",
                100_000,
                1..=100_000_000,
                "addresses whose use is remembered; those longest unseen are forgotten first",
            ),
            orders_per_ten_seconds: s.integer(
                "orders_per_ten_seconds",
                100,
                1..=1_000_000_000,
                "orders that an account may place in ten seconds",
            ),
            orders_per_day: s.integer(
                "orders_per_day",
                200_000,
                1..=4_000_000_000,
                "orders that an account may place in a day",
            ),
            keys_per_account: s.integer("keys_per_account", 30, 1..=10_000, "API keys of one account"),
            client_ids: s.integer(
                "client_ids",
                1_000_000,
                1..=1_000_000_000,
                "client order ids that are not numbers, remembered so that they can be shown again",
            ),
            listen_keys: s.integer(
                "listen_keys",
                10_000,
                1..=10_000_000,
                "listen keys of user data streams in all; one an account",
            ),
            listen_key_lifetime: s.time(
                "listen_key_lifetime",
                seconds(3_600),
                seconds(60)..=seconds(86_400),
                "after which a listen key ends unless it is kept alive; full minutes",
            ),
            ws_message_bytes: s.bytes(
                "ws_message_bytes",
                64 << 10,
                1 << 10..=16 << 20,
                "longest incoming WebSocket message",
            ),
            ws_messages_per_second: s.integer(
                "ws_messages_per_second",
                5,
                1..=1_000_000,
                "messages a second that a client may send on a connection for streams",
            ),
            ws_streams: s.integer("ws_streams", 1_024, 1..=1_000_000, "streams of one connection"),
            ws_queue: s.integer(
                "ws_queue",
                4_096,
                1..=1 << 24,
                "messages that may wait for a reader; whoever is further behind is disconnected",
            ),
            ws_requests: s.integer(
                "ws_requests",
                256,
                1..=1_000_000,
                "requests of one WebSocket API connection that may be under way",
            ),
            ws_ping: s.time(
                "ws_ping",
                seconds(20),
                seconds(1)..=seconds(3_600),
                "between pings to a WebSocket client; full seconds",
            ),
            ws_silence: s.time(
                "ws_silence",
                seconds(60),
                seconds(2)..=seconds(86_400),
                "silence after which a WebSocket client is disconnected; full seconds",
            ),
            ws_lifetime: s.time(
                "ws_lifetime",
                seconds(86_400),
                seconds(3_600)..=seconds(2_592_000),
                "after which a WebSocket connection ends; full hours",
            ),
        }
    }
}
