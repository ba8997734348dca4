//! Blobs (EIP-4844): bytes that the chain keeps for some weeks and names by a hash for ever.
//!
//! A blob is 4096 elements of BLS12-381's scalar field: the values of a polynomial. The chain sees its KZG commitment, of which
//! the versioned hash is in the transaction; that a polynomial has a value at a point is checked by a precompiled contract
//! (0x0a). Transactions are as Osaka wants them, with the proofs of all cells (EIP-7594). A node hands blobs out while the
//! transaction waits, and not afterwards: whoever publishes keeps them.

mod chain;
mod kzg;
mod payload;

pub use chain::{BlobSidecar, BlobTransaction, MOST_IN_TRANSACTION};
pub use kzg::{BlobCommitment, Evaluation};
pub use payload::{Blob, BlobError, PAYLOAD_BYTES, from_blobs, to_blobs};
