//! The interface that the whole and the partial tree share.

use crate::{Digest, HashCounts, KEY_END, KEY_HEAD, Key, MAX_VALUE, StateError, Value};

/// One change of a batch: `Some` inserts or updates, `None` removes.
pub type Change = (Key, Option<Value>);

/// An authenticated ordered map.
///
/// Slots are chosen by the changes alone, so whoever applies the same changes to the same state
/// reaches the same root.
pub trait StateTree {
    /// The value of `key`, or `None` if it is proven absent.
    ///
    /// # Errors
    ///
    /// [`StateError::InvalidKey`] for a sentinel; [`StateError::Missing`] if a witness covers
    /// neither the entry nor the gap around it.
    fn get(&mut self, key: Key) -> Result<Option<&[u8]>, StateError>;

    /// The entry with the smallest key strictly above `key`, or `None` if there is none. `key` may
    /// be [`KEY_HEAD`], which finds the first entry. The caller compares the prefix.
    ///
    /// # Errors
    ///
    /// As for [`StateTree::get`].
    fn next(&mut self, key: Key) -> Result<Option<(Key, &[u8])>, StateError>;

    /// Applies changes in strictly ascending key order.
    ///
    /// First all removals take place, in key order, each pushing its slot on the free chain; then
    /// all updates and inserts, in key order, each insert popping the free chain or else taking the
    /// slot at the tree's length. On an error nothing has changed.
    ///
    /// # Errors
    ///
    /// [`StateError::Unsorted`], [`StateError::InvalidKey`], [`StateError::ValueTooLong`],
    /// [`StateError::NotFound`] for the removal of an absent key, [`StateError::Full`], and
    /// [`StateError::Missing`] if a witness does not cover what changes.
    fn apply(&mut self, changes: &[Change]) -> Result<(), StateError>;

    /// The state root. Rehashes each node above a changed slot once, and nothing if none changed.
    fn root(&mut self) -> Digest;

    /// Hashes made so far.
    fn hashes(&self) -> HashCounts;
}

pub(crate) fn check_key(key: Key) -> Result<(), StateError> {
    if key == KEY_HEAD || key == KEY_END { Err(StateError::InvalidKey { key }) } else { Ok(()) }
}

/// Checks what can be checked without a tree, and counts the removals.
pub(crate) fn check_changes(changes: &[Change]) -> Result<usize, StateError> {
    let mut previous = KEY_HEAD;
    let mut removals = 0;
    for (key, value) in changes {
        let key = *key;
        check_key(key)?;
        if key <= previous {
            return Err(StateError::Unsorted { key });
        }
        previous = key;
        match value {
            Some(value) if value.len() > MAX_VALUE => {
                return Err(StateError::ValueTooLong { key, len: value.len() });
            }
            Some(_) => {}
            None => removals += 1,
        }
    }
    Ok(removals)
}
