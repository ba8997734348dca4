//! Tables of what was settled.

use std::io::{self, Write};
use std::path::Path;

use exchange::batch_path;
use settlement::{Action, Record, State, Summary};
use transition::SealedBatch;

use super::custody::Checked;

/// Batches that are listed at the beginning and at the end of a long list.
const LISTED: usize = 20;

/// One row a batch.
pub fn batches(out: &mut impl Write, records: &[Record], dir: &Path, kind: &str) -> io::Result<()> {
    writeln!(out, "proofs: {kind}\n")?;
    writeln!(
        out,
        "{:>6} {:>9}  {:<18} {:>9} {:>9} {:>9} {:>8}  {:<10} time in each state",
        "batch", "commands", "state root", "commit", "prove", "finalise", "L1 block", "state"
    )?;
    for (place, record) in records.iter().enumerate() {
        if records.len() > 2 * LISTED && place >= LISTED && place < records.len() - LISTED {
            if place == LISTED {
                writeln!(out, "   ... {} more", records.len() - 2 * LISTED)?;
            }
            continue;
        }
        let number = record.batch.number;
        let (commands, root) = match SealedBatch::read(&batch_path(dir, number)) {
            Ok(batch) => {
                let count = batch.claim.last_sequence + 1 - batch.claim.first_sequence;
                (count.to_string(), format!("{}..", hex::encode(&batch.claim.state_root[..8])))
            }
            Err(_) => ("-".to_string(), "-".to_string()),
        };
        let gas =
            |action| record.receipts.get(&action).map_or("-".to_string(), |receipt| receipt.gas.to_string());
        let block = record.block().map_or("-".to_string(), |block| block.number.to_string());
        writeln!(
            out,
            "{number:>6} {commands:>9}  {root:<18} {:>9} {:>9} {:>9} {block:>8}  {:<10} {}",
            gas(Action::Commit),
            gas(Action::Prove),
            gas(Action::Finalise),
            record.state.name(),
            times(record)
        )?;
        if let Some(trouble) = &record.trouble {
            writeln!(out, "        {trouble}")?;
        }
    }
    Ok(())
}

/// How long the batch was in each state that it went through, in the order of a life.
fn times(record: &Record) -> String {
    let mut entered: Vec<(u64, usize)> = Vec::new();
    for (at, name) in State::NAMES.iter().enumerate() {
        if let Some(time) = record.entered.get(*name) {
            entered.push((*time, at));
        }
    }
    entered.sort_unstable();
    let ends = entered.iter().skip(1).map(|(time, _)| *time);
    let mut parts = Vec::new();
    for ((began, at), end) in entered.iter().zip(ends) {
        let millis = end.saturating_sub(*began);
        if millis > 0 {
            parts.push(format!("{} {:.1}s", State::NAMES[*at], millis as f64 / 1e3));
        }
    }
    parts.join(", ")
}

/// The figures of settlement.
pub fn summary(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let gas: u64 = summary.gas.values().sum();
    writeln!(
        out,
        "\n{} batches sealed, {} final, {gas} gas, {} retries, {} transitions taken back by reorgs",
        summary.last_sealed, summary.last_final, summary.retries, summary.taken_back
    )?;
    for (batch, (why, remedy)) in &summary.failures {
        writeln!(out, "batch {batch} has failed: {why}; {remedy}")?;
    }
    if let Some(conflict) = &summary.halted {
        writeln!(out, "HALTED: {conflict}")?;
    }
    Ok(())
}

/// What the contract holds and what is owed, in wei.
pub fn custody(out: &mut impl Write, checked: &Checked) -> io::Result<()> {
    writeln!(
        out,
        "\n{:>5} {:>34} {:>26} {:>26} {:>34}",
        "asset", "balances, wei", "deposits on the way", "not claimed", "the contract holds"
    )?;
    for (asset, row) in checked.rows.iter().enumerate() {
        let agrees = if row.agrees() { "= owed" } else { "NOT WHAT IS OWED" };
        writeln!(
            out,
            "{asset:>5} {:>34} {:>26} {:>26} {:>34}  {agrees}",
            row.balances.to_string(),
            row.deposits.to_string(),
            row.unclaimed.to_string(),
            row.held.to_string()
        )?;
    }
    Ok(())
}
