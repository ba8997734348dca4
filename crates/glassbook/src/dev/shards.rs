//! Published data as shards: every batch goes into a store that is served to whoever asks, and is sampled here as a stranger would
//! sample it, over HTTP.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle as Thread};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow, ensure};
use availability::encryption::{EncryptionError, Exchange, Keyring};
use availability::sampling::{Confidence, Outcome, Policy, Strategy};
use availability::{CodingError, Commitment, Parameters};
use light_client::{Http, LightClient};
use proving::Millis;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use settlement::{Fault, Sealed};
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
/// Batches whose samples are kept to be shown.
const SAMPLED: usize = 1_024;
/// Times that are kept for the table.
const TIMES: usize = 1 << 16;

/// Where batches are published as shards.
#[derive(Debug)]
pub struct Shards {
    store: Store,
    /// Where the keys are that batches are encrypted with, and whose they must be.
    keyring: Option<(PathBuf, Exchange)>,
    /// From a sealed file to published shards.
    times: Mutex<Vec<Duration>>,
    /// What samples of the newest batches showed.
    samples: Mutex<BTreeMap<u64, Vec<Taken>>>,
}

/// A sample that was taken here.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Which shard.
    pub shard: u32,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// Of whom.
    pub peer: String,
    /// Whether it came, and is of the codeword.
    pub held: bool,
}

impl Shards {
    /// Publishes a sealed batch's file, which was written at `sealed`; again if asked again. It is found by its commitment.
    pub fn publish(&self, file: &[u8], sealed: Option<SystemTime>) -> Result<Commitment, Fault> {
        // Read each time: a key may have been added since.
        let keyring = self.keyring.as_ref().map(|(path, exchange)| load(path, *exchange)).transpose();
        let published = keyring
            .and_then(|keyring| da::publish(&self.store, file, Parameters::DEFAULT, keyring.as_ref()))
            .map_err(|error| fault(&error))?;
        if let Some(took) = sealed.and_then(|sealed| sealed.elapsed().ok()) {
            let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
            if times.len() < TIMES {
                times.push(took);
            }
        }
        Ok(published.commitment)
    }

    /// Withdraws another batch that was published with this one's number, as after a recovery to a state before it. Only while the
    /// chain has no batch of the number: what it has must stay available. This batch itself stays, under whatever key.
    pub fn withdraw_other(&self, batch: &Sealed) -> Result<(), Fault> {
        let other = match self.store.find(BlockId::Number(batch.number)) {
            Ok(stored) => stored.record.claim_digest.is_some_and(|digest| digest != batch.digest),
            // Publishing says what is wrong with it.
            Err(_) => false,
        };
        if other {
            let failed = |error: StoreError| {
                fault(&anyhow!(error).context(format!("batch {} as shards", batch.number)))
            };
            self.store.withdraw(batch.number).map_err(failed)?;
        }
        Ok(())
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The samples of a batch that were taken since the start, if they are kept.
    pub fn samples(&self, batch: u64) -> Vec<Taken> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner).get(&batch).cloned().unwrap_or_default()
    }

    fn keep(&self, batch: u64, taken: Vec<Taken>) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        samples.insert(batch, taken);
        while samples.len() > SAMPLED {
            samples.pop_first();
        }
    }

    /// What a batch was published by.
    pub fn commitment(&self, batch: u64) -> Result<Commitment, Fault> {
        let stored = self.store.find(BlockId::Number(batch));
        let stored =
            stored.map_err(|error| fault(&anyhow!(error).context(format!("batch {batch} as shards"))))?;
        Ok(stored.record.commitment())
    }
}

/// A keyring, which must be this exchange's.
fn load(path: &Path, exchange: Exchange) -> Result<Keyring> {
    let keyring = Keyring::load(path)?;
    let found = keyring.exchange();
    if found != exchange {
        return Err(EncryptionError::OtherExchange { expected: exchange, found })
            .with_context(|| format!("{} is another exchange's keyring", path.display()));
    }
    Ok(keyring)
}

/// Whether publishing may work when it is tried again: what the file system or a full disk refuse. For all else, what to do about it.
fn fault(error: &anyhow::Error) -> Fault {
    let remedy = match (
        error.downcast_ref::<StoreError>(),
        error.downcast_ref::<EncryptionError>(),
        error.downcast_ref::<CodingError>(),
    ) {
        (Some(StoreError::File { .. } | StoreError::DiskFull { .. }), ..)
        | (_, Some(EncryptionError::Io { .. }), _) => return Fault::Passing(format!("{error:#}")),
        (Some(StoreError::Conflict { .. }), ..) => {
            "the shard store holds another exchange's batch, or one that was encrypted otherwise: move it away"
        }
        (Some(StoreError::DamagedHead { .. }), ..) => {
            "publish the batch's file again with `glassbook da publish`, with the same --encrypt"
        }
        (Some(StoreError::NoSuchBlock), ..) => {
            "the batch is not in the shard store, and was: put it back with `glassbook da publish`, with the same --encrypt"
        }
        (Some(StoreError::Coding(_)), ..)
        | (_, Some(EncryptionError::TooLarge { .. }), _)
        | (.., Some(_)) => {
            "a batch so large cannot be published as shards: seal smaller ones with --batch, on new data"
        }
        (Some(_), ..) => "look at the shard store with `glassbook da scrub`",
        (_, Some(EncryptionError::NoKey(_)), _) => {
            "make a keyring whose first key is for that batch or an earlier one"
        }
        (_, Some(EncryptionError::Permissions { .. }), _) => "make the keyring its owner's only: chmod 600",
        (_, Some(_), _) => "put this exchange's keyring back from a copy",
        (None, None, None) => "the sealed batch's file is damaged: put it back from a copy",
    };
    Fault::Lasting { why: format!("{error:#}"), remedy: remedy.to_string() }
}

/// The store, its server, and the light client that samples it.
pub struct Availability {
    /// Where batches are published.
    pub shards: Arc<Shards>,
    /// Where they are served.
    pub address: SocketAddr,
    server: JoinHandle<()>,
    stop: Arc<AtomicBool>,
    sampler: Thread<Result<Found>>,
}

impl Availability {
    /// Opens the store in a folder and begins to serve it and to sample what is published from now on.
    pub fn start(options: &Options, dir: &Path, deployment: &Deployment, runtime: &Handle) -> Result<Self> {
        let ours = Exchange { chain_id: deployment.chain_id, contract: deployment.exchange.into_array() };
        let keyring = options.encrypt.clone().map(|path| (path, ours));
        if let Some((path, exchange)) = &keyring {
            load(path, *exchange)?;
        }
        let shards = Arc::new(Shards {
            store: Store::create(dir)?,
            keyring,
            times: Mutex::default(),
            samples: Mutex::default(),
        });
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
                tracing::error!(%error, "shards are not served any more");
            }
        });
        let stop = Arc::new(AtomicBool::new(false));
        let client = LightClient::new(Http::new(&[format!("http://{address}")])?);
        let first = shards.store.newest()?.map_or(0, |newest| newest + 1);
        let sampler = {
            let (shards, stop, runtime) = (Arc::clone(&shards), Arc::clone(&stop), runtime.clone());
            let peer = address.to_string();
            thread::spawn(move || sample(&shards, client, &peer, first, &runtime, &stop))
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
    shards: &Shards,
    mut client: LightClient<Http>,
    peer: &str,
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
        let blocks = shards.store.list(next, TOGETHER)?;
        for stored in &blocks {
            let record = &stored.record;
            next = record.number + 1;
            let commitment = record.commitment();
            let sampled = client.sample(&commitment, &policy, Strategy::Uniform, &mut rng);
            let sampled = runtime.block_on(sampled);
            if let Ok(sampled) = &sampled {
                let (time, peer) = (Millis::now().0, peer.to_string());
                let taken = sampled.results.outcomes().map(|(shard, outcome)| {
                    let held = matches!(outcome, Outcome::Verified);
                    Taken { shard, time, peer: peer.clone(), held }
                });
                shards.keep(record.number, taken.collect());
            }
            match sampled {
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
                    tracing::error!(block = record.number, "the data of a block cannot be had");
                    found.unavailable.push(record.number);
                }
                Err(error) => {
                    tracing::error!(block = record.number, %error, "the data of a block cannot be had");
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

#[cfg(test)]
mod tests {
    use super::*;

    const EXCHANGE: Exchange = Exchange { chain_id: 1, contract: [7; 20] };

    #[test]
    fn only_what_the_disk_refuses_is_tried_again() {
        let path = PathBuf::from("somewhere");
        let broken = || std::io::Error::from(std::io::ErrorKind::TimedOut);
        for passing in [
            anyhow!(StoreError::DiskFull { path: path.clone() }),
            anyhow!(StoreError::File { path: path.clone(), source: broken() }),
            anyhow!(EncryptionError::Io { path: path.clone(), source: broken() }),
        ] {
            assert!(matches!(fault(&passing.context("batch 1")), Fault::Passing(_)));
        }
        for (lasting, hint) in [
            (anyhow!(StoreError::Conflict { number: 1, kept: Commitment([0; 32]) }), "move it away"),
            (anyhow!(StoreError::DamagedHead { path, what: "cut short".to_string() }), "da publish"),
            (anyhow!(StoreError::NoSuchBlock), "da publish"),
            (anyhow!(EncryptionError::NoKey(1)), "first key"),
            (anyhow!(EncryptionError::TooLarge { bytes: 2, limit: 1 }), "--batch"),
            (anyhow!(CodingError::PayloadTooLong { length: 9 }), "--batch"),
            (
                da::publish(&store(), b"no batch", Parameters::DEFAULT, None).map(drop).unwrap_err(),
                "from a copy",
            ),
        ] {
            let Fault::Lasting { why, remedy } = fault(&lasting) else { panic!("{lasting}") };
            assert!(!why.is_empty() && remedy.contains(hint), "{why}; {remedy}");
        }
    }

    fn store() -> Store {
        let dir = tempfile::tempdir().unwrap();
        Store::create(dir.path()).unwrap()
    }

    #[test]
    fn another_batch_of_the_same_number_is_withdrawn_and_the_same_batch_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let shards = Shards {
            store: Store::create(dir.path()).unwrap(),
            keyring: None,
            times: Mutex::default(),
            samples: Mutex::default(),
        };
        let encoded =
            |fill: u8| availability::encode(&[fill; 5_000], Parameters::new(4, 2).unwrap()).unwrap();
        let publish = |fill: u8| shards.store.publish(1, Some([fill; 32]), 1, &encoded(fill));
        publish(1).unwrap();
        let same = Sealed { number: 1, digest: [1; 32] };
        shards.withdraw_other(&same).unwrap();
        assert_eq!(shards.commitment(1).unwrap(), encoded(1).header().commitment());
        assert!(matches!(publish(2), Err(StoreError::Conflict { .. })));
        let other = Sealed { number: 1, digest: [2; 32] };
        shards.withdraw_other(&other).unwrap();
        publish(2).unwrap();
        assert_eq!(shards.commitment(1).unwrap(), encoded(2).header().commitment());
        // Where nothing was published nothing is withdrawn.
        shards.withdraw_other(&Sealed { number: 2, digest: [2; 32] }).unwrap();
    }

    #[test]
    fn a_key_that_was_added_is_there_for_the_next_batch() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keyring");
        let mut keyring = Keyring::generate(EXCHANGE, 0).unwrap();
        keyring.save(&path).unwrap();
        let shards = Shards {
            store: Store::create(&dir.path().join("store")).unwrap(),
            keyring: Some((path.clone(), EXCHANGE)),
            times: Mutex::default(),
            samples: Mutex::default(),
        };
        let count = || load(&path, EXCHANGE).unwrap().ids().count();
        assert_eq!(count(), 1);
        keyring.rotate(9).unwrap();
        keyring.save(&path).unwrap();
        assert_eq!(count(), 2);
        // The file is read for each batch: once it is gone, none is published under a key from before.
        std::fs::remove_file(&path).unwrap();
        let Err(Fault::Passing(why)) = shards.publish(b"no batch", None) else { panic!("it was not read") };
        assert!(why.contains("keyring"), "{why}");
        // Another exchange's is refused.
        Keyring::generate(Exchange { chain_id: 2, ..EXCHANGE }, 0).unwrap().save(&path).unwrap();
        assert!(matches!(shards.publish(b"no batch", None), Err(Fault::Lasting { .. })));
    }
}
