//! A light client of published blocks: finds out by samples whether a block's data can be had, keeps headers only, and gets whole
//! blocks back from several peers when they are wanted.
//!
//! Nothing that a peer says is believed. A header must have the commitment that was asked for, the combination vector must be the
//! header's, a shard must be under the header's root and belong to the codeword, and a payload is coded again and its root compared.
//! What cannot be checked, a block's number and the digest of its claim, is marked as the peer's word.
//!
//! [`LightClient`] does all that over a [`Transport`], which asks a peer for a path. The feature `http` has one for plain HTTP
//! ([`Http`]); in a browser it is a few lines around `fetch`. [`wire`] is what peers and clients say to each other.
//!
//! Must not know what a payload means, or how peers store shards.

mod client;
mod error;
#[cfg(feature = "http")]
mod http;
mod kept;
mod records;
mod retrieving;
mod sampling;
mod transport;
pub mod wire;

pub use client::{Block, LightClient};
pub use error::{ClientError, Fault};
#[cfg(feature = "http")]
pub use http::{Http, HttpError};
pub use kept::Kept;
pub use records::PeerRecord;
pub use retrieving::Retrieved;
pub use sampling::Sampled;
pub use transport::{Reply, Transport, Trouble};
