//! The whole screen: who, whether it answers, and where each part goes.

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Widget as _, Wrap};

use super::node::Away;
use super::reading::{Reading, ago};
use super::{books, health, pipeline, settlement};

/// The smallest terminal that something is shown on.
const SMALLEST: (u16, u16) = (50, 14);
/// From this width on, parts stand beside each other.
const WIDE: u16 = 100;

pub const GOOD: Style = Style::new().fg(Color::Green);
pub const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
pub const CARE: Style = Style::new().fg(Color::Yellow);
pub const DIM: Style = Style::new().fg(Color::DarkGray);
pub const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// What is shown.
pub struct Screen {
    node: String,
    colours: bool,
    market: usize,
    paused: bool,
    help: bool,
    last: Option<(Reading, Instant)>,
    /// Commands a second.
    rate: Option<u64>,
    away: Option<(String, Instant, u64)>,
}

impl Screen {
    pub fn new(node: &str, colours: bool) -> Self {
        let node = node.to_string();
        Self { node, colours, market: 0, paused: false, help: false, last: None, rate: None, away: None }
    }

    pub fn node(&self) -> &str {
        &self.node
    }

    /// Takes over an answer that came then.
    pub fn take(&mut self, answer: Result<Reading, Away>, at: Instant) {
        match answer {
            Ok(reading) => {
                let executed =
                    |reading: &Reading| reading.figures.as_ref().ok()?.get("commands_executed_total");
                if let Some((before, then)) = &self.last {
                    let millis = at.saturating_duration_since(*then).as_millis().max(1);
                    let more = executed(&reading)
                        .zip(executed(before))
                        .and_then(|(now, before)| now.checked_sub(before));
                    self.rate = more.map(|more| (u128::from(more) * 1_000 / millis) as u64);
                }
                (self.last, self.away) = (Some((reading, at)), None);
            }
            Err(why) => {
                let (since, tries) = self.away.as_ref().map_or((at, 0), |(_, since, tries)| (*since, *tries));
                self.away = Some((why.to_string(), since, tries + 1));
                self.rate = None;
            }
        }
    }

    /// Pauses or goes on, and says which.
    pub fn pause(&mut self) -> bool {
        self.paused = !self.paused;
        self.paused
    }

    pub fn help(&mut self) {
        self.help = !self.help;
    }

    /// The next market, or the one before.
    pub fn choose(&mut self, by: isize) {
        let count = self.markets();
        if count > 0 {
            self.market = (self.market as isize + by).rem_euclid(count as isize) as usize;
        }
    }

    pub fn choose_number(&mut self, number: usize) {
        if number < self.markets() {
            self.market = number;
        }
    }

    fn markets(&self) -> usize {
        self.last.as_ref().and_then(|(reading, _)| reading.markets.as_ref().ok()).map_or(0, Vec::len)
    }

    /// Draws all of it, at a time in milliseconds since 1970.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer, now: u64) {
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            let (width, height) = SMALLEST;
            let text = format!("needs {width}×{height} characters, has {}×{}", area.width, area.height);
            Paragraph::new(text).wrap(Wrap { trim: true }).render(area, buffer);
            return;
        }
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).areas(area);
        self.head(head, buffer);
        match &self.last {
            Some((reading, _)) => self.body(reading, body, buffer, now),
            None => self.nothing(body, buffer),
        }
        let keys = " q quit  ←→ market  p pause  r now  +- faster, slower  ? help";
        Line::styled(keys, DIM).render(foot, buffer);
        if self.help {
            help(area, buffer);
        }
        if !self.colours {
            for cell in &mut buffer.content {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
            }
        }
    }

    fn head(&self, area: Rect, buffer: &mut Buffer) {
        let mut parts = vec![Span::styled(" glassbook ", STRONG), Span::raw(self.node.clone())];
        if let Some(Ok(exchange)) = self.last.as_ref().map(|(reading, _)| &reading.exchange) {
            if let Some(chain) = exchange["chainId"].as_u64() {
                parts.push(Span::styled(format!("  chain {chain}"), DIM));
            }
            match exchange["proofs"].as_str() {
                Some("executed") => {
                    parts.push(Span::styled("  NOT PROVED, batches are executed again", CARE))
                }
                Some(kind) => parts.push(Span::styled(format!("  {kind} proofs"), GOOD)),
                None => {}
            }
        }
        Line::from(parts).render(area, buffer);
        let state = match (&self.away, self.paused, &self.last) {
            (Some((_, since, tries)), ..) => {
                let text =
                    format!(" AWAY for {}, asked {tries} times ", ago(since.elapsed().as_millis() as u64));
                Span::styled(text, BAD.add_modifier(Modifier::REVERSED))
            }
            (None, true, _) => Span::styled(" PAUSED ", CARE.add_modifier(Modifier::REVERSED)),
            (None, false, None) => Span::styled("asking ", DIM),
            (None, false, Some((reading, _))) => {
                match reading.health.as_ref().map(|health| health.status.as_str()) {
                    Ok("ok") => Span::styled("● ok ", GOOD),
                    Ok("degraded") => Span::styled("● degraded ", CARE),
                    Ok("down") => Span::styled("● down ", BAD),
                    _ => Span::styled("● ", DIM),
                }
            }
        };
        Line::from(state).right_aligned().render(area, buffer);
    }

    fn nothing(&self, area: Rect, buffer: &mut Buffer) {
        let mut lines = vec![Line::default()];
        match &self.away {
            None => lines.push(Line::from(" asking the node…")),
            Some((why, ..)) => {
                lines.push(Line::styled(format!(" {} does not answer: {why}", self.node), BAD));
                lines.push(Line::default());
                lines.push(Line::from(" It is asked again and again. Is a node running there?"));
                lines.push(Line::from("   glassbook dev                   starts one on this machine"));
                lines.push(Line::from("   glassbook top --node URL        watches another"));
            }
        }
        Paragraph::new(lines).wrap(Wrap { trim: false }).render(area, buffer);
    }

    fn body(&self, reading: &Reading, area: Rect, buffer: &mut Buffer, now: u64) {
        let area = match &self.away {
            None => area,
            Some((why, ..)) => {
                let [notice, rest] =
                    Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
                let age = self.last.as_ref().map_or(0, |(_, at)| at.elapsed().as_millis() as u64);
                let text = format!(" {why}; what is shown is {} old", ago(age));
                Line::styled(text, BAD).render(notice, buffer);
                rest
            }
        };
        let checks = health::height(&reading.health);
        if area.width < WIDE {
            let [top, middle, low, end] = Layout::vertical([
                Constraint::Fill(3),
                Constraint::Length(pipeline::HEIGHT),
                Constraint::Fill(2),
                Constraint::Length(checks),
            ])
            .areas(area);
            books::draw(&reading.markets, self.market, top, buffer);
            pipeline::draw(&reading.figures, self.rate, middle, buffer);
            settlement::draw(&reading.batches, low, buffer, now);
            health::draw(&reading.health, end, buffer);
        } else {
            let below = (pipeline::HEIGHT + checks).max(area.height * 9 / 20);
            let [top, low] = Layout::vertical([Constraint::Min(8), Constraint::Length(below)]).areas(area);
            books::draw(&reading.markets, self.market, top, buffer);
            let [left, right] = Layout::horizontal([Constraint::Length(46), Constraint::Min(0)]).areas(low);
            let [upper, lower] =
                Layout::vertical([Constraint::Length(pipeline::HEIGHT), Constraint::Min(0)]).areas(left);
            pipeline::draw(&reading.figures, self.rate, upper, buffer);
            health::draw(&reading.health, lower, buffer);
            settlement::draw(&reading.batches, right, buffer, now);
        }
        if self.away.is_some() {
            buffer.set_style(area, Style::new().add_modifier(Modifier::DIM));
        }
    }
}

/// A frame with a title.
pub fn frame(title: &str) -> Block<'_> {
    Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(DIM)
        .title(Span::styled(format!(" {title} "), STRONG))
}

/// Why a part is empty.
pub fn missing(why: &str, area: Rect, buffer: &mut Buffer) {
    Paragraph::new(why).style(DIM).wrap(Wrap { trim: true }).render(area, buffer);
}

fn help(area: Rect, buffer: &mut Buffer) {
    let text = [
        "q, Esc, Ctrl-C   quit",
        "← →, Tab, 1 to 9 choose a market",
        "p, Space         pause, and go on",
        "r                ask now",
        "+ -              ask more or less often",
        "",
        "A batch goes through these stages:",
        "■ sealed, published, committed, proved,",
        "  confirmed by the contract, final",
        "",
        "executed − durable: waits for the disk",
        "durable − sealed: will be in the next batches",
        "sealed − final: on the way to finality",
    ];
    let (width, height) = (50.min(area.width), (text.len() as u16 + 2).min(area.height));
    let place = Rect::new((area.width - width) / 2, (area.height - height) / 2, width, height);
    Clear.render(place, buffer);
    Paragraph::new(text.map(Line::from).to_vec()).block(frame("help")).render(place, buffer);
}

/// A picture as lines of text.
pub fn text(picture: &Buffer) -> Vec<String> {
    let width = usize::from(picture.area.width).max(1);
    let line = |cells: &[ratatui::buffer::Cell]| {
        let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.trim_end().to_string()
    };
    picture.content.chunks(width).map(line).collect()
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
