//! Refusals of the native API: a stable code, what is wrong, and what to do about it.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use exchange::Refused;
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use super::LifecycleError;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorBody {
    /// A stable name of what is wrong.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// A refusal on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) body: ErrorBody,
    /// Seconds after which trying again may help.
    pub(crate) retry_after: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let body = ErrorBody { code, message: message.into(), remedy: remedy.into() };
        Self { status, body, retry_after: None }
    }

    pub(crate) fn bad(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, remedy)
    }

    pub(crate) fn unauthorised(
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, message, remedy)
    }

    pub(crate) fn not_found(
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message, remedy)
    }

    /// Nothing is wrong with the request, and later it may be answered.
    pub(crate) fn later(code: &'static str, message: impl Into<String>, seconds: u64) -> Self {
        let remedy = format!("try again after {seconds} s");
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message, remedy);
        error.retry_after = Some(seconds);
        error
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        let remedy = "tell the operator; the log says more";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message, remedy)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<LifecycleError> for ApiError {
    fn from(error: LifecycleError) -> Self {
        Self::later("unavailable", error.why, 1)
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Busy { .. } | Refused::BusyDownstream { .. } => Self::later("busy", message, 1),
            Refused::Stopped(_) => {
                let remedy = "whether the commands count is known when it starts again: look at the stream";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopped", message, remedy)
            }
            Refused::ShuttingDown => Self::later("shutting_down", message, 10),
            Refused::Size { .. } => Self::bad("commands_count", message, "split the submission"),
            Refused::Withdrawals { .. } => Self::bad("withdrawals_count", message, "split the submission"),
            Refused::Misplaced { .. } => {
                Self::bad("misplaced", message, "see the book, Accounts and sessions: who may ask for what")
            }
            Refused::UnknownAccount { account } => unknown_account(account.0),
            Refused::NoSession { account } => {
                let remedy = format!(
                    "the owner registers a session key: POST /owner-commands, or delegates: /delegations/{account}"
                );
                Self::new(StatusCode::CONFLICT, "no_session", message, remedy)
            }
            Refused::Signature { account, .. } => {
                let remedy =
                    format!("GET /accounts/{account} says where stream and nonce are; sign from there on");
                Self::unauthorised("bad_signature", message, remedy)
            }
            Refused::SessionChanged { .. } => {
                Self::new(StatusCode::CONFLICT, "session_changed", message, "sign with the new key")
            }
            Refused::Time => {
                let remedy = "this exchange replays recorded flow and takes no orders here";
                Self::new(StatusCode::CONFLICT, "replaying", message, remedy)
            }
        }
    }
}

pub(crate) fn unknown_account(account: u32) -> ApiError {
    let remedy = "a first deposit on L1 opens an account; GET /owners/{address} finds an owner's";
    ApiError::not_found("unknown_account", format!("account {account} does not exist"), remedy)
}

/// The refusals that every endpoint may answer with, for the OpenAPI document.
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let refusal = |description: &str| {
            let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
            let response = ResponseBuilder::new().description(description);
            RefOr::T(response.content("application/json", body).build())
        };
        [
            ("4XX", "Refused: the code says why, the remedy what to do"),
            ("5XX", "Not answered now, or not at all: the code says why, the remedy what to do"),
        ]
        .map(|(status, description)| (status.to_string(), refusal(description)))
        .into()
    }
}
