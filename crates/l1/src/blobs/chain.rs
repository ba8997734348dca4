//! Blobs on the chain: transactions that carry them, and what the chain says of them afterwards.

use std::fmt;

use alloy::consensus::{BlobTransactionSidecarVariant, TxEip4844, TxEip4844WithSidecar};
use alloy::eips::BlockId;
use alloy::eips::eip4844::{Blob as Eip4844Blob, Bytes48};
use alloy::eips::eip7594::BlobTransactionSidecarEip7594;
use alloy::rpc::types::TransactionRequest;
use alloy_primitives::{Address, B256, Bytes, U256, address};
use settlement::BlockRef;

use super::kzg::cell_proofs;
use super::{Blob, BlobCommitment, BlobError, Evaluation};
use crate::client::{Client, ClientError};
use crate::fees::Fees;

/// The most blobs in a transaction (EIP-7594).
pub const MOST_IN_TRANSACTION: usize = 6;

/// The contract that checks evaluations (EIP-4844).
const POINT_EVALUATION: Address = address!("0x000000000000000000000000000000000000000a");
/// The modulus of BLS12-381's scalar field, which that contract returns.
const MODULUS: &str = "0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";

/// Blobs with all that a transaction carries beside them.
#[derive(Clone)]
pub struct BlobSidecar {
    inner: BlobTransactionSidecarEip7594,
    hashes: Vec<B256>,
}

/// A transaction with blobs, as it is on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobTransaction {
    /// The versioned hashes of its blobs.
    pub hashes: Vec<B256>,
    /// What it says beside them.
    pub data: Bytes,
    /// In which block it was carried out.
    pub block: BlockRef,
}

impl BlobSidecar {
    /// Computes commitments and cells' proofs, tens to hundreds of milliseconds a blob.
    ///
    /// # Errors
    /// When there are none or more than [`MOST_IN_TRANSACTION`], or [`BlobError::Kzg`].
    pub fn new(blobs: &[Blob]) -> Result<Self, BlobError> {
        if blobs.is_empty() || blobs.len() > MOST_IN_TRANSACTION {
            return Err(BlobError::Malformed("a transaction has 1 to 6 blobs"));
        }
        let commitments = blobs.iter().map(BlobCommitment::of).collect::<Result<Vec<_>, _>>()?;
        let mut proofs = Vec::new();
        for blob in blobs {
            proofs.extend(cell_proofs(blob)?.into_iter().map(Bytes48::from));
        }
        let inner = BlobTransactionSidecarEip7594::new(
            blobs.iter().map(|blob| Eip4844Blob::from_slice(blob.as_bytes())).collect(),
            commitments.iter().map(|commitment| Bytes48::from(commitment.0)).collect(),
            proofs,
        );
        Ok(Self { inner, hashes: commitments.iter().map(BlobCommitment::versioned_hash).collect() })
    }

    /// The versioned hashes, in order.
    #[must_use]
    pub fn hashes(&self) -> &[B256] {
        &self.hashes
    }

    /// A transaction with these blobs.
    #[expect(clippy::too_many_arguments, reason = "the fields of a transaction")]
    pub(crate) fn transaction(
        &self,
        chain_id: u64,
        nonce: u64,
        gas_limit: u64,
        fees: Fees,
        max_fee_per_blob_gas: u128,
        to: Address,
        input: Bytes,
    ) -> TxEip4844WithSidecar<BlobTransactionSidecarVariant> {
        let tx = TxEip4844 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max,
            max_priority_fee_per_gas: fees.tip,
            to,
            value: U256::ZERO,
            access_list: Default::default(),
            blob_versioned_hashes: self.hashes.clone(),
            max_fee_per_blob_gas,
            input,
        };
        TxEip4844WithSidecar { tx, sidecar: BlobTransactionSidecarVariant::Eip7594(self.inner.clone()) }
    }
}

impl fmt::Debug for BlobSidecar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobSidecar").field("hashes", &self.hashes).finish_non_exhaustive()
    }
}

impl Client {
    /// A transaction with blobs that was carried out. `None` for one that waits, failed, has no blobs, or is not on the chain.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn blob_transaction(&self, hash: B256) -> Result<Option<BlobTransaction>, ClientError> {
        let Some((receipt, block)) = self.receipt(hash).await? else { return Ok(None) };
        let Some((hashes, data)) = self.blobs_of(hash).await? else { return Ok(None) };
        Ok(receipt.status().then_some(BlobTransaction { hashes, data, block }))
    }

    /// Has the precompiled contract check an evaluation, by a call that changes nothing.
    ///
    /// # Errors
    /// When it refuses, or the node does not answer.
    pub async fn check_evaluation(&self, evaluation: &Evaluation) -> Result<(), ClientError> {
        let input = Bytes::from(evaluation.input());
        let request = TransactionRequest::default().to(POINT_EVALUATION).input(input.into());
        let output = self.execute(request, BlockId::latest()).await?;
        let expected = [U256::from(4096).to_be_bytes(), modulus().to_be_bytes::<32>()].concat();
        if output[..] != expected {
            return Err(ClientError::Answer("the point evaluation precompile did not answer".to_string()));
        }
        Ok(())
    }
}

fn modulus() -> U256 {
    MODULUS.parse().expect("it is a number")
}
