//! Whoever asks too much, too fast, too slowly or too long.

use std::time::{Duration, Instant};

use gateway::keys::Role;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused_and_going_on_is_banned() {
    let site = site_with(0, |settings| {
        settings.limits.weight_per_minute = 20;
        settings.limits.refusals_until_ban = 5;
    })
    .await;
    let mut statuses = Vec::new();
    let mut last = None;
    for _ in 0..30 {
        let answer = site.get("/api/v3/ping").await;
        statuses.push(answer.status);
        last = Some(answer);
    }
    // The minute may have turned once.
    assert_eq!(statuses[..20], [200; 20]);
    let refused = statuses.iter().filter(|status| **status == 429).count();
    let last = last.unwrap();
    if refused == 4 {
        assert_eq!((last.status, last.code()), (418, -1003));
        assert!(last.headers["retry-after"].parse::<u64>().unwrap() > 100);
        assert!(last.body.contains("banned until"));
        let socket = tokio_tungstenite::connect_async(format!("ws://{}/ws", site.server.address())).await;
        assert!(socket.is_err(), "nor a WebSocket");
    } else {
        assert!(statuses.iter().filter(|status| **status == 200).count() > 20, "{statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_caller_has_a_budget_of_his_own() {
    let site = site_with(0, |settings| {
        settings.limits.weight_per_minute = 1;
        settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let minute = now() / 60_000;
    for caller in ["192.0.2.1", "192.0.2.2", "198.51.100.7, 192.0.2.3"] {
        let answer = site.send("GET", "/api/v3/ping", &[("x-forwarded-for", caller)], "").await;
        assert_eq!(answer.status, 200, "{caller}");
    }
    // Some proxies add a line of their own below those that came.
    let lines = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "192.0.2.3")];
    let second = site.send("GET", "/api/v3/ping", &lines, "").await;
    // What stands before the proxy's own entry anybody can write.
    let forged = site.send("GET", "/api/v3/ping", &[("x-forwarded-for", "203.0.113.9, 192.0.2.3")], "").await;
    // Unless the minute has turned.
    if now() / 60_000 == minute {
        assert_eq!((second.status, forged.status, site.world.gateway.counted().refused), (429, 429, 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_is_paid_by_what_the_query_asks_for() {
    let site = site().await;
    let answer = site.send("GET", "/api/v3/trades?symbol=BTCUSD", &[], "limit=nothing").await;
    assert_eq!(answer.status, 200, "a body counts for nothing: {}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_places_no_more_orders_than_it_may() {
    let site = site_with(0, |settings| settings.limits.orders_per_day = 3).await;
    let order = "symbol=BTCUSD&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.010&price=60000";
    for count in 1..=3 {
        assert_eq!(site.order(order).await.headers["x-mbx-order-count-1d"], count.to_string());
    }
    let refused = site.order(order).await;
    assert_eq!((refused.status, refused.code()), (429, -1015));
    assert!(refused.headers.contains_key("retry-after"));
    let counts = site.signed(Role::Read, "GET", "/api/v3/rateLimit/order", "").await.json();
    assert_eq!((&counts[1]["count"], &counts[1]["limit"]), (&3.into(), &3.into()));
    // Cancelling is always possible.
    let all = site.signed(Role::Trade, "DELETE", "/api/v3/openOrders", "symbol=BTCUSD").await;
    assert_eq!(all.json().as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_slow_and_endless_requests_end() {
    let site = site_with(0, |settings| {
        settings.limits.header_timeout_ms = 400;
        settings.limits.body_timeout_ms = 400;
        settings.limits.body_bytes = 1_000;
    })
    .await;
    let large = site.send("POST", "/api/v3/order", &[], &"x".repeat(2_000)).await;
    assert_eq!(large.status, 413);
    let long = site.get(&format!("/api/v3/ping?{}", "x".repeat(100_000))).await;
    assert!(matches!(long.status, 0 | 414 | 431), "{long:?}");

    // A head that never ends.
    let mut stream = TcpStream::connect(site.server.address()).await.unwrap();
    stream.write_all(b"GET /api/v3/ping HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is closed");
    assert!(began.elapsed() < Duration::from_secs(5));

    // A body that never comes.
    let mut stream = TcpStream::connect(site.server.address()).await.unwrap();
    let head = "POST /api/v3/order HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read_answer(&mut stream).await.status, 408);

    // A kept connection on which nothing more comes.
    let mut stream = TcpStream::connect(site.server.address()).await.unwrap();
    stream.write_all(b"GET /api/v3/ping HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it is closed");
    assert!(rest.starts_with(b"HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_takes_are_not_kept() {
    let site = site_with(0, |settings| settings.limits.request_timeout_ms = 500).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(site.server.address()).await.unwrap();
    // More than operating systems hold for anybody.
    let requests = "GET /api/v3/exchangeInfo HTTP/1.1\r\nhost: x\r\n\r\n".repeat(4_000);
    let asking = tokio::spawn(async move {
        let _ = stream.write_all(requests.as_bytes()).await;
        stream
    });
    let began = Instant::now();
    while site.world.gateway.connections.count() == 0 {
        assert!(began.elapsed() < PATIENCE, "it is let in");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    while site.world.gateway.connections.count() > 0 {
        assert!(began.elapsed() < PATIENCE, "it is let go");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let _stream = tokio::time::timeout(PATIENCE, asking).await;
    assert_eq!(site.get("/api/v3/ping").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_one_host() {
    let site = site().await;
    for (head, status) in [
        ("HTTP/1.1\r\nhost: a\r\n", 200),
        ("HTTP/1.1\r\n", 400),
        ("HTTP/1.1\r\nhost: a\r\nhost: b\r\n", 400),
        ("HTTP/1.0\r\n", 200),
    ] {
        let mut stream = TcpStream::connect(site.server.address()).await.unwrap();
        let request = format!("GET /api/v3/ping {head}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(read_answer(&mut stream).await.status, status, "{head:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_not_is_refused_in_json_and_paid() {
    let site = site_with(0, |settings| settings.limits.weight_per_minute = 4).await;
    let minute = now() / 60_000;
    for (method, path, status) in [
        ("GET", "/api/v3/openOrderList", 404),
        ("POST", "/sapi/v1/margin/order", 404),
        ("PATCH", "/api/v3/order", 405),
        ("GET", "/sapi/v1/system/status", 200),
        ("GET", "/api/v3/nothing", 429),
    ] {
        let answer = site.send(method, path, &[], "").await;
        if now() / 60_000 != minute {
            return;
        }
        assert_eq!(answer.status, status, "{method} {path}");
        match status {
            200 => assert_eq!(answer.json()["status"], 0, "orders are taken"),
            429 => assert!(answer.code() == -1003 && answer.headers.contains_key("retry-after")),
            _ => assert_eq!(answer.code(), -1020),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_no_more_connections_than_it_may() {
    let site = site_with(0, |settings| settings.limits.connections_per_address = 3).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(site.listen("/ws").await);
    }
    let mut stream = TcpStream::connect(site.server.address()).await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok() && rest.is_empty(), "not spoken to");
    drop(held.pop());
    let began = Instant::now();
    while site.world.gateway.connections.count() > 2 && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(site.get("/api/v3/ping").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_each_caller_has_connections_of_his_own() {
    let site = site_with(0, |settings| {
        settings.limits.connections_per_address = 2;
        settings.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await;
    let connect = async |caller: &str| {
        let mut request = format!("ws://{}/ws", site.server.address()).into_client_request().unwrap();
        request.headers_mut().insert("x-forwarded-for", caller.parse().unwrap());
        tokio_tungstenite::connect_async(request).await
    };
    let mut held = Vec::new();
    for caller in ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"] {
        held.push(connect(caller).await.expect("fewer than he may have"));
    }
    assert!(connect("192.0.2.1").await.is_err(), "one more than he may have");
    let asked = site.send("GET", "/api/v3/ping", &[("x-forwarded-for", "192.0.2.3")], "").await;
    assert_eq!(asked.status, 200, "others do not mind");
    drop(held.remove(0));
    let began = Instant::now();
    while connect("192.0.2.1").await.is_err() {
        assert!(began.elapsed() < PATIENCE, "his place is free again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_talks_too_much_or_too_long_on_a_stream_is_disconnected() {
    let site = site_with(0, |settings| settings.limits.ws_message_bytes = 1_000).await;
    let mut socket = site.listen("/ws").await;
    for _ in 0..20 {
        let text = r#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#;
        if futures_util::SinkExt::send(&mut socket.0, text.into()).await.is_err() {
            break;
        }
    }
    let mut answers = 0;
    while socket.next().await.is_some() {
        answers += 1;
    }
    // The second may have turned once.
    assert!((5..=10).contains(&answers), "{answers}");
    let mut socket = site.listen("/ws").await;
    socket.send(&"x".repeat(2_000)).await;
    assert!(socket.next().await.is_none());
    let listed = format!("/stream?streams={}", vec!["btcusd@trade"; 1_025].join("/"));
    let refused = tokio_tungstenite::connect_async(format!("ws://{}{listed}", site.server.address())).await;
    assert!(refused.is_err(), "more streams than a connection may have");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_silent_is_disconnected_and_whoever_answers_pings_stays() {
    let site = site_with(0, |settings| {
        settings.limits.ws_ping_seconds = 1;
        settings.limits.ws_silence_seconds = 2;
    })
    .await;
    // Reading is what answers pings.
    let silent = site.listen("/ws").await;
    let mut awake = site.listen("/ws").await;
    let reading = tokio::time::timeout(Duration::from_millis(4_500), awake.next()).await;
    assert!(reading.is_err(), "still connected, and nothing was told");
    assert_eq!(site.world.gateway.connections.count(), 1);
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_origins_may_call_only_when_they_are_named() {
    let origin = [("origin", "https://friend.example")];
    let site = site().await;
    let closed = site.send("GET", "/api/v3/ping", &origin, "").await;
    assert!(!closed.headers.contains_key("access-control-allow-origin"));
    assert_eq!(closed.headers["x-content-type-options"], "nosniff");
    let site =
        site_with(0, |settings| settings.allowed_origins = vec!["https://friend.example".into()]).await;
    let open = site.send("GET", "/api/v3/ping", &origin, "").await;
    assert_eq!(open.headers["access-control-allow-origin"], "https://friend.example");
    let stranger = site.send("GET", "/api/v3/ping", &[("origin", "https://other.example")], "").await;
    assert!(!stranger.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_says_goodbye() {
    let site = site().await;
    let mut socket = site.listen("/ws").await;
    let address = site.server.address();
    let Site { server, world: _world, .. } = site;
    let (ended, stopped) =
        tokio::join!(socket.next(), tokio::time::timeout(Duration::from_secs(8), server.stop()));
    assert!(ended.is_none() && stopped.is_ok());
    assert!(TcpStream::connect(address).await.is_err());
}
