//! The exchange's contract on some node, and a key that calls it.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolCall, SolEventInterface as _};
use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use clap::Args;
use contracts::bindings::Exchange;
use contracts::bindings::Exchange::ExchangeEvents;
use l1::{Client, ClientError, Confirmation, FeePolicy, Indexer, IndexerOptions, Outcome, Sender};
use tempfile::TempDir;

use super::events::{self, FinalBatches};
use super::way_out::{self, CARRIED_OUT};
use crate::address;
use crate::deployment::Deployment;
use crate::keys::signer;

/// How long a request to a node may take.
const REQUEST: Duration = Duration::from_secs(30);
/// How long a transaction may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Blocks that are asked for at once; halved as often as the node refuses.
const RANGE: u64 = 50_000;

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
        value_parser = address::parse,
        required_unless_present = "deployment",
        conflicts_with = "deployment",
        help_heading = "Exchange"
    )]
    pub exchange: Option<Address>,
    /// The id of its chain: a node of another one is refused. Whatever signs with --exchange needs it
    #[arg(long, value_name = "ID", conflicts_with = "deployment", help_heading = "Exchange")]
    pub chain: Option<u64>,
    /// Contract and chain as `glassbook dev --data DIR` has written them down: DIR/deployment.json
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
        let client = match place.chain.or(deployed.as_ref().map(|found| found.chain_id)) {
            Some(chain) => Client::connect_to(&place.l1, chain, REQUEST).await,
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

    /// What one of its functions returned at a block, by its hash.
    pub async fn view_at<C: SolCall>(&self, call: C, block: B256) -> Result<C::Return> {
        self.client.call_at(self.address, &call, block).await.map_err(way_out::of)
    }

    /// Its events so far, all of them. The folder goes with the index.
    ///
    /// # Errors
    /// When events are missing: whoever went on would believe that what they tell of was never there.
    pub async fn index(&self) -> Result<(TempDir, Indexer)> {
        let dir = tempfile::tempdir()?;
        let options = IndexerOptions { from_block: self.from_block, longest_range: RANGE };
        let indexer = Indexer::open(&dir.path().join("index"), self.client.clone(), self.address, options)?;
        eprintln!("reading the events of {} from block {} on", self.address, self.from_block);
        let incomplete = || events::incomplete(self.from_block);
        indexer.follow().await.with_context(incomplete)?;
        self.compare(&indexer).await.with_context(incomplete)?;
        Ok((dir, indexer))
    }

    /// The events must amount to what the contract has, at the block up to which they were read.
    async fn compare(&self, indexer: &Indexer) -> Result<()> {
        let tip = indexer.tip()?.context("the node has shown no block")?;
        let at = B256::from(tip.hash);
        let length = self.view_at(Exchange::queueLengthCall {}, at).await?;
        let hash = self.view_at(Exchange::queueHashCall { entries: length }, at).await?;
        events::same_queue(&indexer.queue(Confirmation::Latest)?, length, hash)?;
        let last = self.view_at(Exchange::finalBatchCall {}, at).await?;
        let mut batches = FinalBatches::default();
        self.each_event(indexer, |event| batches.take(&event))?;
        batches.up_to(last)
    }

    /// Takes every event, oldest first.
    pub fn each_event(
        &self,
        indexer: &Indexer,
        mut take: impl FnMut(ExchangeEvents) -> Result<()>,
    ) -> Result<()> {
        let Some(tip) = indexer.tip()? else { return Ok(()) };
        indexer.each_event(self.from_block, tip.number, |event| take(event.what))
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
    /// Opens the key, and connects.
    pub async fn open(place: &Place, key: &Key) -> Result<Self> {
        let signer = signer(key.key.as_deref(), key.keystore.as_deref())?;
        let signer = signer.context("who signs? --key NAME, or --keystore FILE")?;
        ensure!(
            place.chain.is_some() || place.deployment.is_some(),
            "on which chain is it? --chain ID with --exchange: what is signed must not go to another chain"
        );
        let contract = Contract::open(place).await?;
        let sender = Sender::new(contract.client.clone(), signer, FeePolicy::default());
        Ok(Self { contract, sender })
    }

    /// Whose key it is.
    pub fn address(&self) -> Address {
        self.sender.address()
    }

    /// Calls a function of the exchange, waits until it is in a block, and says so. `what` is what is to be done, as an order.
    pub async fn send(&self, what: &str, value: U256, call: &impl SolCall) -> Result<Done> {
        self.send_to(self.contract.address, what, value, call).await
    }

    /// Calls a function of any contract.
    pub async fn send_to(&self, to: Address, what: &str, value: U256, call: &impl SolCall) -> Result<Done> {
        let mut signed = None;
        let sent = self.sender.call_announced(to, value, call, |hash| {
            // Before the node has it: should its answer be lost, or this be interrupted, the hash is known. An output that
            // nobody reads is no reason to stop here.
            let mut out = io::stdout();
            if signed.replace(hash).is_none() {
                let _ = writeln!(out, "{what}");
            }
            let _ = writeln!(out, "  transaction {hash}");
            Ok(())
        });
        let sent = sent.await;
        let sent = match sent {
            Ok(sent) => sent,
            Err(error) => return Err(self.not_taken(what, value, error, signed).await),
        };
        let hash = sent.hash();
        let outcome = self.sender.carried_out(&sent, LIMIT).await;
        let outcome = outcome.map_err(|error| way_out::of_waiting(error, hash).context(what.to_string()))?;
        let Outcome::Done { gas, block, .. } = outcome else {
            bail!("{what}: nobody knows what became of transaction {hash}; look for it before you try again");
        };
        writeln!(io::stdout(), "  carried out in block {}, {gas} gas", block.number)?;
        let logs = self.contract.client.logs_in(self.contract.address, block.hash.into()).await;
        let logs = logs.map_err(way_out::of).context(CARRIED_OUT)?;
        let ours = logs.into_iter().filter(|log| log.transaction_hash == Some(hash));
        let events = ours
            .filter_map(|log| {
                ExchangeEvents::decode_raw_log(log.inner.data.topics(), &log.inner.data.data).ok()
            })
            .collect();
        Ok(Done { events })
    }

    /// Why the node did not take a transaction, or did not say whether it did. `signed` is its hash, if it got that far.
    async fn not_taken(&self, what: &str, value: U256, error: ClientError, signed: Option<B256>) -> Error {
        // Nodes say in many ways that there is no money for it.
        if !matches!(error, ClientError::Unreachable { .. } | ClientError::Answer(_))
            && let Ok(has) = self.contract.client.balance(self.address()).await
            && has <= value
        {
            return anyhow!(
                "{what}: {} has {has} wei, and {value} wei and gas are needed; send it some of the chain's coin",
                self.address()
            );
        }
        let error = match signed {
            Some(hash) => way_out::of_handing_in(error, hash),
            None => way_out::of(error),
        };
        error.context(what.to_string())
    }

    /// The account that an address owns.
    pub async fn account_of(&self, owner: Address) -> Result<u32> {
        self.contract.view(Exchange::accountOfCall { owner }).await
    }
}

impl Done {
    /// Positions of the entries that it put into the queue.
    pub fn positions(&self) -> Vec<u64> {
        self.entries().map(|entry| entry.position).collect()
    }

    /// The entries that it put into the queue.
    pub fn entries(&self) -> impl Iterator<Item = &Exchange::Enqueued> {
        self.events.iter().filter_map(|event| match event {
            ExchangeEvents::Enqueued(entry) => Some(entry),
            _ => None,
        })
    }
}
