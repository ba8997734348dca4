//! How far behind each part of the exchange is, and whether the money is there.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};

use super::reading::{Answer, Figures, ago, grouped};
use super::screen::{BAD, CARE, DIM, GOOD, frame, missing};

/// Lines that it needs.
pub const HEIGHT: u16 = 10;

/// Commands that wait to be sealed, from which on it is shown as a lot.
const MANY: u64 = 100_000;

/// Draws it.
pub fn draw(figures: &Answer<Figures>, rate: Option<u64>, area: Rect, buffer: &mut Buffer) {
    let block = frame("exchange");
    let inner = block.inner(area);
    block.render(area, buffer);
    match figures {
        Ok(figures) => Paragraph::new(lines(figures, rate)).render(inner, buffer),
        Err(why) => missing(why, inner, buffer),
    }
}

fn lines(figures: &Figures, rate: Option<u64>) -> Vec<Line<'static>> {
    let get = |name| figures.get(name);
    let number = |name| get(name).map_or("–".to_string(), grouped);
    let executed = get("commands_executed_total");
    let behind = |ahead: Option<u64>, name| Some(ahead?.saturating_sub(get(name)?));
    let disk = behind(executed, "commands_durable_total");
    let seal = behind(get("commands_durable_total"), "commands_sealed_total");
    let rate = rate.map_or(String::new(), |rate| format!("  {}/s", grouped(rate)));
    let stopped = get("exchange_stopped").is_some_and(|stopped| stopped != 0);
    let state = if stopped { Span::styled("  STOPPED", BAD) } else { Span::raw("") };
    let lag = get("settlement_lag_batches");
    let oldest = get("settlement_oldest_open_seconds").filter(|_| lag.is_some_and(|lag| lag > 0));
    let age = oldest.map_or(String::new(), |seconds| format!(", the oldest for {}", ago(seconds * 1_000)));
    let failed = get("settlement_failed").unwrap_or(0);
    let trouble = match (get("settlement_halted"), failed, get("settlement_waiting")) {
        (Some(1..), ..) => Span::styled("HALTED: a contradiction", BAD),
        (_, 1.., _) => Span::styled(format!("{failed} failed: see health"), BAD),
        (_, _, Some(1..)) => Span::styled("waits: cannot read", CARE),
        (None, ..) => Span::styled("–", DIM),
        _ => Span::styled("goes on", GOOD),
    };
    let wrong = get("custody_disagreements_total");
    let custody = match (wrong, get("custody_block")) {
        (Some(1..), _) => Span::styled("NOT what is owed", BAD),
        (Some(0), Some(block)) => Span::styled(format!("= owed, at block {}", grouped(block)), GOOD),
        _ => Span::styled("not compared yet", DIM),
    };
    vec![
        row("executed", vec![Span::raw(format!("{}{rate}", number("commands_executed_total"))), state]),
        row("not durable", vec![waiting(disk, 10_000)]),
        row("not sealed", vec![waiting(seal, MANY)]),
        row("journal", vec![Span::raw(get("journal_bytes_total").map_or("–".to_string(), size))]),
        row(
            "batches",
            vec![Span::raw(format!(
                "{} sealed, {} final",
                number("settlement_last_sealed"),
                number("settlement_last_final")
            ))],
        ),
        row("not final", vec![Span::raw(format!("{}{age}", lag.map_or("–".to_string(), grouped)))]),
        row("settlement", vec![trouble]),
        row("custody", vec![custody]),
    ]
}

fn row(name: &'static str, mut parts: Vec<Span<'static>>) -> Line<'static> {
    parts.insert(0, Span::styled(format!("{name:<12}"), DIM));
    Line::from(parts)
}

fn waiting(count: Option<u64>, many: u64) -> Span<'static> {
    let style = if count.is_some_and(|count| count > many) { CARE } else { Style::new() };
    Span::styled(count.map_or("–".to_string(), grouped), style)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
