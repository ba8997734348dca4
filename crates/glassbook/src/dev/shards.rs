//! Published data as shards: every batch goes into a store that is served to whoever asks, and is sampled here as a stranger would
//! sample it, over HTTP.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle as Thread};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow, ensure};
use availability::encryption::{Exchange, Keyring};
use availability::sampling::{Confidence, Policy, Strategy};
use availability::{Commitment, Parameters};
use light_client::{Http, LightClient};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use settlement::Fault;
use shard_store::server::{self, Limits};
use shard_store::{BlockId, Store, StoreError};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::Options;
use super::chain::Deployment;
use crate::da;

/// How often it is looked for new blocks.
const LOOK: Duration = Duration::from_millis(200);
/// Blocks that are sampled before it is looked again.
const TOGETHER: usize = 16;
/// Times that are kept for the table.
const TIMES: usize = 1 << 16;

/// Where batches are published as shards.
#[derive(Debug)]
pub struct Shards {
    store: Store,
    keyring: Option<Keyring>,
    /// From a sealed file to published shards.
    times: Mutex<Vec<Duration>>,
}

impl Shards {
    /// Publishes a sealed batch's file, which was written at `sealed`; again if asked again. It is found by its commitment.
    pub fn publish(&self, file: &[u8], sealed: Option<SystemTime>) -> Result<Commitment, Fault> {
        let keyring = self.keyring.as_ref();
        let published = da::publish(&self.store, file, Parameters::DEFAULT, keyring).map_err(|error| {
            let why = format!("{error:#}");
            match error.downcast_ref() {
                Some(StoreError::Conflict { .. }) => {
                    let remedy = "the shard store holds another exchange's batch, or one that was encrypted otherwise: \
                                  move it away";
                    Fault::Lasting { why, remedy: remedy.to_string() }
                }
                _ => Fault::Passing(why),
            }
        })?;
        if let Some(took) = sealed.and_then(|sealed| sealed.elapsed().ok()) {
            let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
            if times.len() < TIMES {
                times.push(took);
            }
        }
        Ok(published.commitment)
    }

    /// What a batch was published by.
    pub fn commitment(&self, batch: u64) -> Result<Commitment, Fault> {
        let stored = self.store.find(BlockId::Number(batch));
        let stored = stored.map_err(|error| Fault::Passing(format!("batch {batch} as shards: {error}")))?;
        Ok(stored.record.commitment())
    }
}

/// The store, its server, and the light client that samples it.
pub struct Availability {
    /// Where batches are published.
    pub shards: Arc<Shards>,
    address: SocketAddr,
    server: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    sampler: Thread<Result<Found>>,
}

impl Availability {
    /// Opens the store in a folder and begins to serve it and to sample what is published from now on.
    pub fn start(options: &Options, dir: &Path, deployment: &Deployment, runtime: &Handle) -> Result<Self> {
        let keyring = options.encrypt.as_ref().map(|path| Keyring::load(path)).transpose()?;
        if let Some(keyring) = &keyring {
            let ours = Exchange { chain_id: deployment.chain_id, contract: deployment.exchange.into_array() };
            ensure!(
                keyring.exchange() == ours,
                "the keyring is another exchange's; this one is {} on chain {}",
                deployment.exchange,
                deployment.chain_id
            );
        }
        let shards = Arc::new(Shards { store: Store::create(dir)?, keyring, times: Mutex::default() });
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), options.da_port);
        let (listener, address) = runtime.block_on(server::bind(address)).with_context(|| {
            format!("cannot serve shards at {address}; choose another --da-port, or 0 for any")
        })?;
        let served = server::serve(
            Arc::new(Store::open(dir)?),
            listener,
            Limits::default(),
            // Until the task is dropped.
            std::future::pending(),
        );
        let server = runtime.spawn(async move {
            if let Err(error) = served.await {
                eprintln!("shards are not served any more: {error}");
            }
        });
        let stop = Arc::new(AtomicBool::new(false));
        let client = LightClient::new(Http::new(&[format!("http://{address}")])?);
        let first = shards.store.newest()?.map_or(0, |newest| newest + 1);
        let sampler = {
            let (shards, stop, runtime) = (Arc::clone(&shards), Arc::clone(&stop), runtime.clone());
            thread::spawn(move || sample(&shards.store, client, first, &runtime, &stop))
        };
        Ok(Self { shards, address, server, stop, sampler })
    }

    /// Says where it is.
    pub fn announce(&self) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let encrypted = if self.shards.keyring.is_some() { ", encrypted" } else { "" };
        writeln!(out, "shards        http://{}/v1/blocks{encrypted}\n", self.address)?;
        Ok(out.flush()?)
    }

    /// Samples what is not sampled yet, says what was found, and ends.
    pub fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let found = self.sampler.join().map_err(|_| anyhow!("the thread that samples panicked"))??;
        self.server.abort();
        let mut times = self.shards.times.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut latencies = found.latencies;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "published {} batches as shards, {} from the sealed file",
            times.len(),
            percentiles(&mut times)
        )?;
        if let Some(confidence) = &found.least {
            writeln!(
                out,
                "sampled {} blocks over HTTP: {} available, each with a confidence of at least {confidence}; a sample {}",
                found.available + found.unavailable.len() as u64,
                found.available,
                percentiles(&mut latencies)
            )?;
        }
        ensure!(found.unavailable.is_empty(), "the data of blocks {:?} cannot be had", found.unavailable);
        Ok(())
    }
}

/// What samples showed.
#[derive(Default)]
struct Found {
    available: u64,
    unavailable: Vec<u64>,
    /// The least confidence of those that are available.
    least: Option<Confidence>,
    latencies: Vec<Duration>,
}

/// Samples each block once, in order, until it is over and all are sampled.
fn sample(
    store: &Store,
    mut client: LightClient<Http>,
    mut next: u64,
    runtime: &Handle,
    stop: &AtomicBool,
) -> Result<Found> {
    let policy = Policy::default();
    // Private: not even this exchange foresees which shards are asked for.
    let mut rng = StdRng::try_from_os_rng().context("no randomness from the operating system")?;
    let mut found = Found::default();
    loop {
        // Read before the list: what was published before it was told to stop is in the list.
        let ending = stop.load(Ordering::Relaxed);
        let blocks = store.list(next, TOGETHER)?;
        for stored in &blocks {
            let record = &stored.record;
            next = record.number + 1;
            let commitment = record.commitment();
            let sampled = client.sample(&commitment, &policy, Strategy::Uniform, &mut rng);
            match runtime.block_on(sampled) {
                Ok(sampled) if sampled.is_available() => {
                    found.available += 1;
                    let achieved = sampled.requirement.achieved;
                    found.least = Some(found.least.map_or(achieved.clone(), |least| least.min(achieved)));
                    let room = TIMES.saturating_sub(found.latencies.len());
                    let latencies = sampled.peers.iter().flat_map(|peer| &peer.latencies);
                    let latencies = latencies.map(|micros| Duration::from_micros(u64::from(*micros)));
                    found.latencies.extend(latencies.take(room));
                }
                Ok(_) => {
                    eprintln!("the data of block {} cannot be had", record.number);
                    found.unavailable.push(record.number);
                }
                Err(error) => {
                    eprintln!("the data of block {} cannot be had: {error}", record.number);
                    found.unavailable.push(record.number);
                }
            }
        }
        if blocks.is_empty() {
            if ending {
                return Ok(found);
            }
            thread::sleep(LOOK);
        }
    }
}

fn percentiles(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |percent: usize| times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    let millis = |time: Option<&Duration>| {
        time.map_or("-".to_string(), |time| format!("{:.1} ms", time.as_secs_f64() * 1e3))
    };
    format!("p50 {}, p99 {}", millis(at(50)), millis(at(99)))
}
