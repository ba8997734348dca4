//! Polynomial commitments behind one trait, [`PolynomialCommitment`], each with what is proven of it
//! ([`SecurityStatement`]):
//!
//! - [`fri`]: FRI over KoalaBear. Transparent, of hashes alone, for matrices of megabytes; proofs of hundreds of kilobytes.
//! - [`ipa`]: an inner-product argument over Pallas. Transparent; proofs of 675 bytes at degree 1023.
//! - `kzg` (a feature, off by default): Ethereum's blobs and cells with the parameters of its public ceremony.
//!
//! All have canonical, versioned encodings with limits ([`Encoding`]). None hides what is committed to. The book's chapter
//! on commitments derives the security statements.
//!
//! Must not know what is committed to.

pub mod arithmetic;
mod error;
pub mod fri;
pub mod ipa;
#[cfg(feature = "kzg")]
pub mod kzg;
mod scheme;

pub use error::Error;
pub use scheme::{Encoding, Made, Opened, Opening, PolynomialCommitment, SecurityStatement, Setup};
