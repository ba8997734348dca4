//! What the fuzz targets read through.
#![allow(missing_docs, reason = "as they are called inside")]

use exchange::Submission;

use super::protocol::Method;
pub(in crate::native) use super::protocol::Request;

/// What a message hands in.
pub fn submitted(text: &str) -> Option<Submission> {
    match serde_json::from_str::<Request>(text).ok()?.method {
        Method::Submit(request) => request.submission().ok(),
        _ => None,
    }
}
