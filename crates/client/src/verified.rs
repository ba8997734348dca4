//! Answers that were checked against a claim.

use std::collections::BTreeMap;

use state::{Proof, Sha256Hash};
use transition::{Claim, MerklePath, Receipt, balance_key, decode_balance};
use types::{AccountId, AssetId, Event, Outcome, Quanta};

use crate::ClientError;
use crate::answers::{BalanceProofAnswer, ReceiptAnswer};
use crate::client::{digest, unhex};

/// What a command did, shown by a path to its batch's events root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    /// The command.
    pub sequence: u64,
    /// The claim whose events root it leads to.
    pub claim: Claim,
    /// What became of the command.
    pub outcome: Outcome,
    /// What it did.
    pub events: Vec<Event>,
    /// The receipt, to show others.
    pub receipt: Receipt,
}

impl VerifiedReceipt {
    pub(crate) fn check(answer: ReceiptAnswer, sequence: u64) -> Result<Self, ClientError> {
        if answer.sequence != sequence {
            let what = format!("a receipt of command {}, not of {sequence}", answer.sequence);
            return Err(ClientError::Other { what });
        }
        let claim = Claim::decode(&unhex(&answer.claim)?)?;
        let siblings =
            answer.path.siblings.iter().map(|sibling| digest(sibling)).collect::<Result<_, _>>()?;
        let receipt = Receipt {
            sequence,
            count: answer.count,
            content: unhex(&answer.content)?,
            path: MerklePath { index: answer.path.index, siblings },
        };
        let (outcome, events) = receipt.verify::<Sha256Hash>(&claim)?;
        Ok(Self { sequence, claim, outcome, events, receipt })
    }
}

/// What an account has after a batch, shown by paths to the batch's state root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedBalances {
    /// Whose.
    pub account: AccountId,
    /// The claim whose state root they lead to.
    pub claim: Claim,
    /// Free and locked, by asset.
    pub balances: BTreeMap<AssetId, (Quanta, Quanta)>,
}

impl VerifiedBalances {
    pub(crate) fn check(
        answer: &BalanceProofAnswer,
        account: AccountId,
        batch: Option<u64>,
    ) -> Result<Self, ClientError> {
        let claim = Claim::decode(&unhex(&answer.claim)?)?;
        if answer.account != account.0 || batch.is_some_and(|batch| batch != claim.batch) {
            let what = format!("balances of account {} after batch {}", answer.account, claim.batch);
            return Err(ClientError::Other { what });
        }
        let mut balances = BTreeMap::new();
        for entry in &answer.balances {
            let asset = entry.asset;
            let proof = Proof::decode(&unhex(&entry.proof)?)
                .map_err(|error| ClientError::answer(format!("the proof of asset {asset}: {error}")))?;
            let key = balance_key(account, AssetId(asset));
            let value = state::verify::<Sha256Hash>(claim.state_root, key, &proof)
                .map_err(|source| ClientError::Proof { asset, source })?;
            let balance = value.map(decode_balance).transpose()?.unwrap_or_default();
            balances.insert(AssetId(asset), (balance.free, balance.locked));
        }
        Ok(Self { account, claim, balances })
    }
}
