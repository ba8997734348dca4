//! The WebSocket API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use gateway::keys::Role;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::kit::*;

/// Adds key, time and signature.
fn sign(params: Value, key: &str, signature: impl Fn(&str) -> String) -> Value {
    let mut params = params;
    params["apiKey"] = key.into();
    params["timestamp"] = now().into();
    let mut list: Vec<(String, String)> = params
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    list.sort();
    let list: Vec<String> = list.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    params["signature"] = signature(&list.join("&")).into();
    params
}

fn request(id: u64, method: &str, params: Value) -> String {
    json!({ "id": id, "method": method, "params": params }).to_string()
}

fn limit_order() -> Value {
    json!({ "symbol": "BTCUSD", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010", "price": "60000" })
}

async fn log_on(site: &Site, socket: &mut Socket) -> SigningKey {
    let signer = SigningKey::from_bytes(&[3; 32]);
    let public = BASE64.encode(signer.verifying_key().to_bytes());
    let key =
        site.world.gateway.keys.create_ed25519(site.trader().account, Role::Trade, "", &public).unwrap();
    let params = sign(json!({}), &key, |text| BASE64.encode(signer.sign(text.as_bytes()).to_bytes()));
    let answer = socket.ask(&request(0, "session.logon", params)).await;
    assert_eq!((&answer["status"], &answer["result"]["apiKey"]), (&200.into(), &key.into()), "{answer}");
    signer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_can_be_signed_by_itself() {
    let site = site().await;
    let mut socket = site.listen("/ws-api/v3").await;
    let (key, secret) = site.key(Role::Trade);
    let signed = |params: Value| sign(params, &key, |text| hmac(&secret, text));
    let placed = socket.ask(&request(1, "order.place", signed(limit_order()))).await;
    assert_eq!((&placed["id"], &placed["result"]["status"]), (&1.into(), &"NEW".into()), "{placed}");
    assert_eq!(
        placed["rateLimits"][0],
        json!({
            "rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 10_000, "count": 1,
        })
    );
    let id = &placed["result"]["orderId"];
    let which = || json!({ "symbol": "BTCUSD", "orderId": id });
    let status = socket.ask(&request(2, "order.status", signed(which()))).await;
    assert_eq!(status["result"]["orderId"], *id);
    let cancelled = socket.ask(&request(3, "order.cancel", signed(which()))).await;
    assert_eq!(cancelled["result"]["status"], "CANCELED");
    let again = socket.ask(&request(4, "order.cancel", signed(which()))).await;
    assert_eq!((&again["status"], &again["error"]["code"]), (&400.into(), &(-2011).into()));
    let mut forged = signed(which());
    forged["orderId"] = 999.into();
    let forged = socket.ask(&request(5, "order.status", forged)).await;
    assert_eq!(forged["error"]["code"], -1022);
    let bare = socket.ask(&request(6, "account.status", json!({ "timestamp": now() }))).await;
    assert_eq!((&bare["status"], &bare["error"]["code"]), (&401.into(), &(-2014).into()));
    let logon = socket.ask(&request(7, "session.logon", signed(json!({})))).await;
    assert_eq!(logon["error"]["code"], -4056, "HMAC keys do not log on, as at Binance");
    // A number instead of a string is what it says.
    let mut order = limit_order();
    order["quantity"] = json!(0.01);
    let placed = socket.ask(&request(8, "order.test", signed(order))).await;
    assert_eq!(placed["result"], json!({}), "{placed}");
    let quiet = socket.ask(&request(9, "time", json!({ "returnRateLimits": false }))).await;
    assert!(quiet["result"]["serverTime"].is_u64() && quiet.get("rateLimits").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_trades_without_signatures_and_hears_of_its_orders() {
    let site = site().await;
    let mut socket = site.listen("/ws-api/v3").await;
    log_on(&site, &mut socket).await;
    let subscribed = socket.ask(&request(1, "userDataStream.subscribe", json!({}))).await;
    assert_eq!(subscribed["result"]["subscriptionId"], 0);
    let mut order = limit_order();
    order["timestamp"] = now().into();
    let placed = socket.ask(&request(2, "order.place", order)).await;
    assert_eq!(placed["status"], 200, "{placed}");
    let cancelled = socket
        .ask(&request(3, "openOrders.cancelAll", json!({ "symbol": "BTCUSD", "timestamp": now() })))
        .await;
    assert_eq!(cancelled["result"][0]["status"], "CANCELED");
    let old = socket.ask(&request(4, "account.status", json!({ "timestamp": now() - 10_000 }))).await;
    assert_eq!(old["error"]["code"], -1021);
    // The events came in between; after a logout none come, and nothing is allowed.
    let gone = socket.ask(&request(5, "session.logout", json!({}))).await;
    assert_eq!(gone["result"]["apiKey"], Value::Null);
    let refused = socket.ask(&request(6, "account.status", json!({ "timestamp": now() }))).await;
    assert_eq!(refused["error"]["code"], -2014);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_subscription_carry_its_number() {
    let site = site().await;
    let mut socket = site.listen("/ws-api/v3").await;
    let (key, secret) = site.key(Role::Read);
    let params = sign(json!({}), &key, |text| hmac(&secret, text));
    let answer = socket.ask(&request(1, "userDataStream.subscribe.signature", params)).await;
    assert_eq!(answer["result"]["subscriptionId"], 0, "{answer}");
    site.order("symbol=BTCUSD&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=60000").await;
    let event = socket.next().await.unwrap();
    assert_eq!((&event["subscriptionId"], &event["event"]["e"]), (&0.into(), &"executionReport".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_opened_with_a_key_ends_when_the_key_is_revoked() {
    let site = site().await;
    let (mut stolen, mut own) = (site.listen("/ws-api/v3").await, site.listen("/ws-api/v3").await);
    log_on(&site, &mut own).await;
    let (key, secret) = site.key(Role::Read);
    let params = sign(json!({}), &key, |text| hmac(&secret, text));
    assert!(
        stolen.ask(&request(1, "userDataStream.subscribe.signature", params)).await["result"].is_object()
    );
    let started = site.send("POST", "/api/v3/userDataStream", &[("x-mbx-apikey", &key)], "").await.json();
    let listen_key = started["listenKey"].as_str().unwrap();
    let mut listening = site.listen(&format!("/ws/{listen_key}")).await;
    assert!(site.world.gateway.keys.revoke(site.trader().account, &key).unwrap());
    assert_eq!(stolen.next().await, None, "the connection goes on");
    assert_eq!(listening.next_event("listenKeyExpired").await["listenKey"], listen_key);
    let answer = own.ask(&request(2, "account.status", json!({ "timestamp": now() }))).await;
    assert_eq!(answer["status"], 200, "with another key: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_orders_are_under_way_at_once_and_keep_their_order() {
    let site = site().await;
    let mut socket = site.listen("/ws-api/v3").await;
    log_on(&site, &mut socket).await;
    for number in 1..=200 {
        let mut order = limit_order();
        order["timestamp"] = now().into();
        order["newClientOrderId"] = number.to_string().into();
        socket.send(&request(number, "order.place", order)).await;
    }
    let mut answers = Vec::new();
    while answers.len() < 200 {
        let answer = socket.next().await.unwrap();
        assert_eq!(answer["status"], 200, "{answer}");
        answers.push((answer["id"].as_u64().unwrap(), answer["result"]["orderId"].as_u64().unwrap()));
    }
    answers.sort_unstable();
    assert!(answers.windows(2).all(|pair| pair[0].1 < pair[1].1), "first come, first served");
    let open = site.world.view.open_orders(site.trader().account, None);
    assert_eq!(open.len(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn amendments_that_are_sent_together_follow_each_other() {
    let site = site().await;
    let mut socket = site.listen("/ws-api/v3").await;
    log_on(&site, &mut socket).await;
    let trade = |mut params: Value| {
        params["timestamp"] = now().into();
        params
    };
    for round in 0..10 {
        let placed = socket.ask(&request(round, "order.place", trade(limit_order()))).await;
        let order = placed["result"]["orderId"].clone();
        for (id, quantity) in [(100, "0.008"), (101, "0.006"), (102, "0.003")] {
            let params = json!({ "symbol": "BTCUSD", "orderId": order, "newQty": quantity });
            socket.send(&request(id, "order.amend.keepPriority", trade(params))).await;
        }
        for quantity in ["0.00800000", "0.00600000", "0.00300000"] {
            let amended = socket.next().await.unwrap();
            assert_eq!(amended["result"]["amendedOrder"]["origQty"], quantity, "{amended}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_sent_breaks_a_connection() {
    let site = site().await;
    let mut socket = site.listen("/ws-api/v3").await;
    let mut runner = TestRunner::deterministic();
    let names = prop::sample::select(vec![
        "symbol",
        "symbols",
        "limit",
        "orderId",
        "timestamp",
        "apiKey",
        "signature",
        "side",
    ]);
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        Just(json!("BTCUSD")),
        Just(json!(null)),
        Just(json!([1, "x", {}])),
        Just(json!({ "a": 1 })),
        any::<bool>().prop_map(Value::from),
    ];
    let methods: Vec<&str> = vec![
        "depth",
        "klines",
        "trades.historical",
        "ticker.24hr",
        "ticker",
        "order.place",
        "order.status",
        "session.logon",
        "userDataStream.unsubscribe",
        "exchangeInfo",
        "account.status",
        "nosuch",
        "",
    ];
    let object = prop::collection::btree_map(names, value, 0..6);
    let strategy = (prop::sample::select(methods), object, ".{0,60}", any::<bool>());
    for number in 1..=500u64 {
        let (method, params, text, whole) = strategy.new_tree(&mut runner).unwrap().current();
        let message = if whole { request(number, method, json!(params)) } else { text };
        let answer = socket.ask(&message).await;
        let status = answer["status"].as_u64().unwrap();
        assert!(status < 500, "{message}: {answer}");
    }
    assert_eq!(socket.ask(&request(1, "ping", json!({}))).await["status"], 200);
}
