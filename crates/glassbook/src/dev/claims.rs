//! Claims withdrawals on L1 for their owners. Anybody may; the money goes to the owner.

use std::path::Path;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use anyhow::{Context as _, Result};
use contracts::bindings::Exchange as Contract;
use l1::Sender;
use transition::{Native, Withdrawal, WithdrawalTree};

use super::published;
use super::settling::withdrawals;

/// How long a claim may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Claims what a final batch pays out and was not claimed. Returns how many were claimed.
pub async fn claim(sender: &Sender, exchange: Address, published: &Path, batch: u64) -> Result<u64> {
    let sealed = published::batch(published, batch)?;
    let (mut claimed, mut last) = (0, None);
    if sealed.claim.withdrawals_root == [0; 32] {
        return Ok(0);
    }
    let all = withdrawals(&sealed)?;
    let tree = WithdrawalTree::<Native>::new(&all);
    for (place, withdrawal) in (0..).zip(&all) {
        let Withdrawal { index, owner, .. } = *withdrawal;
        if sender.client().call(exchange, &Contract::isClaimedCall { index }).await? {
            continue;
        }
        let path = tree.path(place).context("a withdrawal without a path")?;
        let call = Contract::claimWithdrawalCall {
            batch,
            withdrawal: (*withdrawal).into(),
            place,
            siblings: path.siblings.iter().map(Into::into).collect(),
            recipient: Address::from(owner.0),
        };
        last = Some(sender.call(exchange, U256::ZERO, &call).await?);
        claimed += 1;
    }
    if let Some(last) = last {
        sender.carried_out(&last, LIMIT).await?;
    }
    Ok(claimed)
}
