//! `glassbook da serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use proving::{Cancellation, Millis};
use shard_store::server::{self, Limits};
use shard_store::{Retention, Store};

use super::scrub;
use crate::dev::duration;

/// How often blocks that are not to be kept are looked for.
const PRUNING: Duration = Duration::from_secs(60);
/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Serve a store
#[derive(Args)]
pub struct Options {
    /// The store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Where to listen; port 0 for some free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7701")]
    listen: SocketAddr,
    /// Keep the shards of the last so many blocks only [default: of all]
    #[arg(long, value_name = "BLOCKS")]
    keep_blocks: Option<u64>,
    /// Keep so many bytes of shards only
    #[arg(long, value_name = "BYTES")]
    keep_bytes: Option<u64>,
    /// Keep shards for this time after they were published: 60m, 720h
    #[arg(long, value_name = "TIME", value_parser = duration)]
    keep_for: Option<Duration>,
    /// Look for damage and repair it this often
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
    scrub_every: Duration,
    /// Requests, shards, listed blocks and units of 64 KiB that an address may ask for in a second, in the long run
    #[arg(long, value_name = "REQUESTS", default_value_t = Limits::default().rate)]
    rate: u32,
}

/// Serves until Ctrl-C.
pub fn run(options: &Options) -> Result<()> {
    let store = Arc::new(Store::open(&options.store)?);
    let stop = Cancellation::on_ctrl_c("requests under way are answered first")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (listener, address) =
        runtime.block_on(server::bind(options.listen)).with_context(|| options.listen.to_string())?;
    eprintln!("serving {} at http://{address}/v1/blocks", options.store.display());
    let limits = Limits { rate: options.rate, burst: options.rate.saturating_mul(8), ..Limits::default() };
    let keeping = {
        let (store, stop) = (Arc::clone(&store), stop.clone());
        let retention =
            Retention { blocks: options.keep_blocks, bytes: options.keep_bytes, age: options.keep_for };
        let scrub_every = options.scrub_every.max(Duration::from_secs(1));
        thread::spawn(move || keep(&store, &retention, scrub_every, &stop))
    };
    let stopping = stop.clone();
    let stopped = async move {
        while !stopping.is_cancelled() {
            tokio::time::sleep(LOOK).await;
        }
    };
    let served = runtime.block_on(server::serve(store, listener, limits, stopped));
    stop.cancel();
    keeping.join().map_err(|_| anyhow!("the thread that keeps the store panicked"))?;
    Ok(served?)
}

/// Prunes and scrubs until it is over. What goes wrong is said and tried again.
fn keep(store: &Store, retention: &Retention, scrub_every: Duration, stop: &Cancellation) {
    let (mut prune_at, mut scrub_at) = (Instant::now(), Instant::now() + scrub_every);
    while !stop.is_cancelled() {
        let now = Instant::now();
        if now >= prune_at && *retention != Retention::default() {
            match store.prune(retention, Millis::now().0) {
                Ok(pruned) => {
                    if let (Some(first), Some(last)) = (pruned.blocks.first(), pruned.blocks.last()) {
                        eprintln!("pruned blocks {first} to {last}, {} bytes", pruned.bytes);
                    }
                    for (number, error) in pruned.failed {
                        eprintln!("block {number} cannot be pruned: {error}");
                    }
                }
                Err(error) => eprintln!("blocks cannot be pruned: {error}"),
            }
            prune_at = Instant::now() + PRUNING;
        }
        if now >= scrub_at {
            match scrub::all(store, true, |_| stop.is_cancelled()) {
                Ok(found) => found.say(),
                Err(error) => eprintln!("the store cannot be scrubbed: {error}"),
            }
            scrub_at = Instant::now() + scrub_every;
        }
        thread::sleep(LOOK);
    }
}
