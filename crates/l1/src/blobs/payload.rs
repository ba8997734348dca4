//! Bytes as blobs.
//!
//! ```text
//! stream    version 1 (1) ‖ length of the payload (8, little-endian) ‖ payload ‖ zeros
//! element   zero (1) ‖ 31 bytes of the stream, so that every string of bytes is below the field's modulus
//! blob      4096 elements
//! ```
//!
//! As few blobs as hold it. What is read is what would be written: one payload has one encoding.

use thiserror::Error;

/// Bytes of a blob.
const BLOB: usize = 4096 * ELEMENT;
/// Bytes of an element.
const ELEMENT: usize = 32;
/// Bytes of the stream in an element.
const USED: usize = ELEMENT - 1;
/// Bytes before the payload.
const HEAD: usize = 1 + 8;
const VERSION: u8 = 1;

/// Bytes of the stream in a blob.
pub const PAYLOAD_BYTES: usize = 4096 * USED;

/// A blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob(Box<[u8]>);

/// What blobs cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BlobError {
    /// Not as long as a blob.
    #[error("a blob has {BLOB} bytes, not {found}")]
    Length {
        /// How many.
        found: usize,
    },
    /// Not what [`to_blobs`] makes.
    #[error("not the blobs of a payload: {0}")]
    Malformed(&'static str),
    /// KZG refuses, as for an element above the modulus.
    #[error("KZG: {0}")]
    Kzg(String),
}

impl Blob {
    /// Bytes of a blob.
    pub const LENGTH: usize = BLOB;

    /// A blob of these bytes. Whether all elements are below the modulus is seen when it is committed to.
    ///
    /// # Errors
    /// [`BlobError::Length`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        if bytes.len() == BLOB {
            Ok(Self(bytes.into()))
        } else {
            Err(BlobError::Length { found: bytes.len() })
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The blobs of a payload, at least one.
#[must_use]
pub fn to_blobs(payload: &[u8]) -> Vec<Blob> {
    let mut stream = Vec::with_capacity(HEAD + payload.len());
    stream.push(VERSION);
    stream.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    stream.extend_from_slice(payload);
    let blob = |part: &[u8]| {
        let mut bytes = vec![0; BLOB].into_boxed_slice();
        for (element, used) in bytes.chunks_exact_mut(ELEMENT).zip(part.chunks(USED)) {
            element[1..=used.len()].copy_from_slice(used);
        }
        Blob(bytes)
    };
    stream.chunks(PAYLOAD_BYTES).map(blob).collect()
}

/// The payload of blobs in order.
///
/// # Errors
/// [`BlobError::Malformed`].
pub fn from_blobs(blobs: &[Blob]) -> Result<Vec<u8>, BlobError> {
    let mut stream = Vec::with_capacity(blobs.len() * PAYLOAD_BYTES);
    for element in blobs.iter().flat_map(|blob| blob.0.chunks_exact(ELEMENT)) {
        if element[0] != 0 {
            return Err(BlobError::Malformed("an element has more than 31 bytes"));
        }
        stream.extend_from_slice(&element[1..]);
    }
    let (head, rest) = stream.split_first_chunk::<HEAD>().ok_or(BlobError::Malformed("there is no blob"))?;
    if head[0] != VERSION {
        return Err(BlobError::Malformed("its version is not known"));
    }
    let length = head[1..].iter().rev().fold(0u64, |length, byte| length << 8 | u64::from(*byte));
    let length = usize::try_from(length).ok().filter(|length| *length <= rest.len());
    let length = length.ok_or(BlobError::Malformed("it is longer than its blobs"))?;
    if (HEAD + length).div_ceil(PAYLOAD_BYTES) != blobs.len() {
        return Err(BlobError::Malformed("it has more blobs than it needs"));
    }
    if rest[length..].iter().any(|byte| *byte != 0) {
        return Err(BlobError::Malformed("something follows it"));
    }
    Ok(rest[..length].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 167 % 251) as u8 | 1).collect()
    }

    #[test]
    fn a_payload_of_any_length_comes_back_from_as_few_blobs_as_hold_it() {
        let full = PAYLOAD_BYTES - HEAD;
        for (length, count) in [
            (0, 1),
            (1, 1),
            (22, 1),
            (23, 1),
            (full, 1),
            (full + 1, 2),
            (full + PAYLOAD_BYTES, 2),
            (full + PAYLOAD_BYTES + 1, 3),
        ] {
            let blobs = to_blobs(&payload(length));
            assert_eq!(blobs.len(), count, "{length}");
            assert_eq!(from_blobs(&blobs), Ok(payload(length)), "{length}");
        }
    }

    /// The first elements of a blob, byte for byte.
    #[test]
    fn blobs_look_as_they_are_drawn() {
        let blobs = to_blobs(&[0xaa; 24]);
        let mut expected = vec![0, VERSION, 24, 0, 0, 0, 0, 0, 0, 0];
        expected.extend([0xaa; 22]);
        expected.extend([0, 0xaa, 0xaa]);
        assert_eq!(blobs[0].as_bytes()[..expected.len()], expected);
        assert!(blobs[0].as_bytes()[expected.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn nothing_else_is_read() {
        let refused = |change: &dyn Fn(&mut Vec<Blob>)| {
            let mut blobs = to_blobs(&payload(PAYLOAD_BYTES));
            change(&mut blobs);
            from_blobs(&blobs).unwrap_err()
        };
        assert_eq!(refused(&|blobs| blobs.clear()), BlobError::Malformed("there is no blob"));
        let more = BlobError::Malformed("it has more blobs than it needs");
        assert_eq!(refused(&|blobs| blobs.push(blobs[0].clone())), more);
        let cut = BlobError::Malformed("it is longer than its blobs");
        assert_eq!(refused(&|blobs| drop(blobs.pop())), cut);
        for at in [0, 32, BLOB - 32] {
            let high = BlobError::Malformed("an element has more than 31 bytes");
            assert_eq!(refused(&|blobs| blobs[0].0[at] = 1), high);
        }
        assert_eq!(refused(&|blobs| blobs[0].0[1] = 2), BlobError::Malformed("its version is not known"));
        let follows = BlobError::Malformed("something follows it");
        assert_eq!(refused(&|blobs| blobs[1].0[BLOB - 1] = 1), follows);
        assert_eq!(refused(&|blobs| blobs[0].0[9] = 0xff), cut);
        assert_eq!(Blob::from_bytes(&[0; BLOB - 1]), Err(BlobError::Length { found: BLOB - 1 }));
    }
}
