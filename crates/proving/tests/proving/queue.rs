//! The queue under every order of events.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proving::{
    Backoff, Figures, Job, JobId, JobState, LeaseId, Millis, Preferences, Priority, Queue, QueuePolicy,
    WorkerId,
};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use verifier::{ProofKind, ProofSystem};

fn policy() -> QueuePolicy {
    QueuePolicy {
        max_open: 8,
        lease: 50,
        max_lease: 200,
        max_attempts: 3,
        ageing: 100,
        backoff: Backoff { first: 10, longest: 40 },
    }
}

fn job(number: u8, priority: Priority, now: Millis) -> Job {
    Job {
        id: JobId([number; 32]),
        kind: ProofKind::Core,
        priority,
        submitted: now,
        deadline: None,
        batches: (number.into(), number.into()),
        commands: 1,
        input_bytes: 1,
        claims_hash: [0; 32],
        preferences: Preferences::default(),
        attempts: 0,
        state: JobState::Queued { not_before: now },
    }
}

fn figures(worker: WorkerId, at: Millis) -> Figures {
    Figures {
        at,
        worker,
        system: ProofSystem::Sp1,
        queue_wait: 0,
        proving: 0,
        cycles: 0,
        proof_bytes: 0,
        verify_micros: 0,
    }
}

fn queue() -> Queue {
    Queue::new(policy(), [], ChaCha12Rng::seed_from_u64(1))
}

#[test]
fn waiting_is_worth_priority_so_nothing_starves() {
    let mut queue = queue();
    queue.insert(job(1, Priority::Low, Millis(0)));
    queue.insert(job(2, Priority::Critical, Millis(0)));
    queue.insert(job(3, Priority::Critical, Millis(290)));
    queue.insert(job(4, Priority::Critical, Millis(310)));
    let order: Vec<u8> = queue.ready(Millis(310)).into_iter().map(|id| id.0[0]).collect();
    // Three steps of 100 ms: low overtakes what came as critical 310 ms later, not what came 290 ms later.
    assert_eq!(order, [2, 3, 1, 4]);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u8),
    Lease(u8),
    Renew(u8),
    Done(u8),
    Lose(u8),
    Cancel(u8),
    Expire,
    Restart,
    Wait(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u8..12, 0_u8..4).prop_map(|(job, priority)| Step::Insert(job, priority)),
        (0_u8..3).prop_map(Step::Lease),
        (0_u8..12).prop_map(Step::Renew),
        (0_u8..12).prop_map(Step::Done),
        (0_u8..12).prop_map(Step::Lose),
        (0_u8..12).prop_map(Step::Cancel),
        Just(Step::Expire),
        Just(Step::Restart),
        (0_u8..80).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..120)
}

proptest! {
    #[test]
    fn no_job_is_lost_or_held_twice_and_what_is_final_stays(steps in steps()) {
        let mut queue = queue();
        let mut now = Millis(1_000);
        let mut finals: BTreeMap<JobId, JobState> = BTreeMap::new();
        let mut inserted = BTreeMap::new();
        let mut starts = 0;
        for step in steps {
            let lease_of = |queue: &Queue, number: u8| match queue.get(JobId([number; 32])).map(|job| &job.state) {
                Some(JobState::Leased(lease)) => Some((lease.id, lease.worker)),
                _ => None,
            };
            match step {
                Step::Insert(number, priority) => {
                    if queue.has_room() && queue.get(JobId([number; 32])).is_none() {
                        queue.insert(job(number, Priority::ALL[usize::from(priority)], now));
                        inserted.insert(JobId([number; 32]), ());
                    }
                }
                Step::Lease(worker) => {
                    if let Some(id) = queue.ready(now).first().copied() {
                        let job = queue.lease(id, WorkerId([worker; 32]), now).unwrap();
                        prop_assert!(job.attempts <= policy().max_attempts);
                        prop_assert!(queue.lease(id, WorkerId([9; 32]), now).is_none());
                    }
                }
                Step::Renew(number) => {
                    if let Some((lease, worker)) = lease_of(&queue, number) {
                        prop_assert!(queue.renew(lease, WorkerId([99; 32]), now).is_none());
                        let expires = queue.renew(lease, worker, now).unwrap();
                        prop_assert!(expires <= now.plus(policy().lease));
                    }
                    prop_assert!(queue.renew(LeaseId([0; 16]), WorkerId([1; 32]), now).is_none());
                }
                Step::Done(number) => {
                    queue.done(JobId([number; 32]), figures(WorkerId([1; 32]), now));
                }
                Step::Lose(number) => {
                    if let Some((lease, worker)) = lease_of(&queue, number) {
                        let lost = queue.lost(lease, "test", now).unwrap();
                        prop_assert_eq!(lost.worker, worker);
                        prop_assert!(queue.lost(lease, "test", now).is_none());
                        if let JobState::Queued { not_before } = lost.job.state {
                            prop_assert!(not_before.since(now) <= policy().backoff.longest);
                        }
                    }
                }
                Step::Cancel(number) => {
                    queue.cancel(JobId([number; 32]), now);
                }
                Step::Expire => {
                    for (lease, _) in queue.expired(now) {
                        queue.lost(lease, "expired", now).unwrap();
                    }
                }
                Step::Restart => {
                    starts += 1;
                    let jobs: Vec<Job> = queue.jobs().cloned().collect();
                    queue = Queue::new(policy(), jobs, ChaCha12Rng::seed_from_u64(100 + starts));
                    queue.restart_terms(now);
                }
                Step::Wait(time) => now = now.plus(time.into()),
            }
            let mut open = 0;
            for id in inserted.keys() {
                let job = queue.get(*id).expect("no job is lost");
                if let Some(state) = finals.get(id) {
                    prop_assert_eq!(state, &job.state);
                }
                if job.state.is_final() {
                    finals.insert(*id, job.state.clone());
                } else {
                    open += 1;
                }
                if let JobState::Leased(lease) = &job.state {
                    prop_assert_eq!(queue.leased(lease.id).map(|job| job.id), Some(*id));
                }
            }
            prop_assert_eq!(queue.open(), open);
            prop_assert!(queue.waiting() <= open);
        }
    }

    #[test]
    fn a_rest_is_between_half_and_the_whole_of_its_term(failures in 1_u32..100, seed: u64) {
        let backoff = Backoff { first: 100, longest: 5_000 };
        let rest = backoff.after(failures, &mut ChaCha12Rng::seed_from_u64(seed));
        let term = (100_u64 << (failures - 1).min(20)).min(5_000);
        prop_assert!((term / 2..=term).contains(&rest), "{rest} of {term}");
    }
}
