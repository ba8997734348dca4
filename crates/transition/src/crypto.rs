//! The primitives that a zkVM guest replaces by its precompiles.

use ed25519_dalek::{Signature, VerifyingKey};
use k256::ecdsa::{RecoveryId, Signature as EcdsaSignature, VerifyingKey as EcdsaKey};
use sha3::{Digest as _, Keccak256};
use state::{Digest, Sha256Hash, TreeHash};
use types::Address;

/// Hashes and signatures.
pub trait Crypto {
    /// Of the state tree, the commands root, the events root and the streams.
    type Hash: TreeHash;

    /// Ed25519 (RFC 8032), strict: no small-order keys or points, canonical scalars, no cofactor.
    fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool;

    /// The signer of a secp256k1 signature `r ‖ s ‖ v` (v is 0, 1, 27 or 28; s in the lower half) over a digest.
    fn recover_secp256k1(digest: &Digest, signature: &[u8; 65]) -> Option<Address>;

    /// Keccak-256, as Ethereum uses it.
    fn keccak256(bytes: &[u8]) -> Digest;
}

/// Plain Rust implementations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Crypto for Native {
    type Hash = Sha256Hash;

    fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }

    fn recover_secp256k1(digest: &Digest, signature: &[u8; 65]) -> Option<Address> {
        let (rs, v) = signature.split_last_chunk::<1>().map(|(rs, v)| (rs, v[0]))?;
        let recovery =
            RecoveryId::from_byte(if v >= 27 { v - 27 } else { v }).filter(|id| !id.is_x_reduced())?;
        let signature = EcdsaSignature::from_slice(rs).ok()?;
        if signature.normalize_s().is_some() {
            return None;
        }
        let key = EcdsaKey::recover_from_prehash(digest, &signature, recovery).ok()?;
        let point = key.to_encoded_point(false);
        let hash = Self::keccak256(point.as_bytes().get(1..)?);
        hash.last_chunk::<20>().copied().map(Address)
    }

    fn keccak256(bytes: &[u8]) -> Digest {
        Keccak256::digest(bytes).into()
    }
}
