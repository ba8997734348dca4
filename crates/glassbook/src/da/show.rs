//! `glassbook da show`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use light_client::wire::parse_commitment;
use shard_store::{BlockId, Store};

/// Blocks that are read at a time.
const PAGE: usize = 1_000;

/// Show what is in a store
#[derive(Args)]
pub struct Options {
    /// The store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// One block, by number or commitment, in detail; otherwise a line for each
    block: Option<String>,
}

/// Shows it.
pub fn run(options: &Options) -> Result<()> {
    let store = Store::open(&options.store)?;
    match &options.block {
        Some(block) => one(&store, block),
        None => all(&store),
    }
}

fn all(store: &Store) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{:>8}  {:<64}  {:>11} {:>12}", "block", "commitment", "shards", "bytes")?;
    let mut from = 0;
    loop {
        let page = store.list(from, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last.record.number.saturating_add(1);
        for stored in page {
            let header = stored.record.header;
            let shards = match stored.has_shards {
                true => format!("{}+{}", header.parameters.data(), header.parameters.parity()),
                false => "pruned".to_string(),
            };
            writeln!(
                out,
                "{:>8}  {}  {shards:>11} {:>12}",
                stored.record.number,
                hex::encode(stored.record.commitment().0),
                header.payload_length
            )?;
        }
    }
}

fn one(store: &Store, block: &str) -> Result<()> {
    let id = match block.parse() {
        Ok(number) => BlockId::Number(number),
        Err(_) => BlockId::Commitment(parse_commitment(block).context("neither a number nor a commitment")?),
    };
    let stored = store.find(id)?;
    let (record, header) = (stored.record, stored.record.header);
    let mut out = io::stdout().lock();
    writeln!(out, "block         {}", record.number)?;
    writeln!(out, "commitment    {}", hex::encode(record.commitment().0))?;
    if let Some(digest) = record.claim_digest {
        writeln!(out, "claim digest  {}", hex::encode(digest))?;
    }
    writeln!(out, "published     {} ms since 1970", record.published_at)?;
    let parameters = header.parameters;
    writeln!(out, "code          {} data and {} parity shards", parameters.data(), parameters.parity())?;
    writeln!(out, "payload       {} bytes, {} a shard", header.payload_length, header.shard_length()?)?;
    writeln!(out, "root          {}", hex::encode(header.root))?;
    writeln!(out, "combination   {}", hex::encode(header.combination))?;
    writeln!(out, "header        {}", hex::encode(header.encode()))?;
    writeln!(out, "shards        {}", if stored.has_shards { "kept" } else { "pruned" })?;
    Ok(())
}
