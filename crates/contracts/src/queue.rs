//! The L1 queue as the contract holds it, in the statement's own terms.
//!
//! The rolling hash is `transition::l1_hash`; there is no second one here.

use alloy_primitives::{B256, U256};
use thiserror::Error;
use transition::{Native, l1_hash};
use types::{AccountId, Address, AssetId, Command, MarketId, Quanta, SessionKey, Side, Timestamp};

use crate::bindings::Exchange::Enqueued;

/// Why an event is not an entry of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QueueError {
    /// Entries come in order: one was missed, or came twice.
    #[error("the queue's next entry is {expected}, the event is of entry {found}")]
    Position {
        /// The next entry.
        expected: u64,
        /// The event's.
        found: u64,
    },
    /// No contract of ours writes such an entry.
    #[error("entry {position} has kind {kind} and fields that no entry of this kind has")]
    Malformed {
        /// The entry.
        position: u64,
        /// Its kind.
        kind: u8,
    },
    /// The contract computes another rolling hash: one of the two is not what it should be.
    #[error("after entry {position} the rolling hash is {expected}, the event says {found}")]
    Hash {
        /// The entry.
        position: u64,
        /// By the statement.
        expected: B256,
        /// By the contract.
        found: B256,
    },
}

/// One entry: a command from L1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// Counts from zero.
    pub position: u64,
    /// In whose name.
    pub account: AccountId,
    /// What is asked for.
    pub command: Command,
}

impl QueueEntry {
    /// The entry that an event reports.
    ///
    /// # Errors
    /// When no entry has these fields.
    pub fn from_event(event: &Enqueued) -> Result<Self, QueueError> {
        let position = event.position;
        let malformed = || QueueError::Malformed { position, kind: event.kind };
        let command = command(event.kind, event.a, event.b, event.c).ok_or_else(malformed)?;
        Ok(Self { position, account: AccountId(event.account), command })
    }
}

/// The rolling hash over the entries so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueHash {
    /// How many entries.
    pub position: u64,
    /// The hash after them; zero before the first.
    pub hash: [u8; 32],
}

impl QueueHash {
    /// Adds a command. `None` for a command that the queue cannot hold.
    #[must_use]
    pub fn push(&self, account: AccountId, command: &Command) -> Option<Self> {
        let hash = l1_hash::<Native>(&self.hash, self.position, account, command)?;
        Some(Self { position: self.position + 1, hash })
    }

    /// Takes the next event: the entry, and the queue after it. The contract's hash must be the statement's.
    ///
    /// # Errors
    /// When the event is not the next entry's, or the hashes differ.
    pub fn take(&self, event: &Enqueued) -> Result<(QueueEntry, Self), QueueError> {
        if event.position != self.position {
            return Err(QueueError::Position { expected: self.position, found: event.position });
        }
        let entry = QueueEntry::from_event(event)?;
        let malformed = QueueError::Malformed { position: entry.position, kind: event.kind };
        let after = self.push(entry.account, &entry.command).ok_or(malformed)?;
        let expected = B256::from(after.hash);
        if expected != event.hash {
            return Err(QueueError::Hash { position: entry.position, expected, found: event.hash });
        }
        Ok((entry, after))
    }
}

fn command(kind: u8, a: B256, b: U256, c: U256) -> Option<Command> {
    let a_number = U256::from_be_bytes(a.0);
    match kind {
        0 => {
            let (zeros, owner) = a.0.split_last_chunk::<20>()?;
            let asset = AssetId(b.try_into().ok()?);
            let amount = Quanta(c.try_into().ok()?);
            let owner = Address(*owner);
            zeros.iter().all(|byte| *byte == 0).then_some(Command::Deposit { owner, asset, amount })
        }
        1 if c.is_zero() => Some(Command::Withdraw {
            asset: AssetId(a_number.try_into().ok()?),
            amount: Quanta(b.try_into().ok()?),
        }),
        2 if c.is_zero() => {
            let market = match u32::try_from(a_number).ok()?.checked_sub(1) {
                None => None,
                Some(market) => Some(MarketId(u16::try_from(market).ok()?)),
            };
            let side = match u8::try_from(b).ok()? {
                0 => None,
                1 => Some(Side::Buy),
                2 => Some(Side::Sell),
                _ => return None,
            };
            Some(Command::MassCancel { market, side })
        }
        3 if c.is_zero() => {
            Some(Command::RegisterSession { key: SessionKey(a.0), expires: Timestamp(b.try_into().ok()?) })
        }
        _ => None,
    }
}
