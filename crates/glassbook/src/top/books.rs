//! The books of the markets, as many as fit beside each other.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget as _;

use super::reading::{Answer, Day, Depth, Level, Market, MarketAnswers, digits, fitting, grouped, short};
use super::screen::{BAD, DIM, GOOD, STRONG, frame, missing};

/// How wide a book is at least.
const NARROWEST: u16 = 32;

/// Draws as many markets as fit, the chosen one among them.
pub fn draw(markets: &Answer<Vec<MarketAnswers>>, chosen: usize, area: Rect, buffer: &mut Buffer) {
    let markets = match markets {
        Ok(markets) if !markets.is_empty() => markets,
        other => {
            let block = frame("books");
            let inner = block.inner(area);
            block.render(area, buffer);
            return missing(other.as_ref().err().map_or("no markets yet", String::as_str), inner, buffer);
        }
    };
    let fit = usize::from(area.width / NARROWEST).clamp(1, markets.len());
    let first = chosen.saturating_sub(fit - 1).min(markets.len() - fit);
    let columns = Layout::horizontal(vec![Constraint::Fill(1); fit]).split(area);
    for (place, (column, market)) in columns.iter().zip(&markets[first..]).enumerate() {
        one(market, first + place, markets.len(), first + place == chosen, *column, buffer);
    }
}

fn one(answers: &MarketAnswers, number: usize, of: usize, chosen: bool, area: Rect, buffer: &mut Buffer) {
    let (market, depth, day) = answers;
    let symbol = &market.symbol;
    let title = if of > 1 { format!("{} {symbol}", number + 1) } else { symbol.clone() };
    let mut block = frame(&title);
    if market.halted {
        block = block.title(Span::styled(" HALTED ", BAD));
    }
    if chosen && of > 1 {
        block = block.border_style(Style::new().fg(Color::Cyan));
    }
    let inner = block.inner(area);
    block.render(area, buffer);
    let [head, book] = Layout::vertical([Constraint::Length(2), Constraint::Min(0)]).areas(inner);
    match day {
        Ok(day) => today(market, day, head, buffer),
        Err(why) => missing(why, head, buffer),
    }
    match depth {
        Ok(depth) => levels(market, depth, book, buffer),
        Err(why) => missing(why, book, buffer),
    }
}

fn today(market: &Market, day: &Day, area: Rect, buffer: &mut Buffer) {
    let price = |text| short(text, market.price_digits);
    let falls = day.price_change_percent.starts_with('-');
    let sign = if falls || day.price_change_percent.starts_with('+') { "" } else { "+" };
    let change = Span::styled(format!("{sign}{}%", day.price_change_percent), if falls { BAD } else { GOOD });
    let trades = Span::styled(format!("  {} trades", grouped(day.count)), DIM);
    let first =
        Line::from(vec![Span::styled(price(&day.last_price), STRONG), Span::raw("  "), change, trades]);
    let volume = short(&day.volume, market.quantity_digits);
    let range =
        format!("24h {}–{}  vol {volume} {}", price(&day.low_price), price(&day.high_price), market.base);
    let range = fitting(&range, area.width.into());
    let [upper, lower] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
    first.render(upper, buffer);
    Line::styled(range, DIM).render(lower, buffer);
}

/// Sellers above, buyers below, the spread between them.
fn levels(market: &Market, depth: &Depth, area: Rect, buffer: &mut Buffer) {
    if area.height < 3 {
        return best(market, depth, area, buffer);
    }
    let half = (area.height - 1) / 2;
    let shown = depth.bids.iter().take(half.into()).chain(depth.asks.iter().take(half.into()));
    let largest = shown.map(|(_, quantity)| digits(quantity)).max().unwrap_or(1).max(1);
    for row in 0..half {
        let line = |y| Rect::new(area.x, y, area.width, 1);
        if let Some(level) = depth.asks.get(usize::from(row)) {
            bar(market, level, largest, Color::Red, line(area.y + half - 1 - row), buffer);
        }
        if let Some(level) = depth.bids.get(usize::from(row)) {
            bar(market, level, largest, Color::Green, line(area.y + half + 1 + row), buffer);
        }
    }
    let middle = Rect::new(area.x, area.y + half, area.width, 1);
    let text = match (depth.bids.first(), depth.asks.first()) {
        (Some(_), Some(_)) => format!("spread {}", short(&spread(depth), market.price_digits)),
        (None, None) => "nobody".to_string(),
        (None, _) => "no buyers".to_string(),
        (_, None) => "no sellers".to_string(),
    };
    Line::styled(format!("── {text} ──"), DIM).centered().render(middle, buffer);
}

/// The best prices and what is between them, in a line.
fn best(market: &Market, depth: &Depth, area: Rect, buffer: &mut Buffer) {
    let price = |levels: &[Level], colour| {
        let price = levels.first().map_or("–", |(price, _)| short(price, market.price_digits));
        Span::styled(price.to_string(), Style::new().fg(colour))
    };
    let between = match (depth.bids.first(), depth.asks.first()) {
        (Some(_), Some(_)) => format!(" ── spread {} ── ", short(&spread(depth), market.price_digits)),
        _ => " ── ".to_string(),
    };
    let (bid, ask) = (price(&depth.bids, Color::Green), price(&depth.asks, Color::Red));
    let line = Line::from(vec![bid, Span::styled(between, DIM), ask]).centered();
    line.render(Rect { height: area.height.min(1), ..area }, buffer);
}

/// The distance of the best prices, with as many digits as they have.
fn spread(depth: &Depth) -> String {
    let best = |levels: &[Level]| {
        levels.first().map_or((0, 0), |(price, _)| {
            (digits(price), price.split_once('.').map_or(0, |(_, decimals)| decimals.len()))
        })
    };
    let ((bid, decimals), (ask, other)) = (best(&depth.bids), best(&depth.asks));
    if decimals != other {
        return "?".to_string();
    }
    let digits = format!("{:0>width$}", ask.saturating_sub(bid), width = decimals + 1);
    let (whole, part) = digits.split_at(digits.len() - decimals);
    if part.is_empty() { whole.to_string() } else { format!("{whole}.{part}") }
}

/// Price, quantity, and a bar as long as the quantity is large.
fn bar(
    market: &Market,
    (price, quantity): &Level,
    largest: u128,
    colour: Color,
    area: Rect,
    buffer: &mut Buffer,
) {
    let (price, shown) = (short(price, market.price_digits), short(quantity, market.quantity_digits));
    let text = Line::from(vec![
        Span::styled(format!("{price:>11}"), Style::new().fg(colour)),
        Span::raw(format!(" {shown:>10} ")),
    ]);
    let used = (text.width() as u16).min(area.width);
    text.render(area, buffer);
    let room = u128::from(area.width - used);
    // In eighths of a character.
    let eighths = (digits(quantity).min(largest) * room * 8 / largest) as usize;
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let drawn = format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8]);
    let place = Rect::new(area.x + used, area.y, area.width - used, 1);
    Line::styled(drawn, Style::new().fg(colour)).render(place, buffer);
}
