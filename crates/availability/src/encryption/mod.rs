//! Encryption of a batch's data before it is coded and stored. Optional, and per exchange.
//!
//! [`Keyring::seal`] makes an envelope of a payload; shards and commitments are made of the envelope, so anybody verifies,
//! samples and repairs without a key. [`Keyring::open`] gives the payload back, or says why not.
//!
//! Sealing is deterministic: the same batch with the same data gives the same bytes, whenever and on whatever machine that holds
//! the keyring. So a crash between publishing a batch and writing that down does not lead to two commitments for it. The
//! construction and why this is safe are in the book (`docs/src/availability/encryption.md`).

mod envelope;
mod error;
mod keyring;

pub use envelope::{Envelope, Exchange, HEADER_BYTES, MAX_PAYLOAD, OVERHEAD, TAG_BYTES};
pub use error::EncryptionError;
pub use keyring::{KeyId, Keyring};
