//! Blobs on the real chain: posted, named by their hashes, and checked by the precompiled contract.

use alloy_primitives::{B256, Bytes};
use l1::{
    Blob, BlobCommitment, BlobSidecar, ClientError, Evaluation, MOST_IN_TRANSACTION, Outcome, PAYLOAD_BYTES,
    from_blobs, to_blobs,
};

use crate::world::{TIMEOUT, USER, World};

fn payload(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 257) as u8).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn blobs_are_posted_named_and_checked_by_the_precompiled_contract() {
    let world = World::new().await;
    let sender = world.sender(USER);
    let payload = payload(2 * PAYLOAD_BYTES);
    let blobs = to_blobs(&payload);
    let sidecar = BlobSidecar::new(&blobs).unwrap();
    let (data, mut hashes) = (Bytes::from_static(&[7; 32]), Vec::new());
    let note = |hash| {
        hashes.push(hash);
        Ok(())
    };
    let sent = sender.post_blobs(&sidecar, data.clone(), note).await.unwrap();
    assert_eq!(hashes, [sent.hash()]);
    // It waits: the chain says nothing of it yet.
    assert_eq!(world.client.blob_transaction(sent.hash()).await.unwrap(), None);
    world.mine(1).await;
    assert!(matches!(sender.carried_out(&sent, TIMEOUT).await.unwrap(), Outcome::Done { .. }));

    let found = world.client.blob_transaction(sent.hash()).await.unwrap().unwrap();
    let named: Vec<B256> =
        blobs.iter().map(|blob| BlobCommitment::of(blob).unwrap().versioned_hash()).collect();
    assert_eq!((found.hashes, found.data), (named, data));
    assert_eq!(from_blobs(&blobs).unwrap(), payload);

    // The contract accepts what is true of a blob, and nothing else.
    let mut point = B256::repeat_byte(0x5a);
    point[0] = 0;
    let evaluation = Evaluation::of(&blobs[1], point).unwrap();
    world.client.check_evaluation(&evaluation).await.unwrap();
    let mut lies = [evaluation; 4];
    lies[0].value[31] ^= 1;
    lies[1].point[31] ^= 1;
    lies[2].commitment = BlobCommitment::of(&blobs[0]).unwrap();
    lies[3].proof = BlobCommitment::of(&blobs[0]).unwrap().0;
    for (at, lie) in lies.iter().enumerate() {
        let refused = world.client.check_evaluation(lie).await;
        assert!(
            matches!(refused, Err(ClientError::Node { .. } | ClientError::Reverted(_))),
            "{at}: {refused:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_has_as_many_blobs_as_fit_and_goes_beside_others() {
    let world = World::new().await;
    let sender = world.sender(USER);
    let many = to_blobs(&payload(MOST_IN_TRANSACTION * PAYLOAD_BYTES - 9));
    assert_eq!(many.len(), MOST_IN_TRANSACTION);
    assert!(BlobSidecar::new(&[&many[..], &many[..1]].concat()).is_err());
    assert!(BlobSidecar::new(&[]).is_err());
    // Two at once and another transaction between them: each gets a block of its own.
    let first = sender.post_blobs(&BlobSidecar::new(&many).unwrap(), Bytes::new(), |_| Ok(())).await.unwrap();
    let other = to_blobs(b"another");
    let second =
        sender.post_blobs(&BlobSidecar::new(&other).unwrap(), Bytes::new(), |_| Ok(())).await.unwrap();
    assert_eq!(second.nonce(), first.nonce() + 1);
    world.mine(2).await;
    for (sent, count) in [(&first, MOST_IN_TRANSACTION), (&second, 1)] {
        sender.carried_out(sent, TIMEOUT).await.unwrap();
        assert_eq!(world.client.blob_transaction(sent.hash()).await.unwrap().unwrap().hashes.len(), count);
    }
    // What was carried by no transaction with blobs is not found as one.
    let plain = sender
        .send(alloy_primitives::TxKind::Call(sender.address()), alloy_primitives::U256::ZERO, Bytes::new())
        .await
        .unwrap();
    world.mine(1).await;
    assert_eq!(world.client.blob_transaction(plain.hash()).await.unwrap(), None);
    assert!(Blob::from_bytes(&[]).is_err());
}
