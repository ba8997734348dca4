//! Getting a whole block back, from several peers at a time.

use std::collections::BTreeSet;

use availability::{CodingError, Commitment, Decoder, Header, Peer, Progress, Sample, plan};
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::{Block, ClientError, Fault, Kept, LightClient, PeerRecord, Reply, Transport, Trouble, wire};

/// Requests under way at each peer, so that none is idle while an answer is on its way.
const PER_PEER: usize = 2;
/// Shards in a request, and their bytes.
const SHARDS: usize = 32;
const BYTES: usize = 4 << 20;
/// How often a peer is asked for the same shard.
const TRIES: u8 = 2;
/// A peer that fails so often one after the other is not asked any more.
const PATIENCE: u32 = 4;
/// What a peer's latency is thought to be before it has answered, in microseconds.
const UNKNOWN: u32 = 50_000;

/// A block that was got back. Coded again, it has the root that was committed to.
#[derive(Clone, Debug)]
pub struct Retrieved {
    /// What was published.
    pub payload: Vec<u8>,
    /// Its header.
    pub header: Header,
    /// The number that the publisher gave it: a peer's word.
    pub number: u64,
    /// The digest of what is claimed of it: a peer's word.
    pub claim_digest: Option<[u8; 32]>,
    /// What each peer did.
    pub peers: Vec<PeerRecord>,
}

impl<T: Transport> LightClient<T> {
    /// Gets a block back whose shards have at most `limit` bytes together. `progress` hears how many shards there are, and how many are
    /// needed.
    ///
    /// Which shard is asked of whom follows from how fast and how reliable each peer was so far. Peers that are done get more to do until
    /// there are enough shards, if need be what others were asked for already, so a slow one holds nobody up. A peer that lies once is
    /// not asked again.
    ///
    /// # Errors
    /// [`ClientError::Unavailable`] when peers do not give enough shards; [`ClientError::Coding`] when they do, and the commitment is
    /// not to an encoding; [`ClientError::NoPeers`], [`ClientError::NoBlock`], [`ClientError::TooLarge`].
    pub async fn retrieve(
        &mut self,
        commitment: &Commitment,
        limit: u64,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Retrieved, ClientError> {
        let mut records = self.records();
        let Block { header, number, claim_digest, .. } = self.block_from(commitment, &mut records).await?;
        let bytes = header.shard_length()? as u64 * header.parameters.total() as u64;
        if bytes > limit {
            return Err(ClientError::TooLarge { bytes, limit });
        }
        let mut collection = Collection::new(&header, records)?;
        let transport = &self.transport;
        let needed = header.parameters.data();
        let mut under_way = FuturesUnordered::new();
        loop {
            if collection.decoder.progress() == Progress::Decodable {
                break;
            }
            for (peer, shards) in collection.requests() {
                collection.begin(peer, &shards);
                under_way.push(async move {
                    let path = wire::samples_path(commitment, &shards);
                    let limit = wire::samples_length(&header, &shards);
                    let reply = transport.get(peer, &path, limit).await;
                    (peer, shards, reply)
                });
            }
            let Some((peer, shards, reply)) = under_way.next().await else {
                return Err(ClientError::Unavailable { held: collection.held(), needed });
            };
            collection.end(peer, &shards, reply);
            progress(collection.held().min(needed), needed);
        }
        drop(under_way);
        let peers = collection.records;
        let payload = collection.decoder.finish()?;
        let confidence = self.kept(commitment).and_then(|kept| kept.confidence.clone());
        self.headers.put(Kept { header, confidence });
        Ok(Retrieved { payload, header, number, claim_digest, peers })
    }
}

/// The shards so far, and what is known of the peers.
struct Collection {
    header: Header,
    decoder: Decoder,
    records: Vec<PeerRecord>,
    /// For each peer, how often it was asked for each shard.
    tries: Vec<Vec<u8>>,
    /// For each peer, requests under way, and failures since its last good answer.
    busy: Vec<usize>,
    failed: Vec<u32>,
    /// Of how many peers each shard is being asked.
    under_way: Vec<usize>,
}

impl Collection {
    fn new(header: &Header, records: Vec<PeerRecord>) -> Result<Self, CodingError> {
        let peers = records.len();
        Ok(Self {
            header: *header,
            decoder: Decoder::new(header)?,
            tries: vec![vec![0; header.parameters.total()]; peers],
            busy: vec![0; peers],
            failed: vec![0; peers],
            records,
            under_way: vec![0; header.parameters.total()],
        })
    }

    fn held(&self) -> usize {
        match self.decoder.progress() {
            Progress::Needs(more) => self.header.parameters.data() - more,
            Progress::Decodable => self.header.parameters.data(),
        }
    }

    /// Whether a peer may be asked at all.
    fn is_trusted(&self, peer: usize) -> bool {
        self.records[peer].lies == 0 && self.failed[peer] < PATIENCE
    }

    /// What to ask now, of peers that can take more.
    fn requests(&self) -> Vec<(usize, Vec<usize>)> {
        let Progress::Needs(needed) = self.decoder.progress() else { return Vec::new() };
        let wanted: Vec<usize> = (0..self.header.parameters.total())
            .filter(|shard| !self.decoder.holds(*shard) && self.under_way[*shard] == 0)
            .collect();
        let peers: Vec<Peer> = (0..self.records.len()).map(|peer| self.peer(peer, &wanted)).collect();
        let batch = self.batch();
        // What is under way may never come, so it is not counted.
        let mut count = needed.min(wanted.len()).min(batch * PER_PEER * peers.len());
        let requests = loop {
            match plan(&peers, &wanted, count) {
                Ok(plan) => break plan.requests,
                // As many as there are.
                Err(CodingError::TooFewShards { held, .. }) if held < count => count = held,
                Err(_) => break Vec::new(),
            }
        };
        let mut asked: Vec<(usize, Vec<usize>)> = Vec::new();
        for (peer, busy) in self.busy.iter().enumerate() {
            let shards: Vec<usize> =
                requests.iter().filter(|request| request.peer == peer).map(|request| request.shard).collect();
            let free = PER_PEER.saturating_sub(*busy);
            asked.extend(shards.chunks(batch).take(free).map(|shards| (peer, shards.to_vec())));
        }
        self.ask_again(&mut asked, needed);
        asked
    }

    /// Peers that would have nothing to do are asked for what is under way elsewhere, since it may never come: first for what the
    /// fewest are asked for.
    fn ask_again(&self, asked: &mut Vec<(usize, Vec<usize>)>, needed: usize) {
        let (batch, mut askers) = (self.batch(), self.under_way.clone());
        for (_, shards) in asked.iter() {
            shards.iter().for_each(|shard| askers[*shard] += 1);
        }
        for peer in 0..self.busy.len() {
            let is_idle = self.busy[peer] == 0 && asked.iter().all(|(other, _)| *other != peer);
            if !is_idle || !self.is_trusted(peer) {
                continue;
            }
            let mut shards: Vec<usize> = (0..askers.len())
                .filter(|shard| askers[*shard] > 0 && !self.decoder.holds(*shard))
                .filter(|shard| self.tries[peer][*shard] < TRIES)
                .collect();
            shards.sort_by_key(|shard| askers[*shard]);
            shards.truncate(needed.min(batch * PER_PEER));
            shards.iter().for_each(|shard| askers[*shard] += 1);
            asked.extend(shards.chunks(batch).map(|shards| (peer, shards.to_vec())));
        }
    }

    /// A peer, for planning.
    fn peer(&self, peer: usize, wanted: &[usize]) -> Peer {
        let record = &self.records[peer];
        let holds = match self.is_trusted(peer) && self.busy[peer] < PER_PEER {
            true => wanted.iter().copied().filter(|shard| self.tries[peer][*shard] < TRIES).collect(),
            false => Vec::new(),
        };
        Peer {
            latency: record.median_latency().unwrap_or(UNKNOWN),
            asked: record.asked,
            answered: record.answered,
            holds,
        }
    }

    /// How many shards a request is for.
    fn batch(&self) -> usize {
        let longest = wire::samples_length(&self.header, &[0]).max(1);
        (BYTES / longest).clamp(1, SHARDS)
    }

    fn begin(&mut self, peer: usize, shards: &[usize]) {
        self.busy[peer] += 1;
        for shard in shards {
            self.tries[peer][*shard] += 1;
            self.under_way[*shard] += 1;
        }
    }

    fn end(&mut self, peer: usize, shards: &[usize], reply: Reply) {
        self.busy[peer] -= 1;
        for shard in shards {
            self.under_way[*shard] -= 1;
        }
        let micros = reply.micros;
        match self.take(shards, reply) {
            Ok(good) => {
                self.records[peer].good(good, micros);
                self.failed[peer] = 0;
            }
            Err(fault) => {
                self.records[peer].bad(&fault);
                self.failed[peer] += 1;
                // What it has not it will not have.
                if fault == Fault::None(Trouble::Absent) {
                    for shard in shards {
                        self.tries[peer][*shard] = TRIES;
                    }
                }
            }
        }
    }

    /// Takes the shards of an answer. Good ones before a bad one stay.
    fn take(&mut self, asked: &[usize], reply: Reply) -> Result<usize, Fault> {
        let samples: Vec<Sample> = wire::read_samples(&self.header, &reply.body?)?;
        let mut left: BTreeSet<usize> = asked.iter().copied().collect();
        for sample in &samples {
            if !left.remove(&sample.index) {
                return Err(Fault::NotAsked(sample.index));
            }
            self.decoder.push(sample).map_err(Fault::Sample)?;
        }
        if samples.is_empty() { Err(Fault::None(Trouble::Absent)) } else { Ok(samples.len()) }
    }
}
