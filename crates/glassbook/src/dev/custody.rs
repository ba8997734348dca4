//! Whether what the contract holds is what the exchange owes, by the published batches and the chain alone: at any block,
//! while the exchange runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result};
use book::Book;
use contracts::bindings::Exchange::ExchangeEvents;
use contracts::bindings::{Exchange as Contract, IERC20};
use l1::{Client, Confirmation, IndexError, Indexer};
use rules::Genesis;
use settlement::BlockRef;
use transition::{CommandsHeader, Withdrawal};
use types::{AccountId, AssetId, Command, Quanta, Reader, Sequenced};

use super::chain::Deployment;
use crate::published;

/// One asset, in wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Balances of all accounts after the last final batch, free and locked.
    pub balances: U256,
    /// Deposits that no final batch has consumed.
    pub deposits: U256,
    /// Withdrawals of final batches that were not claimed.
    pub unclaimed: U256,
    /// What the contract counts.
    pub held: U256,
    /// What the contract has.
    pub there: U256,
}

impl Row {
    /// Whether the contract counts what is owed, to the wei, and has it.
    pub fn agrees(&self) -> bool {
        let owed = self.balances.checked_add(self.deposits).and_then(|sum| sum.checked_add(self.unclaimed));
        owed == Some(self.held) && self.there >= self.held
    }
}

/// What was found at one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The block.
    pub block: BlockRef,
    /// The last final batch there.
    pub final_batch: u64,
    /// Its state root on the chain, and as it was published.
    pub roots: (B256, B256),
    /// Asset by asset; none when the exchange is frozen: then users take what the last final state says, each by himself.
    pub rows: Vec<Row>,
}

impl Checked {
    /// What is wrong, if anything is.
    pub fn disagreement(&self) -> Option<String> {
        let (number, (there, here)) = (self.block.number, self.roots);
        if there != here {
            return Some(format!(
                "at block {number} the last final state, after batch {}, is {there}; as it was published it is {here}",
                self.final_batch
            ));
        }
        let (asset, row) = self.rows.iter().enumerate().find(|(_, row)| !row.agrees())?;
        Some(format!(
            "at block {number} the contract counts {} wei of asset {asset} and has {}, and owes {}: balances {}, deposits on \
             the way {}, withdrawals not claimed {}",
            row.held,
            row.there,
            row.balances.saturating_add(row.deposits).saturating_add(row.unclaimed),
            row.balances,
            row.deposits,
            row.unclaimed
        ))
    }
}

/// The money of the exchange after its final batches. It executes the published batches as they become final.
pub struct Custody {
    client: Client,
    deployment: Deployment,
    published: PathBuf,
    genesis: Genesis,
    book: Book,
    /// Batches that are in `book`.
    done: u64,
    /// Withdrawals of these batches that were not claimed up to `seen`.
    unclaimed: BTreeMap<u64, (AssetId, Quanta)>,
    /// The last block whose claims are taken in. It stays.
    seen: u64,
}

impl Custody {
    /// Of an exchange, before its first batch.
    pub fn new(client: Client, deployment: Deployment, published: PathBuf, genesis: &Genesis) -> Self {
        let (book, genesis, unclaimed) = (first(genesis), *genesis, BTreeMap::new());
        Self { client, deployment, published, genesis, book, done: 0, unclaimed, seen: 0 }
    }

    /// Compares at the last block that the index has.
    ///
    /// # Errors
    /// When the node does not answer, or a final batch cannot be read.
    pub async fn check(&mut self, indexer: &Indexer) -> Result<Option<Checked>> {
        let Some(block) = indexer.tip()? else { return Ok(None) };
        let (at, exchange) = (B256::from(block.hash), self.deployment.exchange);
        let final_batch = self.client.call_at(exchange, &Contract::finalBatchCall {}, at).await?;
        let final_root = self.client.call_at(exchange, &Contract::finalRootCall {}, at).await?;
        let frozen = self.client.call_at(exchange, &Contract::frozenCall {}, at).await?;
        if final_batch < self.done {
            // A reorg has taken finality back.
            (self.book, self.done, self.seen) = (first(&self.genesis), 0, 0);
            self.unclaimed.clear();
        }
        while self.done < final_batch {
            self.execute(self.done + 1)?;
        }
        let (mut consumed, mut root) = (0, final_root);
        if final_batch > 0 {
            let claim = published::batch(&self.published, final_batch)?.claim;
            (consumed, root) = (claim.l1_position, claim.state_root.into());
        }
        let mut checked = Checked { block, final_batch, roots: (final_root, root), rows: Vec::new() };
        if frozen || checked.disagreement().is_some() {
            return Ok(Some(checked));
        }

        let length = self.client.call_at(exchange, &Contract::queueLengthCall {}, at).await?;
        let queued = usize::try_from(length.saturating_sub(consumed)).unwrap_or(usize::MAX);
        let mut deposits: BTreeMap<AssetId, u128> = BTreeMap::new();
        for entry in indexer.entries(consumed, Confirmation::Latest, queued)? {
            if let Command::Deposit { asset, amount, .. } = entry.what.command {
                *deposits.entry(asset).or_default() += u128::from(amount.0);
            }
        }
        let unclaimed = self.not_claimed(indexer, block.number)?;
        for (asset, token) in (0..).zip(&self.deployment.tokens) {
            let of = |sums: &BTreeMap<AssetId, u128>| sums.get(&AssetId(asset)).copied().unwrap_or_default();
            let accounts = 0..u32::try_from(self.book.accounts().len()).unwrap_or(u32::MAX);
            let balances = accounts.map(|account| self.book.balance_of(AccountId(account), AssetId(asset)));
            let balances: u128 =
                balances.map(|balance| u128::from(balance.free.0) + u128::from(balance.locked.0)).sum();
            let info = self.client.call_at(exchange, &Contract::assetInfoCall { asset }, at).await?;
            let wei = |quanta: u128| U256::from(quanta) * U256::from(info.quantum);
            checked.rows.push(Row {
                balances: wei(balances),
                deposits: wei(of(&deposits)),
                unclaimed: wei(of(&unclaimed)),
                held: self.client.call_at(exchange, &Contract::heldCall { asset }, at).await?,
                there: self.there(*token, at).await?,
            });
        }
        Ok(Some(checked))
    }

    /// Executes the next batch as it was published, if all of it can be read.
    fn execute(&mut self, number: u64) -> Result<()> {
        let batch = published::batch(&self.published, number)?;
        let mut r = Reader::new(&batch.input.commands);
        let header = CommandsHeader::decode(&mut r).with_context(|| format!("batch {number}"))?;
        let (mut timestamp, mut commands) = (header.previous_timestamp, Vec::new());
        for sequence in header.first_sequence..header.first_sequence.saturating_add(header.count) {
            let command = Sequenced::decode(sequence, timestamp, &mut r)?;
            timestamp = command.timestamp;
            commands.push(command);
        }
        for command in commands {
            let unclaimed = &mut self.unclaimed;
            let seen = &mut |event| {
                if let Some(Withdrawal { index, asset, amount, .. }) = Withdrawal::from_event(&event) {
                    unclaimed.insert(index, (asset, amount));
                }
            };
            let Ok(_) = rules::execute(&mut self.book, &command, seen);
        }
        self.done = number;
        Ok(())
    }

    /// The sums that were not claimed up to a block. The claims of blocks that stay are looked for once.
    fn not_claimed(&mut self, indexer: &Indexer, block: u64) -> Result<BTreeMap<AssetId, u128>> {
        let stays = indexer.height(Confirmation::Finalized)?.min(block);
        let mut claimed = BTreeSet::new();
        let unclaimed = &mut self.unclaimed;
        indexer.each_event(self.seen.saturating_add(1), block, |event| {
            if let ExchangeEvents::WithdrawalClaimed(claim) = event.what {
                if event.block.number <= stays {
                    unclaimed.remove(&claim.index);
                } else {
                    claimed.insert(claim.index);
                }
            }
            Ok::<_, IndexError>(())
        })?;
        self.seen = self.seen.max(stays);
        let mut sums = BTreeMap::<AssetId, u128>::new();
        for (_, (asset, amount)) in self.unclaimed.iter().filter(|(index, _)| !claimed.contains(*index)) {
            *sums.entry(*asset).or_default() += u128::from(amount.0);
        }
        Ok(sums)
    }

    async fn there(&self, token: Address, at: B256) -> Result<U256> {
        let owner = self.deployment.exchange;
        Ok(match token.is_zero() {
            true => self.client.balance_at(owner, at).await?,
            false => self.client.call_at(token, &IERC20::balanceOfCall { owner }, at).await?,
        })
    }
}

fn first(genesis: &Genesis) -> Book {
    let mut book = Book::new(genesis.capacity);
    let Ok(()) = rules::open(&mut book, genesis);
    book
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(balances: u64, deposits: u64, unclaimed: u64, held: u64, there: u64) -> Row {
        let [balances, deposits, unclaimed, held, there] =
            [balances, deposits, unclaimed, held, there].map(U256::from);
        Row { balances, deposits, unclaimed, held, there }
    }

    #[test]
    fn one_wei_too_little_or_too_much_is_said_with_its_asset() {
        let block = BlockRef { number: 7, hash: [7; 32] };
        let roots = (B256::repeat_byte(1), B256::repeat_byte(1));
        let checked = |rows| Checked { block, final_batch: 3, roots, rows };
        let right = row(5, 2, 1, 8, 8);
        // What somebody sent there uninvited is not counted.
        assert_eq!(checked(vec![right, row(0, 0, 0, 0, 9)]).disagreement(), None);
        for wrong in [row(5, 2, 1, 7, 8), row(5, 2, 1, 9, 9), row(5, 2, 1, 8, 7)] {
            let said = checked(vec![right, wrong]).disagreement().expect("it is wrong");
            assert!(said.contains("asset 1") && said.contains("block 7"), "{said}");
        }
        let most = Row { balances: U256::MAX, deposits: U256::ONE, ..Row::default() };
        assert!(checked(vec![most]).disagreement().is_some(), "sums do not wrap");
        let other = Checked { roots: (B256::ZERO, roots.1), ..checked(vec![right]) };
        assert!(other.disagreement().expect("it is wrong").contains("batch 3"));
    }
}
