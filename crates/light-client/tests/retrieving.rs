//! Whole blocks from peers that have parts, are slow, fail or lie.

mod shared;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use availability::Encoded;
use light_client::{ClientError, LightClient, Retrieved, Trouble};
use shared::{Asked, Memory, Peer, block, holding, honest, lying, never, peer, samples};

const LIMIT: u64 = 1 << 30;

async fn retrieve(encoded: &Encoded, memory: &Memory) -> Result<Retrieved, ClientError> {
    LightClient::new(memory.clone()).retrieve(&encoded.header().commitment(), LIMIT, |_, _| {}).await
}

#[tokio::test]
async fn a_block_comes_back_from_peers_that_each_have_a_part() {
    let (payload, encoded) = block(1, 100_000);
    let peers: Vec<Peer> = (0..3).map(|n| holding(&encoded, move |index| index % 3 == n)).collect();
    let memory = Memory::new(peers);
    let mut steps = Vec::new();
    let mut client = LightClient::new(memory.clone());
    let retrieved = client
        .retrieve(&encoded.header().commitment(), LIMIT, |held, needed| steps.push((held, needed)))
        .await;
    let retrieved = retrieved.unwrap();
    assert_eq!(retrieved.payload, payload);
    assert_eq!((retrieved.number, retrieved.claim_digest), (7, Some([5; 32])));
    assert_eq!(steps.last(), Some(&(64, 64)));
    assert!(steps.is_sorted(), "{steps:?}");
    assert!(client.kept(&encoded.header().commitment()).unwrap().confidence.is_none(), "nothing was sampled");
}

#[tokio::test]
async fn enough_shards_are_enough_and_one_less_is_not() {
    let (payload, encoded) = block(1, 100_000);
    let memory = Memory::new([holding(&encoded, |index| index >= 32)]);
    assert_eq!(retrieve(&encoded, &memory).await.unwrap().payload, payload);
    let memory =
        Memory::new([holding(&encoded, |index| index >= 33), holding(&encoded, |index| index >= 50)]);
    let error = retrieve(&encoded, &memory).await.unwrap_err();
    assert!(matches!(error, ClientError::Unavailable { held: 63, needed: 64 }), "{error}");
}

#[tokio::test]
async fn a_peer_that_lies_is_not_asked_again() {
    let (payload, encoded) = block(1, 100_000);
    let liar = lying(&encoded, |mut asked| {
        asked.last_mut().unwrap().shard[0] ^= 1;
        samples(asked)
    });
    let memory = Memory::new([liar, honest(&encoded)]);
    let retrieved = retrieve(&encoded, &memory).await.unwrap();
    assert_eq!(retrieved.payload, payload);
    assert!(retrieved.peers[0].lies > 0);
    // What was under way when it was found out, and nothing after.
    assert!(memory.asked(0).len() <= 2, "{:?}", memory.asked(0));
}

#[tokio::test]
async fn shards_that_were_not_asked_for_or_come_twice_are_lies() {
    let (_, encoded) = block(1, 100_000);
    let all = encoded.clone();
    let stranger = lying(&encoded, move |asked| {
        let other = (0..96).find(|index| asked.iter().all(|sample| sample.index != *index)).unwrap();
        samples([all.sample(other).unwrap()])
    });
    let twice = lying(&encoded, |asked| samples([asked[0].clone(), asked[0].clone()]));
    for liar in [stranger, twice] {
        let error = retrieve(&encoded, &Memory::new([liar])).await.unwrap_err();
        assert!(matches!(error, ClientError::Unavailable { held: 0..=2, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_peer_that_fails_now_and_then_is_asked_again() {
    let (payload, encoded) = block(1, 100_000);
    let good = honest(&encoded);
    let count = AtomicU32::new(0);
    let flaky = peer(move |asked| match asked {
        Asked::Samples(_) if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => Err(Trouble::Timeout),
        _ => good(asked),
    });
    let retrieved = retrieve(&encoded, &Memory::new([flaky])).await.unwrap();
    assert_eq!(retrieved.payload, payload);
    assert!(retrieved.peers[0].timeouts > 0);
}

/// One that is asked for a part of the block and never answers: there is no time limit here that would end it.
#[tokio::test]
async fn a_peer_whose_answers_never_come_holds_nobody_up() {
    let (payload, encoded) = block(1, 100_000);
    for peers in [
        vec![never(&encoded), honest(&encoded)],
        vec![honest(&encoded), never(&encoded), never(&encoded)],
        // What each has is just enough together.
        vec![
            never(&encoded),
            holding(&encoded, |index| index < 32),
            never(&encoded),
            holding(&encoded, |index| index >= 64),
        ],
    ] {
        let memory = Memory::new(peers);
        let retrieving = retrieve(&encoded, &memory);
        let retrieved = tokio::time::timeout(Duration::from_secs(20), retrieving).await;
        assert_eq!(retrieved.expect("it is held up").unwrap().payload, payload);
    }
}

#[tokio::test]
async fn peers_that_never_answer_end_it() {
    let (_, encoded) = block(1, 100_000);
    let good = honest(&encoded);
    let dead = peer(move |asked| match asked {
        Asked::Samples(_) => Err(Trouble::Timeout),
        Asked::Block => good(asked),
    });
    let memory = Memory::new([dead.clone(), dead]);
    let error = retrieve(&encoded, &memory).await.unwrap_err();
    assert!(matches!(error, ClientError::Unavailable { held: 0, needed: 64 }), "{error}");
    assert!(memory.asked(0).len() + memory.asked(1).len() < 20);
}

#[tokio::test]
async fn a_block_larger_than_one_wants_is_refused_before_its_shards_are_asked_for() {
    let (_, encoded) = block(1, 100_000);
    let memory = Memory::new([honest(&encoded)]);
    let mut client = LightClient::new(memory.clone());
    let error = client.retrieve(&encoded.header().commitment(), 100_000, |_, _| {}).await.unwrap_err();
    assert!(matches!(error, ClientError::TooLarge { limit: 100_000, .. }), "{error}");
    assert!(memory.asked(0).is_empty());
}
