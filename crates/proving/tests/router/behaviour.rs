//! What the router does, case by case.

use super::*;
use proving::router::{Choice, Exclusion, Failure, NotYet, OpenCause, Preference, RouterError, Security};

fn fail(router: &mut Router, number: u8, failure: Failure, seconds: u64) {
    router.started(id(number), numbered(seconds), ProofKind::Core, &WORK, at(seconds)).unwrap();
    router.failed(id(number), numbered(seconds), failure, at(seconds)).unwrap();
}

#[test]
fn the_fastest_worker_is_chosen_and_the_others_are_fallbacks_in_order() {
    let decision = measured(&[90, 60, 75]).route(&request(Strategy::Latency), at(1000)).unwrap();
    assert_eq!(decision.chosen.worker, id(2));
    assert_eq!(decision.choice, Choice::BestScore);
    assert_eq!(decision.chosen.estimate.proving, Duration::from_secs(60));
    let fallbacks: Vec<_> = decision.fallbacks.iter().map(|candidate| candidate.worker).collect();
    assert_eq!(fallbacks, [id(3), id(1)]);
}

#[test]
fn work_in_flight_counts_and_equal_workers_share_it() {
    let mut router = measured(&[60, 60]);
    let mut given = Vec::new();
    for job in 10..14 {
        let chosen = router.route(&request(Strategy::Latency), at(1000)).unwrap().chosen;
        given.push(chosen.worker);
        router.started(chosen.worker, numbered(job), chosen.kind, &WORK, at(1000)).unwrap();
    }
    assert_eq!(given, [id(1), id(2), id(1), id(2)]);
    let waiting = |now| router.route(&request(Strategy::Latency), now).unwrap().chosen.estimate.waiting;
    assert_eq!(waiting(at(1000)), Duration::from_secs(120));
    // Both pieces of work run; the manager does not give a worker more at a time than it has slots for.
    assert_eq!(waiting(at(1050)), Duration::from_secs(20));
    assert_eq!(waiting(at(5000)), Duration::from_secs(12), "overdue work is not done at once");
}

#[test]
fn a_worker_with_several_slots_does_not_keep_anybody_waiting() {
    let mut router = measured(&[60]);
    router.register(WorkerDescription { slots: 2, ..worker(1) }, None).unwrap();
    let waiting = |router: &Router| {
        router.route(&request(Strategy::Latency), at(1000)).unwrap().chosen.estimate.waiting
    };
    router.started(id(1), numbered(8), ProofKind::Core, &WORK, at(1000)).unwrap();
    assert_eq!(waiting(&router), Duration::ZERO);
    router.started(id(1), numbered(9), ProofKind::Core, &WORK, at(1000)).unwrap();
    assert_eq!(waiting(&router), Duration::from_secs(60));
}

#[test]
fn a_new_worker_is_tried_once_and_not_by_who_wants_reliability() {
    let mut router = measured(&[60]);
    router.register(worker(2), None).unwrap();
    let chosen =
        |router: &Router, strategy| router.route(&request(strategy), at(1000)).unwrap().chosen.worker;
    assert_eq!(chosen(&router, Strategy::Reliability), id(1));
    assert_eq!(chosen(&router, Strategy::Latency), id(2));
    router.started(id(2), numbered(7), ProofKind::Core, &WORK, at(1000)).unwrap();
    assert_eq!(chosen(&router, Strategy::Latency), id(1), "one trial at a time");
    router.finished(id(2), numbered(7), &run(ProofKind::Core, 500), at(1500)).unwrap();
    assert_eq!(chosen(&router, Strategy::Latency), id(1), "it was tried and found slow");
}

#[test]
fn a_worker_that_was_slow_long_ago_is_tried_again() {
    let mut router = measured(&[60, 300]);
    let day = 24 * 3600;
    assert_eq!(router.route(&request(Strategy::Latency), at(day)).unwrap().chosen.worker, id(1));
    for job in 10..20 {
        router.started(id(1), numbered(job), ProofKind::Core, &WORK, at(2 * day)).unwrap();
        router.finished(id(1), numbered(job), &run(ProofKind::Core, 60), at(2 * day)).unwrap();
    }
    assert_eq!(router.route(&request(Strategy::Latency), at(2 * day)).unwrap().chosen.worker, id(2));
}

#[test]
fn every_limit_excludes_with_its_reason() {
    let mut router = measured(&[60]);
    type Change = fn(&mut Request);
    let cases: [(Change, Exclusion); 7] = [
        (
            |r| r.limits.preference = Preference::Only(ProofSystem::Zisk),
            Exclusion::OtherSystem { only: ProofSystem::Zisk },
        ),
        (|r| r.limits = Limits::kind(ProofKind::Plonk), Exclusion::CannotMake),
        (
            |r| r.limits.max_proof_bytes = Some(1_000_000),
            Exclusion::TooLarge { bytes: 3_000_000, limit: 1_000_000 },
        ),
        (
            |r| r.limits.max_cost = Some(MicroDollars(5)),
            Exclusion::TooExpensive { cost: MicroDollars(6000), limit: MicroDollars(5) },
        ),
        (
            |r| r.limits.deadline = Some(at(1030)),
            Exclusion::TooLate { completion: Duration::from_secs(60), left: Duration::from_secs(30) },
        ),
        (
            |r| r.limits.deadline = Some(at(900)),
            Exclusion::TooLate { completion: Duration::from_secs(60), left: Duration::ZERO },
        ),
        (
            |r| r.workload.commands = 200_000,
            Exclusion::TooManyCycles { cycles: 200_000_000, limit: 100_000_000 },
        ),
    ];
    for (change, expected) in cases {
        let mut request = request(Strategy::Balanced);
        change(&mut request);
        let none = router.route(&request, at(1000)).unwrap_err();
        assert_eq!(none.excluded.iter().map(|e| e.why).collect::<Vec<_>>(), [expected]);
    }
    let kinds = BTreeSet::from([ProofKind::Core, ProofKind::Groth16]);
    router.register(WorkerDescription { kinds: kinds.clone(), ..worker(1) }, None).unwrap();
    let mut request = request(Strategy::Size);
    request.limits.kinds = kinds;
    let decision = router.route(&request, at(1000)).unwrap();
    let (found, wanted) = (Security::CircuitSetup, Security::Transparent);
    assert_eq!(decision.excluded[0].why, Exclusion::Security { found, wanted });
    request.limits.security = Security::CircuitSetup;
    assert_eq!(router.route(&request, at(1000)).unwrap().chosen.kind, ProofKind::Groth16);
}

#[test]
fn a_preferred_system_wins_unless_it_is_twice_as_bad() {
    for (seconds, chosen) in [(110, 2), (130, 1)] {
        let mut router = measured(&[60]);
        router.register(WorkerDescription { system: ProofSystem::Zisk, ..worker(2) }, None).unwrap();
        (0..3).for_each(|job| work(&mut router, 2, job, seconds));
        let mut request = request(Strategy::Latency);
        request.limits.preference = Preference::Prefer(ProofSystem::Zisk);
        assert_eq!(router.route(&request, at(1000)).unwrap().chosen.worker, id(chosen), "{seconds} s");
    }
}

#[test]
fn a_worker_that_fails_is_left_out_and_probed_once_it_has_cooled_down() {
    let mut router = measured(&[60, 90]);
    for second in 1001..1004 {
        fail(&mut router, 1, Failure::TimedOut, second);
    }
    let decision = router.route(&request(Strategy::Latency), at(1004)).unwrap();
    assert_eq!(decision.chosen.worker, id(2));
    let open = Exclusion::BreakerOpen { until: at(1063), cause: OpenCause::Consecutive };
    assert_eq!(decision.excluded[0].why, open);
    assert_eq!(router.route(&request(Strategy::Latency), at(1063)).unwrap().chosen.worker, id(1));
    router.started(id(1), numbered(5), ProofKind::Core, &WORK, at(1063)).unwrap();
    let decision = router.route(&request(Strategy::Latency), at(1063)).unwrap();
    assert_eq!(decision.excluded[0].why, Exclusion::Probing);
    router.finished(id(1), numbered(5), &run(ProofKind::Core, 60), at(1100)).unwrap();
    assert!(router.route(&request(Strategy::Latency), at(1100)).unwrap().excluded.is_empty());
}

#[test]
fn a_liar_is_left_out_across_restarts_until_the_operator_says_otherwise() {
    let mut router = measured(&[60]);
    fail(&mut router, 1, Failure::Lied, 1001);
    let bytes = router.remove(id(1)).unwrap().encode();
    let mut router = Router::new(config());
    let kept = proving::router::WorkerRecord::decode(&bytes).unwrap();
    router.register(worker(1), Some(kept)).unwrap();
    let none = router.route(&request(Strategy::Latency), at(1_000_000)).unwrap_err();
    assert_eq!(
        none.excluded[0].why,
        Exclusion::BreakerOpen { until: Timestamp::NEVER, cause: OpenCause::Lie }
    );
    router.reset(id(1)).unwrap();
    assert!(router.route(&request(Strategy::Latency), at(1_000_000)).is_ok());
}

#[test]
fn a_probe_that_a_restart_forgot_can_be_given_again() {
    let mut router = measured(&[60]);
    (1001..1004).for_each(|second| fail(&mut router, 1, Failure::Failed, second));
    router.started(id(1), numbered(5), ProofKind::Core, &WORK, at(1100)).unwrap();
    let kept = router.remove(id(1)).unwrap();
    router.register(worker(1), Some(kept)).unwrap();
    assert!(router.route(&request(Strategy::Latency), at(1100)).is_ok());
}

#[test]
fn the_best_worker_gets_what_it_asks_for_and_another_waits_for_a_bounded_time() {
    let router = measured(&[60, 90]);
    let request = request(Strategy::Latency);
    assert_eq!(router.may_take(id(1), &request, at(1000)).unwrap().choice, Choice::BestScore);
    let NotYet::Better { own, until, decision } = router.may_take(id(2), &request, at(1000)).unwrap_err()
    else {
        panic!("there is a better one")
    };
    assert_eq!((own.worker, until, decision.chosen.worker), (id(2), at(1010), id(1)));
    let taken = router.may_take(id(2), &request, at(1010)).unwrap();
    assert_eq!(taken.chosen.worker, id(2));
    assert_eq!(taken.choice, Choice::WaitedEnough { best: id(1), waited: Duration::from_secs(10) });
    assert_eq!(taken.fallbacks[0].worker, id(1));
}

#[test]
fn nobody_waits_for_a_worker_that_is_busy_for_longer() {
    let mut router = measured(&[60, 90]);
    router.started(id(1), numbered(5), ProofKind::Core, &WORK, at(1000)).unwrap();
    let mut request = request(Strategy::Reliability);
    request.limits.deadline = Some(at(2000));
    (0..9).for_each(|job| work(&mut router, 1, 100 + job, 60));
    let taken = router.may_take(id(2), &request, at(1000)).unwrap();
    assert_eq!(taken.choice, Choice::BestIsBusy { best: id(1), completion: Duration::from_secs(120) });
}

#[test]
fn nobody_waits_past_the_deadline() {
    let router = measured(&[60, 90]);
    let mut request = request(Strategy::Latency);
    request.limits.deadline = Some(at(1095));
    assert!(matches!(router.may_take(id(2), &request, at(1004)), Err(NotYet::Better { .. })));
    assert_eq!(router.may_take(id(2), &request, at(1005)).unwrap().chosen.worker, id(2));
    let excluded = router.may_take(id(2), &request, at(1006)).unwrap_err();
    assert!(matches!(excluded, NotYet::Excluded { .. }), "{excluded}");
}

#[test]
fn what_a_worker_was_not_given_teaches_nothing() {
    let mut router = measured(&[60]);
    let before = router.records().next().unwrap().1.clone();
    let late = router.finished(id(1), numbered(99), &run(ProofKind::Core, 1), at(2000));
    assert_eq!(late, Err(RouterError::NotStarted { worker: id(1), job: numbered(99) }));
    fail(&mut router, 1, Failure::Withdrawn, 1001);
    assert_eq!(*router.records().next().unwrap().1, before);
    assert_eq!(
        router.failed(id(9), numbered(1), Failure::Lied, at(1)),
        Err(RouterError::UnknownWorker { worker: id(9) })
    );
    router.started(id(1), numbered(1), ProofKind::Core, &WORK, at(1)).unwrap();
    let again = router.started(id(1), numbered(1), ProofKind::Core, &WORK, at(1));
    assert_eq!(again, Err(RouterError::AlreadyStarted { worker: id(1), job: numbered(1) }));
}

#[test]
fn there_is_a_limit_to_workers_and_to_work_in_flight() {
    let mut router = Router::new(Config { max_workers: 1, ..config() });
    router.register(worker(1), None).unwrap();
    assert_eq!(router.register(worker(2), None), Err(RouterError::TooManyWorkers { limit: 1 }));
    let idle = WorkerDescription { slots: 0, ..worker(1) };
    assert!(matches!(router.register(idle, None), Err(RouterError::Description { .. })));
    for job in 0..Router::MAX_IN_FLIGHT as u64 {
        router.started(id(1), numbered(job), ProofKind::Core, &WORK, at(1)).unwrap();
    }
    let limit = Router::MAX_IN_FLIGHT;
    assert_eq!(
        router.started(id(1), numbered(u64::MAX), ProofKind::Core, &WORK, at(1)),
        Err(RouterError::TooMuchWork { worker: id(1), limit })
    );
}

#[test]
fn a_decision_reads_as_sentences() {
    let mut router = measured(&[60, 90]);
    router.register(worker(3), None).unwrap();
    fail(&mut router, 3, Failure::Lied, 1001);
    let text = router.route(&request(Strategy::Balanced), at(1002)).unwrap().to_string();
    let expected = "\
a batch of 1000 commands by strategy balanced: 01010101, because it has the best score
  chosen    01010101 sp1 core: 34.04 points (time 15.87, size 5.38, cost 12.55, tries 0.24) = 0.0 s waiting + 60.0 s \
    proving 1000000 cycles, 3000000 bytes, $0.006000, succeeds 92 %, after 3 runs
  then      02020202 sp1 core: 35.21 points (time 16.46, size 5.38, cost 13.14, tries 0.24) = 0.0 s waiting + 90.0 s \
    proving 1000000 cycles, 3000000 bytes, $0.009000, succeeds 92 %, after 3 runs
  excluded  03030303 sp1 core: its breaker is open until the operator resets it: it delivered a proof that does not verify";
    assert_eq!(text, expected.replace("\n    ", ""));
    let none = Router::new(config()).route(&request(Strategy::Balanced), at(0)).unwrap_err().to_string();
    assert_eq!(
        none,
        "nobody can prove a batch of 1000 commands within its limits now: there are no workers, or it accepts no kind of proof"
    );
}
