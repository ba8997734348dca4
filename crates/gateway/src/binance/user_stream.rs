//! Listen keys: names of user data streams, which end unless they are kept alive.

use serde_json::json;

use super::calls::{Answer, Asked};
use super::failure::Failure;

pub(super) fn start(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let key = asked
        .streams
        .listen_keys
        .start(asked.caller()?.account, asked.now)
        .ok_or_else(|| Failure::new(-1003, "Too many user data streams; close one."))?;
    Answer::of(&json!({ "listenKey": key }))
}

pub(super) fn keep(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let key = asked.params.required("listenKey")?;
    if !asked.streams.listen_keys.keep(asked.caller()?.account, key, asked.now) {
        return Err(Failure::bad_listen_key());
    }
    Answer::of(&json!({}))
}

pub(super) fn close(asked: &Asked<'_>) -> Result<Answer, Failure> {
    let key = asked.params.required("listenKey")?;
    if !asked.streams.listen_keys.close(asked.caller()?.account, key) {
        return Err(Failure::bad_listen_key());
    }
    asked.streams.end_user_stream(key);
    Answer::of(&json!({}))
}
