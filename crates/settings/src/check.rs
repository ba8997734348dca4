//! What is wrong between keys, and between the settings and the machine.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::problem::{Place, Problem, Severity};
use crate::reader::{Entry, MASK};
use crate::sections::{Proofs, Settings};
use crate::value::{grouped, show_bytes};

/// What of the machine is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// Whether it is tried to listen where the node would.
    pub ports: bool,
}

/// Bytes of the longest command in the journal, with a signature: `exchange` refuses less.
const COMMAND_BYTES: u64 = 255;
/// Bytes of a submission beside its commands.
const SUBMISSION_BYTES: u64 = 128;
/// Bytes of a frame beside its records, and of a segment beside its frames, at most.
const FRAME_BYTES: u64 = 1_024;

struct Problems<'a> {
    entries: &'a [Entry],
    /// Keys whose values are wrong in themselves.
    wrong: Vec<&'a str>,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    fn of(entries: &'a [Entry]) -> Self {
        Self { entries, wrong: Vec::new(), found: Vec::new() }
    }

    fn place(&self, key: &str) -> Place {
        self.entries.iter().find(|entry| entry.name() == key).map_or(Place::Nowhere, Entry::place)
    }

    fn add(&mut self, severity: Severity, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        let (place, key) = (self.place(key), key.to_string());
        self.found.push(Problem { severity, key, place, what: what.into(), remedy: remedy.into() });
    }

    fn error(&mut self, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, key, what, remedy);
    }

    fn warning(&mut self, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, key, what, remedy);
    }

    /// Whether somebody has set it.
    fn said(&self, key: &str) -> bool {
        self.place(key) != Place::Nowhere
    }
}

/// What contradicts itself.
pub fn contradictions(settings: &Settings, entries: &[Entry], before: &[Problem]) -> Vec<Problem> {
    let wrong = before.iter().map(|problem| problem.key.as_str()).collect();
    let mut problems = Problems { wrong, ..Problems::of(entries) };
    exchange(settings, &mut problems);
    gateway(settings, &mut problems);
    chain(settings, &mut problems);
    settlement(settings, &mut problems);
    telemetry(settings, &mut problems);
    listeners(settings, &mut problems);
    problems.found
}

fn exchange(settings: &Settings, problems: &mut Problems<'_>) {
    let exchange = &settings.exchange;
    let journal = &exchange.journal;
    for (key, bytes) in
        [("segment_bytes", journal.segment_bytes), ("max_frame_bytes", journal.max_frame_bytes)]
    {
        if !bytes.is_multiple_of(512) {
            let what = format!("{bytes} bytes are not a multiple of 512");
            let remedy = format!("write {} or {}", bytes / 512 * 512, bytes.div_ceil(512) * 512);
            problems.error(&format!("exchange.journal.{key}"), what, remedy);
        }
    }
    let needed = exchange.max_bundle * COMMAND_BYTES + SUBMISSION_BYTES;
    if needed > journal.max_record_bytes {
        let what = format!(
            "a submission of {} commands (exchange.max_bundle) may need a record of {needed} bytes, and this allows {}",
            grouped(exchange.max_bundle),
            journal.max_record_bytes
        );
        let fits = journal.max_record_bytes.saturating_sub(SUBMISSION_BYTES) / COMMAND_BYTES;
        let remedy = format!(
            "set exchange.journal.max_record_bytes to \"{}\", or exchange.max_bundle to at most {}",
            show_bytes(needed.next_multiple_of(1 << 20)),
            grouped(fits.max(1))
        );
        problems.error("exchange.journal.max_record_bytes", what, remedy);
    }
    if journal.max_record_bytes + FRAME_BYTES > journal.max_frame_bytes {
        let what = format!("a frame must have room for a record of {}", show_bytes(journal.max_record_bytes));
        let remedy = format!(
            "set it to at least \"{}\"",
            show_bytes((journal.max_record_bytes * 2).next_multiple_of(512))
        );
        problems.error("exchange.journal.max_frame_bytes", what, remedy);
    }
    if journal.max_frame_bytes + FRAME_BYTES > journal.segment_bytes {
        let what = format!("a segment must have room for a frame of {}", show_bytes(journal.max_frame_bytes));
        let remedy = format!(
            "set it to at least \"{}\"",
            show_bytes((journal.max_frame_bytes * 2).next_multiple_of(512))
        );
        problems.error("exchange.journal.segment_bytes", what, remedy);
    }
    if exchange.max_lag <= exchange.batch_commands {
        let what = format!(
            "submissions are answered busy before a batch of {} commands (exchange.batch_commands) is full",
            grouped(exchange.batch_commands)
        );
        problems.warning("exchange.max_lag", what, "set it to several batches, or make batches smaller");
    }
}

fn gateway(settings: &Settings, problems: &mut Problems<'_>) {
    let gateway = &settings.gateway;
    match (&gateway.tls_certificate, &gateway.tls_key) {
        (Some(_), None) => problems.error(
            "gateway.tls_certificate",
            "there is a certificate and no key",
            "set gateway.tls_key, too, or neither",
        ),
        (None, Some(_)) => problems.error(
            "gateway.tls_key",
            "there is a key and no certificate",
            "set gateway.tls_certificate, too, or neither",
        ),
        (None, None) if !gateway.listen.ip().is_loopback() && gateway.trusted_proxies.is_empty() => problems.warning(
            "gateway.listen",
            "others can reach it, and it speaks plain HTTP: API keys and orders can be read on the way",
            "set gateway.tls_certificate and gateway.tls_key, or listen on 127.0.0.1 behind a proxy that speaks TLS",
        ),
        _ => {}
    }
    let limits = &gateway.limits;
    if limits.ws_silence <= limits.ws_ping {
        problems.error(
            "gateway.limits.ws_silence",
            "clients would be disconnected before their answer to a ping can arrive",
            "set it to more than gateway.limits.ws_ping; twice as much is usual",
        );
    }
    for (key, time, unit) in [
        ("listen_key_lifetime", limits.listen_key_lifetime, 60_000),
        ("ws_ping", limits.ws_ping, 1_000),
        ("ws_silence", limits.ws_silence, 1_000),
        ("ban", limits.ban, 1_000),
        ("ws_lifetime", limits.ws_lifetime, 3_600_000),
    ] {
        full(&format!("gateway.limits.{key}"), time.as_millis(), unit, problems);
    }
    if limits.connections_per_address > limits.connections {
        problems.warning(
            "gateway.limits.connections_per_address",
            "one address may take all connections",
            "set it to less than gateway.limits.connections",
        );
    }
    full("fix.longest_heartbeat", settings.fix.longest_heartbeat.as_millis(), 1_000, problems);
    let encrypted = settings.gateway.tls_certificate.is_some();
    if !encrypted && settings.fix.listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        problems.warning(
            "fix.listen",
            "others can reach it, and FIX is not encrypted",
            "set gateway.tls_certificate and tls_key, which are FIX's, too; or listen on 127.0.0.1, behind a TLS proxy (stunnel)",
        );
    }
}

/// Some times are counted in full units.
fn full(key: &str, millis: u128, unit: u128, problems: &mut Problems<'_>) {
    if !millis.is_multiple_of(unit) {
        let name = match unit {
            1_000 => "seconds",
            60_000 => "minutes",
            _ => "hours",
        };
        problems.error(
            key,
            format!("it is counted in full {name}"),
            format!("write a number of full {name}"),
        );
    }
}

fn chain(settings: &Settings, problems: &mut Problems<'_>) {
    let chain = &settings.chain;
    full("chain.finality_delay", chain.finality_delay.as_millis(), 1_000, problems);
    if chain.operator_key.is_some() && chain.operator_keystore.is_some() {
        problems.error(
            "chain.operator_keystore",
            "chain.operator_key is set, too",
            "keep one of them; the keystore is safer",
        );
    }
    let keyless = chain.operator_key.is_none() && chain.operator_keystore.is_none();
    if chain.url.is_some() && keyless && !problems.wrong.contains(&"chain.operator_key") {
        problems.warning(
            "chain.url",
            "no key signs what is sent there",
            "set chain.operator_key or chain.operator_keystore, or give --operator-key or --operator-keystore at each start",
        );
    }
    if chain.url.is_some() {
        if settings.exchange.data.is_none() {
            problems.error(
                "chain.url",
                "what is on that chain outlives this process, and the exchange would not",
                "set exchange.data to a folder",
            );
        }
        for key in ["chain.listen", "chain.block_time"] {
            if problems.said(key) {
                problems.warning(
                    key,
                    "it is the embedded chain's, and chain.url names another",
                    "remove one of them",
                );
            }
        }
        return;
    }
    let needs_node = [
        ("chain.operator_key", chain.operator_key.is_some()),
        ("chain.operator_keystore", chain.operator_keystore.is_some()),
        ("chain.funder_key", chain.funder_key.is_some()),
        ("chain.allow_public_network", chain.allow_public_network),
    ];
    for (key, set) in needs_node {
        if set {
            problems.error(
                key,
                "it is for a node of somebody's, and chain.url names none",
                "set chain.url, or remove it",
            );
        }
    }
    for (key, listen) in
        [("chain.listen", chain.listen), ("availability.listen", settings.availability.listen)]
    {
        if !listen.ip().is_loopback() {
            problems.error(key, "only this machine may be served by it", "write 127.0.0.1 with a port");
        }
    }
}

fn settlement(settings: &Settings, problems: &mut Problems<'_>) {
    let settlement = &settings.settlement;
    if settlement.first_rest > settlement.longest_rest {
        problems.warning(
            "settlement.first_rest",
            "it is longer than the longest rest (settlement.longest_rest), which counts then",
            "set it to less",
        );
    }
}

fn telemetry(settings: &Settings, problems: &mut Problems<'_>) {
    let telemetry = &settings.telemetry;
    if telemetry.otlp_endpoint.is_none() {
        for key in [
            "telemetry.otlp_headers",
            "telemetry.trace_one_in",
            "telemetry.traces",
            "telemetry.export_interval",
        ] {
            if problems.said(key) {
                problems.warning(key, "no traces are exported", "set telemetry.otlp_endpoint, or remove it");
            }
        }
    }
    if settings.proving.proofs == Proofs::Executed && problems.said("proving.listen") {
        problems.warning(
            "proving.listen",
            "no proofs are made, so no worker is served",
            "set proving.proofs to \"core\" or another kind of proof",
        );
    }
}

/// Where a node listens, by key.
fn listening(settings: &Settings) -> Vec<(&'static str, SocketAddr)> {
    let mut list = vec![("gateway.listen", settings.gateway.listen)];
    list.extend(settings.fix.listen.map(|listen| ("fix.listen", listen)));
    if settings.chain.url.is_none() {
        list.push(("chain.listen", settings.chain.listen));
    }
    list.push(("availability.listen", settings.availability.listen));
    if settings.proving.proofs != Proofs::Executed {
        list.push(("proving.listen", settings.proving.listen));
    }
    list
}

fn listeners(settings: &Settings, problems: &mut Problems<'_>) {
    let list = listening(settings);
    for (place, (key, address)) in list.iter().enumerate() {
        let overlaps = |other: &&(&str, SocketAddr)| {
            let same = address.ip() == other.1.ip()
                || address.ip().is_unspecified()
                || other.1.ip().is_unspecified();
            address.port() != 0 && address.port() == other.1.port() && same
        };
        if let Some((other, _)) = list[..place].iter().find(overlaps) {
            problems.error(
                key,
                format!("{other} listens at the same port {}", address.port()),
                "choose another port",
            );
        }
    }
}

/// What the machine has to say.
pub fn surroundings(settings: &Settings, entries: &[Entry], places: Places) -> Vec<Problem> {
    let mut problems = Problems::of(entries);
    let readable = [
        ("gateway.tls_certificate", &settings.gateway.tls_certificate, Some("CERTIFICATE"), false),
        ("gateway.tls_key", &settings.gateway.tls_key, Some("PRIVATE KEY"), true),
        ("chain.operator_keystore", &settings.chain.operator_keystore, None, true),
        ("availability.keyring", &settings.availability.keyring, None, true),
    ];
    for (key, path, pem, secret) in readable {
        if let Some(path) = path {
            file(key, path, pem, secret, &mut problems);
        }
    }
    for (key, path) in [
        ("exchange.data", &settings.exchange.data),
        ("availability.published", &settings.availability.published),
    ] {
        if let Some(path) = path {
            folder(key, path, &mut problems);
        }
    }
    secrets_in_the_file(&mut problems);
    if places.ports {
        for (key, address) in listening(settings) {
            port(key, address, &mut problems);
        }
    }
    problems.found
}

/// The longest file of a key or certificate that is read.
const LONGEST: u64 = 1 << 20;

fn file(key: &str, path: &Path, pem: Option<&str>, secret: bool, problems: &mut Problems<'_>) {
    let shown = path.display();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return problems.error(
                key,
                format!("there is no file {shown}"),
                "write the path of a file that is there",
            );
        }
        Err(error) => {
            let remedy = format!("let the user that runs the node read it: {shown}");
            return problems.error(key, format!("{shown} cannot be looked at: {error}"), remedy);
        }
    };
    if !metadata.is_file() {
        return problems.error(key, format!("{shown} is not a file"), "write the path of a file");
    }
    let mut content = Vec::new();
    if let Err(error) = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut content)) {
        let remedy = format!("let the user that runs the node read it: chown and chmod {shown}");
        return problems.error(key, format!("{shown} cannot be read: {error}"), remedy);
    }
    if let Some(label) = pem
        && !String::from_utf8_lossy(&content).contains(&format!("{label}-----"))
    {
        let remedy = format!("write the path of a PEM file, with a line \"-----BEGIN {label}-----\"");
        problems.error(key, format!("{shown} holds no {} in PEM form", label.to_lowercase()), remedy);
    }
    let mode = metadata.permissions().mode();
    if secret && mode & 0o077 != 0 {
        let what = format!("{shown} is secret, and others may read it (mode {:03o})", mode & 0o777);
        problems.warning(key, what, format!("chmod 600 {shown}"));
    }
}

/// Whether it is there, or could be made.
fn folder(key: &str, path: &Path, problems: &mut Problems<'_>) {
    let existing = path.ancestors().find(|path| path.exists()).filter(|path| !path.as_os_str().is_empty());
    let existing = existing.unwrap_or(Path::new("."));
    if !existing.is_dir() {
        let what = format!("{} is not a folder", existing.display());
        return problems.error(key, what, "write the path of a folder, which is made when it is not there");
    }
    if let Err(error) = access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        let what = match existing == path {
            true => format!("{} cannot be written to: {error}", path.display()),
            false => format!(
                "{} is not there and cannot be made in {}: {error}",
                path.display(),
                existing.display()
            ),
        };
        problems.error(key, what, "let the user that runs the node write there, or choose another folder");
    }
}

/// A file with a secret in it is a secret.
fn secrets_in_the_file(problems: &mut Problems<'_>) {
    let shown = |key: &str| problems.entries.iter().find(|entry| entry.name() == key)?.value.clone();
    // URLs with a password, a path or a query, which may be a key.
    let hidden = ["chain.url", "telemetry.otlp_endpoint"]
        .into_iter()
        .filter(|key| shown(key).is_some_and(|value| value.contains(MASK.trim_matches('"'))));
    let keys: Vec<_> = ["chain.operator_key", "chain.funder_key", "telemetry.otlp_headers"]
        .into_iter()
        .chain(hidden)
        .collect();
    for key in keys {
        let Place::File { path, .. } = problems.place(key) else { continue };
        let Ok(metadata) = fs::metadata(path.as_ref()) else { continue };
        if metadata.permissions().mode() & 0o077 != 0 {
            let what = format!("it is secret, and others may read {}", path.display());
            problems.warning(
                key,
                what,
                format!("chmod 600 {}, or set it in the environment instead", path.display()),
            );
        }
    }
}

fn port(key: &str, address: SocketAddr, problems: &mut Problems<'_>) {
    let Err(error) = TcpListener::bind(address) else { return };
    match error.kind() {
        io::ErrorKind::AddrInUse => problems.warning(
            key,
            format!("something listens at {address} already; this node, perhaps"),
            "stop it before the node starts, or choose another port",
        ),
        io::ErrorKind::AddrNotAvailable => problems.error(
            key,
            format!("this machine has no address {}", address.ip()),
            "write 127.0.0.1 (this machine), 0.0.0.0 (everybody), or an address of this machine",
        ),
        io::ErrorKind::PermissionDenied => problems.error(
            key,
            format!("this user may not listen at port {}", address.port()),
            "choose a port from 1024 on",
        ),
        _ => problems.warning(
            key,
            format!("it cannot be listened at {address}: {error}"),
            "choose another address",
        ),
    }
}
