//! A proof system for these tests, which proves nothing: its "proof" is a hash of the claims, so that a wrong one can be
//! told from a right one. It exists in no binary.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use proving::protocol::auth::{Gate, WorkerKey};
use proving::protocol::serve;
use proving::router::{BreakerConfig, Config};
use proving::{
    Availability, Backend, BackendError, Backoff, Cancellation, Capabilities, Execution, Job, JobId, Manager,
    Millis, QueuePolicy, Settings, SubmitOptions, Work, WorkerEvent, WorkerOptions, work,
};
use sha2::{Digest, Sha256};
use test_batches::Sealer;
use transition::{BatchRange, Claim, Native, SealedBatch, execute_range};
use verifier::{ProgramId, Proof, ProofError, ProofKind, ProofSystem, public_values};

pub const PROGRAM: ProgramId = ProgramId([1; 32]);

pub fn seal(claims: &[Claim]) -> Vec<u8> {
    Sha256::digest(public_values(claims)).to_vec()
}

pub fn check(proof: &Proof) -> Result<(), ProofError> {
    if proof.program == PROGRAM && proof.bytes == seal(&proof.claims) {
        Ok(())
    } else {
        Err(ProofError::Invalid { why: "the test's seal is broken".into() })
    }
}

/// How the test's backend behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    #[default]
    Honest,
    Lies,
    /// Says that the program refuses everything.
    Refuses,
    Fails,
    /// Works until somebody cancels.
    Hangs,
}

#[derive(Debug, Default)]
pub struct TestBackend {
    pub manner: Manner,
    pub began: AtomicU64,
    pub proved: AtomicU64,
    pub cancelled: AtomicBool,
}

impl TestBackend {
    pub fn new(manner: Manner) -> Self {
        Self { manner, ..Self::default() }
    }
}

impl Backend for TestBackend {
    fn system(&self) -> ProofSystem {
        ProofSystem::Sp1
    }

    fn version(&self) -> &str {
        "test"
    }

    fn program(&self) -> ProgramId {
        PROGRAM
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: vec![(ProofKind::Executed, Availability::Ready), (ProofKind::Core, Availability::Ready)],
            device: "test".into(),
        }
    }

    fn execute(&self, range: &BatchRange) -> Result<Execution, BackendError> {
        if self.manner == Manner::Refuses {
            return Err(BackendError::Refused { why: "it pretends".into() });
        }
        let claims = execute_range::<Native>(range)
            .map_err(|error| BackendError::Refused { why: error.to_string() })?;
        Ok(Execution { claims, cycles: 1_000, elapsed: Duration::ZERO })
    }

    fn prove(
        &self,
        range: &BatchRange,
        kind: ProofKind,
        cancel: &Cancellation,
    ) -> Result<Proof, BackendError> {
        self.began.fetch_add(1, Ordering::SeqCst);
        let claims = self.execute(range)?.claims;
        let mut bytes = seal(&claims);
        match self.manner {
            Manner::Lies => bytes[0] ^= 1,
            Manner::Fails => {
                return Err(BackendError::Failed { system: ProofSystem::Sp1, why: "out of memory".into() });
            }
            Manner::Hangs => {
                while !cancel.is_cancelled() {
                    thread::sleep(Duration::from_millis(5));
                }
                self.cancelled.store(true, Ordering::SeqCst);
                return Err(BackendError::Cancelled);
            }
            Manner::Honest | Manner::Refuses => {}
        }
        self.proved.fetch_add(1, Ordering::SeqCst);
        let (system, version) = (ProofSystem::Sp1, "test".to_string());
        Ok(Proof { system, version, program: PROGRAM, kind, claims, bytes })
    }

    fn verify(&self, proof: &Proof, claims: &[Claim]) -> Result<(), BackendError> {
        check(proof)?;
        if proof.claims == claims {
            Ok(())
        } else {
            Err(ProofError::Invalid { why: "other claims".into() }.into())
        }
    }
}

pub fn settings() -> Settings {
    Settings {
        queue: QueuePolicy {
            lease: 400,
            max_lease: 2_000,
            backoff: Backoff { first: 1, longest: 10 },
            ..QueuePolicy::default()
        },
        router: Config {
            max_wait: Duration::ZERO,
            breaker: BreakerConfig { cooldown: Duration::from_millis(50), ..BreakerConfig::default() },
            ..Config::default()
        },
        keep_finished: 1_000,
    }
}

pub fn open(dir: &Path) -> Arc<Manager> {
    Arc::new(Manager::open(dir, settings(), Box::new(check)).unwrap())
}

pub fn batches(count: usize) -> Vec<SealedBatch> {
    let mut sealer = Sealer::simulated();
    (0..count).map(|_| sealer.seal(20)).collect()
}

pub fn submit(manager: &Manager, batch: &SealedBatch) -> JobId {
    let work = Work::new(vec![batch.clone()], ProofKind::Core).unwrap();
    manager.submit(&work, SubmitOptions::default()).unwrap()
}

pub fn key(number: u8) -> WorkerKey {
    WorkerKey::new(&[number; 32])
}

/// A node that lets workers 1 to 9 in.
pub struct Node {
    pub manager: Arc<Manager>,
    pub url: String,
    stop: Cancellation,
    thread: Option<JoinHandle<()>>,
}

impl Node {
    pub fn start(dir: &Path) -> Self {
        Self::of(open(dir), "127.0.0.1:0")
    }

    pub fn of(manager: Arc<Manager>, address: &str) -> Self {
        // As if nobody had listened before: tests of restarts need not wait.
        Self::started_at(manager, address, Millis(0))
    }

    pub fn started_at(manager: Arc<Manager>, address: &str, started: Millis) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gate = Arc::new(Mutex::new(Gate::new((1..=9).map(|number| key(number).id()), started)));
        let stop = Cancellation::default();
        let thread = {
            let (manager, stop) = (Arc::clone(&manager), stop.clone());
            thread::spawn(move || serve(manager, gate, listener, &stop).unwrap())
        };
        Self { manager, url, stop, thread: Some(thread) }
    }

    pub fn finished(&self, id: JobId) -> Job {
        self.manager.wait(id, Duration::from_secs(30)).expect("the job ends")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A worker that runs until it is dropped.
pub struct Worker {
    pub backend: Arc<TestBackend>,
    pub events: Arc<Mutex<Vec<WorkerEvent>>>,
    stop: Cancellation,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start(url: &str, number: u8, manner: Manner) -> Self {
        Self::with(options(url, number), manner)
    }

    pub fn with(options: WorkerOptions, manner: Manner) -> Self {
        let backend = Arc::new(TestBackend::new(manner));
        let stop = Cancellation::default();
        let events = Arc::new(Mutex::new(Vec::new()));
        let thread = {
            let (backend, stop, events) = (Arc::clone(&backend), stop.clone(), Arc::clone(&events));
            thread::spawn(move || {
                let mut tell = |event| events.lock().unwrap().push(event);
                work(&*backend, &options, &stop, &mut tell).unwrap();
            })
        };
        Self { backend, events, stop, thread: Some(thread) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

pub fn options(url: &str, number: u8) -> WorkerOptions {
    WorkerOptions {
        node: url.into(),
        key: key(number),
        name: format!("worker {number}"),
        max_cycles: None,
        price: 0,
        jobs: None,
        until_idle: false,
        poll: Duration::from_millis(10),
    }
}

pub fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}: not in 30 seconds");
        thread::sleep(Duration::from_millis(5));
    }
}
