//! Sampling from honest, slow and lying peers.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod shared;

use std::collections::BTreeSet;

use availability::sampling::{Bound, Failure, Outcome, Policy, Strategy, Verdict};
use availability::{Encoded, Sample};
use light_client::wire::BlockInfo;
use light_client::{ClientError, Fault, LightClient, Sampled, Trouble};
use shared::{Asked, Memory, Peer, block, holding, honest, info, lying, peer, rng, samples};

async fn sample(encoded: &Encoded, peers: impl Into<Vec<Peer>>) -> Sampled {
    let mut client = LightClient::new(Memory::new(peers));
    let commitment = encoded.header().commitment();
    client.sample(&commitment, &Policy::default(), Strategy::Uniform, &mut rng()).await.unwrap()
}

#[tokio::test]
async fn data_that_is_there_is_found_available_with_what_the_plan_achieves() {
    let (_, encoded) = block(1, 100_000);
    let memory = Memory::new([honest(&encoded), honest(&encoded), honest(&encoded)]);
    let mut client = LightClient::new(memory.clone());
    let (commitment, policy) = (encoded.header().commitment(), Policy::default());
    let sampled = client.sample(&commitment, &policy, Strategy::Uniform, &mut rng()).await.unwrap();
    assert!(sampled.is_available());
    assert_eq!(sampled.verdict, Verdict::Available { confidence: sampled.requirement.achieved.clone() });
    assert!(sampled.requirement.achieved >= policy.confidence);
    assert_eq!(sampled.requirement.decided_by, Bound::Proximity);
    assert!(sampled.requirement.near.as_ref().unwrap() >= &policy.confidence);
    assert_eq!((sampled.number, sampled.claim_digest), (7, Some([5; 32])));

    // Each sample was a request of its own, for another shard, and the peers shared them.
    let all: Vec<Vec<usize>> = (0..3).flat_map(|peer| memory.asked(peer)).collect();
    assert!(all.iter().all(|indices| indices.len() == 1));
    let different: BTreeSet<usize> = all.iter().flatten().copied().collect();
    assert_eq!((all.len(), different.len()), (sampled.requirement.samples as usize, all.len()));
    assert!((0..3).all(|peer| memory.asked(peer).len() * 3 + 3 > all.len()), "{all:?}");

    // The header is kept, with what was found out, and nothing else is.
    let kept = client.kept(&commitment).unwrap();
    assert_eq!(
        (kept.header, kept.confidence.as_ref()),
        (*encoded.header(), Some(&sampled.requirement.achieved))
    );
}

type Lie = fn(Vec<Sample>) -> Vec<u8>;

/// Everything that a peer can answer instead of the sample that it was asked for.
fn lies() -> Vec<(&'static str, Lie)> {
    vec![
        ("another shard's bytes under the right number and path", |mut asked| {
            asked[0].shard[10] ^= 1;
            samples(asked)
        }),
        ("another path", |mut asked| {
            asked[0].path[0][0] ^= 1;
            samples(asked)
        }),
        ("another number on the same shard", |mut asked| {
            asked[0].index ^= 1;
            samples(asked)
        }),
        ("another block's sample", |asked| {
            samples(asked.iter().map(|s| block(2, 100_000).1.sample(s.index).unwrap()))
        }),
        ("another sample of the same block", |asked| {
            samples(asked.iter().map(|s| block(1, 100_000).1.sample((s.index + 1) % 96).unwrap()))
        }),
        ("the sample twice", |asked| samples([asked[0].clone(), asked[0].clone()])),
        ("a sample cut short", |asked| samples(asked).split_last().unwrap().1.to_vec()),
        ("a sample with something after it", |asked| [samples(asked), vec![0]].concat()),
        ("a length that is not there", |_| vec![255, 255, 255, 255]),
        ("a page", |_| b"<html>free shards</html>".to_vec()),
        ("very much", |_| vec![0; 1 << 20]),
    ]
}

#[tokio::test]
async fn a_peer_that_lies_about_a_sample_is_found_out_whatever_the_lie() {
    let (_, encoded) = block(1, 100_000);
    for (lie, tell) in lies() {
        let sampled = sample(&encoded, [lying(&encoded, tell)]).await;
        assert!(
            matches!(sampled.verdict, Verdict::Unavailable { failures: 1 }),
            "{lie}: {:?}",
            sampled.verdict
        );
        let outcomes: Vec<Outcome> = sampled.results.outcomes().map(|(_, outcome)| outcome).collect();
        assert_eq!(outcomes, [Outcome::Failed(Failure::Invalid)], "{lie}");
        assert!(sampled.peers[0].lies > 0, "{lie}: {:?}", sampled.peers[0]);
        assert!(sampled.peers[0].last_fault.as_ref().unwrap().is_lie(), "{lie}");
    }
}

#[tokio::test]
async fn a_liar_beside_an_honest_peer_changes_nothing_but_is_noted() {
    let (_, encoded) = block(1, 100_000);
    for (lie, tell) in lies() {
        let sampled = sample(&encoded, [lying(&encoded, tell), honest(&encoded)]).await;
        assert!(sampled.is_available(), "{lie}");
        assert!(sampled.peers[0].lies > 0 && sampled.peers[0].shards == 0, "{lie}: {:?}", sampled.peers);
        assert_eq!(sampled.peers[1].lies, 0);
    }
}

#[tokio::test]
async fn one_sample_that_does_not_come_in_time_is_a_failure_like_any_other() {
    let (_, encoded) = block(1, 100_000);
    for (trouble, failure) in [
        (Trouble::Timeout, Failure::Timeout),
        (Trouble::Unreachable("gone".into()), Failure::Timeout),
        (Trouble::Refused(429), Failure::Absent),
        (Trouble::Absent, Failure::Absent),
    ] {
        let good = honest(&encoded);
        let why = trouble.clone();
        let slow = peer(move |asked| match asked {
            Asked::Samples(_) => Err(why.clone()),
            Asked::Block => good(asked),
        });
        let sampled = sample(&encoded, [slow.clone()]).await;
        assert!(!sampled.is_available());
        assert!(
            sampled.results.outcomes().any(|(_, outcome)| outcome == Outcome::Failed(failure)),
            "{trouble}"
        );
        assert_eq!(sampled.peers[0].lies, 0, "{trouble} is no lie");
        // Another peer that has it is enough.
        assert!(sample(&encoded, [slow, honest(&encoded)]).await.is_available());
    }
}

#[tokio::test]
async fn a_tolerated_failure_is_one_that_was_agreed_on_before() {
    let (_, encoded) = block(1, 100_000);
    let commitment = encoded.header().commitment();
    // About one in fifty shards is missing.
    let peers = [holding(&encoded, |index| index % 50 != 3)];
    for (tolerated, available) in [(0, false), (2, true)] {
        let policy = Policy { tolerated, minimum: 96, ..Policy::default() };
        let mut client = LightClient::new(Memory::new(peers.clone()));
        let sampled = client.sample(&commitment, &policy, Strategy::Uniform, &mut rng()).await.unwrap();
        assert_eq!(sampled.is_available(), available, "{:?}", sampled.verdict);
    }
}

#[tokio::test]
async fn data_that_cannot_be_had_is_found_out() {
    let (_, encoded) = block(1, 100_000);
    // Just enough is withheld, and every peer has another part of the rest.
    let peers: Vec<Peer> =
        (0..3).map(|n| holding(&encoded, move |index| index < 63 && index % 3 == n)).collect();
    let sampled = sample(&encoded, peers).await;
    assert!(!sampled.is_available());
}

#[tokio::test]
async fn a_header_that_is_not_the_commitments_is_refused() {
    let (_, encoded) = block(1, 100_000);
    let (_, other) = block(2, 100_000);
    let told = |told: BlockInfo| peer(move |_| Ok(serde_json::to_vec(&told).unwrap()));
    let good = info(&encoded);
    let wrong = [
        (told(info(&other)), Fault::Header),
        (told(BlockInfo { header: "00".into(), ..good.clone() }), Fault::Header),
        (told(BlockInfo { header: "zz".into(), ..good.clone() }), Fault::Header),
        (told(BlockInfo { combination: info(&other).combination, ..good.clone() }), Fault::Combination),
        (told(BlockInfo { combination: None, ..good.clone() }), Fault::Combination),
        (told(BlockInfo { claim_digest: Some("12".into()), ..good }), Fault::Encoding),
        (peer(|_| Ok(b"[]".to_vec())), Fault::Encoding),
        (peer(|_| Ok(vec![b' '; 400 << 10])), Fault::None(Trouble::TooLarge(light_client::wire::MAX_INFO))),
    ];
    let commitment = encoded.header().commitment();
    for (liar, fault) in wrong {
        let mut client = LightClient::new(Memory::new([liar.clone()]));
        let asked = client.sample(&commitment, &Policy::default(), Strategy::Uniform, &mut rng()).await;
        let Err(ClientError::NoBlock { faults }) = asked else { panic!("{fault}") };
        assert_eq!(faults, [(0, fault)]);
        assert_eq!(client.headers().count(), 0);
        // The next peer is asked.
        assert!(sample(&encoded, [liar, honest(&encoded)]).await.is_available());
    }
}

#[tokio::test]
async fn a_peer_that_pruned_the_block_has_it_not_and_does_not_lie() {
    let (_, encoded) = block(1, 100_000);
    let told = BlockInfo { combination: None, has_shards: false, ..info(&encoded) };
    let pruned = peer(move |_| Ok(serde_json::to_vec(&told).unwrap()));
    let mut client = LightClient::new(Memory::new([pruned.clone()]));
    let commitment = encoded.header().commitment();
    let asked = client.sample(&commitment, &Policy::default(), Strategy::Uniform, &mut rng()).await;
    let Err(ClientError::NoBlock { faults }) = asked else { panic!("it has no shards") };
    assert_eq!(faults, [(0, Fault::None(Trouble::Absent))]);
    // Beside one that keeps it, it counts as one that has it not.
    let pruned = peer(move |asked| match asked {
        Asked::Block => pruned(asked),
        Asked::Samples(_) => Err(Trouble::Absent),
    });
    let sampled = sample(&encoded, [pruned, honest(&encoded)]).await;
    assert!(sampled.is_available());
    assert_eq!((sampled.peers[0].lies, sampled.peers[0].refused > 0), (0, true));
}

#[tokio::test]
async fn without_peers_there_is_nothing_to_find_out() {
    let (_, encoded) = block(1, 1_000);
    let mut client = LightClient::new(Memory::new([]));
    let commitment = encoded.header().commitment();
    let asked = client.sample(&commitment, &Policy::default(), Strategy::Uniform, &mut rng()).await;
    assert!(matches!(asked, Err(ClientError::NoPeers)));
}

#[tokio::test]
async fn only_the_last_headers_are_kept() {
    let blocks: Vec<Encoded> = (0..5).map(|seed| block(seed, 1_000).1).collect();
    let mut client = LightClient::keeping(Memory::new([]), 3);
    for encoded in &blocks {
        client = client.with_transport(Memory::new([honest(encoded)]));
        let commitment = encoded.header().commitment();
        let sampled =
            client.sample(&commitment, &Policy::default(), Strategy::Uniform, &mut rng()).await.unwrap();
        assert!(sampled.is_available());
    }
    let kept: Vec<_> = client.headers().map(|(commitment, _)| *commitment).collect();
    let last: Vec<_> = blocks[2..].iter().map(|encoded| encoded.header().commitment()).collect();
    assert_eq!(kept, last);
}
