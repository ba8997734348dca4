//! How much an address may ask for: weights of the native API's requests, from the same account as those of Binance's.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::{ApiError, Native};
use crate::clock;
use crate::server::ClientAddress;

/// What a request weighs.
fn weight(method: &Method, path: &str) -> u32 {
    let last = path.rsplit('/').next().unwrap_or(path);
    match last {
        "balance-proof" => 20,
        "sealed" | "proof" => 10,
        "batches" | "delegations" | "keys" => 10,
        _ if path.contains("/receipts/") => 5,
        _ if method == Method::POST => 1,
        _ => 2,
    }
}

/// Takes weight from what an address may use.
pub(crate) fn charge(native: &Native, address: IpAddr, weight: u32) -> Result<(), ApiError> {
    let now = clock::millis();
    let Err(refusal) = native.gateway.limiter.charge(address, weight, now) else { return Ok(()) };
    let seconds = refusal.retry_after(now);
    let remedy = format!("wait {seconds} s");
    let (status, code, message) = match refusal.banned {
        true => (StatusCode::IM_A_TEAPOT, "banned", "this address went on although it was told to wait"),
        false => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "this address asks for too much"),
    };
    let mut error = ApiError::new(status, code, message, remedy);
    error.retry_after = Some(seconds);
    Err(error)
}

/// Every request is paid for before anything is done for it.
pub(crate) async fn paid(State(native): State<Arc<Native>>, request: Request, next: Next) -> Response {
    let address = request.extensions().get::<ClientAddress>().map(|client| client.address);
    if let Some(address) = address
        && let Err(error) = charge(&native, address, weight(request.method(), request.uri().path()))
    {
        return error.into_response();
    }
    next.run(request).await
}
