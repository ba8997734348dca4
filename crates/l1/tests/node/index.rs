//! The index: entries of the queue, reorgs, restarts, nodes that refuse.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use contracts::bindings::Exchange;
use contracts::bindings::Exchange::ExchangeEvents;
use l1::{Client, Confirmation, FeePolicy, IndexError, IndexerOptions, Outcome, Sender};
use settlement::{Action, Fault};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use types::{AccountId, AssetId, Command, Quanta};

use crate::world::{OPERATOR, TIMEOUT, USER, World, config, key, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deposit_becomes_an_entry_of_the_queue() {
    let world = World::new().await;
    let index = world.indexer("index");
    let user = world.sender(USER);
    world.deposit(&user, 1_000).await;
    let block = world.l1.mine().await.unwrap();
    index.follow().await.unwrap();
    let entries = index.entries(0, Confirmation::Latest, 10).unwrap();
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(entry.block, block);
    assert_eq!((entry.what.position, entry.what.account), (0, AccountId(1)));
    let owner = types::Address(key(USER).address().into());
    assert_eq!(entry.what.command, Command::Deposit { owner, asset: AssetId(0), amount: Quanta(1_000) });
    // The contract says the same.
    let queue = index.queue(Confirmation::Latest).unwrap();
    let hash = world.client.call(world.exchange, &Exchange::queueHashCall { entries: 1 }).await.unwrap();
    assert_eq!((queue.position, queue.hash), (1, hash.0));

    assert!(index.entries(0, Confirmation::Safe, 10).unwrap().is_empty());
    world.mine(2).await;
    index.follow().await.unwrap();
    assert_eq!(index.entries(0, Confirmation::Safe, 10).unwrap(), entries);
    assert_eq!(index.queue(Confirmation::Finalized).unwrap().position, 0);
    world.mine(2).await;
    index.follow().await.unwrap();
    assert_eq!(index.entries(0, Confirmation::Finalized, 10).unwrap(), entries);
    assert!(index.entries(1, Confirmation::Latest, 10).unwrap().is_empty());
    // What came before is there as well.
    let events = index.events(0, block.number).unwrap();
    assert!(events.iter().any(|event| matches!(event.what, ExchangeEvents::AssetListed(_))));
    let opened = events.iter().filter(|event| matches!(event.what, ExchangeEvents::AccountOpened(_))).count();
    assert_eq!(opened, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reorg_takes_entries_back_and_others_take_their_place() {
    let world = World::with(l1::Config { final_depth: 30, safe_depth: 20, ..config() }).await;
    let index = world.indexer("index");
    for (kept, depth) in (0..).zip([1_u64, 3, 10]) {
        world.deposit(&world.sender(USER), 100 + depth).await;
        world.mine(depth as usize).await;
        index.follow().await.unwrap();
        assert_eq!(index.queue(Confirmation::Latest).unwrap().position, kept + 1);
        world.l1.reorg(depth).await.unwrap();
        index.follow().await.unwrap();
        assert_eq!(index.queue(Confirmation::Latest).unwrap().position, kept);
        assert_eq!(index.tip().unwrap(), Some(world.l1.head().await.unwrap()));
        // Another deposit is the next entry now: whoever sends it does not know of the one that was lost.
        world.deposit(&world.sender(USER), 500 + depth).await;
        world.mine(1).await;
        index.follow().await.unwrap();
        let entries = index.entries(kept, Confirmation::Latest, 10).unwrap();
        assert!(
            matches!(entries[0].what.command, Command::Deposit { amount, .. } if amount == Quanta(500 + depth))
        );
        let hash =
            world.client.call(world.exchange, &Exchange::queueHashCall { entries: kept + 1 }).await.unwrap();
        assert_eq!(index.queue(Confirmation::Latest).unwrap().hash, hash.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reorg_below_what_was_final_stops_everything() {
    let world = World::new().await;
    let index = world.indexer("index");
    world.mine(6).await;
    index.follow().await.unwrap();
    world.l1.reorg(4).await.unwrap();
    index.follow().await.unwrap();
    world.l1.reorg(6).await.unwrap();
    let error = index.follow().await.unwrap_err();
    assert!(matches!(error, IndexError::FinalChanged { .. }), "{error}");
    assert!(matches!(error.fault(), Fault::Lasting { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_index_survives_a_kill_at_any_block() {
    let world = World::with(l1::Config { final_depth: 8, safe_depth: 4, ..config() }).await;
    let user = world.sender(USER);
    let living = world.indexer("living");
    for round in 0..6_u64 {
        world.deposit(&user, 10 + round).await;
        world.mine(1).await;
        living.follow().await.unwrap();
        // What a killed process leaves: the file as it is at this moment.
        let name = format!("killed {round}");
        std::fs::copy(world.dir.path().join("living"), world.dir.path().join(&name)).unwrap();
    }
    world.l1.reorg(2).await.unwrap();
    world.deposit(&user, 99).await;
    world.mine(1).await;
    living.follow().await.unwrap();
    let expected = living.entries(0, Confirmation::Latest, 100).unwrap();
    assert_eq!(expected.len(), 5);
    for round in 0..6 {
        let index = world.indexer(&format!("killed {round}"));
        index.follow().await.unwrap();
        assert_eq!(index.entries(0, Confirmation::Latest, 100).unwrap(), expected);
        assert_eq!(index.tip().unwrap(), living.tip().unwrap());
    }
    let busy = l1::Indexer::open(
        &world.dir.path().join("living"),
        world.client.clone(),
        world.exchange,
        IndexerOptions::default(),
    );
    assert!(matches!(busy, Err(IndexError::Busy { .. })));
    drop(living);
    let other = l1::Indexer::open(
        &world.dir.path().join("living"),
        world.client.clone(),
        key(USER).address(),
        IndexerOptions::default(),
    );
    assert!(matches!(other, Err(IndexError::OtherContract { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_that_were_reverted_are_gone_and_come_again() {
    let world = World::new().await;
    let index = world.indexer("index");
    let chain = world.chain().await;
    let batches = [world.seal(), world.seal()];
    send(&chain, Action::Commit, &batches).unwrap();
    world.mine(1).await;
    let admin = world.sender(crate::world::ADMIN);
    admin.call(world.exchange, U256::ZERO, &Exchange::announcePauseCall {}).await.unwrap();
    world.mine(1).await;
    world.l1.advance_clock(std::time::Duration::from_secs(86_460));
    world.mine(1).await;
    let claim = world.book.claims.lock().unwrap()[0].encode();
    let revert = Exchange::revertBatchesCall { lastKept: 1, claim: claim.into() };
    world.sender(OPERATOR).call(world.exchange, U256::ZERO, &revert).await.unwrap();
    world.mine(1).await;
    index.follow().await.unwrap();
    assert_eq!(index.last_committed().unwrap(), 1);
    assert_eq!(index.batch(2).unwrap(), l1::BatchSteps::default());
    assert_eq!(index.batch(1).unwrap().digest, Some(batches[0].digest));
    let commitment = keccak256(1_u64.to_le_bytes()).0;
    assert_eq!(index.batch(1).unwrap().data_commitment, Some(commitment));
    // The reorg undoes the revert.
    world.l1.reorg(1).await.unwrap();
    index.follow().await.unwrap();
    assert_eq!(index.last_committed().unwrap(), 2);
    assert_eq!(index.batch(2).unwrap().digest, Some(batches[1].digest));
}

/// What a node in front of the real one keeps back.
struct Stingy {
    /// It answers for so many blocks at once.
    most: u64,
    /// How often it refused more.
    refused: AtomicU64,
    /// So many receipts more it says that it does not have.
    hidden: AtomicU64,
}

async fn stingy(node: String, most: u64, hidden: u64) -> (String, Arc<Stingy>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stingy = Arc::new(Stingy { most, refused: AtomicU64::new(0), hidden: AtomicU64::new(hidden) });
    let manner = stingy.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (node, manner) = (node.clone(), manner.clone());
            tokio::spawn(async move { answer(stream, &node, &manner).await });
        }
    });
    (url, stingy)
}

async fn answer(mut stream: TcpStream, node: &str, manner: &Stingy) -> Option<()> {
    let mut request = Vec::new();
    let body = loop {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await.ok().filter(|length| *length > 0)?;
        request.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize =
                head.to_lowercase().split("content-length: ").nth(1)?.lines().next()?.trim().parse().ok()?;
            if body.len() >= length {
                break body.to_string();
            }
        }
    };
    let number = |name: &str| {
        let digits = body.split(&format!("\"{name}\":\"0x")).nth(1)?.split('"').next()?;
        u64::from_str_radix(digits, 16).ok()
    };
    let id = body.split("\"id\":").nth(1)?.split([',', '}']).next()?;
    let hides = body.contains("eth_getTransactionReceipt")
        && manner
            .hidden
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok();
    let response = match (number("fromBlock"), number("toBlock")) {
        _ if hides => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":null}}"#),
        (Some(from), Some(to)) if to - from >= manner.most => {
            manner.refused.fetch_add(1, Ordering::Relaxed);
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32005,"message":"too many blocks"}}}}"#)
        }
        _ => {
            let call =
                reqwest::Client::new().post(node).header("content-type", "application/json").body(body);
            call.send().await.ok()?.text().await.ok()?
        }
    };
    let length = response.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(format!("{head}{response}").as_bytes()).await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_refuses_long_ranges_is_asked_for_shorter_ones() {
    let world = World::new().await;
    let user = world.sender(USER);
    for round in 0..30_u64 {
        if round.is_multiple_of(3) {
            world.deposit(&user, 10 + round).await;
        }
        world.mine(1).await;
    }
    let (url, node) = stingy(world.l1.url(), 4, 0).await;
    let client = Client::connect(&url, TIMEOUT).await.unwrap();
    let slow = world.indexer_of("slow", client, IndexerOptions::default());
    slow.follow().await.unwrap();
    assert!(node.refused.load(Ordering::Relaxed) > 3);
    let quick = world.indexer("quick");
    quick.follow().await.unwrap();
    let entries = quick.entries(0, Confirmation::Latest, 100).unwrap();
    assert_eq!(entries.len(), 10);
    assert_eq!(slow.entries(0, Confirmation::Latest, 100).unwrap(), entries);
    assert_eq!(slow.entries(3, Confirmation::Finalized, 2).unwrap(), entries[3..5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_whose_receipt_is_shown_late_is_not_displaced() {
    let world = World::new().await;
    let to = TxKind::Call(Address::repeat_byte(0xaa));
    let sent = world.sender(USER).send(to, U256::from(1), Bytes::new()).await.unwrap();
    world.mine(1).await;
    let (url, node) = stingy(world.l1.url(), u64::MAX, 3).await;
    let client = Client::connect(&url, TIMEOUT).await.unwrap();
    let sender = Sender::new(client, key(USER), FeePolicy::default());
    assert!(matches!(sender.outcome(&sent).await.unwrap(), Outcome::Done { .. }));
    assert_eq!(node.hidden.load(Ordering::Relaxed), 0);
}
