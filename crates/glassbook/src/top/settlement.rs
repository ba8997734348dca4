//! The batches on their way, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};

use super::reading::{Answer, Batch, ago, grouped};
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
            let mut lines = vec![Line::styled("  batch commands stages state         since  L1 block", DIM)];
            for batch in batches.iter().rev() {
                lines.push(line(batch, now));
                if let Some(trouble) = &batch.trouble {
                    lines.push(Line::styled(format!("        {trouble}"), CARE));
                }
            }
            Paragraph::new(lines).render(inner, buffer);
        }
        Err(why) => missing(why, inner, buffer),
    }
}

fn line(batch: &Batch, now: u64) -> Line<'static> {
    let stage = STAGES.iter().position(|states| states.contains(&batch.state.as_str()));
    let style = match (&*batch.state, &batch.trouble) {
        ("failed", _) => BAD,
        (_, Some(_)) => CARE,
        ("final", _) => GOOD,
        _ => Style::new(),
    };
    let reached = stage.map_or(0, |stage| stage + 1);
    let cells = format!("{}{}", "■".repeat(reached), "·".repeat(STAGES.len() - reached));
    let commands =
        batch.commands.map_or("–".to_string(), |(first, last)| grouped(last.saturating_sub(first) + 1));
    let since = batch.entered.get(&batch.state).map_or("–".to_string(), |at| ago(now.saturating_sub(*at)));
    let block = ["finalise", "prove", "commit"].iter().find_map(|action| batch.l1.get(*action));
    let block = block.map_or("–".to_string(), |done| grouped(done.block.number));
    let proofs = batch.proofs.as_deref().map_or(String::new(), |proofs| format!("  {proofs}"));
    Line::from(vec![
        Span::raw(format!("{:>7} {commands:>8} ", grouped(batch.batch))),
        Span::styled(cells, style),
        Span::styled(format!(" {:<12}", batch.state), style),
        Span::raw(format!(" {since:>6} {block:>9}")),
        Span::styled(proofs, DIM),
    ])
}
