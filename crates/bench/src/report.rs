//! The figures as a table and as JSON.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::error::BenchError;
use crate::machine::Machine;
use crate::measure::{EngineFigures, Latency};
use crate::memory::MemoryFigures;
use crate::pipeline::PipelineFigures;
use crate::workload::{MARKET_MAKERS, Shares, WARM_ORDERS};

/// All figures of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// Operations of the workload.
    pub operations: usize,
    /// How often each engine ran it.
    pub repetitions: usize,
    /// What the operations were.
    pub shares: Shares,
    /// Orders on the book at the end.
    pub resting: usize,
    /// What reading the clock adds to each latency, in nanoseconds.
    pub clock_overhead: f64,
    /// A row an engine.
    pub engines: Vec<EngineFigures>,
    /// Memory of resting orders.
    pub memory: MemoryFigures,
    /// The whole pipeline, a row a setting.
    pub pipeline: Vec<PipelineFigures>,
}

impl Report {
    /// Writes the report as JSON.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_json(&self, path: &Path) -> Result<(), BenchError> {
        let write = || {
            let file = std::fs::File::create(path)?;
            serde_json::to_writer_pretty(file, self).map_err(std::io::Error::from)
        };
        write().map_err(|source| BenchError::Write { path: path.to_owned(), source })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shares { adds, cancels, crosses, market_makers } = self.shares;
        writeln!(f, "{}", self.machine)?;
        writeln!(
            f,
            "{} operations on one core: {:.1} % adds, {:.1} % cancels, {:.1} % crossing IOC; {} resting orders at \
             the start, {} at the end; {MARKET_MAKERS} market makers send {:.0} % of the messages",
            self.operations,
            adds * 100.0,
            cancels * 100.0,
            crosses * 100.0,
            WARM_ORDERS,
            self.resting,
            market_makers * 100.0,
        )?;
        writeln!(
            f,
            "best and median of {} runs; latencies include {:.0} ns for reading the clock\n",
            self.repetitions, self.clock_overhead,
        )?;
        writeln!(
            f,
            "{:<28} {:>7} {:>10} {:>7} {:>7} {:>8} {:>10} {:>12}",
            "engine", "", "M ops/s", "p50 ns", "p99 ns", "p99.9 ns", "max ns", "lots filled"
        )?;
        for figures in &self.engines {
            let (rate, latency) = (figures.operations_per_second, figures.latency);
            let filled = figures.filled.to_string();
            row(f, figures.engine, "best", rate.best, latency.best, &filled)?;
            row(f, "", "median", rate.median, latency.median, "")?;
        }
        let m = &self.memory;
        writeln!(
            f,
            "\nmemory of {} resting orders, {} of them with an expiry, all with client ids",
            m.orders, m.expiring
        )?;
        let mut line = |what: &str, bytes: f64| writeln!(f, "{what:<36} {bytes:>12.1}");
        line("bytes an order, resident", m.resident_per_order)?;
        line("  reserved for the order itself", m.slab_per_order)?;
        line("  reserved for its indexes", m.indexes_per_order)?;
        line("price ladders of the market, bytes", m.ladders as f64)?;
        line("bytes an account", m.accounts as f64 / f64::from(m.account_count))?;
        self.pipeline.iter().try_for_each(|figures| pipeline(f, figures))
    }
}

fn pipeline(f: &mut fmt::Formatter<'_>, p: &PipelineFigures) -> fmt::Result {
    writeln!(
        f,
        "\npipeline: {} signed commands, {} a signature, {} a batch, {} unsealed at most; journal with fsync, \
         shadow, files",
        p.commands, p.bundle, p.batch, p.max_lag
    )?;
    let mut line = |what: &str, value: f64| writeln!(f, "{what:<44} {value:>10.2}");
    line("durable and acknowledged, M commands/s", p.acknowledged_per_second / 1e6)?;
    line("sealed, M commands/s", p.sealed_per_second / 1e6)?;
    line("open orders at the end", p.open_orders.into())?;
    line("commands a group commit", p.commands as f64 / p.commits as f64)?;
    line("journal bytes a command", p.journal_bytes)?;
    line("published bytes a command", p.published_bytes)?;
    line("witness bytes a command", p.witness_bytes)?;
    line("tree hashes a command", p.tree_hashes)?;
    writeln!(f, "where the time goes, ns of a thread a command")?;
    p.stages.iter().try_for_each(|(stage, nanos)| writeln!(f, "  {stage:<42} {nanos:>10.0}"))?;
    writeln!(f, "processor time by thread, ns a command")?;
    p.threads.iter().try_for_each(|(thread, nanos)| writeln!(f, "  {thread:<42} {nanos:>10.0}"))
}

fn row(
    f: &mut fmt::Formatter<'_>,
    engine: &str,
    which: &str,
    rate: f64,
    latency: Latency,
    filled: &str,
) -> fmt::Result {
    let Latency { p50, p99, p999, max } = latency;
    writeln!(
        f,
        "{engine:<28} {which:>7} {:>10.2} {p50:>7} {p99:>7} {p999:>8} {max:>10} {filled:>12}",
        rate / 1e6
    )
}
