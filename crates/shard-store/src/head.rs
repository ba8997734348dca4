//! What is kept of a block beside its shards, byte by byte.
//!
//! ```text
//! record, 166 bytes                                       all that is left of a block that was pruned
//!     0  magic "GBSHARD" and version 1                 8
//!     8  block's number, little-endian                 8
//!    16  when it was published, in milliseconds        8
//!        since 1970, little-endian
//!    24  01 and the claim's digest, or 33 zeros       33
//!    57  header                                       77  (availability::Header)
//!   134  BLAKE3 of the above                          32
//! head
//!     0  record                                      166
//!   166  combination vector          1 + 32 for each data shard  (availability::Combination)
//!        leaves of the Merkle tree            32 for each shard
//!        BLAKE3 of the above                          32
//! ```

use std::path::Path;

use availability::{Combination, Commitment, Header, ShardTree};

use crate::StoreError;

const MAGIC: &[u8; 8] = b"GBSHARD\x01";
/// More than any head has: [`availability::MAX_SHARDS`] leaves and elements of the combination.
pub(crate) const MAX_HEAD: u64 = 1 << 20;

/// What names a block, and what remains of it when it is pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub number: u64,
    /// When it was published, in milliseconds since 1970.
    pub published_at: u64,
    /// Under which digest its publisher claims something about it; the store does not know what.
    pub claim_digest: Option<[u8; 32]>,
    /// Its header.
    pub header: Header,
}

impl Record {
    /// The length of an encoded record.
    pub(crate) const LENGTH: usize = 8 + 8 + 8 + 33 + Header::LENGTH + 32;

    /// The commitment to the block.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        self.header.commitment()
    }

    /// How many bytes all shards have.
    pub(crate) fn shards_length(&self) -> Result<u64, StoreError> {
        Ok(self.header.shard_length()? as u64 * self.header.parameters.total() as u64)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.published_at.to_le_bytes());
        bytes.push(self.claim_digest.is_some().into());
        bytes.extend_from_slice(&self.claim_digest.unwrap_or_default());
        bytes.extend_from_slice(&self.header.encode());
        bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
        bytes
    }

    /// Reads what [`Record::encode`] wrote, and nothing else.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let content = checked(bytes)?;
        let content: &[u8; Self::LENGTH - 32] =
            content.try_into().map_err(|_| "a record of another length")?;
        if content[..8] != *MAGIC {
            return Err("not a record of version 1");
        }
        let digest = array(&content[25..57]);
        let claim_digest = match content[24] {
            0 if digest == [0; 32] => None,
            1 => Some(digest),
            _ => return Err("a record with a strange digest"),
        };
        Ok(Self {
            number: u64::from_le_bytes(array(&content[8..16])),
            published_at: u64::from_le_bytes(array(&content[16..24])),
            claim_digest,
            header: Header::decode(&content[57..]).map_err(|_| "a record with a header that cannot be")?,
        })
    }
}

/// A block without its shards: what is needed to serve them with their paths.
#[derive(Debug)]
pub struct Head {
    /// What names it.
    pub record: Record,
    /// The combination vector.
    pub combination: Combination,
    pub(crate) tree: ShardTree,
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.record.encode();
        bytes.extend_from_slice(&self.combination.encode());
        bytes.extend_from_slice(self.tree.leaves().as_flattened());
        bytes.extend_from_slice(blake3::hash(&bytes).as_bytes());
        bytes
    }

    /// Reads what [`Head::encode`] wrote, and nothing else; tree and combination are the header's.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let content = checked(bytes)?;
        let (record, rest) = content.split_at_checked(Record::LENGTH).ok_or("a head cut short")?;
        let record = Record::decode(record)?;
        let parameters = record.header.parameters;
        let (combination, leaves) =
            rest.split_at_checked(Combination::length(parameters)).ok_or("a head cut short")?;
        let combination = Combination::decode(parameters, combination)
            .ok()
            .filter(|combination| combination.digest() == record.header.combination)
            .ok_or("a head with another combination vector")?;
        let (leaves, []) = leaves.as_chunks::<32>() else { return Err("a head cut short") };
        if leaves.len() != parameters.total() {
            return Err("a head with another number of leaves");
        }
        let tree = ShardTree::new(leaves.to_vec());
        if tree.root() != record.header.root {
            return Err("a head with leaves of another tree");
        }
        Ok(Self { record, combination, tree })
    }
}

/// What an error is, for a file of the store.
pub(crate) fn damaged(path: &Path) -> impl Fn(&'static str) -> StoreError + use<> {
    let path = path.to_path_buf();
    move |what| StoreError::DamagedHead { path: path.clone(), what: what.to_string() }
}

/// The content before a checksum.
fn checked(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let (content, checksum) = bytes.split_last_chunk::<32>().ok_or("a file cut short")?;
    if blake3::hash(content) != *checksum {
        return Err("the checksum does not match: the file is damaged or cut short");
    }
    Ok(content)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("the ranges above are of these lengths")
}
