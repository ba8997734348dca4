//! What can be wrong with parameters, payloads, headers, samples and sets of shards.

use crate::{MAX_CODED, MAX_PAYLOAD, MAX_SHARDS};

/// Why something was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodingError {
    /// No such code.
    #[error("{data} data and {parity} parity shards: at least one of each, at most {MAX_SHARDS} together")]
    Parameters {
        /// The number of data shards asked for.
        data: usize,
        /// The number of parity shards asked for.
        parity: usize,
    },
    /// The payload, or what it becomes, is too long.
    #[error(
        "a payload of {length} bytes: at most {MAX_PAYLOAD}, and all shards together at most {MAX_CODED}"
    )]
    PayloadTooLong {
        /// The payload's length, in bytes.
        length: u64,
    },
    /// There is no shard of this number.
    #[error("shard {index} of {total}")]
    NoSuchShard {
        /// The number given.
        index: usize,
        /// The number of shards.
        total: usize,
    },
    /// An encoding of another version.
    #[error("an encoding of version {found}, not {}", crate::VERSION)]
    Version {
        /// The version in the encoding.
        found: u8,
    },
    /// An encoding of the wrong length, cut short or with something after it.
    #[error("an encoding of {found} bytes, where {expected} were due")]
    Length {
        /// The length that it should have.
        expected: usize,
        /// The length that it has.
        found: usize,
    },
    /// The shard or its path is not under the root.
    #[error("shard {index} is not under the root")]
    NotUnderRoot {
        /// The shard's number.
        index: usize,
    },
    /// The combination vector is not the one that the header names.
    #[error("the combination vector is not the header's")]
    NotTheCombination,
    /// The shard is under the root, but is not what the code makes it: whoever committed to it did not encode.
    #[error("shard {index} does not belong to the codeword")]
    NotOfTheCodeword {
        /// The shard's number.
        index: usize,
    },
    /// Not enough shards yet.
    #[error("{held} shards, where {needed} are needed")]
    TooFewShards {
        /// How many there are.
        held: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The shards are under the root, but what they decode to gives another root: whoever committed did not encode.
    #[error("what the shards decode to has another root: the commitment is not to an encoding")]
    WrongRoot,
}
