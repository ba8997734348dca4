//! Challenges: each is a hash of everything said before.

use ark_ec::AffineRepr;
use ark_ff::{PrimeField, Zero};
use ark_pallas::{Affine, Fr};
use sha2::{Digest, Sha512};

use super::points::{encode_point, encode_scalar};

/// SHA-512 over labelled messages. A message is hashed as its label's length (one byte), the label, its own length
/// (eight bytes, little-endian) and itself, so no two conversations are the same string of bytes.
#[derive(Clone)]
pub(crate) struct Transcript(Sha512);

impl Transcript {
    /// Begins a conversation of this kind.
    pub(crate) fn new(domain: &str) -> Self {
        let mut transcript = Self(Sha512::new());
        transcript.observe("domain", domain.as_bytes());
        transcript
    }

    pub(crate) fn observe(&mut self, label: &str, message: &[u8]) {
        debug_assert!(label.len() < 256, "labels are ours, and short");
        self.0.update([label.len() as u8]);
        self.0.update(label);
        self.0.update((message.len() as u64).to_le_bytes());
        self.0.update(message);
    }

    pub(crate) fn observe_point(&mut self, label: &str, point: &Affine) {
        debug_assert!(point.is_zero() || point.is_on_curve(), "points are of the curve");
        self.observe(label, &encode_point(point));
    }

    pub(crate) fn observe_scalar(&mut self, label: &str, scalar: &Fr) {
        self.observe(label, &encode_scalar(scalar));
    }

    /// A scalar that is not zero: 512 bits of hash modulo the group's order, within 2^-257 of uniform. It is itself a
    /// message of what follows.
    pub(crate) fn challenge(&mut self, label: &str) -> Fr {
        loop {
            self.observe(label, b"");
            let digest = self.0.clone().finalize();
            self.observe("drawn", &digest);
            let challenge = Fr::from_le_bytes_mod_order(&digest);
            if !challenge.is_zero() {
                return challenge;
            }
        }
    }
}
