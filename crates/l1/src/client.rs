//! A node of the chain, through its JSON-RPC.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use alloy::consensus::BlockHeader as _;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::Ethereum;
use alloy::providers::{Provider as _, ProviderBuilder, RootProvider};
use alloy::rpc::json_rpc::RpcError;
use alloy::rpc::types::{Filter, Log, TransactionReceipt, TransactionRequest};
use alloy::transports::TransportError;

use alloy_primitives::{Address, B256, Bloom, BloomInput, Bytes};
use alloy_sol_types::SolCall;
use serde::Deserialize;
use serde::de::IgnoredAny;
use settlement::{BlockRef, Fault};
use thiserror::Error;

use crate::refusal::Refusal;
use crate::sender::NoteError;
use crate::signer::SignerError;

/// Why the chain did not do what was asked.
#[derive(Debug, Error)]
pub enum ClientError {
    /// It is no URL. It is not repeated: providers put secrets into theirs.
    #[error("that is not the URL of a node")]
    Url,
    /// The node does not answer, or not in time, or not as a node does.
    #[error("the node at {url} cannot be reached: {why}")]
    Unreachable {
        /// Which.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// The node says no.
    #[error("the node refuses: {message} ({code})")]
    Node {
        /// JSON-RPC's.
        code: i64,
        /// In its words.
        message: String,
    },
    /// A contract says no.
    #[error("the contract refuses: {0}")]
    Reverted(Refusal),
    /// The node answered something that cannot be.
    #[error("the node's answer makes no sense: {0}")]
    Answer(String),
    /// The node is of another chain.
    #[error("the node is of chain {found}, not of {expected}")]
    OtherChain {
        /// The one wanted.
        expected: u64,
        /// The node's.
        found: u64,
    },
    /// The chain asks for more than we pay.
    #[error("a transaction would cost {asked} wei a gas at least, the ceiling is {ceiling}")]
    FeeCeiling {
        /// The least that would do.
        asked: u128,
        /// The most that is paid.
        ceiling: u128,
    },
    /// The transaction was not carried out in time. It may be later.
    #[error("transaction {hash} is not in a block after {after:?}")]
    NotMined {
        /// The transaction.
        hash: B256,
        /// So long.
        after: Duration,
    },
    /// The nonce went to another transaction of this key.
    #[error("another transaction of this key has nonce {nonce}")]
    Displaced {
        /// The nonce.
        nonce: u64,
    },
    /// What must be written down before the transaction is sent could not be: it is not sent.
    #[error("a transaction was not sent, for it could not be written down: {0}")]
    NotNoted(#[source] NoteError),
    /// The key.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

impl ClientError {
    /// In settlement's terms.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let lasting = |remedy: &str| Fault::Lasting { why: self.to_string(), remedy: remedy.to_string() };
        match self {
            Self::Reverted(refusal) => refusal.fault(),
            Self::Url => lasting("correct the node's URL"),
            Self::OtherChain { .. } => lasting("connect to a node of the right chain"),
            Self::Signer(_) => lasting("check the key"),
            _ => Fault::Passing(self.to_string()),
        }
    }
}

/// A block's header, as much of it as is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The hash of the one before.
    pub parent: B256,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Wei for a unit of gas.
    pub base_fee: u128,
    /// Of the addresses and topics of its events.
    pub bloom: Bloom,
}

impl Block {
    /// Its number and hash.
    #[must_use]
    pub fn reference(&self) -> BlockRef {
        BlockRef { number: self.number, hash: self.hash.0 }
    }

    /// Whether an address may have events in it.
    #[must_use]
    pub fn may_have_events_of(&self, address: Address) -> bool {
        self.bloom.contains_input(BloomInput::Raw(address.as_slice()))
    }
}

/// Where the chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The newest block.
    pub latest: Block,
    /// The newest that most likely stays; the first block when there is none yet.
    pub safe: Block,
    /// The newest that stays; the first block when there is none yet.
    pub finalized: Block,
}

/// A node. Clones share its connections. Printing it shows no secret of its URL.
#[derive(Clone)]
pub struct Client {
    provider: RootProvider<Ethereum>,
    /// The URL and its parts: providers put secrets into them, and they are in no error.
    secrets: Vec<String>,
    /// Without path and password.
    url: String,
    chain_id: u64,
}

/// Of `txpool_contentFrom`, the nonces alone.
#[derive(Clone, Debug, Deserialize)]
struct Pool {
    #[serde(default)]
    pending: BTreeMap<u64, IgnoredAny>,
    #[serde(default)]
    queued: BTreeMap<u64, IgnoredAny>,
}

impl Client {
    /// Connects to a node by its HTTP URL. No request takes longer than the timeout.
    ///
    /// # Errors
    /// When the URL is none, or the node does not answer.
    pub async fn connect(url: &str, timeout: Duration) -> Result<Self, ClientError> {
        let parsed: reqwest::Url = url.parse().map_err(|_| ClientError::Url)?;
        let shown = parsed.origin().ascii_serialization();
        let secrets = secrets(url, &parsed);
        // Somebody may have chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout)
            .build()
            .map_err(|error| ClientError::Unreachable { url: shown.clone(), why: error.to_string() })?;
        let provider = ProviderBuilder::default().connect_reqwest(http, parsed);
        let mut client = Self { provider, secrets, url: shown, chain_id: 0 };
        client.chain_id = client.provider.get_chain_id().await.map_err(|error| client.error(error))?;
        Ok(client)
    }

    /// As [`Client::connect`], for one chain alone.
    ///
    /// # Errors
    /// Also when the node is of another chain.
    pub async fn connect_to(url: &str, chain_id: u64, timeout: Duration) -> Result<Self, ClientError> {
        let client = Self::connect(url, timeout).await?;
        if client.chain_id != chain_id {
            return Err(ClientError::OtherChain { expected: chain_id, found: client.chain_id });
        }
        Ok(client)
    }

    /// The chain's id.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The node's URL without path and password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the chain is.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn heads(&self) -> Result<Heads, ClientError> {
        let latest = self.latest().await?;
        let finalized = self.tagged_or_first(BlockNumberOrTag::Finalized).await?;
        let safe = self.tagged_or_first(BlockNumberOrTag::Safe).await?;
        Ok(Heads { latest, safe, finalized })
    }

    /// The newest block.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn latest(&self) -> Result<Block, ClientError> {
        let latest = self.tagged(BlockNumberOrTag::Latest).await?;
        latest.ok_or_else(|| ClientError::Answer("there is no newest block".to_string()))
    }

    /// A block of the chain, by number.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn block(&self, number: u64) -> Result<Option<Block>, ClientError> {
        self.tagged(BlockNumberOrTag::Number(number)).await
    }

    /// What a function returns, at the newest block.
    ///
    /// # Errors
    /// When the contract refuses or the node does not answer.
    pub async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, ClientError> {
        self.call_after(to, call, BlockId::latest()).await
    }

    /// What a function returned at a block, by its hash.
    ///
    /// # Errors
    /// Also when the node does not know the block, or its state any more.
    pub async fn call_at<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        block: B256,
    ) -> Result<C::Return, ClientError> {
        self.call_after(to, call, BlockId::hash(block)).await
    }

    async fn call_after<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        block: BlockId,
    ) -> Result<C::Return, ClientError> {
        let request = TransactionRequest::default().to(to).input(Bytes::from(call.abi_encode()).into());
        let output = self.execute(request, block).await?;
        C::abi_decode_returns(&output).map_err(|error| ClientError::Answer(error.to_string()))
    }

    /// Whether there is a contract at an address.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn has_code(&self, address: Address) -> Result<bool, ClientError> {
        let code = self.provider.get_code_at(address).await.map_err(|error| self.error(error))?;
        Ok(!code.is_empty())
    }

    /// The events of a contract in some blocks, both ends included.
    ///
    /// # Errors
    /// When the node refuses, as many do for long ranges, or does not answer.
    pub async fn logs(&self, address: Address, first: u64, last: u64) -> Result<Vec<Log>, ClientError> {
        let filter = Filter::new().address(address).from_block(first).to_block(last);
        self.provider.get_logs(&filter).await.map_err(|error| self.error(error))
    }

    /// The events of a contract in one block, which need not be of the chain any more.
    ///
    /// # Errors
    /// When the node does not know the block, or does not answer.
    pub async fn logs_in(&self, address: Address, block: B256) -> Result<Vec<Log>, ClientError> {
        let filter = Filter::new().address(address).at_block_hash(block);
        self.provider.get_logs(&filter).await.map_err(|error| self.error(error))
    }

    /// Wei of an account.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn balance(&self, owner: Address) -> Result<alloy_primitives::U256, ClientError> {
        self.provider.get_balance(owner).await.map_err(|error| self.error(error))
    }

    /// Wei that an account had at a block, by its hash.
    ///
    /// # Errors
    /// Also when the node does not know the block, or its state any more.
    pub async fn balance_at(
        &self,
        owner: Address,
        block: B256,
    ) -> Result<alloy_primitives::U256, ClientError> {
        let balance = self.provider.get_balance(owner).hash(block);
        balance.await.map_err(|error| self.error(error))
    }

    /// Transactions of an account that are in blocks: its next nonce there.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn nonce(&self, owner: Address) -> Result<u64, ClientError> {
        self.provider.get_transaction_count(owner).latest().await.map_err(|error| self.error(error))
    }

    /// As [`Client::nonce`], with what waits in the mempool.
    pub(crate) async fn pending_nonce(&self, owner: Address) -> Result<u64, ClientError> {
        self.provider.get_transaction_count(owner).pending().await.map_err(|error| self.error(error))
    }

    /// The nonces that an account has in the mempool. `None` when the node does not tell.
    pub(crate) async fn pool_nonces(&self, owner: Address) -> Result<Option<BTreeSet<u64>>, ClientError> {
        match self.provider.raw_request::<_, Pool>("txpool_contentFrom".into(), (owner,)).await {
            Ok(pool) => Ok(Some(pool.pending.into_keys().chain(pool.queued.into_keys()).collect())),
            Err(RpcError::Transport(error)) => Err(self.error(RpcError::Transport(error))),
            Err(_) => Ok(None),
        }
    }

    /// Whether the node has a transaction, in a block or waiting.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn knows(&self, hash: B256) -> Result<bool, ClientError> {
        let found = self.provider.get_transaction_by_hash(hash).await.map_err(|error| self.error(error))?;
        Ok(found.is_some())
    }

    /// The receipt of a transaction that is on the chain; one of a block that was replaced does not count.
    pub(crate) async fn receipt(
        &self,
        hash: B256,
    ) -> Result<Option<(TransactionReceipt, BlockRef)>, ClientError> {
        let receipt = self.provider.get_transaction_receipt(hash).await.map_err(|error| self.error(error))?;
        let Some(receipt) = receipt else { return Ok(None) };
        let (Some(number), Some(hash)) = (receipt.block_number, receipt.block_hash) else { return Ok(None) };
        let canonical = self.block(number).await?.is_some_and(|block| block.hash == hash);
        Ok(canonical.then_some((receipt, BlockRef { number, hash: hash.0 })))
    }

    /// The versioned hashes and the data of a transaction with blobs.
    pub(crate) async fn blobs_of(&self, hash: B256) -> Result<Option<(Vec<B256>, Bytes)>, ClientError> {
        use alloy::consensus::Transaction as _;
        let found = self.provider.get_transaction_by_hash(hash).await.map_err(|error| self.error(error))?;
        Ok(found.and_then(|found| Some((found.blob_versioned_hashes()?.to_vec(), found.input().clone()))))
    }

    /// What a unit of gas for blobs costs in the next block, in wei.
    pub(crate) async fn blob_base_fee(&self) -> Result<u128, ClientError> {
        self.provider.get_blob_base_fee().await.map_err(|error| self.error(error))
    }

    /// The tip that the node suggests, in wei for a unit of gas; zero when it has no opinion.
    pub(crate) async fn suggested_tip(&self) -> Result<u128, ClientError> {
        match self.provider.get_max_priority_fee_per_gas().await {
            Ok(tip) => Ok(tip),
            Err(RpcError::Transport(error)) => Err(self.error(RpcError::Transport(error))),
            Err(_) => Ok(0),
        }
    }

    /// Gas that a transaction would use.
    pub(crate) async fn estimate(&self, request: TransactionRequest) -> Result<u64, ClientError> {
        self.provider.estimate_gas(request).block(BlockId::latest()).await.map_err(|error| self.error(error))
    }

    /// What a transaction would return after a block; nothing is changed.
    pub(crate) async fn execute(
        &self,
        request: TransactionRequest,
        after: BlockId,
    ) -> Result<Bytes, ClientError> {
        self.provider.call(request).block(after).await.map_err(|error| self.error(error))
    }

    /// Hands a signed transaction to the node.
    pub(crate) async fn submit(&self, raw: &[u8]) -> Result<(), ClientError> {
        let _ = self.provider.send_raw_transaction(raw).await.map_err(|error| self.error(error))?;
        Ok(())
    }

    async fn tagged(&self, tag: BlockNumberOrTag) -> Result<Option<Block>, ClientError> {
        let block = self.provider.get_block_by_number(tag).await.map_err(|error| self.error(error))?;
        Ok(block.map(|block| {
            let header = &block.header;
            Block {
                number: header.number(),
                hash: header.hash,
                parent: header.parent_hash(),
                timestamp: header.timestamp(),
                base_fee: header.base_fee_per_gas().unwrap_or_default().into(),
                bloom: header.logs_bloom(),
            }
        }))
    }

    /// Nodes answer null or an error while there is no such block.
    async fn tagged_or_first(&self, tag: BlockNumberOrTag) -> Result<Block, ClientError> {
        let tagged = match self.tagged(tag).await {
            Ok(block) => block,
            Err(ClientError::Node { .. }) => None,
            Err(error) => return Err(error),
        };
        match tagged {
            Some(block) => Ok(block),
            None => {
                let first = self.block(0).await?;
                first.ok_or_else(|| ClientError::Answer("there is no first block".to_string()))
            }
        }
    }

    fn error(&self, error: TransportError) -> ClientError {
        match error {
            RpcError::ErrorResp(payload) => match payload.as_revert_data() {
                Some(data) => ClientError::Reverted(Refusal::decode(&data)),
                None => ClientError::Node { code: payload.code, message: payload.message.to_string() },
            },
            RpcError::DeserError { err, .. } => ClientError::Answer(err.to_string()),
            RpcError::NullResp => ClientError::Answer("nothing where something is needed".to_string()),
            error => {
                let hide = |text: String, secret: &String| text.replace(secret.as_str(), "…");
                let why = self.secrets.iter().fold(chained(&error), hide);
                ClientError::Unreachable { url: self.url.clone(), why }
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}, chain {})", self.url, self.chain_id)
    }
}

/// What an error must not repeat of a URL, the longest first.
fn secrets(url: &str, parsed: &reqwest::Url) -> Vec<String> {
    let mut bare = parsed.clone();
    // Fails for URLs without a host, which no node has.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    let parts = [parsed.path().trim_matches('/'), parsed.query().unwrap_or_default(), parsed.username()];
    let password = parsed.password().unwrap_or_default();
    [url, parsed.as_str(), bare.as_str()]
        .into_iter()
        .chain(parts)
        .chain([password])
        .filter(|secret| !secret.is_empty())
        .map(String::from)
        .collect()
}

/// An error with what caused it.
fn chained(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
