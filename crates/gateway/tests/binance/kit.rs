//! A gateway in front of an exchange, and clients for it that can also misbehave.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt as _, StreamExt as _};
use gateway::keys::Role;
use gateway::{Server, Settings};
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::simulated::{Options, Trader, World};

/// Nothing in these tests may take longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// An exchange, a gateway, a server.
pub struct Site {
    pub world: World,
    pub server: Server,
    _directory: TempDir,
}

/// With these settings, and so many simulated commands a second.
pub async fn site_with(rate: u64, settings: impl FnOnce(&mut Settings)) -> Site {
    let directory = tempfile::tempdir().unwrap();
    let mut options = Options { rate, ..Options::default() };
    options.settings.limits.orders_per_ten_seconds = 10_000;
    options.settings.limits.weight_per_minute = 1_000_000;
    settings(&mut options.settings);
    let path = directory.path().to_owned();
    let world = tokio::task::spawn_blocking(move || World::open(&path, options)).await.unwrap();
    let server = Server::start(world.gateway.clone(), axum::Router::new()).await.unwrap();
    Site { world, server, _directory: directory }
}

/// Without simulated traders.
pub async fn site() -> Site {
    site_with(0, |_| {}).await
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub fn code(&self) -> i64 {
        self.json()["code"].as_i64().unwrap_or(0)
    }
}

impl Site {
    pub fn trader(&self) -> &Trader {
        &self.world.traders[0]
    }

    pub fn key(&self, role: Role) -> (String, String) {
        self.trader().keys[&role].clone()
    }

    /// One request on a connection of its own.
    pub async fn send(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.server.address()).await.unwrap();
        let mut request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        // A server that refuses early may close before everything is written.
        let _ = stream.write_all(request.as_bytes()).await;
        read_answer(&mut stream).await
    }

    pub async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], "").await
    }

    /// A signed request; parameters in the query for GET, in the body otherwise.
    pub async fn signed(&self, role: Role, method: &str, path: &str, query: &str) -> Answer {
        let (key, secret) = self.key(role);
        let separator = if query.is_empty() { "" } else { "&" };
        // A busy machine may be slow.
        let query = format!("{query}{separator}recvWindow=60000&timestamp={}", now());
        let query = format!("{query}&signature={}", hmac(&secret, &query));
        let headers = [("x-mbx-apikey", key.as_str())];
        if method == "GET" {
            self.send(method, &format!("{path}?{query}"), &headers, "").await
        } else {
            self.send(method, path, &headers, &query).await
        }
    }

    pub async fn order(&self, terms: &str) -> Answer {
        self.signed(Role::Trade, "POST", "/api/v3/order", terms).await
    }

    pub async fn listen(&self, path: &str) -> Socket {
        let (socket, _) = connect_async(format!("ws://{}{path}", self.server.address())).await.unwrap();
        Socket(socket)
    }
}

pub async fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("an answer in time");
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.into()));
    Answer { status: status.unwrap_or(0), headers: headers.collect(), body: body.to_owned() }
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

pub fn hmac(secret: &str, payload: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(payload.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// A WebSocket.
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// The next text; `None` at the end.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a message in time") {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next message that is of this kind.
    pub async fn next_event(&mut self, event: &str) -> Value {
        loop {
            let message = self.next().await.expect("the connection stays");
            if message["e"] == event {
                return message;
            }
        }
    }

    pub async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    pub async fn ask(&mut self, text: &str) -> Value {
        self.send(text).await;
        loop {
            let message = self.next().await.expect("an answer");
            // What streams tell comes in between.
            if message.get("id").is_some() {
                return message;
            }
        }
    }
}

/// A number in a string.
pub fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("not a number: {value}"))
}
