//! Claims withdrawals by what the chain alone says: a final batch's event has all of its withdrawals.

use std::io::{self, Write as _};

use alloy_primitives::Address;
use anyhow::Result;
use clap::Args;
use contracts::bindings::Exchange::ExchangeEvents;
use contracts::withdrawals_of;

use super::amount::Asset;
use super::contract::{Caller, Key, Place};
use super::payments::Payments;
use super::way_out;
use crate::{address, withdrawals};

/// Pay withdrawals of final batches
#[derive(Args)]
pub struct Options {
    /// Whose withdrawals [default: the key's address]
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    owner: Option<Address>,
    /// Pay to this address; only with the owner's own key [default: the owner]
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    key: Key,
}

/// Claims all that an owner has to get.
pub async fn run(options: &Options) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let contract = &caller.contract;
    let owner = options.owner.unwrap_or(caller.address());
    let (_dir, indexer) = contract.index().await?;
    let mut due = Vec::new();
    contract.each_event(&indexer, |event| {
        if let ExchangeEvents::BatchWithdrawals(event) = event {
            let all = withdrawals_of(&event);
            let theirs = |withdrawal: &transition::Withdrawal| withdrawal.owner.0 == owner.into_array();
            due.extend(withdrawals::claims(event.batch, &all, theirs, options.to)?);
        }
        Ok(())
    })?;
    let found = due.len();
    let mut payments = Payments::default();
    for call in due {
        if withdrawals::is_paid(&contract.client, contract.address, &call).await.map_err(way_out::of)? {
            continue;
        }
        let withdrawal = &call.withdrawal;
        let what = Asset::of(contract, withdrawal.asset).await?.show(withdrawal.amount.into());
        let what = format!(
            "claim {what}: withdrawal {} of batch {}, to {}",
            withdrawal.index, call.batch, call.recipient
        );
        payments.pay(&caller, &what, &call).await?;
    }
    if payments.none() {
        writeln!(
            io::stdout(),
            "nothing to claim for {owner}: {found} withdrawals are in final batches, all were paid; `glassbook l1 queue` shows what waits"
        )?;
        return Ok(());
    }
    payments.finish("paid", "withdrawals")
}
