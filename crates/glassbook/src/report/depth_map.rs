//! The depth of the book over time as a heat map, with the largest trades on it.
//!
//! The cells are one byte each and drawn by the page's script on a canvas, in the colours of the reader's theme;
//! axes and trades are drawn here.

use std::fmt::Write;

use flow::{MarketSample, TradePoint};

use super::figures;
use super::replay_report::MarketReport;
use super::scale::Scale;
use super::svg::{self, BOTTOM, PLOT};

const TOP: f64 = 2.0;
const HEIGHT: f64 = 420.0;
const MAX_COLUMNS: usize = 480;
const MAX_ROWS: usize = 140;
const MAX_TRADES: usize = 360;
/// Shades of each side.
const SHADES: f64 = 100.0;

/// Resting quantity by time and price.
struct Grid {
    columns: usize,
    rows: usize,
    /// By column, then row from the highest price down: 0 empty, 1 to 100 bids, 101 to 200 asks.
    cells: Vec<u8>,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

/// The picture; the cells are in an attribute.
pub fn render(market: &MarketReport) -> String {
    let mut out = String::new();
    let Some(grid) = grid(&market.history.samples) else { return out };
    let time = Scale::new(grid.from, grid.to, PLOT.0, PLOT.1);
    let price = Scale::new(grid.low, grid.high, HEIGHT, TOP);
    let title = format!(
        "Resting quantity of {} by time and price, between {} and {}, with the largest trades",
        market.name,
        market.scale.price_of(grid.low),
        market.scale.price_of(grid.high)
    );
    let _ = write!(
        out,
        "<div class=\"picture\" data-chart=\"depth\"><canvas id=\"depth\" width=\"{}\" height=\"{}\" \
         data-cells=\"{}\" aria-hidden=\"true\"></canvas>",
        grid.columns,
        grid.rows,
        base64(&grid.cells)
    );
    svg::open(&mut out, "depth", HEIGHT + BOTTOM, &title, "chart over");
    svg::price_axis(&mut out, &price, 7, None, |ticks| market.scale.price_of(ticks));
    svg::time_axis(&mut out, &time, HEIGHT);
    out.push_str(&trades(market, &time, &price));
    let _ = write!(
        out,
        "<rect class=\"frame\" x=\"{}\" y=\"{TOP}\" width=\"{}\" height=\"{}\"/>\
         <line class=\"cursor\" x1=\"0\" x2=\"0\" y1=\"{TOP}\" y2=\"{HEIGHT}\"/></svg></div>",
        PLOT.0,
        PLOT.1 - PLOT.0,
        HEIGHT - TOP
    );
    out
}

/// Triangles, up for takers who buy; their area grows with the quantity.
fn trades(market: &MarketReport, time: &Scale, price: &Scale) -> String {
    let samples = &market.history.samples;
    let buys = samples.iter().filter_map(|sample| sample.largest_buy.map(|trade| (true, trade)));
    let sells = samples.iter().filter_map(|sample| sample.largest_sell.map(|trade| (false, trade)));
    let mut largest: Vec<(bool, TradePoint)> = buys.chain(sells).collect();
    largest.sort_by_key(|(_, trade)| std::cmp::Reverse(trade.quantity));
    largest.truncate(MAX_TRADES);
    let Some((_, top)) = largest.first() else { return String::new() };
    let most = top.quantity.0.max(1) as f64;
    let mut out = String::from("<g class=\"trades\">");
    for (bought, trade) in largest.iter().rev() {
        let x = time.at(trade.timestamp.0 as f64 / 1e6);
        let y = price.at(f64::from(trade.price.0));
        if !(PLOT.0..=PLOT.1).contains(&x) || !(TOP..=HEIGHT).contains(&y) {
            continue;
        }
        let r = 2.2 + 6.8 * (trade.quantity.0 as f64 / most).sqrt();
        let (class, up) = if *bought { ("buy", -1.0) } else { ("sell", 1.0) };
        let _ = write!(
            out,
            "<path class=\"{class}\" d=\"M{x:.1} {:.1}l{:.1} {:.1}h{:.1}z\"/>",
            y + up * r,
            r * 0.9,
            -up * r * 1.6,
            -r * 1.8
        );
    }
    out.push_str("</g>");
    out
}

fn grid(samples: &[MarketSample]) -> Option<Grid> {
    let quoted: Vec<&MarketSample> =
        samples.iter().filter(|sample| sample.bid().is_some() || sample.ask().is_some()).collect();
    let (first, last) = (quoted.first()?, quoted.last()?);
    let best = quoted.iter().flat_map(|sample| [sample.bid(), sample.ask()]).flatten();
    let mut prices: Vec<f64> = best.map(|price| f64::from(price.0)).collect();
    prices.sort_by(f64::total_cmp);
    // Quotes that hardly ever were the best would squeeze all others.
    let (bottom, top) = (prices[prices.len() / 500], prices[prices.len() - 1 - prices.len() / 500]);
    let room = ((top - bottom) * 0.08).max(12.0);
    let (low, high) = ((bottom - room).max(0.0).floor(), (top + room).ceil());
    let step = ((high - low) / MAX_ROWS as f64).ceil().max(1.0);
    let rows = ((high - low) / step).ceil() as usize;
    let high = low + step * rows as f64;
    let columns = quoted.len().min(MAX_COLUMNS);

    let mut quantities = vec![(0.0f64, 0.0f64); columns * rows];
    let mut merged = vec![0.0f64; columns];
    for (at, sample) in quoted.iter().enumerate() {
        let column = at * columns / quoted.len();
        merged[column] += 1.0;
        for (levels, is_ask) in [(&sample.bids, false), (&sample.asks, true)] {
            for level in levels {
                let row = (high - f64::from(level.price.0) - 0.5) / step;
                if row < 0.0 || row as usize >= rows {
                    continue;
                }
                let cell = &mut quantities[column * rows + row as usize];
                *(if is_ask { &mut cell.1 } else { &mut cell.0 }) += level.quantity.0 as f64;
            }
        }
    }
    for (cell, quantity) in quantities.iter_mut().enumerate() {
        let samples = merged[cell / rows].max(1.0);
        *quantity = (quantity.0 / samples, quantity.1 / samples);
    }
    let mut filled: Vec<f64> =
        quantities.iter().map(|cell| cell.0.max(cell.1)).filter(|quantity| *quantity > 0.0).collect();
    filled.sort_by(f64::total_cmp);
    let most =
        filled.get(filled.len().saturating_sub(1 + filled.len() / 200)).copied().unwrap_or(1.0).max(1.0);
    let least = filled.get(filled.len() / 50).copied().unwrap_or(0.0);
    let shade = |quantity: f64| {
        let share = ((1.0 + quantity) / (1.0 + least)).ln() / ((1.0 + most) / (1.0 + least)).ln().max(1e-9);
        (1.0 + (SHADES - 1.0) * share.clamp(0.0, 1.0)) as u8
    };
    let cells = quantities
        .iter()
        .map(|&(bids, asks)| match (bids, asks) {
            (0.0, 0.0) => 0,
            (bids, asks) if bids >= asks => shade(bids),
            (_, asks) => shade(asks) + SHADES as u8,
        })
        .collect();
    Some(Grid {
        columns,
        rows,
        cells,
        low,
        high,
        from: first.timestamp.0 as f64 / 1e6,
        to: last.timestamp.0 as f64 / 1e6,
    })
}

/// What a reader should know about the picture.
pub fn caption(market: &MarketReport, recorded: bool) -> String {
    let largest = market
        .history
        .samples
        .iter()
        .flat_map(|sample| [sample.largest_buy, sample.largest_sell])
        .flatten()
        .max_by_key(|trade| trade.quantity);
    let largest = largest.map_or(String::new(), |trade| {
        format!(
            " The largest trade: {} {} at {}.",
            figures::short(market.scale.volume(trade.quantity.0.into())),
            market.base,
            market.scale.price(trade.price)
        )
    });
    let unseen = if recorded {
        " Behind the best price a recording shows nothing: there, an order stays until something says that it left."
    } else {
        ""
    };
    format!(
        "The stronger the colour, the more rests at that price (logarithmic). Triangles are the largest trades of \
         their interval: up where the taker bought, down where the taker sold.{largest}{unseen}"
    )
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use flow::DepthLevel;
    use types::{Price, Quantity, Timestamp};

    #[test]
    fn base64_is_that_of_the_standard() {
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn cells_are_where_quantity_rests() {
        let level = |price, quantity| DepthLevel { price: Price(price), quantity: Quantity(quantity) };
        let sample = MarketSample {
            timestamp: Timestamp(1_000_000),
            bids: vec![level(100, 5)],
            asks: vec![level(102, 500)],
            ..MarketSample::default()
        };
        let grid = grid(&[sample]).unwrap();
        assert_eq!((grid.columns, grid.low, grid.high), (1, 88.0, 114.0));
        let row = |price: f64| grid.cells[(grid.high - price - 0.5) as usize];
        assert!((1..=100).contains(&row(100.0)));
        assert_eq!(row(102.0), 200);
        assert_eq!(grid.cells.iter().filter(|cell| **cell != 0).count(), 2);
    }

    #[test]
    fn nothing_gives_no_picture() {
        assert!(grid(&[]).is_none());
        assert!(grid(&[MarketSample::default()]).is_none());
    }
}
