//! `glassbook da keyring`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use alloy_primitives::Address;
use anyhow::Result;
use availability::encryption::{Exchange, Keyring};
use clap::Subcommand;

use crate::address;

/// What to do with a keyring.
#[derive(Subcommand)]
pub enum Command {
    /// Make a keyring with one key
    ///
    /// Whoever loses it loses everything that was published under it; whoever gets it can read all of that.
    New {
        /// The file, which must not be there
        keyring: PathBuf,
        /// The chain that the exchange is on
        #[arg(long, value_name = "NUMBER")]
        chain: u64,
        /// The exchange's contract on it
        #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
        exchange: Address,
        /// The first batch that the key is for
        #[arg(long, value_name = "BATCH", default_value_t = 0)]
        from: u64,
    },
    /// Add a key for batches that are not published yet; older ones stay readable
    Rotate {
        /// The file
        keyring: PathBuf,
        /// The first batch that the new key is for
        #[arg(long, value_name = "BATCH")]
        from: u64,
    },
    /// Show which key is for which batches, not the keys
    Show {
        /// The file
        keyring: PathBuf,
    },
}

/// Does it.
pub fn run(command: &Command) -> Result<()> {
    let keyring = match command {
        Command::New { keyring: path, chain, exchange, from } => {
            let exchange = Exchange { chain_id: *chain, contract: exchange.into_array() };
            let keyring = Keyring::generate(exchange, *from)?;
            keyring.create(path)?;
            keyring
        }
        Command::Rotate { keyring: path, from } => Keyring::rotate_file(path, *from)?.0,
        Command::Show { keyring } => Keyring::load(keyring)?,
    };
    let mut out = io::stdout().lock();
    let Exchange { chain_id, contract } = keyring.exchange();
    writeln!(out, "exchange {} on chain {chain_id}", Address::from(contract))?;
    for (from, id) in keyring.ids() {
        writeln!(out, "  batches from {from:>8}: key {id}")?;
    }
    Ok(())
}
