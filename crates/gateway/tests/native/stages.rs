//! Orders and batches on their way to finality.

use std::time::Duration;

use gateway::native::{PREFIX, Stage};
use types::{AccountId, Command, OperatorCommand, OrderId, Side};

use crate::kit::{RUN, World, limit, session_key};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_followed_from_acceptance_to_finality() {
    let world = World::open().await;
    let client = &world.client;
    let account = AccountId(1);
    let mut signer = client.signer(account, session_key(account)).await.unwrap();
    let answer = client.submit(&mut signer, &[limit(Side::Buy, 400, 7)]).await.unwrap();
    let order = client.order(OrderId(1)).await.unwrap();
    assert_eq!((order.sequence, order.steps[0].state.as_str()), (answer.first_sequence, "accepted"));
    // What the order is, is not shown before everybody can read it in a sealed batch.
    assert_eq!(order.order.is_some(), order.batch.is_some());

    let batch = client.wait_until_sealed(answer.first_sequence, Duration::from_secs(20)).await.unwrap();
    let order = client.order(OrderId(1)).await.unwrap();
    assert_eq!((order.state.as_str(), order.batch), ("sealed", Some(batch)));
    let detail = order.order.unwrap();
    assert_eq!((detail.price, detail.quantity.as_str(), detail.status.as_str()), (400, "7", "new"));

    for stage in [Stage::Available, Stage::Committed, Stage::Proved, Stage::Final] {
        world.lifecycle.reach(batch, stage);
    }
    let order = client.order(OrderId(1)).await.unwrap();
    let states: Vec<&str> = order.steps.iter().map(|step| step.state.as_str()).collect();
    assert_eq!(states, ["accepted", "sealed", "available", "committed", "proved", "final"]);
    assert_eq!(order.state, "final");
    let committed = &order.steps[3];
    assert_eq!(committed.l1_block.as_ref().unwrap().number, 100 + batch);
    assert!(committed.tx.as_ref().unwrap().starts_with("0x"));
    assert!(order.steps[2].l1_block.is_none());

    let found = client.batch(batch).await.unwrap();
    assert_eq!((found.state.as_str(), found.stage.as_str()), ("final", "final"));
    let (first, last) = found.commands.unwrap();
    assert!((first..=last).contains(&answer.first_sequence));
    let (_, json) = world.ask("GET", &format!("/batches/{batch}"), None).await;
    assert_eq!(json["l1"]["commit"]["gas"], 90_000);
    let (_, listed) = world.ask("GET", &format!("/batches?from={batch}&limit=1"), None).await;
    assert_eq!(listed[0], json);
    assert_eq!(client.exchange().await.unwrap().batch.last_final, batch);

    // The balances that a contract would pay by: those of the last final batch.
    let balances = loop {
        match client.balances(account, None).await {
            Ok(balances) => break balances,
            Err(error) => assert_eq!(error.code(), Some("catching_up"), "{error}"),
        }
    };
    assert_eq!(balances.claim.batch, batch);
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_of_balances_are_of_final_and_newer_batches_and_of_no_older_ones() {
    let world = World::open().await;
    world.lifecycle.reach(1, Stage::Final);
    let client = &world.client;
    let account = AccountId(1);
    let mut signer = client.signer(account, session_key(account)).await.unwrap();
    let mut last = 0;
    for round in 0..5 {
        let answer = client.submit(&mut signer, &[limit(Side::Buy, 10 + round, 1)]).await.unwrap();
        last = client.wait_until_sealed(answer.first_sequence, Duration::from_secs(20)).await.unwrap();
    }
    assert!(last > 3, "each order has a batch of its own: {last}");
    world.lifecycle.reach(last - 2, Stage::Final);
    for batch in [last - 1, last, last - 1, last - 2] {
        let balances = client.balances(account, Some(batch)).await.unwrap();
        assert_eq!(balances.claim.batch, batch);
    }
    // Once the tree has followed.
    let mut tries = 0;
    while let Ok(balances) = client.balances(account, Some(1)).await {
        assert_eq!(balances.claim.batch, 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
        tries += 1;
        assert!(tries < 400, "the state after batch 1 is still kept");
    }
    let old = client.balances(account, Some(1)).await.unwrap_err();
    assert_eq!(old.code(), Some("batch_too_old"), "{old}");
    let beyond = client.balances(account, Some(last + 1_000)).await.unwrap_err();
    assert_eq!(beyond.code(), Some("unknown_batch"), "{beyond}");
}

#[tokio::test(flavor = "multi_thread")]
async fn proof_files_come_with_what_they_are() {
    let world = World::open().await;
    let refused = world.client.proof(1).await.unwrap_err();
    // The first batch is sealed a tenth of a second after its first command.
    assert!(["unknown_batch", "no_proof"].contains(&refused.code().unwrap()), "{refused}");
    world.client.wait_until_sealed(1, Duration::from_secs(20)).await.unwrap();
    assert_eq!(world.client.proof(1).await.unwrap_err().code(), Some("no_proof"));
    world.lifecycle.prove(1, vec![1, 2, 3]);
    let answer = reqwest::get(format!("{}{PREFIX}/batches/1/proof", world.url)).await.unwrap();
    assert_eq!(answer.headers()["glassbook-proof-kind"], "executed");
    assert_eq!(answer.headers()["glassbook-proof-batches"], "1 1");
    assert_eq!(answer.bytes().await.unwrap()[..], [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn transitions_are_told_as_they_happen_and_again_to_whoever_comes_back() {
    let world = World::open().await;
    world.lifecycle.reach(1, Stage::Available);
    world.lifecycle.reach(1, Stage::Committed);
    let read = |last: Option<&'static str>, count: usize| {
        let url = format!("{}{PREFIX}/events{}", world.url, if last.is_some() { "" } else { "?after=0" });
        async move {
            let mut request = reqwest::Client::new().get(url);
            if let Some(last) = last {
                request = request.header("last-event-id", last.replace("RUN", &RUN.to_string()));
            }
            let mut answer = request.send().await.unwrap();
            let mut text = String::new();
            while text.matches("data: ").count() < count {
                text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
            }
            text
        }
    };
    let text = read(None, 2).await;
    assert!(text.contains(&format!("id: {RUN}-1")) && text.contains(r#""to":"committed""#), "{text}");
    let text = read(Some("RUN-1"), 1).await;
    assert!(!text.contains(r#""to":"available""#) && text.contains(r#""to":"committed""#), "{text}");
    // Numbers of another start mean nothing here: everything that is kept is told.
    let text = read(Some("1-1"), 2).await;
    assert!(text.contains(r#""to":"available""#), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_is_halted_says_so_in_both_apis() {
    let world = World::open().await;
    let operator = AccountId(0);
    let statuses = async || {
        let (_, native) = world.ask("GET", "/exchange", None).await;
        let url = format!("{}/api/v3/exchangeInfo", world.url);
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let info: serde_json::Value = serde_json::from_str(&text).unwrap();
        (native["halted"].clone(), info["symbols"][0]["status"].clone())
    };
    assert_eq!(statuses().await, (false.into(), "TRADING".into()));
    for (halted, status) in [(true, "HALT"), (false, "TRADING")] {
        let mut signer = world.client.signer(operator, session_key(operator)).await.unwrap();
        let command = Command::Operator(Box::new(OperatorCommand::HaltExchange { halted }));
        world.client.submit(&mut signer, &[command]).await.unwrap();
        assert_eq!(statuses().await, (halted.into(), status.into()));
    }
}
