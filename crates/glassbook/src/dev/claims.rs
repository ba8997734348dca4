//! Claims withdrawals on L1 for their owners. Anybody may; the money goes to the owner.

use std::path::Path;
use std::time::Duration;

use alloy_primitives::{Address, U256};
use anyhow::Result;
use l1::{ClientError, Sender};

use super::settling;
use crate::{published, withdrawals};

/// How long a claim may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Claims what a final batch pays out and was not claimed. What its recipient does not take, as a contract may, stays for its owner
/// to claim for another one. Returns how many were claimed.
pub async fn claim(sender: &Sender, exchange: Address, published: &Path, batch: u64) -> Result<u64> {
    let sealed = published::batch(published, batch)?;
    let (mut claimed, mut last) = (0, None);
    if sealed.claim.withdrawals_root == [0; 32] {
        return Ok(0);
    }
    let all = settling::withdrawals(&sealed)?;
    for call in withdrawals::claims(batch, &all, |_| true, None)? {
        if withdrawals::is_paid(sender.client(), exchange, &call).await? {
            continue;
        }
        match sender.call(exchange, U256::ZERO, &call).await {
            Ok(sent) => {
                last = Some(sent);
                claimed += 1;
            }
            Err(ClientError::Reverted(why)) => tracing::warn!(
                batch,
                withdrawal = call.withdrawal.index,
                owner = %call.withdrawal.owner,
                %why,
                "a withdrawal is not taken; its owner can claim it for another address (`glassbook l1 claim --to`)"
            ),
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(last) = last {
        sender.carried_out(&last, LIMIT).await?;
    }
    Ok(claimed)
}
