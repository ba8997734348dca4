//! The hashes and signatures of the statement over a zkVM's precompiles.
//!
//! [`Suite`] is a [`transition::Crypto`] whose heavy steps go through a [`Precompiles`] implementation, one for each
//! zkVM. What is above those steps (padding, sponge, windows, every check of a signature) is here, once, and is held
//! against [`transition::Native`] by `tests/same_as_native.rs`: the same answer for every key, message and signature.
//!
//! `no_std`. Must not know about any zkVM.
#![cfg_attr(not(test), no_std)]
#[cfg(test)]
extern crate self as guest_crypto;

mod ed25519;
mod keccak;
mod precompiles;
mod secp256k1;
mod sha256;
#[cfg(test)]
#[path = "../tests/same_as_native/soft.rs"]
mod soft;

pub use precompiles::{Point, Precompiles};
pub use sha256::Sha256;

use state::Digest;
use transition::Crypto;
use types::Address;

/// The statement's primitives over the precompiles `P`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Suite<P>(core::marker::PhantomData<P>);

impl<P: Precompiles> Crypto for Suite<P> {
    type Hash = Sha256<P>;

    fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        ed25519::verify_strict::<P>(key, message, signature)
    }

    fn recover_secp256k1(digest: &Digest, signature: &[u8; 65]) -> Option<Address> {
        secp256k1::recover::<P>(digest, signature)
    }

    fn keccak256(bytes: &[u8]) -> Digest {
        keccak::keccak256::<P>(bytes)
    }
}
