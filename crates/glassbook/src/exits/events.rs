//! Whether the events that were read are all of the contract's: one that is missing looks like one that never was.

use alloy_primitives::B256;
use anyhow::{Result, ensure};
use contracts::bindings::Exchange::ExchangeEvents;
use contracts::{QueueEntry, QueueHash, withdrawals_of};
use l1::{Confirmation, Indexed, Indexer};
use transition::{Native, WithdrawalTree};

/// Entries that are in memory together.
const TOGETHER: usize = 1_000;

/// What to do when events are missing.
pub fn incomplete(from_block: u64) -> String {
    format!(
        "the contract's events from block {from_block} on; --from-block must not be after the contract's first block, and the node \
         must keep them all"
    )
}

/// The queue of the events must be the contract's, by its length and its rolling hash.
pub fn same_queue(found: &QueueHash, length: u64, hash: B256) -> Result<()> {
    ensure!(
        found.position == length,
        "the contract's queue has {length} entries, and the events have {}",
        found.position
    );
    ensure!(
        hash.0 == found.hash,
        "the contract's queue has the hash {hash}, and that of the events has {}",
        B256::from(found.hash)
    );
    Ok(())
}

/// The events of final batches, as they come.
#[derive(Debug, Default)]
pub struct FinalBatches {
    last: u64,
    /// A batch's withdrawals come before the batch: its number and their root.
    withdrawals: Option<(u64, B256)>,
}

impl FinalBatches {
    /// Takes the next event of the contract.
    pub fn take(&mut self, event: &ExchangeEvents) -> Result<()> {
        match event {
            ExchangeEvents::BatchWithdrawals(event) => {
                let tree = WithdrawalTree::<Native>::new(&withdrawals_of(event));
                self.withdrawals = Some((event.batch, tree.root().into()));
            }
            ExchangeEvents::BatchFinal(event) => {
                let batch = event.batch;
                ensure!(
                    batch.checked_sub(1) == Some(self.last),
                    "the event of final batch {} is missing, the next one is of batch {batch}",
                    self.last.saturating_add(1)
                );
                let withdrawals = self.withdrawals.take().filter(|(of, _)| *of == batch);
                ensure!(
                    withdrawals.map_or(B256::ZERO, |(_, root)| root) == event.withdrawalsRoot,
                    "the withdrawals of batch {batch} are missing, or are others"
                );
                self.last = batch;
            }
            _ => {}
        }
        Ok(())
    }

    /// There must have been so many.
    pub fn up_to(&self, last: u64) -> Result<()> {
        ensure!(
            self.last == last,
            "the contract has {last} final batches, and there are events of {} of them",
            self.last
        );
        Ok(())
    }
}

/// The queue's entries from a position on, in order. Ends with the first error.
pub fn entries(indexer: &Indexer, from: u64) -> impl Iterator<Item = Result<QueueEntry>> {
    let (mut next, mut over) = (from, false);
    let mut read = Vec::<Indexed<QueueEntry>>::new().into_iter();
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        if read.as_slice().is_empty() {
            match indexer.entries(next, Confirmation::Latest, TOGETHER) {
                Ok(more) => read = more.into_iter(),
                Err(error) => {
                    over = true;
                    return Some(Err(error.into()));
                }
            }
        }
        let entry = read.next()?.what;
        next = entry.position.saturating_add(1);
        Some(Ok(entry))
    })
}

#[cfg(test)]
mod tests {
    use alloy_primitives::Address;
    use contracts::bindings::Exchange;

    use super::*;

    fn withdrawals(batch: u64) -> Exchange::BatchWithdrawals {
        let owner = Address::repeat_byte(7);
        let withdrawal = Exchange::Withdrawal { index: batch, owner, asset: 2, amount: 5 };
        Exchange::BatchWithdrawals { batch, withdrawals: vec![withdrawal] }
    }

    fn is_final(batch: u64, pays: bool) -> ExchangeEvents {
        let root = WithdrawalTree::<Native>::new(&withdrawals_of(&withdrawals(batch))).root();
        let withdrawals_root = if pays { root.into() } else { B256::ZERO };
        ExchangeEvents::BatchFinal(Exchange::BatchFinal {
            batch,
            kind: B256::ZERO,
            stateRoot: B256::ZERO,
            withdrawalsRoot: withdrawals_root,
            l1Position: 0,
        })
    }

    /// Batch 2 pays a withdrawal.
    fn history() -> Vec<ExchangeEvents> {
        let pays = ExchangeEvents::BatchWithdrawals(withdrawals(2));
        vec![is_final(1, false), pays, is_final(2, true), is_final(3, false)]
    }

    fn check(events: &[ExchangeEvents], last: u64) -> Result<()> {
        let mut batches = FinalBatches::default();
        events.iter().try_for_each(|event| batches.take(event))?;
        batches.up_to(last)
    }

    #[test]
    fn an_event_that_is_missing_anywhere_is_found() {
        check(&history(), 3).unwrap();
        check(&[], 0).unwrap();
        for missing in 0..history().len() {
            let mut events = history();
            events.remove(missing);
            assert!(check(&events, 3).is_err(), "event {missing}");
        }
        // All of them, as when it is begun too late.
        let why = check(&[], 3).unwrap_err().to_string();
        assert!(why.contains("3 final batches") && why.contains("of 0 of them"), "{why}");
        let mut events = history();
        events[1] = ExchangeEvents::BatchWithdrawals(withdrawals(3));
        assert!(check(&events, 3).unwrap_err().to_string().contains("withdrawals of batch 2"));
    }

    #[test]
    fn another_queue_than_the_contracts_is_found() {
        let found = QueueHash { position: 2, hash: [9; 32] };
        same_queue(&found, 2, B256::repeat_byte(9)).unwrap();
        assert!(same_queue(&found, 3, B256::repeat_byte(9)).unwrap_err().to_string().contains("3 entries"));
        assert!(same_queue(&found, 2, B256::repeat_byte(8)).unwrap_err().to_string().contains("hash"));
        same_queue(&QueueHash::default(), 0, B256::ZERO).unwrap();
    }
}
