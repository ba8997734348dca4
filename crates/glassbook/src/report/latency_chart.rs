//! The distribution of latencies, both axes logarithmic: the tail is what matters.

use std::fmt::Write;

use super::figures;
use super::replay_report::Latency;
use super::scale::Scale;
use super::svg::{self, BOTTOM, PLOT, WIDTH};

const TOP: f64 = 34.0;
const HEIGHT: f64 = 260.0;

/// The picture and its table.
pub fn render(latency: &Latency) -> String {
    let mut out = String::new();
    let filled: Vec<(f64, f64, u64)> = bars(latency);
    let (Some(first), Some(last)) = (filled.first(), filled.last()) else {
        return "<p class=\"quiet\">No latencies were measured.</p>".to_owned();
    };
    let x = Scale::new(first.0.log10() - 0.05, last.1.log10() + 0.05, PLOT.0, PLOT.1);
    let most = filled.iter().map(|bar| bar.2).max().unwrap_or(1) as f64;
    // A single sample still has a visible bar.
    let y = Scale::new(-0.35, most.log10() + 0.1, HEIGHT, TOP);
    let title = format!(
        "Latency of {} commands: median {}, 99 % within {}, 99.9 % within {}, longest {}",
        figures::count(latency.count),
        figures::nanos(latency.p50 as f64),
        figures::nanos(latency.p99 as f64),
        figures::nanos(latency.p999 as f64),
        figures::nanos(latency.max as f64)
    );
    out.push_str("<p class=\"legend percentiles\">");
    for (name, value) in percentiles(latency) {
        let _ = write!(out, "<span>{name} <b>{}</b></span>", figures::nanos(value as f64));
    }
    out.push_str("</p><div class=\"picture\">");
    svg::open(&mut out, "latency", HEIGHT + BOTTOM, &title, "chart");
    for power in 0..=most.log10().floor() as i32 {
        let at = y.at(f64::from(power));
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"tick\" x=\"{}\" y=\"{:.1}\">{}</text>",
            PLOT.0,
            PLOT.1,
            PLOT.1 + 8.0,
            at + 4.0,
            figures::short(10f64.powi(power))
        );
    }
    for (from, to, count) in &filled {
        let (left, right) = (x.at(from.log10()), x.at(to.log10()));
        let top = y.at((*count as f64).log10());
        let tail = if *to as u64 > latency.p99 { " tail" } else { "" };
        let _ = write!(
            out,
            "<rect class=\"bar{tail}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>\
             {} to {}: {}</title></rect>",
            (right - left - 1.0).max(0.8),
            HEIGHT - top,
            figures::nanos(*from),
            figures::nanos(*to),
            figures::count(*count)
        );
    }
    marks(&mut out, latency, &x);
    let _ = write!(
        out,
        "<line class=\"axis\" x1=\"{}\" x2=\"{}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\"/>",
        PLOT.0, PLOT.1
    );
    let (low, high) = x.range();
    for power in low.ceil() as i32..=high.floor() as i32 {
        let at = x.at(f64::from(power));
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{HEIGHT}\" y2=\"{}\"/>\
             <text class=\"tick mid\" x=\"{at:.1}\" y=\"{}\">{}</text>",
            HEIGHT + 5.0,
            HEIGHT + 20.0,
            figures::nanos(10f64.powi(power))
        );
    }
    out.push_str("</svg></div>");
    out.push_str(&table(latency));
    out
}

/// Flags at the percentiles; labels that would overlap move up.
fn marks(out: &mut String, latency: &Latency, x: &Scale) {
    let mut free = [f64::MIN; 2];
    for (name, value) in percentiles(latency) {
        let at = x.at((value.max(1) as f64).log10());
        let label = format!("{name} {}", figures::nanos(value as f64));
        let width = label.chars().count() as f64 * 7.2 + 8.0;
        let left = (at + 4.0).min(WIDTH - width);
        let row = usize::from(free[0] > left);
        free[row] = left + width;
        let baseline = 13.0 + 15.0 * row as f64;
        let _ = write!(
            out,
            "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{HEIGHT}\"/>\
             <text class=\"mark-label\" x=\"{left:.1}\" y=\"{baseline}\">{label}</text>",
            baseline - 9.0
        );
    }
}

fn percentiles(latency: &Latency) -> [(&'static str, u64); 4] {
    [("p50", latency.p50), ("p99", latency.p99), ("p99.9", latency.p999), ("longest", latency.max)]
}

fn table(latency: &Latency) -> String {
    let mut out = String::from(
        "<details><summary>The distribution as a table</summary><div class=\"scroll\"><table><thead><tr>\
         <th scope=\"col\">Up to<th scope=\"col\">Commands<th scope=\"col\">Share<th scope=\"col\">\
         At most this</tr></thead><tbody>",
    );
    let total = latency.count.max(1) as f64;
    let mut sum = 0;
    for (_, to, count) in bars(latency) {
        sum += count;
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{}</tr>",
            figures::nanos(to),
            figures::count(count),
            figures::percent(count as f64 * 100.0 / total),
            figures::percent(sum as f64 * 100.0 / total)
        );
    }
    out.push_str("</tbody></table></div></details>");
    out
}

/// Lower bound, upper bound, samples; the empty ones left out.
fn bars(latency: &Latency) -> Vec<(f64, f64, u64)> {
    let mut bars = Vec::new();
    let mut previous = 0;
    for (upper, count) in &latency.buckets {
        if *count != 0 && *upper > previous {
            let from = if previous == 0 { *upper as f64 / 1.25 } else { previous as f64 };
            bars.push((from.max(0.8), (*upper).max(1) as f64, *count));
        }
        previous = previous.max(*upper);
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_a_bar_for_each_bucket_that_is_not_empty() {
        let latency = Latency {
            count: 111,
            p50: 100,
            p99: 900,
            p999: 1_000,
            max: 1_000,
            buckets: vec![(16, 0), (100, 100), (200, 0), (900, 10), (1_000, 1)],
        };
        let picture = render(&latency);
        assert_eq!(picture.matches("<rect class=\"bar").count(), 3);
        assert!(picture.contains("p99.9 1 µs</text>"));
        assert!(render(&Latency::default()).contains("No latencies"));
    }
}
