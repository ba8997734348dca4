//! Data availability: a payload becomes shards of which any K give it back, under one 32-byte commitment, and every shard
//! shows by itself that it belongs to the codeword.
//!
//! ```
//! use availability::{Decoder, Parameters, Progress, Verifier, encode};
//!
//! let payload = b"every command of a batch".repeat(100);
//! let encoded = encode(&payload, Parameters::DEFAULT)?;
//!
//! // A light client has the header, which a commitment names, and the combination vector.
//! let verifier = Verifier::new(encoded.header(), encoded.combination())?;
//! verifier.verify(&encoded.sample(300)?)?;
//!
//! // Any K shards are enough.
//! let mut decoder = Decoder::new(encoded.header())?;
//! for index in 100.. {
//!     if let Progress::Decodable = decoder.push(&encoded.sample(index)?)? {
//!         break;
//!     }
//! }
//! assert_eq!(decoder.finish()?, payload);
//! # Ok::<(), availability::CodingError>(())
//! ```
//!
//! [`Parameters`] choose the code; [`encode`] makes shards, Merkle tree and combination vector; a [`Verifier`] checks
//! [`Sample`]s; a [`Decoder`] collects shards, gives the payload back and repairs shards that were lost; [`plan`] says which
//! shard to ask of whom. What is proved, with how many bits, is argued in the book (`docs/src/availability/validity.md`).
//!
//! **Unsafe code** is in `simd.rs` alone. Evaluating shards over GF(2^128) is as much work as coding and hashing them, and vector
//! instructions do it some ten times as fast as tables; `std::simd` has neither byte shuffles by table nor bit matrices in
//! stable Rust. The module holds one function, with a portable twin that gives the same bytes and stands beside it in tests.
//!
//! Must not know what a payload means, where shards are stored, or who serves them.

mod challenge;
mod code;
mod combination;
pub mod correction;
mod decoder;
mod encoded;
pub mod encryption;
mod engine;
mod error;
mod evaluation;
mod fetch;
mod few_losses;
mod field;
mod header;
mod merkle;
#[cfg(target_arch = "x86_64")]
mod multiplier;
mod parameters;
mod portable;
mod sample;
pub mod sampling;
#[cfg(target_arch = "x86_64")]
mod simd;

pub use combination::Combination;
pub use decoder::{Decoder, Progress};
pub use encoded::{Encoded, encode, encode_in_place, encode_with};
pub use error::CodingError;
pub use evaluation::{Path, available_paths};
pub use fetch::{Peer, Plan, Request, plan};
pub use header::{Commitment, Header, VERSION};
pub use merkle::{Tree as ShardTree, leaf as leaf_hash};
pub use parameters::{MAX_CODED, MAX_PAYLOAD, MAX_SHARDS, Parameters};
pub use sample::{Sample, Verifier};
