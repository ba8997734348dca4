//! `glassbook da`: data availability. Sealed batches published as shards, served, sampled, got back and checked.

mod binding;
mod blobs;
mod keyring;
mod publish;
mod recover;
mod sample;
mod scrub;
mod serve;
mod show;

use std::path::PathBuf;

use anyhow::Result;
use availability::encryption::Keyring;
use availability::{Commitment, Parameters};
use clap::Subcommand;
use light_client::wire::parse_commitment;

pub use publish::publish;

/// What to do with published data.
#[derive(Subcommand)]
pub enum Command {
    /// Code a sealed batch into shards, commit to them and put them into a store
    ///
    /// Refuses a batch whose commands are not those that its claim is about. Prints the commitment, which is all that a reader
    /// needs. When it returns, everything is on disk; publishing the same batch again repairs what was damaged.
    #[command(after_help = "Example:\n  glassbook da publish DATA/batches/000000000001.batch --store shards")]
    Publish(publish::Options),
    /// Serve a store to whoever asks, over HTTP
    ///
    /// Everything that a stranger can use up is limited. Blocks that are not to be kept are pruned while it runs, and the store
    /// is scrubbed.
    #[command(
        after_help = "Example:\n  glassbook da serve --store shards --listen 0.0.0.0:7701 --keep-blocks 100000\n  \
                            curl http://127.0.0.1:7701/v1/blocks"
    )]
    Serve(serve::Options),
    /// Find out by samples whether a block's data can be had
    ///
    /// Asks for few shards that nobody can foresee, checks that each is under the commitment and belongs to the code, and
    /// says how sure that makes that enough shards can be had, and that all but a few are of one codeword. That they decode,
    /// only `da recover` shows. Ends with an error when enough shards cannot be had.
    #[command(
        after_help = "Example:\n  glassbook da sample COMMITMENT --confidence 0.9999 --peer http://127.0.0.1:7701"
    )]
    Sample(sample::Options),
    /// Get a batch back, from peers or from shard files, and check that it is what was executed
    ///
    /// Any K of the N shards are enough. What comes back is coded again and its root compared, then executed again with every
    /// signature: other data than was executed is refused, whoever published it. With --claim-digest it must be the batch
    /// that was committed on L1, too.
    #[command(
        after_help = "Examples:\n  glassbook da recover --peer http://127.0.0.1:7701 --commitment COMMITMENT --out 1.batch\n  \
                            glassbook da recover shards/*.shard --out 1.batch --claim-digest DIGEST"
    )]
    Recover(recover::Options),
    /// Hold every shard of a store against its root, and repair what is damaged
    ///
    /// Ends with an error when something is damaged that cannot be repaired.
    Scrub(scrub::Options),
    /// Show what is in a store
    Show(show::Options),
    /// Post sealed batches to the chain as blobs, read them back, have the chain check them
    #[command(subcommand)]
    Blobs(blobs::Command),
    /// Make, rotate or show the keys that batches are encrypted with before they are published
    #[command(subcommand)]
    Keyring(keyring::Command),
}

/// Does it.
pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Publish(options) => publish::run(options),
        Command::Serve(options) => serve::run(options),
        Command::Sample(options) => sample::run(options),
        Command::Recover(options) => recover::run(options),
        Command::Scrub(options) => scrub::run(options),
        Command::Show(options) => show::run(options),
        Command::Blobs(command) => blobs::run(command),
        Command::Keyring(command) => keyring::run(command),
    }
}

/// `256+128`: data shards and parity shards.
pub fn parameters(text: &str) -> Result<Parameters, String> {
    let wrong = || "shards are data+parity, like 256+128".to_string();
    let (data, parity) = text.split_once('+').ok_or_else(wrong)?;
    let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
    Parameters::new(number(data)?, number(parity)?).map_err(|error| error.to_string())
}

fn commitment(text: &str) -> Result<Commitment, String> {
    parse_commitment(text).ok_or_else(|| "a commitment has 64 hexadecimal digits".to_string())
}

fn digest(text: &str) -> Result<[u8; 32], String> {
    parse_commitment(text)
        .map(|bytes| bytes.0)
        .ok_or_else(|| "a digest has 64 hexadecimal digits".to_string())
}

fn load(keyring: Option<&PathBuf>) -> Result<Option<Keyring>> {
    Ok(keyring.map(|path| Keyring::load(path)).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_shards_are_read() {
        assert_eq!(parameters("256+128"), Ok(Parameters::DEFAULT));
        assert_eq!(parameters("256+256"), Ok(Parameters::WIDE));
        for text in ["", "256", "256+", "+128", "256-128", "0+1", "1+0", "a+b", "4000+4000", "256+128+1"] {
            assert!(parameters(text).is_err(), "{text}");
        }
    }
}
