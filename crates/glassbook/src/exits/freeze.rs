//! The end: freezing an exchange whose operator lets a deadline pass, and leaving with the last final state.

use std::io::{self, Write as _};
use std::path::PathBuf;

use alloy_primitives::{Address, U256};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use contracts::bindings::Exchange;
use types::Command;

use super::amount::Asset;
use super::balance::{BalanceProofs, FinalState};
use super::contract::{Caller, Key, Place};
use super::payments::Payments;
use super::queue::Standing;
use super::{events, way_out};
use crate::address;

/// Pay balances after a freeze
#[derive(Args)]
pub struct EscapeOptions {
    /// A file of `glassbook balance proof`
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// Pay to this address; only with the owner's own key [default: the owner]
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    to: Option<Address>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    key: Key,
}

/// Pay deposits back after a freeze
#[derive(Args)]
pub struct RefundOptions {
    /// Whose deposits [default: the key's address]
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

/// Freezes the exchange.
pub async fn freeze(place: &Place, key: &Key) -> Result<()> {
    let caller = Caller::open(place, key).await?;
    caller.send("freeze the exchange", U256::ZERO, &Exchange::freezeCall {}).await?;
    let standing = Standing::read(&caller.contract).await.context(way_out::CARRIED_OUT)?;
    let mut out = io::stdout();
    writeln!(
        out,
        "  it ends with batch {}; of {} entries, {} count",
        standing.final_batch, standing.length, standing.final_position
    )?;
    writeln!(
        out,
        "next: `glassbook balance proof --published DIR --owner ADDRESS --l1 URL --out FILE`, then `glassbook l1 escape --proof \
         FILE`; `glassbook l1 refund` for deposits that are in no final batch; `glassbook l1 claim` for withdrawals that are"
    )?;
    Ok(())
}

/// Pays the balances of a proof file.
pub async fn escape(options: &EscapeOptions) -> Result<()> {
    let proofs = BalanceProofs::read(&options.proof)?;
    let balances = proofs.check()?;
    let caller = Caller::open(&options.place, &options.key).await?;
    proofs.require_final(&caller.contract, &FinalState::read(&caller.contract).await?).await?;
    let owner = proofs.owner;
    let recipient = options.to.unwrap_or(owner);
    let standing = Standing::read(&caller.contract).await?;
    ensure!(
        standing.frozen,
        "the exchange is not frozen: `glassbook l1 exit` forces everything out; if the operator lets the deadline pass, `glassbook l1 freeze`"
    );
    let mut payments = Payments::default();
    for (entry, balance) in proofs.balances.iter().zip(&balances) {
        let (account, asset) = (proofs.account, entry.asset);
        if caller.contract.view(Exchange::isEscapedCall { account, asset }).await? {
            writeln!(io::stdout(), "account {account} has left with asset {asset} before")?;
            continue;
        }
        let what = Asset::of(&caller.contract, asset).await?.show(balance.total());
        let call = Exchange::escapeCall { owner, asset, proof: entry.proof.clone(), recipient };
        payments.pay(&caller, &format!("escape with {what}, to {recipient}"), &call).await?;
    }
    if payments.none() {
        bail!(
            "{owner} has left with everything in {} already: there is nothing more to pay",
            options.proof.display()
        );
    }
    payments.finish("paid", "balances")
}

/// Pays deposits back that are in no final batch.
pub async fn refund(options: &RefundOptions) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let owner = options.owner.unwrap_or(caller.address());
    let recipient = options.to.unwrap_or(owner);
    let standing = Standing::read(&caller.contract).await?;
    ensure!(
        standing.frozen,
        "the exchange is not frozen, and deposits are credited: `glassbook l1 queue` shows where they are; `glassbook l1 exit` \
         forces everything out"
    );
    let (_dir, indexer) = caller.contract.index().await?;
    let (mut found, mut payments) = (0, Payments::default());
    for entry in events::entries(&indexer, standing.final_position) {
        let entry = entry?;
        let Command::Deposit { owner: whose, asset, amount } = entry.command else { continue };
        if whose.0 != owner.into_array() {
            continue;
        }
        found += 1;
        let position = entry.position;
        if caller.contract.view(Exchange::isRefundedCall { position }).await? {
            continue;
        }
        let what = Asset::of(&caller.contract, asset.0).await?.show(amount.0.into());
        let call = Exchange::refundDepositCall {
            position,
            account: entry.account.0,
            owner,
            asset: asset.0,
            amount: amount.0,
            recipient,
        };
        payments.pay(&caller, &format!("refund {what}: entry {position}, to {recipient}"), &call).await?;
    }
    if payments.none() {
        writeln!(
            io::stdout(),
            "nothing to refund for {owner}: {found} deposits are in no final batch, all were paid back; what final batches have \
             leaves with `glassbook l1 escape`"
        )?;
        return Ok(());
    }
    payments.finish("paid back", "deposits")
}
