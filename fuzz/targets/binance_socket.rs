//! Messages of WebSockets for streams and for calls: every one is answered once and under its number; connections have the
//! subscriptions that they were told they have, bounded, and leave none behind; nobody is let in without a signature.
#![no_main]

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use gateway::binance::fuzzing::{Socket, Sockets};
use kit::{Front, STREAMS, front};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

/// Milliseconds since 1970.
const NOW: u64 = 1_700_000_000_000;
/// User data streams of a connection for calls.
const USERS: usize = 16;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let front = front();
    let sockets = Sockets::new(&front.world.gateway);
    let mut listener = Listener { socket: sockets.listen(), names: BTreeSet::new(), combined: false };
    let mut caller = Caller {
        socket: sockets.call(NOW),
        logged_on: false,
        users: BTreeSet::new(),
        listen_key: String::new(),
        closed: BTreeSet::new(),
    };
    for line in text.split('\n').take(64) {
        let line = line.replace("$LISTEN", &caller.listen_key);
        match line.split_at_checked(1) {
            Some(("L", message)) => listener.say(message, &sockets),
            Some(("C", message)) => caller.say(message, front),
            _ => {}
        }
        // A listen key that was closed is still named, and nothing is told of it.
        let open = listener.names.iter().filter(|name| !caller.closed.contains(*name)).count();
        assert_eq!(sockets.subscribers(), open + caller.users.len());
    }
    listener.socket.end();
    assert_eq!(sockets.subscribers(), caller.users.len());
    caller.socket.end();
    assert_eq!(sockets.subscribers(), 0);
});

/// The answer, and what was asked.
fn ask(socket: &mut Socket, message: &str) -> Option<(Value, Value)> {
    let asked = match serde_json::from_str(message) {
        Ok(asked) => asked,
        // JSON that is too deep, or has too large a number, for the model.
        Err(_) if serde_json::from_str::<&RawValue>(message).is_ok() => return None,
        Err(_) => Value::Null,
    };
    let reply = socket.text(message, NOW).expect("nothing waits for the exchange");
    let reply: Value = serde_json::from_str(&reply).expect("an answer is JSON");
    assert!(reply["id"].is_null() || reply["id"] == asked["id"], "{message}");
    assert!(reply.get("result").is_some() != reply.get("error").is_some());
    let short = |id: &Value| id.as_str().is_some_and(|id| id.len() < 60 && id.is_ascii()) || id.is_u64();
    if reply.get("result").is_some() && short(&asked["id"]) {
        assert_eq!(reply["id"], asked["id"]);
    }
    Some((reply, asked))
}

struct Listener {
    socket: Socket,
    names: BTreeSet<String>,
    combined: bool,
}

impl Listener {
    fn say(&mut self, message: &str, sockets: &Sockets) {
        let Some((reply, asked)) = ask(&mut self.socket, message) else { return };
        let Some(result) = reply.get("result") else { return };
        let params = asked.get("params").and_then(Value::as_array).cloned().unwrap_or_default();
        let names = || params.iter().map(|name| name.as_str().expect("a name").to_owned());
        match asked["method"].as_str().expect("a method") {
            "SUBSCRIBE" => {
                names().for_each(|name| check(&name, sockets));
                self.names.extend(names());
                assert!(self.names.len() <= STREAMS);
            }
            "UNSUBSCRIBE" => self.names.retain(|name| !names().any(|left| left == *name)),
            "LIST_SUBSCRIPTIONS" => {
                let list = result
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|name| name.as_str().expect("a name").to_owned());
                assert_eq!(list.collect::<BTreeSet<_>>(), self.names);
            }
            "GET_PROPERTY" => assert_eq!(*result, self.combined),
            "SET_PROPERTY" => self.combined = params[1] == true,
            other => panic!("there is no method {other}"),
        }
    }
}

/// The names that there are.
fn check(name: &str, sockets: &Sockets) {
    let meaning = sockets.stream(name, NOW).expect("it was subscribed to");
    let Some((symbol, kind)) = name.split_once('@').filter(|(symbol, _)| !symbol.starts_with('!')) else {
        assert_eq!(meaning.starts_with("All"), name.starts_with('!'));
        assert!(name.starts_with('!') || meaning.starts_with("User") && name.len() == 64);
        return;
    };
    assert_eq!(symbol, symbol.to_lowercase());
    let market = front().world.view.market(&symbol.to_uppercase()).expect("a market");
    assert!(meaning.contains(&format!("MarketId({})", market.id.0)), "{name} {meaning}");
    // The pace that goes without saying.
    if !kind.contains('@') {
        let slow = sockets.stream(&format!("{name}@1000ms"), NOW);
        let fast = sockets.stream(&format!("{name}@100ms"), NOW);
        assert_eq!(slow.is_some(), kind.starts_with("depth"));
        assert!(
            fast.is_some() == slow.is_some() && (slow.is_none() || slow == Some(meaning) && fast != slow)
        );
    }
}

struct Caller {
    socket: Socket,
    logged_on: bool,
    users: BTreeSet<u64>,
    listen_key: String,
    closed: BTreeSet<String>,
}

impl Caller {
    fn say(&mut self, message: &str, front: &Front) {
        let message = message.replace("$KEY", &front.ed25519.0).replace("$HMAC", &front.hmac.0);
        let message = message.replace("$NOW", &NOW.to_string());
        let message = signed(&message, front).unwrap_or(message);
        let Some((reply, asked)) = ask(&mut self.socket, &message) else { return };
        let status = reply["status"].as_u64().expect("a status");
        let Some(result) = reply.get("result") else {
            return assert!((400..500).contains(&status), "{reply}");
        };
        assert_eq!(status, 200);
        let params = &asked["params"];
        let has_key = params.get("apiKey").is_some_and(|key| !key.is_null());
        let by_signature = params["apiKey"] == front.ed25519.0.as_str()
            && text(params).is_some_and(|text| {
                let found = params["signature"].as_str().and_then(|text| STANDARD.decode(text).ok());
                let right =
                    [text.0, text.1].map(|text| front.ed25519.1.sign(text.as_bytes()).to_bytes().to_vec());
                found.is_some_and(|found| right.contains(&found))
            });
        match asked["method"].as_str().expect("a method") {
            "session.logon" => {
                assert!(by_signature, "{message}");
                self.logged_on = true;
            }
            "session.logout" => {
                self.logged_on = false;
                self.users.clear();
            }
            "session.status" => {
                assert_eq!(!result["apiKey"].is_null(), self.logged_on);
                assert_eq!(result["userDataStream"], !self.users.is_empty());
            }
            "session.subscriptions" => assert_eq!(result.as_array().map(Vec::len), Some(self.users.len())),
            method @ ("userDataStream.subscribe" | "userDataStream.subscribe.signature") => {
                assert!(if method.ends_with("signature") { by_signature } else { self.logged_on });
                assert!(self.users.insert(result["subscriptionId"].as_u64().expect("a number")));
                assert!(self.users.len() <= USERS);
            }
            "userDataStream.unsubscribe" => match params.get("subscriptionId").filter(|id| !id.is_null()) {
                None => self.users.clear(),
                Some(id) => {
                    let id = id.as_u64().or_else(|| id.as_str()?.parse().ok()).expect("a number");
                    assert!(self.users.remove(&id));
                }
            },
            "userDataStream.start" => {
                self.listen_key = result["listenKey"].as_str().expect("a key").to_owned()
            }
            "userDataStream.stop" => {
                self.closed.insert(params["listenKey"].as_str().expect("a key").to_owned());
            }
            method => {
                let private = ["order.", "openOrders", "allOrders", "account", "myTrades"];
                if private.iter().any(|begin| method.starts_with(begin)) {
                    assert!(by_signature || self.logged_on && !has_key, "{message}");
                }
            }
        }
    }
}

/// What is signed, by older clients and by newer ones. Only of texts and whole numbers.
fn text(params: &Value) -> Option<(String, String)> {
    let object = params.as_object()?.iter().filter(|(name, value)| *name != "signature" && !value.is_null());
    let (mut plain, mut encoded) = (Vec::new(), Vec::new());
    for (name, value) in object {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return None,
        };
        let bytes = text.bytes().map(|byte| match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'*' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            _ => format!("%{byte:02X}"),
        });
        encoded.push(format!("{name}={}", bytes.collect::<String>()));
        plain.push(format!("{name}={text}"));
    }
    Some((plain.join("&"), encoded.join("&")))
}

/// The message with the signature that it asks for.
fn signed(message: &str, front: &Front) -> Option<String> {
    let mut message: Value = serde_json::from_str(message).ok()?;
    let params = message.get_mut("params")?;
    let (plain, encoded) = text(params)?;
    let text = match params.get("signature")?.as_str()? {
        "$SIGN" => plain,
        "$ENCODED" => encoded,
        _ => return None,
    };
    params["signature"] = STANDARD.encode(front.ed25519.1.sign(text.as_bytes()).to_bytes()).into();
    Some(message.to_string())
}
