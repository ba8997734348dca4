//! From a payload to shards, header and combination vector.

use crate::{
    CodingError, Combination, Header, Parameters, Path, Sample,
    challenge::challenges,
    code,
    evaluation::Evaluator,
    merkle::{self, Tree},
};

/// A coded payload: all shards, and what is needed to serve and to check them.
#[derive(Clone, Debug)]
pub struct Encoded {
    header: Header,
    combination: Combination,
    shard_length: usize,
    shards: Vec<u8>,
    tree: Tree,
}

/// Codes a payload, commits to the shards, and proves that they are a codeword.
///
/// # Errors
/// [`CodingError::PayloadTooLong`].
pub fn encode(payload: &[u8], parameters: Parameters) -> Result<Encoded, CodingError> {
    encode_with(payload, parameters, Path::fastest())
}

/// [`encode`] by a path of one's choice; the result is the same.
///
/// # Errors
/// [`CodingError::PayloadTooLong`].
pub fn encode_with(payload: &[u8], parameters: Parameters, path: Path) -> Result<Encoded, CodingError> {
    let mut memory = Vec::with_capacity(parameters.coded_length(payload.len() as u64)?);
    memory.extend_from_slice(payload);
    encode_in_place(memory, parameters, path)
}

/// [`encode_with`] for whoever has no more need of the payload: its memory becomes that of the shards, so that nothing is copied
/// where its capacity is [`Parameters::coded_length`]. [`Encoded::into_payload`] gives it back for the next payload, which
/// spares the operating system's zeroing of fresh memory: more than half of the time at 32 MiB.
///
/// # Errors
/// [`CodingError::PayloadTooLong`].
pub fn encode_in_place(payload: Vec<u8>, parameters: Parameters, path: Path) -> Result<Encoded, CodingError> {
    let (payload_length, mut shards) = (payload.len() as u64, payload);
    let shard_length = parameters.shard_length(payload_length)?;
    shards.reserve_exact(parameters.coded_length(payload_length)? - shards.len());
    shards.resize(shard_length * parameters.total(), 0);
    let (data, parity) = shards.split_at_mut(shard_length * parameters.data());
    code::encode(parameters, &data.chunks_exact(shard_length).collect::<Vec<_>>(), parity);

    let tree = Tree::new(shards.chunks_exact(shard_length).map(merkle::leaf).collect());
    let root = tree.root();
    let evaluator = Evaluator::new(challenges(parameters, payload_length, &root), path);
    let data: Vec<&[u8]> = shards.chunks_exact(shard_length).take(parameters.data()).collect();
    let combination = Combination::new(evaluator.evaluate_all(&data));
    let header = Header { parameters, payload_length, root, combination: combination.digest() };
    Ok(Encoded { header, combination, shard_length, shards, tree })
}

impl Encoded {
    /// What the commitment commits to.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What a verifier of samples needs besides.
    pub fn combination(&self) -> &Combination {
        &self.combination
    }

    /// The Merkle tree over the shards.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The shards in order, data first.
    pub fn shards(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.shards.chunks_exact(self.shard_length)
    }

    /// The payload, in the memory of the shards: the code is systematic, so it stands at their beginning.
    pub fn into_payload(self) -> Vec<u8> {
        let mut payload = self.shards;
        payload.truncate(usize::try_from(self.header.payload_length).unwrap_or(usize::MAX));
        payload
    }

    /// A shard with its path.
    ///
    /// # Errors
    /// [`CodingError::NoSuchShard`].
    pub fn sample(&self, index: usize) -> Result<Sample, CodingError> {
        let total = self.header.parameters.total();
        let shard = self.shards().nth(index).ok_or(CodingError::NoSuchShard { index, total })?.to_vec();
        Ok(Sample { index, shard, path: self.tree.path(index) })
    }
}
