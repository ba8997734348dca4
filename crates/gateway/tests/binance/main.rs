//! Binance's protocol against a running exchange, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod abuse;
mod accounts;
mod books;
mod encryption;
mod kit;
mod orders;
#[path = "../../examples/simulated/mod.rs"]
mod simulated;
mod streams;
mod web_socket_api;
