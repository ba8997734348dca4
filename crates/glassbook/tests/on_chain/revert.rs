//! The operator takes committed batches back: the same are committed again, or the exchange goes back to what stands.

use std::fs;
use std::process::Output;
use std::thread::sleep;
use std::time::Duration;

use exchange::batch_path;
use shard_store::{BlockId, Store, StoreError};

use crate::kit::{PAUSE, Running, Who, World, done, has, refused, until};

/// An exchange that runs, with at least three committed batches that nobody proves. More may follow: what was
/// deposited is in the batch after, and how many there are in the end is certain only in a pause.
fn committed() -> (World, Running) {
    let world = World::new();
    let exchange = world.start(&["--proofs", "core", "--listen", "127.0.0.1:0"]);
    let coin = world.coin().to_string();
    let mut batches = 0;
    while batches < 3 {
        let before = batches;
        done(&world.call(Who::User, &["l1", "deposit", "--asset", &coin, "--amount", "1"]));
        until("another batch", || {
            batches = world.committed_and_proved().0;
            (batches > before).then_some(())
        });
    }
    assert_eq!(world.committed_and_proved().1, 0);
    (world, exchange)
}

fn revert(world: &World, to: u64) -> Output {
    world.call(Who::Operator, &["operator", "revert", "--to-batch", &to.to_string()])
}

/// A pause begins, in which nothing is committed; how many batches are.
fn pause(world: &World) -> u64 {
    has(&done(&world.call(Who::Operator, &["operator", "pause"])), "announced: begins in");
    world.pass(PAUSE);
    until("the pause", || done(&world.ask(&["l1", "status"])).contains("pause       yes").then_some(()));
    world.committed_and_proved().0
}

fn unpause(world: &World) {
    has(&done(&world.call(Who::Operator, &["operator", "unpause"])), "pause: no");
}

#[test]
fn batches_that_were_reverted_are_committed_again_when_the_pause_ends() {
    let (world, exchange) = committed();
    let why = refused(&revert(&world, 1));
    has(&why, "in a pause alone");
    has(&why, "glassbook operator pause");
    has(&refused(&world.call(Who::User, &["operator", "pause"])), "use the admin's key");
    let batches = pause(&world);
    has(&refused(&revert(&world, batches)), "there is nothing after");
    let why = refused(&world.call(Who::User, &["operator", "revert", "--to-batch", "1"]));
    has(&why, "use the operator's key");
    has(&done(&revert(&world, 1)), &format!("revert batches 2 to {batches}"));
    assert_eq!(world.committed_and_proved(), (1, 0));
    let before: Vec<_> = (1..=batches).map(|number| world.batch(number)).collect();

    // The exchange runs on in the pause; its commits are refused until the pause ends.
    sleep(Duration::from_secs(4));
    assert_eq!(world.committed_and_proved().0, 1, "something was committed in the pause");
    unpause(&world);
    until("the same batches, committed again", || (world.committed_and_proved().0 >= batches).then_some(()));
    drop(exchange);
    let report = done(&world.dev(&["--for", "1s"]).output().unwrap());
    has(&report, "the contract holds what the exchange owes, to the wei");
    let after: Vec<_> = (1..=batches).map(|number| world.batch(number)).collect();
    assert!(before == after, "other batches were settled than before");
    let (committed, proved) = world.committed_and_proved();
    assert!(committed >= batches && proved == committed, "{proved} of {committed}");
    // What was proved stays.
    has(&refused(&revert(&world, 1)), "what was proved is never reverted");
}

#[test]
fn an_exchange_goes_back_to_the_batches_that_stand() {
    let (world, exchange) = committed();
    let batches = pause(&world);
    drop(exchange);
    let recover = |to: &str, more: &[&str]| {
        let mut command = world.glassbook();
        command.args(["recover", "--from-l1", &world.l1.url(), "--exchange", &world.exchange().to_string()]);
        command.arg("--published").arg(world.published()).arg("--data").arg(world.path(to)).args(more);
        command.output().unwrap()
    };
    // For looking at: the chain still has the other batches.
    let text = done(&recover("look", &["--to-batch", "1"]));
    has(&text, "recovered batches 1 to 1,");
    has(&text, "it settles only after `glassbook operator revert --to-batch 1`");
    has(
        &refused(&recover("more", &["--to-batch", &(batches + 1).to_string()])),
        "the chain has batches 1 to",
    );

    done(&revert(&world, 1));
    unpause(&world);
    // The exchange as it was goes on, and would commit the same again. This one goes back instead.
    fs::remove_dir_all(world.data().join("exchange")).unwrap();
    fs::remove_file(world.data().join("settlement.redb")).unwrap();
    // The shards stay: what the chain does not have any more makes room.
    let old = world.batch(2);
    let shards = Store::open(&world.data().join("shards")).unwrap();
    let before = shards.find(BlockId::Number(2)).unwrap().record;
    has(&done(&recover("dev/exchange", &[])), "recovered batches 1 to 1,");
    let report = done(&world.dev(&["--for", "1s"]).output().unwrap());
    // Deposits that were in the lost batches came in again, from L1.
    has(&report, "the contract holds what the exchange owes, to the wei");
    assert!(
        old != fs::read(batch_path(&world.published(), 2)).unwrap(),
        "batch 2 is the one that was reverted"
    );
    assert_eq!(world.committed_and_proved().0, world.committed_and_proved().1);
    let now = shards.find(BlockId::Number(2)).unwrap();
    assert!(
        now.has_shards && now.record.claim_digest != before.claim_digest,
        "its shards are the new batch's"
    );
    let lost = shards.find(BlockId::Commitment(before.commitment()));
    assert!(matches!(lost, Err(StoreError::NoSuchBlock)), "{lost:?}");
}
