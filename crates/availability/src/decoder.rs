//! From shards back to the payload.

use crate::{
    CodingError, Header, Sample, code, few_losses,
    merkle::{self, Hash, Tree},
};

/// How far a decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many shards more are needed, any ones.
    Needs(usize),
    /// There are enough.
    Decodable,
}

/// Collects shards of one header until there are enough.
///
/// Has room for all shards of the header from the start, at most [`crate::MAX_CODED`] bytes.
#[derive(Clone, Debug)]
pub struct Decoder {
    header: Header,
    shard_length: usize,
    data: Vec<u8>,
    parity: Vec<u8>,
    /// The leaves of the shards that are there.
    leaves: Vec<Option<Hash>>,
    held: usize,
}

impl Decoder {
    /// A decoder without shards.
    ///
    /// # Errors
    /// [`CodingError::PayloadTooLong`] where the header is of a payload that cannot be.
    pub fn new(header: &Header) -> Result<Self, CodingError> {
        let (parameters, shard_length) = (header.parameters, header.shard_length()?);
        Ok(Self {
            header: *header,
            shard_length,
            data: vec![0; shard_length * parameters.data()],
            parity: vec![0; shard_length * parameters.parity()],
            leaves: vec![None; parameters.total()],
            held: 0,
        })
    }

    /// Takes a shard, after checking that it is under the root. One that is there already changes nothing.
    ///
    /// # Errors
    /// [`CodingError::NoSuchShard`], [`CodingError::Length`], [`CodingError::NotUnderRoot`]; the decoder is as before.
    pub fn push(&mut self, sample: &Sample) -> Result<Progress, CodingError> {
        let leaf = sample.authenticate(&self.header)?;
        if self.leaves[sample.index].replace(leaf).is_none() {
            self.held += 1;
            let (start, data) = (sample.index * self.shard_length, self.data.len());
            let (part, start) =
                if start < data { (&mut self.data, start) } else { (&mut self.parity, start - data) };
            part[start..start + self.shard_length].copy_from_slice(&sample.shard);
        }
        Ok(self.progress())
    }

    /// How many more are needed.
    pub fn progress(&self) -> Progress {
        match self.header.parameters.data().saturating_sub(self.held) {
            0 => Progress::Decodable,
            more => Progress::Needs(more),
        }
    }

    /// How many shards are there.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Whether a shard is there.
    pub fn holds(&self, index: usize) -> bool {
        self.leaves.get(index).is_some_and(Option::is_some)
    }

    /// The payload, after coding it again with whatever follows it, and comparing the root.
    ///
    /// # Errors
    /// [`CodingError::TooFewShards`]; [`CodingError::WrongRoot`] where the commitment is not to a codeword.
    pub fn finish(mut self) -> Result<Vec<u8>, CodingError> {
        self.restore()?;
        self.data.truncate(self.payload_length());
        Ok(self.data)
    }

    /// The shards of these numbers with their paths, after all that [`Self::finish`] checks.
    ///
    /// # Errors
    /// As [`Self::finish`], and [`CodingError::NoSuchShard`].
    pub fn repair(mut self, indices: &[usize]) -> Result<Vec<Sample>, CodingError> {
        let total = self.header.parameters.total();
        if let Some(&index) = indices.iter().find(|&&index| index >= total) {
            return Err(CodingError::NoSuchShard { index, total });
        }
        let tree = self.restore()?;
        let shards: Vec<&[u8]> = self.shards().collect();
        let sample = |&index: &usize| Sample { index, shard: shards[index].to_vec(), path: tree.path(index) };
        Ok(indices.iter().map(sample).collect())
    }

    /// Restores all shards, and shows that they are a codeword and have the header's root.
    fn restore(&mut self) -> Result<Tree, CodingError> {
        let parameters = self.header.parameters;
        if let Progress::Needs(_) = self.progress() {
            return Err(CodingError::TooFewShards { held: self.held, needed: parameters.data() });
        }
        let lost = self.leaves[..parameters.data()].iter().filter(|leaf| leaf.is_none()).count();
        let held: Vec<bool> = self.leaves.iter().map(Option::is_some).collect();
        if lost > 0 {
            let decode = if lost <= few_losses::FEW { few_losses::decode } else { code::decode };
            decode(parameters, &held, &mut self.data, &self.parity);
        }
        // K shards are of one codeword, whichever they are, and the data that was restored makes it. So if all parity shards are
        // among no more than K, the code would make them as they are.
        if self.held > parameters.data() || !held[parameters.data()..].iter().all(|held| *held) {
            self.restore_parity()?;
        }

        let leaves =
            self.shards().zip(&self.leaves).map(|(shard, leaf)| leaf.unwrap_or_else(|| merkle::leaf(shard)));
        let tree = Tree::new(leaves.collect());
        if tree.root() != self.header.root { Err(CodingError::WrongRoot) } else { Ok(tree) }
    }

    /// Codes the data again. A parity shard that was there must be what the code makes it.
    fn restore_parity(&mut self) -> Result<(), CodingError> {
        let (parameters, length) = (self.header.parameters, self.shard_length);
        let (parity, held) = (&mut self.parity, &self.leaves[parameters.data()..]);
        let data: Vec<&[u8]> = self.data.chunks_exact(length).collect();
        let mut agrees = true;
        code::encode_stretches(parameters, &data, |index, at, coded| {
            let shard = &mut parity[index * length..][at];
            match held[index] {
                Some(_) => agrees &= shard == coded,
                None => shard.copy_from_slice(coded),
            }
        });
        if agrees { Ok(()) } else { Err(CodingError::WrongRoot) }
    }

    fn shards(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.shard_length).chain(self.parity.chunks_exact(self.shard_length))
    }

    fn payload_length(&self) -> usize {
        usize::try_from(self.header.payload_length)
            .expect("a header whose payload is too long has no shard length")
    }
}
