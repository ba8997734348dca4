//! Calls over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, any, on};
use tokio::time::timeout;

use super::Api;
use super::calls::{Answer, Asked, Call, ROUTES};
use super::failure::Failure;
use super::params::Params;
use super::signing::{authenticate, signed_bytes};
use crate::counters::count;
use crate::{ClientAddress, clock};

const JSON: &str = "application/json;charset=UTF-8";
const USED_WEIGHT: HeaderName = HeaderName::from_static("x-mbx-used-weight");
const USED_WEIGHT_1M: HeaderName = HeaderName::from_static("x-mbx-used-weight-1m");
const ORDERS_10S: HeaderName = HeaderName::from_static("x-mbx-order-count-10s");
const ORDERS_1D: HeaderName = HeaderName::from_static("x-mbx-order-count-1d");

pub(super) fn router(api: &Arc<Api>) -> Router {
    let known = ROUTES.iter().fold(Router::new(), |router, (method, path, call)| {
        let (api, call) = (Arc::clone(api), *call);
        // Only methods that have a filter are in the table.
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        router
            .route(path, on(filter, move |request: Request| async move { serve(&api, call, request).await }))
    });
    // Libraries read a refusal as JSON, also one of what there is not.
    let unknown = ["/api/v3/{*path}", "/sapi/{*path}"].into_iter().fold(Router::new(), |router, path| {
        let api = Arc::clone(api);
        router.route(
            path,
            any(move |request: Request| async move { refuse(&api, &request, StatusCode::NOT_FOUND) }),
        )
    });
    let api = Arc::clone(api);
    known.merge(unknown).method_not_allowed_fallback(move |request: Request| async move {
        refuse(&api, &request, StatusCode::METHOD_NOT_ALLOWED)
    })
}

/// There is no such call.
fn refuse(api: &Api, request: &Request, status: StatusCode) -> Response {
    let (now, weight) = (clock::millis(), 1);
    let address = request.extensions().get::<ClientAddress>().map(|client| client.address);
    let charged = address.map_or(Ok(0), |address| api.gateway.limiter.charge(address, weight, now));
    let failure = match charged {
        Ok(_) => Failure { status, ..Failure::new(-1020, "This operation is not supported.") },
        Err(refusal) => Failure::refused(refusal, now),
    };
    failure.count(&api.gateway.counters);
    let mut response = (failure.status, failure.body()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    if let Some(seconds) = failure.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn serve(api: &Api, call: Call, request: Request) -> Response {
    let now = clock::millis();
    count(&api.gateway.counters.requests);
    let mut headers = HeaderMap::new();
    let result = answer(api, call, request, now, &mut headers).await;
    let mut response = match result {
        Ok(answer) => {
            if let Some(orders) = answer.orders {
                headers.insert(ORDERS_10S, orders.ten_seconds.into());
                headers.insert(ORDERS_1D, orders.day.into());
            }
            (StatusCode::OK, answer.json).into_response()
        }
        Err(failure) => {
            failure.count(&api.gateway.counters);
            if let Some(seconds) = failure.retry_after {
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            (failure.status, failure.body()).into_response()
        }
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().extend(headers);
    response
}

async fn answer(
    api: &Api,
    call: Call,
    request: Request,
    now: u64,
    headers: &mut HeaderMap,
) -> Result<Answer, Failure> {
    let gateway = &api.gateway;
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let address = parts.extensions.get::<ClientAddress>().map(|client| client.address);
    if let Some(address) = address {
        let weight = call.weight(&Params::of_form(query, b"")?);
        let charged = gateway.limiter.charge(address, weight, now);
        let used = charged.as_ref().map_or_else(|_| gateway.limiter.used(address, now), |used| *used);
        headers.insert(USED_WEIGHT, used.into());
        headers.insert(USED_WEIGHT_1M, used.into());
        charged.map_err(|refusal| Failure::refused(refusal, now))?;
    }
    let limits = &gateway.settings.limits;
    let body =
        timeout(Duration::from_millis(limits.body_timeout_ms), to_bytes(body, limits.body_bytes)).await;
    let body = match body {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            return Err(status(StatusCode::PAYLOAD_TOO_LARGE, "The request's body is too large or broken."));
        }
        Err(_) => {
            return Err(status(StatusCode::REQUEST_TIMEOUT, "The request's body did not arrive in time."));
        }
    };
    // Reading is paid by what the query asks for.
    let form: &[u8] = if parts.method == Method::GET { b"" } else { &body };
    let params = Params::of_form(query, form)?;
    let api_key = parts.headers.get("x-mbx-apikey").and_then(|key| key.to_str().ok());
    let signed = || vec![signed_bytes(query, &body)];
    let caller = authenticate(gateway, call.security(), api_key, &params, signed, now)?;
    call.run(&Asked::new(api, &params, caller, now)).await
}

fn status(status: StatusCode, message: &'static str) -> Failure {
    Failure { status, ..Failure::new(-1000, message) }
}
