//! The benchmark without the rest of the exchange: `cargo run --release -p bench --example suite --features peers`.

use std::path::PathBuf;

use clap::Parser;

/// Measures the engine.
#[derive(Parser)]
struct Arguments {
    /// Fewer operations and repetitions.
    #[arg(long)]
    quick: bool,
    /// Write the figures here, too.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The workload's seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let Arguments { quick, json, seed } = Arguments::parse();
    bench::run(&bench::Options { quick, json, seed })?;
    Ok(())
}
