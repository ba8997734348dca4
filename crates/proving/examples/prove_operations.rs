//! Single operations, a batch and a range, asked for by their names.
//!
//!     cargo run --release -p proving --example prove_operations -- queue 127.0.0.1:7600 core WORKER-ID
//!
//! opens a queue in the folder `queue`, serves the worker with that id (`prover-sp1 worker-key` prints it), and waits for
//! its proofs: start it with `prover-sp1 work --node http://127.0.0.1:7600`. With the kind `executed` nothing is proved.

use std::error::Error;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use proving::protocol::auth::Gate;
use proving::protocol::serve;
use proving::{
    Cancellation, JobState, Manager, QueuePolicy, Settings, SubmitError, SubmitOptions, WorkerId, router,
};
use test_batches::Sealer;
use verifier::ProofKind;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, address, kind, worker] = &arguments[..] else {
        return Err("say: FOLDER ADDRESS KIND WORKER-ID".into());
    };
    let kind: ProofKind = kind.parse()?;
    let worker: WorkerId = worker.parse()?;
    let settings =
        Settings { queue: QueuePolicy::default(), router: router::Config::default(), keep_finished: 1_000 };
    let manager = Arc::new(Manager::open(Path::new(dir), settings, Box::new(verifier::verify))?);
    let stop = Cancellation::default();
    let server = {
        let (manager, stop, listener) = (Arc::clone(&manager), stop.clone(), TcpListener::bind(address)?);
        let gate = Arc::new(Mutex::new(Gate::new([worker])));
        thread::spawn(move || serve(manager, gate, listener, &stop))
    };

    // An exchange that seals after every command; the first of each operation is taken.
    let mut sealer = Sealer::simulated().warm_up();
    let mut jobs = Vec::new();
    let options = SubmitOptions::default;
    let mut found = [false; 3];
    while found != [true; 3] {
        let batch = sealer.seal(1);
        let asked = [
            ("placement", manager.prove_order_placement(batch.clone(), kind, options())),
            ("matching", manager.prove_order_matching(batch.clone(), kind, options())),
            ("cancellation", manager.prove_cancellation(batch, kind, options())),
        ];
        for (found, (name, asked)) in found.iter_mut().zip(asked) {
            match asked {
                Ok(job) if !*found => {
                    *found = true;
                    jobs.push((name, job));
                }
                // One of the kind is enough.
                Ok(job) => {
                    manager.cancel(job)?;
                }
                Err(SubmitError::NotThatOperation { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    jobs.push(("batch", manager.prove_batch(sealer.seal(100), kind, options())?));
    jobs.push(("range", manager.prove_range(vec![sealer.seal(50), sealer.seal(50)], kind, options())?));

    for (name, id) in jobs {
        let job = loop {
            if let Some(job) = manager.wait(id, Duration::from_secs(60)) {
                break job;
            }
            println!("{name}: waiting for the worker");
        };
        match &job.state {
            JobState::Done(figures) => println!(
                "{name}: {} commands, {} cycles, {} ms, {} bytes: {}",
                job.commands,
                figures.cycles,
                figures.proving,
                figures.proof_bytes,
                manager.proof_path(&job).display()
            ),
            state => println!("{name}: {state:?}"),
        }
    }
    stop.cancel();
    server.join().map_err(|_| "the server panicked")??;
    Ok(())
}
