//! Settings, as the parts of a node want them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use exchange::{BatchPolicy, Config, Threads};
use secrecy::ExposeSecret as _;
use settings::{Exchange, LogFormat, Settlement, Telemetry};
use settlement::Policy;
use telemetry::{Collector, Format};

/// Of an exchange in a folder.
pub fn exchange(settings: &Exchange, data_dir: PathBuf) -> Config {
    let (default, journal) = (Config::new(data_dir), &settings.journal);
    Config {
        batch: BatchPolicy { commands: settings.batch_commands, interval: settings.batch_interval },
        queue: size(settings.queue),
        group: size(settings.group),
        max_lag: settings.max_lag,
        max_downstream_lag: settings.max_downstream_lag.unwrap_or(u64::MAX),
        max_bundle: size(settings.max_bundle),
        feed_buffer: size(settings.feed_buffer),
        snapshot_every: settings.snapshot_every,
        older_snapshots: size(settings.older_snapshots),
        threads: Threads {
            engine_core: settings.engine_core.map(size),
            shadow_core: settings.shadow_core.map(size),
            busy_poll: settings.busy_poll,
        },
        measure: settings.measure,
        journal: journal::Options {
            segment_bytes: journal.segment_bytes,
            max_frame_bytes: small(journal.max_frame_bytes),
            max_record_bytes: small(journal.max_record_bytes),
            preallocate_ahead: journal.preallocate_ahead,
            ..default.journal
        },
        ..default
    }
}

/// Of a gateway that listens here and keeps its keys in a folder.
pub fn gateway(settings: &settings::Gateway, listen: SocketAddr, directory: &Path) -> gateway::Settings {
    let limits = &settings.limits;
    let tls = settings.tls_certificate.clone().zip(settings.tls_key.clone());
    gateway::Settings {
        listen,
        directory: directory.to_path_buf(),
        tls: tls.map(|(certificate, key)| gateway::settings::Tls { certificate, key }),
        allowed_origins: settings.allowed_origins.clone(),
        trusted_proxies: settings.trusted_proxies.clone(),
        limits: gateway::settings::Limits {
            connections: size(limits.connections),
            connections_per_address: size(limits.connections_per_address),
            header_timeout_ms: millis(limits.header_timeout),
            body_timeout_ms: millis(limits.body_timeout),
            request_timeout_ms: millis(limits.request_timeout),
            header_bytes: size(limits.header_bytes),
            body_bytes: size(limits.body_bytes),
            weight_per_minute: small(limits.weight_per_minute),
            refusals_until_ban: small(limits.refusals_until_ban),
            ban_seconds: limits.ban.as_secs(),
            addresses: size(limits.addresses),
            orders_per_ten_seconds: small(limits.orders_per_ten_seconds),
            orders_per_day: small(limits.orders_per_day),
            keys_per_account: size(limits.keys_per_account),
            client_ids: limits.client_ids,
            listen_keys: size(limits.listen_keys),
            listen_key_minutes: limits.listen_key_lifetime.as_secs() / 60,
            ws_message_bytes: size(limits.ws_message_bytes),
            ws_messages_per_second: small(limits.ws_messages_per_second),
            ws_streams: size(limits.ws_streams),
            ws_queue: size(limits.ws_queue),
            ws_requests: size(limits.ws_requests),
            ws_ping_seconds: limits.ws_ping.as_secs(),
            ws_silence_seconds: limits.ws_silence.as_secs(),
            ws_hours: limits.ws_lifetime.as_secs() / 3_600,
        },
    }
}

/// Of the FIX acceptor, if there is to be one.
pub fn fix(settings: &settings::Fix, tls: Option<gateway::settings::Tls>) -> Option<gateway::fix::Settings> {
    let default = gateway::fix::Settings::default();
    Some(gateway::fix::Settings {
        listen: settings.listen?,
        comp_id: settings.comp_id.clone(),
        tls,
        limits: gateway::fix::Limits {
            connections: size(settings.sessions),
            logon_timeout_ms: millis(settings.logon_timeout),
            message_bytes: size(settings.message_bytes),
            longest_heartbeat_seconds: settings.longest_heartbeat.as_secs(),
            ..default.limits
        },
    })
}

/// Of settlement.
pub fn settlement(settings: &Settlement) -> Policy {
    Policy {
        window: settings.window,
        group: size(settings.group),
        replace_after: millis(settings.replace_after),
        first_rest: millis(settings.first_rest),
        longest_rest: millis(settings.longest_rest),
        refusals: small(settings.refusals),
        audit: size(settings.audit),
    }
}

/// Of the log.
pub fn log_format(settings: &Telemetry) -> Format {
    match settings.log_format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    }
}

/// Where traces go, if anywhere.
pub fn collector(settings: &Telemetry) -> Option<Collector> {
    let pair = |pair: &str| {
        pair.split_once('=').map(|(name, value)| (name.trim().to_string(), value.trim().to_string()))
    };
    let headers = settings.otlp_headers.as_ref().map_or("", |headers| headers.expose_secret());
    Some(Collector {
        endpoint: settings.otlp_endpoint.as_ref()?.expose_secret().to_string(),
        headers: headers.split(',').filter_map(pair).collect(),
        service: settings.service_name.clone(),
        interval: settings.export_interval,
    })
}

/// Settings have limits of their own, far below those of the machine.
fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use settings::Settings;

    use super::*;

    #[test]
    fn the_defaults_of_the_settings_are_those_of_the_parts_but_for_quick_batches() {
        let settings = Settings::default();
        let (made, own) = (exchange(&settings.exchange, PathBuf::from("d")), Config::new("d"));
        assert_eq!(format!("{:?}", Config { batch: own.batch, ..made }), format!("{own:?}"));
        assert_eq!(settlement(&settings.settlement), Policy::default());
        let own = gateway::Settings::default();
        assert_eq!(gateway(&settings.gateway, settings.gateway.listen, Path::new("gateway")), own);
    }

    #[test]
    fn headers_are_told_apart() {
        let variable = |key: &str, value: &str| (format!("GLASSBOOK_TELEMETRY__{key}"), value.to_string());
        let environment = settings::Environment::of([
            variable("OTLP_ENDPOINT", "http://127.0.0.1:4318"),
            variable("OTLP_HEADERS", "authorization=Bearer a=b, x-team = glass"),
        ]);
        let loaded = settings::load(None, &environment).expect("no file");
        assert!(loaded.is_usable(), "{:?}", loaded.problems);
        let collector = collector(&loaded.settings.telemetry).expect("a collector");
        let header = |name: &str, value: &str| (name.to_string(), value.to_string());
        assert_eq!(collector.headers, [header("authorization", "Bearer a=b"), header("x-team", "glass")]);
    }
}
