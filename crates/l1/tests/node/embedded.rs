//! The embedded chain itself.

use std::time::Duration;

use alloy_primitives::{Address, Bytes, TxKind, U256};
use l1::{Blocks, Client, Config, EmbeddedError, EmbeddedL1, FeePolicy, Outcome, Sender};
use tempfile::TempDir;

use crate::world::{TIMEOUT, USER, config, key};

async fn user(l1: &EmbeddedL1) -> Sender {
    let client = Client::connect(&l1.url(), TIMEOUT).await.unwrap();
    Sender::new(client, key(USER), FeePolicy::default())
}

async fn pay(sender: &Sender) -> l1::Transaction {
    sender.send(TxKind::Call(Address::repeat_byte(0xaa)), U256::from(1), Bytes::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_chain_goes_on_from_its_directory() {
    let dir = TempDir::new().unwrap();
    let config = Config { data_dir: Some(dir.path().join("chain")), ..config() };
    let l1 = EmbeddedL1::start(config.clone()).await.unwrap();
    let sender = user(&l1).await;
    let first = pay(&sender).await;
    for _ in 0..5 {
        l1.mine().await.unwrap();
    }
    let undone = pay(&sender).await;
    l1.mine().await.unwrap();
    l1.reorg(3).await.unwrap();
    l1.mine().await.unwrap();
    let (head, heads) = (l1.head().await.unwrap(), sender.client().heads().await.unwrap());
    assert!(matches!(EmbeddedL1::start(config.clone()).await, Err(EmbeddedError::Busy { .. })));
    l1.shutdown().await;

    let l1 = EmbeddedL1::start(config.clone()).await.unwrap();
    assert_eq!(l1.head().await.unwrap(), head);
    let sender = user(&l1).await;
    assert_eq!(sender.client().heads().await.unwrap(), heads);
    assert!(matches!(sender.outcome(&first).await.unwrap(), Outcome::Done { .. }));
    assert_eq!(sender.outcome(&undone).await.unwrap(), Outcome::Open);
    l1.mine().await.unwrap();
    assert!(matches!(sender.outcome(&undone).await.unwrap(), Outcome::Done { .. }));
    let head = l1.head().await.unwrap();
    l1.shutdown().await;

    // A crash in the middle of a write loses that block alone.
    let path = dir.path().join("chain/blocks");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(&[1, 2, 0, 0, 1, 9, 9]);
    std::fs::write(&path, bytes).unwrap();
    let l1 = EmbeddedL1::start(config.clone()).await.unwrap();
    assert_eq!(l1.head().await.unwrap(), head);
    l1.shutdown().await;

    let other = Config { chain_id: 5, ..config };
    assert!(matches!(EmbeddedL1::start(other).await, Err(EmbeddedError::OtherChain { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_makes_a_block_and_one_that_cannot_go_in_makes_no_more() {
    let blocks = Blocks::OnTransaction { at_least_every: None };
    let l1 = EmbeddedL1::start(Config { blocks, ..config() }).await.unwrap();
    let sender = user(&l1).await;
    let paid = pay(&sender).await;
    sender.carried_out(&paid, TIMEOUT).await.unwrap();
    let head = l1.head().await.unwrap();
    assert_eq!(head.number, 1);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(l1.head().await.unwrap(), head);
    assert_eq!(l1.trouble(), None);
    l1.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_timer_makes_blocks_and_finality_follows() {
    let every = Duration::from_millis(50);
    let l1 = EmbeddedL1::start(Config { blocks: Blocks::Every(every), ..config() }).await.unwrap();
    let client = Client::connect(&l1.url(), TIMEOUT).await.unwrap();
    let heads = loop {
        let heads = client.heads().await.unwrap();
        if heads.latest.number >= 6 {
            break heads;
        }
        tokio::time::sleep(every).await;
    };
    assert!(heads.finalized.number >= 2 && heads.safe.number >= 4, "{heads:?}");
    l1.shutdown().await;
    assert!(client.heads().await.is_err());
    assert_eq!(l1.trouble(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reorg_deeper_than_the_chain_is_an_error() {
    let l1 = EmbeddedL1::start(config()).await.unwrap();
    l1.mine().await.unwrap();
    assert!(matches!(l1.reorg(2).await, Err(EmbeddedError::TooDeep { depth: 2, height: 1 })));
    assert!(matches!(l1.reorg(0).await, Err(EmbeddedError::TooDeep { .. })));
    let before = l1.head().await.unwrap();
    let after = l1.reorg(1).await.unwrap();
    assert_eq!(after.number, before.number);
    assert_ne!(after.hash, before.hash);
}
