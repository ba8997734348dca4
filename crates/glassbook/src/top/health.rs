//! What the node says of its own health.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _, Wrap};

use super::reading::{Answer, Check, Health};
use super::screen::{BAD, CARE, DIM, GOOD, frame, missing};

/// Lines that it asks for.
pub fn height(health: &Answer<Health>) -> u16 {
    let lines = |check: &Check| 1 + u16::from(!check.why.is_empty()) + u16::from(!check.remedy.is_empty());
    let checks = health.as_ref().map_or(1, |health| health.checks.iter().map(lines).sum::<u16>());
    (checks + 2).clamp(3, 14)
}

/// Draws it: what is wrong first.
pub fn draw(health: &Answer<Health>, area: Rect, buffer: &mut Buffer) {
    let block = frame("health");
    let inner = block.inner(area);
    block.render(area, buffer);
    let health = match health {
        Ok(health) => health,
        Err(why) => return missing(why, inner, buffer),
    };
    let mut checks: Vec<&Check> = health.checks.iter().collect();
    checks.sort_by_key(|check| match check.status.as_str() {
        "down" => 0,
        "degraded" => 1,
        _ => 2,
    });
    let mut lines = Vec::new();
    for check in checks {
        let (mark, style) = match check.status.as_str() {
            "ok" => ("✓", GOOD),
            "degraded" => ("!", CARE),
            _ => ("✗", BAD),
        };
        let name = Span::styled(format!("{mark} {:<12}", check.name), style);
        lines.push(Line::from(vec![name, Span::styled(fitting(&check.detail, inner.width), DIM)]));
        if !check.why.is_empty() {
            lines.push(Line::styled(format!("  {}", check.why), style));
        }
        if !check.remedy.is_empty() {
            lines.push(Line::from(format!("  → {}", check.remedy)));
        }
    }
    Paragraph::new(lines).wrap(Wrap { trim: false }).render(inner, buffer);
}

/// As much of a detail as there is room for beside a name.
fn fitting(detail: &str, width: u16) -> String {
    let room = usize::from(width).saturating_sub(14);
    if detail.chars().count() <= room {
        return detail.to_string();
    }
    detail.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}
