//! The combination vector: the values of all data shards at both challenges.

use crate::{
    CodingError, Header, Parameters, Path, VERSION,
    challenge::challenges,
    evaluation::{Evaluator, Values},
    field::Element,
};

/// The values of the data shards at the two challenges. Coded like the data itself, it says what value every shard must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combination {
    values: Vec<Values>,
}

impl Combination {
    pub(crate) fn new(values: Vec<Values>) -> Self {
        Self { values }
    }

    /// The combination vector that belongs to a header's root, of all data shards in order. The digest in the header is not
    /// looked at.
    ///
    /// # Errors
    /// [`CodingError::TooFewShards`], [`CodingError::Length`] where the shards are not as many or not as long as the header says;
    /// [`CodingError::PayloadTooLong`].
    pub fn of_shards<'a>(
        header: &Header,
        shards: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, CodingError> {
        let (needed, expected) = (header.parameters.data(), header.shard_length()?);
        let shards: Vec<&[u8]> = shards.into_iter().take(needed).collect();
        if shards.len() < needed {
            return Err(CodingError::TooFewShards { held: shards.len(), needed });
        }
        if let Some(other) = shards.iter().find(|shard| shard.len() != expected) {
            return Err(CodingError::Length { expected, found: other.len() });
        }
        let challenges = challenges(header.parameters, header.payload_length, &header.root);
        Ok(Self::new(Evaluator::new(challenges, Path::fastest()).evaluate_all(&shards)))
    }

    pub(crate) fn values(&self) -> &[Values] {
        &self.values
    }

    /// The length of its encoding: 32 bytes for each data shard, and one.
    pub fn length(parameters: Parameters) -> usize {
        1 + 32 * parameters.data()
    }

    /// The one encoding: version (1), then for each data shard its value at the first challenge (16) and at the second (16),
    /// each as eight coordinates of 16 bits, little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let values = self.values.iter().flatten().flat_map(|value| value.to_bytes());
        std::iter::once(VERSION).chain(values).collect()
    }

    /// Reads [`Self::encode`]'s bytes, and no others.
    ///
    /// # Errors
    /// [`CodingError::Length`], [`CodingError::Version`].
    pub fn decode(parameters: Parameters, bytes: &[u8]) -> Result<Self, CodingError> {
        let expected = Self::length(parameters);
        if bytes.len() != expected {
            return Err(CodingError::Length { expected, found: bytes.len() });
        }
        if bytes[0] != VERSION {
            return Err(CodingError::Version { found: bytes[0] });
        }
        let (elements, _) = bytes[1..].as_chunks::<16>();
        let (values, _) = elements.as_chunks::<2>();
        Ok(Self { values: values.iter().map(|pair| pair.map(Element::from_bytes)).collect() })
    }

    /// The digest that a header names.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("glassbook availability v1 combination");
        *hasher.update(&self.encode()).finalize().as_bytes()
    }
}
