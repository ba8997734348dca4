//! `glassbook da sample`.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use availability::Commitment;
use availability::sampling::{Confidence, Policy, Strategy, Verdict};
use clap::Args;
use light_client::{Http, LightClient, PeerRecord, Sampled};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::dev::duration;

/// Sample a block
#[derive(Args)]
pub struct Options {
    /// The commitment, as `da publish` prints it
    #[arg(value_parser = super::commitment)]
    commitment: Commitment,
    /// How sure to be that enough shards can be had, and that they fit together: 0.9999, 99.99%, 40bits
    #[arg(long, default_value = "0.9999")]
    confidence: Confidence,
    /// Whom to ask; as many as there are
    #[arg(long = "peer", value_name = "URL", required = true)]
    peers: Vec<String>,
    /// At least so many samples
    #[arg(long, value_name = "SAMPLES", default_value_t = Policy::default().minimum)]
    minimum: u32,
    /// At least so many millionths of all shards
    #[arg(long, value_name = "PPM", default_value_t = Policy::default().ratio_ppm)]
    ratio_ppm: u32,
    /// A miss has at most the probability 2^-BITS; 0 asks for nothing
    #[arg(long, value_name = "BITS", default_value_t = Policy::default().security_bits)]
    security_bits: u32,
    /// So many samples may fail, timeouts included; the more, the more samples
    #[arg(long, value_name = "SAMPLES", default_value_t = Policy::default().tolerated)]
    tolerate: u32,
    /// How long a peer has for an answer
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    patience: Duration,
}

/// Samples; an error when enough shards cannot be had.
pub fn run(options: &Options) -> Result<()> {
    let policy = Policy {
        confidence: options.confidence.clone(),
        proximity: true,
        security_bits: options.security_bits,
        ratio_ppm: options.ratio_ppm,
        minimum: options.minimum,
        tolerated: options.tolerate,
    };
    let http = Http::with_patience(&options.peers, options.patience)?;
    let mut client = LightClient::new(http);
    // Private: nobody may foresee which shards are asked for.
    let mut rng = StdRng::try_from_os_rng().context("no randomness from the operating system")?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let sampled = client.sample(&options.commitment, &policy, Strategy::Uniform, &mut rng);
    let sampled = runtime.block_on(sampled).context("UNAVAILABLE")?;
    let mut out = io::stdout().lock();
    tell(&mut out, &sampled, &policy)?;
    peers(&mut out, &options.peers, &sampled.peers)?;
    match sampled.verdict {
        Verdict::Available { confidence } => {
            writeln!(
                out,
                "AVAILABLE: were fewer than {} shards to be had, this would be found with a probability of at least {confidence}",
                sampled.header.parameters.data()
            )?;
            if let Some(near) = &sampled.requirement.near {
                writeln!(
                    out,
                    "  and were they not of one codeword but for at most {} of the {}, of at least {near}; that they decode, only \
                     `da recover` shows",
                    sampled.header.parameters.parity() / 2,
                    sampled.header.parameters.total()
                )?;
            }
            Ok(())
        }
        Verdict::Unavailable { failures } => {
            bail!("UNAVAILABLE: {failures} samples failed, and {} may", sampled.requirement.tolerated)
        }
        Verdict::MoreNeeded { outstanding } => {
            bail!("UNAVAILABLE: {} samples have no outcome", outstanding.len())
        }
    }
}

fn tell(out: &mut impl Write, sampled: &Sampled, policy: &Policy) -> io::Result<()> {
    let (header, needs) = (&sampled.header, &sampled.requirement);
    let parameters = header.parameters;
    writeln!(
        out,
        "block {} (its number is the peer's word), {} + {} shards, {} bytes",
        sampled.number,
        parameters.data(),
        parameters.parity(),
        header.payload_length
    )?;
    if let Some(digest) = sampled.claim_digest {
        writeln!(out, "claim digest {} (the peer's word)", hex::encode(digest))?;
    }
    writeln!(
        out,
        "{} samples, decided by the {}: for {} {}, for proximity {}, for {} bits of security {}, for the ratio {}, at least {}",
        needs.samples,
        needs.decided_by.name(),
        policy.confidence,
        needs.floors.confidence,
        needs.floors.proximity,
        policy.security_bits,
        needs.floors.security,
        needs.floors.ratio,
        needs.floors.minimum
    )?;
    writeln!(out, "they achieve {}, and {} of them may fail", needs.achieved, needs.tolerated)
}

/// A line for each peer.
pub(super) fn peers(out: &mut impl Write, urls: &[String], records: &[PeerRecord]) -> io::Result<()> {
    for (url, record) in urls.iter().zip(records) {
        let millis = |micros: u32| format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100);
        let median = record.median_latency().map_or("-".to_string(), millis);
        let slowest = record.latencies.iter().max().map_or("-".to_string(), |micros| millis(*micros));
        writeln!(
            out,
            "  {url}  {} asked, {} answered, {} good shards, {} too late, {} refused, {} LIES; median {median}, slowest {slowest}",
            record.asked, record.answered, record.shards, record.timeouts, record.refused, record.lies
        )?;
        if let Some(fault) = &record.last_fault {
            writeln!(out, "    last fault: {fault}")?;
        }
    }
    Ok(())
}
