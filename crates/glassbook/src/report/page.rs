//! The report as one page: no other host, no library, readable without its script.

use std::fmt::Write;

use super::replay_report::{MarketReport, ReplayReport};
use super::svg::escape;
use super::{agreement_section, batch_chart, depth_map, figures, latency_chart, market_tables, price_chart};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const MARK: &str = "<svg class=\"mark\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><path d=\"M4 6h11v5H4zM8 13.5h7v5H8z\
                    M2 21h13v5H2z\" class=\"b\"/><path d=\"M17 6h8v5h-8zM17 13.5h13v5H17zM17 21h5v5h-5z\" class=\"a\"/></svg>";

/// The whole page.
pub fn render(report: &ReplayReport) -> String {
    let mut out = String::with_capacity(1 << 20);
    let source = escape(&report.source);
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>Glassbook replay – {source}</title><style>{STYLE}</style></head><body>"
    );
    header(&mut out, report, &source);
    out.push_str("<main>");
    for note in &report.notes {
        let _ = write!(out, "<p class=\"notice\" role=\"note\">{}</p>", escape(note));
    }
    key_figures(&mut out, report);
    if let Some(market) = report.busiest() {
        market_sections(&mut out, report, market);
    }
    if let Some(agreement) = &report.agreement {
        section(
            &mut out,
            "agreement",
            "Agreement with the recording",
            "",
            &agreement_section::render(report, agreement),
        );
    }
    let outcomes = market_tables::outcomes(report);
    let rejects = market_tables::rejects(report);
    let content = format!("{outcomes}<h3>Why commands were rejected</h3>{rejects}");
    let lead = "Every command has exactly one outcome, and a rejection is proved like a trade.";
    section(&mut out, "outcomes", "Commands and outcomes", lead, &content);
    section(
        &mut out,
        "latency",
        "Latency in the engine",
        "From a command to everything it did: balances, risk, matching, fees, events. Both axes are logarithmic.",
        &latency_chart::render(&report.latency),
    );
    batches(&mut out, report);
    let lead = format!(
        "{} commands were durable after {} and sealed after {}. The stages work at the same time on {}.",
        figures::count(report.commands()),
        figures::seconds(report.played_seconds),
        figures::seconds(report.sealed_seconds),
        escape(&report.machine)
    );
    section(&mut out, "pipeline", "Where the time goes", &lead, &market_tables::stages(report));
    out.push_str("</main>");
    let _ = write!(
        out,
        "<footer><p>Glassbook {} · this page holds all it needs; nothing is loaded from anywhere.</p></footer>",
        env!("CARGO_PKG_VERSION")
    );
    script(&mut out, report.busiest());
    out.push_str("</body></html>\n");
    out
}

fn header(out: &mut String, report: &ReplayReport, source: &str) {
    let samples = report.busiest().map(|market| market.history.samples.as_slice()).unwrap_or_default();
    let time = samples.first().zip(samples.last()).map_or(String::new(), |(first, last)| {
        format!(
            "{} {} to {} UTC · ",
            figures::date(last.timestamp.0),
            figures::time_of_day(first.timestamp.0, true, false),
            figures::time_of_day(last.timestamp.0, true, false)
        )
    });
    let name = source.rsplit(['/', '\\']).next().unwrap_or(source);
    let _ = write!(
        out,
        "<header><div class=\"brand\">{MARK}<span>Glassbook</span></div><nav aria-label=\"Sections\">"
    );
    for (id, name, shown) in [
        ("market", "Market", report.busiest().is_some()),
        ("agreement", "Agreement", report.agreement.is_some()),
        ("outcomes", "Outcomes", true),
        ("latency", "Latency", true),
        ("batches", "Batches", true),
        ("pipeline", "Pipeline", true),
    ] {
        if shown {
            let _ = write!(out, "<a href=\"#{id}\">{name}</a>");
        }
    }
    let _ = write!(
        out,
        "</nav></header><div class=\"title\"><p class=\"eyebrow\">Replay report</p><h1>{name}</h1>\
         <p class=\"quiet\">{time}{}</p></div>",
        escape(&report.machine)
    );
}

fn key_figures(out: &mut String, report: &ReplayReport) {
    let mut figures = vec![
        (
            figures::short(report.commands_per_second()),
            "commands a second",
            format!("{} in {}", figures::count(report.commands()), figures::seconds(report.played_seconds)),
        ),
        (
            figures::nanos(report.latency.p50 as f64),
            "median latency",
            format!(
                "p99 {}, p99.9 {}",
                figures::nanos(report.latency.p99 as f64),
                figures::nanos(report.latency.p999 as f64)
            ),
        ),
        (
            figures::count(report.trades()),
            "trades",
            match report.markets.len() {
                0 | 1 => report.busiest().map_or(String::new(), |market| escape(&market.name)),
                markets => format!("in {markets} markets"),
            },
        ),
        (
            figures::count(report.batches.len() as u64),
            "batches sealed",
            match report.batches.last() {
                Some(batch) => format!("root {}", figures::short_hash(&batch.state_root)),
                None => String::new(),
            },
        ),
    ];
    match &report.agreement {
        Some(agreement) => figures.push((
            figures::percent(agreement.maker_percent()),
            "makers as recorded",
            format!("price and quantity {}", figures::percent(agreement.terms_percent())),
        )),
        None => figures.push((
            figures::percent(report.rejected() as f64 * 100.0 / report.commands().max(1) as f64),
            "rejected",
            format!("{} commands", figures::count(report.rejected())),
        )),
    }
    out.push_str("<dl class=\"key\">");
    for (value, name, note) in figures {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{value}</dd><dd class=\"quiet\">{note}</dd></div>");
    }
    out.push_str("</dl>");
}

fn market_sections(out: &mut String, report: &ReplayReport, market: &MarketReport) {
    let name = escape(&market.name);
    let legend = "<p class=\"legend\"><span class=\"key-bid\">best bid</span><span class=\"key-ask\">best ask</span>\
                  <output id=\"price-read\" class=\"read\" aria-hidden=\"true\"></output></p>";
    let content = format!("{legend}{}", price_chart::render(market));
    section(out, "market", &format!("{name} price and spread"), "", &content);
    let legend = "<p class=\"legend\"><span class=\"ramp bid\">bids</span><span class=\"ramp ask\">asks</span>\
                  <span class=\"key-up\">bought</span><span class=\"key-down\">sold</span>\
                  <output id=\"depth-read\" class=\"read\" aria-hidden=\"true\"></output></p>";
    let content = format!(
        "{legend}{}<noscript><p class=\"notice\">The shades need this page's script; the trades and the table above \
         do not.</p></noscript><p class=\"quiet\">{}</p>",
        depth_map::render(market),
        escape(&depth_map::caption(market, report.agreement.is_some()))
    );
    section(out, "depth-map", &format!("{name} depth and trades"), "", &content);
    let lead = if report.markets.len() > 1 {
        "The pictures above are of the market with the most trades."
    } else {
        ""
    };
    section(out, "markets", "Markets", lead, &market_tables::markets(&report.markets));
}

fn batches(out: &mut String, report: &ReplayReport) {
    let count = report.batches.len().max(1) as f64;
    let witness: u64 = report.batches.iter().map(|batch| batch.witness_bytes).sum();
    let hashes: u64 = report.batches.iter().map(|batch| batch.tree_hashes).sum();
    let commands: u64 = report.batches.iter().map(|batch| batch.commands).sum();
    let lead = format!(
        "A batch is what will be proved: its commands, the state before and after, and a witness of the state it \
         touched. On average {} commands, {} of witness and {} tree hashes a command.",
        figures::short(commands as f64 / count),
        figures::bytes(witness as f64 / count),
        figures::short(hashes as f64 / commands.max(1) as f64)
    );
    let content = format!("{}{}", batch_chart::render(&report.batches), batch_chart::table(&report.batches));
    section(out, "batches", "Sealed batches", &lead, &content);
}

fn section(out: &mut String, id: &str, title: &str, lead: &str, content: &str) {
    let _ =
        write!(out, "<section id=\"{id}\" aria-labelledby=\"{id}-head\"><h2 id=\"{id}-head\">{title}</h2>");
    if !lead.is_empty() {
        let _ = write!(out, "<p class=\"lead\">{lead}</p>");
    }
    let _ = write!(out, "{content}</section>");
}

fn script(out: &mut String, market: Option<&MarketReport>) {
    if let Some(market) = market {
        let _ = write!(
            out,
            "<script>const series={{tick:{},decimals:{},lot:{},points:{}}};{SCRIPT}</script>",
            market.scale.tick,
            market.scale.decimals,
            market.scale.lot,
            price_chart::data(market)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::replay_report::{Latency, MarketScale, OutcomeRow};
    use flow::{DepthLevel, MarketHistory, MarketSample};
    use types::{MarketId, Price, Quantity, Timestamp};

    fn report(source: &str, samples: Vec<MarketSample>) -> ReplayReport {
        ReplayReport {
            source: source.to_owned(),
            notes: vec!["A <note>.".to_owned()],
            machine: "a machine".to_owned(),
            played_seconds: 1.0,
            sealed_seconds: 2.0,
            outcomes: vec![OutcomeRow { kind: "cancel".to_owned(), accepted: 3, rejected: 1 }],
            rejects: Vec::new(),
            markets: vec![MarketReport {
                name: "A&B/C".to_owned(),
                base: "A&B".to_owned(),
                quote: "C".to_owned(),
                scale: MarketScale { tick: 0.01, decimals: 2, lot: 1.0 },
                history: MarketHistory {
                    market: MarketId(0),
                    samples,
                    trades: 0,
                    volume: 0,
                    notional: 0,
                    first: None,
                    high: None,
                    low: None,
                    last: None,
                },
            }],
            agreement: Some(flow::Agreement::default()),
            batches: Vec::new(),
            stages: Vec::new(),
            latency: Latency::default(),
        }
    }

    fn sample(micros: u64, bid: u32, ask: u32) -> MarketSample {
        let level = |price| vec![DepthLevel { price: Price(price), quantity: Quantity(5) }];
        MarketSample {
            timestamp: Timestamp(micros),
            bids: level(bid),
            asks: level(ask),
            ..MarketSample::default()
        }
    }

    #[test]
    fn the_page_loads_nothing_and_no_text_leaves_its_place() {
        let samples = vec![sample(1_000_000, 100, 102), sample(2_000_000, 101, 103)];
        let page = render(&report("</title><script>alert(1)</script>", samples));
        for outside in ["http:", "https:", "//", "url(", "@import", "alert(1)</script>", "A&B", "<note>"] {
            let allowed = page.replace("A&amp;B", "");
            assert!(!allowed.contains(outside), "{outside}");
        }
        assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
        assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
        assert!(page.contains("points:[[1000,100,102,0,0,0],[2000,101,103,0,0,0]]"));
    }

    #[test]
    fn a_replay_of_nothing_still_has_a_page() {
        let mut nothing = report("nothing", Vec::new());
        assert!(render(&nothing).contains("No batch was sealed"));
        nothing.markets.clear();
        nothing.agreement = None;
        nothing.outcomes.clear();
        let page = render(&nothing);
        assert!(page.ends_with("</body></html>\n") && !page.contains("NaN"));
    }
}
