//! `glassbook da scrub`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use shard_store::{Health, Store, StoreError};

/// Scrub a store
#[derive(Args)]
pub struct Options {
    /// The store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Only look
    #[arg(long)]
    no_repair: bool,
}

/// What was found.
#[derive(Default)]
pub struct Found {
    blocks: usize,
    /// What is to be said of blocks that were not whole.
    lines: Vec<String>,
    /// Blocks that are not whole now.
    broken: usize,
}

impl Found {
    /// Says what was wrong.
    pub fn say(&self) {
        for line in &self.lines {
            eprintln!("{line}");
        }
    }
}

/// Scrubs all blocks, and the records of those that were pruned, until `stop` says so, which hears how many blocks there are when it is first asked. A block that cannot be
/// scrubbed keeps no other from it.
pub fn all(store: &Store, repair: bool, mut stop: impl FnMut(usize) -> bool) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let numbers: BTreeSet<u64> = store.numbers()?.into_iter().chain(store.pruned_numbers()?).collect();
    for number in &numbers {
        if stop(numbers.len()) {
            break;
        }
        let health = match store.scrub(*number, repair) {
            // Gone meanwhile.
            Err(StoreError::NoSuchBlock) => continue,
            health => health,
        };
        found.blocks += 1;
        let health = match health {
            Ok(health) => health,
            Err(error) => {
                found.broken += 1;
                found.lines.push(format!("block {number} cannot be scrubbed: {error}"));
                continue;
            }
        };
        let (is_broken, line) = match health {
            Health::Whole => continue,
            Health::Damaged { shards } => {
                (true, format!("shards {shards:?} are damaged and can be repaired"))
            }
            Health::Repaired { shards } => {
                (false, format!("shards {shards:?} were damaged, were set aside and are whole again"))
            }
            Health::NameDamaged { repaired: false } => {
                (true, "it is not found by its commitment, which can be repaired".to_string())
            }
            Health::NameDamaged { repaired: true } => {
                (false, "it was not found by its commitment, and is again".to_string())
            }
            Health::Lost { left, needed } => (
                true,
                format!(
                    "only {left} shards are left of {needed} that are needed: publish the batch again, or get it back from \
                     peers (glassbook da recover --peer) and publish that"
                ),
            ),
            Health::HeadDamaged { why } => (true, why),
        };
        found.broken += usize::from(is_broken);
        found.lines.push(format!("block {number}: {line}"));
    }
    Ok(found)
}

/// Scrubs, and fails where something is damaged still.
pub fn run(options: &Options) -> Result<()> {
    let store = Store::open(&options.store)?;
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:32} {human_pos}/{human_len} blocks {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let found = all(&store, !options.no_repair, |blocks| {
        bar.set_length(blocks as u64);
        bar.inc(1);
        false
    })?;
    bar.finish_and_clear();
    found.say();
    if found.broken > 0 {
        bail!("{} of {} blocks are damaged", found.broken, found.blocks);
    }
    println!("{} blocks, every shard is as it was published", found.blocks);
    Ok(())
}
