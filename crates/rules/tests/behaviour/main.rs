//! The rules by example: each test is a sentence about what the exchange does.

mod accounts;
mod cancelling;
mod expiry;
mod fees;
mod halts;
mod hostile;
mod operator;
mod orders;
mod risk;
mod self_trade;
mod support;
mod triggers;
