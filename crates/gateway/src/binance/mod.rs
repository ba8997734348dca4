//! Binance's Spot API: REST, streams and the WebSocket API, close enough that its clients work once their base URL is
//! changed. What differs is in the book, chapter "Binance clients".
//!
//! A call is the same whichever way it comes: `calls` has the table of them, `rest` and `ws_api` are the two ways,
//! `streams` tells what happens.

mod account;
mod calls;
mod exchange_info;
mod failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod market_data;
mod new_order;
mod order_shapes;
mod orders;
mod params;
mod rest;
mod signing;
mod streams;
mod tickers;
mod user_stream;
mod websocket;
mod ws_api;

use std::sync::Arc;

use axum::Router;

use crate::Gateway;

/// What all of its routes share.
pub(crate) struct Api {
    pub gateway: Arc<Gateway>,
    pub streams: Arc<streams::Streams>,
}

/// All of its routes. Begins to follow the exchange for the streams, so it needs a Tokio runtime.
pub(crate) fn router(gateway: Arc<Gateway>) -> Router {
    let streams = streams::Streams::start(&gateway);
    let api = Arc::new(Api { gateway, streams });
    rest::router(&api).merge(streams::router(&api)).merge(ws_api::router(&api))
}
