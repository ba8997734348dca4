//! Sends the transactions of one key: gas, fees, nonces, replacement, and what became of them.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy::eips::BlockId;
use alloy::eips::eip2718::Encodable2718 as _;
use alloy::rpc::types::TransactionRequest;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use serde::{Deserialize, Serialize};
use settlement::BlockRef;
use tokio::sync::Mutex;

use crate::blobs::BlobSidecar;
use crate::client::{Client, ClientError};
use crate::fees::{FeePolicy, Fees};
use crate::nonces::{Nonces, already_known, nonce_used, underpriced};
use crate::refusal::Refusal;
use crate::signer::Signer;

/// The most gas that a transaction may have (EIP-7825).
const GAS_CAP: u64 = 1 << 24;
/// How often a refused nonce or fee is chosen again.
const TRIES: usize = 4;
/// How often a transaction is looked for that is waited for.
const POLL: Duration = Duration::from_millis(20);
/// How long a node may take between counting a transaction and showing its receipt, several times over.
const SETTLING: Duration = Duration::from_millis(150);

/// Why a transaction could not be written down.
pub type NoteError = Box<dyn std::error::Error + Send + Sync>;

/// A transaction that was sent, with all that is needed to find, repeat or replace it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    hash: [u8; 32],
    nonce: u64,
    fees: Fees,
    /// Signed.
    raw: Vec<u8>,
    /// The ones that it replaces; one of them may be mined all the same.
    earlier: Vec<[u8; 32]>,
}

impl Transaction {
    /// Its hash.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.hash.into()
    }

    /// Its nonce.
    #[must_use]
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// What it offers.
    #[must_use]
    pub fn fees(&self) -> Fees {
        self.fees
    }

    /// As it is sent.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction({}, nonce {}, {:?})", self.hash(), self.nonce, self.fees)
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits.
    Open,
    /// It was carried out.
    Done {
        /// Gas that it used.
        gas: u64,
        /// Where.
        block: BlockRef,
        /// The contract that it made, if it made one.
        created: Option<Address>,
    },
    /// The contract refused it. It has cost its gas.
    Refused {
        /// In the contract's words.
        why: Refusal,
        /// Gas that it used.
        gas: u64,
    },
    /// Another transaction of this key has its nonce: it never happens.
    Displaced,
}

/// Sends the transactions of one key. One for a key and a process, and its clones: the nonces are theirs.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    signer: Signer,
    policy: FeePolicy,
    nonces: Arc<Mutex<Nonces>>,
}

impl Sender {
    /// For a key.
    #[must_use]
    pub fn new(client: Client, signer: Signer, policy: FeePolicy) -> Self {
        Self { client, signer, policy, nonces: Arc::default() }
    }

    /// Whose transactions it sends.
    #[must_use]
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// The node.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Calls a function of a contract, unless it would refuse.
    ///
    /// # Errors
    /// When the contract would refuse, the fees are above the ceiling, or the node does not take it.
    pub async fn call(
        &self,
        to: Address,
        value: U256,
        call: &impl SolCall,
    ) -> Result<Transaction, ClientError> {
        self.call_announced(to, value, call, |_| Ok(())).await
    }

    /// As [`Sender::call`]. `signed` gets the hash of each transaction before the node gets the transaction: should the answer be
    /// lost, it can be looked for. There is more than one when the node refuses a nonce or a fee, which is then chosen again. The
    /// node does not get what `signed` fails for.
    ///
    /// # Errors
    /// As [`Sender::call`]; [`ClientError::NotNoted`] when `signed` fails.
    pub async fn call_announced(
        &self,
        to: Address,
        value: U256,
        call: &impl SolCall,
        mut signed: impl FnMut(B256) -> Result<(), NoteError>,
    ) -> Result<Transaction, ClientError> {
        let signed = |transaction: &Transaction| signed(transaction.hash());
        self.send_announced(TxKind::Call(to), value, call.abi_encode().into(), signed).await
    }

    /// Sends a transaction, unless it would be refused.
    ///
    /// # Errors
    /// When it would be refused, the fees are above the ceiling, or the node does not take it.
    pub async fn send(&self, to: TxKind, value: U256, data: Bytes) -> Result<Transaction, ClientError> {
        self.send_announced(to, value, data, |_| Ok(())).await
    }

    /// As [`Sender::send`]. `signed` is as in [`Sender::call_announced`], and gets all that is needed to follow or replace the
    /// transaction.
    ///
    /// # Errors
    /// As [`Sender::call_announced`].
    pub async fn send_announced(
        &self,
        to: TxKind,
        value: U256,
        data: Bytes,
        signed: impl FnMut(&Transaction) -> Result<(), NoteError>,
    ) -> Result<Transaction, ClientError> {
        let gas = self.gas(to, value, &data).await?;
        let sign = |nonce, fees| self.sign(nonce, gas, fees, to, value, data.clone(), Vec::new());
        self.submit_announced(sign, signed).await
    }

    /// Posts blobs, in a transaction to this key's own address that says `data` beside them. `signed` is as in
    /// [`Sender::call_announced`]. Such a transaction is not replaced: nodes ask twice the fees for that, so it is not sent
    /// before the fees of blobs, doubled, are below the ceiling.
    ///
    /// # Errors
    /// As [`Sender::call`].
    pub async fn post_blobs(
        &self,
        blobs: &BlobSidecar,
        data: Bytes,
        mut signed: impl FnMut(B256) -> Result<(), NoteError>,
    ) -> Result<Transaction, ClientError> {
        let to = self.address();
        let gas = self.gas(TxKind::Call(to), U256::ZERO, &data).await?;
        let blob_fee = self.client.blob_base_fee().await?.saturating_mul(2).max(1);
        if blob_fee > self.policy.ceiling {
            return Err(ClientError::FeeCeiling { asked: blob_fee, ceiling: self.policy.ceiling });
        }
        let chain_id = self.client.chain_id();
        let sign = |nonce, fees| {
            let unsigned = blobs.transaction(chain_id, nonce, gas, fees, blob_fee, to, data.clone());
            let signature = self.signer.sign(&unsigned.signature_hash())?;
            let signed = TxEnvelope::from(unsigned.into_signed(signature));
            let (hash, raw) = (signed.tx_hash().0, signed.encoded_2718());
            Ok::<_, ClientError>(Transaction { hash, nonce, fees, raw, earlier: Vec::new() })
        };
        self.submit_announced(sign, |transaction| signed(transaction.hash())).await
    }

    /// Signs with the next nonce and hands it to the node, again where a nonce or a fee is refused.
    async fn submit_announced(
        &self,
        sign: impl Fn(u64, Fees) -> Result<Transaction, ClientError>,
        mut signed: impl FnMut(&Transaction) -> Result<(), NoteError>,
    ) -> Result<Transaction, ClientError> {
        let mut fees = self.fees().await?;
        let mut nonces = self.nonces.lock().await;
        let mut last = None;
        for _ in 0..TRIES {
            let nonce = nonces.next(&self.client, self.address()).await?;
            let transaction = sign(nonce, fees)?;
            signed(&transaction).map_err(ClientError::NotNoted)?;
            match self.client.submit(&transaction.raw).await {
                Err(ClientError::Node { message, .. }) if already_known(&message) => {}
                Err(error @ ClientError::Node { .. }) => {
                    let ClientError::Node { message, .. } = &error else { return Err(error) };
                    if !nonce_used(message) && !underpriced(message) {
                        return Err(error);
                    }
                    // A block came in between, or the node's base fee is another by now.
                    fees = self.fees().await?;
                    last = Some(error);
                    continue;
                }
                // An answer that was lost may have been a yes.
                Err(error @ ClientError::Unreachable { .. }) => {
                    nonces.sent(&transaction);
                    return Err(error);
                }
                Err(error) => return Err(error),
                Ok(()) => {}
            }
            nonces.sent(&transaction);
            return Ok(transaction);
        }
        Err(last.unwrap_or(ClientError::Answer("no nonce was accepted".to_string())))
    }

    /// Replaces a transaction that waits by another with the same nonce and higher fees.
    ///
    /// # Errors
    /// [`ClientError::Displaced`] when a transaction with the nonce is in a block; else as [`Sender::send`].
    pub async fn replace(
        &self,
        earlier: &Transaction,
        to: TxKind,
        value: U256,
        data: Bytes,
    ) -> Result<Transaction, ClientError> {
        self.replace_announced(earlier, to, value, data, |_| Ok(())).await
    }

    /// As [`Sender::replace`]. `signed` is as in [`Sender::send_announced`].
    ///
    /// # Errors
    /// As [`Sender::replace`]; [`ClientError::NotNoted`] when `signed` fails.
    pub async fn replace_announced(
        &self,
        earlier: &Transaction,
        to: TxKind,
        value: U256,
        data: Bytes,
        mut signed: impl FnMut(&Transaction) -> Result<(), NoteError>,
    ) -> Result<Transaction, ClientError> {
        let gas = self.gas(to, value, &data).await?;
        let mut fees = earlier.fees;
        let mut nonces = self.nonces.lock().await;
        let mut last = None;
        for _ in 0..TRIES {
            if self.client.nonce(self.address()).await? > earlier.nonce {
                return Err(ClientError::Displaced { nonce: earlier.nonce });
            }
            let now = self.fees().await?;
            fees = self.policy.replace(fees, now).ok_or(ClientError::FeeCeiling {
                asked: fees.max.saturating_add(fees.max / 8).max(now.max),
                ceiling: self.policy.ceiling,
            })?;
            let mut hashes = earlier.earlier.clone();
            hashes.push(earlier.hash);
            let transaction = self.sign(earlier.nonce, gas, fees, to, value, data.clone(), hashes)?;
            signed(&transaction).map_err(ClientError::NotNoted)?;
            match self.client.submit(&transaction.raw).await {
                Ok(()) => {
                    nonces.sent(&transaction);
                    return Ok(transaction);
                }
                Err(error @ ClientError::Node { .. }) => {
                    let ClientError::Node { message, .. } = &error else { return Err(error) };
                    if !nonce_used(message) && !underpriced(message) {
                        return Err(error);
                    }
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or(ClientError::Displaced { nonce: earlier.nonce }))
    }

    /// Replaces a transaction that waits by one that does nothing: whatever comes after it would wait as well.
    ///
    /// # Errors
    /// As [`Sender::replace`].
    pub async fn cancel(&self, earlier: &Transaction) -> Result<Transaction, ClientError> {
        self.replace(earlier, TxKind::Call(self.address()), U256::ZERO, Bytes::new()).await
    }

    /// What became of a transaction or one that it replaced. One that nobody has any more, as after a reorg or a restart of
    /// the node, is sent again.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn outcome(&self, transaction: &Transaction) -> Result<Outcome, ClientError> {
        // First the nonce: a block in between then shows the receipt, and not a nonce without one.
        let used = self.client.nonce(self.address()).await? > transaction.nonce;
        if let Some(outcome) = self.in_a_block(transaction).await? {
            return Ok(outcome);
        }
        if used {
            // A node may count a transaction a moment before it shows the receipt.
            for _ in 0..TRIES {
                tokio::time::sleep(SETTLING).await;
                if let Some(outcome) = self.in_a_block(transaction).await? {
                    return Ok(outcome);
                }
            }
            // Nor is it displaced where a reorg has given the nonce back.
            let used = self.client.nonce(self.address()).await? > transaction.nonce;
            return Ok(if used { Outcome::Displaced } else { Outcome::Open });
        }
        if !self.client.knows(transaction.hash()).await? {
            match self.client.submit(&transaction.raw).await {
                Ok(()) => self.nonces.lock().await.sent(transaction),
                // The node has one that pays more, or does not want it now; it is looked at again.
                Err(ClientError::Node { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Outcome::Open)
    }

    /// What a block says of a transaction or one that it replaced.
    async fn in_a_block(&self, transaction: &Transaction) -> Result<Option<Outcome>, ClientError> {
        let earlier = transaction.earlier.iter().rev().map(B256::from);
        for hash in std::iter::once(transaction.hash()).chain(earlier) {
            let Some((receipt, block)) = self.client.receipt(hash).await? else { continue };
            let gas = receipt.gas_used;
            if receipt.status() {
                return Ok(Some(Outcome::Done { gas, block, created: receipt.contract_address }));
            }
            let why = self.reason(transaction, &block, gas).await?;
            return Ok(Some(Outcome::Refused { why, gas }));
        }
        Ok(None)
    }

    /// Waits until a transaction is carried out.
    ///
    /// # Errors
    /// When it is refused or displaced, takes longer, or the node does not answer.
    pub async fn carried_out(
        &self,
        transaction: &Transaction,
        limit: Duration,
    ) -> Result<Outcome, ClientError> {
        let began = Instant::now();
        let mut pause = POLL;
        loop {
            match self.outcome(transaction).await? {
                Outcome::Open => {}
                Outcome::Refused { why, .. } => return Err(ClientError::Reverted(why)),
                Outcome::Displaced => return Err(ClientError::Displaced { nonce: transaction.nonce }),
                done @ Outcome::Done { .. } => return Ok(done),
            }
            if began.elapsed() >= limit {
                return Err(ClientError::NotMined { hash: transaction.hash(), after: limit });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// A quarter more than what it uses now: others' transactions may come before it.
    async fn gas(&self, to: TxKind, value: U256, data: &Bytes) -> Result<u64, ClientError> {
        let estimate = self.client.estimate(self.request(to, value, data.clone())).await?;
        Ok(estimate.saturating_add(estimate / 4).min(GAS_CAP))
    }

    async fn fees(&self) -> Result<Fees, ClientError> {
        let latest = self.client.latest().await?;
        let tip = self.client.suggested_tip().await?;
        self.policy
            .offer(latest.base_fee, tip)
            .ok_or(ClientError::FeeCeiling { asked: latest.base_fee, ceiling: self.policy.ceiling })
    }

    fn request(&self, to: TxKind, value: U256, data: Bytes) -> TransactionRequest {
        let request = TransactionRequest::default().from(self.address()).value(value).input(data.into());
        TransactionRequest { to: Some(to), ..request }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a transaction")]
    fn sign(
        &self,
        nonce: u64,
        gas_limit: u64,
        fees: Fees,
        to: TxKind,
        value: U256,
        input: Bytes,
        earlier: Vec<[u8; 32]>,
    ) -> Result<Transaction, ClientError> {
        let unsigned = TxEip1559 {
            chain_id: self.client.chain_id(),
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max,
            max_priority_fee_per_gas: fees.tip,
            to,
            value,
            access_list: Default::default(),
            input,
        };
        let signature = self.signer.sign(&unsigned.signature_hash())?;
        let signed = TxEnvelope::from(unsigned.into_signed(signature));
        Ok(Transaction { hash: signed.tx_hash().0, nonce, fees, raw: signed.encoded_2718(), earlier })
    }

    /// Why it was refused: it is executed again after its block, and before it.
    async fn reason(
        &self,
        transaction: &Transaction,
        block: &BlockRef,
        gas: u64,
    ) -> Result<Refusal, ClientError> {
        use alloy::consensus::Transaction as _;
        use alloy::eips::eip2718::Decodable2718 as _;
        let Ok(sent) = TxEnvelope::decode_2718(&mut &transaction.raw[..]) else {
            return Ok(Refusal::unknown());
        };
        let request = || self.request(sent.kind(), sent.value(), sent.input().clone());
        for number in [block.number, block.number.saturating_sub(1)] {
            match self.client.execute(request(), BlockId::number(number)).await {
                Err(ClientError::Reverted(refusal)) => return Ok(refusal),
                Err(error @ ClientError::Unreachable { .. }) => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        Ok(if gas >= sent.gas_limit() { Refusal::out_of_gas() } else { Refusal::unknown() })
    }
}
