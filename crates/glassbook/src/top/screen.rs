//! The whole screen: who, whether it answers, and where each part goes.

use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph, Widget as _, Wrap};

use super::node::Away;
use super::reading::{Reading, ago, clock};
use super::{books, health, pipeline, settlement};

/// The smallest terminal that something is shown on.
const SMALLEST: (u16, u16) = (50, 14);
/// From this width on, all parts but the books stand in two columns.
const WIDE: u16 = 100;
/// How wide the left one is.
const LEFT: u16 = 46;
/// Below it, from this height on, they stand beneath each other.
const HIGH: u16 = 38;
/// And on lower screens two of them beside each other, from this width on.
const BESIDE: u16 = 76;
/// How late an answer may be before it is said that it is.
const LATE: Duration = Duration::from_secs(2);

pub const GOOD: Style = Style::new().fg(Color::Green);
pub const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
pub const CARE: Style = Style::new().fg(Color::Yellow);
pub const DIM: Style = Style::new().fg(Color::DarkGray);
pub const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// From top to bottom, where they stand beneath each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Books,
    Exchange,
    Settlement,
    Health,
}

/// What is shown.
pub struct Screen {
    node: String,
    colours: bool,
    market: usize,
    paused: bool,
    help: bool,
    /// How often the node is asked.
    every: Duration,
    last: Option<(Reading, Instant)>,
    /// Commands a second.
    rate: Option<u64>,
    away: Option<(String, Instant, u64)>,
}

impl Screen {
    pub fn new(node: &str, colours: bool) -> Self {
        let node = node.to_string();
        let every = Duration::from_secs(1);
        Self {
            node,
            colours,
            market: 0,
            paused: false,
            help: false,
            every,
            last: None,
            rate: None,
            away: None,
        }
    }

    /// The node is asked so often from now on.
    pub fn every(&mut self, every: Duration) {
        self.every = every;
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
        self.head(head, buffer, now);
        match &self.last {
            Some((reading, _)) => self.body(reading, body, buffer, now),
            None => self.nothing(body, buffer),
        }
        let keys = " q quit  ←→ market  p pause  r now  +- faster, slower  ? help";
        Line::styled(keys, DIM).render(foot, buffer);
        let every = match self.every.as_millis() {
            millis if millis.is_multiple_of(1_000) => format!("every {} s ", millis / 1_000),
            millis => format!("every {} s ", millis as f64 / 1e3),
        };
        if usize::from(foot.width) > keys.chars().count() + every.len() {
            Line::styled(every, DIM).right_aligned().render(foot, buffer);
        }
        if self.help {
            help(area, buffer);
        }
        if !self.colours {
            for cell in &mut buffer.content {
                (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
            }
        }
    }

    fn head(&self, area: Rect, buffer: &mut Buffer, now: u64) {
        let age = self.last.as_ref().map(|(_, at)| at.elapsed());
        let since = |age: Duration| now.saturating_sub(age.as_millis() as u64);
        // An answer that should have been followed by another is old.
        let old = age.filter(|age| *age > self.every * 2 + LATE);
        let state = match (&self.away, self.paused, &self.last) {
            (Some((_, since, tries)), ..) => {
                let tries = if *tries == 1 { "once".to_string() } else { format!("{tries} times") };
                let text = format!(" AWAY for {}, asked {tries} ", ago(since.elapsed().as_millis() as u64));
                Span::styled(text, BAD.add_modifier(Modifier::REVERSED))
            }
            (None, true, _) => {
                let age = age.map_or(String::new(), |age| format!(", {} old", ago(age.as_millis() as u64)));
                Span::styled(format!(" PAUSED{age} "), CARE.add_modifier(Modifier::REVERSED))
            }
            (None, false, None) => Span::styled("asking ", DIM),
            (None, false, Some(_)) if old.is_some() => {
                let age = old.map_or(0, |age| age.as_millis() as u64);
                Span::styled(format!(" SLOW, {} old ", ago(age)), CARE.add_modifier(Modifier::REVERSED))
            }
            (None, false, Some((reading, _))) => {
                match reading.health.as_ref().map(|health| health.status.as_str()) {
                    Ok("ok") => Span::styled("● ok ", GOOD),
                    Ok("degraded") => Span::styled("● degraded ", CARE),
                    Ok("down") => Span::styled("● down ", BAD),
                    _ => Span::styled("● health unknown ", DIM),
                }
            }
        };
        let room = usize::from(area.width).saturating_sub(state.width());
        let right = Rect::new(area.x + room as u16, area.y, area.width - room as u16, 1);
        Line::from(state).render(right, buffer);

        let name = vec![Span::styled(" glassbook ", STRONG), Span::raw(self.node.clone())];
        let (mut long, mut short) = (name.clone(), name);
        if let Some(Ok(exchange)) = self.last.as_ref().map(|(reading, _)| &reading.exchange) {
            let chain =
                exchange["chainId"].as_u64().map_or(String::new(), |chain| format!("  chain {chain}"));
            long.push(Span::styled(chain, DIM));
            for (parts, unproved) in
                [(&mut long, "  NOT PROVED, batches are executed again"), (&mut short, "  NOT PROVED")]
            {
                match exchange["proofs"].as_str() {
                    Some("executed") => parts.push(Span::styled(unproved, CARE)),
                    Some(kind) => parts.push(Span::styled(format!("  {kind} proofs"), GOOD)),
                    None => {}
                }
                if exchange["halted"].as_bool() == Some(true) {
                    parts.push(Span::styled("  ALL MARKETS HALTED", BAD));
                }
            }
        }
        // When what is shown was so.
        let at = age.map_or(String::new(), |age| format!("  {}", clock(since(age))));
        let timed = |mut parts: Vec<Span<'static>>| {
            parts.push(Span::styled(at.clone(), DIM));
            Line::from(parts)
        };
        let choice = [timed(long), timed(short.clone()), Line::from(short)];
        let left = Rect::new(area.x, area.y, (room as u16).saturating_sub(1), 1);
        let fits = choice.iter().find(|line| line.width() < room).unwrap_or(&choice[2]);
        fits.render(left, buffer);
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
        let wide = area.width >= WIDE;
        // What is in order is said in a line where there is no room for a list of it.
        let beside = 8 + pipeline::HEIGHT + health::height(&reading.health, false, LEFT);
        let short = if wide { area.height < beside } else { area.height < HIGH };
        let checks = health::height(&reading.health, short, if wide { LEFT } else { area.width });
        let draw = |part: Part, area: Rect, buffer: &mut Buffer| match part {
            Part::Books => books::draw(&reading.markets, self.market, area, buffer),
            Part::Exchange => pipeline::draw(&reading.figures, self.rate, area, buffer),
            Part::Settlement => settlement::draw(&reading.batches, area, buffer, now),
            Part::Health => health::draw(&reading.health, short, area, buffer),
        };
        if wide {
            let below = (pipeline::HEIGHT + checks).max(area.height * 9 / 20);
            let [top, low] = Layout::vertical([Constraint::Min(6), Constraint::Length(below)]).areas(area);
            draw(Part::Books, top, buffer);
            let [left, right] = Layout::horizontal([Constraint::Length(LEFT), Constraint::Min(0)]).areas(low);
            let [upper, lower] =
                Layout::vertical([Constraint::Length(pipeline::HEIGHT), Constraint::Min(0)]).areas(left);
            draw(Part::Exchange, upper, buffer);
            draw(Part::Health, lower, buffer);
            draw(Part::Settlement, right, buffer);
        } else if short && area.width >= BESIDE {
            let [top, middle, end] = Layout::vertical([
                Constraint::Min(0),
                Constraint::Length(pipeline::HEIGHT),
                Constraint::Length(checks),
            ])
            .areas(area);
            draw(Part::Books, top, buffer);
            let [left, right] =
                Layout::horizontal([Constraint::Length(37), Constraint::Min(0)]).areas(middle);
            draw(Part::Exchange, left, buffer);
            draw(Part::Settlement, right, buffer);
            draw(Part::Health, end, buffer);
        } else {
            // Beneath each other, and the last of these not at all when there is no room.
            let parts = [
                (Part::Exchange, pipeline::HEIGHT),
                (Part::Health, checks),
                (Part::Books, 8),
                (Part::Settlement, 5),
            ];
            let mut room = area.height;
            let mut shown = Vec::new();
            for (part, least) in parts {
                if shown.is_empty() || least <= room {
                    room = room.saturating_sub(least);
                    shown.push((part, least));
                }
            }
            shown.sort_by_key(|(part, _)| *part);
            let grow = shown.iter().map(|(part, least)| match part {
                Part::Books => Constraint::Fill(3),
                Part::Settlement => Constraint::Fill(2),
                Part::Exchange | Part::Health => Constraint::Length(*least),
            });
            let areas = Layout::vertical(grow).split(area);
            for ((part, _), area) in shown.iter().zip(areas.iter()) {
                draw(*part, *area, buffer);
            }
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
        "executed, journal: since the node's start",
        "not durable: commands that wait for the disk",
        "not sealed: will be in the next batches",
        "not final: batches on the way to finality",
        "since: how long a batch is in its state",
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
