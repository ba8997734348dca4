//! Which shards to ask of whom.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use crate::CodingError;

/// What is known of a peer.
#[derive(Clone, Debug)]
pub struct Peer {
    /// How long an answer takes, in microseconds.
    pub latency: u32,
    /// How often it was asked.
    pub asked: u32,
    /// How often it gave a good answer.
    pub answered: u32,
    /// The numbers of the shards that it holds.
    pub holds: Vec<usize>,
}

impl Peer {
    /// How long it takes on average until this peer has answered once, in microseconds, at least one.
    ///
    /// Of its record the chance of an answer is estimated by Laplace's rule, so that one without a record is not thought
    /// certain, nor one that has failed once hopeless.
    fn cost(&self) -> u64 {
        let chances = u64::from(self.asked.max(self.answered)) + 2;
        (u64::from(self.latency) * chances / (u64::from(self.answered) + 1)).max(1)
    }
}

/// A shard to be asked of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The peer's place in the list.
    pub peer: usize,
    /// The shard's number.
    pub shard: usize,
}

/// Whom to ask for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The requests, those of lower shards first. No shard is asked for twice.
    pub requests: Vec<Request>,
    /// When the last answer is expected, in microseconds, if every peer answers one request after another.
    pub expected: u64,
}

/// Asks for `count` different shards among those `wanted`, each of one peer, so that the last answer is expected as early as can
/// be, and all answers together, too. Where it is all the same, lower shards are asked for, so data shards before parity.
///
/// Whoever expects failures asks for some more than are needed, and plans anew with the shards still wanted and the peers'
/// records as they then are.
///
/// A peer's n-th answer is expected after n times its cost. Taking the earliest answer of all peers that can be had, again and
/// again, is best: sets of answers that can be matched with different shards are a transversal matroid, where the greedy
/// choice is of least weight in every order of weights.
///
/// # Errors
/// [`CodingError::TooFewShards`] where the peers do not hold as many of those wanted.
pub fn plan(peers: &[Peer], wanted: &[usize], count: usize) -> Result<Plan, CodingError> {
    let mut matching = Matching::new(peers, wanted);
    let mut next: BinaryHeap<_> =
        peers.iter().enumerate().map(|(at, peer)| Reverse((peer.cost(), at, peer.cost()))).collect();
    let (mut planned, mut expected) = (0, 0);
    while planned < count {
        let Some(Reverse((when, peer, cost))) = next.pop() else {
            return Err(CodingError::TooFewShards { held: planned, needed: count });
        };
        // A peer that cannot have one shard more now never can: the others only have more later.
        if matching.augment(peer) {
            planned += 1;
            expected = when;
            next.push(Reverse((when.saturating_add(cost), peer, cost)));
        }
    }
    Ok(Plan { requests: matching.requests(), expected })
}

/// Who is asked for which shard. Shards are known by their place in `shards`.
struct Matching {
    shards: Vec<usize>,
    /// Of each peer, the wanted shards that it holds.
    holds: Vec<Vec<usize>>,
    /// Of each shard, the peer that is asked for it.
    asked: Vec<Option<usize>>,
}

impl Matching {
    fn new(peers: &[Peer], wanted: &[usize]) -> Self {
        let mut shards = wanted.to_vec();
        shards.sort_unstable();
        shards.dedup();
        let holds = peers
            .iter()
            .map(|peer| {
                let mut held: Vec<usize> =
                    peer.holds.iter().filter_map(|shard| shards.binary_search(shard).ok()).collect();
                held.sort_unstable();
                held.dedup();
                held
            })
            .collect();
        Self { asked: vec![None; shards.len()], shards, holds }
    }

    /// Has one shard more asked of `origin`, if need be by moving others to other peers.
    fn augment(&mut self, origin: usize) -> bool {
        // Breadth first: the peer that could take each shard reached, and the shard that each peer reached would give away.
        let mut taker: Vec<Option<usize>> = vec![None; self.shards.len()];
        let mut gives: Vec<Option<usize>> = vec![None; self.holds.len()];
        let mut queue = VecDeque::from([origin]);
        while let Some(peer) = queue.pop_front() {
            for &shard in &self.holds[peer] {
                if taker[shard].is_some() {
                    continue;
                }
                taker[shard] = Some(peer);
                match self.asked[shard] {
                    None => {
                        let mut moved = Some(shard);
                        while let Some(shard) = moved {
                            self.asked[shard] = taker[shard];
                            moved = taker[shard].and_then(|peer| gives[peer]);
                        }
                        return true;
                    }
                    Some(holder) if holder != origin && gives[holder].is_none() => {
                        gives[holder] = Some(shard);
                        queue.push_back(holder);
                    }
                    Some(_) => {}
                }
            }
        }
        false
    }

    fn requests(self) -> Vec<Request> {
        let asked = self.asked.into_iter().zip(self.shards);
        asked.filter_map(|(peer, shard)| Some(Request { peer: peer?, shard })).collect()
    }
}
