//! The native API over HTTP, with a real exchange behind it.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod delegations;
mod documents;
mod kit;
mod lies;
mod orders;
mod python;
mod refusals;
mod stages;
mod stream;
mod traces;
