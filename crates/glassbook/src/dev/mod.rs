//! `glassbook dev`: a whole exchange on a chain, in one process; `glassbook recover`: an exchange from its chain.

mod attestors;
mod chain;
mod checks;
mod claims;
mod custody;
mod desk;
mod front;
mod keys;
mod lifecycle;
mod networks;
mod node;
mod people;
mod published;
mod recover;
mod settling;
mod shards;
mod status;
mod table;
pub mod telling;
mod traffic;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use l1::{Blocks, Confirmation, Signer};
use secrecy::{ExposeSecret, SecretString};
use settings::{LogFormat, Problem, Settings};
use verifier::ProofKind;

use crate::keys::signer;
use crate::prove::Keys;

pub use recover::{Options as RecoverOptions, run as recover};
use telling::Telling;

/// Where orders come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Flow {
    /// A simulated market, whose traders deposit on L1
    Simulate,
    /// Nobody's but those of whoever comes
    None,
}

/// When something on L1 counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Certainty {
    /// As soon as it is in a block
    Latest,
    /// When it most likely stays
    Safe,
    /// When it stays
    Finalized,
}

impl From<Certainty> for Confirmation {
    fn from(certainty: Certainty) -> Self {
        match certainty {
            Certainty::Latest => Self::Latest,
            Certainty::Safe => Self::Safe,
            Certainty::Finalized => Self::Finalized,
        }
    }
}

/// Run a whole exchange on a chain
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Keep the chain's blocks, the exchange and its settlement here, and go on from there; otherwise all is gone in the end
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Publish sealed batches here [default: DIR/published]
    #[arg(long, value_name = "DIR")]
    pub published: Option<PathBuf>,
    /// Play orders into it
    #[arg(long, value_enum, default_value_t = Flow::Simulate)]
    pub flow: Flow,
    /// Orders a second
    #[arg(long, value_name = "COMMANDS", default_value_t = 200)]
    pub rate: u64,
    /// Traders
    #[arg(long, default_value_t = 24)]
    pub traders: u32,
    /// The flow's seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Stop after this time, when all batches are final: 60s, 10m, 1h
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub time: Option<Duration>,
    /// What is made of every batch: executed (NO proof), core, compressed, groth16, plonk
    #[arg(long, default_value_t = ProofKind::Executed)]
    pub proofs: ProofKind,
    /// Where proving workers come to, when proofs are made
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7600")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub keys: Keys,
    /// Serve the web page, the trading interfaces and figures for Prometheus at this port of this machine; 0 for some free one
    #[arg(long, value_name = "PORT", default_value_t = 7700)]
    pub port: u16,
    /// Serve published batches as shards at this port of this machine; 0 for some free one
    #[arg(long, value_name = "PORT", default_value_t = 7701)]
    pub da_port: u16,
    /// Encrypt batches with this keyring before they are published as shards
    #[arg(long, value_name = "KEYRING")]
    pub encrypt: Option<PathBuf>,
    /// Seal a batch after this many commands
    #[arg(long, value_name = "COMMANDS", default_value_t = 1_000)]
    pub batch: u64,
    /// Seal a batch this long after its first command at the latest
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "2s")]
    pub interval: Duration,

    /// Serve the embedded chain's JSON-RPC at this port of this machine; 0 for some free one
    #[arg(long, value_name = "PORT", default_value_t = 8545, help_heading = "Chain")]
    pub l1_port: u16,
    /// Make a block at this interval; without it as soon as there is a transaction, and each second
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Chain")]
    pub block_time: Option<Duration>,
    /// Use this node (any Ethereum node) instead of an embedded chain
    #[arg(long, value_name = "URL", requires = "data", help_heading = "Chain")]
    pub l1: Option<String>,
    /// Use that node even if its chain is not a development chain. EVERYBODY HAS THE KEYS of attestors and traders
    #[arg(long, requires = "l1", help_heading = "Chain")]
    pub allow_public_network: bool,
    /// The environment variable with the key that deploys and commits on that node
    #[arg(long, value_name = "NAME", requires = "l1", help_heading = "Chain")]
    pub operator_key: Option<String>,
    /// The same from a keystore file; its password is in GLASSBOOK_KEYSTORE_PASSWORD
    #[arg(
        long,
        value_name = "FILE",
        requires = "l1",
        conflicts_with = "operator_key",
        help_heading = "Chain"
    )]
    pub operator_keystore: Option<PathBuf>,
    /// The environment variable with the key that pays for simulated deposits and for claims [default: the operator's key]
    #[arg(long, value_name = "NAME", requires = "l1", help_heading = "Chain")]
    pub funder_key: Option<String>,
    /// When a deposit on L1 counts
    #[arg(long, value_enum, default_value_t = Certainty::Finalized, help_heading = "Chain")]
    pub deposits: Certainty,
    /// Leave final withdrawals to their owners' claims (`glassbook l1 claim`) instead of paying for them
    #[arg(long, help_heading = "Chain")]
    pub no_claims: bool,
    /// Seconds from a proof to finality
    #[arg(long, value_name = "SECONDS", default_value_t = 2, help_heading = "Chain")]
    pub finality_delay: u64,

    /// Read this settings file; options on the command line go before it [default: $GLASSBOOK_CONFIG, or ./glassbook.toml if
    /// it is there]
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    pub config: Option<PathBuf>,
    /// What is in force of it.
    #[arg(skip)]
    pub settings: Arc<Settings>,
    /// What the settings are warned of.
    #[arg(skip)]
    pub warnings: Vec<Problem>,
    /// What the node tells of itself.
    #[arg(skip)]
    pub telling: Telling,
}

impl Options {
    fn blocks(&self) -> Blocks {
        match self.block_time {
            Some(time) => Blocks::Every(time),
            None => Blocks::OnTransaction { at_least_every: Some(Duration::from_secs(1)) },
        }
    }

    fn chain(&self, dir: Option<PathBuf>) -> Result<chain::ChainOptions> {
        Ok(chain::ChainOptions {
            url: self.l1.clone(),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.l1_port),
            dir,
            blocks: self.blocks(),
            operator: match (self.operator_key.as_deref(), self.operator_keystore.as_deref()) {
                (None, None) => secret(self.settings.chain.operator_key.as_ref())?,
                (name, keystore) => signer(name, keystore)?,
            },
            funder: match self.funder_key.as_deref() {
                None => secret(self.settings.chain.funder_key.as_ref())?,
                name => signer(name, None)?,
            },
            allow_public_network: self.allow_public_network,
        })
    }
}

/// The key of the settings, if there is one.
fn secret(key: Option<&SecretString>) -> Result<Option<Signer>> {
    let Some(key) = key.map(ExposeSecret::expose_secret) else { return Ok(None) };
    let mut bytes = [0; 32];
    // The text is not repeated.
    hex::decode_to_slice(key.strip_prefix("0x").unwrap_or(key), &mut bytes)
        .map_err(|_| anyhow!("a key of the settings is not 64 hexadecimal digits"))?;
    Ok(Some(Signer::from_bytes(&bytes)?))
}

/// Runs until Ctrl-C, or until the time is over and everything is final.
pub fn run(options: &Options) -> Result<()> {
    let telemetry = &options.settings.telemetry;
    let telling = Telling::begin(telemetry)?;
    if let Some(file) = &options.config {
        tracing::info!(file = %file.display(), "settings");
    }
    for Problem { key, place, what, remedy, .. } in &options.warnings {
        tracing::warn!(key, %place, remedy, "settings: {what}");
    }
    let ran = node::run(&Options { telling: telling.clone(), ..options.clone() });
    telling.end();
    match ran {
        // Whoever reads the log as objects has it there, too.
        Err(error) if telemetry.log_format == LogFormat::Json => {
            tracing::error!(error = format!("{error:#}"), "the node has stopped");
            Err(Told.into())
        }
        ran => ran,
    }
}

/// It failed, and the log says why.
#[derive(Debug, thiserror::Error)]
#[error("the log says why")]
pub struct Told;

/// A time as people write it: a number and ms, s, m or h.
pub fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 =
        number.parse().map_err(|_| "a time is a number and a unit: 500ms, 60s, 10m, 1h".to_string())?;
    let millis = match unit {
        "ms" => Some(number),
        "s" | "" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err("a unit of time is ms, s, m or h".to_string()),
    };
    millis.map(Duration::from_millis).ok_or_else(|| "the time is too long".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, millis) in
            [("500ms", 500), ("60s", 60_000), ("7", 7_000), ("10m", 600_000), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "1d", "-1s", "1.5s", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
