//! What peers and clients say to each other.
//!
//! ```text
//! GET /v1/blocks?from=N&limit=M                 BlockList, as JSON
//! GET /v1/blocks/{block}                        BlockInfo, as JSON
//! GET /v1/blocks/{block}/shards/{index}         the bytes of a shard
//! GET /v1/blocks/{block}/samples?indices=1,5,7  samples: for each its length (4, little-endian) and availability::Sample
//! ```
//!
//! `{block}` is a block's number, or its commitment as 64 hexadecimal digits. Samples that a peer does not have are left out of an
//! answer. Errors are [`Refusal`]s, as JSON.

use availability::{Combination, Commitment, Header, Sample, Verifier};
use serde::{Deserialize, Serialize};

use crate::{Fault, Trouble};

/// More samples are not asked for in one request.
pub const MAX_INDICES: usize = 64;
/// More bytes are not answered to one request, so shards must be shorter to be served.
pub const MAX_ANSWER: usize = 16 << 20;
/// More bytes a [`BlockInfo`] does not have: twice the longest combination vector, and the rest.
pub const MAX_INFO: usize = 300 << 10;

/// A block, as a peer tells it. Numbers that follow from the header are for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockInfo {
    /// The number that its publisher gave it.
    pub number: u64,
    /// The commitment, in hexadecimal digits.
    pub commitment: String,
    /// The header ([`Header::encode`]), in hexadecimal digits.
    pub header: String,
    /// The digest of what its publisher claims of it, in hexadecimal digits. The peer's word.
    pub claim_digest: Option<String>,
    /// When it was published, in milliseconds since 1970. The peer's word.
    pub published_at: u64,
    /// K.
    pub data_shards: usize,
    /// N − K.
    pub parity_shards: usize,
    /// In bytes.
    pub shard_length: usize,
    /// In bytes.
    pub payload_length: u64,
    /// Whether the peer has shards of it; otherwise it was pruned.
    pub has_shards: bool,
    /// The combination vector ([`Combination::encode`]), in hexadecimal digits; not in lists, and not of pruned blocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub combination: Option<String>,
}

/// Some blocks, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockList {
    /// Without their combination vectors.
    pub blocks: Vec<BlockInfo>,
    /// From where to ask for more, where there are more.
    pub next: Option<u64>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl BlockInfo {
    /// The header, if it is the one that was committed to.
    ///
    /// # Errors
    /// [`Fault::Header`].
    pub fn header(&self, commitment: &Commitment) -> Result<Header, Fault> {
        let bytes = hex::decode(&self.header).map_err(|_| Fault::Header)?;
        let header = Header::decode(&bytes).map_err(|_| Fault::Header)?;
        if header.commitment() == *commitment { Ok(header) } else { Err(Fault::Header) }
    }

    /// What checks samples under a header, from the combination vector.
    ///
    /// # Errors
    /// [`Fault::Combination`]; [`Trouble::Absent`] of a block that the peer says it pruned, which is no lie.
    pub fn verifier(&self, header: &Header) -> Result<Verifier, Fault> {
        let text = match &self.combination {
            Some(text) => text,
            None if self.has_shards => return Err(Fault::Combination),
            None => return Err(Fault::None(Trouble::Absent)),
        };
        let bytes = hex::decode(text).map_err(|_| Fault::Combination)?;
        let combination = Combination::decode(header.parameters, &bytes).map_err(|_| Fault::Combination)?;
        Verifier::new(header, &combination).map_err(|_| Fault::Combination)
    }
}

/// A commitment as it is written: 64 hexadecimal digits, with or without `0x`.
#[must_use]
pub fn parse_commitment(text: &str) -> Option<Commitment> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes).ok()?;
    Some(Commitment(bytes))
}

/// The path of a block.
#[must_use]
pub fn block_path(commitment: &Commitment) -> String {
    format!("/v1/blocks/{}", hex::encode(commitment.0))
}

/// The path of some samples of a block.
#[must_use]
pub fn samples_path(commitment: &Commitment, indices: &[usize]) -> String {
    let indices: Vec<String> = indices.iter().map(usize::to_string).collect();
    format!("{}/samples?indices={}", block_path(commitment), indices.join(","))
}

/// How many bytes an answer with these samples has at most.
#[must_use]
pub fn samples_length(header: &Header, indices: &[usize]) -> usize {
    indices.iter().filter_map(|index| Sample::length(header, *index).ok()).map(|length| 4 + length).sum()
}

/// Adds a sample to an answer.
pub fn push_sample(answer: &mut Vec<u8>, sample: &Sample) {
    let bytes = sample.encode();
    let length = u32::try_from(bytes.len()).expect("all shards together are shorter than that");
    answer.extend_from_slice(&length.to_le_bytes());
    answer.extend_from_slice(&bytes);
}

/// Reads an answer with samples under a header. They are whole; whether they are true is for a [`Verifier`] to say.
///
/// # Errors
/// [`Fault::Encoding`].
pub fn read_samples(header: &Header, mut answer: &[u8]) -> Result<Vec<Sample>, Fault> {
    let mut samples = Vec::new();
    while !answer.is_empty() {
        let (length, rest) = answer.split_first_chunk().ok_or(Fault::Encoding)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Fault::Encoding)?;
        let (sample, rest) = rest.split_at_checked(length).ok_or(Fault::Encoding)?;
        if samples.len() == MAX_INDICES {
            return Err(Fault::Encoding);
        }
        samples.push(Sample::decode(header, sample).map_err(|_| Fault::Encoding)?);
        answer = rest;
    }
    Ok(samples)
}
