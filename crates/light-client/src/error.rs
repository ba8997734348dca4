//! What can go wrong with peers.

use availability::CodingError;
use availability::sampling::SamplingError;
use thiserror::Error;

use crate::Trouble;

/// Why nothing was found out.
#[derive(Debug, Error)]
pub enum ClientError {
    /// There is nobody to ask.
    #[error("there are no peers to ask")]
    NoPeers,
    /// No peer gave the header and its combination vector.
    #[error("no peer has the block: {}", listed(faults))]
    NoBlock {
        /// What was wrong with each, by their places.
        faults: Vec<(usize, Fault)>,
    },
    /// The peers do not have enough shards.
    #[error("the peers gave {held} shards, and {needed} are needed")]
    Unavailable {
        /// How many shards could be had.
        held: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The payload needs more memory than allowed.
    #[error("the block's shards have {bytes} bytes, and at most {limit} may be collected")]
    TooLarge {
        /// All shards together.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The commitment is not to an encoding, whoever serves it.
    #[error(transparent)]
    Coding(#[from] CodingError),
    /// The wishes for samples do not fit.
    #[error(transparent)]
    Sampling(#[from] SamplingError),
}

/// What is wrong with a peer's answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// There is none.
    #[error("{0}")]
    None(#[from] Trouble),
    /// It is not what was asked for, or cannot be read.
    #[error("an answer that cannot be read")]
    Encoding,
    /// The header does not have the commitment.
    #[error("not the header of that commitment")]
    Header,
    /// The combination vector is not the header's.
    #[error("not the header's combination vector")]
    Combination,
    /// Another shard than was asked for, or one twice.
    #[error("shard {0}, which was not asked for")]
    NotAsked(usize),
    /// A shard that is not under the root, or not of the codeword.
    #[error("{0}")]
    Sample(CodingError),
}

impl Fault {
    /// Whether the peer said something that is not so. A peer that is slow or has nothing did not.
    #[must_use]
    pub fn is_lie(&self) -> bool {
        !matches!(
            self,
            Self::None(Trouble::Timeout | Trouble::Unreachable(_) | Trouble::Absent | Trouble::Refused(_))
        )
    }
}

fn listed(faults: &[(usize, Fault)]) -> String {
    let faults: Vec<String> = faults.iter().map(|(peer, fault)| format!("peer {peer}: {fault}")).collect();
    faults.join("; ")
}
