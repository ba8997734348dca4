//! Whether what the contract holds is what the exchange owes, by the published batches and the chain alone.

use std::collections::BTreeMap;
use std::path::Path;

use alloy_primitives::{Address, U256};
use anyhow::{Context as _, Result};
use book::Book;
use contracts::bindings::{Exchange as Contract, IERC20};
use l1::{Client, Confirmation, Indexer};
use rules::Genesis;
use transition::{CommandsHeader, Withdrawal};
use types::{AccountId, AssetId, Command, Reader, Sequenced};

use super::chain::Deployment;
use super::published;

/// One asset, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Balances of all accounts, free and locked.
    pub balances: U256,
    /// Deposits that no published batch has consumed.
    pub deposits: U256,
    /// Withdrawals that were not claimed.
    pub unclaimed: U256,
    /// What the contract counts.
    pub held: U256,
    /// What the contract has.
    pub there: U256,
}

impl Row {
    /// Whether the contract counts what is owed, to the wei, and has it.
    pub fn agrees(&self) -> bool {
        self.balances + self.deposits + self.unclaimed == self.held && self.there >= self.held
    }
}

/// Executes all published batches from the first state and compares with the contract, asset by asset.
pub async fn audit(
    client: &Client,
    indexer: &Indexer,
    deployment: &Deployment,
    published: &Path,
    genesis: &Genesis,
    last: u64,
) -> Result<Vec<Row>> {
    let mut book = Book::new(genesis.capacity);
    let Ok(()) = rules::open(&mut book, genesis);
    let (mut withdrawals, mut consumed) = (Vec::new(), 0);
    for number in 1..=last {
        let batch = published::batch(published, number)?;
        let mut r = Reader::new(&batch.input.commands);
        let header = CommandsHeader::decode(&mut r).with_context(|| format!("batch {number}"))?;
        let mut timestamp = header.previous_timestamp;
        for sequence in header.first_sequence..header.first_sequence + header.count {
            let command = Sequenced::decode(sequence, timestamp, &mut r)?;
            timestamp = command.timestamp;
            let seen = &mut |event| withdrawals.extend(Withdrawal::from_event(&event));
            let Ok(_) = rules::execute(&mut book, &command, seen);
        }
        consumed = batch.claim.l1_position;
    }
    let mut deposits: BTreeMap<AssetId, u128> = BTreeMap::new();
    for entry in indexer.entries(consumed, Confirmation::Latest, usize::MAX)? {
        if let Command::Deposit { asset, amount, .. } = entry.what.command {
            *deposits.entry(asset).or_default() += u128::from(amount.0);
        }
    }
    let mut unclaimed: BTreeMap<AssetId, u128> = BTreeMap::new();
    for Withdrawal { index, asset, amount, .. } in withdrawals {
        if !client.call(deployment.exchange, &Contract::isClaimedCall { index }).await? {
            *unclaimed.entry(asset).or_default() += u128::from(amount.0);
        }
    }
    let mut rows = Vec::new();
    for (asset, token) in (0..).zip(&deployment.tokens) {
        let of = |sums: &BTreeMap<AssetId, u128>| sums.get(&AssetId(asset)).copied().unwrap_or_default();
        let accounts = 0..u32::try_from(book.accounts().len()).unwrap_or(u32::MAX);
        let balances = accounts.map(|account| book.balance_of(AccountId(account), AssetId(asset)));
        let balances: u128 =
            balances.map(|balance| u128::from(balance.free.0) + u128::from(balance.locked.0)).sum();
        let info = client.call(deployment.exchange, &Contract::assetInfoCall { asset }).await?;
        let wei = |quanta: u128| U256::from(quanta) * U256::from(info.quantum);
        rows.push(Row {
            balances: wei(balances),
            deposits: wei(of(&deposits)),
            unclaimed: wei(of(&unclaimed)),
            held: client.call(deployment.exchange, &Contract::heldCall { asset }).await?,
            there: held(client, *token, deployment.exchange).await?,
        });
    }
    Ok(rows)
}

async fn held(client: &Client, token: Address, owner: Address) -> Result<U256> {
    Ok(match token.is_zero() {
        true => client.balance(owner).await?,
        false => client.call(token, &IERC20::balanceOfCall { owner }).await?,
    })
}
