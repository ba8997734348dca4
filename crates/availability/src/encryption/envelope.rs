//! The envelope: what it looks like, and sealing and opening it with one key.
//!
//! ```text
//!   offset  bytes
//!        0      1   version, 1
//!        1      8   chain id, little-endian       ┐ the exchange
//!        9     20   the exchange's contract       ┘
//!       29      8   batch, little-endian
//!       37      8   key id
//!       45     24   nonce
//!       69      n   ciphertext, as long as the payload
//!   69 + n     16   tag
//! ```
//!
//! The cipher is XChaCha20-Poly1305; the first 45 bytes are its associated data. The nonce is the first 24 bytes of keyed BLAKE3, with
//! a key of its own, over associated data ‖ payload; whoever opens computes it again and refuses another.

use std::fmt;

use blake3::Hasher;
use chacha20poly1305::aead::{AeadInPlace as _, KeyInit as _};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::{Zeroize, Zeroizing};

use super::{EncryptionError, KeyId};

/// The largest payload: 64 MiB.
pub const MAX_PAYLOAD: usize = 64 << 20;
/// Bytes before the ciphertext.
pub const HEADER_BYTES: usize = BOUND + NONCE_BYTES;
/// Bytes after the ciphertext.
pub const TAG_BYTES: usize = 16;
/// By how much an envelope is longer than its payload.
pub const OVERHEAD: usize = HEADER_BYTES + TAG_BYTES;

/// Bytes of the header that are associated data.
const BOUND: usize = 45;
const NONCE_BYTES: usize = 24;
const VERSION: u8 = 1;

const ID_CONTEXT: &str = "glassbook availability encryption v1 key id";
const CIPHER_CONTEXT: &str = "glassbook availability encryption v1 cipher";
const NONCE_CONTEXT: &str = "glassbook availability encryption v1 nonce";

/// Whose data it is: the exchange's contract and the chain that it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The chain.
    pub chain_id: u64,
    /// The contract.
    pub contract: [u8; 20],
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{} on chain {}", hex::encode(self.contract), self.chain_id)
    }
}

/// What an envelope says of itself. Not to be believed before it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Whose data it is.
    pub exchange: Exchange,
    /// Which batch it is.
    pub batch: u64,
    /// Which key opens it.
    pub key: KeyId,
}

impl Envelope {
    /// Reads the header of an envelope. Needs no key.
    ///
    /// # Errors
    /// [`EncryptionError::Malformed`].
    pub fn read(bytes: &[u8]) -> Result<Self, EncryptionError> {
        if bytes.len() > MAX_PAYLOAD + OVERHEAD {
            return Err(EncryptionError::Malformed("it is too long"));
        }
        let short = EncryptionError::Malformed("it is too short");
        let (Some((bound, rest)), true) = (bytes.split_first_chunk::<BOUND>(), bytes.len() >= OVERHEAD)
        else {
            return Err(short);
        };
        debug_assert!(rest.len() >= NONCE_BYTES + TAG_BYTES);
        if bound[0] != VERSION {
            return Err(EncryptionError::Malformed("its version is not known"));
        }
        Ok(Self {
            exchange: Exchange { chain_id: u64::from_le_bytes(part(bound, 1)), contract: part(bound, 9) },
            batch: u64::from_le_bytes(part(bound, 29)),
            key: KeyId(part(bound, 37)),
        })
    }

    fn bound(&self) -> [u8; BOUND] {
        let mut bound = [0; BOUND];
        bound[0] = VERSION;
        bound[1..9].copy_from_slice(&self.exchange.chain_id.to_le_bytes());
        bound[9..29].copy_from_slice(&self.exchange.contract);
        bound[29..37].copy_from_slice(&self.batch.to_le_bytes());
        bound[37..].copy_from_slice(&self.key.0);
        bound
    }
}

fn part<const N: usize>(bound: &[u8; BOUND], at: usize) -> [u8; N] {
    *bound[at..].first_chunk().expect("the header has this field")
}

/// A secret and what follows from it. Overwritten when dropped.
pub(super) struct Key {
    pub(super) secret: Zeroizing<[u8; 32]>,
    cipher: Zeroizing<[u8; 32]>,
    nonce: Zeroizing<[u8; 32]>,
    pub(super) id: KeyId,
}

impl Key {
    pub(super) fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        let derive = |context| Zeroizing::new(blake3::derive_key(context, &*secret));
        let (cipher, nonce) = (derive(CIPHER_CONTEXT), derive(NONCE_CONTEXT));
        let id = KeyId(*derive(ID_CONTEXT).first_chunk().expect("a derived key has 32 bytes"));
        Self { secret, cipher, nonce, id }
    }

    /// An envelope with `payload` in it.
    pub(super) fn seal(
        &self,
        exchange: Exchange,
        batch: u64,
        payload: &[u8],
    ) -> Result<Vec<u8>, EncryptionError> {
        if payload.len() > MAX_PAYLOAD {
            return Err(EncryptionError::TooLarge { bytes: payload.len(), limit: MAX_PAYLOAD });
        }
        let bound = Envelope { exchange, batch, key: self.id }.bound();
        let nonce = self.nonce(&bound, payload);
        let mut envelope = Vec::with_capacity(payload.len() + OVERHEAD);
        envelope.extend_from_slice(&bound);
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(payload);
        let tag = XChaCha20Poly1305::new((&*self.cipher).into())
            .encrypt_in_place_detached(&XNonce::from(nonce), &bound, &mut envelope[HEADER_BYTES..])
            .expect("a payload of at most 64 MiB is within the cipher's limit");
        envelope.extend_from_slice(&tag);
        Ok(envelope)
    }

    /// The payload of an envelope whose header names this key.
    pub(super) fn open(&self, bytes: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let bound = Envelope::read(bytes)?.bound();
        let (head, tag) = bytes.split_at(bytes.len() - TAG_BYTES);
        let nonce: [u8; NONCE_BYTES] = *head[BOUND..].first_chunk().expect("the length was checked");
        let mut payload = head[HEADER_BYTES..].to_vec();
        XChaCha20Poly1305::new((&*self.cipher).into())
            .decrypt_in_place_detached(&XNonce::from(nonce), &bound, &mut payload, Tag::from_slice(tag))
            .map_err(|_| EncryptionError::Altered)?;
        // One payload has one envelope: another nonce was not made here, even if its tag holds.
        if self.nonce(&bound, &payload) != nonce {
            payload.zeroize();
            return Err(EncryptionError::Altered);
        }
        Ok(payload)
    }

    fn nonce(&self, bound: &[u8; BOUND], payload: &[u8]) -> [u8; NONCE_BYTES] {
        let mut hasher = Hasher::new_keyed(&self.nonce);
        hasher.update(bound).update(payload);
        let hash = *hasher.finalize().as_bytes();
        *hash.first_chunk().expect("a hash has 32 bytes")
    }
}
