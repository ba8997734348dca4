//! Which nonce the next transaction of an account has.
//!
//! The chain and the node's mempool decide, never a counter of our own: a counter leaves a gap when a transaction is lost.
//! What was sent from here is remembered until it is in a block, so that a transaction which the node has lost is sent again
//! instead of leaving a gap.

use std::collections::BTreeMap;

use alloy_primitives::Address;

use crate::client::{Client, ClientError};
use crate::sender::Transaction;

/// The transactions of one account that were sent from here and are in no block yet.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    open: BTreeMap<u64, Transaction>,
}

impl Nonces {
    /// The lowest nonce that no transaction has.
    pub async fn next(&mut self, client: &Client, owner: Address) -> Result<u64, ClientError> {
        let mut nonce = client.nonce(owner).await?;
        self.open = self.open.split_off(&nonce);
        let pool = client.pool_nonces(owner).await?;
        // Without a look into the pool: everything below the pending nonce is taken, except for what of ours was lost.
        let pending = if pool.is_none() { client.pending_nonce(owner).await? } else { nonce };
        loop {
            let ours = self.open.get(&nonce);
            let taken = match (&pool, ours) {
                (Some(pool), _) => pool.contains(&nonce),
                (None, Some(ours)) => client.knows(ours.hash()).await?,
                (None, None) => nonce < pending,
            };
            if !taken {
                let Some(lost) = ours else { return Ok(nonce) };
                match client.submit(lost.raw()).await {
                    Ok(()) => {}
                    Err(ClientError::Node { message, .. }) if already_known(&message) => {}
                    Err(error @ ClientError::Unreachable { .. }) => return Err(error),
                    Err(_) => {
                        self.open.remove(&nonce);
                        return Ok(nonce);
                    }
                }
            }
            nonce += 1;
        }
    }

    /// Remembers a transaction that was sent.
    pub fn sent(&mut self, transaction: &Transaction) {
        self.open.insert(transaction.nonce(), transaction.clone());
    }
}

/// The node has this very transaction.
pub(crate) fn already_known(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("already known")
        || message.contains("already imported")
        || message.contains("already exists")
}

/// Another transaction has the nonce and pays as much or more.
pub(crate) fn underpriced(message: &str) -> bool {
    message.to_lowercase().contains("underpriced")
}

/// A transaction in a block has the nonce.
pub(crate) fn nonce_used(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("nonce") && (message.contains("too low") || message.contains("already used"))
}
