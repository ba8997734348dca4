//! Extractors whose rejections are refusals of this API.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::StatusCode;

use super::ApiError;

/// A JSON body.
#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(ApiError))]
pub(crate) struct Body<T>(pub T);

/// Parameters in the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub T);

/// Parameters in the query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub T);

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let (status, message) = (rejection.status(), rejection.body_text());
        let (code, remedy) = match status {
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "split the request"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("not_json", "send Content-Type: application/json"),
            _ => ("bad_body", "see /openapi.json for what the body must be"),
        };
        // Axum says 422 where the JSON is not what it should be; one status for all that is malformed is enough.
        let status =
            if status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status };
        Self::new(status, code, message, remedy)
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::bad("bad_path", rejection.body_text(), "see /openapi.json for what the path must be")
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad("bad_query", rejection.body_text(), "see /openapi.json for what the query must be")
    }
}
