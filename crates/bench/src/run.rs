//! The whole benchmark: every engine in turn, several times over, then memory.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use crate::bare_engine::BareEngine;
use crate::engine::Engine;
use crate::error::BenchError;
use crate::full_engine::{FullEngine, With, Without};
use crate::machine::Machine;
use crate::measure::{Clock, EngineFigures, Latency, Spread, latency, throughput};
use crate::memory::measure_memory;
use crate::pipeline::{BURST, SUSTAINED, measure_pipeline};
use crate::report::Report;
use crate::workload::Workload;

/// What to measure.
#[derive(Clone, Debug)]
pub struct Options {
    /// A tenth of the operations and fewer repetitions: seconds instead of a minute.
    pub quick: bool,
    /// Write the report here, too.
    pub json: Option<PathBuf>,
    /// The workload's seed.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { quick: false, json: None, seed: 1 }
    }
}

/// Measures, prints a table, and writes the JSON if asked for.
///
/// # Errors
/// When an engine did other work than the others, or the JSON could not be written.
pub fn run(options: &Options) -> Result<Report, BenchError> {
    let (operations, repetitions, orders) =
        if options.quick { (100_000, 3, 100_000) } else { (1_000_000, 7, 1_000_000) };
    let mut measured: Vec<Box<dyn Runs>> = vec![
        Box::new(RunsOf::<BareEngine>::new()),
        Box::new(RunsOf::<FullEngine<Without>>::new()),
        Box::new(RunsOf::<FullEngine<With>>::new()),
    ];
    #[cfg(feature = "peers")]
    measured.push(Box::new(RunsOf::<crate::OrderbookRsEngine>::new()));

    let pipelines =
        [(500, 50_000, SUSTAINED), (500, 10_000, SUSTAINED), (20, 10_000, SUSTAINED), (500, 50_000, BURST)];
    let steps = repetitions * measured.len() + 2 + pipelines.len();
    let progress = ProgressBar::new(steps as u64).with_style(style());
    progress.set_message("memory");
    let memory = measure_memory(orders)?;
    progress.inc(1);
    progress.set_message("workload");
    let workload = Workload::new(options.seed, operations);
    let clock = Clock::new();
    progress.inc(1);
    // The engines take turns, so that a busy moment of the machine does not hit one alone.
    for _ in 0..repetitions {
        for engine in &mut measured {
            progress.set_message(engine.name());
            engine.repeat(&workload, &clock)?;
            progress.inc(1);
        }
    }
    let mut pipeline = Vec::new();
    for (bundle, batch, max_lag) in pipelines {
        progress.set_message("pipeline");
        pipeline.push(measure_pipeline(options.seed, operations, bundle, batch, max_lag)?);
        progress.inc(1);
    }
    progress.finish_and_clear();

    let report = Report {
        machine: Machine::here(),
        operations,
        repetitions,
        shares: workload.shares(),
        resting: workload.resting(),
        clock_overhead: clock.overhead,
        engines: measured.iter().map(|engine| engine.figures()).collect(),
        memory,
        pipeline,
    };
    print!("{report}");
    if let Some(path) = &options.json {
        report.write_json(path)?;
    }
    Ok(report)
}

/// An engine's runs so far.
trait Runs {
    fn name(&self) -> &'static str;
    fn repeat(&mut self, workload: &Workload, clock: &Clock) -> Result<(), BenchError>;
    fn figures(&self) -> EngineFigures;
}

struct RunsOf<E> {
    rates: Vec<f64>,
    latencies: Vec<Latency>,
    filled: u64,
    engine: std::marker::PhantomData<E>,
}

impl<E> RunsOf<E> {
    fn new() -> Self {
        Self { rates: Vec::new(), latencies: Vec::new(), filled: 0, engine: std::marker::PhantomData }
    }
}

impl<E: Engine> Runs for RunsOf<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn repeat(&mut self, workload: &Workload, clock: &Clock) -> Result<(), BenchError> {
        let (rate, filled) = throughput::<E>(workload)?;
        self.rates.push(rate);
        self.filled = filled;
        self.latencies.push(latency::<E>(workload, clock)?);
        Ok(())
    }

    fn figures(&self) -> EngineFigures {
        EngineFigures {
            engine: E::NAME,
            operations_per_second: Spread::of_rates(self.rates.clone()),
            latency: Spread::of_latencies(&self.latencies),
            filled: self.filled,
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:32} {pos}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
