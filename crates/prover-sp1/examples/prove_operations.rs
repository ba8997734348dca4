//! Single operations, a batch and a range, asked for by their names: a node's queue and an SP1 worker in one program.
//!
//!     cargo run --release -p prover-sp1 --example prove_operations -- [KIND]
//!
//! The kind is `executed` unless you say `core`: then every job becomes a real proof, which takes minutes each.

use std::error::Error;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use prover_sp1::{Config, Sp1, environment};
use proving::protocol::auth::{Gate, WorkerKey};
use proving::protocol::serve;
use proving::{
    Cancellation, JobId, JobState, Manager, Millis, QueuePolicy, Settings, SubmitError, SubmitOptions,
    WorkerEvent, WorkerOptions, router, work,
};
use test_batches::Sealer;
use transition::SealedBatch;
use verifier::ProofKind;

type Ask = fn(&Manager, SealedBatch, ProofKind, SubmitOptions) -> Result<JobId, SubmitError>;

fn main() -> Result<(), Box<dyn Error>> {
    environment::set_defaults();
    let kind: ProofKind = std::env::args().nth(1).as_deref().unwrap_or("executed").parse()?;
    println!("{kind}: {}", kind.statement());

    // The node's side: a queue in a folder, and workers that may come to it.
    let dir = tempfile::tempdir()?;
    let settings =
        Settings { queue: QueuePolicy::default(), router: router::Config::default(), keep_finished: 1_000 };
    let manager = Arc::new(Manager::open(dir.path(), settings, Box::new(verifier::verify))?);
    let key = WorkerKey::new(&rand::random());
    let gate = Arc::new(Mutex::new(Gate::new([key.id()], Millis(0))));
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let stop = Cancellation::default();
    let node = {
        let (manager, stop) = (Arc::clone(&manager), stop.clone());
        thread::spawn(move || serve(manager, gate, listener, &stop))
    };

    // The worker's side.
    let worker = {
        let stop = stop.clone();
        let sp1 = Sp1::new(Config::default())?;
        thread::spawn(move || {
            let options = WorkerOptions {
                node: format!("http://{address}"),
                key,
                name: "example".into(),
                max_cycles: None,
                price: 0,
                jobs: None,
                until_idle: false,
                poll: Duration::from_millis(100),
            };
            let mut tell = |event| {
                if let WorkerEvent::Failed { why, .. } = event {
                    eprintln!("the worker failed: {why}");
                }
            };
            work(&sp1, &options, &stop, &mut tell)
        })
    };

    // An exchange that seals after every command: the first batch that is such an operation is taken.
    let mut sealer = Sealer::simulated().warm_up();
    let mut wanted: Vec<(&str, Ask)> = vec![
        ("placement", Manager::prove_order_placement),
        ("matching", Manager::prove_order_matching),
        ("cancellation", Manager::prove_cancellation),
    ];
    let mut jobs = Vec::new();
    while !wanted.is_empty() {
        let batch = sealer.seal(1);
        for (at, (name, ask)) in wanted.iter().enumerate() {
            match ask(&manager, batch.clone(), kind, SubmitOptions::default()) {
                Ok(job) => {
                    jobs.push((*name, job));
                    wanted.remove(at);
                    break;
                }
                Err(SubmitError::NotThatOperation { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    let options = SubmitOptions::default;
    jobs.push(("batch", manager.prove_batch(sealer.seal(100), kind, options())?));
    jobs.push(("range", manager.prove_range(vec![sealer.seal(50), sealer.seal(50)], kind, options())?));

    for (name, id) in jobs {
        let job = loop {
            if let Some(job) = manager.wait(id, Duration::from_secs(60)) {
                break job;
            }
            println!("{name}: the worker is at it");
        };
        match &job.state {
            JobState::Done(figures) => println!(
                "{name}: {} commands, {} cycles, {} ms, {} bytes",
                job.commands, figures.cycles, figures.proving, figures.proof_bytes,
            ),
            state => println!("{name}: {state:?}"),
        }
    }
    stop.cancel();
    worker.join().map_err(|_| "the worker panicked")??;
    node.join().map_err(|_| "the node panicked")??;
    Ok(())
}
