//! The sealed batches: three rows of bars, and all of their figures.

use std::fmt::Write;

use super::figures;
use super::replay_report::BatchRow;
use super::scale::Scale;
use super::svg::{self, PLOT};

const ROW: f64 = 66.0;
const GAP: f64 = 24.0;
/// More bars than this are drawn as averages of neighbours.
const MAX_BARS: usize = 240;
/// Rows of the table that are always shown.
const SHOWN: usize = 12;

/// The picture.
pub fn render(batches: &[BatchRow]) -> String {
    if batches.is_empty() {
        return "<p class=\"quiet\">No batch was sealed.</p>".to_owned();
    }
    let group = batches.len().div_ceil(MAX_BARS);
    let groups: Vec<&[BatchRow]> = batches.chunks(group).collect();
    type Value = (&'static str, fn(&BatchRow) -> f64, fn(f64) -> String);
    let rows: [Value; 3] = [
        ("commands", |batch| batch.commands as f64, figures::short),
        ("witness", |batch| batch.witness_bytes as f64, figures::bytes),
        ("shadow", |batch| batch.shadow_millis, |millis| figures::nanos(millis * 1e6)),
    ];
    let height = rows.len() as f64 * (ROW + GAP) + 22.0;
    let title = format!(
        "{} batches with {} commands; size, witness and time in the shadow of each",
        figures::count(batches.len() as u64),
        figures::count(batches.iter().map(|batch| batch.commands).sum())
    );
    let x = Scale::new(0.0, groups.len() as f64, PLOT.0, PLOT.1);
    let mut out = String::from("<div class=\"picture\">");
    svg::open(&mut out, "batches", height, &title, "chart");
    for (at, (name, value, label)) in rows.into_iter().enumerate() {
        let bottom = (at as f64 + 1.0) * (ROW + GAP);
        let mean = |group: &[BatchRow]| group.iter().map(value).sum::<f64>() / group.len() as f64;
        let most = groups.iter().map(|group| mean(group)).fold(0.0, f64::max);
        let y = Scale::new(0.0, most * 1.02, bottom, bottom - ROW);
        let all = mean(batches);
        let _ = write!(
            out,
            "<text class=\"note\" x=\"{}\" y=\"{}\">{name}</text>\
             <text class=\"tick\" x=\"{}\" y=\"{:.1}\">{}</text><text class=\"tick\" x=\"{}\" y=\"{bottom}\">0</text>",
            PLOT.0,
            bottom - ROW - 6.0,
            PLOT.1 + 8.0,
            bottom - ROW + 9.0,
            label(most),
            PLOT.1 + 8.0
        );
        for (bar, group) in groups.iter().enumerate() {
            let value = mean(group);
            let (left, right) = (x.at(bar as f64), x.at(bar as f64 + 1.0));
            let gap = if right - left > 4.0 { 1.5 } else { 0.4 };
            let top = y.at(value);
            let _ = write!(
                out,
                "<rect class=\"bar row{at}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>\
                 {}: {} {name}</title></rect>",
                (right - left - gap).max(0.6),
                bottom - top,
                numbers(group),
                label(value)
            );
        }
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{bottom}\" y2=\"{bottom}\"/>\
             <line class=\"median\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            PLOT.0,
            PLOT.1,
            PLOT.0,
            PLOT.1,
            y = y.at(all)
        );
    }
    let bottom = height - 4.0;
    let first = batches.first().map_or(0, |batch| batch.number);
    let last = batches.last().map_or(0, |batch| batch.number);
    let _ = write!(
        out,
        "<text class=\"tick\" x=\"{}\" y=\"{bottom}\">batch {first}</text>\
         <text class=\"tick end\" x=\"{}\" y=\"{bottom}\">batch {last}</text></svg></div>",
        PLOT.0, PLOT.1
    );
    out
}

/// The table; all but the first rows are folded away.
pub fn table(batches: &[BatchRow]) -> String {
    let mut out = String::new();
    let head = "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Batch<th scope=\"col\">Sequence\
                <th scope=\"col\">Commands<th scope=\"col\">Signatures<th scope=\"col\">Witness<th scope=\"col\">\
                Tree hashes<th scope=\"col\">Shadow<th scope=\"col\" class=\"left\">State root<th scope=\"col\" \
                class=\"left\">Events root</tr></thead><tbody>";
    let rows = |batches: &[BatchRow]| batches.iter().map(row).collect::<String>();
    let shown = if batches.len() <= SHOWN + 3 { batches.len() } else { SHOWN };
    let (first, rest) = batches.split_at(shown);
    if first.is_empty() {
        return out;
    }
    let _ = write!(out, "{head}{}</tbody></table></div>", rows(first));
    if !rest.is_empty() {
        let _ = write!(
            out,
            "<details><summary>{} more batches</summary>{head}{}</tbody></table></div></details>",
            figures::count(rest.len() as u64),
            rows(rest)
        );
    }
    out
}

fn row(batch: &BatchRow) -> String {
    let hash = |hash: &[u8; 32]| {
        format!(
            "<td class=\"left\"><code class=\"hash\" title=\"{}\">{}</code>",
            figures::hash_text(hash),
            figures::short_hash(hash)
        )
    };
    format!(
        "<tr><td>{}<td>{}–{}<td>{}<td>{}<td>{}<td>{}<td>{}{}{}</tr>",
        figures::count(batch.number),
        figures::count(batch.first),
        figures::count(batch.last),
        figures::count(batch.commands),
        figures::count(batch.signatures),
        figures::bytes(batch.witness_bytes as f64),
        figures::count(batch.tree_hashes),
        figures::nanos(batch.shadow_millis * 1e6),
        hash(&batch.state_root),
        hash(&batch.events_root)
    )
}

fn numbers(group: &[BatchRow]) -> String {
    match group {
        [only] => format!("batch {}", only.number),
        [first, .., last] => format!("batches {} to {}, on average", first.number, last.number),
        [] => String::new(),
    }
}
