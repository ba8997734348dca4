//! What is wrong is refused, with a code and a remedy, and leaves no trace.

use serde_json::{Value, json};
use types::{AccountId, Command, Side};

use crate::kit::{TRADERS, World, limit, session_key};

/// One command of an account, signed by somebody's session key.
async fn signed(world: &World, account: u32, by: u32) -> Value {
    let known = world.client.account(AccountId(account)).await.unwrap();
    let digest = hex::decode(known.stream.digest.trim_start_matches("0x")).unwrap().try_into().unwrap();
    let stream = transition::Stream { position: known.stream.position, digest };
    let key = session_key(AccountId(by));
    let mut signer = glassbook_client::StreamSigner::new(AccountId(account), key, stream);
    let command = hex::encode(signer.push(&limit(Side::Buy, 1, 1)));
    json!({
        "commands": [{ "account": account, "command": command }],
        "signatures": [{ "account": account, "signature": hex::encode(signer.sign()) }],
    })
}

fn refused(found: &(u16, Value), status: u16, code: &str) {
    let (found_status, body) = found;
    assert_eq!((*found_status, body["code"].as_str()), (status, Some(code)), "{body}");
    for part in ["message", "remedy"] {
        assert!(body[part].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    }
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_places_no_more_orders_than_it_may() {
    let world = World::with(|settings| settings.limits.orders_per_ten_seconds = 3).await;
    // Whoever is not the account uses up nothing of what it may place.
    for _ in 0..5 {
        refused(&world.ask("POST", "/streams", Some(signed(&world, 1, 2).await)).await, 401, "bad_signature");
    }
    let account = AccountId(1);
    let mut signer = world.client.signer(account, session_key(account)).await.unwrap();
    let orders = |count: usize| vec![limit(Side::Buy, 1, 1); count];
    assert!(
        world
            .client
            .submit(&mut signer, &orders(4))
            .await
            .unwrap_err()
            .to_string()
            .contains("too_many_orders")
    );
    let mut placed = 0;
    // Ten seconds may end meanwhile.
    let refusal = loop {
        match world.client.submit(&mut signer, &orders(1)).await {
            Ok(_) => placed += 1,
            Err(error) => break error.to_string(),
        }
        assert!(placed < 100);
    };
    assert!(placed >= 3 && refusal.contains("too_many_orders"), "{placed} {refusal}");
    let nothing = Command::MassCancel { market: None, side: None };
    world.client.submit(&mut signer, &vec![nothing; 50]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn submissions_that_prove_nothing_are_refused() {
    let world = World::open().await;
    let good = signed(&world, 1, 1).await;
    refused(&world.ask("POST", "/streams", Some(signed(&world, 1, 2).await)).await, 401, "bad_signature");
    assert_eq!(world.ask("POST", "/streams", Some(good.clone())).await.0, 200);
    // The same again is a replay.
    refused(&world.ask("POST", "/streams", Some(good.clone())).await, 401, "bad_signature");
    assert_eq!(world.client.account(AccountId(1)).await.unwrap().stream.position, 1);

    let with = |path: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        body
    };
    let long = "00".repeat(161);
    let mut deposit = Vec::new();
    let command =
        Command::Deposit { owner: Default::default(), asset: types::AssetId(0), amount: types::Quanta(1) };
    command.encode(&mut deposit);
    for (body, status, code) in [
        (with("/commands/0/command", json!("abc")), 400, "bad_hex"),
        (with("/commands/0/command", json!("xy")), 400, "bad_hex"),
        (with("/commands/0/command", json!(long)), 400, "too_long"),
        (with("/commands/0/command", json!("")), 400, "bad_command"),
        (with("/commands/0/command", json!("ff")), 400, "bad_command"),
        (with("/commands/0/command", json!("0400ff")), 400, "bad_command"),
        (with("/commands/0/command", json!(hex::encode(deposit))), 400, "misplaced"),
        (with("/commands/0/account", json!(999)), 401, "bad_signature"),
        (with("/commands/0/account", json!(-1)), 400, "bad_body"),
        (with("/signatures/0/signature", json!("00")), 400, "bad_length"),
        (with("/signatures/0/account", json!(999)), 404, "unknown_account"),
        (with("/signatures", json!([])), 401, "bad_signature"),
        (with("/commands", json!([])), 400, "commands_count"),
        (json!({ "commands": [] }), 400, "bad_body"),
        (json!([]), 400, "bad_body"),
        (json!({ "commands": [], "signatures": [], "more": 1 }), 400, "bad_body"),
    ] {
        refused(&world.ask("POST", "/streams", Some(body)).await, status, code);
    }
    let unknown = json!({ "commands": [{ "account": 999, "command": "0400" }], "signatures": [{ "account": 999, "signature": "00".repeat(64) }] });
    refused(&world.ask("POST", "/streams", Some(unknown)).await, 404, "unknown_account");
    let none = TRADERS;
    let sessionless = json!({ "commands": [{ "account": none, "command": "0400" }], "signatures": [{ "account": none, "signature": "00".repeat(64) }] });
    refused(&world.ask("POST", "/streams", Some(sessionless)).await, 409, "no_session");

    let owner = |account: u32, command: &str, signature: &str| json!({ "account": account, "command": command, "signature": signature });
    for (body, status, code) in [
        (owner(1, "0400", &"00".repeat(65)), 401, "bad_signature"),
        (owner(1, "0400", &"00".repeat(64)), 400, "bad_length"),
        (owner(1, "04", &"00".repeat(65)), 400, "bad_command"),
        (owner(999, "0400", &"00".repeat(65)), 404, "unknown_account"),
    ] {
        refused(&world.ask("POST", "/owner-commands", Some(body)).await, status, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_or_no_json_are_refused() {
    let world = World::open().await;
    let url = format!("{}{}/streams", world.url, gateway::native::PREFIX);
    let send = |body: Vec<u8>, kind: &'static str| {
        let url = url.clone();
        async move {
            let request = reqwest::Client::new().post(url).header("content-type", kind).body(body);
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
        }
    };
    refused(&send(vec![b' '; (4 << 20) + 1], "application/json").await, 413, "too_large");
    refused(&send(b"{}".to_vec(), "text/plain").await, 415, "not_json");
    refused(&send(b"{".to_vec(), "application/json").await, 400, "bad_body");
    refused(&send(vec![0xff; 10], "application/json").await, 400, "bad_body");
    // Other requests have no need of so much.
    let large = json!({ "account": 1, "command": "0400", "signature": "0".repeat(100_000) });
    refused(&world.ask("POST", "/owner-commands", Some(large)).await, 413, "too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_not_to_be_there() {
    let world = World::open().await;
    for (method, path, status, code) in [
        ("GET", "/orders/77", 404, "unknown_order"),
        ("GET", "/orders/x", 400, "bad_path"),
        ("GET", "/orders/18446744073709551616", 400, "bad_path"),
        ("GET", "/receipts/0", 404, "unknown_command"),
        ("GET", "/receipts/9007199254740991", 404, "unknown_command"),
        ("GET", "/receipts/9007199254740992", 400, "bad_path"),
        ("GET", "/commands/999999", 404, "unknown_command"),
        ("GET", "/batches/0", 404, "unknown_batch"),
        ("GET", "/batches/9007199254740991", 404, "unknown_batch"),
        ("GET", "/batches/999/sealed", 404, "unknown_batch"),
        ("GET", "/batches/999/proof", 404, "unknown_batch"),
        ("GET", "/batches/999/availability", 404, "unknown_batch"),
        ("GET", "/batches?limit=-1", 400, "bad_query"),
        ("GET", "/batches?from=x", 400, "bad_query"),
        ("GET", "/batches?form=1", 400, "bad_query"),
        ("GET", "/accounts/999", 404, "unknown_account"),
        ("GET", "/accounts/4294967296", 400, "bad_path"),
        ("GET", "/accounts/999/balance-proof", 404, "unknown_account"),
        ("GET", "/owners/0x00", 400, "bad_length"),
        ("GET", "/owners/zz", 400, "bad_hex"),
        ("GET", "/owners/0x0000000000000000000000000000000000000001", 404, "unknown_owner"),
        ("GET", "/delegations/999", 404, "unknown_account"),
        ("GET", "/forced-operations?asset=9", 404, "unknown_asset"),
        ("GET", "/forced-operations?market=9", 404, "unknown_market"),
        ("GET", "/forced-operations?side=up", 400, "bad_side"),
        ("GET", "/forced-operations?amount=lots", 400, "bad_amount"),
        ("GET", "/keys", 401, "no_signature"),
        ("GET", "/stream", 426, "not_a_websocket"),
        ("GET", "/nothing", 404, "unknown_route"),
        ("GET", "/", 404, "unknown_route"),
        ("DELETE", "/exchange", 405, "wrong_method"),
        ("GET", "/streams", 405, "wrong_method"),
    ] {
        let found = world.ask(method, path, None).await;
        println!("{method} {path}: {}", found.1);
        refused(&found, status, code);
    }
    let (status, forced) = world.ask("GET", "/forced-operations?asset=1&amount=5&side=buy", None).await;
    assert_eq!(status, 200, "{forced}");
    let names: Vec<&str> =
        forced["operations"].as_array().unwrap().iter().map(|o| o["operation"].as_str().unwrap()).collect();
    assert_eq!(names, ["withdraw", "cancel", "exit"]);
    let calldata = forced["operations"][0]["calldata"].as_str().unwrap();
    let said = String::from_utf8(hex::decode(&calldata[2..]).unwrap()).unwrap();
    assert_eq!(said, "Withdraw { asset: AssetId(1), amount: Quanta(5) }");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_too_much_is_told_to_wait() {
    let world = World::with(|settings| settings.limits.weight_per_minute = 30).await;
    let mut refusals = 0;
    for _ in 0..40 {
        let found = world.ask("GET", "/exchange", None).await;
        if found.0 != 200 {
            refused(&found, 429, "too_many_requests");
            refusals += 1;
        }
    }
    assert!(refusals > 0);
}
