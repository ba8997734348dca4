//! `glassbook da blobs`: sealed batches posted to the chain as blobs (EIP-4844), kept, read back, and checked.
//!
//! A reader needs the publisher's folder: the chain has the blobs' hashes, and nodes drop the blobs themselves after some weeks,
//! and hand out none at all by JSON-RPC. What the folder says is held against the chain. So blobs show that the data was there for all
//! of Ethereum when it was posted; shards ([`mod@super::publish`]) are what readers get it from.

mod folder;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes};
use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Subcommand};
use contracts::bindings::Exchange;
use l1::{
    Blob, BlobCommitment, BlobSidecar, BlobTransaction, Client, Evaluation, FeePolicy, Outcome, Sender,
    from_blobs, to_blobs,
};
use rand::TryRngCore as _;
use rand::rngs::OsRng;

use super::{binding, recover};
use crate::exits::{Contract, Key};
use crate::keys::signer;
use folder::{Folder, Kept, MOST_BLOBS};

/// How long a request to a node may take: a transaction with six blobs is checked for a second or two.
const REQUEST: Duration = Duration::from_secs(60);
/// How long a transaction may take.
const LIMIT: Duration = Duration::from_secs(600);
/// How often it is looked for one that was sent before.
const POLL: Duration = Duration::from_millis(200);

/// What to do with blobs.
#[derive(Subcommand)]
pub enum Command {
    /// Post a sealed batch to the chain as blobs, and keep them
    ///
    /// Refuses a batch whose commands are not those that its claim is about. The blobs are on disk before they are sent; posting the
    /// same batch again sends only what is not on the chain.
    #[command(
        after_help = "Example:\n  glassbook da blobs publish DATA/batches/000000000001.batch --blobs blobs --l1 http://127.0.0.1:8545 --chain 31337 --key OPERATOR_KEY"
    )]
    Publish(PublishOptions),
    /// Get a batch back from kept blobs, and check that they are what the chain has and the batch is what was executed
    #[command(
        after_help = "Example:\n  glassbook da blobs read 1 --blobs blobs --l1 http://127.0.0.1:8545 --out 1.batch --exchange CONTRACT"
    )]
    Read(ReadOptions),
    /// Have the chain's point evaluation contract (0x0a) check each of a batch's blobs at a point that nobody can foresee
    #[command(after_help = "Example:\n  glassbook da blobs check 1 --blobs blobs --l1 http://127.0.0.1:8545")]
    Check(CheckOptions),
}

#[derive(Args)]
struct Place {
    /// The folder where blobs are kept
    #[arg(long, value_name = "DIR")]
    blobs: PathBuf,
    /// Any Ethereum node's HTTP JSON-RPC
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8545")]
    l1: String,
}

/// Post a batch
#[derive(Args)]
pub struct PublishOptions {
    /// A file from the `batches` folder of a data directory
    batch: PathBuf,
    #[command(flatten)]
    place: Place,
    /// The id of the chain: a node of another one is refused
    #[arg(long, value_name = "ID")]
    chain: u64,
    #[command(flatten)]
    key: Key,
    /// Encrypt with this keyring first: what is posted can be read by everybody, for ever
    #[arg(long, value_name = "KEYRING")]
    encrypt: Option<PathBuf>,
}

/// Get a batch back
#[derive(Args)]
pub struct ReadOptions {
    /// Its number
    batch: u64,
    #[command(flatten)]
    place: Place,
    /// Where to write the sealed batch
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The keyring, for batches that were encrypted
    #[arg(long, value_name = "KEYRING")]
    keyring: Option<PathBuf>,
    /// The exchange's contract on the same chain: only a batch that it has is taken
    #[arg(long, value_name = "ADDRESS")]
    exchange: Option<Address>,
}

/// Check a batch's blobs
#[derive(Args)]
pub struct CheckOptions {
    /// Its number
    batch: u64,
    #[command(flatten)]
    place: Place,
}

/// Does it.
pub fn run(command: &Command) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Publish(options) => publish(options).await,
            Command::Read(options) => read(options).await,
            Command::Check(options) => check(options).await,
        }
    })
}

async fn publish(options: &PublishOptions) -> Result<()> {
    let keyring = super::load(options.encrypt.as_ref())?;
    let signer = signer(options.key.key.as_deref(), options.key.keystore.as_deref())?;
    let signer = signer.context("who signs? --key NAME, or --keystore FILE")?;
    let file = std::fs::read(&options.batch).with_context(|| options.batch.display().to_string())?;
    let batch = binding::sealed(&file).with_context(|| options.batch.display().to_string())?;
    let number = batch.claim.batch;
    let payload = match keyring {
        Some(keyring) => keyring.seal(number, &file)?,
        None => file,
    };
    let kept = Kept { digest: binding::claim_digest(&batch.claim), blobs: to_blobs(&payload) };
    ensure!(
        kept.blobs.len() <= MOST_BLOBS,
        "batch {number} takes {} blobs, more than {MOST_BLOBS}: seal smaller ones",
        kept.blobs.len()
    );
    let client = Client::connect_to(&options.place.l1, options.chain, REQUEST).await?;
    let sender = Sender::new(client, signer, FeePolicy::default());
    let folder = Folder::new(&options.place.blobs);
    folder.keep(number, &kept)?;
    let mut out = io::stdout();
    writeln!(out, "batch         {number}, claim digest {}", hex::encode(kept.digest))?;
    writeln!(
        out,
        "blobs         {} for {} bytes, kept in {}",
        kept.blobs.len(),
        payload.len(),
        options.place.blobs.display()
    )?;
    for (group, blobs) in kept.groups().enumerate() {
        let sidecar = BlobSidecar::new(blobs)?;
        let posted = match on_chain(sender.client(), &folder, number, group, &kept, sidecar.hashes(), true)
            .await?
        {
            Some((hash, found)) => {
                writeln!(out, "transaction   {hash}: was posted before, in block {}", found.block.number)?;
                found
            }
            None => post(&sender, &folder, number, group, &kept, &sidecar).await?,
        };
        for hash in &posted.hashes {
            writeln!(out, "  blob        {hash}")?;
        }
    }
    Ok(())
}

/// Posts a group of a batch's blobs, and waits until they are in a block.
async fn post(
    sender: &Sender,
    folder: &Folder,
    batch: u64,
    group: usize,
    kept: &Kept,
    sidecar: &BlobSidecar,
) -> Result<BlobTransaction> {
    let note = |hash| Ok(folder.note(batch, group, hash)?);
    let sent = sender.post_blobs(sidecar, Bytes::copy_from_slice(&kept.digest), note).await?;
    let hash = sent.hash();
    let outcome = sender.carried_out(&sent, LIMIT).await;
    let Outcome::Done { gas, block, .. } =
        outcome.with_context(|| format!("transaction {hash} was sent; publish again to wait for it"))?
    else {
        bail!("nobody knows what became of transaction {hash}; publish again to look for it");
    };
    writeln!(
        io::stdout(),
        "transaction   {hash}: in block {}, {gas} gas beside that of blobs",
        block.number
    )?;
    let found = sender.client().blob_transaction(hash).await?;
    found.with_context(|| {
        format!("transaction {hash} is in block {}, and the node has no blobs of it", block.number)
    })
}

/// The transaction that has these blobs of a batch on the chain, of those that are noted. With `wait`, one that is in no block yet is
/// waited for.
async fn on_chain(
    client: &Client,
    folder: &Folder,
    batch: u64,
    group: usize,
    kept: &Kept,
    hashes: &[B256],
    wait: bool,
) -> Result<Option<(B256, BlobTransaction)>> {
    for hash in folder.transactions(batch, group)? {
        let began = Instant::now();
        loop {
            match client.blob_transaction(hash).await? {
                Some(found) if found.hashes == hashes && found.data[..] == kept.digest => {
                    return Ok(Some((hash, found)));
                }
                Some(_) => break,
                None if wait && client.knows(hash).await? => {
                    ensure!(
                        began.elapsed() < LIMIT,
                        "transaction {hash} waits for a block still, perhaps for lower fees; sent again, both would be paid. \
                         Publish again to wait on"
                    );
                    tokio::time::sleep(POLL).await;
                }
                None => break,
            }
        }
    }
    Ok(None)
}

/// A batch's blobs, after it was seen that the chain has them. Says where.
async fn seen(client: &Client, place: &Place, batch: u64) -> Result<Kept> {
    let folder = Folder::new(&place.blobs);
    let kept = folder.kept(batch)?;
    for (group, blobs) in kept.groups().enumerate() {
        let commitments = blobs.iter().map(BlobCommitment::of).collect::<Result<Vec<_>, _>>()?;
        let hashes: Vec<B256> = commitments.iter().map(BlobCommitment::versioned_hash).collect();
        let found = on_chain(client, &folder, batch, group, &kept, &hashes, false).await?;
        let (hash, found) = found.with_context(|| {
            let first = group * l1::MOST_IN_TRANSACTION;
            format!(
                "blobs {first} to {} of batch {batch} as they are kept are in no transaction on chain {} that was noted: \
                 they were altered, never posted, or posted elsewhere",
                first + blobs.len() - 1,
                client.chain_id()
            )
        })?;
        writeln!(
            io::stdout(),
            "transaction   {hash}, block {}: {} blobs, the hashes of those that are kept",
            found.block.number,
            found.hashes.len()
        )?;
    }
    Ok(kept)
}

async fn read(options: &ReadOptions) -> Result<()> {
    let keyring = super::load(options.keyring.as_ref())?;
    let client = Client::connect(&options.place.l1, REQUEST).await?;
    let kept = seen(&client, &options.place, options.batch).await?;
    let payload = from_blobs(&kept.blobs)?;
    let batch = recover::opened(&payload, keyring.as_ref(), Some(kept.digest))?;
    let found = batch.claim.batch;
    ensure!(found == options.batch, "these are the blobs of batch {found}, not of batch {}", options.batch);
    if let Some(exchange) = options.exchange {
        let contract = Contract::at(&options.place.l1, batch.claim.chain_id, exchange).await?;
        let on_l1 = contract.view(Exchange::claimHashCall { batch: found }).await?;
        ensure!(
            on_l1.0 == kept.digest,
            "{exchange} has another batch {found}, or none: these blobs are not what it settles"
        );
    }
    let path = &options.out;
    let file = batch.write(path).with_context(|| path.display().to_string())?;
    file.sync_all().with_context(|| path.display().to_string())?;
    let mut out = io::stdout();
    let digest = hex::encode(kept.digest);
    match options.exchange {
        Some(exchange) => {
            writeln!(out, "claim digest  {digest}: the one that {exchange} has for batch {found}")?
        }
        None => writeln!(
            out,
            "claim digest  {digest}: as the transactions say, NOT compared with a contract; give it with --exchange"
        )?,
    }
    writeln!(
        out,
        "state root    {}: executed again, with every signature",
        hex::encode(batch.claim.state_root)
    )?;
    writeln!(out, "written to {}", path.display())?;
    Ok(())
}

async fn check(options: &CheckOptions) -> Result<()> {
    let client = Client::connect(&options.place.l1, REQUEST).await?;
    let kept = seen(&client, &options.place, options.batch).await?;
    for (number, blob) in kept.blobs.iter().enumerate() {
        let evaluation = evaluation(blob)?;
        client
            .check_evaluation(&evaluation)
            .await
            .with_context(|| format!("blob {number} at {}", evaluation.point))?;
        writeln!(
            io::stdout(),
            "blob          {}: {} at {}, says the chain",
            evaluation.commitment.versioned_hash(),
            evaluation.value,
            evaluation.point
        )?;
    }
    Ok(())
}

/// A blob's value at a random point.
fn evaluation(blob: &Blob) -> Result<Evaluation> {
    let mut point = B256::ZERO;
    // Below the modulus, with 248 bits of chance.
    OsRng.try_fill_bytes(&mut point[1..])?;
    Ok(Evaluation::of(blob, point)?)
}
