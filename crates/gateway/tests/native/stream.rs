//! The stream: channels, numbers, logins, submissions.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt as _, StreamExt as _};
use gateway::native::{PREFIX, Stage};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use types::{AccountId, Side};

use crate::kit::{World, limit, session_key};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(world: &World) -> Self {
        let url = format!("{}{PREFIX}/stream", world.url.replace("http", "ws"));
        Self(connect_async(url).await.unwrap().0)
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::Text(message.to_string().into())).await.unwrap();
    }

    /// The next message that is not a ping.
    async fn next(&mut self) -> Value {
        loop {
            let message = timeout(Duration::from_secs(20), self.0.next()).await.expect("nothing is told");
            match message.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => return json!({ "closed": frame.unwrap().code.to_string() }),
                _ => {}
            }
        }
    }

    /// The answer to a request; what comes before it is lost.
    async fn ask(&mut self, id: u64, method: &str, params: Value) -> Value {
        let mut request = json!({ "id": id, "method": method });
        if !params.is_null() {
            request["params"] = params;
        }
        self.send(request).await;
        loop {
            let message = self.next().await;
            if message["id"] == id {
                return message;
            }
        }
    }

    /// The next message of a channel.
    async fn of(&mut self, channel: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["channel"] == channel {
                return message;
            }
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A submission of one account.
async fn signed(world: &World, account: AccountId, commands: &[types::Command]) -> Value {
    let mut signer = world.client.signer(account, session_key(account)).await.unwrap();
    let commands: Vec<Value> = commands
        .iter()
        .map(|command| json!({ "account": account.0, "command": hex::encode(signer.push(command)) }))
        .collect();
    let signatures = json!([{ "account": account.0, "signature": hex::encode(signer.sign()) }]);
    json!({ "commands": commands, "signatures": signatures })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trader_follows_what_his_orders_do_and_everybody_the_market() {
    let world = World::open().await;
    let mut socket = Socket::open(&world).await;
    let account = AccountId(1);
    let executions = json!({ "channel": "executions", "account": 1 });
    let refused = socket.ask(1, "subscribe", executions.clone()).await;
    assert_eq!(refused["error"]["code"], "not_authenticated", "{refused}");
    let key = session_key(account);
    let login = |time: u64| {
        let (chain, exchange) = (world.genesis.chain_id, world.genesis.exchange);
        let signature = glassbook_client::sign_login(&key, chain, exchange, account, time);
        json!({ "account": 1, "timestamp": time, "signature": hex::encode(signature) })
    };
    let mut wrong = login(now());
    wrong["timestamp"] = json!(now() + 1);
    assert_eq!(socket.ask(2, "authenticate", wrong).await["error"]["code"], "bad_signature");
    assert_eq!(socket.ask(3, "authenticate", login(now() - 3_600_000)).await["error"]["code"], "bad_time");
    let answer = socket.ask(4, "authenticate", login(now())).await;
    assert_eq!(answer["result"]["account"], 1, "{answer}");
    let market = world.client.exchange().await.unwrap().markets[0].symbol.clone();
    for (id, params) in [
        (5, executions.clone()),
        (6, json!({ "channel": "trades", "market": market })),
        (7, json!({ "channel": "commands" })),
        (8, json!({ "channel": "batches" })),
    ] {
        let answer = socket.ask(id, "subscribe", params).await;
        assert!(answer["result"]["sequence"].as_u64().is_some(), "{answer}");
    }
    let again = socket.ask(9, "subscribe", executions).await;
    assert_eq!(again["error"]["code"], "subscribed");
    let answer = socket.ask(10, "subscribe", json!({ "channel": "depth", "market": market })).await;
    assert!(answer["error"].is_null(), "{answer}");
    let snapshot = socket.of("depth").await;
    assert_eq!((&snapshot["data"]["snapshot"], &snapshot["data"]["bids"]), (&json!(true), &json!([])));
    let mut number = snapshot["number"].as_u64().unwrap();

    // Somebody rests, the trader takes, over the socket itself.
    let maker = AccountId(2);
    let mut sells = world.client.signer(maker, session_key(maker)).await.unwrap();
    let placed = world.client.submit(&mut sells, &[limit(Side::Sell, 500, 5)]).await.unwrap();
    let change = socket.of("depth").await;
    assert_eq!(
        (change["number"].as_u64(), &change["data"]["asks"]),
        (Some(number + 1), &json!([[500, "5"]]))
    );
    number += 1;
    let submission = signed(&world, account, &[limit(Side::Buy, 500, 8)]).await;
    socket.send(json!({ "id": 11, "method": "submit", "params": submission })).await;
    let mut seen: Vec<Value> = Vec::new();
    let complete = |seen: &[Value]| {
        let has = |channel: &str| seen.iter().any(|message| message["channel"] == channel);
        has("executions")
            && has("trades")
            && has("depth")
            && seen.iter().any(|message| message["id"] == 11)
            && seen.iter().any(|m| m["channel"] == "commands" && m["number"] == placed.first_sequence + 1)
    };
    while !complete(&seen) {
        seen.push(socket.next().await);
    }
    let find = |channel: &str| seen.iter().find(|message| message["channel"] == channel).unwrap();
    let answer = seen.iter().find(|message| message["id"] == 11).unwrap();
    assert_eq!(answer["result"]["outcomes"][0]["result"], "accepted", "{answer}");
    let sequence = answer["result"]["firstSequence"].as_u64().unwrap();
    let trade = find("trades");
    assert_eq!(
        (trade["sequence"].as_u64(), &trade["data"]["price"], &trade["data"]["quantity"]),
        (Some(sequence), &json!(500), &json!("5"))
    );
    let executed = find("executions");
    assert_eq!((&executed["account"], &executed["number"]), (&json!(1), &json!(1)));
    let kinds: Vec<&str> = executed["data"]["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["execution"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["new", "trade"], "{executed}");
    assert_eq!(executed["data"]["orders"][1]["trade"]["maker"], false);
    assert!(!executed["data"]["balances"].as_array().unwrap().is_empty());
    let depth = find("depth");
    assert_eq!(depth["number"].as_u64(), Some(number + 1));
    assert_eq!(
        (&depth["data"]["asks"], &depth["data"]["bids"]),
        (&json!([[500, "0"]]), &json!([[500, "3"]]))
    );
    let taped = seen.iter().find(|m| m["channel"] == "commands" && m["number"] == sequence).unwrap();
    assert_eq!((&taped["data"]["kind"], &taped["data"]["origin"]), (&json!("place"), &json!("session")));
    assert!(taped["data"]["command"].as_str().unwrap().starts_with("0x01"));

    world.lifecycle.reach(1, Stage::Available);
    let told = socket.of("batches").await;
    assert_eq!((&told["data"]["batch"], &told["data"]["to"]), (&json!(1), &json!("available")));

    // No more of what is not wanted any more.
    let answer = socket.ask(12, "unsubscribe", json!({ "channel": "trades", "market": market })).await;
    assert!(answer["error"].is_null(), "{answer}");
    let submission = signed(&world, account, &[limit(Side::Sell, 500, 1)]).await;
    socket.send(json!({ "id": 13, "method": "submit", "params": submission })).await;
    let mut seen: Vec<Value> = Vec::new();
    let last = sequence + 1;
    let told = |seen: &[Value], what: &dyn Fn(&Value) -> bool| seen.iter().any(what);
    while !(told(&seen, &|m| m["id"] == 13)
        && told(&seen, &|m| m["channel"] == "commands" && m["number"] == last)
        && told(&seen, &|m| m["channel"] == "executions" && m["sequence"] == last))
    {
        seen.push(socket.next().await);
    }
    let executed = seen.iter().find(|message| message["channel"] == "executions").unwrap();
    assert_eq!(executed["number"], 2, "{executed}");
    assert!(!told(&seen, &|message| message["channel"] == "trades"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_answered_and_the_connection_goes_on() {
    let world = World::open().await;
    let mut socket = Socket::open(&world).await;
    for (message, code) in [
        (json!("not an object"), "bad_message"),
        (json!({ "id": 1 }), "bad_message"),
        (json!({ "id": 1, "method": "fly" }), "bad_message"),
        (json!({ "id": -1, "method": "ping" }), "bad_message"),
        (json!({ "id": 1, "method": "subscribe", "params": { "channel": "gossip" } }), "bad_message"),
        (
            json!({ "id": 1, "method": "subscribe", "params": { "channel": "trades", "market": "NONE" } }),
            "unknown_market",
        ),
        (
            json!({ "id": 1, "method": "subscribe", "params": { "channel": "executions", "account": 999 } }),
            "unknown_account",
        ),
        (
            json!({ "id": 1, "method": "authenticate", "params": { "apiKey": "x", "timestamp": now(), "signature": "y" } }),
            "unknown_key",
        ),
        (
            json!({ "id": 1, "method": "submit", "params": { "commands": [], "signatures": [] } }),
            "commands_count",
        ),
    ] {
        socket.send(message.clone()).await;
        let answer = socket.next().await;
        assert_eq!(answer["error"]["code"], code, "{message}: {answer}");
        assert!(!answer["error"]["remedy"].as_str().unwrap().is_empty());
    }
    let answer = socket.ask(2, "ping", Value::Null).await;
    assert!(answer["result"]["sequence"].as_u64().is_some());
    socket.0.send(Message::Binary(vec![1, 2, 3].into())).await.unwrap();
    let closed = socket.next().await;
    assert_eq!(closed["closed"], "1003", "{closed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_logs_in_as_its_account() {
    let world = World::open().await;
    let (api_key, secret) =
        world.gateway.keys.create_hmac(AccountId(3), gateway::keys::Role::Read, "reader").unwrap();
    let time = now();
    let signature = {
        use hmac::Mac as _;
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(format!("apiKey={api_key}&timestamp={time}").as_bytes());
        hex::encode(mac.finalize().into_bytes())
    };
    let mut socket = Socket::open(&world).await;
    let mut params = json!({ "apiKey": api_key, "timestamp": time, "signature": signature });
    let answer = socket.ask(1, "authenticate", params.clone()).await;
    assert_eq!(answer["result"]["account"], 3, "{answer}");
    let answer = socket.ask(2, "subscribe", json!({ "channel": "executions", "account": 3 })).await;
    assert!(answer["error"].is_null(), "{answer}");
    let other = socket.ask(3, "subscribe", json!({ "channel": "executions", "account": 1 })).await;
    assert_eq!(other["error"]["code"], "not_authenticated", "{other}");
    params["timestamp"] = json!(time + 1);
    assert_eq!(socket.ask(4, "authenticate", params).await["error"]["code"], "bad_signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_told_what_he_missed_and_holds_nobody_up() {
    let world = World::open().await;
    let mut slow = Socket::open(&world).await;
    assert!(slow.ask(1, "subscribe", json!({ "channel": "commands" })).await["error"].is_null());
    // More than what waits in the hub, the connection and the operating system.
    let account = AccountId(1);
    let mut signer = world.client.signer(account, session_key(account)).await.unwrap();
    let nothing = types::Command::MassCancel { market: None, side: None };
    let mut last = 0;
    for _ in 0..10 {
        let answer = world.client.submit(&mut signer, &vec![nothing.clone(); 5_000]).await.unwrap();
        last = answer.first_sequence + 4_999;
    }
    let (mut missed, mut number) = (0, None);
    while number != Some(last) {
        let message = slow.next().await;
        assert_eq!(message["channel"], "commands", "{message}");
        if let Some(count) = message["missed"].as_u64() {
            missed += count;
            number = number.map(|number| number + count);
            continue;
        }
        let found = message["number"].as_u64().unwrap();
        assert_eq!(found, number.map_or(found, |number| number + 1), "what is missing is what was said");
        number = Some(found);
    }
    assert!(missed > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_ends_with_the_key_that_it_was_opened_with() {
    let world = World::open().await;
    let account = AccountId(1);
    let signer = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    let public = hex::encode(signer.verifying_key().to_bytes());
    let keys = &world.gateway.keys;
    let key = keys.create_ed25519(account, gateway::keys::Role::Read, "", &public).unwrap();
    let mut socket = Socket::open(&world).await;
    let time = now();
    let payload = format!("apiKey={key}&timestamp={time}");
    let signature = ed25519_dalek::Signer::sign(&signer, payload.as_bytes());
    let signature = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature.to_bytes());
    let login = json!({ "apiKey": key, "timestamp": time, "signature": signature });
    let answer = socket.ask(1, "authenticate", login).await;
    assert_eq!(answer["result"]["account"], 1, "{answer}");
    assert!(keys.revoke(account, &key).unwrap());
    assert_eq!(socket.next().await["closed"], "1008");
}
