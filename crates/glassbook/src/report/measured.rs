//! What a replay measured, as the pipeline gives it.

use std::collections::BTreeMap;
use std::time::Duration;

use exchange::{BatchReport, LatencySummary, Stats};
use flow::{Agreement, MarketHistory};
use types::{AssetParams, MarketParams, Reject};

use super::machine;
use super::replay_report::{
    BatchRow, Latency, MarketReport, MarketScale, OutcomeRow, RejectRow, ReplayReport, StageRow,
};
use crate::player::Tally;

/// Everything that a replay measured.
pub struct Measured {
    /// What was replayed.
    pub source: String,
    /// Whether the user stopped it.
    pub stopped_early: bool,
    /// Commands that an earlier run had already executed.
    pub resumed_after: u64,
    /// What became of commands, by kind.
    pub tally: Tally,
    /// How far a reconstruction agrees with its recording.
    pub agreement: Option<Agreement>,
    /// What happened in the markets.
    pub markets: Vec<MarketHistory>,
    /// Their parameters, by number.
    pub params: Vec<MarketParams>,
    /// The assets, by number.
    pub assets: Vec<AssetParams>,
    /// The batches sealed.
    pub batches: Vec<BatchReport>,
    /// The pipeline's counters.
    pub stats: Stats,
    /// From an order to its trades.
    pub engine_latency: LatencySummary,
    /// Until the last command was acknowledged.
    pub played: Duration,
    /// Until the last batch was sealed.
    pub sealed: Duration,
}

impl Measured {
    /// The plain figures.
    pub fn report(&self) -> ReplayReport {
        ReplayReport {
            source: self.source.clone(),
            notes: self.notes(),
            machine: machine::description(),
            played_seconds: self.played.as_secs_f64(),
            sealed_seconds: self.sealed.as_secs_f64(),
            outcomes: self.outcomes(),
            rejects: self.rejects(),
            markets: self.markets(),
            agreement: self.agreement.clone(),
            batches: self.batches.iter().map(batch_row).collect(),
            stages: self.stages(),
            latency: Latency {
                count: self.engine_latency.count,
                p50: self.engine_latency.p50,
                p99: self.engine_latency.p99,
                p999: self.engine_latency.p999,
                max: self.engine_latency.max,
                buckets: self.engine_latency.buckets.clone(),
            },
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.stopped_early {
            notes.push("The replay was stopped before its end; what was accepted is finished.".to_owned());
        }
        if self.resumed_after > 0 {
            notes.push(format!(
                "The first {} commands were executed by an earlier run and are not in the counts.",
                super::figures::count(self.resumed_after)
            ));
        }
        notes
    }

    fn outcomes(&self) -> Vec<OutcomeRow> {
        let row = |(kind, tally): (&&'static str, &crate::player::KindTally)| OutcomeRow {
            kind: (*kind).to_owned(),
            accepted: tally.accepted,
            rejected: tally.rejected.values().sum(),
        };
        let mut rows: Vec<OutcomeRow> = self.tally.iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.accepted + row.rejected));
        rows
    }

    fn rejects(&self) -> Vec<RejectRow> {
        let mut by_code: BTreeMap<u16, RejectRow> = BTreeMap::new();
        for (kind, tally) in &self.tally {
            for (code, count) in &tally.rejected {
                let row = by_code.entry(*code).or_insert_with(|| RejectRow {
                    code: *code,
                    sentence: Reject::from_code(*code).map_or("unknown", Reject::sentence),
                    count: 0,
                    kinds: Vec::new(),
                });
                row.count += count;
                row.kinds.push((*kind).to_owned());
            }
        }
        let mut rows: Vec<RejectRow> = by_code.into_values().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }

    fn markets(&self) -> Vec<MarketReport> {
        let known = |history: &MarketHistory| {
            let params = self.params.get(usize::from(history.market.0))?;
            let base = self.assets.get(usize::from(params.base.0))?;
            let quote = self.assets.get(usize::from(params.quote.0))?;
            Some(MarketReport {
                name: format!("{}/{}", symbol(base), symbol(quote)),
                base: symbol(base),
                quote: symbol(quote),
                scale: MarketScale::of(params, base, quote),
                history: history.clone(),
            })
        };
        self.markets.iter().filter_map(known).collect()
    }

    fn stages(&self) -> Vec<StageRow> {
        let busy = self.stats.busy_ns;
        [
            ("ingress: decoding, digests, signatures", busy.ingress),
            ("engine: sequencing, executing, encoding", busy.engine),
            ("journal: hashing, writing, waiting for the disk", busy.journal),
            ("feeds and acknowledgements", busy.feeds),
            ("shadow: executing on the tree", busy.shadow_execute),
            ("shadow: witness and files", busy.shadow_seal),
        ]
        .map(|(name, nanos)| StageRow { name, seconds: nanos as f64 / 1e9 })
        .into()
    }
}

fn batch_row(batch: &BatchReport) -> BatchRow {
    BatchRow {
        number: batch.claim.batch,
        first: batch.claim.first_sequence,
        last: batch.claim.last_sequence,
        commands: batch.commands,
        state_root: batch.claim.state_root,
        events_root: batch.claim.events_root,
        witness_bytes: batch.witness_bytes,
        tree_hashes: batch.hashes.total(),
        signatures: batch.signatures,
        shadow_millis: (batch.execute + batch.seal).as_secs_f64() * 1e3,
    }
}

fn symbol(asset: &AssetParams) -> String {
    let text: String =
        asset.symbol.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    if text.is_empty() { "?".to_owned() } else { text }
}
