//! How fast orders go through the gateway, and what subscribers cost the engine.
//!
//! ```text
//! cargo run --release -p gateway --example load -- [seconds of each part] [JSON file]
//! ```
//!
//! Everything runs in one process on one machine: clients, gateway and exchange share its cores.

#![allow(clippy::unwrap_used)]

mod simulated;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};
use futures_util::{SinkExt as _, StreamExt as _};
use gateway::keys::Role;
use gateway::{Server, Settings};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use simulated::{Options, World};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Connections that place orders.
const MANY: usize = 100;
/// Orders under way on one connection when throughput is measured.
const UNDER_WAY: usize = 64;
/// Subscribers.
const AUDIENCE: usize = 1_000;
/// Simulated commands a second while there are subscribers.
const FLOW: u64 = 2_000;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(10), |seconds| seconds.parse())?;
    let time = Duration::from_secs(seconds);
    let runtime = tokio::runtime::Runtime::new()?;
    let mut figures = json!({ "seconds": seconds });
    let mut part = |name: &str, text: &str, value: Value| {
        println!("{text}: {value}");
        figures[name] = value;
    };

    let (world, server, _directory) = open(&runtime, 0, MANY as u32);
    let address = server.address();
    let latency = runtime.block_on(round_trips(&world, address, time));
    part("roundTrip", "round trip of an order, microseconds", summary(&latency, 1_000));
    let one = runtime.block_on(throughput(&world, address, 1, time));
    part("ordersPerSecondOneConnection", "orders a second over 1 connection", one.into());
    let many = runtime.block_on(throughput(&world, address, MANY, time));
    part("ordersPerSecondManyConnections", "orders a second over 100 connections", many.into());
    runtime.block_on(server.stop());
    drop(world);

    for audience in [0, AUDIENCE] {
        let (mut world, server, _directory) = open(&runtime, FLOW, 1);
        let (messages, seen, let_go) = runtime.block_on(listen(server.address(), audience, time));
        let engine = world.exchange.engine_latency();
        let subscribers = json!({
            "subscribers": audience,
            "commandsPerSecond": FLOW,
            "messagesPerSecond": messages / seconds,
            "delayMicroseconds": summary(&seen, 1_000),
            "engineNanoseconds": { "p50": engine.p50, "p99": engine.p99 },
            "letGo": let_go,
        });
        part(if audience == 0 { "withoutSubscribers" } else { "withSubscribers" }, "fan-out", subscribers);
        world.stop();
        runtime.block_on(server.stop());
    }
    if let Some(path) = arguments.next() {
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    Ok(())
}

fn open(runtime: &tokio::runtime::Runtime, rate: u64, traders: u32) -> (World, Server, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.listen.set_port(0);
    let limits = &mut settings.limits;
    (limits.connections_per_address, limits.weight_per_minute) = (5_000, u32::MAX);
    (limits.orders_per_ten_seconds, limits.orders_per_day) = (u32::MAX, u32::MAX);
    let options = Options { rate, traders, settings, measure: true, ..Options::default() };
    let world = World::open(directory.path(), options);
    let server = runtime.block_on(Server::start(world.gateway.clone(), axum::Router::new())).unwrap();
    (world, server, directory)
}

fn histogram() -> Histogram<u64> {
    Histogram::new(3).unwrap()
}

fn summary(histogram: &Histogram<u64>, unit: u64) -> Value {
    let at = |quantile: f64| histogram.value_at_quantile(quantile) / unit;
    json!({ "p50": at(0.5), "p99": at(0.99), "max": histogram.max() / unit, "count": histogram.len() })
}

fn millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

/// A connection to the WebSocket API, logged on for one of the traders.
async fn log_on(world: &World, address: SocketAddr, trader: usize) -> Socket {
    let signer = SigningKey::from_bytes(&[trader as u8 + 1; 32]);
    let public = BASE64.encode(signer.verifying_key().to_bytes());
    let account = world.traders[trader].account;
    let key = world.gateway.keys.create_ed25519(account, Role::Trade, "load", &public).unwrap();
    let (mut socket, _) = connect_async(format!("ws://{address}/ws-api/v3")).await.unwrap();
    let text = format!("apiKey={key}&timestamp={}", millis());
    let signature = BASE64.encode(signer.sign(text.as_bytes()).to_bytes());
    let timestamp = text.split_once("timestamp=").unwrap().1.to_owned();
    let params = json!({ "apiKey": key, "timestamp": timestamp, "signature": signature });
    let request = json!({ "id": 0, "method": "session.logon", "params": params });
    socket.send(Message::text(request.to_string())).await.unwrap();
    let answer = next(&mut socket).await;
    assert!(answer.contains("\"status\":200"), "{answer}");
    socket
}

async fn next(socket: &mut Socket) -> String {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Close(_) => panic!("closed"),
            _ => {}
        }
    }
}

/// Places and cancels in turn, so that the book stays as it is.
fn request(number: u64) -> Message {
    let order = number.div_ceil(2);
    let timestamp = millis();
    let text = if number % 2 == 1 {
        format!(
            "{{\"id\":{number},\"method\":\"order.place\",\"params\":{{\"symbol\":\"BTCUSD\",\"side\":\"BUY\",\
             \"type\":\"LIMIT\",\"timeInForce\":\"GTC\",\"quantity\":\"0.001\",\"price\":\"60000\",\
             \"newClientOrderId\":\"{order}\",\"newOrderRespType\":\"ACK\",\"recvWindow\":60000,\"timestamp\":{timestamp}}}}}"
        )
    } else {
        format!(
            "{{\"id\":{number},\"method\":\"order.cancel\",\"params\":{{\"symbol\":\"BTCUSD\",\
             \"origClientOrderId\":\"{order}\",\"recvWindow\":60000,\"timestamp\":{timestamp}}}}}"
        )
    };
    Message::text(text)
}

/// One request after the other on one connection: until the answer is read, so durable, executed and in the view.
async fn round_trips(world: &World, address: SocketAddr, time: Duration) -> Histogram<u64> {
    let mut socket = log_on(world, address, 0).await;
    let mut latency = histogram();
    let began = Instant::now();
    for number in 1.. {
        let sent = Instant::now();
        socket.send(request(number)).await.unwrap();
        let answer = next(&mut socket).await;
        assert!(answer.contains("\"status\":200"), "{answer}");
        // The first ones warm up.
        if number > 200 {
            latency.record(sent.elapsed().as_nanos() as u64).unwrap();
        }
        if began.elapsed() > time && number % 2 == 0 {
            break;
        }
    }
    let _ = socket.close(None).await;
    latency
}

/// Answers a second over so many connections, each of another account, with many requests under way on each.
async fn throughput(world: &World, address: SocketAddr, connections: usize, time: Duration) -> u64 {
    let (count, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for trader in 0..connections {
        let (mut sink, mut source) = log_on(world, address, trader).await.split();
        let (count, over) = (Arc::clone(&count), Arc::clone(&over));
        tasks.push(tokio::spawn(async move {
            let (mut sent, mut answered) = (0, 0);
            while !over.load(Ordering::Relaxed) || answered < sent {
                while sent - answered < UNDER_WAY as u64 && !over.load(Ordering::Relaxed) {
                    sent += 1;
                    sink.feed(request(1_000_000 + sent)).await.unwrap();
                }
                sink.flush().await.unwrap();
                if let Message::Text(text) = source.next().await.unwrap().unwrap() {
                    assert!(text.contains("\"status\":200"), "{text}");
                    answered += 1;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        }));
    }
    let began = Instant::now();
    let before = count.load(Ordering::Relaxed);
    tokio::time::sleep(time).await;
    let done = count.load(Ordering::Relaxed) - before;
    let rate = done * 1_000 / began.elapsed().as_millis() as u64;
    over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    rate
}

/// Messages that so many subscribers of the best prices and trades get, and how old trades are then.
async fn listen(address: SocketAddr, subscribers: usize, time: Duration) -> (u64, Histogram<u64>, usize) {
    let (count, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = Vec::new();
    for _ in 0..subscribers {
        let path = format!("ws://{address}/ws/btcusd@trade/btcusd@depth5@100ms");
        let (mut socket, _) = connect_async(path).await.unwrap();
        let (count, over) = (Arc::clone(&count), Arc::clone(&over));
        tasks.push(tokio::spawn(async move {
            let mut delays = histogram();
            while !over.load(Ordering::Relaxed) {
                let Some(Ok(message)) = socket.next().await else { break };
                let Message::Text(text) = message else { continue };
                count.fetch_add(1, Ordering::Relaxed);
                let time = text
                    .split_once("\"T\":")
                    .and_then(|(_, rest)| rest.split_once(',')?.0.parse::<u64>().ok());
                if let Some(time) = time {
                    let _ = delays.record(millis().saturating_sub(time) * 1_000_000);
                }
            }
            delays
        }));
    }
    let before = count.load(Ordering::Relaxed);
    tokio::time::sleep(time).await;
    let messages = count.load(Ordering::Relaxed) - before;
    let let_go = tasks.iter().filter(|task| task.is_finished()).count();
    over.store(true, Ordering::Relaxed);
    let mut delays = histogram();
    for task in tasks {
        delays.add(task.await.unwrap()).unwrap();
    }
    (messages, delays, let_go)
}
