//! What a request is refused with.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use light_client::wire::{MAX_ANSWER, MAX_INDICES, Refusal};
use thiserror::Error;

use crate::StoreError;

/// Why a request is refused.
#[derive(Debug, Error)]
pub enum Refused {
    /// No such path.
    #[error(
        "there is nothing here; the paths are /v1/blocks, /v1/blocks/N, /v1/blocks/N/shards/I, /v1/blocks/N/samples?indices="
    )]
    NoSuchPath,
    /// Anything but GET.
    #[error("only GET is answered")]
    Method,
    /// The query cannot be read.
    #[error("{0}")]
    Query(&'static str),
    /// Neither a number nor a commitment.
    #[error("a block is named by its number, or by its commitment in 64 hexadecimal digits")]
    BlockName,
    /// More samples than a request may have.
    #[error("at most {MAX_INDICES} indices in a request")]
    TooManyIndices,
    /// Shards that are too long to be served together.
    #[error("at most {MAX_ANSWER} bytes in an answer; ask for fewer shards")]
    TooLong,
    /// The peer has asked for too much.
    #[error("too many requests; try again in {} ms", .0.as_millis())]
    TooMany(Duration),
    /// Too much is on its way to others.
    #[error("busy; try again later")]
    Busy,
    /// No such block, shard, or one that cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread is gone.
    #[error("the server failed")]
    Failed,
}

impl Refused {
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no_such_path"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Query(_) => (StatusCode::BAD_REQUEST, "bad_query"),
            Self::BlockName => (StatusCode::BAD_REQUEST, "bad_block"),
            Self::TooManyIndices => (StatusCode::BAD_REQUEST, "too_many_indices"),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "answer_too_long"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "failed"),
            Self::Store(error) => match error {
                StoreError::NoSuchBlock => (StatusCode::NOT_FOUND, "no_such_block"),
                StoreError::NoSuchShard { .. } => (StatusCode::NOT_FOUND, "no_such_shard"),
                StoreError::DamagedShard { .. } => (StatusCode::NOT_FOUND, "damaged_shard"),
                StoreError::Pruned { .. } => (StatusCode::GONE, "pruned"),
                _ => (StatusCode::INTERNAL_SERVER_ERROR, "store"),
            },
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        let message = match &self {
            // Paths of this machine are nobody's business.
            Self::Store(_) if status.is_server_error() => "the block cannot be read".to_string(),
            refused => refused.to_string(),
        };
        let mut response = (status, Json(Refusal { code: code.into(), message })).into_response();
        let after = match &self {
            Self::TooMany(wait) => Some(wait.as_millis().div_ceil(1_000).max(1) as u64),
            Self::Busy => Some(1),
            _ => None,
        };
        if let Some(after) = after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after));
        }
        response
    }
}
