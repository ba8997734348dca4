//! The stream: one WebSocket for executions, batches, trades, books and the tape of all commands, and for submissions.

mod asyncapi;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod hub;
mod protocol;
mod socket;

pub(crate) use asyncapi::document;
pub(crate) use hub::Hub;
pub(crate) use socket::__path_stream;
pub(crate) use socket::stream;
