//! Stream-signed orders, from the trader's key to receipts and proofs of balances.

use std::time::Duration;

use glassbook_client::ClientError;
use types::{AccountId, AssetId, Event, OrderId, Outcome, Quanta, Side};

use crate::kit::{FUNDS, World, limit, session_key};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_acknowledged_sealed_and_shown_by_receipts_and_balances() {
    let world = World::open().await;
    let client = &world.client;
    let facts = client.exchange().await.unwrap();
    assert_eq!((facts.chain_id, facts.contract.as_str()), (31_337, &*format!("0x{}", "ee".repeat(20))));
    assert_eq!((facts.proofs.as_str(), facts.markets.len(), facts.assets.len()), ("executed", 1, 2));

    let (maker, taker) = (AccountId(1), AccountId(2));
    let mut sells = client.signer(maker, session_key(maker)).await.unwrap();
    let mut buys = client.signer(taker, session_key(taker)).await.unwrap();
    let placed =
        client.submit(&mut sells, &[limit(Side::Sell, 500, 10), limit(Side::Sell, 501, 10)]).await.unwrap();
    assert_eq!(placed.outcomes, [Outcome::Accepted(OrderId(1)), Outcome::Accepted(OrderId(2))]);
    let taken = client.submit(&mut buys, &[limit(Side::Buy, 501, 15)]).await.unwrap();
    assert_eq!(taken.outcomes, [Outcome::Accepted(OrderId(3))]);
    assert_eq!(client.account(taker).await.unwrap().stream.position, 1);

    let batch = client.wait_until_sealed(taken.first_sequence, PATIENCE).await.unwrap();
    assert_eq!(batch, taken.batch);
    let receipt = client.receipt(taken.first_sequence).await.unwrap();
    assert_eq!((receipt.outcome, receipt.claim.batch), (taken.outcomes[0], batch));
    let fills: Vec<(u32, u64)> = receipt
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Fill(fill) => Some((fill.price.0, fill.quantity.0)),
            _ => None,
        })
        .collect();
    assert_eq!(fills, [(500, 10), (501, 5)]);
    for sequence in placed.first_sequence..placed.first_sequence + 2 {
        let receipt = client.receipt(sequence).await.unwrap();
        assert!(matches!(receipt.events[..], [Event::Rested { .. }]), "{receipt:?}");
    }

    // The sealed batch is true, and claims what the receipt leads to.
    let sealed = client.execute_again(batch).await.unwrap();
    assert_eq!(sealed.claim, receipt.claim);
    for before in 2..=batch {
        let first = client.sealed_batch(before - 1).await.unwrap();
        assert!(client.sealed_batch(before).await.unwrap().claim.follows(&first.claim), "batch {before}");
    }

    // What was bought, for its price and the taker's fee of 3 %, rounded up.
    let balances = client.balances(taker, None).await.unwrap();
    assert!(balances.claim.batch >= batch);
    let notional = 10 * 500 + 5 * 501;
    let fee = (notional * 3_u64).div_ceil(100);
    let free = |asset| balances.balances[&AssetId(asset)];
    assert_eq!(free(0), (Quanta(FUNDS + 15), Quanta(0)));
    assert_eq!(free(1), (Quanta(FUNDS - notional - fee), Quanta(0)));
    // An account that has nothing of anything is shown to have nothing.
    let nothing = client.balances(AccountId(0), None).await.unwrap();
    assert_eq!(nothing.balances[&AssetId(0)], (Quanta(0), Quanta(0)));
    let earlier = client.balances(maker, Some(balances.claim.batch)).await.unwrap();
    assert_eq!(earlier.claim, balances.claim);
    assert_eq!(earlier.balances[&AssetId(0)], (Quanta(FUNDS - 20), Quanta(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_submission_leaves_the_stream_where_it_was() {
    let world = World::with(|settings| settings.limits.orders_per_ten_seconds = 100_000).await;
    let account = AccountId(1);
    let mut signer = world.client.signer(account, session_key(account)).await.unwrap();
    let before = signer.stream();
    let too_many = vec![limit(Side::Buy, 1, 1); 10_001];
    let refused = world.client.submit(&mut signer, &too_many).await.unwrap_err();
    assert_eq!(refused.code(), Some("commands_count"), "{refused}");
    assert_eq!(signer.stream(), before);
    let answer = world.client.submit(&mut signer, &[limit(Side::Buy, 1, 1)]).await.unwrap();
    assert!(matches!(answer.outcomes[..], [Outcome::Accepted(_)]));

    // A signer of another key is not even made.
    let wrong = world.client.signer(account, session_key(AccountId(2))).await;
    assert!(matches!(wrong, Err(ClientError::Other { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_submissions_at_once_are_all_answered_and_have_receipts() {
    let world = World::with(|settings| settings.limits.weight_per_minute = 1_000_000).await;
    let mut tasks = Vec::new();
    for account in [1, 2, 3].map(AccountId) {
        let client = world.client.clone();
        tasks.push(tokio::spawn(async move {
            let mut signer = client.signer(account, session_key(account)).await.unwrap();
            let mut last = 0;
            for round in 0..60 {
                let side = if round % 2 == 0 { Side::Buy } else { Side::Sell };
                let price = 500 + account.0 - round % 7;
                let answer = client.submit(&mut signer, &[limit(side, price, 3)]).await.unwrap();
                last = answer.first_sequence;
            }
            client.wait_until_sealed(last, PATIENCE).await.unwrap();
            for sequence in last.saturating_sub(40)..=last {
                client.receipt(sequence).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
