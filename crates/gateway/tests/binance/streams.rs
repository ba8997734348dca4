//! Streams: what is told, to whom, and who is let go.

use std::time::Duration;

use gateway::keys::Role;
use serde_json::{Value, json};
use types::{AssetId, Command, Quanta};

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn every_market_stream_tells_something_in_its_shape() {
    let site = site_with(3_000, |_| {}).await;
    let names = [
        ("btcusd@trade", "e", "trade"),
        ("btcusd@aggTrade", "e", "aggTrade"),
        ("btcusd@depth@100ms", "e", "depthUpdate"),
        ("btcusd@kline_1s", "e", "kline"),
        ("btcusd@miniTicker", "e", "24hrMiniTicker"),
        ("btcusd@ticker", "e", "24hrTicker"),
        ("btcusd@avgPrice", "e", "avgPrice"),
        ("btcusd@bookTicker", "s", "BTCUSD"),
    ];
    let list: Vec<&str> = names.iter().map(|(name, _, _)| *name).collect();
    let others = ["btcusd@depth5@100ms", "!bookTicker", "!miniTicker@arr", "!ticker@arr"];
    let path = format!("/stream?streams={}/{}", list.join("/"), others.join("/"));
    let mut socket = site.listen(&path).await;
    let mut missing: Vec<&str> = list.iter().copied().chain(others).collect();
    while !missing.is_empty() {
        let message = socket.next().await.unwrap();
        let (name, data) = (message["stream"].as_str().unwrap(), &message["data"]);
        if let Some((_, field, value)) = names.iter().find(|(known, _, _)| *known == name) {
            assert_eq!(data[field], *value, "{message}");
        } else if name.starts_with("btcusd@depth5") {
            assert!(
                data["lastUpdateId"].is_u64() && data["bids"].as_array().unwrap().len() <= 5,
                "{message}"
            );
        } else if name.ends_with("arr") {
            assert!(data[0]["s"].is_string(), "{message}");
        }
        missing.retain(|missing| *missing != name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn candles_are_told_once_more_when_they_close() {
    let site = site_with(2_000, |_| {}).await;
    let mut socket = site.listen("/ws/btcusd@kline_1s").await;
    let mut closed: Vec<u64> = Vec::new();
    while closed.len() < 3 {
        let candle = &socket.next_event("kline").await["k"];
        let open = candle["t"].as_u64().unwrap();
        assert!(closed.last().is_none_or(|last| open > *last), "what has closed stays closed");
        if candle["x"] == true {
            closed.push(open);
        }
    }
    assert!(closed.windows(2).all(|pair| pair[1] == pair[0] + 1_000), "{closed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_subscribed_listed_and_left() {
    let site = site_with(1_000, |settings| settings.limits.ws_messages_per_second = 50).await;
    let mut socket = site.listen("/ws/0").await;
    let ask = json!({ "method": "SUBSCRIBE", "params": ["btcusd@trade", "ethusd@trade"], "id": 1 });
    assert_eq!(socket.ask(&ask.to_string()).await, json!({ "result": null, "id": 1 }));
    let listed = socket.ask(r#"{"method":"LIST_SUBSCRIPTIONS","id":"x"}"#).await;
    assert_eq!(listed["result"].as_array().unwrap().len(), 2);
    assert!(socket.next_event("trade").await["t"].is_u64());
    let left = socket.ask(r#"{"method":"UNSUBSCRIBE","params":["btcusd@trade"],"id":2}"#).await;
    assert_eq!(left["id"], 2);
    for _ in 0..5 {
        assert_eq!(socket.next_event("trade").await["s"], "ETHUSD");
    }
    assert_eq!(socket.ask(r#"{"method":"SET_PROPERTY","params":["combined",true],"id":3}"#).await["id"], 3);
    assert_eq!(socket.next().await.unwrap()["stream"], "ethusd@trade");
    for hostile in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"method":1}"#,
        r#"{"method":"SUBSCRIBE","params":[1],"id":4}"#,
        r#"{"method":"SUBSCRIBE","params":["nosuch@trade"],"id":4}"#,
        r#"{"method":"SUBSCRIBE","params":["btcusd@trade","btcusd@nosuch"],"id":4}"#,
        r#"{"method":"DROP","params":[],"id":4}"#,
        r#"{"method":"LIST_SUBSCRIPTIONS","id":{"a":1}}"#,
        &format!(r#"{{"method":"LIST_SUBSCRIPTIONS","id":"{}"}}"#, "9".repeat(100)),
        &"[".repeat(10_000),
    ] {
        let answer = socket.ask(hostile).await;
        assert!(answer["error"]["code"].is_i64(), "{hostile}: {answer}");
    }
    let listed = socket.ask(r#"{"method":"LIST_SUBSCRIPTIONS","id":5}"#).await;
    assert_eq!(listed["result"], json!(["ethusd@trade"]), "all of a subscription or nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_hears_of_its_orders_and_balances() {
    let site = site().await;
    let (key, _) = site.key(Role::Read);
    let headers = [("x-mbx-apikey", key.as_str())];
    let listen =
        async |method: &str, query: &str| site.send(method, "/api/v3/userDataStream", &headers, query).await;
    let listen_key = listen("POST", "").await.json()["listenKey"].as_str().unwrap().to_owned();
    assert_eq!(listen("POST", "").await.json()["listenKey"], listen_key);
    assert_eq!(listen("PUT", &format!("listenKey={listen_key}")).await.status, 200);
    assert_eq!(listen("PUT", "listenKey=other").await.code(), -1125);
    let mut socket = site.listen(&format!("/ws/{listen_key}")).await;
    let terms =
        "symbol=BTCUSD&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=60000&newClientOrderId=a.b";
    let order = site.order(terms).await.json();
    let report = socket.next().await.unwrap();
    assert_eq!(
        (&report["e"], &report["x"], &report["X"]),
        (&"executionReport".into(), &"NEW".into(), &"NEW".into())
    );
    assert_eq!(
        (&report["i"], &report["c"], &report["p"]),
        (&order["orderId"], &"a.b".into(), &"60000.00000000".into())
    );
    let position = socket.next().await.unwrap();
    assert_eq!(position["e"], "outboundAccountPosition");
    // What rests pays the maker's fee, which is a rebate here.
    assert_eq!((&position["B"][0]["a"], &position["B"][0]["l"]), (&"USD".into(), &"600.00000000".into()));
    site.signed(Role::Trade, "DELETE", "/api/v3/openOrders", "symbol=BTCUSD").await;
    let report = socket.next().await.unwrap();
    assert_eq!(
        (&report["x"], &report["X"], &report["C"]),
        (&"CANCELED".into(), &"CANCELED".into(), &"a.b".into())
    );
    assert_eq!(socket.next().await.unwrap()["B"][0]["l"], "0.00000000");
    let deposit = Command::Deposit {
        owner: site.world.view.account(site.trader().account).unwrap().state.owner,
        asset: AssetId(0),
        amount: Quanta(2_500_000),
    };
    let entries = vec![(site.trader().account, deposit)];
    site.world
        .exchange
        .submit(exchange::Submission::L1 { entries, timestamps: Vec::new() })
        .unwrap()
        .wait()
        .unwrap();
    assert_eq!(socket.next().await.unwrap()["e"], "outboundAccountPosition");
    let update = socket.next().await.unwrap();
    assert_eq!((&update["e"], &update["d"]), (&"balanceUpdate".into(), &"2.50000000".into()));
    assert_eq!(listen("DELETE", &format!("listenKey={listen_key}")).await.status, 200);
    site.order(&terms.replace("a.b", "c.d")).await;
    let quiet = tokio::time::timeout(Duration::from_millis(500), socket.next()).await;
    assert!(quiet.is_err(), "a closed key tells nothing");
    // Neither does it after what else the connection asks for.
    let reformed = socket.ask(r#"{"method":"SET_PROPERTY","params":["combined",true],"id":1}"#).await;
    assert_eq!(reformed["result"], Value::Null);
    site.order(&terms.replace("a.b", "e.f")).await;
    let quiet = tokio::time::timeout(Duration::from_millis(500), socket.next()).await;
    assert!(quiet.is_err(), "a closed key tells nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_read_is_let_go_and_nobody_else_notices() {
    let site = site_with(4_000, |settings| settings.limits.ws_queue = 16).await;
    let slow =
        site.listen("/ws/btcusd@depth20@100ms/btcusd@trade/btcusd@bookTicker/!bookTicker/ethusd@trade").await;
    let mut reader = site.listen("/ws/btcusd@bookTicker").await;
    let began = std::time::Instant::now();
    // The slow one's socket is never read: its window fills, then its queue.
    let (mut before, mut seen) = (0, 0);
    while site.world.gateway.connections.count() > 1 && began.elapsed() < Duration::from_secs(60) {
        let message: Value = reader.next().await.unwrap();
        let update = message["u"].as_u64().unwrap();
        assert!(update > before);
        (before, seen) = (update, seen + 1);
    }
    assert_eq!(site.world.gateway.connections.count(), 1, "the slow one is gone after {seen} messages");
    drop(slow);
    assert_eq!(site.world.gateway.counted().slow_readers, 1);
    assert!(reader.next().await.is_some());
    assert!(site.world.exchange.fault().is_none());
}
