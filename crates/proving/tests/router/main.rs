//! The router as the manager uses it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod behaviour;
mod properties;

use std::collections::BTreeSet;
use std::time::Duration;

use proving::router::{
    Config, CycleModel, Limits, MicroDollars, Request, RequestClass, Router, Run, Strategy,
    WorkerDescription, Workload,
};
use proving::{JobId, WorkerId};
use types::Timestamp;
use verifier::{ProofKind, ProofSystem};

const WORK: Workload = Workload { batches: 1, commands: 1000, signatures: 0, witness_bytes: 0 };

fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

fn id(number: u8) -> WorkerId {
    WorkerId([number; 32])
}

fn numbered(number: u64) -> JobId {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&number.to_be_bytes());
    JobId(id)
}

/// A worker that makes core proofs with SP1, one at a time.
fn worker(number: u8) -> WorkerDescription {
    WorkerDescription {
        id: id(number),
        system: ProofSystem::Sp1,
        device: "cpu".into(),
        kinds: BTreeSet::from([ProofKind::Core]),
        max_cycles: 100_000_000,
        slots: 1,
        price: MicroDollars(100),
    }
}

/// A request for a core proof of a million cycles.
fn request(strategy: Strategy) -> Request {
    Request {
        class: RequestClass::Batch { commands: 1000 },
        workload: WORK,
        queued: at(1000),
        limits: Limits::default(),
        strategy,
    }
}

fn config() -> Config {
    let model = CycleModel { fixed: 0.0, command: 1000.0, signature: 0.0, witness_byte: 0.0 };
    let cycle_models = ProofSystem::ALL.map(|system| (system, model)).into();
    Config { cycle_models, ..Config::default() }
}

fn run(kind: ProofKind, seconds: u64) -> Run {
    Run {
        kind,
        workload: WORK,
        cycles: 1_000_000,
        elapsed: Duration::from_secs(seconds),
        proof_bytes: 3_000_000,
        verification: Duration::from_millis(80),
    }
}

/// A router with workers 1, 2, ... that were measured to take so many seconds for a million cycles.
fn measured(seconds: &[u64]) -> Router {
    let mut router = Router::new(config());
    for (number, seconds) in (1..).zip(seconds) {
        router.register(worker(number), None).unwrap();
        for job in 0..3 {
            work(&mut router, number, job, *seconds);
        }
    }
    router
}

/// The worker makes a core proof.
fn work(router: &mut Router, number: u8, job: u64, seconds: u64) {
    router.started(id(number), numbered(job), ProofKind::Core, &WORK, at(900)).unwrap();
    router.finished(id(number), numbered(job), &run(ProofKind::Core, seconds), at(1000)).unwrap();
}
