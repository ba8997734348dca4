//! How far the reconstruction agrees with the recording.

use std::fmt::Write;

use flow::{Agreement, DeviationKind};

use super::figures;
use super::replay_report::ReplayReport;

/// The section's content: the shares, what was inferred, and every exception.
pub fn render(report: &ReplayReport, agreement: &Agreement) -> String {
    let mut out = String::from("<div class=\"shares\">");
    let shares = [
        (
            agreement.terms_percent(),
            "price and quantity",
            format!(
                "{} of {} recorded executions traded at the recorded price and in the recorded quantity",
                figures::count(agreement.executions_at_terms),
                figures::count(agreement.executions)
            ),
        ),
        (
            agreement.maker_percent(),
            "maker",
            format!(
                "{} of {} traded with exactly the recorded order",
                figures::count(agreement.executions_with_maker),
                figures::count(agreement.executions)
            ),
        ),
        (
            agreement.quotes_at_once_percent(),
            "best quotes, at once",
            format!(
                "after {} of {} messages both best quotes were right before anything was inferred",
                figures::count(agreement.quotes_at_once),
                figures::count(agreement.messages)
            ),
        ),
        (
            agreement.quotes_percent(),
            "best quotes, in the end",
            format!(
                "after {} of {} messages they were right in the end",
                figures::count(agreement.quotes_in_the_end),
                figures::count(agreement.messages)
            ),
        ),
    ];
    for (percent, name, sentence) in shares {
        let _ = write!(
            out,
            "<div class=\"share\"><b>{}</b><span>{name}</span><div class=\"gauge\" aria-hidden=\"true\">\
             <i style=\"width:{percent:.3}%\"></i></div><p>{sentence}</p></div>",
            figures::percent(percent)
        );
    }
    let _ = write!(
        out,
        "</div><p class=\"lead\">The recording shows only what touched the best price. What must have happened unseen was \
         inferred from the quotes and from later messages, and sent as commands of their own: <b>{}</b> besides the \
         {} recorded. {} executions named a maker whose submission was not recorded; such an order was placed where its \
         number says that it entered. None was moved to the front because it was about to trade.</p>",
        figures::count(agreement.inferred.total()),
        figures::count(
            agreement.submissions + agreement.reductions + agreement.deletions + agreement.executions
        ),
        figures::count(agreement.executions_of_unseen)
    );
    out.push_str("<div class=\"two\">");
    out.push_str(&counts("Recorded", &recorded(agreement)));
    out.push_str(&counts("Inferred", &inferred(agreement)));
    out.push_str("</div>");
    out.push_str(&deviations(report, agreement));
    out
}

/// What the recording holds.
pub fn recorded(agreement: &Agreement) -> Vec<(&'static str, u64)> {
    let mut rows = vec![
        ("orders submitted", agreement.submissions),
        ("partial cancellations", agreement.reductions),
        ("whole cancellations", agreement.deletions),
        ("executions of visible orders", agreement.executions),
        ("executions of hidden orders, skipped", agreement.hidden_executions),
    ];
    for (name, count) in [
        ("auctions and halts, skipped", agreement.other),
        ("cancellations of orders that did not rest here", agreement.unknown_cancels),
        ("trades on arrival that the recording has not", agreement.unexpected_fills),
        ("commands rejected by the rules", agreement.rejected),
    ] {
        if count != 0 {
            rows.push((name, count));
        }
    }
    rows
}

/// What was inferred.
pub fn inferred(agreement: &Agreement) -> Vec<(&'static str, u64)> {
    vec![
        ("orders that entered unseen, named later", agreement.inferred.named_orders),
        ("orders that entered unseen, never named", agreement.inferred.anonymous_orders),
        ("orders that left unseen", agreement.inferred.cancels),
        ("orders that shrank unseen", agreement.inferred.reductions),
    ]
}

fn counts(title: &str, rows: &[(&'static str, u64)]) -> String {
    let mut out = format!(
        "<table class=\"counts\"><caption>{title}</caption><thead class=\"unseen\"><tr><th scope=\"col\">What\
         <th scope=\"col\">How many</tr></thead><tbody>"
    );
    for (name, count) in rows {
        let _ = write!(out, "<tr><th scope=\"row\">{name}<td>{}</tr>", figures::count(*count));
    }
    out.push_str("</tbody></table>");
    out
}

fn deviations(report: &ReplayReport, agreement: &Agreement) -> String {
    if agreement.deviations.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<details><summary>{} that differ</summary><div class=\"scroll\"><table><thead><tr>\
         <th scope=\"col\">Line<th scope=\"col\">Price<th scope=\"col\">Quantity<th scope=\"col\">Recorded maker\
         <th scope=\"col\" class=\"left\">Here</tr></thead><tbody>",
        if agreement.deviations.len() == Agreement::MAX_DEVIATIONS {
            format!("The first {} executions", Agreement::MAX_DEVIATIONS)
        } else {
            format!("The {} executions", agreement.deviations.len())
        }
    );
    let scale = report.markets.first().map(|market| market.scale);
    for deviation in &agreement.deviations {
        let here = match deviation.kind {
            DeviationKind::Terms { traded } => {
                format!("only {} traded at that price", figures::count(traded))
            }
            DeviationKind::Maker { instead: Some(order) } => format!("traded with {order}"),
            DeviationKind::Maker { instead: None } => "traded with an order that no message names".to_owned(),
        };
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}<td class=\"left\">{here}</tr>",
            figures::count(deviation.line),
            scale.map_or(deviation.price.to_string(), |scale| scale.price(deviation.price)),
            figures::count(deviation.quantity),
            deviation.maker
        );
    }
    out.push_str("</tbody></table></div></details>");
    out
}
