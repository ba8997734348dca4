//! What the fuzz targets read through: requests and messages as they come, and what is understood of them. A refusal is
//! Binance's number for it.
#![allow(missing_docs, reason = "as they are called inside")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use futures_util::FutureExt as _;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use types::{OrderRef, Place};

use super::Api;
use super::new_order::NewOrder;
use super::params::Params;
use super::signing::{self, check_time};
use super::streams::{Form, Listener, Stream, Streams};
use super::websocket::{Action, Handler, Outbox};
use super::ws_api::Session;
use crate::Gateway;
use crate::view::{Range, Scale, View};

/// What a request over HTTP signs.
pub fn signed_bytes(query: &str, body: &[u8]) -> Vec<u8> {
    signing::signed_bytes(query, body)
}

/// The parameters of a request.
pub struct Request(Params);

impl Request {
    pub fn of_form(query: &str, form: &[u8]) -> Result<Self, i32> {
        Params::of_form(query, form).map(Self).map_err(|failure| failure.code)
    }

    pub fn of_json(object: &RawValue) -> Result<Self, i32> {
        Params::of_json(object).map(Self).map_err(|failure| failure.code)
    }

    pub fn list(&self) -> &[(String, String)] {
        &self.0.0
    }

    pub fn signed_texts(&self) -> Vec<Vec<u8>> {
        self.0.signed_texts()
    }

    pub fn check_time(&self, now: u64) -> Result<(), i32> {
        check_time(&self.0, now).map_err(|failure| failure.code)
    }

    pub fn whole(&self, name: &str) -> Result<Option<u64>, i32> {
        self.0.whole(name).map_err(|failure| failure.code)
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>, i32> {
        self.0.boolean(name).map_err(|failure| failure.code)
    }

    pub fn range(&self, from: &str, usual: usize, most: usize) -> Result<Range, i32> {
        self.0.range(Some(from), usual, most).map_err(|failure| failure.code)
    }

    pub fn order(&self) -> Result<OrderRef, i32> {
        self.0.order("orderId", "origClientOrderId").map_err(|failure| failure.code)
    }

    /// Symbols of the markets that it names.
    pub fn markets(&self, view: &View) -> Result<Option<Vec<String>>, i32> {
        let named = self.0.markets(view).map_err(|failure| failure.code)?;
        Ok(named.map(|list| list.iter().map(|market| market.symbol.clone()).collect()))
    }

    pub fn units(&self, name: &str, scale: Scale, asset: Scale) -> Result<Option<u64>, i32> {
        self.0.units(name, scale, asset, "LOT_SIZE").map_err(|failure| failure.code)
    }

    pub fn new_order(&self, view: &View) -> Result<Place, i32> {
        NewOrder::read(&self.0, view).map(|order| order.place).map_err(|failure| failure.code)
    }
}

/// Who listens to streams, without anybody who tells.
pub struct Sockets {
    api: Arc<Api>,
}

/// A connection.
pub struct Socket {
    handler: Box<dyn Handler>,
    _queue: mpsc::Receiver<Utf8Bytes>,
}

impl Sockets {
    pub fn new(gateway: &Arc<Gateway>) -> Self {
        let streams = Arc::new(Streams::new(&gateway.settings.limits));
        Self { api: Arc::new(Api { gateway: Arc::clone(gateway), streams }) }
    }

    /// A connection for streams.
    pub fn listen(&self) -> Socket {
        let (outbox, queue) = Outbox::new(4);
        Socket { handler: Box::new(Listener::new(&self.api, &outbox, Form::Raw)), _queue: queue }
    }

    /// A connection for calls.
    pub fn call(&self, now: u64) -> Socket {
        let (outbox, queue) = Outbox::new(4);
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Socket { handler: Box::new(Session::new(&self.api, &outbox, address, now)), _queue: queue }
    }

    /// How often somebody has subscribed to something.
    pub fn subscribers(&self) -> usize {
        self.api.streams.subscribers()
    }

    /// What a name means.
    pub fn stream(&self, name: &str, now: u64) -> Option<String> {
        let view = &self.api.gateway.view;
        Stream::parse(name, view, &self.api.streams.listen_keys, now).map(|stream| format!("{stream:?}"))
    }
}

impl Socket {
    /// The answer to a message; none where it must wait for somebody.
    pub fn text(&mut self, text: &str, now: u64) -> Option<String> {
        match self.handler.text(text.into(), now) {
            Action::Reply(reply) => Some(reply),
            Action::Later(later) => later.now_or_never(),
        }
    }

    /// The connection ends.
    pub fn end(mut self) {
        self.handler.ended();
    }
}
