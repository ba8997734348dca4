//! The first state of an exchange.

use rules::Genesis;
use state::{Digest, KEY_HEAD, StateTree, Value};

use crate::TransitionError;
use crate::anchor::Anchor;
use crate::keys;
use crate::tree_store::TreeStore;
use types::Timestamp;

/// Writes the first state into an empty tree; its root is the exchange's identity on L1.
///
/// # Errors
/// When the tree is not empty.
pub fn genesis<T: StateTree>(tree: &mut T, genesis: &Genesis) -> Result<Digest, TransitionError> {
    if let Some((key, _)) = tree.next(KEY_HEAD)? {
        return Err(TransitionError::NotEmpty { key });
    }
    let anchor = Anchor {
        chain_id: genesis.chain_id,
        exchange: genesis.exchange,
        batch: 0,
        sequence: 0,
        timestamp: Timestamp(0),
        l1_position: 0,
        l1_hash: [0; 32],
    };
    let mut store = TreeStore::create(tree, genesis.globals());
    rules::open(&mut store, genesis)?;
    store.commit(alloc::vec![(keys::ANCHOR, Some(Value::from_slice(&anchor.encode())))])?;
    Ok(tree.root())
}
