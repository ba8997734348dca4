//! The statement that Glassbook proves: *these commands, each properly authorised, applied in order by the rules
//! to that state, give this state, these events and these withdrawals, and nothing else.*
//!
//! [`execute`] takes a [`BatchInput`] and returns the [`Claim`] that it proves, or says why it proves nothing. zkVM
//! guests are a few lines around it; anybody else can run it too. [`execute_batch`] is the same function over a
//! whole tree, which the exchange's shadow uses to make the inputs.
//!
//! `no_std`. Must not know about files, threads, networks or proof systems.
#![cfg_attr(not(feature = "std"), no_std)]
extern crate alloc;

mod anchor;
mod authority;
mod book_side;
mod claim;
mod commands;
mod crypto;
mod error;
mod events;
mod execute;
mod genesis;
mod input;
mod keys;
mod l1;
mod merkle;
mod open_index;
mod order_slots;
mod range;
mod record_table;
mod records;
mod restore;
mod sealed;
mod signer;
mod tree_store;
mod withdrawals;

pub use anchor::{Anchor, Stream};
pub use authority::{Authorisation, owner_digest, stream_digest, stream_start};
pub use claim::Claim;
pub use commands::{CommandsBlob, CommandsHeader, commands_root};
pub use crypto::{Crypto, Native};
pub use error::TransitionError;
pub use events::{EventsLog, Receipt, ReceiptError};
pub use execute::{BatchOutput, Executed, Observer, Signatures, execute, execute_batch, execute_on_tree};
pub use genesis::genesis;
pub use input::{BatchInput, Limits};
pub use keys::{account_key, balance_key};
pub use l1::l1_hash;
pub use merkle::{MerklePath, MerkleTree};
pub use range::{BatchRange, execute_range};
pub use records::decode_balance;
pub use restore::{Restored, restore};
pub use sealed::{SealedBatch, SealedBatchError};
pub use signer::StreamSigner;
pub use withdrawals::{Withdrawal, WithdrawalTree};
