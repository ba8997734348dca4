//! All routes, and the documents that describe them.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::any;
use axum::{Json, Router, middleware};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::error::ErrorBody;
use super::{
    ApiError, Native, accounts, batches, delegations, limits, orders, owner_requests, stream, submissions,
};

/// Where the API is.
pub const PREFIX: &str = "/api/glassbook/v1";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Glassbook's native API",
        description = "What no other exchange has: how far every command is on its way to finality, receipts with Merkle proofs, \
            proofs of balances, sealed batches and their proofs, orders signed by a key that stays with the trader. Bytes are \
            hexadecimal digits after `0x`; prices are ticks, quantities lots, amounts quanta, and those that may pass 2^53 are \
            decimal strings. Refusals have a stable code, what is wrong, and a remedy.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This exchange")),
    tags(
        (name = "exchange", description = "What exchange it is"),
        (name = "batches", description = "Batches on their way to finality"),
        (name = "orders", description = "Orders and commands, in and out"),
        (name = "accounts", description = "Accounts, proofs of balances, the way out through L1"),
        (name = "delegations", description = "Accounts that let the gateway sign, and their API keys"),
        (name = "stream", description = "The WebSocket"),
        (name = "documents", description = "What describes the API"),
    ),
    components(schemas(ErrorBody))
)]
struct Document;

/// Routes and document, made together: no route is without its description.
fn documented(submission_bytes: usize) -> OpenApiRouter<Arc<Native>> {
    let large = DefaultBodyLimit::max(submission_bytes);
    let native = OpenApiRouter::new()
        .routes(routes!(accounts::exchange))
        .routes(routes!(batches::list))
        .routes(routes!(batches::one_batch))
        .routes(routes!(batches::sealed))
        .routes(routes!(batches::proof))
        .routes(routes!(batches::availability))
        .routes(routes!(batches::command))
        .routes(routes!(batches::events))
        .routes(routes!(orders::order))
        .routes(routes!(orders::receipt))
        .routes(routes!(submissions::streams).layer(large))
        .routes(routes!(submissions::owner_command))
        .routes(routes!(accounts::account))
        .routes(routes!(accounts::balance_proof))
        .routes(routes!(accounts::owner))
        .routes(routes!(accounts::forced))
        .routes(routes!(delegations::offer))
        .routes(routes!(delegations::delegate))
        .routes(routes!(owner_requests::create, owner_requests::list))
        .routes(routes!(owner_requests::revoke))
        .routes(routes!(stream::stream));
    OpenApiRouter::with_openapi(Document::openapi())
        .nest(PREFIX, native)
        .routes(routes!(openapi))
        .routes(routes!(asyncapi))
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    documented(0).into_openapi()
}

/// All routes of the native API, and `/openapi.json` and `/asyncapi.json`.
pub fn router(native: Arc<Native>) -> Router {
    let (routes, _) = documented(native.submission_bytes).split_for_parts();
    let unknown = Router::new()
        .route(PREFIX, any(nothing_here))
        .route(&format!("{PREFIX}/"), any(nothing_here))
        .route(&format!("{PREFIX}/{{*path}}"), any(nothing_here));
    routes
        .merge(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&native), limits::paid))
        .with_state(native)
}

async fn nothing_here() -> ApiError {
    ApiError::not_found("unknown_route", "there is nothing here", "see /openapi.json")
}

async fn wrong_method() -> ApiError {
    let message = "this method does nothing here";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message, "see /openapi.json")
}

/// This document
///
/// OpenAPI 3.1.
#[utoipa::path(
    get, path = "/openapi.json", tag = "documents",
    responses((status = 200, description = "OpenAPI 3.1", body = Object))
)]
async fn openapi(State(_): State<Arc<Native>>) -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

/// The stream's description
///
/// AsyncAPI 3.
#[utoipa::path(
    get, path = "/asyncapi.json", tag = "documents",
    responses((status = 200, description = "AsyncAPI 3", body = Object))
)]
async fn asyncapi(State(_): State<Arc<Native>>) -> Json<Value> {
    Json(stream::document())
}
