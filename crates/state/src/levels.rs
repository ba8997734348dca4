//! The digests of the whole tree, one flat array a level, and their rehash level by level.

use crate::hash::empty_subtrees;
use crate::{DEPTH, Digest, HashCounts, Leaf, TreeHash};
use alloc::vec::Vec;
use core::marker::PhantomData;

/// Dirty nodes of one level from which rayon's start-up pays for itself.
pub(crate) const PARALLEL_FROM: usize = 1024;

#[derive(Debug, Clone)]
pub(crate) struct Levels<H> {
    /// `levels[0]` are the leaves. A level holds the nodes above used slots; what lies to their
    /// right is an empty subtree.
    levels: Vec<Vec<Digest>>,
    empty: [Digest; DEPTH + 1],
    parallel_from: usize,
    hash: PhantomData<H>,
}

impl<H: TreeHash> Levels<H> {
    pub(crate) fn new() -> Self {
        Self {
            levels: alloc::vec![Vec::new(); DEPTH + 1],
            empty: empty_subtrees::<H>(),
            parallel_from: PARALLEL_FROM,
            hash: PhantomData,
        }
    }

    pub(crate) fn set_parallel_from(&mut self, nodes: usize) {
        self.parallel_from = nodes;
    }

    /// The digest of a node at a height, be it used or empty.
    pub(crate) fn node(&self, height: usize, index: u32) -> &Digest {
        self.levels[height].get(index as usize).unwrap_or(&self.empty[height])
    }

    /// Rehashes everything above the `dirty` slots (ascending, not empty) and returns the top node.
    pub(crate) fn rehash(&mut self, leaves: &[Leaf], mut dirty: Vec<u32>, counts: &mut HashCounts) -> Digest {
        let last = leaves.len() - 1;
        for (height, level) in self.levels.iter_mut().enumerate() {
            level.resize((last as u64 >> height) as usize + 1, self.empty[height]);
        }
        counts.leaves += dirty.len() as u64;
        update(
            &mut self.levels[0],
            &dirty,
            self.parallel_from,
            |slot| &leaves[slot],
            |leaf| leaf.digest::<H>(),
        );
        for height in 0..DEPTH {
            to_parents(&mut dirty);
            counts.nodes += dirty.len() as u64;
            let (below, above) = self.levels.split_at_mut(height + 1);
            let children = &below[height];
            let empty = &self.empty[height];
            let pair = |index: usize| {
                let right = children.get(2 * index + 1).unwrap_or(empty);
                [children[2 * index], *right]
            };
            update(&mut above[0], &dirty, self.parallel_from, pair, |[left, right]| H::node(left, right));
        }
        self.levels[DEPTH][0]
    }
}

/// Replaces ascending node indices by those of their parents.
pub(crate) fn to_parents(indices: &mut Vec<u32>) {
    let mut kept = 0;
    for read in 0..indices.len() {
        let parent = indices[read] >> 1;
        if kept == 0 || indices[kept - 1] != parent {
            indices[kept] = parent;
            kept += 1;
        }
    }
    indices.truncate(kept);
}

/// Nodes hashed by one parallel task.
#[cfg(feature = "std")]
const TASK: usize = 256;

/// Nodes whose inputs are fetched together, so that their cache misses overlap instead of each one
/// delaying a hash.
const TOGETHER: usize = 16;

/// Sets the digest of each dirty node of a level from its `input`.
#[cfg_attr(not(feature = "std"), allow(unused_variables))]
fn update<I: Send>(
    level: &mut [Digest],
    dirty: &[u32],
    parallel_from: usize,
    input: impl Fn(usize) -> I + Sync,
    digest: impl Fn(&I) -> Digest + Sync,
) {
    #[cfg(feature = "std")]
    if dirty.len() >= parallel_from {
        use rayon::prelude::*;
        let fetch_and_hash = |indices: &[u32]| {
            let inputs: Vec<I> = indices.iter().map(|index| input(*index as usize)).collect();
            inputs.iter().map(&digest).collect::<Vec<_>>()
        };
        let digests: Vec<Vec<Digest>> = dirty.par_chunks(TASK).map(fetch_and_hash).collect();
        for (index, digest) in dirty.iter().zip(digests.iter().flatten()) {
            level[*index as usize] = *digest;
        }
        return;
    }
    let mut inputs = Vec::with_capacity(TOGETHER);
    for indices in dirty.chunks(TOGETHER) {
        inputs.extend(indices.iter().map(|index| input(*index as usize)));
        for (index, input) in indices.iter().zip(&inputs) {
            level[*index as usize] = digest(input);
        }
        inputs.clear();
    }
}
