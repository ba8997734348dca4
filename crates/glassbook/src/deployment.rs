//! An exchange's contract, as it was deployed.

use std::fs;
use std::path::Path;

use alloy_primitives::{Address, B256};
use anyhow::{Context as _, Result, ensure};
use contracts::bindings::Exchange;
use l1::Client;
use rules::Genesis;
use serde::{Deserialize, Serialize};
use state::{FullTree, Sha256Hash};

/// What was deployed. Kept in the data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The chain.
    pub chain_id: u64,
    /// The exchange's contract.
    pub exchange: Address,
    /// The verifier of attestations, version 1 in the contract's registry.
    pub verifier: Address,
    /// No event of the exchange is before this block.
    pub from_block: u64,
    /// The asset's token, by asset; zero is the chain's own coin.
    pub tokens: Vec<Address>,
    /// Makes several calls in one transaction: for simulated deposits.
    pub calls: Address,
}

impl Deployment {
    /// Reads what was written down.
    pub fn read(file: &Path) -> Result<Self> {
        let name = || file.display().to_string();
        let text = fs::read(file).with_context(name)?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{}: not a deployment of `glassbook dev`", name()))
    }
}

/// The root of a first state.
pub fn first_root(genesis: &Genesis) -> Result<B256> {
    Ok(transition::genesis(&mut FullTree::<Sha256Hash>::new(), genesis)?.into())
}

/// Whether a contract began with a first state.
pub async fn check_root(client: &Client, exchange: Address, genesis: &Genesis) -> Result<()> {
    let found = client.call(exchange, &Exchange::genesisRootCall {}).await?;
    ensure!(
        found == first_root(genesis)? && genesis.exchange.0 == exchange.into_array(),
        "the contract at {exchange} began with another first state ({found})"
    );
    Ok(())
}
