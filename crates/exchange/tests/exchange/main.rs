//! The exchange as a whole, from submission to sealed batch, and through every way of stopping.

#![allow(clippy::unwrap_used)]

mod feeds;
mod ingress;
mod journal_failure;
mod kill_loop;
mod kit;
mod pipeline;
mod recovery;

use exchange as under_test;
