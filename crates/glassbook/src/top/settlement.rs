//! The batches on their way, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};

use super::reading::{Answer, Batch, ago, fitting, grouped};
use super::screen::{BAD, CARE, DIM, GOOD, frame, missing};

/// The stages of a life, each with the states in which it is the last that was reached.
const STAGES: [&[&str]; 6] = [
    &["sealed"],
    &["published", "committing"],
    &["committed", "proving"],
    &["proved", "submitted"],
    &["confirmed", "finalising"],
    &["final"],
];

/// Draws as many as fit.
pub fn draw(batches: &Answer<Vec<Batch>>, area: Rect, buffer: &mut Buffer, now: u64) {
    let block = frame("settlement");
    let inner = block.inner(area);
    block.render(area, buffer);
    match batches {
        Ok(batches) if batches.is_empty() => missing("no batch is sealed yet", inner, buffer),
        Ok(batches) => {
            let columns = Columns::of(inner.width);
            let mut lines = vec![columns.head()];
            for batch in batches.iter().rev() {
                lines.push(line(batch, columns, now));
                if let Some(trouble) = &batch.trouble {
                    let text = fitting(trouble, usize::from(inner.width).saturating_sub(8));
                    lines.push(Line::styled(format!("        {text}"), CARE));
                }
            }
            Paragraph::new(lines).render(inner, buffer);
        }
        Err(why) => missing(why, inner, buffer),
    }
}

/// What there is room for beside batch, stages, state and time.
#[derive(Clone, Copy)]
struct Columns {
    commands: bool,
    block: bool,
    proofs: usize,
}

impl Columns {
    fn of(width: u16) -> Self {
        let width = usize::from(width);
        // What stands behind a proof is said, or not at all.
        let proofs = width.saturating_sub(56);
        Self { commands: width >= 44, block: width >= 54, proofs: if proofs < PROOFS { 0 } else { proofs } }
    }

    fn head(self) -> Line<'static> {
        let commands = if self.commands { " commands" } else { "" };
        let block = if self.block { "  L1 block" } else { "" };
        let proofs = if self.proofs > 0 { "  proof" } else { "" };
        Line::styled(format!("  batch{commands} stages state         since{block}{proofs}"), DIM)
    }
}

/// The least that is said of proofs.
const PROOFS: usize = "NOT PROVED".len();

fn line(batch: &Batch, columns: Columns, now: u64) -> Line<'static> {
    let stage = STAGES.iter().position(|states| states.contains(&batch.state.as_str()));
    let style = match (&*batch.state, &batch.trouble) {
        ("failed", _) => BAD,
        (_, Some(_)) => CARE,
        ("final", _) => GOOD,
        _ => Style::new(),
    };
    let reached = stage.map_or(0, |stage| stage + 1);
    let cells = format!("{}{}", "■".repeat(reached), "·".repeat(STAGES.len() - reached));
    let count =
        batch.commands.map_or("–".to_string(), |(first, last)| grouped(last.saturating_sub(first) + 1));
    let count = if columns.commands { format!(" {count:>8}") } else { String::new() };
    let since = batch.entered.get(&batch.state).map_or("–".to_string(), |at| ago(now.saturating_sub(*at)));
    let block = ["finalise", "prove", "commit"].iter().find_map(|action| batch.l1.get(*action));
    let block = block.map_or("–".to_string(), |done| grouped(done.block.number));
    let block = if columns.block { format!(" {block:>9}") } else { String::new() };
    // That nothing is proved is not for cutting off.
    let proofs = match batch.proofs.as_deref() {
        Some(proofs) if proofs.chars().count() > columns.proofs && proofs.contains("NOT PROVED") => {
            "NOT PROVED"
        }
        Some(proofs) => proofs,
        None => "",
    };
    Line::from(vec![
        Span::raw(format!("{:>7}{count} ", grouped(batch.batch))),
        Span::styled(cells, style),
        Span::styled(format!(" {:<12}", batch.state), style),
        Span::raw(format!(" {since:>6}{block}  ")),
        Span::styled(fitting(proofs, columns.proofs), DIM),
    ])
}
