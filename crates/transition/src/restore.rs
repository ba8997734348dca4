//! From a state tree back to a running store: how an exchange starts from a snapshot.

use alloc::vec::Vec;

use rules::{Account, Asset, Market, Order, Store};
use state::{FullTree, TreeHash};
use types::{AccountId, AssetId, MarketId};

use crate::TransitionError;
use crate::anchor::{Anchor, Stream};
use crate::keys;
use crate::records;

/// What the state holds beside what the rules read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the exchange stands.
    pub anchor: Anchor,
    /// Every session's stream that has sent something, by account.
    pub streams: Vec<(AccountId, Stream)>,
}

/// Fills an empty store, made for this capacity, with the entries of a whole tree.
///
/// # Errors
/// When an entry does not decode; or when the store fails, through `store_failed`.
pub fn restore<H: TreeHash, S: Store>(
    tree: &FullTree<H>,
    store: &mut S,
    store_failed: impl Fn(S::Error) -> TransitionError,
) -> Result<Restored, TransitionError> {
    let mut anchor = None;
    let mut streams = Vec::new();
    let mut balances = Vec::new();
    let mut positions = Vec::new();
    let mut limits = Vec::new();
    let mut orders: Vec<Order> = Vec::new();
    let fail = &store_failed;
    // Keys sort by tag: globals, then assets, markets and accounts, then what refers to them.
    for entry in tree.iter() {
        let (key, bytes) = (entry.key, entry.value.as_slice());
        let bad = TransitionError::CorruptEntry { key };
        let (high, low) = ((key >> 16) as u32, key as u16);
        match (key >> 120) as u8 {
            0x01 => anchor = Some(Anchor::decode(bytes).map_err(|_| bad)?),
            0x02 => *store.globals() = records::decode(bytes).map_err(|_| bad)?,
            0x03 => {
                let asset: Asset = records::decode(bytes).map_err(|_| bad)?;
                store.add_asset(AssetId(low), asset).map_err(fail)?;
            }
            0x04 => {
                let market: Market = records::decode(bytes).map_err(|_| bad)?;
                store.add_market(MarketId(low), market).map_err(fail)?;
            }
            0x05 => {
                let account: Account = records::decode(bytes).map_err(|_| bad)?;
                store.add_account(AccountId(key as u32), account).map_err(fail)?;
            }
            0x06 => streams.push((AccountId(key as u32), Stream::decode(bytes).map_err(|_| bad)?)),
            0x07 => balances.push((AccountId(high), AssetId(low), records::decode(bytes).map_err(|_| bad)?)),
            0x08 => {
                positions.push((AccountId(high), MarketId(low), records::decode(bytes).map_err(|_| bad)?))
            }
            0x09 => limits.push((AccountId(high), MarketId(low), records::decode(bytes).map_err(|_| bad)?)),
            0x0a | 0x0d => orders.push(records::decode_order(key, bytes).ok_or(bad)?),
            // Pointers to orders: the store makes its own. The tree's sentinel has tag zero.
            0x00 | 0x0b | 0x0c | 0x0e => {}
            _ => return Err(bad),
        }
    }
    for (account, asset, balance) in balances {
        *store.balance(account, asset).map_err(fail)? = balance;
    }
    for (account, market, position) in positions {
        *store.position(account, market).map_err(fail)? = position;
    }
    for (account, market, limit) in limits {
        store.set_limits(account, market, Some(limit)).map_err(fail)?;
    }
    orders.sort_unstable_by_key(|order| order.arrival);
    for order in orders {
        store.insert(order).map_err(fail)?;
    }
    let anchor = anchor.ok_or(TransitionError::CorruptEntry { key: keys::ANCHOR })?;
    Ok(Restored { anchor, streams })
}
