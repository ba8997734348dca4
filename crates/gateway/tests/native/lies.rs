//! An exchange that lies is found out by the client.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::IntoResponse;
use gateway::native::PREFIX;
use glassbook_client::{Client, ClientError};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use types::{AccountId, Side};

use crate::kit::{World, limit, session_key};

type Change = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// Passes the true exchange's answers on, changed.
async fn liar(world: &World, change: Change) -> Client {
    async fn pass(State((url, change)): State<(String, Change)>, uri: Uri) -> impl IntoResponse {
        let answer = reqwest::get(format!("{url}{uri}")).await.unwrap();
        let mut bytes = answer.bytes().await.unwrap().to_vec();
        if let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) {
            change(&mut value);
            bytes = value.to_string().into_bytes();
        } else {
            // The last word of the claim in the file: its time.
            bytes[8 + 415] ^= 1;
        }
        ([(header::CONTENT_TYPE, "application/json")], bytes)
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(pass).with_state((world.url.clone(), change));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Client::new(&format!("http://{address}")).unwrap()
}

/// Another digit at a place of a hexadecimal string.
fn flip(value: &mut Value, at: usize) {
    let mut text = value.as_str().unwrap().to_string();
    let other = if &text[at..=at] == "0" { "1" } else { "0" };
    text.replace_range(at..=at, other);
    *value = json!(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_answers_prove_nothing() {
    let world = World::open().await;
    let account = AccountId(1);
    let mut signer = world.client.signer(account, session_key(account)).await.unwrap();
    let answer =
        world.client.submit(&mut signer, &[limit(Side::Buy, 1, 1), limit(Side::Buy, 2, 1)]).await.unwrap();
    let sequence = answer.first_sequence;
    let batch = world.client.wait_until_sealed(sequence, Duration::from_secs(20)).await.unwrap();
    let (_, truth) = world.ask("GET", &format!("/receipts/{sequence}"), None).await;
    assert!(
        truth["path"]["siblings"].as_array().is_some_and(|siblings| !siblings.is_empty()),
        "{PREFIX}: {truth}"
    );

    let changes: [Change; 7] = [
        Arc::new(|receipt| flip(&mut receipt["content"], 4)),
        Arc::new(|receipt| flip(&mut receipt["path"]["siblings"][0], 9)),
        Arc::new(|receipt| receipt["count"] = json!(receipt["count"].as_u64().unwrap() + 1)),
        Arc::new(|receipt| receipt["path"]["index"] = json!(receipt["path"]["index"].as_u64().unwrap() + 1)),
        Arc::new(|receipt| receipt["sequence"] = json!(receipt["sequence"].as_u64().unwrap() + 1)),
        // The events root, word 8.
        Arc::new(|receipt| flip(&mut receipt["claim"], 2 + 8 * 64 + 5)),
        Arc::new(|receipt| receipt["content"] = json!("0x")),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let error = liar(&world, change).await.receipt(sequence).await.unwrap_err();
        let found = matches!(error, ClientError::Receipt(_) | ClientError::Other { .. });
        assert!(found, "change {place}: {error}");
    }

    let changes: [Change; 4] = [
        // A byte of what is free.
        Arc::new(|found| flip(&mut found["balances"][0]["proof"], 2 + 2 * 46 + 3)),
        Arc::new(|found| found["balances"][0]["proof"] = found["balances"][1]["proof"].clone()),
        // The state root, word 6.
        Arc::new(|found| flip(&mut found["claim"], 2 + 6 * 64 + 5)),
        Arc::new(|found| found["account"] = json!(2)),
    ];
    assert!(world.client.balances(account, Some(batch)).await.is_ok());
    for (place, change) in changes.into_iter().enumerate() {
        let error = liar(&world, change).await.balances(account, Some(batch)).await.unwrap_err();
        let found = matches!(error, ClientError::Proof { .. } | ClientError::Other { .. });
        assert!(found, "change {place}: {error}");
    }

    let error = liar(&world, Arc::new(|_| {})).await.execute_again(batch).await.unwrap_err();
    assert!(matches!(error, ClientError::Batch(_)), "{error}");
}
