//! Peers in memory, honest and other.
#![allow(dead_code, clippy::unwrap_used)]

use std::future::Future;
use std::sync::{Arc, Mutex};

use availability::{Encoded, Parameters, Sample, encode};
use light_client::wire::{self, BlockInfo, parse_commitment};
use light_client::{Reply, Transport, Trouble};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};

/// A block that somebody published.
pub fn block(seed: u64, length: usize) -> (Vec<u8>, Encoded) {
    let mut payload = vec![0; length];
    ChaCha12Rng::seed_from_u64(seed).fill_bytes(&mut payload);
    let encoded = encode(&payload, Parameters::new(64, 32).unwrap()).unwrap();
    (payload, encoded)
}

pub fn rng() -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(9)
}

pub fn info(encoded: &Encoded) -> BlockInfo {
    let header = encoded.header();
    BlockInfo {
        number: 7,
        commitment: hex::encode(header.commitment().0),
        header: hex::encode(header.encode()),
        claim_digest: Some(hex::encode([5; 32])),
        published_at: 1,
        data_shards: header.parameters.data(),
        parity_shards: header.parameters.parity(),
        shard_length: header.shard_length().unwrap(),
        payload_length: header.payload_length,
        has_shards: true,
        combination: Some(hex::encode(encoded.combination().encode())),
    }
}

/// What a peer is asked for.
pub enum Asked {
    Block,
    Samples(Vec<usize>),
}

type Answer = Result<Vec<u8>, Trouble>;

/// A peer: from what it is asked for and how much it may answer to an answer.
pub type Peer = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

pub fn peer(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Peer {
    Arc::new(answer)
}

/// A peer that gives the header, and never ends an answer with shards.
pub fn never(encoded: &Encoded) -> Peer {
    let good = honest(encoded);
    peer(move |asked| match asked {
        Asked::Block => good(asked),
        Asked::Samples(_) => Err(Trouble::Unreachable(NEVER.to_string())),
    })
}

/// With this trouble a peer is told to be one whose answers never come.
const NEVER: &str = "never";

/// A peer that has everything.
pub fn honest(encoded: &Encoded) -> Peer {
    holding(encoded, |_| true)
}

/// A peer that has some shards.
pub fn holding(encoded: &Encoded, holds: impl Fn(usize) -> bool + Send + Sync + 'static) -> Peer {
    let encoded = encoded.clone();
    peer(move |asked| match asked {
        Asked::Block => Ok(serde_json::to_vec(&info(&encoded)).unwrap()),
        Asked::Samples(indices) => {
            let held: Vec<usize> = indices.iter().copied().filter(|index| holds(*index)).collect();
            match held[..] {
                [] => Err(Trouble::Absent),
                _ => Ok(samples(held.iter().map(|index| encoded.sample(*index).unwrap()))),
            }
        }
    })
}

/// A peer that does something else with what it was asked for than it should.
pub fn lying(encoded: &Encoded, lie: impl Fn(Vec<Sample>) -> Vec<u8> + Send + Sync + 'static) -> Peer {
    let encoded = encoded.clone();
    peer(move |asked| match asked {
        Asked::Block => Ok(serde_json::to_vec(&info(&encoded)).unwrap()),
        Asked::Samples(indices) => {
            Ok(lie(indices.iter().map(|index| encoded.sample(*index).unwrap()).collect()))
        }
    })
}

pub fn samples(samples: impl IntoIterator<Item = Sample>) -> Vec<u8> {
    let mut answer = Vec::new();
    samples.into_iter().for_each(|sample| wire::push_sample(&mut answer, &sample));
    answer
}

/// Peers that answer at once, and what they were asked, in order.
#[derive(Clone)]
pub struct Memory {
    peers: Vec<Peer>,
    pub log: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Memory {
    pub fn new(peers: impl Into<Vec<Peer>>) -> Self {
        Self { peers: peers.into(), log: Arc::default() }
    }

    /// How often each peer was asked for shards, and for how many.
    pub fn asked(&self, peer: usize) -> Vec<Vec<usize>> {
        let log = self.log.lock().unwrap();
        let of_peer = log.iter().filter(|(asked, _)| *asked == peer);
        of_peer.filter_map(|(_, path)| indices(path)).collect()
    }
}

fn indices(path: &str) -> Option<Vec<usize>> {
    let (_, list) = path.split_once("/samples?indices=")?;
    Some(list.split(',').map(|index| index.parse().unwrap()).collect())
}

impl Transport for Memory {
    fn peers(&self) -> usize {
        self.peers.len()
    }

    fn get(&self, peer: usize, path: &str, limit: usize) -> impl Future<Output = Reply> {
        self.log.lock().unwrap().push((peer, path.to_string()));
        let asked = indices(path).map_or(Asked::Block, Asked::Samples);
        let name = path.strip_prefix("/v1/blocks/").and_then(|rest| rest.get(..64));
        assert!(name.and_then(parse_commitment).is_some(), "{path}");
        let answer = self.peers[peer](&asked);
        let is_never = answer == Err(Trouble::Unreachable(NEVER.to_string()));
        let body = match answer {
            Ok(body) if body.len() > limit => Err(Trouble::TooLarge(limit)),
            body => body,
        };
        async move {
            if is_never {
                std::future::pending::<()>().await;
            }
            Reply { body, micros: 1_000 * (peer as u32 + 1) }
        }
    }
}
