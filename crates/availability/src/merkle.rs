//! The Merkle tree over all shards.
//!
//! A leaf is the keyed BLAKE3 of a shard, a node that of its two children, under different keys, so that neither is ever taken
//! for the other. The last node of a level with an odd number of them goes up as it is; nothing is hashed with itself, so no
//! two lists of leaves of one length share a root. The number of leaves is not in the tree but in the header beside the root,
//! and with it the tree's shape: a path of the right length for an index leads to that leaf alone, so leaves do not
//! name their index.

use std::sync::LazyLock;

/// A hash in the tree.
pub(crate) type Hash = [u8; 32];

static LEAF: LazyLock<Hash> = LazyLock::new(|| blake3::derive_key("glassbook availability v1 leaf", &[]));
static NODE: LazyLock<Hash> = LazyLock::new(|| blake3::derive_key("glassbook availability v1 node", &[]));

/// The leaf of a shard in the Merkle tree.
pub fn leaf(shard: &[u8]) -> [u8; 32] {
    *blake3::keyed_hash(&LEAF, shard).as_bytes()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut both = [0; 64];
    both[..32].copy_from_slice(left);
    both[32..].copy_from_slice(right);
    *blake3::keyed_hash(&NODE, &both).as_bytes()
}

/// The Merkle tree over all shards, from their leaves: whoever keeps the leaves can serve every shard with its path.
#[derive(Clone, Debug)]
pub struct Tree {
    /// All levels, leaves first.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The tree over these leaves.
    ///
    /// # Panics
    /// Without leaves.
    pub fn new(leaves: Vec<Hash>) -> Self {
        assert!(!leaves.is_empty(), "every code has shards");
        let mut levels = vec![leaves];
        while levels[levels.len() - 1].len() > 1 {
            let above = levels[levels.len() - 1]
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node(left, right),
                    odd => odd[0],
                })
                .collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// The leaves ([`leaf`]), in order.
    pub fn leaves(&self) -> &[Hash] {
        &self.levels[0]
    }

    /// The root, as a header names it.
    pub fn root(&self) -> Hash {
        self.levels[self.levels.len() - 1][0]
    }

    /// The siblings of a leaf and of all above it, leaf first; none where a node went up alone.
    pub fn path(&self, index: usize) -> Vec<Hash> {
        self.levels
            .iter()
            .enumerate()
            .filter_map(|(level, hashes)| hashes.get((index >> level) ^ 1))
            .copied()
            .collect()
    }
}

/// How many siblings a path of the leaf `index` among `total` has.
pub(crate) fn path_length(mut index: usize, mut total: usize) -> usize {
    let mut length = 0;
    while total > 1 {
        length += usize::from(index ^ 1 < total);
        (index, total) = (index / 2, total.div_ceil(2));
    }
    length
}

/// The root to which `path` leads from the leaf `index` among `total`, or `None` where the path is too short or too long.
pub(crate) fn root_of_path(leaf: Hash, mut index: usize, mut total: usize, path: &[Hash]) -> Option<Hash> {
    let mut hash = leaf;
    let mut siblings = path.iter();
    while total > 1 {
        if index ^ 1 < total {
            let sibling = siblings.next()?;
            hash = if index.is_multiple_of(2) { node(&hash, sibling) } else { node(sibling, &hash) };
        }
        (index, total) = (index / 2, total.div_ceil(2));
    }
    siblings.next().is_none().then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(total: usize) -> Vec<Hash> {
        (0..total).map(|at| leaf(&at.to_le_bytes())).collect()
    }

    #[test]
    fn every_path_leads_to_the_root_from_its_own_leaf_only() {
        for total in 1..40 {
            let leaves = leaves(total);
            let tree = Tree::new(leaves.clone());
            for index in 0..total {
                let path = tree.path(index);
                assert_eq!(path.len(), path_length(index, total));
                assert_eq!(root_of_path(leaves[index], index, total, &path), Some(tree.root()));
                for other in (0..total).filter(|&other| other != index) {
                    assert_ne!(root_of_path(leaves[index], other, total, &path), Some(tree.root()));
                    assert_ne!(root_of_path(leaves[other], index, total, &path), Some(tree.root()));
                }
                if !path.is_empty() {
                    assert_eq!(root_of_path(leaves[index], index, total, &path[1..]), None);
                }
                assert_eq!(
                    root_of_path(leaves[index], index, total, &[&path[..], &[[0; 32]]].concat()),
                    None
                );
            }
        }
    }

    /// Trees that hash the odd node with itself give a list and the same list with its last leaf twice one root.
    #[test]
    fn a_leaf_more_is_another_root() {
        for total in 1..40 {
            let mut longer = leaves(total);
            longer.push(longer[total - 1]);
            assert_ne!(Tree::new(leaves(total)).root(), Tree::new(longer).root(), "{total}");
        }
    }

    /// A shard that is two hashes is not the node over them.
    #[test]
    fn a_shard_is_not_a_node() {
        let [left, right] = [[1; 32], [2; 32]];
        assert_ne!(leaf(&[left, right].concat()), node(&left, &right));
        assert_ne!(leaf(&[left, right].concat()), *blake3::hash(&[left, right].concat()).as_bytes());
    }
}
