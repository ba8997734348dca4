//! The statement against everybody who would like another claim: the operator, a trader, a prover, a client.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod authority;
mod commands;
mod cost;
mod golden;
mod honest;
mod l1_queue;
mod mutations;
mod range;
mod receipts;
mod support;
mod witness;
