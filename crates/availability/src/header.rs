//! The header: what a commitment commits to, in 77 bytes.

use crate::{CodingError, Parameters};

/// The version of all encodings and hashes here.
pub const VERSION: u8 = 1;

/// What binds a coded payload: the code, the payload's length, the root over all shards, and the combination vector.
///
/// The shards' length follows from the first two ([`Parameters::shard_length`]), so it is not said again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The code.
    pub parameters: Parameters,
    /// The payload's length, in bytes. An honest publisher puts zeros after it; whatever is there is not read.
    pub payload_length: u64,
    /// The root of the Merkle tree over all shards.
    pub root: [u8; 32],
    /// The digest of the combination vector.
    pub combination: [u8; 32],
}

/// The 32 bytes that name a coded payload: the hash of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Commitment(pub [u8; 32]);

impl Header {
    /// The length of a header's encoding.
    pub const LENGTH: usize = Self::CHALLENGED + 32;

    /// The length of its first part, from which the challenges are drawn: all but the combination vector's digest.
    pub(crate) const CHALLENGED: usize = 1 + 2 + 2 + 8 + 32;

    /// The commitment to this header.
    pub fn commitment(&self) -> Commitment {
        let mut hasher = blake3::Hasher::new_derive_key("glassbook availability v1 commitment");
        Commitment(*hasher.update(&self.encode()).finalize().as_bytes())
    }

    /// The length of each shard, in bytes.
    ///
    /// # Errors
    /// [`CodingError::PayloadTooLong`] where the header is of a payload that cannot be. A decoded header never is.
    pub fn shard_length(&self) -> Result<usize, CodingError> {
        self.parameters.shard_length(self.payload_length)
    }

    /// The one encoding: version (1), data shards (2), parity shards (2), payload length (8), root (32), digest of the
    /// combination vector (32). Integers are little-endian.
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let (challenged, combination) = bytes.split_at_mut(Self::CHALLENGED);
        challenged.copy_from_slice(&challenged_part(self.parameters, self.payload_length, &self.root));
        combination.copy_from_slice(&self.combination);
        bytes
    }

    /// Reads [`Self::encode`]'s bytes, and no others.
    ///
    /// # Errors
    /// [`CodingError::Length`], [`CodingError::Version`], and those of [`Parameters::new`] and [`Parameters::shard_length`].
    pub fn decode(bytes: &[u8]) -> Result<Self, CodingError> {
        let bytes: &[u8; Self::LENGTH] = bytes
            .try_into()
            .map_err(|_| CodingError::Length { expected: Self::LENGTH, found: bytes.len() })?;
        if bytes[0] != VERSION {
            return Err(CodingError::Version { found: bytes[0] });
        }
        let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]).into();
        let header = Self {
            parameters: Parameters::new(u16_at(1), u16_at(3))?,
            payload_length: u64::from_le_bytes(array(&bytes[5..13])),
            root: array(&bytes[13..45]),
            combination: array(&bytes[45..77]),
        };
        header.shard_length()?;
        Ok(header)
    }
}

/// The part of the encoding that comes before the challenges.
pub(crate) fn challenged_part(
    parameters: Parameters,
    payload_length: u64,
    root: &[u8; 32],
) -> [u8; Header::CHALLENGED] {
    let mut bytes = [0; Header::CHALLENGED];
    bytes[0] = VERSION;
    bytes[1..3].copy_from_slice(&(parameters.data() as u16).to_le_bytes());
    bytes[3..5].copy_from_slice(&(parameters.parity() as u16).to_le_bytes());
    bytes[5..13].copy_from_slice(&payload_length.to_le_bytes());
    bytes[13..].copy_from_slice(root);
    bytes
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the ranges above are of these lengths")
}
