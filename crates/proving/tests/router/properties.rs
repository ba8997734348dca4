//! What holds of every router and every request.

use super::*;
use proptest::prelude::*;
use proptest::strategy::Strategy;
use proving::router::Strategy as Goal;
use proving::router::{
    BreakerState, Decision, Excluded, Exclusion, Failure, NoRoute, NotYet, Preference, Security,
};

/// Something that happens to a worker.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Start { kind: ProofKind },
    Finish { seconds: u64, cycles: u64, bytes: u64 },
    Fail(Failure),
}

type History = Vec<(u8, u64, Happening)>;

fn kind() -> impl Strategy<Value = ProofKind> {
    prop::sample::select(ProofKind::ALL.to_vec())
}

fn kinds() -> impl Strategy<Value = BTreeSet<ProofKind>> {
    prop::collection::btree_set(kind(), 2..5)
}

fn system() -> impl Strategy<Value = ProofSystem> {
    prop::sample::select(ProofSystem::ALL.to_vec())
}

prop_compose! {
    fn description()(
        system in system(), kinds in kinds(), max_cycles in 1_000_000u64..9_000_000, slots in 1u32..3, price in 0u64..1000
    ) -> WorkerDescription {
        WorkerDescription { system, kinds, max_cycles, slots, price: MicroDollars(price), ..worker(0) }
    }
}

fn happening() -> impl Strategy<Value = Happening> {
    let failure = prop::sample::select(vec![
        Failure::Failed,
        Failure::Failed,
        Failure::Failed,
        Failure::TimedOut,
        Failure::TimedOut,
        Failure::Lied,
        Failure::Withdrawn,
    ]);
    prop_oneof![
        3 => kind().prop_map(|kind| Happening::Start { kind }),
        2 => (0u64..2000, 0u64..9_000_000, 0u64..9_000_000)
            .prop_map(|(seconds, cycles, bytes)| Happening::Finish { seconds, cycles, bytes }),
        2 => failure.prop_map(Happening::Fail),
    ]
}

fn history() -> impl Strategy<Value = History> {
    prop::collection::vec((0u8..6, 0u64..400, happening()), 0..80)
}

prop_compose! {
    fn any_request()(
        kinds in kinds(),
        strategy in prop::sample::select(Goal::ALL.to_vec()),
        security in prop::sample::select(vec![
            Security::Executed, Security::Executed, Security::CircuitSetup, Security::UniversalSetup,
            Security::Transparent,
        ]),
        max_proof_bytes in prop::option::weighted(0.3, 0u64..9_000_000),
        max_cost in prop::option::weighted(0.3, (0u64..1_000_000).prop_map(MicroDollars)),
        latency in prop::option::weighted(0.3, 0u64..4000),
        preference in prop_oneof![
            3 => Just(Preference::Any),
            1 => system().prop_map(Preference::Prefer),
            1 => system().prop_map(Preference::Only),
        ],
        commands in 0u64..4000,
    ) -> Request {
        // From when the history ends: at most 80 times 400 seconds.
        let deadline = latency.map(|latency| at(32_000 + latency));
        Request {
            class: RequestClass::Batch { commands },
            workload: Workload { commands, ..WORK },
            queued: at(32_000),
            limits: Limits { kinds, security, max_proof_bytes, max_cost, deadline, preference },
            strategy,
        }
    }
}

/// The time of every question.
const NOW: Timestamp = Timestamp(32_000_000_000);

fn live(descriptions: &[WorkerDescription], history: &History) -> Router {
    let mut config = config();
    config.breaker.lie_cooldown = Some(Duration::from_secs(8000));
    let mut router = Router::new(config);
    for (number, description) in (0..).zip(descriptions) {
        router.register(WorkerDescription { id: id(number), ..description.clone() }, None).unwrap();
    }
    // The oldest work in flight of each worker ends first.
    let mut in_flight: Vec<Vec<(JobId, ProofKind)>> = vec![Vec::new(); descriptions.len()];
    let mut now = 0;
    for (job, (number, wait, happening)) in (0..).zip(history) {
        now += wait;
        let Some(work) = in_flight.get_mut(usize::from(*number)) else { continue };
        let (worker, job) = (id(*number), numbered(job));
        match *happening {
            Happening::Start { kind } => {
                router.started(worker, job, kind, &WORK, at(now)).unwrap();
                work.push((job, kind));
            }
            _ if work.is_empty() => {}
            Happening::Finish { seconds, cycles, bytes } => {
                let (job, kind) = work.remove(0);
                let run = Run { cycles, proof_bytes: bytes, ..run(kind, seconds) };
                router.finished(worker, job, &run, at(now)).unwrap();
            }
            Happening::Fail(failure) => {
                router.failed(worker, work.remove(0).0, failure, at(now)).unwrap();
            }
        }
    }
    router
}

fn described(router: &Router, worker: WorkerId) -> &WorkerDescription {
    router.records().map(|(description, _)| description).find(|description| description.id == worker).unwrap()
}

/// The choice, without whom it was made against.
fn outcome(routed: &Result<Decision, NoRoute>) -> Option<(WorkerId, ProofKind, f64)> {
    routed.as_ref().ok().map(|d| (d.chosen.worker, d.chosen.kind, d.chosen.score.total()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_hard_limit_is_ever_violated(
        workers in prop::collection::vec(description(), 0..6), history in history(), request in any_request()
    ) {
        let router = live(&workers, &history);
        let Ok(decision) = router.route(&request, NOW) else { return Ok(()) };
        let limits = &request.limits;
        for candidate in decision.fallbacks.iter().chain([&decision.chosen]) {
            let worker = described(&router, candidate.worker);
            prop_assert!(limits.kinds.contains(&candidate.kind) && worker.kinds.contains(&candidate.kind));
            prop_assert!(Security::of(candidate.kind) >= limits.security);
            prop_assert!(candidate.estimate.cycles <= worker.max_cycles);
            prop_assert!(limits.max_proof_bytes.is_none_or(|most| candidate.estimate.proof_bytes <= most));
            prop_assert!(limits.max_cost.is_none_or(|most| candidate.estimate.cost <= most));
            let done = Duration::from_micros(NOW.0) + candidate.estimate.completion();
            prop_assert!(limits.deadline.is_none_or(|end| done < Duration::from_micros(end.0 + 1)));
            if let Preference::Only(system) = limits.preference {
                prop_assert_eq!(candidate.system, system);
            }
            prop_assert!(candidate.score.total().is_finite());
            prop_assert!((0.0..=1.0).contains(&candidate.estimate.success));
        }
    }

    #[test]
    fn a_worker_whose_breaker_is_open_is_never_chosen(
        workers in prop::collection::vec(description(), 1..6), history in history(), request in any_request()
    ) {
        let router = live(&workers, &history);
        let routed = router.route(&request, NOW);
        for (description, record) in router.records() {
            let dead = match record.breaker.state() {
                BreakerState::Closed => false,
                BreakerState::Open { until, .. } => NOW < until,
                BreakerState::HalfOpen => true,
            };
            if let (true, Ok(decision)) = (dead, &routed) {
                let allowed = decision.fallbacks.iter().chain([&decision.chosen]);
                prop_assert!(allowed.clone().all(|candidate| candidate.worker != description.id));
                prop_assert!(router.may_take(description.id, &request, NOW).is_err());
            }
        }
    }

    #[test]
    fn a_decision_covers_everybody_and_the_chosen_has_the_best_score(
        workers in prop::collection::vec(description(), 0..6), history in history(), request in any_request()
    ) {
        let router = live(&workers, &history);
        let everybody = workers.len() * request.limits.kinds.len();
        match router.route(&request, NOW) {
            Ok(decision) => {
                prop_assert_eq!(1 + decision.fallbacks.len() + decision.excluded.len(), everybody);
                let mut last = decision.chosen.score.total();
                for fallback in &decision.fallbacks {
                    prop_assert!(last <= fallback.score.total());
                    last = fallback.score.total();
                }
            }
            Err(none) => prop_assert_eq!(none.excluded.len(), everybody),
        }
    }

    #[test]
    fn the_same_calls_give_the_same_decision_in_whatever_order_workers_came(
        workers in prop::collection::vec(description(), 0..6), history in history(), request in any_request()
    ) {
        let router = live(&workers, &history);
        let routed = router.route(&request, NOW);
        prop_assert_eq!(&routed, &live(&workers, &history).route(&request, NOW));
        let mut other = Router::new(router.config().clone());
        let records: Vec<_> = router.records().collect();
        for (description, record) in records.into_iter().rev() {
            other.register(description.clone(), Some(record.clone())).unwrap();
        }
        let mut again = Router::new(router.config().clone());
        for (description, record) in router.records() {
            again.register(description.clone(), Some(record.clone())).unwrap();
        }
        prop_assert_eq!(other.route(&request, NOW), again.route(&request, NOW));
    }

    #[test]
    fn an_excluded_worker_never_changes_the_choice(
        workers in prop::collection::vec(description(), 1..6), history in history(), request in any_request()
    ) {
        let mut router = live(&workers, &history);
        let before = router.route(&request, NOW);
        let Ok(decision) = &before else { return Ok(()) };
        let allowed = |worker| {
            decision.fallbacks.iter().chain([&decision.chosen]).any(|candidate| candidate.worker == worker)
        };
        let gone: Vec<_> =
            router.records().map(|(description, _)| description.id).filter(|id| !allowed(*id)).collect();
        for worker in gone {
            router.remove(worker);
            prop_assert_eq!(outcome(&router.route(&request, NOW)), outcome(&before));
        }
    }

    #[test]
    fn who_asks_gets_the_request_or_a_reason_and_never_waits_for_ever(
        workers in prop::collection::vec(description(), 1..6), history in history(), request in any_request(),
        asking in 0u8..6
    ) {
        let router = live(&workers, &history);
        let routed = router.route(&request, NOW);
        match router.may_take(id(asking), &request, NOW) {
            Ok(decision) => {
                prop_assert_eq!(decision.chosen.worker, id(asking));
                let routed = routed.unwrap();
                prop_assert_eq!(decision.fallbacks.len(), routed.fallbacks.len());
                prop_assert!(decision.chosen == routed.chosen || routed.fallbacks.contains(&decision.chosen));
            }
            Err(NotYet::Better { own, until, decision }) => {
                prop_assert!(NOW < until && until <= at(32_010));
                prop_assert!(decision.chosen.score.total() <= own.score.total());
                // At that time it may have the request, unless it is out of the question by then.
                match router.may_take(id(asking), &request, until) {
                    Ok(decision) => prop_assert_eq!(decision.chosen.worker, id(asking)),
                    Err(NotYet::Excluded { decision, .. }) => {
                        let late = |e: &&Excluded| {
                            e.worker == id(asking) && matches!(e.why, Exclusion::TooLate { .. })
                        };
                        prop_assert!(decision.excluded.iter().find(late).is_some());
                    }
                    Err(NotYet::NoRoute(_)) => {}
                    Err(other) => prop_assert!(false, "{other}"),
                }
            }
            Err(NotYet::Excluded { decision, .. }) => prop_assert_eq!(Ok(*decision), routed),
            Err(NotYet::NoRoute(none)) => prop_assert_eq!(Err(none), routed),
            Err(NotYet::Unknown(_)) => prop_assert!(usize::from(asking) >= workers.len()),
        }
    }
}
