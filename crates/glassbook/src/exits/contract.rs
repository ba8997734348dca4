//! The exchange's contract on some node, and a key that calls it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, U256};
use alloy_sol_types::{SolCall, SolEventInterface as _};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use contracts::bindings::Exchange;
use contracts::bindings::Exchange::ExchangeEvents;
use l1::{Client, FeePolicy, Indexer, IndexerOptions, Outcome, Sender, Signer};
use tempfile::TempDir;

use super::way_out;
use crate::dev::Deployment;

/// How long a request to a node may take.
const REQUEST: Duration = Duration::from_secs(30);
/// How long a transaction may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Blocks that are asked for at once; halved as often as the node refuses.
const RANGE: u64 = 50_000;
/// Blocks whose events are in memory together.
const WINDOW: u64 = 10_000;

/// Which exchange.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// Any Ethereum node's HTTP JSON-RPC
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545", help_heading = "Exchange")]
    pub l1: String,
    /// The exchange's contract
    #[arg(
        long,
        value_name = "ADDRESS",
        required_unless_present = "deployment",
        conflicts_with = "deployment",
        help_heading = "Exchange"
    )]
    pub exchange: Option<Address>,
    /// The contract as `glassbook dev --data DIR` has written it down: DIR/deployment.json
    #[arg(long, value_name = "FILE", help_heading = "Exchange")]
    pub deployment: Option<PathBuf>,
    /// Look for events from this block on: the contract's, or an earlier one [default: the deployment's, or 0]
    #[arg(long, value_name = "BLOCK", help_heading = "Exchange")]
    pub from_block: Option<u64>,
}

/// Who signs transactions and pays their gas.
#[derive(Args, Clone, Debug)]
pub struct Key {
    /// The environment variable with the private key that signs and pays gas
    #[arg(long, value_name = "NAME", required_unless_present = "keystore", help_heading = "Key")]
    pub key: Option<String>,
    /// The same from a keystore file, as geth and Foundry write it; its password is in GLASSBOOK_KEYSTORE_PASSWORD
    #[arg(long, value_name = "FILE", conflicts_with = "key", help_heading = "Key")]
    pub keystore: Option<PathBuf>,
}

/// The key from an environment variable or a keystore file, if one is named.
pub fn signer(name: Option<&str>, keystore: Option<&Path>) -> Result<Option<Signer>> {
    Ok(match (name, keystore) {
        (Some(name), _) => Some(Signer::from_env(name)?),
        (None, Some(path)) => {
            let password = std::env::var("GLASSBOOK_KEYSTORE_PASSWORD").unwrap_or_default();
            Some(Signer::from_keystore(path, &password)?)
        }
        (None, None) => None,
    })
}

/// The contract, for questions.
pub struct Contract {
    /// The node.
    pub client: Client,
    /// Where it is.
    pub address: Address,
    from_block: u64,
}

impl Contract {
    /// Connects, and sees that there is something.
    pub async fn open(place: &Place) -> Result<Self> {
        let deployed = place.deployment.as_deref().map(Deployment::read).transpose()?;
        let client = match &deployed {
            Some(found) => Client::connect_to(&place.l1, found.chain_id, REQUEST).await,
            None => Client::connect(&place.l1, REQUEST).await,
        };
        let client = client.map_err(way_out::of)?;
        let address = place.exchange.or(deployed.as_ref().map(|found| found.exchange));
        let address = address.context("which exchange? --exchange ADDRESS, or --deployment FILE")?;
        let from_block = place.from_block.or(deployed.map(|found| found.from_block)).unwrap_or(0);
        let contract = Self { client, address, from_block };
        contract.check().await?;
        Ok(contract)
    }

    /// At an address on a node of this chain.
    pub async fn at(url: &str, chain_id: u64, address: Address) -> Result<Self> {
        let client = Client::connect_to(url, chain_id, REQUEST).await.map_err(way_out::of)?;
        let contract = Self { client, address, from_block: 0 };
        contract.check().await?;
        Ok(contract)
    }

    async fn check(&self) -> Result<()> {
        let Self { client, address, .. } = self;
        if !client.has_code(*address).await.map_err(way_out::of)? {
            bail!(
                "there is no contract at {address} on chain {} ({}); check --exchange, and that --l1 is a node of its chain",
                client.chain_id(),
                client.url()
            );
        }
        Ok(())
    }

    /// What one of its functions returns now.
    pub async fn view<C: SolCall>(&self, call: C) -> Result<C::Return> {
        self.client.call(self.address, &call).await.map_err(way_out::of)
    }

    /// Its events so far. The folder goes with the index.
    pub async fn index(&self) -> Result<(TempDir, Indexer)> {
        let dir = tempfile::tempdir()?;
        let options = IndexerOptions { from_block: self.from_block, longest_range: RANGE };
        let indexer = Indexer::open(&dir.path().join("index"), self.client.clone(), self.address, options)?;
        eprintln!("reading the events of {} from block {} on", self.address, self.from_block);
        indexer.follow().await.context(
            "the contract's events; --from-block must not be after the contract's first block, and the node must keep them",
        )?;
        Ok((dir, indexer))
    }

    /// Takes every event, oldest first.
    pub fn each_event(&self, indexer: &Indexer, mut take: impl FnMut(ExchangeEvents)) -> Result<()> {
        let Some(tip) = indexer.tip()? else { return Ok(()) };
        let mut first = self.from_block;
        while first <= tip.number {
            let last = first.saturating_add(WINDOW - 1).min(tip.number);
            indexer.events(first, last)?.into_iter().for_each(|event| take(event.what));
            first = last + 1;
        }
        Ok(())
    }
}

/// The contract, and a key that calls it.
pub struct Caller {
    /// The contract.
    pub contract: Contract,
    sender: Sender,
}

/// What a transaction did.
pub struct Done {
    /// The contract's events in it, in order.
    pub events: Vec<ExchangeEvents>,
}

impl Caller {
    /// Connects, and opens the key.
    pub async fn open(place: &Place, key: &Key) -> Result<Self> {
        let signer = signer(key.key.as_deref(), key.keystore.as_deref())?;
        let signer = signer.context("who signs? --key NAME, or --keystore FILE")?;
        let contract = Contract::open(place).await?;
        let sender = Sender::new(contract.client.clone(), signer, FeePolicy::default());
        Ok(Self { contract, sender })
    }

    /// Whose key it is.
    pub fn address(&self) -> Address {
        self.sender.address()
    }

    /// Calls a function of the exchange, waits until it is in a block, and says so.
    pub async fn send(&self, what: &str, value: U256, call: &impl SolCall) -> Result<Done> {
        self.send_to(self.contract.address, what, value, call).await
    }

    /// Calls a function of any contract.
    pub async fn send_to(&self, to: Address, what: &str, value: U256, call: &impl SolCall) -> Result<Done> {
        let client = &self.contract.client;
        let sent = match self.sender.call(to, value, call).await {
            Ok(sent) => sent,
            Err(error) => {
                let has = client.balance(self.address()).await.map_err(way_out::of)?;
                ensure!(
                    has > value,
                    "{what}: {} has {has} wei, and {value} wei and gas are needed; send it some of the chain's coin",
                    self.address()
                );
                return Err(way_out::of(error).context(what.to_string()));
            }
        };
        let hash = sent.hash();
        let outcome = self.sender.carried_out(&sent, LIMIT).await;
        let outcome =
            outcome.map_err(|error| way_out::of(error).context(format!("{what}, transaction {hash}")))?;
        let Outcome::Done { gas, block, .. } = outcome else {
            bail!("{what}: nobody knows what became of transaction {hash}; look for it before you try again");
        };
        let logs = client.logs_in(self.contract.address, block.hash.into()).await.map_err(way_out::of)?;
        let ours = logs.into_iter().filter(|log| log.transaction_hash == Some(hash));
        let events = ours
            .filter_map(|log| {
                ExchangeEvents::decode_raw_log(log.inner.data.topics(), &log.inner.data.data).ok()
            })
            .collect();
        writeln!(std::io::stdout(), "{what}\n  transaction {hash} in block {}, {gas} gas", block.number)?;
        Ok(Done { events })
    }

    /// The account that an address owns.
    pub async fn account_of(&self, owner: Address) -> Result<u32> {
        self.contract.view(Exchange::accountOfCall { owner }).await
    }
}

impl Done {
    /// Positions of the entries that it put into the queue.
    pub fn positions(&self) -> Vec<u64> {
        let position = |event: &ExchangeEvents| match event {
            ExchangeEvents::Enqueued(entry) => Some(entry.position),
            _ => None,
        };
        self.events.iter().filter_map(position).collect()
    }
}
