//! Claims withdrawals by what the chain alone says: a final batch's event has all of its withdrawals.

use std::io::{self, Write as _};

use alloy_primitives::{Address, U256};
use anyhow::{Context as _, Result};
use clap::Args;
use contracts::bindings::Exchange;
use contracts::bindings::Exchange::ExchangeEvents;
use contracts::withdrawals_of;
use transition::{Native, WithdrawalTree};

use super::amount::Asset;
use super::contract::{Caller, Key, Place};

/// Pay withdrawals of final batches
#[derive(Args)]
pub struct Options {
    /// Whose withdrawals [default: the key's address]
    #[arg(long, value_name = "ADDRESS")]
    owner: Option<Address>,
    /// Pay to this address; only with the owner's own key [default: the owner]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    key: Key,
}

/// Claims all that an owner has to get.
pub async fn run(options: &Options) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let owner = options.owner.unwrap_or(caller.address());
    let recipient = options.to.unwrap_or(owner);
    let (_dir, indexer) = caller.contract.index().await?;
    let mut due = Vec::new();
    caller.contract.each_event(&indexer, |event| {
        let ExchangeEvents::BatchWithdrawals(event) = event else { return };
        let all = withdrawals_of(&event);
        if all.iter().all(|withdrawal| withdrawal.owner.0 != owner.into_array()) {
            return;
        }
        let tree = WithdrawalTree::<Native>::new(&all);
        let theirs = (0_u64..).zip(all).filter(|(_, withdrawal)| withdrawal.owner.0 == owner.into_array());
        due.extend(theirs.map(|(place, withdrawal)| (event.batch, place, withdrawal, tree.path(place))));
    })?;
    let (found, mut paid) = (due.len(), 0);
    for (batch, place, withdrawal, path) in due {
        if caller.contract.view(Exchange::isClaimedCall { index: withdrawal.index }).await? {
            continue;
        }
        let path = path.context("a withdrawal without a path")?;
        let asset = Asset::of(&caller.contract, withdrawal.asset.0).await?;
        let call = Exchange::claimWithdrawalCall {
            batch,
            withdrawal: withdrawal.into(),
            place,
            siblings: path.siblings.iter().map(Into::into).collect(),
            recipient,
        };
        let what = asset.show(withdrawal.amount.0.into());
        let what =
            format!("claimed {what}: withdrawal {} of batch {batch}, to {recipient}", withdrawal.index);
        caller.send(&what, U256::ZERO, &call).await?;
        paid += 1;
    }
    let mut out = io::stdout();
    if paid == 0 {
        writeln!(
            out,
            "nothing to claim for {owner}: {found} withdrawals are in final batches, all were paid; `glassbook l1 queue` shows what waits"
        )?;
    } else {
        writeln!(out, "paid {paid} withdrawals")?;
    }
    Ok(())
}
