//! The contract as settlement sees it.

use std::time::Duration;

use contracts::QueueHash;
use settlement::{Action, Chain as _, Fate, Fault, Sent, Standing};

use crate::world::{ADMIN, FINALITY_DELAY, OPERATOR, USER, World, config, lasts, passes, sealed, send, sync};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_is_committed_proved_and_made_final() {
    let world = World::new().await;
    let chain = world.chain().await;
    let batches = [world.seal(), world.seal()];
    assert_eq!(sync(|| chain.standing(1)), Ok(Standing::Unknown));
    assert_eq!(sync(|| chain.last_committed()), Ok(0));

    let sent = send(&chain, Action::Commit, &batches).unwrap();
    assert_eq!(sync(|| chain.fate(&sent)), Ok(Fate::Open));
    let block = world.l1.mine().await.unwrap();
    assert!(matches!(sync(|| chain.fate(&sent)), Ok(Fate::Done { gas }) if gas > 50_000));
    assert_eq!(sync(|| chain.heads()).unwrap().latest, block);
    for batch in &batches {
        let standing = sync(|| chain.standing(batch.number));
        assert_eq!(standing, Ok(Standing::Committed { digest: batch.digest, block }));
    }
    assert_eq!(sync(|| chain.last_committed()), Ok(2));

    let sent = send(&chain, Action::Prove, &batches).unwrap();
    let block = world.l1.mine().await.unwrap();
    assert!(matches!(sync(|| chain.fate(&sent)), Ok(Fate::Done { .. })));
    sync(|| chain.heads()).unwrap();
    let time = world.client.block(block.number).await.unwrap().unwrap().timestamp;
    let final_from = (time + FINALITY_DELAY) * 1_000;
    let digest = batches[1].digest;
    assert_eq!(sync(|| chain.standing(2)), Ok(Standing::Proved { digest, block, final_from }));

    assert!(passes(send(&chain, Action::Finalise, &batches)).contains("NotFinalYet"));
    world.l1.advance_clock(Duration::from_secs(FINALITY_DELAY + 60));
    world.mine(1).await;
    let sent = send(&chain, Action::Finalise, &batches).unwrap();
    let block = world.l1.mine().await.unwrap();
    assert!(matches!(sync(|| chain.fate(&sent)), Ok(Fate::Done { .. })));
    sync(|| chain.heads()).unwrap();
    assert_eq!(sync(|| chain.standing(2)), Ok(Standing::Final { digest, block }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_chain_has_is_not_sent_again() {
    let world = World::new().await;
    let chain = world.chain().await;
    let batches = [world.seal(), world.seal(), world.seal()];
    send(&chain, Action::Commit, &batches[..2]).unwrap();
    world.mine(1).await;
    let nonce = world.client.nonce(world.sender(OPERATOR).address()).await.unwrap();

    let again = send(&chain, Action::Commit, &batches[..2]).unwrap();
    assert_eq!(sync(|| chain.fate(&again)), Ok(Fate::Done { gas: 0 }));
    // Of three batches that two are committed of, one is sent.
    let rest = send(&chain, Action::Commit, &batches).unwrap();
    world.mine(1).await;
    assert!(matches!(sync(|| chain.fate(&rest)), Ok(Fate::Done { gas }) if gas > 0));
    assert_eq!(sync(|| chain.last_committed()), Ok(3));
    assert_eq!(world.client.nonce(world.sender(OPERATOR).address()).await.unwrap(), nonce + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_was_remembered_and_does_not_decode_is_sent_anew() {
    let world = World::new().await;
    let chain = world.chain().await;
    let batch = [world.seal()];
    let mut sent = send(&chain, Action::Commit, &batch).unwrap();
    sent.handle.truncate(3);
    let fate = sync(|| chain.fate(&sent)).unwrap();
    assert!(matches!(fate, Fate::Refused { why } if why.contains("does not decode")));
    world.mine(1).await;
    let again = sync(|| chain.send(Action::Commit, &batch, Some(&sent), &mut |_| Ok(()))).unwrap();
    assert_eq!(sync(|| chain.fate(&again)), Ok(Fate::Done { gas: 0 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_proof_of_many_batches_is_not_spoiled_by_whoever_proves_the_first() {
    let world = World::new().await;
    let chain = world.chain().await;
    let batches = [world.seal(), world.seal(), world.seal()];
    send(&chain, Action::Commit, &batches).unwrap();
    world.mine(1).await;
    let stranger = world.process("stranger", USER, world.book.clone()).await;
    send(&stranger, Action::Prove, &batches[..1]).unwrap();
    world.mine(1).await;
    let sent = send(&chain, Action::Prove, &batches).unwrap();
    let block = world.l1.mine().await.unwrap();
    assert!(matches!(sync(|| chain.fate(&sent)), Ok(Fate::Done { gas }) if gas > 0));
    sync(|| chain.heads()).unwrap();
    for (batch, ours) in batches.iter().zip([false, true, true]) {
        match sync(|| chain.standing(batch.number)).unwrap() {
            Standing::Proved { block: found, .. } => assert_eq!(found == block, ours),
            standing => panic!("{standing:?}"),
        }
    }
    let again = send(&chain, Action::Prove, &batches).unwrap();
    assert_eq!(sync(|| chain.fate(&again)), Ok(Fate::Done { gas: 0 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_that_send_the_same_batch_do_no_harm() {
    let world = World::new().await;
    let one = world.process("one", OPERATOR, world.book.clone()).await;
    let two = world.process("two", OPERATOR, world.book.clone()).await;
    let batch = world.seal();
    let first = send(&one, Action::Commit, std::slice::from_ref(&batch)).unwrap();
    let second = send(&two, Action::Commit, std::slice::from_ref(&batch)).unwrap();
    assert_ne!(first.id, second.id);
    world.mine(1).await;
    assert!(matches!(sync(|| one.fate(&first)), Ok(Fate::Done { .. })));
    match sync(|| two.fate(&second)).unwrap() {
        Fate::Refused { why } => assert!(why.contains("BatchOutOfOrder"), "{why}"),
        fate => panic!("{fate:?}"),
    }
    for chain in [&one, &two] {
        sync(|| chain.heads()).unwrap();
        let standing = sync(|| chain.standing(1)).unwrap();
        assert!(matches!(standing, Standing::Committed { digest, .. } if digest == batch.digest));
    }
    // Proofs may be brought by anybody: each by its own key.
    let three = world.process("three", USER, world.book.clone()).await;
    let first = send(&one, Action::Prove, std::slice::from_ref(&batch)).unwrap();
    let second = send(&three, Action::Prove, std::slice::from_ref(&batch)).unwrap();
    world.mine(1).await;
    let fates = [sync(|| one.fate(&first)).unwrap(), sync(|| three.fate(&second)).unwrap()];
    assert_eq!(fates.iter().filter(|fate| matches!(fate, Fate::Done { .. })).count(), 1, "{fates:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_contract_would_refuse_is_not_sent_and_says_why() {
    let world = World::new().await;
    let chain = world.chain().await;
    let first = world.seal();
    send(&chain, Action::Commit, std::slice::from_ref(&first)).unwrap();
    world.mine(1).await;
    let nonce = world.client.nonce(world.sender(OPERATOR).address()).await.unwrap();

    // A batch that does not begin where the last one ended.
    let second = world.seal();
    let stale = {
        let mut claims = world.book.claims.lock().unwrap();
        claims[1].previous_root = [0xbb; 32];
        sealed(&claims[1])
    };
    assert_ne!(second.digest, stale.digest);
    assert!(lasts(send(&chain, Action::Commit, &[stale])).contains("WrongPreviousRoot"));
    assert!(lasts(send(&chain, Action::Commit, &[second])).contains("is not the one that was sealed"));
    // A batch before its turn may have it later.
    world.book.claims.lock().unwrap().pop();
    world.seal();
    let third = world.seal();
    assert!(passes(send(&chain, Action::Commit, &[third])).contains("BatchOutOfOrder"));
    // Entries that the queue does not have.
    world.book.claims.lock().unwrap().truncate(1);
    let ahead = world.book.seal(&QueueHash { position: 3, hash: [3; 32] });
    assert!(passes(send(&chain, Action::Commit, &[ahead])).contains("WrongQueuePosition"));
    // A proof that nobody named has signed.
    let mut book = world.book.clone();
    book.honest = false;
    let liar = world.process("liar", USER, book.clone()).await;
    assert!(lasts(send(&liar, Action::Prove, std::slice::from_ref(&first))).contains("BadSignature"));
    // Somebody who is not the operator.
    book.claims.lock().unwrap().truncate(1);
    let next = world.seal();
    let admin = world.process("admin", ADMIN, book).await;
    assert!(lasts(send(&admin, Action::Commit, &[next])).contains("NotOperator"));
    // Another claim of a batch that is committed.
    let other = {
        let mut claims = world.book.claims.lock().unwrap();
        claims[0].commands_root = [0xcc; 32];
        sealed(&claims[0])
    };
    assert!(lasts(send(&chain, Action::Commit, &[other])).contains("another claim"));
    assert_eq!(world.client.nonce(world.sender(OPERATOR).address()).await.unwrap(), nonce);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reorg_takes_commits_and_proofs_back_and_they_come_again() {
    let world = World::with(l1::Config { final_depth: 30, safe_depth: 20, ..config() }).await;
    let chain = world.chain().await;
    for depth in [1_u64, 3, 10] {
        let batch = world.seal();
        let number = batch.number;
        for action in [Action::Commit, Action::Prove] {
            let sent = send(&chain, action, std::slice::from_ref(&batch)).unwrap();
            let block = world.l1.mine().await.unwrap();
            world.mine(depth as usize - 1).await;
            sync(|| chain.heads()).unwrap();
            let before = sync(|| chain.standing(number)).unwrap();
            assert_eq!(before.digest(), Some(batch.digest));
            assert!(matches!(sync(|| chain.fate(&sent)), Ok(Fate::Done { .. })));

            world.l1.reorg(depth).await.unwrap();
            let heads = sync(|| chain.heads()).unwrap();
            assert_eq!(heads.latest, world.l1.head().await.unwrap());
            let after = sync(|| chain.standing(number)).unwrap();
            match action {
                Action::Commit => assert_eq!(after, Standing::Unknown),
                _ => assert!(matches!(after, Standing::Committed { .. })),
            }
            // The node has lost the transaction; whoever asks for it brings it back.
            assert_eq!(sync(|| chain.fate(&sent)), Ok(Fate::Open));
            let again = world.l1.mine().await.unwrap();
            assert_ne!(again, block);
            assert!(matches!(sync(|| chain.fate(&sent)), Ok(Fate::Done { .. })));
            sync(|| chain.heads()).unwrap();
            match sync(|| chain.standing(number)).unwrap() {
                Standing::Committed { block, .. } | Standing::Proved { block, .. } => {
                    assert_eq!(block, again)
                }
                standing => panic!("{standing:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_waits_is_replaced() {
    let world = World::new().await;
    let chain = world.chain().await;
    let batch = [world.seal()];
    let slow = send(&chain, Action::Commit, &batch).unwrap();
    let fast = sync(|| chain.send(Action::Commit, &batch, Some(&slow), &mut |_| Ok(()))).unwrap();
    assert_ne!(slow.id, fast.id);
    assert_eq!(sync(|| chain.fate(&fast)), Ok(Fate::Open));
    world.mine(1).await;
    assert!(matches!(sync(|| chain.fate(&fast)), Ok(Fate::Done { .. })));
    assert!(matches!(sync(|| chain.fate(&slow)), Ok(Fate::Refused { .. })));
    // To replace what is done gives what is done.
    assert_eq!(sync(|| chain.send(Action::Commit, &batch, Some(&fast), &mut |_| Ok(()))), Ok(fast));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_signed_is_written_down_before_it_is_sent_or_it_is_not_sent() {
    let world = World::new().await;
    let chain = world.chain().await;
    let batch = [world.seal()];
    let operator = world.sender(OPERATOR).address();
    let before = world.client.nonce(operator).await.unwrap();
    let full = &mut |_: &Sent| Err(Fault::Passing("no space left".to_string()));
    assert!(passes(sync(|| chain.send(Action::Commit, &batch, None, full))).contains("no space left"));
    world.mine(1).await;
    assert_eq!(world.client.nonce(operator).await.unwrap(), before, "it was not sent");

    let mut noted = Vec::new();
    let first = sync(|| {
        chain.send(Action::Commit, &batch, None, &mut |sent| {
            noted.push(sent.clone());
            Ok(())
        })
    });
    assert_eq!(noted, [first.unwrap()]);
    assert!(passes(sync(|| chain.send(Action::Commit, &batch, Some(&noted[0]), full))).contains("no space"));
    assert_eq!(sync(|| chain.fate(&noted[0])), Ok(Fate::Open), "it was not replaced");
    // A process that has nothing but what was written down replaces it.
    let other = world.process("other", OPERATOR, world.book.clone()).await;
    let second = sync(|| other.send(Action::Commit, &batch, Some(&noted[0]), &mut |_| Ok(()))).unwrap();
    world.mine(1).await;
    assert!(matches!(sync(|| other.fate(&second)), Ok(Fate::Done { .. })));
    assert_eq!(world.client.nonce(operator).await.unwrap(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_whose_answer_is_lost_is_followed_and_not_sent_twice() {
    let world = World::new().await;
    let chain = world.chain().await;
    let batch = [world.seal()];
    let operator = world.sender(OPERATOR).address();
    let before = world.client.nonce(operator).await.unwrap();
    let runtime = tokio::runtime::Handle::current();
    // The node goes away once the transaction is signed.
    let mut away = |_: &Sent| {
        runtime.block_on(world.l1.pause_rpc());
        Ok(())
    };
    let first = sync(|| chain.send(Action::Commit, &batch, None, &mut away)).unwrap();
    passes(sync(|| chain.fate(&first)));
    world.l1.resume_rpc().await.unwrap();
    assert_eq!(sync(|| chain.fate(&first)), Ok(Fate::Open));
    // The same when it is replaced.
    let second = sync(|| chain.send(Action::Commit, &batch, Some(&first), &mut away)).unwrap();
    assert_ne!(first.id, second.id);
    world.l1.resume_rpc().await.unwrap();
    assert_eq!(sync(|| chain.fate(&second)), Ok(Fate::Open));
    world.mine(1).await;
    assert!(matches!(sync(|| chain.fate(&second)), Ok(Fate::Done { .. })));
    assert_eq!(world.client.nonce(operator).await.unwrap(), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_chain_that_is_down_is_a_fault_that_passes() {
    let world = World::new().await;
    let chain = world.chain().await;
    let batch = [world.seal()];
    let sent = send(&chain, Action::Commit, &batch).unwrap();
    world.l1.pause_rpc().await;
    assert!(passes(sync(|| chain.heads())).contains("cannot be reached"));
    passes(sync(|| chain.fate(&sent)));
    passes(sync(|| chain.last_committed()));
    passes(send(&chain, Action::Commit, &batch));
    world.l1.resume_rpc().await.unwrap();
    world.mine(1).await;
    assert!(matches!(sync(|| chain.fate(&sent)), Ok(Fate::Done { .. })));
    assert_eq!(sync(|| chain.last_committed()), Ok(1));
}
