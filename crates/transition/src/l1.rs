//! The L1 queue: deposits and forced operations that the contract holds, in its order.
//!
//! The contract keeps a rolling hash over its entries; a claim states how many were consumed and the hash after
//! them, so an operator who skips, repeats or alters one proves a claim that the contract refuses.

use types::{AccountId, Command, Side};

use crate::Crypto;
use crate::authority::word;

/// The rolling hash after one more entry:
/// `keccak256(abi.encode(previous, position, account, kind, a, b, c))`.
///
/// | kind | entry | a | b | c |
/// |---|---|---|---|---|
/// | 0 | deposit | owner | asset | amount |
/// | 1 | forced withdrawal | asset | amount | 0 |
/// | 2 | forced mass cancellation | market + 1, or 0 for all | side: 1 buy, 2 sell, 0 both | 0 |
/// | 3 | session registration | key | expiry | 0 |
///
/// `None` for a command that the queue cannot hold.
#[must_use]
pub fn l1_hash<C: Crypto>(
    previous: &[u8; 32],
    position: u64,
    account: AccountId,
    command: &Command,
) -> Option<[u8; 32]> {
    let number = |value: u64| word(&value.to_be_bytes());
    let (kind, fields) = match command {
        Command::Deposit { owner, asset, amount } => {
            (0, [word(&owner.0), number(asset.0.into()), number(amount.0)])
        }
        Command::Withdraw { asset, amount } => (1, [number(asset.0.into()), number(amount.0), number(0)]),
        Command::MassCancel { market, side } => (
            2,
            [
                number(market.map_or(0, |market| u64::from(market.0) + 1)),
                number(match side {
                    None => 0,
                    Some(Side::Buy) => 1,
                    Some(Side::Sell) => 2,
                }),
                number(0),
            ],
        ),
        Command::RegisterSession { key, expires } => (3, [key.0, number(expires.0), number(0)]),
        Command::Place(_) | Command::Cancel { .. } | Command::Replace { .. } | Command::Operator(_) => {
            return None;
        }
    };
    let mut bytes = [0; 7 * 32];
    let words = [*previous, number(position), number(account.0.into()), number(kind)];
    for (slot, word) in bytes.chunks_exact_mut(32).zip(words.iter().chain(&fields)) {
        slot.copy_from_slice(word);
    }
    Some(C::keccak256(&bytes))
}
