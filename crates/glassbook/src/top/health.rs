//! What the node says of its own health.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _, Wrap};

use super::reading::{Answer, Check, Health, fitting};
use super::screen::{BAD, CARE, DIM, GOOD, frame, missing};

/// Lines that it asks for at a width; those that are in order stand together when room is short.
pub fn height(health: &Answer<Health>, short: bool, width: u16) -> u16 {
    let lines = |check: &Check| match check.status.as_str() {
        "ok" => u16::from(!short),
        _ => 1 + u16::from(!check.why.is_empty()) + u16::from(!check.remedy.is_empty()),
    };
    let checks = health.as_ref().map_or(1, |health| health.checks.iter().map(lines).sum::<u16>());
    let together = match health {
        Ok(health) if short => {
            let (mut lines, room) = ((0, usize::MAX), usize::from(width.saturating_sub(2)));
            for check in health.checks.iter().filter(|check| is_ok(check)) {
                let long = name(check).chars().count();
                lines = match lines {
                    (lines, used) if used.saturating_add(long) < room => (lines, used + 1 + long),
                    (lines, _) => (lines + 1, long),
                };
            }
            lines.0
        }
        _ => 0,
    };
    (checks + together + 2).clamp(3, 14)
}

/// Mark and name of one that is in order, which stay together.
fn name(check: &Check) -> String {
    format!("✓\u{a0}{}", check.name)
}

fn is_ok(check: &Check) -> bool {
    check.status == "ok"
}

/// Draws it: what is wrong first.
pub fn draw(health: &Answer<Health>, short: bool, area: Rect, buffer: &mut Buffer) {
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
    for check in checks.iter().filter(|check| !(short && is_ok(check))) {
        let (mark, style) = match check.status.as_str() {
            "ok" => ("✓", GOOD),
            "degraded" => ("!", CARE),
            _ => ("✗", BAD),
        };
        let name = Span::styled(format!("{mark} {:<12}", check.name), style);
        lines.push(Line::from(vec![
            name,
            Span::styled(fitting(&check.detail, usize::from(inner.width).saturating_sub(14)), DIM),
        ]));
        if !check.why.is_empty() {
            lines.push(Line::styled(format!("  {}", check.why), style));
        }
        if !check.remedy.is_empty() {
            lines.push(Line::from(format!("  → {}", check.remedy)));
        }
    }
    if short {
        let names: Vec<String> =
            checks.iter().filter(|check| is_ok(check)).map(|check| name(check)).collect();
        lines.push(Line::styled(names.join(" "), GOOD));
    }
    Paragraph::new(lines).wrap(Wrap { trim: false }).render(inner, buffer);
}
