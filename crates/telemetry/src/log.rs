//! Log lines on standard error: for people, or an object a line for programs.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io;
use std::thread;

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people; with colours on a terminal.
    #[default]
    Text,
    /// An object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, Error)]
pub enum LogError {
    /// The levels are not understood.
    #[error(
        "{levels:?} is neither a level (off, error, warn, info, debug, trace) nor levels by module (info,gateway=debug): {error}"
    )]
    Levels {
        /// What was asked for.
        levels: String,
        /// Why not.
        error: ParseError,
    },
    /// Somebody was first.
    #[error("this process writes a log already")]
    Twice,
}

/// Our own crates. What others say is of interest from warnings on, unless they are named.
const OURS: [&str; 14] = [
    "availability",
    "exchange",
    "fix",
    "flow",
    "gateway",
    "glassbook",
    "journal",
    "l1",
    "light_client",
    "proving",
    "settlement",
    "shard_store",
    "telemetry",
    "verifier",
];

/// Begins to write the log of this process.
///
/// # Errors
/// When the levels are not understood, or there is a log already.
pub fn begin(format: Format, levels: &str) -> Result<(), LogError> {
    let filter = filter(levels)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_span_events(FmtSpan::NONE);
    let begun = match format {
        Format::Text => {
            let colours = io::IsTerminal::is_terminal(&io::stderr());
            lines.with_ansi(colours).finish().try_init()
        }
        Format::Json => lines
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .finish()
            .try_init(),
    };
    begun.map_err(|_| LogError::Twice)?;
    if format == Format::Json {
        // A line that is no object is lost on whoever reads them as such.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let (thread, why) = (thread::current(), panic.payload_as_str().unwrap_or("it is not said"));
            let backtrace = Backtrace::capture();
            let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
            tracing::error!(thread = thread.name(), place, why, backtrace, "a thread has panicked");
        }));
    }
    Ok(())
}

/// What is nothing to worry about: the embedded chain looks for peers, and for a consensus client, and has neither; and its part
/// that would tell peers of transactions stops at the first Ctrl-C, when there are some to send yet.
const NOISE: [&str; 3] =
    ["ethrex_p2p::rlpx::initiator=off", "ethrex_p2p::tx_broadcaster=off", "ethrex_rpc::rpc=error"];

/// Levels by module. A level alone is of our own crates.
fn filter(levels: &str) -> Result<EnvFilter, LogError> {
    let mut directives: Vec<_> = NOISE.map(str::to_string).into();
    for part in levels.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if part.contains('=') {
            directives.push(part.to_string());
            continue;
        }
        let quiet = matches!(part.to_ascii_lowercase().as_str(), "off" | "error");
        directives.push(if quiet { part } else { "warn" }.to_string());
        directives.extend(OURS.iter().map(|name| format!("{name}={part}")));
    }
    let parsed = EnvFilter::builder().parse(directives.join(","));
    parsed.map_err(|error| LogError::Levels { levels: levels.to_string(), error })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lines").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Lines {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn written(levels: &str, say: impl FnOnce()) -> String {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(filter(levels).expect(levels))
            .with_writer(lines.clone())
            .with_ansi(false);
        tracing::subscriber::with_default(subscriber.finish(), say);
        String::from_utf8(lines.0.lock().expect("lines").clone()).expect("text")
    }

    fn say() {
        tracing::info!(target: "exchange", "ours");
        tracing::debug!(target: "gateway", "ours in detail");
        tracing::info!(target: "ethrex_p2p", "theirs");
        tracing::warn!(target: "ethrex_p2p", "their warning");
        tracing::error!(target: "ethrex_p2p::rlpx::initiator", "no peers");
        tracing::warn!(target: "ethrex_rpc::rpc", "no consensus client");
    }

    #[test]
    fn a_level_is_of_our_own_crates_and_others_are_heard_from_warnings_on() {
        let text = written("info", say);
        assert!(text.contains("ours") && text.contains("their warning"), "{text}");
        assert!(
            !text.contains("theirs") && !text.contains("ours in detail") && !text.contains("no "),
            "{text}"
        );
    }

    #[test]
    fn modules_have_levels_of_their_own() {
        let text = written("error,gateway=debug,ethrex_p2p=info", say);
        assert!(text.contains("ours in detail") && text.contains("theirs"), "{text}");
        assert!(!text.contains("exchange: ours"), "{text}");
        assert_eq!(written("off", say), "");
    }

    #[test]
    fn what_is_no_level_is_refused() {
        assert!(matches!(filter("inof"), Err(LogError::Levels { .. })));
    }
}
