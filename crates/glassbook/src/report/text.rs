//! The report for the terminal.

use super::replay_report::ReplayReport;
use super::{agreement_section, figures, market_tables};

/// Rows of aligned columns: the first to the left, the others to the right.
struct Table {
    rows: Vec<Vec<String>>,
    /// Columns from this one on are aligned to the left.
    left_from: usize,
}

/// All of it, with a line end.
pub fn render(report: &ReplayReport) -> String {
    let mut out = String::new();
    out.push_str(&format!("\n{}\n{}\n", report.source, report.machine));
    for note in &report.notes {
        out.push_str(&format!("note: {note}\n"));
    }

    let mut table = Table::new(&["commands", "count", "accepted", "rejected"], 4);
    for row in &report.outcomes {
        table.add([
            row.kind.clone(),
            figures::count(row.accepted + row.rejected),
            figures::count(row.accepted),
            figures::count(row.rejected),
        ]);
    }
    table.add([
        "all".to_owned(),
        figures::count(report.commands()),
        figures::count(report.commands() - report.rejected()),
        figures::count(report.rejected()),
    ]);
    table.print(&mut out);

    if !report.rejects.is_empty() {
        let mut table = Table::new(&["rejected", "count", "reason"], 2);
        for row in &report.rejects {
            table.add([row.code.to_string(), figures::count(row.count), row.sentence.to_owned()]);
        }
        table.print(&mut out);
    }

    let mut table =
        Table::new(&["market", "trades", "volume", "notional", "first", "high", "low", "last", "change"], 9);
    for market in &report.markets {
        let history = &market.history;
        let price =
            |price: Option<types::Price>| price.map_or("-".to_owned(), |price| market.scale.price(price));
        table.add([
            market.name.clone(),
            figures::count(history.trades),
            format!("{} {}", figures::short(market.scale.volume(history.volume)), market.base),
            format!("{} {}", figures::short(market.scale.notional(history.notional)), market.quote),
            price(history.first),
            price(history.high),
            price(history.low),
            price(history.last),
            market_tables::change(market).map_or("-".to_owned(), |change| format!("{change:+.2} %")),
        ]);
    }
    table.print(&mut out);

    if let Some(agreement) = &report.agreement {
        let mut table = Table::new(&["agreement with the recording", "share", "of"], 9);
        for (name, percent, of) in [
            (
                "executions at the recorded price and quantity",
                agreement.terms_percent(),
                agreement.executions,
            ),
            ("executions with the recorded maker", agreement.maker_percent(), agreement.executions),
            ("best quotes right before inferring", agreement.quotes_at_once_percent(), agreement.messages),
            ("best quotes right in the end", agreement.quotes_percent(), agreement.messages),
        ] {
            table.add([name.to_owned(), figures::percent(percent), figures::count(of)]);
        }
        table.print(&mut out);
        for (title, rows) in [
            ("recorded", agreement_section::recorded(agreement)),
            ("inferred", agreement_section::inferred(agreement)),
        ] {
            let mut table = Table::new(&[title, "count"], 9);
            for (name, count) in rows {
                table.add([name.to_owned(), figures::count(count)]);
            }
            table.print(&mut out);
        }
    }

    batches(report, &mut out);

    let mut table = Table::new(&["pipeline", "at work", "a command"], 9);
    let commands = report.commands().max(1) as f64;
    for stage in &report.stages {
        table.add([
            stage.name.to_owned(),
            figures::seconds(stage.seconds),
            figures::nanos(stage.seconds * 1e9 / commands),
        ]);
    }
    table.print(&mut out);

    let latency = &report.latency;
    let mut table = Table::new(&["latency in the engine", "p50", "p99", "p99.9", "longest"], 9);
    let value = |value: u64| figures::nanos(value as f64);
    table.add([
        format!("{} commands", figures::count(latency.count)),
        value(latency.p50),
        value(latency.p99),
        value(latency.p999),
        value(latency.max),
    ]);
    table.print(&mut out);

    out.push_str(&format!(
        "\n{} commands in {}: {} a second, durable; all sealed after {}\n",
        figures::count(report.commands()),
        figures::seconds(report.played_seconds),
        figures::short(report.commands_per_second()),
        figures::seconds(report.sealed_seconds)
    ));
    out
}

/// The first and last batches, and all together.
fn batches(report: &ReplayReport, out: &mut String) {
    const ENDS: usize = 4;
    let columns =
        ["batch", "sequence", "commands", "signatures", "witness", "hashes", "shadow", "state root"];
    let mut table = Table::new(&columns, 7);
    let count = report.batches.len();
    for (at, batch) in report.batches.iter().enumerate() {
        if count > 2 * ENDS + 1 && at >= ENDS && at < count - ENDS {
            if at == ENDS {
                table.add(columns.map(|_| "...".to_owned()));
            }
            continue;
        }
        table.add([
            batch.number.to_string(),
            format!("{}-{}", batch.first, batch.last),
            figures::count(batch.commands),
            figures::count(batch.signatures),
            figures::bytes(batch.witness_bytes as f64),
            figures::count(batch.tree_hashes),
            figures::nanos(batch.shadow_millis * 1e6),
            figures::hash_text(&batch.state_root),
        ]);
    }
    if count > 1 {
        table.add([
            "all".to_owned(),
            figures::count(count as u64),
            figures::count(report.batches.iter().map(|batch| batch.commands).sum()),
            figures::count(report.batches.iter().map(|batch| batch.signatures).sum()),
            figures::bytes(report.batches.iter().map(|batch| batch.witness_bytes).sum::<u64>() as f64),
            figures::count(report.batches.iter().map(|batch| batch.tree_hashes).sum()),
            figures::seconds(report.batches.iter().map(|batch| batch.shadow_millis).sum::<f64>() / 1e3),
            String::new(),
        ]);
    }
    table.print(out);
}

impl Table {
    fn new(head: &[&str], left_from: usize) -> Self {
        Self { rows: vec![head.iter().map(|name| (*name).to_owned()).collect()], left_from }
    }

    fn add<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.into());
    }

    /// Nothing when there is only a head.
    fn print(&self, out: &mut String) {
        if self.rows.len() < 2 {
            return;
        }
        let columns = self.rows[0].len();
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        out.push('\n');
        for (at, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (column, (text, width)) in row.iter().zip(&widths).enumerate() {
                if column != 0 {
                    line.push_str("  ");
                }
                if column == 0 || column >= self.left_from {
                    line.push_str(&format!("{text:<width$}"));
                } else {
                    line.push_str(&format!("{text:>width$}"));
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
            if at == 0 {
                let all = widths.iter().sum::<usize>() + 2 * (columns - 1);
                out.push_str(&"─".repeat(all));
                out.push('\n');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_tables_are_not_there() {
        let mut table = Table::new(&["what", "n", "why"], 2);
        let mut out = String::new();
        table.print(&mut out);
        assert_eq!(out, "");
        table.add(["ä".to_owned(), "1,000".to_owned(), "because".to_owned()]);
        table.print(&mut out);
        assert_eq!(out, "\nwhat      n  why\n────────────────────\nä     1,000  because\n");
    }
}
