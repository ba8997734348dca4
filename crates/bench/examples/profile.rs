//! One engine over and over, for a profiler: `profile bare|full|client-ids|pipeline [RUNS] [MAX_LAG]`.

use anyhow::{Context as _, bail};
use bench::{
    BareEngine, FullEngine, PipelineFigures, SUSTAINED, With, Without, Workload, measure_pipeline, throughput,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let engine = arguments.next().context("bare, full, client-ids or pipeline?")?;
    let runs: u32 = arguments.next().map_or(Ok(10), |runs| runs.parse())?;
    if engine == "pipeline" {
        let max_lag: u64 = arguments.next().map_or(Ok(SUSTAINED), |lag| lag.parse())?;
        for _ in 0..runs {
            let figures = measure_pipeline(1, 1_000_000, 500, 50_000, max_lag)?;
            let PipelineFigures { acknowledged_per_second, sealed_per_second, stages, threads, .. } = figures;
            let (acknowledged, sealed) = (acknowledged_per_second / 1e6, sealed_per_second / 1e6);
            println!("{acknowledged:.2} M acknowledged/s, {sealed:.2} M sealed/s");
            stages.iter().for_each(|(stage, nanos)| println!("  {nanos:6.0} ns at work  {stage}"));
            threads.iter().for_each(|(thread, nanos)| println!("  {nanos:6.0} ns of CPU   {thread}"));
            let total: f64 = threads.iter().map(|(_, nanos)| nanos).sum();
            println!("  {total:6.0} ns of CPU   all threads");
        }
        return Ok(());
    }
    let workload = Workload::new(1, 1_000_000);
    for _ in 0..runs {
        let (rate, filled) = match engine.as_str() {
            "bare" => throughput::<BareEngine>(&workload)?,
            "full" => throughput::<FullEngine<Without>>(&workload)?,
            "client-ids" => throughput::<FullEngine<With>>(&workload)?,
            other => bail!("no engine is called {other}"),
        };
        println!("{engine}: {:.2} M ops/s, {filled} lots", rate / 1e6);
    }
    Ok(())
}
