//! Throughput and latency of an engine on a workload, in separate runs: the clock of the latency run would slow
//! the other down.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::engine::Engine;
use crate::error::BenchError;
use crate::workload::{Operation, Workload};

/// Operations are prepared this many at a time.
const GROUP: usize = 1_024;

/// The time-stamp counter where the processor has a steady one, else the system's clock.
pub struct Clock {
    clock: quanta::Clock,
    /// The cost of reading it: what an empty operation would measure, in nanoseconds. Not subtracted.
    pub overhead: f64,
}

/// Latency of single operations, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half are faster.
    pub p50: u64,
    /// 99 of 100 are faster.
    pub p99: u64,
    /// 999 of 1,000 are faster.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
}

/// Of several runs. On a shared machine the best is nearest to what the engine can do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread<T> {
    /// The best run; for latencies of each percentile on its own.
    pub best: T,
    /// The median run; likewise.
    pub median: T,
}

/// An engine's row in the table.
#[derive(Clone, Debug, Serialize)]
pub struct EngineFigures {
    /// Its name.
    pub engine: &'static str,
    /// Operations a second, measured without the clock of the latencies.
    pub operations_per_second: Spread<f64>,
    /// Nanoseconds an operation, the cost of the clock included.
    pub latency: Spread<Latency>,
    /// Lots filled.
    pub filled: u64,
}

impl Clock {
    /// Starts and measures the clock.
    #[must_use]
    pub fn new() -> Self {
        let clock = quanta::Clock::new();
        let readings = 1_000_000;
        let start = clock.raw();
        for _ in 1..readings {
            std::hint::black_box(clock.raw());
        }
        let overhead = clock.delta_as_nanos(start, clock.raw()) as f64 / f64::from(readings);
        Self { clock, overhead }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs a workload; operations a second and lots filled.
///
/// # Errors
/// When the engine did other work than the workload's own book.
pub fn throughput<E: Engine>(workload: &Workload) -> Result<(f64, u64), BenchError> {
    let mut engine = warm::<E>(workload)?;
    let mut commands = Vec::with_capacity(GROUP);
    let mut elapsed = Duration::ZERO;
    for group in workload.measured().chunks(GROUP) {
        commands.clear();
        engine.prepare(workload, group, &mut commands);
        let start = Instant::now();
        for command in &commands {
            engine.apply(command);
        }
        elapsed += start.elapsed();
        engine.group_done();
    }
    check(&engine, workload.filled())?;
    Ok((workload.measured().len() as f64 / elapsed.as_secs_f64(), engine.filled()))
}

/// Runs a workload with a clock around each operation.
///
/// # Errors
/// When the engine did other work than the workload's own book.
pub fn latency<E: Engine>(workload: &Workload, clock: &Clock) -> Result<Latency, BenchError> {
    let clock = &clock.clock;
    let mut engine = warm::<E>(workload)?;
    let mut commands = Vec::with_capacity(GROUP);
    let mut times = Vec::with_capacity(GROUP);
    // Three digits, up to ten seconds.
    let mut histogram = Histogram::<u64>::new_with_max(10_000_000_000, 3).unwrap_or_else(|_| unreachable!());
    for group in workload.measured().chunks(GROUP) {
        commands.clear();
        times.clear();
        engine.prepare(workload, group, &mut commands);
        for command in &commands {
            let start = clock.raw();
            engine.apply(command);
            times.push((start, clock.raw()));
        }
        engine.group_done();
        for (start, end) in &times {
            histogram.saturating_record(clock.delta_as_nanos(*start, *end));
        }
    }
    check(&engine, workload.filled())?;
    Ok(Latency {
        p50: histogram.value_at_quantile(0.5),
        p99: histogram.value_at_quantile(0.99),
        p999: histogram.value_at_quantile(0.999),
        max: histogram.max(),
    })
}

/// An engine with the resting orders on its book.
fn warm<E: Engine>(workload: &Workload) -> Result<E, BenchError> {
    let mut engine = E::new(workload);
    let mut commands = Vec::new();
    apply_all(&mut engine, workload, workload.warm_up(), &mut commands);
    if engine.refused() != 0 {
        return Err(BenchError::Refused { engine: E::NAME, count: engine.refused() });
    }
    Ok(engine)
}

fn apply_all<E: Engine>(
    engine: &mut E,
    workload: &Workload,
    operations: &[Operation],
    commands: &mut Vec<E::Command>,
) {
    for group in operations.chunks(GROUP) {
        commands.clear();
        engine.prepare(workload, group, commands);
        for command in commands.iter() {
            engine.apply(command);
        }
        engine.group_done();
    }
}

fn check<E: Engine>(engine: &E, expected: u64) -> Result<(), BenchError> {
    if engine.refused() != 0 {
        return Err(BenchError::Refused { engine: E::NAME, count: engine.refused() });
    }
    if engine.filled() != expected {
        return Err(BenchError::DifferentWork { engine: E::NAME, filled: engine.filled(), expected });
    }
    Ok(())
}

impl Spread<f64> {
    /// Of operations a second: more is better.
    pub(crate) fn of_rates(mut rates: Vec<f64>) -> Self {
        rates.sort_by(f64::total_cmp);
        Self { best: rates[rates.len() - 1], median: rates[rates.len() / 2] }
    }
}

impl Spread<Latency> {
    /// Of latencies: less is better.
    pub(crate) fn of_latencies(runs: &[Latency]) -> Self {
        let pick = |percentile: fn(&Latency) -> u64| {
            let mut values: Vec<u64> = runs.iter().map(percentile).collect();
            values.sort_unstable();
            (values[0], values[values.len() / 2])
        };
        let (p50, p99, p999, max) = (pick(|l| l.p50), pick(|l| l.p99), pick(|l| l.p999), pick(|l| l.max));
        Self {
            best: Latency { p50: p50.0, p99: p99.0, p999: p999.0, max: max.0 },
            median: Latency { p50: p50.1, p99: p99.1, p999: p999.1, max: max.1 },
        }
    }
}
