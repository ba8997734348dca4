//! The client: headers from peers, and which are kept.

use availability::{Commitment, Header, Verifier};

use crate::kept::Headers;
use crate::wire::{self, BlockInfo};
use crate::{ClientError, Fault, Kept, PeerRecord, Transport};

/// Headers that are kept where nobody says how many.
const KEPT: usize = 4_096;

/// Samples blocks, and gets them back.
#[derive(Debug)]
pub struct LightClient<T> {
    pub(crate) transport: T,
    pub(crate) headers: Headers,
}

/// A block whose header is verified.
pub struct Block {
    /// The header.
    pub header: Header,
    /// What checks its samples.
    pub verifier: Verifier,
    /// The number that the publisher gave it: a peer's word.
    pub number: u64,
    /// The digest of what is claimed of it: a peer's word.
    pub claim_digest: Option<[u8; 32]>,
}

impl<T: Transport> LightClient<T> {
    /// A client of the transport's peers.
    pub fn new(transport: T) -> Self {
        Self::keeping(transport, KEPT)
    }

    /// A client that keeps at most `limit` headers, the last ones.
    pub fn keeping(transport: T, limit: usize) -> Self {
        Self { transport, headers: Headers::new(limit) }
    }

    /// The same client, which from now on asks others.
    #[must_use]
    pub fn with_transport(self, transport: T) -> Self {
        Self { transport, ..self }
    }

    /// What is known of a block.
    pub fn kept(&self, commitment: &Commitment) -> Option<&Kept> {
        self.headers.get(commitment)
    }

    /// All headers that are kept, the oldest first.
    pub fn headers(&self) -> impl Iterator<Item = (&Commitment, &Kept)> {
        self.headers.iter()
    }

    /// A block's header and what checks its samples, from the first peer that has them right.
    ///
    /// # Errors
    /// [`ClientError::NoPeers`], [`ClientError::NoBlock`].
    pub async fn block(&self, commitment: &Commitment) -> Result<Block, ClientError> {
        self.block_from(commitment, &mut self.records()).await
    }

    /// As [`LightClient::block`], noting what peers do.
    pub(crate) async fn block_from(
        &self,
        commitment: &Commitment,
        records: &mut [PeerRecord],
    ) -> Result<Block, ClientError> {
        if records.is_empty() {
            return Err(ClientError::NoPeers);
        }
        let mut faults = Vec::new();
        for (peer, record) in records.iter_mut().enumerate() {
            let reply = self.transport.get(peer, &wire::block_path(commitment), wire::MAX_INFO).await;
            match reply.body.map_err(Fault::from).and_then(|body| read(commitment, &body)) {
                Ok(block) => {
                    record.good(0, reply.micros);
                    return Ok(block);
                }
                Err(fault) => {
                    record.bad(&fault);
                    faults.push((peer, fault));
                }
            }
        }
        Err(ClientError::NoBlock { faults })
    }

    /// A record for each peer.
    pub(crate) fn records(&self) -> Vec<PeerRecord> {
        vec![PeerRecord::default(); self.transport.peers()]
    }
}

fn read(commitment: &Commitment, body: &[u8]) -> Result<Block, Fault> {
    let info: BlockInfo = serde_json::from_slice(body).map_err(|_| Fault::Encoding)?;
    let header = info.header(commitment)?;
    let verifier = info.verifier(&header)?;
    let claim_digest = match &info.claim_digest {
        None => None,
        Some(text) => {
            let mut digest = [0; 32];
            hex::decode_to_slice(text, &mut digest).map_err(|_| Fault::Encoding)?;
            Some(digest)
        }
    };
    Ok(Block { header, verifier, number: info.number, claim_digest })
}
