//! `glassbook da publish`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use availability::encryption::Keyring;
use availability::{Commitment, Encoded, Parameters, encode};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use proving::Millis;
use shard_store::{Outcome, ShardFile, Store};

use super::binding;

/// Publish sealed batches
#[derive(Args)]
pub struct Options {
    /// Files from the `batches` folder of a data directory
    #[arg(required = true)]
    batches: Vec<PathBuf>,
    /// The store; made if it is not there
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Data and parity shards: 256+128 is one and a half times the data and 47 samples for 99.99 %, 256+256 is twice the data and 31
    #[arg(long, value_name = "DATA+PARITY", default_value = "256+128", value_parser = super::parameters)]
    parameters: Parameters,
    /// Encrypt with this keyring first, so that only who has it can read what anybody can sample
    #[arg(long, value_name = "KEYRING")]
    encrypt: Option<PathBuf>,
    /// Write each shard as a file into this folder, too, to be handed to keepers
    #[arg(long, value_name = "DIR")]
    shards: Option<PathBuf>,
}

/// What was published.
pub struct Published {
    /// The batch's number.
    pub number: u64,
    /// The commitment.
    pub commitment: Commitment,
    /// The digest of its claim.
    pub claim_digest: [u8; 32],
    /// What the store did.
    pub outcome: Outcome,
    /// The shards.
    pub encoded: Encoded,
}

/// Publishes a sealed batch's file. Publishing the same file again gives the same commitment.
pub fn publish(
    store: &Store,
    file: &[u8],
    parameters: Parameters,
    keyring: Option<&Keyring>,
) -> Result<Published> {
    let batch = binding::sealed(file)?;
    let number = batch.claim.batch;
    let claim_digest = binding::claim_digest(&batch.claim);
    let encoded = match keyring {
        Some(keyring) => encode(&keyring.seal(number, file)?, parameters)?,
        None => encode(file, parameters)?,
    };
    let outcome = store.publish(number, Some(claim_digest), Millis::now().0, &encoded)?;
    Ok(Published { number, commitment: encoded.header().commitment(), claim_digest, outcome, encoded })
}

/// Publishes, and says how to get it back.
pub fn run(options: &Options) -> Result<()> {
    let keyring = super::load(options.encrypt.as_ref())?;
    let store = Store::create(&options.store)?;
    for batch in &options.batches {
        one(options, &store, keyring.as_ref(), batch).with_context(|| batch.display().to_string())?;
    }
    writeln!(io::stdout(), "\nServe with `glassbook da serve --store {}`.", options.store.display())?;
    Ok(())
}

fn one(options: &Options, store: &Store, keyring: Option<&Keyring>, batch: &Path) -> Result<()> {
    let spinner = ProgressBar::new_spinner().with_message("coding and writing");
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    let began = Instant::now();
    let file = fs::read(batch)?;
    let published = publish(store, &file, options.parameters, keyring)?;
    let took = began.elapsed();
    spinner.finish_and_clear();
    let Published { number, commitment, claim_digest, outcome, encoded } = published;
    let header = encoded.header();
    let mut out = io::stdout().lock();
    writeln!(out, "commitment    {}", hex::encode(commitment.0))?;
    writeln!(out, "batch         {number}, claim digest {}", hex::encode(claim_digest))?;
    writeln!(
        out,
        "shards        {} + {} of {} bytes, from {} bytes{}",
        header.parameters.data(),
        header.parameters.parity(),
        header.shard_length()?,
        header.payload_length,
        if keyring.is_some() { ", encrypted" } else { "" }
    )?;
    let what = match outcome {
        Outcome::Published => "published",
        Outcome::AlreadyThere => "was published before, and is whole",
        Outcome::Restored => "was damaged, and is whole again",
    };
    writeln!(
        out,
        "store         {}: {what}, in {:.1} ms",
        options.store.display(),
        took.as_secs_f64() * 1e3
    )?;
    if let Some(dir) = &options.shards {
        write_shards(dir, number, &encoded)?;
        writeln!(out, "shard files   {}, any {} of them", dir.display(), header.parameters.data())?;
    }
    Ok(())
}

fn write_shards(dir: &PathBuf, number: u64, encoded: &Encoded) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let total = encoded.header().parameters.total();
    let bar = ProgressBar::new(total as u64);
    let style = ProgressStyle::with_template("{bar:32} {human_pos}/{human_len} shard files");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    for index in 0..total {
        let file = ShardFile { header: *encoded.header(), sample: encoded.sample(index)? };
        let path = dir.join(format!("{number:012}-{index:04}.shard"));
        fs::write(&path, file.encode()).with_context(|| path.display().to_string())?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}
