//! Plans: which shards to ask of whom.

use std::collections::BTreeSet;

use availability::{CodingError, Peer, Plan, plan};
use proptest::{collection::vec, prelude::*};

fn peer(latency: u32, holds: impl IntoIterator<Item = usize>) -> Peer {
    // One that has always answered, so often that its cost is its latency.
    Peer { latency, asked: u32::MAX, answered: u32::MAX, holds: holds.into_iter().collect() }
}

/// The earliest time at which `count` different shards can be there, by trying every way.
fn earliest(peers: &[Peer], wanted: &[usize], count: usize, load: &mut Vec<u64>) -> Option<u64> {
    let busiest = |load: &[u64]| {
        load.iter().zip(peers).map(|(&n, peer)| n * u64::from(peer.latency)).max().unwrap_or(0)
    };
    if count == 0 {
        return Some(busiest(load));
    }
    let (&shard, rest) = wanted.split_first()?;
    let without = earliest(peers, rest, count, load);
    let with = (0..peers.len()).filter(|&at| peers[at].holds.contains(&shard)).filter_map(|at| {
        load[at] += 1;
        let time = earliest(peers, rest, count - 1, load);
        load[at] -= 1;
        time
    });
    without.into_iter().chain(with.collect::<Vec<_>>()).min()
}

fn check(peers: &[Peer], wanted: &[usize], count: usize, plan: &Plan) {
    assert_eq!(plan.requests.len(), count);
    assert_eq!(plan.requests.iter().map(|request| request.shard).collect::<BTreeSet<_>>().len(), count);
    for request in &plan.requests {
        assert!(wanted.contains(&request.shard) && peers[request.peer].holds.contains(&request.shard));
    }
}

proptest! {
    #[test]
    fn a_plan_is_as_early_as_any(
        peers in vec((1u32..20, vec(0usize..6, 0..6)), 0..4), wanted in vec(0usize..6, 0..6), count in 0usize..6,
    ) {
        let peers: Vec<Peer> = peers.into_iter().map(|(latency, holds)| peer(latency, holds)).collect();
        let distinct: Vec<usize> = wanted.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let earliest = earliest(&peers, &distinct, count, &mut vec![0; peers.len()]);
        match plan(&peers, &wanted, count) {
            Ok(plan) => {
                check(&peers, &wanted, count, &plan);
                prop_assert_eq!(Some(plan.expected), earliest);
            }
            Err(error) => {
                prop_assert_eq!(earliest, None);
                let held = distinct.iter().filter(|shard| peers.iter().any(|peer| peer.holds.contains(shard))).count();
                prop_assert_eq!(error, CodingError::TooFewShards { held, needed: count });
            }
        }
    }

    #[test]
    fn large_plans_are_plans(
        peers in vec((any::<u32>(), any::<u32>(), any::<u32>(), vec(0usize..384, 0..384)), 1..20), count in 0usize..256,
    ) {
        let peers: Vec<Peer> = peers
            .into_iter()
            .map(|(latency, asked, answered, holds)| Peer { latency, asked, answered, holds })
            .collect();
        let wanted: Vec<usize> = (0..384).collect();
        let held: BTreeSet<usize> = peers.iter().flat_map(|peer| peer.holds.iter().copied()).collect();
        match plan(&peers, &wanted, count) {
            Ok(plan) => check(&peers, &wanted, count, &plan),
            Err(_) => prop_assert!(held.len() < count),
        }
    }
}

#[test]
fn data_shards_are_asked_for_where_all_else_is_equal() {
    let plan = plan(&[peer(100, 0..384), peer(100, 0..384)], &(0..384).collect::<Vec<_>>(), 256).unwrap();
    assert_eq!(
        plan.requests.iter().map(|request| request.shard).collect::<Vec<_>>(),
        (0..256).collect::<Vec<_>>()
    );
    assert_eq!(plan.expected, 128 * 100);
}

#[test]
fn a_fast_peer_is_asked_more_often() {
    let plan = plan(&[peer(300, 0..8), peer(100, 0..8)], &(0..8).collect::<Vec<_>>(), 8).unwrap();
    assert_eq!(plan.requests.iter().filter(|request| request.peer == 1).count(), 6);
    assert_eq!(plan.expected, 600);
}

#[test]
fn a_peer_that_fails_is_asked_less_often() {
    let wanted: Vec<usize> = (0..90).collect();
    let failing = Peer { latency: 100, asked: 998, answered: 499, holds: wanted.clone() };
    let plan = plan(&[peer(100, 0..90), failing], &wanted, 90).unwrap();
    assert_eq!(plan.requests.iter().filter(|request| request.peer == 1).count(), 30);
}

#[test]
fn a_peer_that_holds_little_is_asked_for_what_only_it_holds() {
    let plan = plan(&[peer(1, [0, 1, 2]), peer(1000, [0])], &[0, 1, 2], 3).unwrap();
    assert_eq!(plan.expected, 3);
    let plan = self::plan(&[peer(5, [0, 1]), peer(5, [0])], &[0, 1], 2).unwrap();
    assert_eq!(plan.expected, 5);
}
