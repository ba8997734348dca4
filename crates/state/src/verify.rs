//! Checking a proof with nothing but the state root: no tree, no allocation.
//!
//! This is the whole procedure that a wallet, a light client or a contract has to repeat.

use crate::{
    Digest, KEY_END, KEY_HEAD, Key, MAX_VALUE, Proof, ProofError, TreeHash, occupied_digest, state_root,
};

/// What the state under `root` says about `key`: its value, or `None` if it is absent.
///
/// # Errors
///
/// [`ProofError`], if the proof does not settle the question.
pub fn verify<H: TreeHash>(root: Digest, key: Key, proof: &Proof) -> Result<Option<&[u8]>, ProofError> {
    if key == KEY_HEAD || key == KEY_END {
        return Err(ProofError::InvalidKey { key });
    }
    if proof.key > key || key >= proof.next {
        return Err(ProofError::Unrelated { key });
    }
    if proof.slot >= proof.len {
        return Err(ProofError::Slot { slot: proof.slot, len: proof.len });
    }
    if proof.value.len() > MAX_VALUE {
        return Err(ProofError::Value { len: proof.value.len() });
    }
    let mut digest = occupied_digest::<H>(proof.key, proof.next, &proof.value);
    for (height, sibling) in proof.siblings.iter().enumerate() {
        digest =
            if proof.slot >> height & 1 == 0 { H::node(&digest, sibling) } else { H::node(sibling, &digest) };
    }
    if state_root::<H>(&digest, proof.len, proof.free_head) != root {
        return Err(ProofError::Root);
    }
    Ok((proof.key == key).then_some(proof.value.as_slice()))
}
