//! The front door: HTTP, WebSocket and FIX.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::{Limits, local, seconds};
use crate::reader::Reader;

/// `[gateway]`
#[derive(Debug)]
pub struct Gateway {
    /// Where it listens.
    pub listen: SocketAddr,
    /// PEM file with the certificate chain.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file with its private key.
    pub tls_key: Option<PathBuf>,
    /// Origins of other pages that may call the API.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// `[gateway.limits]`
    pub limits: Limits,
}

impl Gateway {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section(
            "gateway",
            "What trading software and browsers speak to: REST, WebSocket, the web page, figures",
        );
        Self {
            listen: s.address("listen", local(7_700), "where it listens"),
            tls_certificate: s.path_or(
                "tls_certificate",
                "plain HTTP",
                "\"/etc/glassbook/certificate.pem\"",
                "PEM file with the certificate and those that lead to its root; together with `tls_key`; FIX uses it, too",
            ),
            tls_key: s.path_or(
                "tls_key",
                "plain HTTP",
                "\"/etc/glassbook/key.pem\"",
                "PEM file with the certificate's private key; together with `tls_certificate`",
            ),
            allowed_origins: s.texts(
                "allowed_origins",
                "a list of origins such as \"https://trade.example.org\"",
                origin,
                "web pages of these origins may call the API from a browser (CORS); the page that is served here needs none",
            ),
            trusted_proxies: s.texts(
            "trusted_proxies",
            "a list of IP addresses",
            |text| text.parse::<IpAddr>().map(drop).map_err(|_| format!("{text:?} is not an IP address")),
            "proxies whose X-Forwarded-For says who really calls",
        ).iter().filter_map(|text| text.parse().ok()).collect(),
            limits: Limits::read(reader),
        }
    }
}

fn origin(text: &str) -> Result<(), String> {
    if text == "*" {
        return Err("\"*\" would let every web page call with its visitor's address".to_string());
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(host) = rest else { return Err(format!("{text:?} has no http:// or https://")) };
    match host.is_empty() || host.contains(['/', '?', '#', ' ', '@']) {
        true => Err(format!("{text:?} is not scheme, host and port alone")),
        false => Ok(()),
    }
}

/// `[fix]`
#[derive(Debug)]
pub struct Fix {
    /// Where it listens, if at all.
    pub listen: Option<SocketAddr>,
    /// Tag 49 of what the acceptor sends.
    pub comp_id: String,
    /// Sessions at the same time.
    pub sessions: u64,
    /// Time to log on.
    pub logon_timeout: Duration,
    /// The longest heartbeat interval (tag 108).
    pub longest_heartbeat: Duration,
    /// Longest message.
    pub message_bytes: u64,
}

impl Fix {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section("fix", "The FIX 4.4 acceptor");
        Self {
            listen: s.address_or("listen", "no FIX", "\"127.0.0.1:7702\"", "where it listens"),
            comp_id: s.checked_text(
                "comp_id",
                "GLASSBOOK",
                "1 to 32 visible ASCII characters",
                |text| match (1..=32).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_graphic())
                {
                    true => Ok(()),
                    false => Err(format!("{text:?} is not 1 to 32 visible ASCII characters")),
                },
                "what the acceptor calls itself (SenderCompID, tag 49)",
            ),
            sessions: s.integer("sessions", 100, 1..=10_000, "sessions at the same time at most"),
            logon_timeout: s.time(
                "logon_timeout",
                seconds(10),
                seconds(1)..=seconds(300),
                "how long a connection may take to log on",
            ),
            longest_heartbeat: s.time(
                "longest_heartbeat",
                seconds(60),
                seconds(1)..=seconds(3_600),
                "longest heartbeat interval that a session may ask for (tag 108)",
            ),
            message_bytes: s.bytes("message_bytes", 8 << 10, 512..=1 << 20, "longest message that is read"),
        }
    }
}
