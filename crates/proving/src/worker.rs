//! A worker: asks a node for jobs, proves them, hands the proofs in. Runs until it is told to stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use thiserror::Error;
use transition::{BatchRange, Limits};
use verifier::{Proof, ProofKind};

use crate::backoff::Backoff;
use crate::protocol::auth::WorkerKey;
use crate::protocol::{Client, ClientError, Failed, Hello, Offer};
use crate::{Backend, BackendError, Cancellation};

/// What a worker is told.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// The node's URL.
    pub node: String,
    /// The worker's own key.
    pub key: WorkerKey,
    /// A name for people.
    pub name: String,
    /// The largest execution to take, in the system's cycles.
    pub max_cycles: Option<u64>,
    /// What a second of its work costs, in millionths of a dollar.
    pub price: u64,
    /// Stop after so many jobs.
    pub jobs: Option<u64>,
    /// Stop when there is nothing to do.
    pub until_idle: bool,
    /// How long to wait when there is nothing to do.
    pub poll: Duration,
}

/// What a worker tells while it works.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkerEvent {
    /// The node knows the worker.
    Connected,
    /// There is nothing to do.
    Idle,
    /// The node cannot be reached; the worker tries again.
    Unreachable {
        /// What went wrong.
        why: String,
        /// When it tries again.
        again_in: Duration,
    },
    /// Work begins.
    Began(Offer),
    /// The node has checked the proof and kept it.
    Delivered {
        /// The job.
        offer: Offer,
        /// From the offer to the node's answer.
        elapsed: Duration,
        /// In the system's own unit.
        cycles: u64,
        /// Bytes of the proof.
        proof_bytes: usize,
    },
    /// The job went back.
    Failed {
        /// The job.
        offer: Offer,
        /// Why.
        why: String,
    },
}

/// Why a worker stops.
#[derive(Debug, Error)]
pub enum WorkerError {
    /// The node does not want it.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// Works for a node until `stop`; a proof that has begun is finished and handed in first.
///
/// # Errors
/// When the node does not want this worker.
pub fn work(
    backend: &(dyn Backend + Sync),
    options: &WorkerOptions,
    stop: &Cancellation,
    tell: &mut dyn FnMut(WorkerEvent),
) -> Result<(), WorkerError> {
    let client = Client::new(&options.node, options.key.clone());
    let capabilities = backend.capabilities();
    let hello = Hello {
        name: options.name.clone(),
        system: backend.system().to_string(),
        version: backend.version().to_string(),
        program: backend.program().to_string(),
        kinds: ProofKind::ALL
            .into_iter()
            .filter(|kind| capabilities.can(*kind))
            .map(|kind| kind.to_string())
            .collect(),
        device: capabilities.device,
        max_cycles: options.max_cycles,
        price: options.price,
    };
    let mut random = ChaCha12Rng::from_seed(rand::random());
    let backoff = Backoff { first: 1_000, longest: 60_000 };
    let (mut done, mut failures, mut known, mut idle) = (0, 0, false, false);
    while !stop.is_cancelled() && options.jobs.is_none_or(|jobs| done < jobs) {
        let asked = if known { client.lease() } else { client.hello(&hello).and_then(|()| client.lease()) };
        match asked {
            Ok(offer) => {
                if !known {
                    tell(WorkerEvent::Connected);
                }
                (failures, known) = (0, true);
                match offer {
                    Some(offer) => {
                        tell(WorkerEvent::Began(offer.clone()));
                        idle = false;
                        tell(one(backend, &client, &hello, offer, stop));
                        done += 1;
                    }
                    None if options.until_idle => return Ok(()),
                    None => {
                        if !std::mem::replace(&mut idle, true) {
                            tell(WorkerEvent::Idle);
                        }
                        sleep(options.poll, stop);
                    }
                }
            }
            Err(error) if error.may_pass() => {
                // A node that was started anew does not know the worker.
                (known, failures) = (false, failures + 1);
                let again_in = Duration::from_millis(backoff.after(failures, &mut random));
                tell(WorkerEvent::Unreachable { why: error.to_string(), again_in });
                sleep(again_in, stop);
            }
            // The node was started anew and wants to know the worker first.
            Err(ClientError::Refused { status: 409, .. }) if known => known = false,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// One job. The lease is kept alive until the node has the proof.
fn one(
    backend: &(dyn Backend + Sync),
    client: &Client,
    hello: &Hello,
    offer: Offer,
    stop: &Cancellation,
) -> WorkerEvent {
    let began = Instant::now();
    let cancel = Cancellation::default();
    let over = AtomicBool::new(false);
    let delivered = thread::scope(|scope| {
        scope.spawn(|| pulse(client, &offer, &over, &cancel));
        let delivered = prove(backend, client, &offer, &cancel).and_then(|(cycles, proof)| {
            deliver(client, hello, &offer, cycles, &proof, stop)
                .map(|()| (cycles, proof.bytes.len()))
                .map_err(|error| (false, error.to_string()))
        });
        over.store(true, Ordering::Release);
        delivered
    });
    match delivered {
        Ok((cycles, proof_bytes)) => {
            WorkerEvent::Delivered { offer, elapsed: began.elapsed(), cycles, proof_bytes }
        }
        Err((refused, why)) => {
            // When the node does not hear it, the lease ends by itself.
            let _ = client.fail(&offer.lease, &Failed { refused, why: why.clone() });
            WorkerEvent::Failed { offer, why }
        }
    }
}

fn prove(
    backend: &dyn Backend,
    client: &Client,
    offer: &Offer,
    cancel: &Cancellation,
) -> Result<(u64, Proof), (bool, String)> {
    let fault = |error: &dyn std::fmt::Display| (false, error.to_string());
    let kind: ProofKind = offer.kind.parse().map_err(|error: &str| fault(&error))?;
    let input = client.input(&offer.lease).map_err(|error| fault(&error))?;
    let range = BatchRange::decode(&input, &Limits::default()).map_err(|error| fault(&error))?;
    let failed = |error: BackendError| {
        let refused = matches!(error, BackendError::Refused { .. });
        (refused, error.to_string())
    };
    let execution = backend.execute(&range).map_err(failed)?;
    let proof = if kind.is_proof() {
        backend.prove(&range, kind, cancel).map_err(failed)?
    } else {
        Proof {
            system: backend.system(),
            version: backend.version().to_string(),
            program: backend.program(),
            kind,
            claims: execution.claims,
            bytes: Vec::new(),
        }
    };
    Ok((execution.cycles, proof))
}

/// A proof has cost minutes: the node gets several chances to take it.
fn deliver(
    client: &Client,
    hello: &Hello,
    offer: &Offer,
    cycles: u64,
    proof: &Proof,
    stop: &Cancellation,
) -> Result<(), ClientError> {
    let mut wait = Duration::from_secs(1);
    loop {
        let answer = match client.deliver(offer, cycles, proof) {
            // The node was started anew and wants to know the worker first.
            Err(ClientError::Refused { status: 409, .. }) => {
                client.hello(hello).and_then(|()| client.deliver(offer, cycles, proof))
            }
            answer => answer,
        };
        match answer {
            Err(error) if error.may_pass() && wait < Duration::from_secs(120) && !stop.is_cancelled() => {
                sleep(wait, stop);
                wait *= 2;
            }
            answer => return answer,
        }
    }
}

/// Tells the node that the worker is alive, until the work is over.
fn pulse(client: &Client, offer: &Offer, over: &AtomicBool, cancel: &Cancellation) {
    let mut term = Duration::from_millis(offer.expires_in);
    let mut heard = Instant::now();
    while !over.load(Ordering::Acquire) {
        thread::sleep(Duration::from_millis(100).min(term / 8));
        if heard.elapsed() < term / 3 {
            continue;
        }
        heard = Instant::now();
        match client.renew(&offer.lease) {
            Ok(pulse) if pulse.go_on => term = Duration::from_millis(pulse.expires_in.max(300)),
            // Nobody wants it any more.
            Ok(_) | Err(ClientError::Refused { status: 404 | 410, .. }) => return cancel.cancel(),
            // The node may come back before the work is done.
            Err(_) => {}
        }
    }
}

fn sleep(time: Duration, stop: &Cancellation) {
    let until = Instant::now() + time;
    while !stop.is_cancelled() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        thread::sleep(left.min(Duration::from_millis(100)));
    }
}
