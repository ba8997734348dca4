//! Price and spread over time.

use std::fmt::Write;

use flow::MarketSample;

use super::figures;
use super::replay_report::MarketReport;
use super::scale::Scale;
use super::svg::{self, BOTTOM, PLOT};

const PRICE: (f64, f64) = (10.0, 300.0);
const SPREAD: (f64, f64) = (322.0, 392.0);

/// The picture, its read-out, and its table.
pub fn render(market: &MarketReport) -> String {
    let samples = &market.history.samples;
    let mut out = String::new();
    let quoted: Vec<&MarketSample> =
        samples.iter().filter(|sample| sample.bid().or(sample.ask()).is_some()).collect();
    let (Some(first), Some(last)) = (quoted.first(), quoted.last()) else { return out };
    let seconds = |sample: &MarketSample| sample.timestamp.0 as f64 / 1e6;
    let time = Scale::new(seconds(first), seconds(last), PLOT.0, PLOT.1);
    let prices = || {
        let ends = |sample: &&MarketSample| [sample.bid(), sample.ask()];
        quoted.iter().flat_map(ends).flatten().map(|price| f64::from(price.0))
    };
    let (low, high) = (prices().fold(f64::MAX, f64::min), prices().fold(0.0, f64::max));
    let room = (high - low).max(1.0) * 0.06;
    let price = Scale::new(low - room, high + room, PRICE.1, PRICE.0);
    let spread = |sample: &MarketSample| Some(f64::from(sample.ask()?.0) - f64::from(sample.bid()?.0));
    let mut spreads: Vec<f64> = quoted.iter().filter_map(|sample| spread(sample)).collect();
    spreads.sort_by(f64::total_cmp);
    // The widest hundredth may leave the picture; else one outlier flattens all the rest.
    let widest = spreads.get(spreads.len() * 99 / 100).or(spreads.last()).copied().unwrap_or(1.0);
    let spread_scale = Scale::new(0.0, widest * 1.15, SPREAD.1, SPREAD.0);
    let median = spreads.get(spreads.len() / 2).copied().unwrap_or(0.0);

    let flag = market
        .history
        .last
        .map(|last| (last, price.at(f64::from(last.0)).clamp(PRICE.0 + 9.0, PRICE.1 - 9.0)));
    let title = format!(
        "{} from {} to {} UTC: price between {} and {}, median spread {}",
        market.name,
        figures::time_of_day(first.timestamp.0, true, false),
        figures::time_of_day(last.timestamp.0, true, false),
        market.scale.price_of(low),
        market.scale.price_of(high),
        market.scale.price_of(median)
    );
    out.push_str("<div class=\"picture\" data-chart=\"price\">");
    svg::open(&mut out, "price", SPREAD.1 + BOTTOM, &title, "chart");
    svg::price_axis(&mut out, &price, 6, flag.map(|flag| flag.1), |ticks| market.scale.price_of(ticks));
    svg::price_axis(&mut out, &spread_scale, 2, None, |ticks| market.scale.price_of(ticks));
    let at = |value: Option<f64>, sample: &MarketSample, scale: &Scale| {
        value.map(|value| (time.at(seconds(sample)), scale.at(value)))
    };
    let line = |of: &dyn Fn(&MarketSample) -> Option<f64>, scale: &Scale| {
        svg::path(quoted.iter().map(|sample| at(of(sample), sample, scale)))
    };
    let bid = |sample: &MarketSample| sample.bid().map(|price| f64::from(price.0));
    let ask = |sample: &MarketSample| sample.ask().map(|price| f64::from(price.0));
    let both: Vec<&&MarketSample> = quoted.iter().filter(|sample| spread(sample).is_some()).collect();
    let around = both
        .iter()
        .map(|sample| at(ask(sample), sample, &price))
        .chain(both.iter().rev().map(|sample| at(bid(sample), sample, &price)));
    let clipped = |sample: &MarketSample| spread(sample).map(|spread| spread.min(widest * 1.15));
    let _ = write!(
        out,
        "<path class=\"between\" d=\"{}Z\"/><path class=\"bid-line\" d=\"{}\"/><path class=\"ask-line\" d=\"{}\"/>",
        svg::path(around),
        line(&bid, &price),
        line(&ask, &price)
    );
    let _ = write!(
        out,
        "<path class=\"spread-area\" d=\"{}L{:.1} {}L{:.1} {}Z\"/>\
         <line class=\"median\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <text class=\"note\" x=\"{}\" y=\"{:.1}\">spread, median {}</text>",
        line(&clipped, &spread_scale),
        time.at(seconds(last)),
        SPREAD.1,
        time.at(seconds(first)),
        SPREAD.1,
        PLOT.0,
        PLOT.1,
        PLOT.0 + 8.0,
        SPREAD.0 - 4.0,
        market.scale.price_of(median),
        y = spread_scale.at(median)
    );
    let _ = write!(
        out,
        "<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{b}\" y2=\"{b}\"/>",
        PLOT.0,
        PLOT.1,
        b = SPREAD.1
    );
    svg::time_axis(&mut out, &time, SPREAD.1);
    if let Some((end, y)) = flag {
        let _ = write!(
            out,
            "<g class=\"flag\"><rect x=\"{}\" y=\"{:.1}\" width=\"{}\" height=\"18\" rx=\"2\"/>\
             <text x=\"{}\" y=\"{:.1}\">{}</text></g>",
            PLOT.1 + 3.0,
            y - 9.0,
            svg::RIGHT - 4.0,
            PLOT.1 + 8.0,
            y + 4.0,
            market.scale.price(end)
        );
    }
    out.push_str("<line class=\"cursor\" x1=\"0\" x2=\"0\" y1=\"10\" y2=\"392\"/></svg></div>");
    out.push_str(&table(market, &quoted));
    out
}

/// The series in two dozen rows, for those who read rather than look.
fn table(market: &MarketReport, quoted: &[&MarketSample]) -> String {
    let mut out = String::from(
        "<details><summary>The series as a table</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\">\
         Time (UTC)<th scope=\"col\">Bid<th scope=\"col\">Ask<th scope=\"col\">Spread<th scope=\"col\">Last trade\
         <th scope=\"col\">On the bids<th scope=\"col\">On the asks</tr></thead><tbody>",
    );
    let step = quoted.len().div_ceil(24).max(1);
    for sample in quoted.iter().step_by(step) {
        let price =
            |price: Option<types::Price>| price.map_or("–".to_owned(), |price| market.scale.price(price));
        let spread =
            sample.ask().zip(sample.bid()).map(|(ask, bid)| types::Price(ask.0.saturating_sub(bid.0)));
        let resting = |levels: &[flow::DepthLevel]| {
            let lots: u64 = levels.iter().map(|level| level.quantity.0).sum();
            figures::short(market.scale.volume(lots.into()))
        };
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
            figures::time_of_day(sample.timestamp.0, true, true),
            price(sample.bid()),
            price(sample.ask()),
            price(spread),
            price(Some(sample.last).filter(|last| last.0 != 0)),
            resting(&sample.bids),
            resting(&sample.asks)
        );
    }
    out.push_str("</tbody></table></div></details>");
    out
}

/// What the page's script reads out under the cursor: time, bid, ask, last, and what takers bought and sold.
pub fn data(market: &MarketReport) -> String {
    let mut out = String::from("[");
    let quoted = market.history.samples.iter().filter(|sample| sample.bid().or(sample.ask()).is_some());
    for (at, sample) in quoted.enumerate() {
        let price = |price: Option<types::Price>| price.map_or(0, |price| price.0);
        let _ = write!(
            out,
            "{}[{},{},{},{},{},{}]",
            if at == 0 { "" } else { "," },
            sample.timestamp.0 / 1_000,
            price(sample.bid()),
            price(sample.ask()),
            sample.last.0,
            sample.bought,
            sample.sold
        );
    }
    out.push(']');
    out
}
