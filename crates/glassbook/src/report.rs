//! What a replay ends with: tables in the terminal, and a page with pictures that needs nothing but itself.

mod agreement_section;
mod batch_chart;
mod depth_map;
mod figures;
mod latency_chart;
mod machine;
mod market_tables;
mod measured;
mod page;
mod price_chart;
mod replay_report;
mod scale;
mod svg;
mod text;

use std::io::{self, Write as _};
use std::path::Path;

pub use measured::Measured;

/// Prints the report as tables.
///
/// # Errors
/// When standard output is closed.
pub fn print(measured: &Measured) -> io::Result<()> {
    io::stdout().lock().write_all(text::render(&measured.report()).as_bytes())
}

/// Writes the report as a page.
///
/// # Errors
/// When the file cannot be written.
pub fn write_html(measured: &Measured, path: &Path) -> io::Result<()> {
    std::fs::write(path, page::render(&measured.report()))
}
