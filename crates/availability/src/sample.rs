//! A shard with its path, and the check that it belongs to the codeword.

use crate::{
    CodingError, Combination, Header, Path, VERSION,
    challenge::challenges,
    code,
    evaluation::{Evaluator, Values},
    merkle,
};

/// A shard and what shows that it is under the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The shard's number; data shards come first.
    pub index: usize,
    /// The shard.
    pub shard: Vec<u8>,
    /// The hashes beside the way from the shard to the root.
    pub path: Vec<[u8; 32]>,
}

impl Sample {
    /// The length of a sample's encoding under a header: the shard, at most 12 hashes, and three bytes.
    ///
    /// # Errors
    /// [`CodingError::NoSuchShard`], [`CodingError::PayloadTooLong`].
    pub fn length(header: &Header, index: usize) -> Result<usize, CodingError> {
        let total = header.parameters.total();
        if index >= total {
            return Err(CodingError::NoSuchShard { index, total });
        }
        Ok(3 + 32 * merkle::path_length(index, total) + header.shard_length()?)
    }

    /// The one encoding: version (1), index (2, little-endian), path (32 each), shard. An index that does not fit is written as the
    /// largest, which no code has.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(3 + 32 * self.path.len() + self.shard.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&u16::try_from(self.index).unwrap_or(u16::MAX).to_le_bytes());
        bytes.extend_from_slice(self.path.as_flattened());
        bytes.extend_from_slice(&self.shard);
        bytes
    }

    /// Reads [`Self::encode`]'s bytes, and no others. How long path and shard are is in the header.
    ///
    /// # Errors
    /// [`CodingError::Length`], [`CodingError::Version`], [`CodingError::NoSuchShard`].
    pub fn decode(header: &Header, bytes: &[u8]) -> Result<Self, CodingError> {
        let &[version, low, high, ref rest @ ..] = bytes else {
            return Err(CodingError::Length { expected: Self::length(header, 0)?, found: bytes.len() });
        };
        if version != VERSION {
            return Err(CodingError::Version { found: version });
        }
        let index = u16::from_le_bytes([low, high]).into();
        let expected = Self::length(header, index)?;
        if bytes.len() != expected {
            return Err(CodingError::Length { expected, found: bytes.len() });
        }
        let (path, shard) = rest.split_at(32 * merkle::path_length(index, header.parameters.total()));
        Ok(Self { index, shard: shard.to_vec(), path: path.as_chunks().0.to_vec() })
    }

    /// The shard's leaf, if the shard is under the header's root.
    pub(crate) fn authenticate(&self, header: &Header) -> Result<merkle::Hash, CodingError> {
        let (index, total) = (self.index, header.parameters.total());
        if index >= total {
            return Err(CodingError::NoSuchShard { index, total });
        }
        let expected = header.shard_length()?;
        if self.shard.len() != expected {
            return Err(CodingError::Length { expected, found: self.shard.len() });
        }
        let leaf = merkle::leaf(&self.shard);
        if merkle::root_of_path(leaf, index, total, &self.path) != Some(header.root) {
            return Err(CodingError::NotUnderRoot { index });
        }
        Ok(leaf)
    }
}

/// Checks samples of one header.
pub struct Verifier {
    header: Header,
    evaluator: Evaluator,
    expected: Vec<Values>,
}

impl Verifier {
    /// A verifier for a header and its combination vector, which is coded here, once.
    ///
    /// # Errors
    /// [`CodingError::NotTheCombination`], [`CodingError::PayloadTooLong`].
    pub fn new(header: &Header, combination: &Combination) -> Result<Self, CodingError> {
        Self::new_with(header, combination, Path::fastest())
    }

    /// [`Self::new`] by a path of one's choice; the answers are the same.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn new_with(header: &Header, combination: &Combination, path: Path) -> Result<Self, CodingError> {
        let parameters = header.parameters;
        header.shard_length()?;
        if combination.digest() != header.combination || combination.values().len() != parameters.data() {
            return Err(CodingError::NotTheCombination);
        }
        Ok(Self {
            header: *header,
            evaluator: Evaluator::new(challenges(parameters, header.payload_length, &header.root), path),
            expected: code::encode_values(parameters, combination.values()),
        })
    }

    /// The header that samples are checked under.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Checks that a shard is under the root, and that it has the values that the codeword's shard of this number has.
    ///
    /// # Errors
    /// [`CodingError::NoSuchShard`], [`CodingError::Length`], [`CodingError::NotUnderRoot`], [`CodingError::NotOfTheCodeword`].
    pub fn verify(&self, sample: &Sample) -> Result<(), CodingError> {
        sample.authenticate(&self.header)?;
        if self.evaluator.evaluate(&sample.shard) != self.expected[sample.index] {
            return Err(CodingError::NotOfTheCodeword { index: sample.index });
        }
        Ok(())
    }
}
