//! What a node tells of itself, and what a development node does by itself.

use std::time::Duration;

use secrecy::SecretString;

use super::{millis, seconds};
use crate::reader::Reader;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: an object a line.
    Json,
}

/// `[telemetry]`
#[derive(Debug)]
pub struct Telemetry {
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which lines there are.
    pub log: String,
    /// Where traces go.
    pub otlp_endpoint: Option<SecretString>,
    /// Sent with every export.
    pub otlp_headers: Option<SecretString>,
    /// What the node is called in traces.
    pub service_name: String,
    /// One of so many orders is traced.
    pub trace_one_in: u64,
    /// Orders under way that are traced at most.
    pub traces: u64,
    /// Time between exports.
    pub export_interval: Duration,
}

impl Telemetry {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section("telemetry", "What the node tells of itself");
        Self {
            log_format: s.choice(
                "log_format",
                LogFormat::Text,
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
                "how log lines look: for people, or an object a line",
            ),
            log: s.checked_text(
                "log",
                "info",
                "a level (off, error, warn, info, debug, trace), or levels by module: \"info,gateway=debug\"",
                levels,
                "which log lines there are, on standard error",
            ),
            otlp_endpoint: s.url_or(
                "otlp_endpoint",
                "no traces",
                &["http", "https"],
                "\"http://127.0.0.1:4318\"",
                "an OpenTelemetry collector that takes OTLP over HTTP; traces of orders go there",
            ),
            otlp_headers: s.secret_or(
                "otlp_headers",
                "none",
                "name=value pairs with commas between them",
                "\"authorization=Bearer …\"",
                headers,
                "headers that are sent to the collector",
            ),
            service_name: s.text("service_name", "glassbook", "what the node is called in traces"),
            trace_one_in: s.integer(
                "trace_one_in",
                100,
                1..=1_000_000_000,
                "one of so many orders is traced",
            ),
            traces: s.integer(
                "traces",
                10_000,
                1..=1_000_000,
                "orders that are traced at the same time at most; further ones are not traced, and counted",
            ),
            export_interval: s.time(
                "export_interval",
                seconds(5),
                millis(100)..=seconds(300),
                "time between exports",
            ),
        }
    }
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

fn levels(text: &str) -> Result<(), String> {
    for part in text.split(',') {
        let (module, level) = part.rsplit_once('=').unwrap_or(("", part));
        let is_module =
            module.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
        if !is_module {
            return Err(format!("{module:?} is not a module"));
        }
        if !LEVELS.contains(&level.to_ascii_lowercase().as_str()) {
            return Err(match crate::nearest::nearest(level, LEVELS) {
                Some(near) => format!("{level:?} is not a level; perhaps {near:?} is meant"),
                None => format!("{level:?} is not a level"),
            });
        }
    }
    Ok(())
}

fn headers(text: &str) -> Result<(), String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_value = |value: &str| value.chars().all(|c| !c.is_control());
    for (place, pair) in text.split(',').enumerate() {
        let right = pair.split_once('=').is_some_and(|(name, value)| is_name(name.trim()) && is_value(value));
        if !right {
            return Err(format!("pair {} is not name=value", place + 1));
        }
    }
    Ok(())
}

/// Where orders come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// From outside alone.
    None,
    /// From simulated traders, too.
    Simulate,
}

/// `[dev]`
#[derive(Debug)]
pub struct Dev {
    /// Where orders come from.
    pub flow: Flow,
    /// Orders a second.
    pub rate: u64,
    /// Traders.
    pub traders: u64,
    /// The seed.
    pub seed: u64,
    /// When it stops by itself.
    pub run_for: Option<Duration>,
}

impl Dev {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut s = reader.section("dev", "What `glassbook dev` does by itself");
        Self {
            flow: s.choice(
                "flow",
                Flow::Simulate,
                &[("simulate", Flow::Simulate), ("none", Flow::None)],
                "orders of simulated traders",
            ),
            rate: s.integer("rate", 200, 1..=1_000_000, "simulated orders a second"),
            traders: s.integer("traders", 24, 2..=10_000, "simulated traders"),
            seed: s.integer("seed", 1, 0..=i64::MAX as u64, "the simulation's seed"),
            run_for: s.time_or(
                "run_for",
                "until it is stopped",
                seconds(1)..=seconds(31_536_000),
                "\"10m\"",
                "stop after this time, when all batches are final",
            ),
        }
    }
}
