//! Correcting *wrong* shards without commitments: a tool for when there is nothing to check shards against.
//!
//! On the normal path every shard comes with a proof, a wrong one is thrown away, and what remains are erasures, which any K
//! shards repair. This module is for the other case: shards of unknown honesty, for instance from a damaged store whose tree is
//! lost. It corrects the code that `reed-solomon-simd` writes, and any other generalised Reed-Solomon code over its field GF(2^16).
//!
//! - [`Code::correct`] and [`Code::correct_shards`] find the one codeword within ⌊(n − K) / 2⌋ errors of the n symbols present.
//! - [`Code::list`] finds *all* codewords within a larger radius, up to the Johnson bound, for small codes.
//!
//! Whatever is returned has been counted: it is a codeword and differs in so many places. But where more symbols are wrong than
//! the radius allows, the codeword found, if one is, need not be the one that was written. Only a commitment can tell.

mod code;
mod error;
mod field;
mod interpolation;
mod list;
mod polynomial;
mod roots;
mod shards;
mod unique;

pub use code::Code;
pub use error::CorrectionError;
pub use list::{Candidate, MAX_CONSTRAINTS, johnson_radius};
pub use shards::CorrectedShards;
pub use unique::Corrected;
