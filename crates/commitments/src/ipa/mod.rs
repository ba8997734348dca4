//! The inner-product argument over Pallas: transparent, logarithmic proofs, linear verification.
//!
//! A polynomial p of less than n coefficients a (n a power of two) is committed to as C = <a, G> with generators G of
//! which nobody knows how they depend on each other. That p(z) = v is <a, b> = v for b = (1, z, ..., z^(n-1)). The proof
//! is Bulletproofs' argument (Bünz et al. 2018, section 3) in the form of Bowe, Grigg, Hopwood (2019, section 3), without
//! hiding. With U = ξH for a challenge ξ, each of log2 n rounds halves the vectors:
//!
//! ```text
//! L = <a_low, G_high> + <a_low, b_high> U        R = <a_high, G_low> + <a_high, b_low> U
//! a' = a_low + u a_high      b' = b_low + b_high / u      G' = G_low + G_high / u
//! C' = C + L / u + u R
//! ```
//!
//! and one coefficient is left. The prover does not fold the generators in each round, see `prove.rs`; the verifier never
//! does. Nothing is hidden.

mod encoding;
mod fixed_bases;
mod points;
mod prove;
mod scheme;
mod transcript;
mod verify;

pub use encoding::{IpaCommitment, IpaProof, scalar_from_bytes, scalar_to_bytes};
pub use fixed_bases::FixedBases;
pub use scheme::{Ipa, IpaCommitted};
