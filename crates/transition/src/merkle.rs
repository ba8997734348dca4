//! Plain binary Merkle trees over a batch: an absent sibling counts as 32 zero bytes.
//!
//! Whoever commits to such a tree also commits to the number of leaves, or gives each leaf its number, so a node
//! cannot pass for a leaf nor an absent leaf for a present one.

use alloc::vec::Vec;
use core::marker::PhantomData;

use state::{Digest, TreeHash};

const ABSENT: Digest = [0; 32];

/// The top of the tree over these leaves; zero when there are none. Uses the vector as scratch.
pub(crate) fn top<H: TreeHash>(leaves: &mut Vec<Digest>) -> Digest {
    while leaves.len() > 1 {
        let width = leaves.len();
        for at in 0..width.div_ceil(2) {
            leaves[at] = H::node(&leaves[2 * at], leaves.get(2 * at + 1).unwrap_or(&ABSENT));
        }
        leaves.truncate(width.div_ceil(2));
    }
    leaves.first().copied().unwrap_or(ABSENT)
}

/// A tree that keeps its inner nodes, to give paths.
#[derive(Clone, Debug)]
pub struct MerkleTree<H> {
    layers: Vec<Vec<Digest>>,
    hash: PhantomData<H>,
}

impl<H: TreeHash> MerkleTree<H> {
    /// The tree over these leaves.
    #[must_use]
    pub fn new(leaves: Vec<Digest>) -> Self {
        let mut layers = Vec::new();
        let mut layer = leaves;
        while layer.len() > 1 {
            let next =
                layer.chunks(2).map(|pair| H::node(&pair[0], pair.get(1).unwrap_or(&ABSENT))).collect();
            layers.push(core::mem::replace(&mut layer, next));
        }
        layers.push(layer);
        Self { layers, hash: PhantomData }
    }

    /// The top of the tree; zero when it is empty.
    #[must_use]
    pub fn top(&self) -> Digest {
        self.layers.last().and_then(|layer| layer.first()).copied().unwrap_or(ABSENT)
    }

    /// The siblings from a leaf to the top; `None` when there is no such leaf.
    #[must_use]
    pub fn path(&self, index: u64) -> Option<MerklePath> {
        let mut at = usize::try_from(index).ok()?;
        self.layers.first()?.get(at)?;
        let mut siblings = Vec::with_capacity(self.layers.len());
        for layer in &self.layers[..self.layers.len() - 1] {
            siblings.push(layer.get(at ^ 1).copied().unwrap_or(ABSENT));
            at /= 2;
        }
        Some(MerklePath { index, siblings })
    }
}

/// Where a leaf is, and the siblings on the way to the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerklePath {
    /// The leaf's place, from zero.
    pub index: u64,
    /// From the leaf up.
    pub siblings: Vec<Digest>,
}

impl MerklePath {
    /// The top that this path leads to from `leaf`; `None` when the index does not fit the path's length.
    #[must_use]
    pub fn top<H: TreeHash>(&self, leaf: Digest) -> Option<Digest> {
        let depth = u32::try_from(self.siblings.len()).ok()?;
        if self.index.checked_shr(depth).unwrap_or(0) != 0 {
            return None;
        }
        let mut node = leaf;
        for (level, sibling) in self.siblings.iter().enumerate() {
            let right = level < 64 && self.index >> level & 1 == 1;
            node = if right { H::node(sibling, &node) } else { H::node(&node, sibling) };
        }
        Some(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use state::Sha256Hash;

    #[test]
    fn every_leaf_has_a_path_to_the_top_and_to_no_other_place() {
        for count in 1..40u64 {
            let leaves: Vec<Digest> = (0..count).map(|n| Sha256Hash::hash(&n.to_be_bytes())).collect();
            let tree = MerkleTree::<Sha256Hash>::new(leaves.clone());
            assert_eq!(tree.top(), top::<Sha256Hash>(&mut leaves.clone()));
            for index in 0..count {
                let path = tree.path(index).unwrap();
                let leaf = leaves[index as usize];
                assert_eq!(path.top::<Sha256Hash>(leaf), Some(tree.top()));
                let moved = MerklePath { index: index ^ 1, ..path.clone() };
                assert!(count == 1 || moved.top::<Sha256Hash>(leaf) != Some(tree.top()));
                let far = MerklePath { index: index + (1 << path.siblings.len()), ..path };
                assert_eq!(far.top::<Sha256Hash>(leaf), None);
            }
            assert!(tree.path(count).is_none());
        }
    }
}
