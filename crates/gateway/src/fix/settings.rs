//! What an operator decides about FIX.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ::fix::{AcceptorLimits, MessageLimits, Rules, StoreLimits};
use serde::{Deserialize, Serialize};

use crate::settings::Tls;

/// Settings of the FIX acceptor. Every one has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Our CompID: the TargetCompID that others send.
    pub comp_id: String,
    /// Speak TLS; without, plain TCP, which only a loopback address or a proxy in front should see.
    pub tls: Option<Tls>,
    /// Bounds on everything that others can ask for.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7702)),
            comp_id: "GLASSBOOK".into(),
            tls: None,
            limits: Limits::default(),
        }
    }
}

/// Bounds on everything that others can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections in all. More are closed at once.
    pub connections: usize,
    /// Connections of one address (of one /64 network for IPv6).
    pub connections_per_address: usize,
    /// How long a connection may take to send its Logon.
    pub logon_timeout_ms: u64,
    /// How long the other side may take to read what is sent to it.
    pub write_timeout_ms: u64,
    /// Messages a second that are read from a connection; more wait.
    pub messages_per_second: u32,
    /// Bytes of one message.
    pub message_bytes: usize,
    /// The longest HeartBtInt that a Logon may ask for.
    pub longest_heartbeat_seconds: u64,
    /// How far SendingTime may be from our clock.
    pub sending_time_tolerance_seconds: u64,
    /// Sessions that are kept, in all.
    pub sessions: usize,
    /// Sessions that are kept of one account.
    pub sessions_per_account: usize,
    /// Messages of a session that are kept to be sent again.
    pub kept_messages: u64,
    /// Orders, cancellations and replacements of a session that may be under way.
    pub orders_under_way: usize,
    /// Market data subscriptions of a session, counted by market.
    pub subscriptions: usize,
    /// How often changes of books and trades are told.
    pub market_data_interval_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let limits = AcceptorLimits::default();
        let store = StoreLimits::default();
        Self {
            connections: limits.connections,
            connections_per_address: limits.connections_per_address,
            logon_timeout_ms: 10_000,
            write_timeout_ms: 10_000,
            messages_per_second: limits.messages_per_second,
            message_bytes: MessageLimits::default().bytes,
            longest_heartbeat_seconds: Rules::default().longest_heartbeat.as_secs(),
            sending_time_tolerance_seconds: 120,
            sessions: store.sessions,
            sessions_per_account: store.of_principal,
            kept_messages: store.kept,
            orders_under_way: 256,
            subscriptions: 50,
            market_data_interval_ms: 50,
        }
    }
}

impl Limits {
    pub(super) fn connections(&self) -> AcceptorLimits {
        AcceptorLimits {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            logon_timeout: Duration::from_millis(self.logon_timeout_ms),
            write_timeout: Duration::from_millis(self.write_timeout_ms),
            messages_per_second: self.messages_per_second,
            ..AcceptorLimits::default()
        }
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            longest_heartbeat: Duration::from_secs(self.longest_heartbeat_seconds),
            sending_time_tolerance: Duration::from_secs(self.sending_time_tolerance_seconds),
            ..Rules::default()
        }
    }

    pub(super) fn store(&self) -> StoreLimits {
        StoreLimits {
            sessions: self.sessions,
            of_principal: self.sessions_per_account,
            kept: self.kept_messages,
        }
    }
}
