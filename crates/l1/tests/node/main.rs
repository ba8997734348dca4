//! Against a real chain: ethrex in this process, through its JSON-RPC.
#![expect(clippy::unwrap_used, reason = "tests")]

mod blobs;
mod embedded;
mod index;
mod killed;
mod settle;
mod transactions;
mod world;
