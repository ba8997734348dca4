//! FRI over KoalaBear (Plonky3): transparent, of hashes alone, for many polynomials of one size at once.
//!
//! What is committed to is a tall matrix: each column is a polynomial, given by its values on the subgroup of as many
//! points as there are rows. The commitment is the Merkle root over the rows of the columns' codewords on twice as many
//! points (a coset, so not systematically: no row of the codewords is a row of the matrix). It can be opened
//!
//! - at any point outside of that coset, in the extension of degree five: [`crate::PolynomialCommitment`];
//! - at a position of the coset, as FRIDA's samplers do (Hall-Andersen, Simkin, Wagner, CRYPTO 2024): [`Fri::open_row`],
//!   a row of all columns with its Merkle path. That says only what was committed to; that it is a codeword is said once
//!   for all rows by [`Fri::prove_low_degree`].
//!
//! The parameters are for 128 proven bits within the unique decoding radius, where a commitment is to one polynomial, and
//! hold no conjecture on proximity gaps. A query opens a row of all columns, so matrices are tall, never wide:
//! [`MOST_COLUMNS`].

mod encoding;
mod low_degree;
mod parameters;
mod rows;
mod scheme;

pub use encoding::{FriCommitment, FriProof};
pub use low_degree::LowDegreeProof;
pub use parameters::{
    Challenge, GRINDING_BITS, LEAST_LOG_ROWS, LOG_ARITY, LOG_BLOWUP, MOST_BATCHED, MOST_COLUMNS,
    MOST_LOG_ROWS, QUERIES, Value,
};
pub use rows::FriRow;
pub use scheme::{Fri, FriCommitted};
