//! A node and its workers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use proving::protocol::auth::{BODY, SIGNATURE, TIME, WORKER};
use proving::protocol::{Client, ClientError, Hello};
use proving::router::{CycleModel, Workload};
use proving::{
    Cancellation, JobState, Millis, Priority, SubmitError, SubmitOptions, Work, WorkerError, WorkerEvent,
    WorkerOptions, work,
};
use transition::{BatchRange, SealedBatch};
use verifier::{ProofKind, ProofSystem};

use crate::kit::*;

#[test]
fn two_workers_prove_all_batches_once_and_the_figures_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batches = batches(12);
    let jobs: Vec<_> = batches.iter().map(|batch| submit(&node.manager, batch)).collect();
    let workers = [1, 2].map(|number| Worker::start(&node.url, number, Manner::Honest));
    for (id, batch) in jobs.iter().zip(&batches) {
        let job = node.finished(*id);
        assert!(matches!(job.state, JobState::Done(_)), "{job:?}");
        let proof = node.manager.proof(*id).unwrap().unwrap();
        assert_eq!(proof.claims, std::slice::from_ref(&batch.claim));
        assert_eq!(check(&proof), Ok(()));
    }
    let proved: u64 = workers.iter().map(|worker| worker.backend.proved.load(Ordering::SeqCst)).sum();
    assert_eq!(proved, 12);
    let delivered = |event: &WorkerEvent| matches!(event, WorkerEvent::Delivered { cycles: 1_000, .. });
    let told =
        workers.iter().map(|worker| worker.events.lock().unwrap().iter().filter(|e| delivered(e)).count());
    eventually("the workers hear of it", || told.clone().sum::<usize>() == 12);
    let status = Client::new(&node.url, key(99)).status().unwrap();
    let figures = &status.statistics;
    assert_eq!((figures.proved, figures.executed, figures.queued, figures.failed), (12, 0, 0, 0));
    assert_eq!((figures.attempts, figures.success_permille), (12, Some(1_000)));
    assert_eq!((figures.commands_proved, figures.cycles.mean, figures.proof_bytes.count), (240, 1_000, 12));
    assert!(status.jobs.iter().all(|job| job.decision.is_some()), "every choice is explained");
    assert_eq!(status.incidents, []);
    assert_eq!(std::fs::read_dir(dir.path().join("inputs")).unwrap().count(), 0);
}

#[test]
fn the_same_work_is_one_job_and_is_not_done_again() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batch = &batches(1)[0];
    let id = submit(&node.manager, batch);
    assert_eq!(submit(&node.manager, batch), id);
    let worker = Worker::start(&node.url, 1, Manner::Honest);
    node.finished(id);
    assert_eq!(submit(&node.manager, batch), id);
    assert!(matches!(node.manager.job(id).unwrap().state, JobState::Done(_)));
    assert_eq!(worker.backend.proved.load(Ordering::SeqCst), 1);
    // Another kind is other work.
    let executed = Work::new(vec![batch.clone()], ProofKind::Executed).unwrap();
    let other = node.manager.submit(&executed, SubmitOptions::default()).unwrap();
    assert_ne!(other, id);
    node.finished(other);
    let proof = node.manager.proof(other).unwrap().unwrap();
    assert!(proof.bytes.is_empty() && !proof.kind.is_proof());
    assert_eq!(node.manager.status().statistics.executed, 1);
    assert_eq!(node.manager.status().statistics.proved, 1);
    // A proof that somebody has damaged is made again.
    let job = node.manager.job(id).unwrap();
    std::fs::write(node.manager.proof_path(&job), b"oops").unwrap();
    assert_eq!(submit(&node.manager, batch), id);
    node.finished(id);
    assert_eq!(worker.backend.proved.load(Ordering::SeqCst), 2);
}

#[test]
fn a_lie_costs_the_lease_and_the_work_and_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batches = batches(2);
    let id = submit(&node.manager, &batches[0]);
    let liar = Worker::start(&node.url, 1, Manner::Lies);
    eventually("the lie is found out", || !node.manager.status().incidents.is_empty());
    let status = node.manager.status();
    assert_eq!(status.incidents[0].worker, key(1).id().to_string());
    assert!(status.incidents[0].what.contains("the test's seal is broken"), "{:?}", status.incidents);
    assert!(status.workers[0].breaker.contains("gets no work"), "{:?}", status.workers);
    // It gets nothing any more, and an honest one does the work.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(liar.backend.proved.load(Ordering::SeqCst), 1);
    let honest = Worker::start(&node.url, 2, Manner::Honest);
    assert!(matches!(node.finished(id).state, JobState::Done(figures) if figures.worker == key(2).id()));
    node.finished(submit(&node.manager, &batches[1]));
    assert_eq!(honest.backend.proved.load(Ordering::SeqCst), 2);
    assert_eq!(liar.backend.proved.load(Ordering::SeqCst), 1);
}

#[test]
fn a_worker_that_cries_wolf_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let id = submit(&node.manager, &batches(1)[0]);
    let wolf = Worker::start(&node.url, 1, Manner::Refuses);
    eventually("it is heard", || !node.manager.status().incidents.is_empty());
    drop(wolf);
    let _honest = Worker::start(&node.url, 2, Manner::Honest);
    assert!(matches!(node.finished(id).state, JobState::Done(_)));
}

#[test]
fn work_that_the_program_refuses_is_given_up_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let mut forged = test_batches::Sealer::simulated().warm_up().seal(20);
    forged.input.authorisation.streams[0].1[5] ^= 1;
    let id = submit(&node.manager, &forged);
    let _worker = Worker::start(&node.url, 1, Manner::Honest);
    let job = node.finished(id);
    assert!(
        matches!(&job.state, JobState::Failed { why, .. } if why.contains("so does this node")),
        "{job:?}"
    );
    assert_eq!(job.attempts, 1);
    assert_eq!(node.manager.status().workers[0].breaker, "gets work");
}

#[test]
fn a_worker_that_fails_is_given_a_rest_and_the_job_to_another() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let id = submit(&node.manager, &batches(1)[0]);
    let failing = Worker::start(&node.url, 1, Manner::Fails);
    eventually("it fails", || !node.manager.status().incidents.is_empty());
    let _honest = Worker::start(&node.url, 2, Manner::Honest);
    let job = node.finished(id);
    assert!(matches!(job.state, JobState::Done(figures) if figures.worker == key(2).id()));
    assert_eq!(failing.backend.proved.load(Ordering::SeqCst), 0);
}

#[test]
fn a_job_that_nobody_can_do_is_given_up_after_its_attempts() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let id = submit(&node.manager, &batches(1)[0]);
    let _failing = Worker::start(&node.url, 1, Manner::Fails);
    let job = node.finished(id);
    assert!(matches!(&job.state, JobState::Failed { why, .. } if why.contains("out of memory")), "{job:?}");
    assert_eq!(job.attempts, settings().queue.max_attempts);
    // Asked for again, it gets another chance.
    assert_eq!(submit(&node.manager, &batches(1)[0]), id);
    assert!(!node.manager.job(id).unwrap().state.is_final());
}

#[test]
fn a_worker_that_dies_loses_its_lease_and_another_does_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let id = submit(&node.manager, &batches(1)[0]);
    // It takes the job and is never heard of again.
    let dead = Client::new(&node.url, key(1));
    dead.hello(&hello()).unwrap();
    let offer = dead.lease().unwrap().unwrap();
    assert_eq!(
        BatchRange::decode(&dead.input(&offer.lease).unwrap(), &Default::default()).unwrap().inputs().len(),
        1
    );
    let _honest = Worker::start(&node.url, 2, Manner::Honest);
    let job = node.finished(id);
    assert!(matches!(job.state, JobState::Done(figures) if figures.worker == key(2).id()));
    assert_eq!(job.attempts, 2);
    assert!(matches!(dead.renew(&offer.lease), Err(ClientError::Refused { status: 404, .. })));
    assert!(node.manager.status().incidents[0].what.contains("no sign of life"));
}

#[test]
fn a_worker_that_hangs_with_a_pulse_loses_its_lease_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let id = submit(&node.manager, &batches(1)[0]);
    let hanging = Worker::start(&node.url, 1, Manner::Hangs);
    eventually("it is at work", || hanging.backend.began.load(Ordering::SeqCst) == 1);
    let _honest = Worker::start(&node.url, 2, Manner::Honest);
    assert!(matches!(node.finished(id).state, JobState::Done(figures) if figures.worker == key(2).id()));
    eventually("it is told to stop", || hanging.backend.cancelled.load(Ordering::SeqCst));
}

#[test]
fn a_cancelled_job_is_stopped_and_a_deadline_ends_one() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batches = batches(2);
    let id = submit(&node.manager, &batches[0]);
    let hanging = Worker::start(&node.url, 1, Manner::Hangs);
    eventually("it is at work", || hanging.backend.began.load(Ordering::SeqCst) == 1);
    assert!(node.manager.cancel(id).unwrap());
    assert!(!node.manager.cancel(id).unwrap());
    eventually("it is told to stop", || hanging.backend.cancelled.load(Ordering::SeqCst));
    assert!(matches!(node.manager.job(id).unwrap().state, JobState::Cancelled { .. }));
    drop(hanging);

    let work = Work::new(vec![batches[1].clone()], ProofKind::Core).unwrap();
    let deadline = Some(Millis::now().plus(100));
    let id = node.manager.submit(&work, SubmitOptions { deadline, ..SubmitOptions::default() }).unwrap();
    let job = node.finished(id);
    assert!(matches!(&job.state, JobState::Failed { why, .. } if why.contains("deadline")), "{job:?}");
}

#[test]
fn urgent_work_goes_first() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batches = batches(4);
    let order = [Priority::Low, Priority::Normal, Priority::Critical, Priority::High];
    for (batch, priority) in batches.iter().zip(order) {
        let work = Work::new(vec![batch.clone()], ProofKind::Core).unwrap();
        node.manager.submit(&work, SubmitOptions { priority, ..SubmitOptions::default() }).unwrap();
    }
    let client = Client::new(&node.url, key(1));
    client.hello(&hello()).unwrap();
    let taken: Vec<u64> = (0..4).map(|_| client.lease().unwrap().unwrap().first_batch).collect();
    assert_eq!(taken, [3, 4, 2, 1]);
    assert_eq!(client.lease().unwrap(), None);
}

#[test]
fn requests_within_one_millisecond_are_all_heard() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let client = Client::new(&node.url, key(1));
    client.hello(&hello()).unwrap();
    for _ in 0..500 {
        assert_eq!(client.lease().unwrap(), None);
    }
}

#[test]
fn a_proof_that_comes_late_is_welcome_and_one_of_other_batches_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batches = batches(2);
    let id = submit(&node.manager, &batches[0]);
    let slow = Client::new(&node.url, key(1));
    slow.hello(&hello()).unwrap();
    let offer = slow.lease().unwrap().unwrap();
    eventually("the lease ends", || matches!(node.manager.job(id).unwrap().state, JobState::Queued { .. }));
    let backend = TestBackend::default();
    let prove = |batch: &SealedBatch| {
        proving::Backend::prove(
            &backend,
            &batch.input.clone().into(),
            ProofKind::Core,
            &Cancellation::default(),
        )
        .unwrap()
    };
    slow.deliver(&offer, 1, &prove(&batches[0])).unwrap();
    assert!(matches!(node.manager.job(id).unwrap().state, JobState::Done(_)));
    assert!(matches!(
        slow.deliver(&offer, 1, &prove(&batches[0])),
        Err(ClientError::Refused { status: 410, .. })
    ));

    // A lie is a lie, also when the lease has ended.
    let id = submit(&node.manager, &batches[1]);
    let offer = slow.lease().unwrap().unwrap();
    eventually("the lease ends", || matches!(node.manager.job(id).unwrap().state, JobState::Queued { .. }));
    let other = slow.deliver(&offer, 1, &prove(&batches[0]));
    assert!(matches!(other, Err(ClientError::Refused { status: 422, .. })), "{other:?}");
    let breaker = node.manager.status().workers[0].breaker.clone();
    assert!(breaker.contains("no work"), "{breaker}");
}

#[test]
fn a_worker_is_no_liar_where_the_node_is_the_one_that_cannot_check() {
    let dir = tempfile::tempdir().unwrap();
    let cannot = |proof: &verifier::Proof| {
        let (system, kind) = (proof.system, proof.kind);
        Err(verifier::ProofError::Unsupported { system, kind, why: "its key is not known".into() })
    };
    let manager = proving::Manager::open(dir.path(), settings(), Box::new(cannot)).unwrap();
    let node = Node::of(std::sync::Arc::new(manager), "127.0.0.1:0");
    let batch = &batches(1)[0];
    submit(&node.manager, batch);
    let client = Client::new(&node.url, key(1));
    client.hello(&hello()).unwrap();
    let offer = client.lease().unwrap().unwrap();
    let (backend, cancel) = (TestBackend::default(), Cancellation::default());
    let proof =
        proving::Backend::prove(&backend, &batch.input.clone().into(), ProofKind::Core, &cancel).unwrap();
    let refused = client.deliver(&offer, 1, &proof);
    assert!(matches!(refused, Err(ClientError::Refused { status: 422, .. })), "{refused:?}");
    let status = node.manager.status();
    assert_eq!(status.workers[0].breaker, "gets work");
    assert!(status.incidents[0].what.contains("this node cannot check"), "{:?}", status.incidents);
}

#[test]
fn strangers_are_not_let_in_and_nonsense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let id = submit(&node.manager, &batches(1)[0]);
    let stranger =
        work(&TestBackend::default(), &options(&node.url, 77), &Cancellation::default(), &mut |_| {});
    assert!(
        matches!(stranger, Err(WorkerError::Client(ClientError::Refused { status: 403, .. }))),
        "{stranger:?}"
    );
    let worker = Client::new(&node.url, key(1));
    assert!(matches!(worker.lease(), Err(ClientError::Refused { status: 409, .. })));
    let bad = worker.hello(&Hello { system: "abacus".into(), ..hello() });
    assert!(matches!(bad, Err(ClientError::Refused { status: 422, .. })), "{bad:?}");
    let bad = worker.hello(&Hello { name: "\u{1b}[2J".into(), ..hello() });
    assert!(matches!(bad, Err(ClientError::Refused { status: 422, .. })), "{bad:?}");
    worker.hello(&hello()).unwrap();
    let offer = worker.lease().unwrap().unwrap();
    // Another worker cannot look at it or end it.
    let other = Client::new(&node.url, key(2));
    other.hello(&hello()).unwrap();
    assert!(matches!(other.input(&offer.lease), Err(ClientError::Refused { status: 404, .. })));
    assert!(matches!(other.renew(&offer.lease), Err(ClientError::Refused { status: 404, .. })));
    assert!(matches!(other.input("../../etc/passwd"), Err(ClientError::Refused { .. })));
    assert!(matches!(node.manager.job(id).unwrap().state, JobState::Leased(_)));
}

#[test]
fn single_operations_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let manager = open(dir.path());
    let mut sealer = test_batches::Sealer::simulated().warm_up();
    let mut counts = [0; 3];
    while counts.contains(&0) {
        let batch = sealer.seal(1);
        let options = SubmitOptions::default;
        let kind = ProofKind::Core;
        let answers = [
            manager.prove_order_placement(batch.clone(), kind, options()),
            manager.prove_order_matching(batch.clone(), kind, options()),
            manager.prove_cancellation(batch.clone(), kind, options()),
        ];
        assert!(answers.iter().filter(|answer| answer.is_ok()).count() <= 1);
        for (count, answer) in counts.iter_mut().zip(answers) {
            match answer {
                Ok(_) => *count += 1,
                Err(SubmitError::NotThatOperation { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        manager.prove_batch(batch, kind, options()).unwrap();
    }
    let two = vec![sealer.seal(5), sealer.seal(5)];
    manager.prove_range(two.clone(), ProofKind::Core, SubmitOptions::default()).unwrap();
    let gap = vec![two[0].clone(), sealer.seal(5)];
    let refused = manager.prove_range(gap, ProofKind::Core, SubmitOptions::default());
    assert!(matches!(refused, Err(SubmitError::NotConsecutive { .. })));
    let none = manager.prove_range(Vec::new(), ProofKind::Core, SubmitOptions::default());
    assert!(matches!(none, Err(SubmitError::Size { batches: 0 })));
}

/// A worker that takes so many cycles at most.
fn small_worker(url: &str, number: u8, max_cycles: u64) -> Worker {
    Worker::with(WorkerOptions { max_cycles: Some(max_cycles), ..options(url, number) }, Manner::Honest)
}

/// What a node estimates for batches before it knows the worker.
fn estimated(batches: &[SealedBatch]) -> u64 {
    let model = CycleModel::measured(ProofSystem::Sp1);
    batches.iter().map(|batch| model.cycles(&Workload::of_batch(&batch.input)).ceil() as u64).sum()
}

#[test]
fn a_range_that_is_too_long_for_every_worker_becomes_jobs_that_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batches = batches(7);
    let (kind, options) = (ProofKind::Core, SubmitOptions::default());
    let id = node.manager.prove_range(batches.clone(), kind, options).unwrap();
    // Without workers nobody knows what is too long.
    std::thread::sleep(Duration::from_millis(800));
    assert!(matches!(node.manager.job(id).unwrap().state, JobState::Queued { .. }));
    // The largest that has to be taken: every two batches in a row.
    let limit = batches.windows(2).map(estimated).max().unwrap();
    let worker = small_worker(&node.url, 1, limit);
    let JobState::Split { jobs, .. } = node.finished(id).state else { panic!("it is split") };
    eventually("all are proved", || node.manager.done(kind).complete_to() == 7);
    assert!((3..=4).contains(&jobs), "{jobs}");
    let status = node.manager.status();
    let figures = &status.statistics;
    assert_eq!((figures.proved, figures.split, figures.failed), (u64::from(jobs), 1, 0));
    assert_eq!(figures.commands_proved, 140);
    assert!(node.manager.jobs().iter().all(|job| job.id == id || job.batches.1 - job.batches.0 < 3));
    assert_eq!(std::fs::read_dir(dir.path().join("inputs")).unwrap().count(), 0);
    drop(worker);
    // The smaller jobs are on disk, and so is what became of the large one.
    drop(node);
    let manager = open(dir.path());
    assert!(matches!(manager.job(id).unwrap().state, JobState::Split { .. }));
    assert_eq!(manager.done(kind).complete_to(), 7);
}

#[test]
fn a_batch_that_is_too_long_for_every_worker_is_reported_until_a_larger_one_comes() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batches = batches(3);
    let id = node.manager.prove_range(batches.clone(), ProofKind::Core, SubmitOptions::default()).unwrap();
    let _small = small_worker(&node.url, 1, 10);
    eventually("it is reported", || node.manager.counts().stuck == 3);
    let told = node.manager.stuck().unwrap();
    let expected = format!(
        "batch 1 waits for a larger worker: it takes about {} cycles, and no worker here takes more than 10 \
         (2 more jobs wait like this)",
        estimated(&batches[..1])
    );
    assert_eq!(told, expected);
    let status = Client::new(&node.url, key(99)).status().unwrap();
    let stuck: Vec<_> = status.jobs.iter().filter(|job| job.state == "stuck").collect();
    assert_eq!(stuck.len(), 3);
    assert!(stuck.iter().all(|job| job.detail.contains("larger worker") && job.decision.is_some()));
    assert_eq!(status.jobs.iter().find(|job| job.id == id.to_string()).unwrap().state, "split");
    // New batches do not wait behind it.
    assert_eq!(node.manager.load().waiting, 0);

    let _large = small_worker(&node.url, 2, estimated(&batches));
    eventually("all are proved", || node.manager.done(ProofKind::Core).complete_to() == 3);
    assert_eq!((node.manager.counts().stuck, node.manager.stuck()), (0, None));
}

#[test]
fn the_body_of_a_proof_is_not_read_of_who_has_no_lease() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let batches = batches(2);
    let [id, finished] = [0, 1].map(|at| submit(&node.manager, &batches[at]));
    let (holder, other) = (Client::new(&node.url, key(1)), Client::new(&node.url, key(2)));
    for client in [&holder, &other] {
        client.hello(&hello()).unwrap();
    }
    let offer = holder.lease().unwrap().unwrap();
    assert_eq!(offer.job, id.to_string());
    node.manager.cancel(finished).unwrap();
    let unknown = "00".repeat(32);
    let (lease, no_lease) = (offer.lease.as_str(), "00".repeat(16));
    for (worker, job, lease, status) in [
        (2, id.to_string(), lease, "404"),
        (1, id.to_string(), no_lease.as_str(), "404"),
        (1, unknown, lease, "404"),
        (1, finished.to_string(), lease, "410"),
        (3, id.to_string(), lease, "409"),
    ] {
        let path = format!("/v1/jobs/{job}/proof?lease={lease}&cycles=1");
        let answer = answer_without_body(&node.url, worker, &path, verifier::Proof::MAX_BYTES);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    // The client hears of the refusal, too, however much it would have sent.
    let (backend, cancel) = (TestBackend::default(), Cancellation::default());
    let range = batches[0].input.clone().into();
    let mut proof = proving::Backend::prove(&backend, &range, ProofKind::Core, &cancel).unwrap();
    proof.bytes = vec![0; 32 << 20];
    let refused = other.deliver(&offer, 1, &proof);
    assert!(matches!(refused, Err(ClientError::Refused { status: 404, .. })), "{refused:?}");
    // And of one that may bring it, it is read.
    let refused = holder.deliver(&offer, 1, &proof);
    assert!(matches!(refused, Err(ClientError::Refused { status: 422, .. })), "{refused:?}");
}

/// What a node answers to a signed request before it has any of the body.
fn answer_without_body(url: &str, worker: u8, path: &str, bytes: usize) -> String {
    use std::io::{Read, Write};
    let (key, time, body) = (key(worker), Millis::now(), [7; 32]);
    let signature = hex::encode(key.sign("PUT", path, time, &body));
    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(
        stream,
        "PUT {path} HTTP/1.1\r\nhost: node\r\ncontent-length: {bytes}\r\n{WORKER}: {}\r\n{TIME}: {}\r\n\
         {BODY}: {}\r\n{SIGNATURE}: {signature}\r\n\r\n",
        key.id(),
        time.0,
        hex::encode(body)
    )
    .unwrap();
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).expect("an answer before the body");
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[test]
fn a_slow_upload_keeps_its_lease() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let id = submit(&node.manager, &batches(1)[0]);
    // Twice as long as a lease lasts without a sign of life.
    let slow = slow_way_to(&node.url, Duration::from_millis(2 * settings().queue.lease));
    let _worker = Worker::start(&slow, 1, Manner::Honest);
    let job = node.finished(id);
    assert!(matches!(job.state, JobState::Done(_)), "{job:?}");
    assert_eq!((job.attempts, node.manager.status().incidents), (1, Vec::new()));
}

#[test]
fn a_worker_hands_its_proof_to_a_node_that_was_started_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path());
    let address = node.url.trim_start_matches("http://").to_string();
    let id = submit(&node.manager, &batches(1)[0]);
    let slow = slow_way_to(&node.url, Duration::from_millis(300));
    let worker = Worker::start(&slow, 1, Manner::Honest);
    eventually("it has proved", || worker.backend.proved.load(Ordering::SeqCst) == 1);
    drop(node);
    let node = Node::of(open(dir.path()), &address);
    assert!(matches!(node.finished(id).state, JobState::Done(_)));
    assert_eq!(worker.backend.proved.load(Ordering::SeqCst), 1);
}

/// An address from where everything goes on to the node at once, except proofs.
fn slow_way_to(url: &str, delay: Duration) -> String {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpListener, TcpStream};
    let node = url.trim_start_matches("http://").to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, Ok(mut node)) = (client.unwrap(), TcpStream::connect(&node)) else { continue };
            let (mut from, mut to) = (node.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
            std::thread::spawn(move || {
                let mut bytes = vec![0; 1 << 16];
                while let Ok(read @ 1..) = client.read(&mut bytes) {
                    if bytes.starts_with(b"PUT /v1/jobs") {
                        std::thread::sleep(delay);
                    }
                    if node.write_all(&bytes[..read]).is_err() {
                        break;
                    }
                }
                let _ = node.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

fn hello() -> Hello {
    Hello {
        name: "by hand".into(),
        system: "sp1".into(),
        version: "test".into(),
        program: PROGRAM.to_string(),
        device: "test".into(),
        kinds: vec!["core".into()],
        max_cycles: None,
        price: 0,
    }
}
