//! A node that ends at any moment and starts again.

use std::sync::atomic::Ordering;

use proving::{BatchSet, JobState, Manager, Settings, StoreError, WorkerEvent};
use verifier::ProofKind;

use crate::kit::*;

#[test]
fn a_restarted_node_goes_on_and_proves_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let batches = batches(9);
    let mut proved = 0;
    let mut jobs = Vec::new();
    for round in batches.chunks(3) {
        let node = Node::start(dir.path());
        // What was open before is open still.
        let open = node.manager.jobs().iter().filter(|job| !job.state.is_final()).count();
        assert_eq!(open, jobs.len() - proved as usize);
        jobs.extend(round.iter().map(|batch| submit(&node.manager, batch)));
        let worker = Worker::start(&node.url, 1, Manner::Honest);
        eventually("some are proved", || worker.backend.proved.load(Ordering::SeqCst) >= 2);
        drop(worker);
        proved = node.manager.status().statistics.proved;
        drop(node);
    }
    let node = Node::start(dir.path());
    let worker = Worker::start(&node.url, 1, Manner::Honest);
    jobs.iter().for_each(|id| {
        assert!(matches!(node.finished(*id).state, JobState::Done(_)));
    });
    let status = node.manager.status();
    assert_eq!(status.statistics.proved, 9);
    assert_eq!(status.statistics.attempts, 9);
    drop(worker);

    // What was proved is known when its jobs are forgotten.
    let done = node.manager.done(ProofKind::Core);
    assert!(batches.iter().all(|batch| done.contains(batch.claim.batch)));
    drop(node);
    let forgetful = Settings { keep_finished: 0, ..settings() };
    Manager::open(dir.path(), forgetful, Box::new(|_| Ok(()))).unwrap().tick();
    let manager = open(dir.path());
    assert_eq!(manager.jobs(), []);
    assert_eq!(manager.done(ProofKind::Core), done);
    assert_eq!(manager.covered(ProofKind::Core), done);
    assert_eq!(manager.covered(ProofKind::Compressed), BatchSet::default());
}

#[test]
fn a_worker_that_was_at_work_hands_its_proof_to_the_restarted_node() {
    let dir = tempfile::tempdir().unwrap();
    let batch = &batches(1)[0];
    let node = Node::start(dir.path());
    let address = node.url.trim_start_matches("http://").to_string();
    let id = submit(&node.manager, batch);
    let client = proving::protocol::Client::new(&node.url, key(1));
    let hello = proving::protocol::Hello {
        name: String::new(),
        system: "sp1".into(),
        version: "test".into(),
        program: PROGRAM.to_string(),
        device: "test".into(),
        kinds: vec!["core".into()],
        max_cycles: None,
        price: 0,
    };
    client.hello(&hello).unwrap();
    let offer = client.lease().unwrap().unwrap();
    drop(node);

    let node = Node::of(open(dir.path()), &address);
    assert!(matches!(node.manager.job(id).unwrap().state, JobState::Leased(_)));
    assert!(client.renew(&offer.lease).unwrap().go_on);
    let backend = TestBackend::default();
    let cancel = proving::Cancellation::default();
    let kind = ProofKind::Core;
    let proof = proving::Backend::prove(&backend, &batch.input.clone().into(), kind, &cancel).unwrap();
    // The node asks who that is first.
    client.hello(&hello).unwrap();
    client.deliver(&offer, 5, &proof).unwrap();
    assert!(matches!(node.finished(id).state, JobState::Done(figures) if figures.cycles == 5));
}

#[test]
fn a_proof_that_a_crash_kept_from_being_counted_is_counted_and_another_is_not() {
    let batches = batches(3);
    let proof = |batch: &transition::SealedBatch| {
        let cancel = proving::Cancellation::default();
        let range = batch.input.clone().into();
        proving::Backend::prove(&TestBackend::default(), &range, ProofKind::Core, &cancel).unwrap()
    };
    let mut broken = proof(&batches[1]);
    broken.bytes[0] ^= 1;
    // Its own proof, one that does not hold, one of another batch.
    let files = [proof(&batches[0]), broken, proof(&batches[0])];

    let dir = tempfile::tempdir().unwrap();
    let jobs: Vec<_> = {
        let manager = open(dir.path());
        let jobs = batches.iter().map(|batch| manager.job(submit(&manager, batch)).unwrap());
        jobs.inspect(|job| {
            let file = &files[job.batches.0 as usize - 1];
            std::fs::write(manager.proof_path(job), file.encode()).unwrap();
        })
        .collect()
    };
    for _ in 0..2 {
        let manager = open(dir.path());
        let state = |at: usize| manager.job(jobs[at].id).unwrap().state;
        let size = files[0].encode().len() as u64;
        assert!(matches!(state(0), JobState::Done(figures) if figures.proof_bytes == size));
        assert!(matches!(state(1), JobState::Queued { .. }));
        assert!(matches!(state(2), JobState::Queued { .. }));
        let done = manager.done(ProofKind::Core);
        assert_eq!([1, 2, 3].map(|batch| done.contains(batch)), [true, false, false]);
        assert_eq!(std::fs::read_dir(dir.path().join("inputs")).unwrap().count(), 2);
    }
}

#[test]
fn deliveries_of_one_job_at_the_same_time_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let manager = open(dir.path());
    let job = manager.job(submit(&manager, &batches(1)[0])).unwrap();
    drop(manager);
    let left_over = ["inputs/x.range.7.partial", "proofs/000000000001-000000000001.core.partial"];
    for name in left_over {
        std::fs::write(dir.path().join(name), b"half").unwrap();
    }

    let store = proving::Store::open(dir.path()).unwrap();
    assert!(!left_over.iter().any(|name| dir.path().join(name).exists()));
    std::thread::scope(|scope| {
        for byte in 0..4_u8 {
            let (store, job) = (&store, &job);
            scope.spawn(move || {
                for _ in 0..50 {
                    store.put_proof(job, &vec![byte; 1_000 * (usize::from(byte) + 1)]).unwrap();
                }
            });
        }
    });
    let whole = std::fs::read(store.proof_path(&job)).unwrap();
    assert_eq!(whole.len(), 1_000 * (usize::from(whole[0]) + 1));
    assert!(whole.iter().all(|byte| *byte == whole[0]));
    assert_eq!(std::fs::read_dir(dir.path().join("proofs")).unwrap().count(), 1);
}

#[test]
fn a_worker_gets_through_to_a_node_that_was_only_just_started() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::started_at(open(dir.path()), "127.0.0.1:0", proving::Millis::now());
    let id = submit(&node.manager, &batches(1)[0]);
    let worker = Worker::start(&node.url, 1, Manner::Honest);
    assert!(matches!(node.finished(id).state, JobState::Done(_)));
    let refused = |event: &WorkerEvent| matches!(event, WorkerEvent::Unreachable { why, .. } if why.contains("a moment ago"));
    assert!(worker.events.lock().unwrap().iter().any(refused));
}

#[test]
fn a_queue_has_one_node() {
    let dir = tempfile::tempdir().unwrap();
    let _node = open(dir.path());
    let second = Manager::open(dir.path(), settings(), Box::new(check));
    assert!(matches!(second, Err(StoreError::Busy { .. })), "{second:?}");
}

#[test]
fn the_breaker_of_a_liar_survives_the_restart() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let id = submit(&node.manager, &batches(1)[0]);
    let liar = Worker::start(&node.url, 1, Manner::Lies);
    eventually("the lie is found out", || !node.manager.status().incidents.is_empty());
    drop(liar);
    drop(node);
    let node = Node::start(dir.path());
    let liar = Worker::start(&node.url, 1, Manner::Lies);
    eventually("it is back", || !node.manager.status().workers.is_empty());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(liar.backend.proved.load(Ordering::SeqCst), 0);
    assert_eq!(node.manager.job(id).unwrap().attempts, 1);
}
