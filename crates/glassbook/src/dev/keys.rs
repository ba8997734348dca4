//! Keys of a development chain: **everybody has them**. They follow from public text.

use anyhow::Result;
use l1::Signer;
use sha2::{Digest as _, Sha256};

const DOMAIN: &[u8] = b"glassbook development chain key, public, not for production/1";

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Deploys the contracts, is their admin, commits batches.
    Operator,
    /// Pays for deposits of simulated traders, and for claims.
    Funder,
    /// Signs that a proof was checked.
    Attestor,
    /// For whoever tries the chain.
    User,
    /// Owns an account of the exchange.
    Owner,
}

/// The key with this number.
pub fn bytes(role: Role, number: u32) -> [u8; 32] {
    let role = format!("{role:?}");
    Sha256::new().chain_update(DOMAIN).chain_update(role).chain_update(number.to_be_bytes()).finalize().into()
}

/// The same, ready to sign.
pub fn signer(role: Role, number: u32) -> Result<Signer> {
    Ok(Signer::from_bytes(&bytes(role, number))?)
}
