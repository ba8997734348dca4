//! Sampling: few shards that nobody can foresee, each asked for by itself.

use availability::sampling::{
    AvailabilityPlan, Failure, Outcome, Policy, Requirement, Results, SamplingError, Shape, Strategy, Verdict,
};
use availability::{Commitment, Header, Verifier};
use futures_util::stream::{self, StreamExt as _};
use rand::{CryptoRng, Rng as _};

use crate::records::failure;
use crate::{ClientError, Fault, Kept, LightClient, PeerRecord, Reply, Transport, wire};

/// Requests that are under way at a time.
const PARALLEL: usize = 8;

/// What samples of a block showed.
#[derive(Clone, Debug)]
pub struct Sampled {
    /// The block's header.
    pub header: Header,
    /// The number that the publisher gave it: a peer's word.
    pub number: u64,
    /// The digest of what is claimed of it: a peer's word.
    pub claim_digest: Option<[u8; 32]>,
    /// How many samples were due, why, and what they achieve.
    pub requirement: Requirement,
    /// What they showed.
    pub verdict: Verdict,
    /// What became of each. Asking ended when the verdict was certain.
    pub results: Results,
    /// What each peer did.
    pub peers: Vec<PeerRecord>,
}

impl Sampled {
    /// Whether the data can be had.
    #[must_use]
    pub fn is_available(&self) -> bool {
        matches!(self.verdict, Verdict::Available { .. })
    }
}

impl<T: Transport> LightClient<T> {
    /// Finds out whether a block's data can be had. `rng` must be private to this client.
    ///
    /// The rule is fixed before the first request: as many samples as the policy needs, of which as many as it tolerates may fail. A
    /// sample fails when no peer gives it in time; each peer is asked once. Every sample is a request of its own, in an order that
    /// nobody can foresee and beginning with another peer, so that no peer sees at once what will be asked.
    ///
    /// # Errors
    /// [`ClientError::NoPeers`], [`ClientError::NoBlock`], and [`ClientError::Sampling`] for a policy that cannot be met. That the
    /// data cannot be had is no error but a verdict.
    pub async fn sample<R: CryptoRng + ?Sized>(
        &mut self,
        commitment: &Commitment,
        policy: &Policy,
        strategy: Strategy<'_>,
        rng: &mut R,
    ) -> Result<Sampled, ClientError> {
        let mut peers = self.records();
        let block = self.block_from(commitment, &mut peers).await?;
        let plan = AvailabilityPlan::draw(policy, shape(&block.header)?, strategy, rng)?;
        let mut results = plan.results();
        let first = rng.random_range(0..peers.len());

        let (transport, verifier) = (&self.transport, &block.verifier);
        let count = peers.len();
        let asked = plan.requests().iter().enumerate().map(|(place, index)| async move {
            let order = (0..count).map(move |step| (first + place + step) % count);
            (*index, ask(transport, verifier, commitment, *index as usize, order).await)
        });
        let mut answers = stream::iter(asked).buffer_unordered(PARALLEL);
        let mut verdict = plan.judge(&results)?;
        while let Verdict::MoreNeeded { .. } = verdict {
            // As many answers as requests, after which nothing is open.
            let Some((index, Asked { found, faults })) = answers.next().await else { break };
            for (peer, fault) in &faults {
                peers[*peer].bad(fault);
            }
            let outcome = match found {
                Some((peer, micros)) => {
                    peers[peer].good(1, micros);
                    Outcome::Verified
                }
                None => Outcome::Failed(worst(&faults)),
            };
            results.record(index, outcome)?;
            verdict = plan.judge(&results)?;
        }
        drop(answers);
        let confidence = match &verdict {
            Verdict::Available { confidence } => Some(confidence.clone()),
            _ => None,
        };
        self.headers.put(Kept { header: block.header, confidence });
        Ok(Sampled {
            header: block.header,
            number: block.number,
            claim_digest: block.claim_digest,
            requirement: plan.requirement().clone(),
            verdict,
            results,
            peers,
        })
    }
}

/// A code's numbers, for planning samples.
fn shape(header: &Header) -> Result<Shape, SamplingError> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Shape::new(number(header.parameters.data()), number(header.parameters.parity()))
}

/// What became of a request for one shard.
struct Asked {
    /// Who gave it, and in how many microseconds.
    found: Option<(usize, u32)>,
    faults: Vec<(usize, Fault)>,
}

/// Asks one peer after another for a shard.
async fn ask<T: Transport>(
    transport: &T,
    verifier: &Verifier,
    commitment: &Commitment,
    index: usize,
    order: impl Iterator<Item = usize>,
) -> Asked {
    let path = wire::samples_path(commitment, &[index]);
    let limit = wire::samples_length(verifier.header(), &[index]);
    let mut faults = Vec::new();
    for peer in order {
        let reply = transport.get(peer, &path, limit).await;
        let micros = reply.micros;
        match check(verifier, index, reply) {
            Ok(()) => return Asked { found: Some((peer, micros)), faults },
            Err(fault) => faults.push((peer, fault)),
        }
    }
    Asked { found: None, faults }
}

/// Whether a reply is the sample of this shard and nothing else.
fn check(verifier: &Verifier, index: usize, reply: Reply) -> Result<(), Fault> {
    let samples = wire::read_samples(verifier.header(), &reply.body?)?;
    match &samples[..] {
        // The peer has it not, and says so by leaving it out.
        [] => Err(Fault::None(crate::Trouble::Absent)),
        [sample] if sample.index == index => verifier.verify(sample).map_err(Fault::Sample),
        [first, ..] => Err(Fault::NotAsked(first.index)),
    }
}

fn worst(faults: &[(usize, Fault)]) -> Failure {
    let faults: Vec<Fault> = faults.iter().map(|(_, fault)| fault.clone()).collect();
    failure(&faults)
}
