//! Polynomial commitments behind one trait, each with what is proven of it.

mod error;
pub mod fri;
pub mod ipa;
mod scheme;

pub use error::Error;
pub use scheme::{Encoding, Opening, PolynomialCommitment, SecurityStatement, Setup};
