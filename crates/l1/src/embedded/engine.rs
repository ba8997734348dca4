//! Blocks: built, executed, and chosen as the head, by ethrex.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use ethrex_blockchain::fork_choice::apply_fork_choice_with_deep_reorg;
use ethrex_blockchain::payload::{BuildPayloadArgs, create_payload};
use ethrex_blockchain::{Blockchain, BlockchainOptions};
use ethrex_common::types::{Block, ELASTICITY_MULTIPLIER, Genesis, Transaction};
use ethrex_common::{H256, NativeCrypto};
use ethrex_storage::{EngineType, Store};

use super::{Config, EmbeddedError, node_error};

/// Who gets the tips.
const FEE_RECIPIENT: [u8; 20] = [0xfe; 20];

/// ethrex's chain and its storage in memory.
pub(super) struct Engine {
    pub chain: Arc<Blockchain>,
    pub store: Store,
    pub gas_limit: u64,
    safe_depth: u64,
    final_depth: u64,
    /// Seconds that the chain's clock is ahead.
    pub ahead: AtomicU64,
    /// Siblings differ in this.
    salt: AtomicU64,
}

impl Engine {
    pub async fn new(genesis: Genesis, config: &Config) -> Result<Self, EmbeddedError> {
        let mut store = Store::new("memory", EngineType::InMemory).map_err(node_error)?;
        store.add_initial_state(genesis).await.map_err(node_error)?;
        let chain = Arc::new(Blockchain::new(store.clone(), BlockchainOptions::default()));
        chain.set_synced();
        Ok(Self {
            chain,
            store,
            gas_limit: config.gas_limit,
            safe_depth: config.safe_depth,
            final_depth: config.final_depth,
            ahead: AtomicU64::new(0),
            salt: AtomicU64::new(0),
        })
    }

    /// The mempool's transactions.
    pub fn waiting(&self) -> BTreeSet<H256> {
        let content = self.chain.mempool.content().unwrap_or_default();
        content.iter().map(|transaction| transaction.hash(&NativeCrypto)).collect()
    }

    /// The head.
    pub async fn head(&self) -> Result<H256, EmbeddedError> {
        let head = self.store.get_latest_canonical_block_hash().await.map_err(node_error)?;
        head.ok_or_else(|| EmbeddedError::Node("there is no head".to_string()))
    }

    /// The block of the chain with this number.
    pub async fn canonical(&self, number: u64) -> Result<H256, EmbeddedError> {
        let hash = self.store.get_canonical_block_hash(number).await.map_err(node_error)?;
        hash.ok_or_else(|| EmbeddedError::Node(format!("there is no block {number}")))
    }

    /// A block's number.
    pub fn number(&self, block: H256) -> Result<u64, EmbeddedError> {
        let header = self.store.get_block_header_by_hash(block).map_err(node_error)?;
        header
            .map(|header| header.number)
            .ok_or_else(|| EmbeddedError::Node("there is no such block".to_string()))
    }

    /// A block on this one; of these transactions, or of what the mempool has.
    pub async fn build(
        &self,
        parent: H256,
        transactions: Option<Vec<Transaction>>,
    ) -> Result<Block, EmbeddedError> {
        let header = self.store.get_block_header_by_hash(parent).map_err(node_error)?;
        let header = header.ok_or_else(|| EmbeddedError::Node("there is no parent".to_string()))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let salt = self.salt.fetch_add(1, Ordering::Relaxed);
        let args = BuildPayloadArgs {
            parent,
            timestamp: now.saturating_add(self.ahead.load(Ordering::Relaxed)).max(header.timestamp + 1),
            fee_recipient: ethrex_common::Address::from(FEE_RECIPIENT),
            random: H256::from_low_u64_be(salt),
            withdrawals: Some(Vec::new()),
            beacon_root: Some(H256::zero()),
            slot_number: None,
            version: 3,
            elasticity_multiplier: ELASTICITY_MULTIPLIER,
            gas_ceil: self.gas_limit,
        };
        let template = create_payload(&args, &self.store, Bytes::new()).map_err(node_error)?;
        let chain = self.chain.clone();
        let built = tokio::task::spawn_blocking(move || match transactions {
            None => chain.build_payload(template),
            Some(transactions) => chain.build_payload_with_transactions(template, transactions),
        });
        Ok(built.await.map_err(node_error)?.map_err(node_error)?.payload)
    }

    /// Executes and stores a block.
    pub async fn import(&self, block: Block) -> Result<(), EmbeddedError> {
        let chain = self.chain.clone();
        let imported = tokio::task::spawn_blocking(move || chain.add_block_pipeline(block, None));
        imported.await.map_err(node_error)?.map_err(node_error)?;
        Ok(())
    }

    /// Makes an imported block the head; the safe and the final one follow it.
    pub async fn follow(&self, head: H256) -> Result<(), EmbeddedError> {
        let number = self.number(head)?;
        let safe = self.ancestor(head, self.safe_depth.min(number)).await?;
        let last = self.ancestor(head, self.final_depth.min(number)).await?;
        apply_fork_choice_with_deep_reorg(&self.chain, head, safe, last).await.map_err(node_error)?;
        if let Some(block) = self.store.get_block_by_hash(head).await.map_err(node_error)? {
            self.chain.remove_block_transactions_from_pool(&block).map_err(node_error)?;
        }
        Ok(())
    }

    /// The block so many steps back on its branch.
    async fn ancestor(&self, block: H256, steps: u64) -> Result<H256, EmbeddedError> {
        let mut at = block;
        for _ in 0..steps {
            let header = self.store.get_block_header_by_hash(at).map_err(node_error)?;
            let header = header.ok_or_else(|| EmbeddedError::Node("a branch has a gap".to_string()))?;
            at = header.parent_hash;
            // Below the last reorg the rest is a look-up.
            if header.number > 0 && self.canonical(header.number - 1).await.ok() == Some(at) {
                let number = self.number(block)?.saturating_sub(steps);
                return self.canonical(number).await;
            }
        }
        Ok(at)
    }

    /// Whether a block was imported.
    pub fn has(&self, block: H256) -> Result<bool, EmbeddedError> {
        Ok(self.store.get_block_header_by_hash(block).map_err(node_error)?.is_some())
    }
}
