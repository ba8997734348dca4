//! Connections for streams: `/ws`, `/ws/<stream>` and `/stream?streams=<stream>/<stream>`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::names::Stream;
use super::registry::Form;
use crate::binance::Api;
use crate::binance::failure::Failure;
use crate::binance::websocket::{Action, Handler, Outbox, upgrade};
use crate::{ClientAddress, clock};

/// Weight of a new connection.
const CONNECTION: u32 = 2;
/// Characters of a request's id at most.
const ID: usize = 64;

pub(in crate::binance) fn router(api: &Arc<Api>) -> Router {
    let bare = Arc::clone(api);
    let bare = move |upgrade: WebSocketUpgrade, client: Extension<ClientAddress>| async move {
        connect(&bare, upgrade, client.0, Form::Raw, Vec::new())
    };
    let named = Arc::clone(api);
    let named = move |Path(names): Path<String>,
                      upgrade: WebSocketUpgrade,
                      client: Extension<ClientAddress>| async move {
        connect(&named, upgrade, client.0, Form::Raw, names.split('/').map(str::to_owned).collect())
    };
    let combined = Arc::clone(api);
    let combined = move |RawQuery(query): RawQuery,
                         upgrade: WebSocketUpgrade,
                         client: Extension<ClientAddress>| async move {
        let names = streams_of(query.as_deref().unwrap_or_default());
        connect(&combined, upgrade, client.0, Form::Combined, names)
    };
    Router::new().route("/ws", get(bare)).route("/ws/{*streams}", get(named)).route("/stream", get(combined))
}

/// The names in `streams=a/b`.
fn streams_of(query: &str) -> Vec<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let list =
        pairs.find(|(name, _)| name == "streams").map(|(_, list)| list.into_owned()).unwrap_or_default();
    list.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn connect(
    api: &Arc<Api>,
    request: WebSocketUpgrade,
    client: ClientAddress,
    form: Form,
    names: Vec<String>,
) -> Response {
    let now = clock::millis();
    let refuse = |failure: Failure| (failure.status, failure.body()).into_response();
    if let Err(refusal) = api.gateway.limiter.charge(client.address, CONNECTION, now) {
        return refuse(Failure::refused(refusal, now));
    }
    let (outbox, queue) = Outbox::new(api.gateway.settings.limits.ws_queue);
    let mut listener = Listener::new(api, &outbox, form);
    // As at Binance, names in the URL that there are not stay silent: libraries connect to `/ws/0` and subscribe later.
    let known: Vec<String> = names.into_iter().filter(|name| listener.parse(name, now).is_some()).collect();
    if let Err(problem) = listener.subscribe(&known, now) {
        return refuse(Failure::new(-1130, problem));
    }
    upgrade(request, Arc::clone(&api.gateway), client, outbox, queue, listener)
}

/// One connection.
pub(in crate::binance) struct Listener {
    api: Arc<Api>,
    outbox: Arc<Outbox>,
    form: Form,
    subscriptions: HashMap<String, Stream>,
}

/// A request as it comes.
#[derive(Deserialize)]
struct Incoming<'a> {
    method: String,
    #[serde(default)]
    params: Vec<Value>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

impl Handler for Listener {
    fn text(&mut self, text: Utf8Bytes, now: u64) -> Action {
        let Ok(incoming) = serde_json::from_str::<Incoming<'_>>(&text) else {
            return Action::Reply(refusal(
                "null",
                3,
                "Invalid JSON: a request has 'method', 'params' and 'id'.",
            ));
        };
        let id = match incoming.id.map(RawValue::get) {
            None => "null",
            Some(id)
                if id.len() <= ID && matches!(id.as_bytes().first(), Some(b'"' | b'0'..=b'9' | b'n')) =>
            {
                id
            }
            Some(_) => {
                let why = "Invalid request: request ID must be an unsigned integer or a short string.";
                return Action::Reply(refusal("null", 2, why));
            }
        };
        Action::Reply(match self.carry_out(&incoming, now) {
            Ok(result) => format!("{{\"result\":{result},\"id\":{id}}}"),
            Err(why) => refusal(id, 2, &format!("Invalid request: {why}")),
        })
    }

    fn rate(&self) -> Option<u32> {
        Some(self.api.gateway.settings.limits.ws_messages_per_second)
    }

    fn ended(&mut self) {
        for (name, stream) in std::mem::take(&mut self.subscriptions) {
            self.api.streams.unsubscribe(stream, &name, self.outbox.id);
        }
    }
}

impl Drop for Listener {
    // A handshake that comes to nothing must leave no subscriptions.
    fn drop(&mut self) {
        self.ended();
    }
}

impl Listener {
    pub fn new(api: &Arc<Api>, outbox: &Arc<Outbox>, form: Form) -> Self {
        Self { api: Arc::clone(api), outbox: Arc::clone(outbox), form, subscriptions: HashMap::new() }
    }

    fn carry_out(&mut self, incoming: &Incoming<'_>, now: u64) -> Result<Value, String> {
        let names = || -> Result<Vec<String>, String> {
            let names = incoming.params.iter().map(|name| name.as_str().map(str::to_owned));
            names.collect::<Option<_>>().ok_or_else(|| "params must be names of streams".to_owned())
        };
        match incoming.method.as_str() {
            "SUBSCRIBE" => self.subscribe(&names()?, now).map(|()| Value::Null),
            "UNSUBSCRIBE" => {
                for name in names()? {
                    if let Some(stream) = self.subscriptions.remove(&name) {
                        self.api.streams.unsubscribe(stream, &name, self.outbox.id);
                    }
                }
                Ok(Value::Null)
            }
            "LIST_SUBSCRIPTIONS" => Ok(self.subscriptions.keys().cloned().collect()),
            "GET_PROPERTY" if incoming.params == ["combined"] => Ok((self.form == Form::Combined).into()),
            "SET_PROPERTY" => match incoming.params.as_slice() {
                [Value::String(name), Value::Bool(combined)] if name == "combined" => {
                    self.reform(if *combined { Form::Combined } else { Form::Raw }, now);
                    Ok(Value::Null)
                }
                _ => Err("the only property is 'combined'".into()),
            },
            _ => Err("unknown method".into()),
        }
    }

    /// All of these or none.
    fn subscribe(&mut self, names: &[String], now: u64) -> Result<(), String> {
        let limit = self.api.gateway.settings.limits.ws_streams;
        if self.subscriptions.len() + names.len() > limit {
            return Err(format!("a connection has at most {limit} streams"));
        }
        let found: Option<Vec<Stream>> = names.iter().map(|name| self.parse(name, now)).collect();
        let found = found.ok_or_else(|| "there is no such stream".to_owned())?;
        for (name, stream) in names.iter().zip(found) {
            self.subscriptions.insert(name.clone(), stream);
            self.api.streams.subscribe_named(stream, name, &self.outbox, self.form, now);
        }
        Ok(())
    }

    fn parse(&self, name: &str, now: u64) -> Option<Stream> {
        Stream::parse(name, &self.api.gateway.view, &self.api.streams.listen_keys, now)
    }

    fn reform(&mut self, form: Form, now: u64) {
        self.form = form;
        for (name, stream) in &self.subscriptions {
            self.api.streams.unsubscribe(*stream, name, self.outbox.id);
            self.api.streams.subscribe_named(*stream, name, &self.outbox, form, now);
        }
    }
}

fn refusal(id: &str, code: i32, why: &str) -> String {
    let error = json!({ "code": code, "msg": why });
    format!("{{\"error\":{error},\"id\":{id}}}")
}
