//! A node that ends at any moment and starts again.

use std::sync::atomic::Ordering;

use proving::{BatchSet, JobState, Manager, Settings, StoreError};
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
