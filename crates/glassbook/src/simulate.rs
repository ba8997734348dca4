//! `glassbook simulate`: order flow from a seed, into a flow file.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use flow::{FlowWriter, Simulation, SimulationOptions};
use indicatif::{ProgressBar, ProgressStyle};

/// Make realistic order flow from a seed.
#[derive(Args)]
pub struct Options {
    /// How many commands, the set-up of accounts and markets not counted
    #[arg(long, short = 'n', default_value_t = 200_000)]
    commands: u64,
    /// The same seed makes the same flow, on every machine
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many markets
    #[arg(long, default_value_t = 3)]
    markets: u16,
    /// How many accounts trade
    #[arg(long, default_value_t = 2_000)]
    accounts: u32,
    /// The flow file to write
    #[arg(long, short = 'o', value_name = "FILE", default_value = "flow.gbflow")]
    out: PathBuf,
}

/// Writes the flow file.
pub fn run(options: &Options) -> Result<()> {
    let simulation = Simulation::new(SimulationOptions {
        seed: options.seed,
        commands: options.commands,
        markets: options.markets,
        accounts: options.accounts,
        ..SimulationOptions::default()
    })?;
    let file = File::create(&options.out).with_context(|| format!("create {}", options.out.display()))?;
    let (_, total) = simulation.progress();
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template("{bar:32} {human_pos}/{human_len} commands {per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut writer = FlowWriter::create(BufWriter::new(file), simulation.genesis(), Some(total))?;
    for (at, item) in (0u64..).zip(simulation) {
        writer.write(item)?;
        if at % 4096 == 0 {
            bar.set_position(at);
        }
    }
    let written = writer.finish()?;
    bar.finish_and_clear();
    println!("{written} commands in {}", options.out.display());
    println!("now: glassbook replay {}", options.out.display());
    Ok(())
}
