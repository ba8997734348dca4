//! Binance's errors: a number that programs look at, and a sentence.

use std::borrow::Cow;

use axum::http::StatusCode;
use exchange::Refused;
use serde::Serialize;
use types::Reject;

use crate::counters::{Counters, count};
use crate::desk::DeskError;
use crate::keys::KeyError;
use crate::limits::{Exceeded, Refusal};

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub status: StatusCode,
    pub code: i32,
    pub message: Cow<'static, str>,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// More about it, as JSON.
    pub data: Option<String>,
}

/// As it is sent.
#[derive(Serialize)]
struct Body<'a> {
    code: i32,
    msg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a serde_json::value::RawValue>,
}

impl Failure {
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { status: StatusCode::BAD_REQUEST, code, message, retry_after: None, data: None }
    }

    fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub fn missing(name: &str) -> Self {
        let message = format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed.");
        Self::new(-1102, message)
    }

    /// `range` is a regular expression.
    pub fn illegal(name: &str, range: &str) -> Self {
        Self::new(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."))
    }

    pub fn not_required(name: &str) -> Self {
        Self::new(-1106, format!("Parameter '{name}' sent when not required."))
    }

    pub fn too_precise(name: &str) -> Self {
        Self::new(-1111, format!("Parameter '{name}' has too much precision."))
    }

    pub fn filter(name: &str) -> Self {
        Self::new(-1013, format!("Filter failure: {name}"))
    }

    pub fn bad_symbol() -> Self {
        Self::new(-1121, "Invalid symbol.")
    }

    pub fn no_such_order() -> Self {
        Self::new(-2013, "Order does not exist.")
    }

    pub fn bad_listen_key() -> Self {
        Self::new(-1125, "This listenKey does not exist.")
    }

    pub fn forbidden() -> Self {
        Self::new(-2015, "Invalid API-key, IP, or permissions for action.")
            .with_status(StatusCode::UNAUTHORIZED)
    }

    /// Counts it, if it is of a kind that is counted.
    pub fn count(&self, counters: &Counters) {
        match self.code {
            -1003 | -1015 => count(&counters.refused),
            -1022 | -2014 | -2015 => count(&counters.unauthorised),
            _ => {}
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> String {
        let data = self.data.clone().and_then(|data| serde_json::value::RawValue::from_string(data).ok());
        let body = Body { code: self.code, msg: &self.message, data: data.as_deref() };
        // Strings and numbers always serialise.
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// Of a new order that the rules reject.
    pub fn order_rejected(reject: Reject) -> Self {
        match reject {
            Reject::UnknownMarket => Self::bad_symbol(),
            Reject::ZeroQuantity | Reject::QuantityLimit => Self::filter("LOT_SIZE"),
            Reject::PriceOutOfRange => Self::filter("PRICE_FILTER"),
            Reject::NotionalLimit => Self::filter("NOTIONAL"),
            Reject::OpenOrderLimit => Self::filter("MAX_NUM_ORDERS"),
            Reject::PositionLimit => Self::filter("MAX_POSITION"),
            Reject::PriceCollar => Self::filter("PERCENT_PRICE_BY_SIDE"),
            Reject::BadTimeInForce => Self::new(-1115, "Invalid timeInForce."),
            Reject::DuplicateClientOrderId => Self::new(-2010, "Duplicate order sent."),
            Reject::PostOnlyWouldTake => Self::new(-2010, "Order would immediately match and take."),
            Reject::AlreadyTriggered => Self::new(-2010, "Order would trigger immediately."),
            Reject::InsufficientBalance => {
                Self::new(-2010, "Account has insufficient balance for requested action.")
            }
            Reject::MarketHalted | Reject::ExchangeHalted => Self::new(-2010, "Market is closed."),
            Reject::AccountSuspended => Self::new(-2010, "This action is disabled on this account."),
            other => Self::new(-2010, other.sentence()),
        }
    }

    /// Of a cancellation that the rules reject.
    pub fn cancel_rejected(reject: Reject) -> Self {
        match reject {
            Reject::UnknownMarket => Self::bad_symbol(),
            Reject::UnknownOrder => Self::new(-2011, "Unknown order sent."),
            other => Self::new(-2011, other.sentence()),
        }
    }

    /// Of an amendment that the rules reject.
    pub fn amend_rejected(reject: Reject) -> Self {
        match reject {
            Reject::UnknownMarket => Self::bad_symbol(),
            Reject::UnknownOrder => Self::new(-2038, "The requested action will change no state; rejecting."),
            other => Self::new(-2038, other.sentence()),
        }
    }
}

impl From<DeskError> for Failure {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::NotDelegated { .. } => {
                Self::new(-2010, "This account has not delegated its session to this gateway.")
            }
            DeskError::Unanswered => {
                let text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown.";
                Self::new(-1007, text).with_status(StatusCode::GATEWAY_TIMEOUT)
            }
            DeskError::Refused(Refused::Busy { .. } | Refused::BusyDownstream { .. }) => {
                let text =
                    "Server is currently overloaded with other requests. Please try again in a few minutes.";
                let busy = Self::new(-1008, text).with_status(StatusCode::SERVICE_UNAVAILABLE);
                Self { retry_after: Some(1), ..busy }
            }
            DeskError::Refused(refused @ (Refused::Stopped(_) | Refused::ShuttingDown)) => {
                tracing::warn!(%refused, "an order came to nothing");
                Self::new(-1016, "This service is no longer available.")
                    .with_status(StatusCode::SERVICE_UNAVAILABLE)
            }
            DeskError::Refused(refused) => Self::new(-2010, refused.to_string()),
        }
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Malformed => {
                Self::new(-2014, "API-key format invalid.").with_status(StatusCode::UNAUTHORIZED)
            }
            KeyError::Signature => Self::new(-1022, "Signature for this request is not valid."),
            _ => Self::forbidden(),
        }
    }
}

impl Failure {
    /// `now` is in milliseconds since 1970.
    pub fn refused(refusal: Refusal, now: u64) -> Self {
        let status = if refusal.banned { StatusCode::IM_A_TEAPOT } else { StatusCode::TOO_MANY_REQUESTS };
        let (code, message) = match refusal.what {
            Exceeded::Weight if refusal.banned => {
                (-1003, format!("Way too many requests; IP banned until {}.", refusal.until))
            }
            Exceeded::Weight => {
                (-1003, "Too much request weight used; please use WebSocket Streams for live updates.".into())
            }
            Exceeded::OrdersInTenSeconds => {
                (-1015, "Too many new orders; current limit is reached for 10 SECOND.".into())
            }
            Exceeded::OrdersInADay => {
                (-1015, "Too many new orders; current limit is reached for 1 DAY.".into())
            }
        };
        let retry_after = Some(refusal.retry_after(now));
        Self { retry_after, ..Self::new(code, message).with_status(status) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejection_of_the_rules_has_a_code_and_a_sentence() {
        for reject in Reject::ALL {
            for failure in [
                Failure::order_rejected(*reject),
                Failure::cancel_rejected(*reject),
                Failure::amend_rejected(*reject),
            ] {
                assert!((-2_100..=-1_000).contains(&failure.code), "{reject:?}: {failure:?}");
                assert!(failure.message.len() > 10 && failure.status == StatusCode::BAD_REQUEST);
                let body: serde_json::Value = serde_json::from_str(&failure.body()).unwrap();
                assert_eq!(body["code"], failure.code);
            }
        }
        assert_eq!(
            Failure::cancel_rejected(Reject::UnknownOrder).body(),
            r#"{"code":-2011,"msg":"Unknown order sent."}"#
        );
    }
}
