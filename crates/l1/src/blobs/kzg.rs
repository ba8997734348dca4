//! KZG commitments of blobs, with the parameters of the public ceremony. All arithmetic is c-kzg's, which the embedded chain
//! uses, too.
//!
//! The first use prepares the parameters, which takes seconds. What all this proves, and under which assumption, is in the
//! book (`docs/src/availability/commitments.md`).

use alloy_primitives::B256;
use c_kzg::{KzgSettings, ethereum_kzg_settings};
use sha2::{Digest as _, Sha256};

use super::{Blob, BlobError};

/// The version of hashes that name KZG commitments.
const VERSIONED_HASH_KZG: u8 = 1;

/// A blob's commitment: a compressed point of BLS12-381.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobCommitment(pub [u8; 48]);

/// That a blob's polynomial has a value at a point, and the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The commitment.
    pub commitment: BlobCommitment,
    /// The point, big-endian.
    pub point: B256,
    /// The value, big-endian.
    pub value: B256,
    /// The proof.
    pub proof: [u8; 48],
}

impl BlobCommitment {
    /// The commitment to a blob.
    ///
    /// # Errors
    /// [`BlobError::Kzg`] where an element is not below the modulus.
    pub fn of(blob: &Blob) -> Result<Self, BlobError> {
        let commitment = settings().blob_to_kzg_commitment(&*inner(blob)?).map_err(refused)?;
        Ok(Self(commitment.to_bytes().into_inner()))
    }

    /// How transactions and contracts name it.
    #[must_use]
    pub fn versioned_hash(&self) -> B256 {
        let mut hash: [u8; 32] = Sha256::digest(self.0).into();
        hash[0] = VERSIONED_HASH_KZG;
        hash.into()
    }
}

impl Evaluation {
    /// The value of a blob at a point, which must be below the modulus, as every point is whose first byte is zero.
    ///
    /// # Errors
    /// [`BlobError::Kzg`].
    pub fn of(blob: &Blob, point: B256) -> Result<Self, BlobError> {
        let point_bytes = c_kzg::Bytes32::new(point.0);
        let (proof, value) = settings().compute_kzg_proof(&*inner(blob)?, &point_bytes).map_err(refused)?;
        Ok(Self {
            commitment: BlobCommitment::of(blob)?,
            point,
            value: B256::from(*value),
            proof: proof.to_bytes().into_inner(),
        })
    }

    /// What the precompiled contract wants: versioned hash, point, value, commitment, proof.
    #[must_use]
    pub fn input(&self) -> Vec<u8> {
        [
            &self.commitment.versioned_hash()[..],
            &self.point[..],
            &self.value[..],
            &self.commitment.0[..],
            &self.proof[..],
        ]
        .concat()
    }
}

/// The proofs of all cells of a blob, as its transaction carries them.
pub(super) fn cell_proofs(blob: &Blob) -> Result<Vec<[u8; 48]>, BlobError> {
    let (_, proofs) = settings().compute_cells_and_kzg_proofs(&*inner(blob)?).map_err(refused)?;
    Ok(proofs.iter().map(|proof| proof.to_bytes().into_inner()).collect())
}

fn settings() -> &'static KzgSettings {
    ethereum_kzg_settings(0)
}

fn inner(blob: &Blob) -> Result<Box<c_kzg::Blob>, BlobError> {
    Ok(Box::new(c_kzg::Blob::from_bytes(blob.as_bytes()).map_err(refused)?))
}

fn refused(error: c_kzg::Error) -> BlobError {
    BlobError::Kzg(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::to_blobs;

    /// The blob of zeros is the zero polynomial, whose commitment is the point at infinity; its versioned hash is well known.
    #[test]
    fn the_empty_blob_has_the_commitment_and_hash_that_everybody_knows() {
        let commitment = BlobCommitment::of(&Blob::from_bytes(&[0; Blob::LENGTH]).unwrap()).unwrap();
        let mut infinity = [0; 48];
        infinity[0] = 0xc0;
        assert_eq!(commitment.0, infinity);
        let known = "0x010657f37554c781402a22917dee2f75def7ab966d7b770905398eba3c444014";
        assert_eq!(commitment.versioned_hash().to_string(), known);
    }

    #[test]
    fn an_element_above_the_modulus_is_refused() {
        let mut bytes = vec![0; Blob::LENGTH];
        bytes[0] = 0xff;
        let blob = Blob::from_bytes(&bytes).unwrap();
        assert!(matches!(BlobCommitment::of(&blob), Err(BlobError::Kzg(_))));
        assert!(matches!(
            Evaluation::of(&to_blobs(b"x")[0], B256::repeat_byte(0xff)),
            Err(BlobError::Kzg(_))
        ));
    }
}
