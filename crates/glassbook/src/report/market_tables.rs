//! Tables of what happened: markets, commands by kind and outcome, rejections, stages of the pipeline.

use std::fmt::Write;

use super::figures;
use super::replay_report::{MarketReport, ReplayReport};
use super::svg::escape;

/// A row a market.
pub fn markets(markets: &[MarketReport]) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\" class=\"left\">Market<th scope=\"col\">Trades\
         <th scope=\"col\">Volume<th scope=\"col\">Notional<th scope=\"col\">First<th scope=\"col\">High\
         <th scope=\"col\">Low<th scope=\"col\">Last<th scope=\"col\">Change</tr></thead><tbody>",
    );
    for market in markets {
        let history = &market.history;
        let price =
            |price: Option<types::Price>| price.map_or("–".to_owned(), |price| market.scale.price(price));
        let (change, class) = change(market).map_or(("–".to_owned(), ""), |change| {
            (format!("{change:+.2} %"), if change < 0.0 { "down" } else { "up" })
        });
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}<td>{}<td>{} {}<td>{} {}<td>{}<td>{}<td>{}<td>{}<td class=\"{class}\">{change}</tr>",
            escape(&market.name),
            figures::count(history.trades),
            figures::short(market.scale.volume(history.volume)),
            escape(&market.base),
            figures::short(market.scale.notional(history.notional)),
            escape(&market.quote),
            price(history.first),
            price(history.high),
            price(history.low),
            price(history.last)
        );
    }
    out.push_str("</tbody></table></div>");
    out
}

/// From the first trade to the last, in per cent.
pub fn change(market: &MarketReport) -> Option<f64> {
    let (first, last) = market.history.first.zip(market.history.last)?;
    Some((f64::from(last.0) / f64::from(first.0) - 1.0) * 100.0)
}

/// A row a kind, with a bar for its share of all commands and of what was rejected.
pub fn outcomes(report: &ReplayReport) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table class=\"outcomes\"><thead><tr><th scope=\"col\" class=\"left\">Command\
         <th scope=\"col\">Commands<th scope=\"col\">Accepted<th scope=\"col\">Rejected<th scope=\"col\" \
         class=\"left wide\">Accepted and rejected</tr></thead><tbody>",
    );
    let most = report.outcomes.iter().map(|row| row.accepted + row.rejected).max().unwrap_or(1).max(1) as f64;
    for row in &report.outcomes {
        let all = row.accepted + row.rejected;
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}<td>{}<td>{}<td{}>{}<td class=\"left\"><span class=\"meter\" aria-hidden=\"true\">\
             <i style=\"width:{:.2}%\"></i><b style=\"width:{:.2}%\"></b></span></tr>",
            escape(&row.kind),
            figures::count(all),
            figures::count(row.accepted),
            if row.rejected == 0 { " class=\"none\"" } else { "" },
            figures::count(row.rejected),
            row.accepted as f64 * 100.0 / most,
            row.rejected as f64 * 100.0 / most
        );
    }
    let _ = write!(
        out,
        "</tbody><tfoot><tr><th scope=\"row\">all<td>{}<td>{}<td>{}<td></tr></tfoot></table></div>",
        figures::count(report.commands()),
        figures::count(report.commands() - report.rejected()),
        figures::count(report.rejected())
    );
    out
}

/// A row a reason.
pub fn rejects(report: &ReplayReport) -> String {
    if report.rejects.is_empty() {
        return "<p class=\"quiet\">Nothing was rejected.</p>".to_owned();
    }
    let mut out = String::from(
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Code<th scope=\"col\">Commands\
         <th scope=\"col\" class=\"left\">Reason<th scope=\"col\" class=\"left\">Of</tr></thead><tbody>",
    );
    for row in &report.rejects {
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td class=\"left\">{}<td class=\"left quiet\">{}</tr>",
            row.code,
            figures::count(row.count),
            escape(row.sentence),
            escape(&row.kinds.join(", "))
        );
    }
    out.push_str("</tbody></table></div>");
    out
}

/// A row a stage, with a bar for the share of the whole time that it was at work.
pub fn stages(report: &ReplayReport) -> String {
    let mut out = String::from(
        "<div class=\"scroll\"><table class=\"outcomes\"><thead><tr><th scope=\"col\" class=\"left\">Stage\
         <th scope=\"col\">At work<th scope=\"col\">A command<th scope=\"col\" class=\"left wide\">Share of the time\
         </tr></thead><tbody>",
    );
    let commands = report.commands().max(1) as f64;
    for stage in &report.stages {
        let share = stage.seconds * 100.0 / report.sealed_seconds.max(1e-9);
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}<td>{}<td>{}<td class=\"left\"><span class=\"meter\" aria-hidden=\"true\">\
             <i style=\"width:{:.2}%\"></i></span> <span class=\"quiet\">{share:.0} %</span></tr>",
            escape(stage.name),
            figures::seconds(stage.seconds),
            figures::nanos(stage.seconds * 1e9 / commands),
            share.min(100.0) * 0.8
        );
    }
    out.push_str("</tbody></table></div>");
    out
}
