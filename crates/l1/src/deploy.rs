//! Puts the contracts on a chain.

use std::time::Duration;

use alloy_primitives::{Address, TxKind, U256};
use alloy_sol_types::SolValue as _;
use contracts::bindings::{AttestedVerifier, Exchange};
use settlement::BlockRef;
use thiserror::Error;

use crate::client::ClientError;
use crate::sender::{Outcome, Sender};

/// Why a contract is not there.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The chain.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The contract's address is in the first state, so it must be known before.
    #[error("the next contract of {deployer} would be at {next}, the first state names {expected}")]
    OtherAddress {
        /// Who deploys.
        deployer: Address,
        /// Where it would be.
        next: Address,
        /// Where it must be.
        expected: Address,
    },
    /// Another transaction of the deployer came first, so the contract is not where it must be. It is of no use: its first state
    /// names another.
    #[error(
        "the contract was made at {created}, the first state names {expected}: another transaction came first"
    )]
    CreatedElsewhere {
        /// Where it is.
        created: Address,
        /// Where it must be.
        expected: Address,
    },
    /// The transaction was carried out and made no contract.
    #[error("the deployment made no contract")]
    Nothing,
}

/// A contract that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its address.
    pub address: Address,
    /// The block that made it: no event is before it.
    pub block: BlockRef,
    /// What it cost.
    pub gas: u64,
}

/// The address of the contract that an account's transaction with this nonce makes. The first state of an exchange names its
/// contract, and the contract the first state: this is where that circle is opened.
#[must_use]
pub fn exchange_address(deployer: Address, nonce: u64) -> Address {
    deployer.create(nonce)
}

/// Deploys the exchange, which must come to the address that its first state names. Waits until it is in a block.
///
/// # Errors
/// When the address would be another or is, the constructor refuses, or it is in no block in time.
pub async fn deploy_exchange(
    sender: &Sender,
    config: Exchange::Config,
    expected: Address,
    limit: Duration,
) -> Result<Deployment, DeployError> {
    let deployer = sender.address();
    let nonce = sender.client().nonce(deployer).await?;
    let next = exchange_address(deployer, nonce);
    if next != expected {
        return Err(DeployError::OtherAddress { deployer, next, expected });
    }
    let deployment = deploy(sender, &Exchange::BYTECODE, &(config,).abi_encode_params(), limit).await?;
    // One that waits, or was sent since, has the nonce that was looked at.
    if deployment.address != expected {
        return Err(DeployError::CreatedElsewhere { created: deployment.address, expected });
    }
    Ok(deployment)
}

/// Deploys the verifier of attestations: so many of these signers must have signed. Waits until it is in a block.
///
/// # Errors
/// When the constructor refuses, or it is in no block in time.
pub async fn deploy_attested_verifier(
    sender: &Sender,
    signers: &[Address],
    threshold: usize,
    limit: Duration,
) -> Result<Deployment, DeployError> {
    let mut signers = signers.to_vec();
    signers.sort();
    let arguments = (signers, U256::from(threshold)).abi_encode_params();
    deploy(sender, &AttestedVerifier::BYTECODE, &arguments, limit).await
}

/// Deploys any contract. Waits until it is in a block.
///
/// # Errors
/// When the constructor refuses, or it is in no block in time.
pub async fn deploy(
    sender: &Sender,
    bytecode: &[u8],
    arguments: &[u8],
    limit: Duration,
) -> Result<Deployment, DeployError> {
    let code = [bytecode, arguments].concat();
    let transaction = sender.send(TxKind::Create, U256::ZERO, code.into()).await?;
    match sender.carried_out(&transaction, limit).await? {
        Outcome::Done { gas, block, created: Some(address) } => Ok(Deployment { address, block, gas }),
        _ => Err(DeployError::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::address;

    use super::*;

    #[test]
    fn the_address_is_the_one_of_a_create() {
        // From the tests of geth: crypto.CreateAddress.
        let deployer = address!("970e8128ab834e8eac17ab8e3812f010678cf791");
        assert_eq!(exchange_address(deployer, 0), address!("333c3310824b7c685133f2bedb2ca4b8b4df633d"));
        assert_eq!(exchange_address(deployer, 1), address!("8bda78331c916a08481428e4b07c96d3e916d165"));
        assert_eq!(exchange_address(deployer, 2), address!("c9ddedf451bc62ce88bf9292afb13df35b670699"));
    }
}
