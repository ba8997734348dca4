//! The binary on a chain that is not its own: a node in the test's process, whose clock the test sets.
#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it must be")]

mod blobs;
mod exits;
mod kit;
mod refusals;
mod revert;
mod somebodys_node;
