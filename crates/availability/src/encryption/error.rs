//! What can go wrong with envelopes and keyrings. No variant carries a secret.

use std::path::PathBuf;

use super::{Exchange, KeyId};

/// Why there is no envelope, no payload or no keyring.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// A payload above the limit.
    #[error("a payload of {bytes} bytes is larger than {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest.
        limit: usize,
    },
    /// Not an envelope: too short, too long, or of no version known here.
    #[error("not an envelope: {0}")]
    Malformed(&'static str),
    /// The envelope is another exchange's.
    #[error("the envelope is of {found}, not of {expected}")]
    OtherExchange {
        /// As asked for.
        expected: Exchange,
        /// As in the envelope.
        found: Exchange,
    },
    /// The envelope is another batch's.
    #[error("the envelope is of batch {found}, not of batch {expected}")]
    OtherBatch {
        /// As asked for.
        expected: u64,
        /// As in the envelope.
        found: u64,
    },
    /// The keyring does not hold the key that the envelope was sealed with.
    #[error("the envelope was sealed with key {0}, which this keyring does not have")]
    UnknownKey(KeyId),
    /// The envelope was sealed with a key that is for other batches: one that was retired, or is to come.
    #[error("the envelope was sealed with key {found}, and its batch is for key {expected}")]
    OtherKey {
        /// The key that is for the batch.
        expected: KeyId,
        /// As in the envelope.
        found: KeyId,
    },
    /// The bytes are not what was sealed.
    #[error("the envelope was altered")]
    Altered,
    /// No key of the keyring is for a batch so early.
    #[error("no key is for batch {0}")]
    NoKey(u64),
    /// A new key must be for later batches than those before it.
    #[error("a new key must begin after batch {last}, where the last one begins; not with batch {from}")]
    RotationBackwards {
        /// Where the last key begins.
        last: u64,
        /// Where the new one was to begin.
        from: u64,
    },
    /// A keyring holds a bounded number of keys.
    #[error("a keyring holds at most {0} keys")]
    TooManyKeys(usize),
    /// A keyring's file is never put in another's place.
    #[error("{0} is there already")]
    Exists(PathBuf),
    /// The file is not a keyring.
    #[error("{path} is not a keyring: {why}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and on which line.
        why: String,
    },
    /// Others than the owner may read or write the file.
    #[error("{path} may be used by others (mode {mode:o}): chmod 600")]
    Permissions {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(String),
}
