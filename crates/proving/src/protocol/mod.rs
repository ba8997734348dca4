//! How workers and node talk: HTTP, every request signed by the worker's key.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `PUT /v1/worker` | [`Hello`] | 204: the node knows what the worker can do |
//! | `POST /v1/leases` | none | 200 [`Offer`], or 204: nothing to do, ask again |
//! | `GET /v1/leases/{lease}/input` | none | the job's input: a [`transition::BatchRange`] |
//! | `POST /v1/leases/{lease}` | none | [`Pulse`]: the lease goes on, or nobody wants the work |
//! | `PUT /v1/jobs/{job}/proof?lease={lease}&cycles={n}` | a proof file | 204 when the node has checked and kept it |
//! | `POST /v1/leases/{lease}/failure` | [`Failed`] | 204 |
//! | `GET /v1/status` | none, not signed | [`Status`] |
//!
//! Errors have a status code and a body of one sentence. A signature ([`auth`]) covers method, path with query, time
//! and body, so a request cannot be altered, nor be repeated to another end. What a worker says is believed nowhere: a
//! proof counts when the node has checked it.

pub mod auth;
mod client;
mod messages;
mod server;

pub use client::{Client, ClientError};
pub use messages::{Failed, Hello, Incident, JobStatus, Offer, Pulse, Status, WorkerStatus};
pub use server::serve;
