//! `glassbook recover`: the whole exchange from L1 and the published batches alone.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, keccak256};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use contracts::bindings::Exchange as Contract;
use exchange::{Config, Exchange};
use indicatif::{ProgressBar, ProgressStyle};
use l1::{Blocks, Client, EmbeddedL1, Indexer, IndexerOptions};
use transition::SealedBatch;

use super::chain;
use crate::deployment::check_root;
use crate::{address, published};

const REQUEST: Duration = Duration::from_secs(10);

/// Make an exchange's data directory anew, from L1 and its published batches alone
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// A node's URL; or the folder where `glassbook dev --data` keeps an embedded chain (DIR/l1)
    #[arg(long, value_name = "URL")]
    pub from_l1: String,
    /// The exchange's contract
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    pub exchange: Address,
    /// The first block to look at: the contract's, or an earlier one
    #[arg(long, value_name = "BLOCK", default_value_t = 0)]
    pub from_block: u64,
    /// The folder of published batches
    #[arg(long, value_name = "DIR")]
    pub published: PathBuf,
    /// The last batch to recover [default: the last that is committed on L1]
    #[arg(long, value_name = "NUMBER")]
    pub to_batch: Option<u64>,
    /// The data directory to make; must not hold an exchange
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
}

/// Makes it, and checks every batch against its claim on the chain.
pub fn run(options: &Options) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let node = match Path::new(&options.from_l1).is_dir() {
        true => {
            let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
            let config = chain::embedded(listen, Some(PathBuf::from(&options.from_l1)), Blocks::OnDemand)?;
            Some(runtime.block_on(EmbeddedL1::start(config)).context(options.from_l1.clone())?)
        }
        false => None,
    };
    let url = node.as_ref().map_or(options.from_l1.clone(), EmbeddedL1::url);
    let recovered = runtime.block_on(Client::connect(&url, REQUEST)).map_err(anyhow::Error::from);
    let recovered = recovered.and_then(|client| recover(options, &runtime, client));
    if let Some(node) = node {
        runtime.block_on(node.shutdown());
    }
    recovered
}

fn recover(options: &Options, runtime: &tokio::runtime::Runtime, client: Client) -> Result<()> {
    let genesis = published::genesis(&options.published)?;
    runtime.block_on(check_root(&client, options.exchange, &genesis))?;
    let scratch = tempfile::tempdir()?;
    let from_block = options.from_block;
    let settings = IndexerOptions { from_block, ..IndexerOptions::default() };
    let indexer = Indexer::open(&scratch.path().join("index"), client.clone(), options.exchange, settings)?;
    eprintln!("reading the events of {} at {}", options.exchange, client.url());
    runtime.block_on(indexer.follow())?;
    let committed = indexer.last_committed()?;
    ensure!(
        committed > 0,
        "the chain has no batch of this exchange: it begins anew, with an empty data directory"
    );
    let last = options.to_batch.unwrap_or(committed);
    ensure!(
        (1..=committed).contains(&last),
        "--to-batch {last}: the chain has batches 1 to {committed} of this exchange"
    );

    let bar = ProgressBar::new(last);
    let style = ProgressStyle::with_template("{bar:32} {human_pos}/{human_len} batches {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let config = Config::new(&options.data);
    let batches = (1..=last).map(|number| {
        bar.set_position(number);
        from_chain(options, &indexer, number)
    });
    exchange::rebuild(&config, &genesis, batches)?;
    bar.finish_and_clear();
    let (exchange, recovered) = Exchange::open(config, &genesis, |_| {})?;
    exchange.shutdown()?;

    let root = recovered.state_root;
    ensure!(
        root == published::batch(&options.published, last)?.claim.state_root,
        "another state was recovered"
    );
    let final_batch = runtime.block_on(client.call(options.exchange, &Contract::finalBatchCall {}))?;
    let final_root = runtime.block_on(client.call(options.exchange, &Contract::finalRootCall {}))?;
    if final_batch > 0 && final_batch <= last {
        let claim = published::batch(&options.published, final_batch)?.claim;
        ensure!(
            claim.state_root == final_root.0,
            "the chain's final state is not that of batch {final_batch}"
        );
    }
    println!(
        "recovered batches 1 to {last}, {} commands, into {}",
        recovered.last_sequence,
        options.data.display()
    );
    println!("  state root {}", hex::encode(root));
    println!(
        "  every batch was executed again and is the one that L1 has; batches 1 to {} are final there",
        final_batch.min(last)
    );
    println!("  what was acknowledged and not yet committed on L1 is not in it");
    if last < committed {
        let proved = runtime.block_on(client.call(options.exchange, &Contract::provedBatchCall {}))?;
        let way = if proved > last {
            format!("batches 1 to {proved} are proved and stay: this is for looking at, and never settles")
        } else {
            format!("it settles only after `glassbook operator revert --to-batch {last}`")
        };
        println!("  the chain has batches up to {committed}, which this exchange does not have: {way}");
    }
    Ok(())
}

/// A published batch, if it is the one that the chain has.
fn from_chain(options: &Options, indexer: &Indexer, number: u64) -> Result<SealedBatch> {
    let batch = published::batch(&options.published, number)?;
    let digest = indexer.batch(number)?.digest.with_context(|| format!("the chain has no batch {number}"))?;
    if keccak256(batch.claim.encode()).0 != digest {
        bail!("batch {number} as it was published is not the one that was committed on L1");
    }
    Ok(batch)
}
