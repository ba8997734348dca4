//! A sealed batch: everything a prover or an auditor needs, in one file.
//!
//! ```text
//! magic "GBBATCH" and version 1        8 bytes
//! claim, abi.encode                  416 bytes
//! length of the input                  8 bytes, little-endian
//! input, canonical                     (transition::BatchInput)
//! SHA-256 of all that                 32 bytes
//! ```

use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::fs::{self, File};
#[cfg(feature = "std")]
use std::io::{Read, Write};
#[cfg(feature = "std")]
use std::path::{Path, PathBuf};

use state::{Sha256Hash, TreeHash};
use thiserror::Error;
use types::DecodeError;

use crate::{BatchInput, Claim, Limits, Native, TransitionError, execute};

const MAGIC: [u8; 8] = *b"GBBATCH\x01";
const HEAD: usize = 8 + Claim::BYTES + 8;
/// Larger files are refused unread.
#[cfg(feature = "std")]
const MAX_BYTES: u64 = 1 << 30;

/// A sealed batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedBatch {
    /// What it claims.
    pub claim: Claim,
    /// What the claim follows from.
    pub input: BatchInput,
}

/// Why a file is not a sealed batch, or a sealed batch is not true.
#[derive(Debug, Error)]
pub enum SealedBatchError {
    /// The file cannot be read or written.
    #[cfg(feature = "std")]
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The file is not a sealed batch, or is damaged.
    #[error("{what}")]
    Format {
        /// What is wrong.
        what: &'static str,
    },
    /// A part does not decode.
    #[error("the sealed batch does not decode: {0}")]
    Decode(#[from] DecodeError),
    /// The input does not execute.
    #[error("the batch proves nothing: {0}")]
    Transition(#[from] TransitionError),
    /// The input executes to another claim.
    #[error("the batch executes to another claim than it states")]
    Claim,
}

impl SealedBatch {
    /// The file's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes);
        bytes
    }

    fn encode_into(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.claim.encode());
        bytes.extend_from_slice(&[0; 8]);
        self.input.encode_into(bytes);
        let length = (bytes.len() - HEAD) as u64;
        bytes[HEAD - 8..HEAD].copy_from_slice(&length.to_le_bytes());
        let hash = Sha256Hash::hash(bytes);
        bytes.extend_from_slice(&hash);
    }

    /// Reads the file's bytes.
    ///
    /// # Errors
    /// When they are not a whole, undamaged sealed batch.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealedBatchError> {
        let format = |what| SealedBatchError::Format { what };
        let (content, hash) = bytes.split_last_chunk::<32>().ok_or(format("the file is too short"))?;
        let head = content.get(..HEAD).ok_or(format("the file is too short"))?;
        if head[..8] != MAGIC {
            return Err(format("this is not a sealed batch of version 1"));
        }
        if Sha256Hash::hash(content) != *hash {
            return Err(format("the checksum does not match: the file is damaged or cut short"));
        }
        let length: [u8; 8] = head[HEAD - 8..].try_into().map_err(|_| format("the file is too short"))?;
        let input = &content[HEAD..];
        if u64::from_le_bytes(length) != input.len() as u64 {
            return Err(format("the length does not match"));
        }
        let claim = Claim::decode(&head[8..HEAD - 8])?;
        Ok(Self { claim, input: BatchInput::decode(input, &Limits::default())? })
    }

    /// Writes the file whole or not at all. It is durable once [`File::sync_all`] was called on it.
    ///
    /// # Errors
    /// When the file system fails.
    #[cfg(feature = "std")]
    pub fn write(&self, path: &Path) -> Result<File, SealedBatchError> {
        self.write_with(path, &mut Vec::new())
    }

    /// [`SealedBatch::write`] with memory that is used again for the next file.
    ///
    /// # Errors
    /// When the file system fails.
    #[cfg(feature = "std")]
    pub fn write_with(&self, path: &Path, bytes: &mut Vec<u8>) -> Result<File, SealedBatchError> {
        self.encode_into(bytes);
        let fail = |source| SealedBatchError::File { path: path.to_path_buf(), source };
        let temporary = path.with_extension("partial");
        let mut file = File::create(&temporary).map_err(fail)?;
        file.write_all(bytes).map_err(fail)?;
        fs::rename(&temporary, path).map_err(fail)?;
        Ok(file)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is not a sealed batch.
    #[cfg(feature = "std")]
    pub fn read(path: &Path) -> Result<Self, SealedBatchError> {
        let fail = |source| SealedBatchError::File { path: path.to_path_buf(), source };
        let mut bytes = Vec::new();
        File::open(path).map_err(fail)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(SealedBatchError::Format { what: "the file is larger than any sealed batch" });
        }
        Self::decode(&bytes)
    }

    /// Executes the batch again, with every signature, and compares.
    ///
    /// # Errors
    /// When it does not execute to its claim.
    pub fn verify(&self) -> Result<(), SealedBatchError> {
        if execute::<Native>(&self.input)? == self.claim { Ok(()) } else { Err(SealedBatchError::Claim) }
    }
}
