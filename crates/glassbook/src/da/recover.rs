//! `glassbook da recover`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use availability::encryption::{Envelope, Keyring};
use availability::{Commitment, Decoder, Header, MAX_CODED, Progress};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use light_client::{Http, LightClient};
use shard_store::ShardFile;
use transition::SealedBatch;

use super::{binding, sample};
use crate::dev::duration;

/// Get a batch back
#[derive(Args)]
pub struct Options {
    /// Shard files, as `da publish --shards` writes them
    #[arg(required_unless_present = "peers", conflicts_with = "peers")]
    shards: Vec<PathBuf>,
    /// Whom to ask instead; as many as there are
    #[arg(long = "peer", value_name = "URL", requires = "commitment")]
    peers: Vec<String>,
    /// What must have been published
    #[arg(long, value_parser = super::commitment)]
    commitment: Option<Commitment>,
    /// Where to write the sealed batch
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The digest of the batch's claim on L1, which what was published must have
    #[arg(long, value_name = "DIGEST", value_parser = super::digest)]
    claim_digest: Option<[u8; 32]>,
    /// The keyring, for batches that were encrypted
    #[arg(long, value_name = "KEYRING")]
    keyring: Option<PathBuf>,
    /// How long a peer has for an answer
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    patience: Duration,
}

/// Gets it back, checks it and writes it.
pub fn run(options: &Options) -> Result<()> {
    let keyring = super::load(options.keyring.as_ref())?;
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:32} {human_pos}/{human_len} shards");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (header, payload) = match options.peers.is_empty() {
        true => from_files(options, &bar)?,
        false => from_peers(options, &bar)?,
    };
    bar.finish_and_clear();
    let batch = opened(&payload, keyring.as_ref(), options.claim_digest)?;
    let path = &options.out;
    let file = batch.write(path).with_context(|| path.display().to_string())?;
    file.sync_all().with_context(|| path.display().to_string())?;

    let claim = &batch.claim;
    let mut out = io::stdout().lock();
    writeln!(out, "batch {}, commands {} to {}", claim.batch, claim.first_sequence, claim.last_sequence)?;
    writeln!(out, "  commitment    {}: coded again, the same root", hex::encode(header.commitment().0))?;
    writeln!(
        out,
        "  commands root {}: of the commands that were published",
        hex::encode(claim.commands_root)
    )?;
    writeln!(out, "  state root    {}: executed again, with every signature", hex::encode(claim.state_root))?;
    let digest = hex::encode(binding::claim_digest(claim));
    match options.claim_digest {
        Some(_) => writeln!(out, "  claim digest  {digest}: the one on L1, as you gave it")?,
        None => writeln!(out, "  claim digest  {digest}: NOT compared with L1; give it with --claim-digest")?,
    }
    writeln!(out, "written to {}", path.display())?;
    Ok(())
}

/// What was published is what was executed, once it is decrypted.
pub fn opened(payload: &[u8], keyring: Option<&Keyring>, on_l1: Option<[u8; 32]>) -> Result<SealedBatch> {
    let (Ok(envelope), Err(_)) = (Envelope::read(payload), SealedBatch::decode(payload)) else {
        return binding::executed(payload, on_l1);
    };
    let number = envelope.batch;
    let keyring =
        keyring.with_context(|| format!("batch {number} was encrypted; give its keyring with --keyring"))?;
    let batch = binding::executed(&keyring.open(number, payload)?, on_l1)?;
    ensure!(batch.claim.batch == number, "batch {} was published as batch {number}", batch.claim.batch);
    Ok(batch)
}

fn from_files(options: &Options, bar: &ProgressBar) -> Result<(Header, Vec<u8>)> {
    let mut collecting: Option<(Header, Decoder)> = None;
    let mut bad = Vec::new();
    for path in &options.shards {
        // Others may be enough.
        let file = match ShardFile::read(path) {
            Ok(file) => file,
            Err(error) => {
                bad.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        let commitment = file.header.commitment();
        if let Some(expected) = &options.commitment
            && commitment != *expected
        {
            bad.push(format!("{}: of another block, {}", path.display(), hex::encode(commitment.0)));
            continue;
        }
        let (header, decoder) = match &mut collecting {
            Some(collecting) => collecting,
            none => {
                bar.set_length(file.header.parameters.data() as u64);
                none.insert((file.header, Decoder::new(&file.header)?))
            }
        };
        ensure!(
            file.header == *header,
            "the files are of different blocks, {} and {}; say which with --commitment",
            hex::encode(header.commitment().0),
            hex::encode(commitment.0)
        );
        match decoder.push(&file.sample) {
            Ok(Progress::Decodable) => break,
            Ok(Progress::Needs(more)) => bar.set_position((header.parameters.data() - more) as u64),
            Err(error) => bad.push(format!("{}: {error}", path.display())),
        }
    }
    for line in &bad {
        eprintln!("left out: {line}");
    }
    let Some((header, decoder)) = collecting else { bail!("there is no shard among these files") };
    Ok((header, decoder.finish()?))
}

fn from_peers(options: &Options, bar: &ProgressBar) -> Result<(Header, Vec<u8>)> {
    let commitment = options.commitment.as_ref().context("peers are asked for a commitment")?;
    let mut client = LightClient::new(Http::with_patience(&options.peers, options.patience)?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let retrieved = client.retrieve(commitment, MAX_CODED as u64, |held, needed| {
        bar.set_length(needed as u64);
        bar.set_position(held as u64);
    });
    let retrieved = runtime.block_on(retrieved)?;
    bar.suspend(|| sample::peers(&mut io::stderr().lock(), &options.peers, &retrieved.peers))?;
    Ok((retrieved.header, retrieved.payload))
}
