//! What the fuzz targets read through: bodies and messages as they come, and what is understood of them.
#![allow(missing_docs, reason = "as they are called inside")]

use std::fmt::Debug;

use exchange::Submission;
use rules::Genesis;
use serde::de::DeserializeOwned;

use super::delegations::DelegationRequest;
use super::owner_requests::{self, KeyRequest};
use super::stream::fuzzing::Request;
use super::submissions::{OwnerRequest, StreamsRequest};

pub use super::stream::fuzzing::submitted;

/// What a body means, for people; none where it is refused.
fn shown<T: DeserializeOwned + Debug>(body: &str) -> Option<String> {
    serde_json::from_str::<T>(body).ok().map(|request| format!("{request:?}"))
}

/// Each kind of body and message, as it is understood.
pub const READERS: [fn(&str) -> Option<String>; 5] = [
    shown::<StreamsRequest>,
    shown::<OwnerRequest>,
    shown::<KeyRequest>,
    shown::<DelegationRequest>,
    shown::<Request>,
];

pub fn streams(body: &str) -> Option<Submission> {
    serde_json::from_str::<StreamsRequest>(body).ok()?.submission().ok()
}

pub fn owner(body: &str) -> Option<Submission> {
    serde_json::from_str::<OwnerRequest>(body).ok()?.submission().ok()
}

/// What an owner signs for a new key; none where the request is refused.
pub fn key_text(body: &str, genesis: &Genesis, account: u32, time: u64) -> Option<String> {
    let request: KeyRequest = serde_json::from_str(body).ok()?;
    let details = request.details().ok()?;
    Some(owner_requests::text(genesis, "create key", account, time, &details))
}

pub fn hexadecimal(text: &str, limit: usize) -> Option<Vec<u8>> {
    super::hexadecimal::read(text, "it", limit).ok()
}
