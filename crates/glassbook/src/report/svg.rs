//! Drawing: the frame that all pictures share, and text that is safe in a page.

use std::fmt::Write;

use super::figures;
use super::scale::Scale;

/// Width of every picture, in its own units.
pub const WIDTH: f64 = 1_040.0;
/// Room for the labels right of the plot.
pub const RIGHT: f64 = 76.0;
/// Where plots begin and end.
pub const PLOT: (f64, f64) = (2.0, WIDTH - RIGHT);
/// Room for the labels below the plot.
pub const BOTTOM: f64 = 26.0;

/// Opens a picture. The title is read to those who do not see it.
pub fn open(out: &mut String, id: &str, height: f64, title: &str, class: &str) {
    let _ = write!(
        out,
        "<svg class=\"{class}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"{id}-title\">\
         <title id=\"{id}-title\">{}</title>",
        escape(title)
    );
}

/// Horizontal lines with labels at the right, except where a flag stands.
pub fn price_axis(
    out: &mut String,
    scale: &Scale,
    wanted: usize,
    flag: Option<f64>,
    label: impl Fn(f64) -> String,
) {
    for value in scale.ticks(wanted) {
        let y = scale.at(value);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>",
            PLOT.0, PLOT.1
        );
        if flag.is_none_or(|flag| (flag - y).abs() > 17.0) {
            let _ = write!(
                out,
                "<text class=\"tick\" x=\"{}\" y=\"{:.1}\">{}</text>",
                PLOT.1 + 8.0,
                y + 4.0,
                escape(&label(value))
            );
        }
    }
}

/// Times below the plot; the scale is in seconds since the epoch.
pub fn time_axis(out: &mut String, scale: &Scale, bottom: f64) {
    let (low, high) = scale.range();
    let span = high - low;
    for (at, value) in scale.time_ticks(7).into_iter().enumerate() {
        let x = scale.at(value);
        if x > PLOT.1 - 20.0 {
            continue;
        }
        let label = figures::time_of_day((value * 1e6).round() as u64, span < 1_200.0, span < 5.0);
        let minor = if at % 2 == 1 { " minor" } else { "" };
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom}\" y2=\"{}\"/>\
             <text class=\"tick mid{minor}\" x=\"{x:.1}\" y=\"{}\">{label}</text>",
            bottom + 5.0,
            bottom + 20.0
        );
    }
}

/// A line through points; `None` breaks it.
pub fn path(points: impl Iterator<Item = Option<(f64, f64)>>) -> String {
    let mut out = String::new();
    let mut pen = 'M';
    for point in points {
        match point {
            Some((x, y)) => {
                let _ = write!(out, "{pen}{x:.1} {y:.1}");
                pen = 'L';
            }
            None => pen = 'M',
        }
    }
    out
}

/// Text that is safe between tags and in attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_leave_its_place() {
        assert_eq!(escape("<script>\"'&"), "&lt;script&gt;&quot;&#39;&amp;");
    }

    #[test]
    fn a_gap_breaks_a_line() {
        let points = [Some((0.0, 1.0)), Some((1.0, 2.0)), None, Some((3.0, 4.0))];
        assert_eq!(path(points.into_iter()), "M0.0 1.0L1.0 2.0M3.0 4.0");
    }
}
