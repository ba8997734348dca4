//! The headers that a light client keeps.

use std::collections::VecDeque;

use availability::sampling::Confidence;
use availability::{Commitment, Header};

/// A header, and what samples showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The header; its hash is the commitment.
    pub header: Header,
    /// How sure it is that the data could be had, if samples said that it could.
    pub confidence: Option<Confidence>,
}

/// The headers that were verified last, at most so many.
#[derive(Clone, Debug)]
pub(crate) struct Headers {
    kept: VecDeque<(Commitment, Kept)>,
    limit: usize,
}

impl Headers {
    pub fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), limit: limit.max(1) }
    }

    pub fn get(&self, commitment: &Commitment) -> Option<&Kept> {
        self.kept.iter().find(|(name, _)| name == commitment).map(|(_, kept)| kept)
    }

    pub fn put(&mut self, kept: Kept) {
        let commitment = kept.header.commitment();
        self.kept.retain(|(name, _)| *name != commitment);
        if self.kept.len() == self.limit {
            self.kept.pop_front();
        }
        self.kept.push_back((commitment, kept));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Commitment, &Kept)> {
        self.kept.iter().map(|(name, kept)| (name, kept))
    }
}
