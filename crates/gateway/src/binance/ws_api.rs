//! Calls over a WebSocket: `/ws-api/v3`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use types::AccountId;

use super::Api;
use super::calls::{Asked, METHODS};
use super::failure::Failure;
use super::params::Params;
use super::signing::{Security, authenticate, check_time};
use super::streams::{Form, Stream};
use super::websocket::{Action, Handler, Outbox, upgrade};
use crate::counters::count;
use crate::keys::{Caller, KeyKind, Role};
use crate::limits::OrderCounts;
use crate::{ClientAddress, clock};

/// Weight of a new connection.
const CONNECTION: u32 = 2;
/// Characters of a request's id at most.
const ID: usize = 64;
/// User data streams of one connection.
const SUBSCRIPTIONS: usize = 16;

pub(super) fn router(api: &Arc<Api>) -> Router {
    let api = Arc::clone(api);
    let serve = move |upgrade: WebSocketUpgrade, client: Extension<ClientAddress>| async move {
        connect(&api, upgrade, client.0)
    };
    Router::new().route("/ws-api/v3", get(serve))
}

fn connect(api: &Arc<Api>, request: WebSocketUpgrade, client: ClientAddress) -> Response {
    let now = clock::millis();
    if let Err(refusal) = api.gateway.limiter.charge(client.address, CONNECTION, now) {
        let failure = Failure::refused(refusal, now);
        return (failure.status, failure.body()).into_response();
    }
    let (outbox, queue) = Outbox::new(api.gateway.settings.limits.ws_queue);
    let session = Session::new(api, &outbox, client.address, now);
    upgrade(request, Arc::clone(&api.gateway), client, outbox, queue, session)
}

/// One connection.
pub(super) struct Session {
    api: Arc<Api>,
    address: IpAddr,
    outbox: Arc<Outbox>,
    logged_on: Option<LoggedOn>,
    connected: u64,
    /// User data streams by number: whose, and by which API key.
    subscriptions: BTreeMap<u64, (AccountId, String)>,
    next_subscription: u64,
}

#[derive(Clone)]
struct LoggedOn {
    api_key: String,
    since: u64,
}

/// A request as it comes.
#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    method: String,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// What an answer needs besides its content.
#[derive(Clone)]
struct Envelope {
    id: String,
    /// Used by the address this minute.
    weight: u32,
    rate_limits: bool,
}

impl Handler for Session {
    fn text(&mut self, text: Utf8Bytes, now: u64) -> Action {
        count(&self.api.gateway.counters.requests);
        match self.take(&text, now) {
            Ok(action) => action,
            Err((envelope, failure)) => Action::Reply(self.refuse(&envelope, &failure, now)),
        }
    }

    fn rate(&self) -> Option<u32> {
        None
    }

    fn ended(&mut self) {
        for (number, (account, _)) in std::mem::take(&mut self.subscriptions) {
            self.leave(number, account);
        }
    }

    fn is_revoked(&self) -> bool {
        let logged_on = self.logged_on.iter().map(|on| &on.api_key);
        let mut used = logged_on.chain(self.subscriptions.values().map(|(_, api_key)| api_key));
        used.any(|api_key| !self.api.gateway.keys.is_known(api_key))
    }
}

type Refused = (Envelope, Failure);

impl Session {
    pub fn new(api: &Arc<Api>, outbox: &Arc<Outbox>, address: IpAddr, now: u64) -> Self {
        Self {
            api: Arc::clone(api),
            address,
            outbox: Arc::clone(outbox),
            logged_on: None,
            connected: now,
            subscriptions: BTreeMap::new(),
            next_subscription: 0,
        }
    }

    fn take(&mut self, text: &str, now: u64) -> Result<Action, Refused> {
        let gateway = &self.api.gateway;
        let used = gateway.limiter.used(self.address, now);
        let mut envelope = Envelope { id: "null".into(), weight: used, rate_limits: true };
        let incoming: Incoming<'_> = match serde_json::from_str(text) {
            Ok(incoming) => incoming,
            Err(_) => {
                // Nonsense costs, too.
                let charged = gateway.limiter.charge(self.address, 1, now);
                let failure = charged.map_or_else(
                    |refusal| Failure::refused(refusal, now),
                    |_| Failure::new(-1100, "A request is a JSON object with 'id', 'method' and 'params'."),
                );
                return Err((envelope, failure));
            }
        };
        if let Some(id) = incoming.id {
            if id.get().len() > ID
                || !matches!(id.get().as_bytes().first(), Some(b'"' | b'0'..=b'9' | b'-' | b'n'))
            {
                let failure = Failure::illegal("id", "^[a-zA-Z0-9-_]{1,36}$");
                return Err((envelope, failure));
            }
            envelope.id = id.get().to_owned();
        }
        let params = incoming.params.map_or_else(|| Ok(Params::default()), Params::of_json);
        let call = METHODS.iter().find(|(name, _)| *name == incoming.method).map(|(_, call)| *call);
        let weight = match (&params, call) {
            (Ok(params), Some(call)) => call.weight(params),
            _ => 2,
        };
        match gateway.limiter.charge(self.address, weight, now) {
            Ok(used) => envelope.weight = used,
            Err(refusal) => return Err((envelope, Failure::refused(refusal, now))),
        }
        let params = params.map_err(|failure| (envelope.clone(), failure))?;
        envelope.rate_limits = params.boolean("returnRateLimits").ok().flatten() != Some(false);
        let failed = |failure| (envelope.clone(), failure);
        let Some(call) = call else {
            let answer = self.session_call(&incoming.method, &params, now).map_err(failed)?;
            return Ok(Action::Reply(self.show(&envelope, &answer)));
        };
        let caller = self.caller(call.security(), &params, now).map_err(failed)?;
        let api = Arc::clone(&self.api);
        Ok(Action::Later(Box::pin(async move {
            let result = call.run(&Asked::new(&api, &params, caller, now)).await;
            match result {
                Ok(answer) => show(&api, &envelope, &answer.json, answer.orders),
                Err(failure) => refuse(&api, &envelope, &failure, now),
            }
        })))
    }

    /// Who asks: by the request's own key and signature, or by those of the logon.
    fn caller(&self, security: Security, params: &Params, now: u64) -> Result<Option<Caller>, Failure> {
        let gateway = &self.api.gateway;
        if let (Some(logged_on), false) = (&self.logged_on, params.has("apiKey")) {
            return match security {
                Security::Open => Ok(None),
                Security::Key => Ok(Some(gateway.keys.look_up(&logged_on.api_key, Role::Read)?)),
                Security::Signed(role) => {
                    // The key may have been revoked meanwhile.
                    let caller = gateway.keys.look_up(&logged_on.api_key, role)?;
                    check_time(params, now)?;
                    Ok(Some(caller))
                }
            };
        }
        let api_key = params.text("apiKey")?;
        let signed = || params.signed_texts();
        authenticate(gateway, security, api_key, params, signed, now)
    }

    /// What concerns this connection only.
    fn session_call(&mut self, method: &str, params: &Params, now: u64) -> Result<Value, Failure> {
        match method {
            "session.logon" => {
                let api_key = params.text("apiKey")?;
                let signed = || params.signed_texts();
                let security = Security::Signed(Role::Read);
                let caller = authenticate(&self.api.gateway, security, api_key, params, signed, now)?;
                if caller.is_none_or(|caller| caller.kind != KeyKind::Ed25519) {
                    return Err(Failure::new(-4056, "HMAC_SHA256 API key is not supported."));
                }
                let api_key = params.required("apiKey")?.to_owned();
                self.logged_on = Some(LoggedOn { api_key, since: now });
                Ok(self.status(now))
            }
            "session.status" => Ok(self.status(now)),
            "session.logout" => {
                self.logged_on = None;
                self.ended();
                Ok(self.status(now))
            }
            "userDataStream.subscribe" => {
                let logged_on = self.logged_on.as_ref();
                let logged_on =
                    logged_on.ok_or_else(|| Failure::new(-2015, "Log on with session.logon first."))?;
                let caller = self.api.gateway.keys.look_up(&logged_on.api_key, Role::Read)?;
                self.subscribe(caller.account, logged_on.api_key.clone())
            }
            "userDataStream.subscribe.signature" => {
                let api_key = params.text("apiKey")?;
                let signed = || params.signed_texts();
                let security = Security::Signed(Role::Read);
                let caller = authenticate(&self.api.gateway, security, api_key, params, signed, now)?;
                let api_key = params.required("apiKey")?.to_owned();
                self.subscribe(caller.ok_or_else(Failure::forbidden)?.account, api_key)
            }
            "userDataStream.unsubscribe" => {
                match params.whole("subscriptionId")? {
                    None => self.ended(),
                    Some(number) => match self.subscriptions.remove(&number) {
                        Some((account, _)) => self.leave(number, account),
                        None => {
                            return Err(Failure::new(
                                -1130,
                                "Data sent for parameter 'subscriptionId' is not valid.",
                            ));
                        }
                    },
                }
                Ok(json!({}))
            }
            "session.subscriptions" => {
                let list = self.subscriptions.keys().map(|number| json!({ "subscriptionId": number }));
                Ok(list.collect())
            }
            _ => Err(Failure::new(-1020, "This operation is not supported.")),
        }
    }

    fn subscribe(&mut self, account: AccountId, api_key: String) -> Result<Value, Failure> {
        if self.subscriptions.len() >= SUBSCRIPTIONS {
            return Err(Failure::new(-1003, "Too many user data streams; end one."));
        }
        let number = self.next_subscription;
        self.next_subscription += 1;
        self.subscriptions.insert(number, (account, api_key));
        let form = Form::Event(number);
        self.api.streams.subscribe(
            Stream::User(account),
            &event_name(self.outbox.id, number),
            &self.outbox,
            form,
        );
        Ok(json!({ "subscriptionId": number }))
    }

    fn leave(&self, number: u64, account: AccountId) {
        let name = event_name(self.outbox.id, number);
        self.api.streams.unsubscribe(Stream::User(account), &name, self.outbox.id);
    }

    fn status(&self, now: u64) -> Value {
        json!({
            "apiKey": self.logged_on.as_ref().map(|on| &on.api_key),
            "authorizedSince": self.logged_on.as_ref().map(|on| on.since),
            "connectedSince": self.connected,
            "returnRateLimits": true,
            "serverTime": now,
            "userDataStream": !self.subscriptions.is_empty(),
        })
    }

    fn show(&self, envelope: &Envelope, result: &Value) -> String {
        show(&self.api, envelope, &result.to_string(), None)
    }

    fn refuse(&self, envelope: &Envelope, failure: &Failure, now: u64) -> String {
        refuse(&self.api, envelope, failure, now)
    }
}

/// A user data stream of a connection is one of its own.
fn event_name(connection: u64, number: u64) -> String {
    format!("{connection}/{number}")
}

fn show(api: &Api, envelope: &Envelope, result: &str, orders: Option<OrderCounts>) -> String {
    let Envelope { id, .. } = envelope;
    let limits = rate_limits(api, envelope, orders);
    format!("{{\"id\":{id},\"status\":200,\"result\":{result}{limits}}}")
}

fn refuse(api: &Api, envelope: &Envelope, failure: &Failure, now: u64) -> String {
    failure.count(&api.gateway.counters);
    let (id, status) = (&envelope.id, failure.status.as_u16());
    let data = failure
        .retry_after
        .map(|seconds| json!({ "serverTime": now, "retryAfter": now + seconds * 1_000 }).to_string());
    let body = Failure { data: data.or_else(|| failure.data.clone()), ..failure.clone() }.body();
    let limits = rate_limits(api, envelope, None);
    format!("{{\"id\":{id},\"status\":{status},\"error\":{body}{limits}}}")
}

/// What the address and the account have used.
fn rate_limits(api: &Api, envelope: &Envelope, orders: Option<OrderCounts>) -> String {
    if !envelope.rate_limits {
        return String::new();
    }
    let limits = &api.gateway.settings.limits;
    let one = |kind: &str, interval: &str, number: u32, limit: u32, count: u32| {
        format!(
            "{{\"rateLimitType\":\"{kind}\",\"interval\":\"{interval}\",\"intervalNum\":{number},\
             \"limit\":{limit},\"count\":{count}}}"
        )
    };
    let mut list = one("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute, envelope.weight);
    if let Some(counts) = orders {
        let ten = one("ORDERS", "SECOND", 10, limits.orders_per_ten_seconds, counts.ten_seconds);
        let day = one("ORDERS", "DAY", 1, limits.orders_per_day, counts.day);
        list = format!("{ten},{day},{list}");
    }
    format!(",\"rateLimits\":[{list}]")
}
