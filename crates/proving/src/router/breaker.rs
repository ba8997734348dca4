//! Whether a worker may be given work, judged by its last results alone.
//!
//! ```text
//!           failures in a row, or too many of the last       cool-down over, work given
//!   closed ───────────────────────────────────────────► open ─────────────────────────► half-open
//!      ▲                                                  ▲                                │  │
//!      │                                                  └──────── failure, longer ───────┘  │
//!      └──────────────────────────────── success ─────────────────────────────────────────────┘
//! ```
//!
//! After M. Nygard, *Release It!* (2007), chapter 5. A lie opens from every state.

use core::fmt;
use std::time::Duration;

use types::Timestamp;
use verifier::ProofError;

use super::clock;
use crate::BackendError;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    /// This many failures in a row open it; 1 to 64.
    pub consecutive: u32,
    /// How many of the last results are looked at for the failure rate; 1 to 64. They are forgotten when it closes.
    pub window: u32,
    /// With a full window, this many failures in it open the breaker.
    pub failures: u32,
    /// How long it stays open the first time; doubles with each probe that fails.
    pub cooldown: Duration,
    /// And never becomes longer than this.
    pub max_cooldown: Duration,
    /// How long it stays open after a lie; none for until the operator resets it.
    pub lie_cooldown: Option<Duration>,
}

impl Default for BreakerConfig {
    /// Three in a row, or ten of twenty; a minute, doubling to at most an hour; after a lie, until the operator says so.
    fn default() -> Self {
        Self {
            consecutive: 3,
            window: 20,
            failures: 10,
            cooldown: Duration::from_secs(60),
            max_cooldown: Duration::from_secs(3600),
            lie_cooldown: None,
        }
    }
}

/// Why work did not end in a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The worker says that it failed.
    Failed,
    /// Nothing was heard before the lease ended.
    TimedOut,
    /// The worker delivered something that does not verify.
    Lied,
    /// Not the worker's doing: cancelled, or the program refuses the input. Nothing is learnt of the worker.
    Withdrawn,
}

impl From<&BackendError> for Failure {
    /// What an error says of the worker, when the error is the backend's own or the receiver's in verifying its proof.
    fn from(error: &BackendError) -> Self {
        match error {
            BackendError::Refused { .. } | BackendError::Cancelled => Self::Withdrawn,
            BackendError::Proof(ProofError::Invalid { .. } | ProofError::NotConsecutive { .. }) => Self::Lied,
            BackendError::Missing { .. } | BackendError::Failed { .. } | BackendError::Proof(_) => {
                Self::Failed
            }
        }
    }
}

/// Why a breaker opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenCause {
    /// Too many failures in a row.
    Consecutive,
    /// Too many of the last results were failures.
    Rate,
    /// The probe failed.
    Probe,
    /// The worker delivered a proof that does not verify.
    Lie,
}

impl fmt::Display for OpenCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consecutive => "too many failures in a row",
            Self::Rate => "too many of the last results are failures",
            Self::Probe => "its probe failed",
            Self::Lie => "it delivered a proof that does not verify",
        })
    }
}

/// What a breaker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Work passes.
    Closed,
    /// No work passes until then; [`Timestamp::NEVER`] for until somebody resets it. Then one piece does.
    Open {
        /// When the cool-down ends.
        until: Timestamp,
        /// Why.
        cause: OpenCause,
    },
    /// One piece of work, the probe, is on its way. Its result decides.
    HalfOpen,
}

/// Whether work may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Any work.
    Free,
    /// One piece, to see whether the worker has recovered.
    Probe,
    /// None.
    Denied,
}

/// A worker's circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitBreaker {
    pub(super) state: BreakerState,
    /// The last results, the newest in the lowest bit; one is a failure. Empty unless closed.
    pub(super) results: u64,
    /// How many of these bits are results.
    pub(super) known: u32,
    /// How often it has opened since it was last closed by a success.
    pub(super) openings: u32,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self { state: BreakerState::Closed, results: 0, known: 0, openings: 0 }
    }
}

impl CircuitBreaker {
    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Whether work may be given at this time.
    #[must_use]
    pub fn permit(&self, now: Timestamp) -> Permit {
        match self.state {
            BreakerState::Closed => Permit::Free,
            BreakerState::Open { until, .. } if until <= now && until != Timestamp::NEVER => Permit::Probe,
            BreakerState::Open { .. } | BreakerState::HalfOpen => Permit::Denied,
        }
    }

    /// Work is given. What is given against the breaker's will is not counted as a probe.
    pub fn started(&mut self, now: Timestamp) {
        if self.permit(now) == Permit::Probe {
            self.state = BreakerState::HalfOpen;
        }
    }

    /// Work ended well. While open, that is older work and changes nothing.
    pub fn succeeded(&mut self, config: &BreakerConfig) {
        match self.state {
            BreakerState::Closed => self.push(false, config),
            BreakerState::HalfOpen => *self = Self::default(),
            BreakerState::Open { .. } => {}
        }
    }

    /// Work ended badly. While open, only a lie changes anything.
    pub fn failed(&mut self, failure: Failure, now: Timestamp, config: &BreakerConfig) {
        match (failure, self.state) {
            (Failure::Lied, _) => {
                let until =
                    config.lie_cooldown.map_or(Timestamp::NEVER, |cooldown| clock::after(now, cooldown));
                let until = match self.state {
                    BreakerState::Open { until: before, .. } => before.max(until),
                    BreakerState::Closed | BreakerState::HalfOpen => until,
                };
                self.open(until, OpenCause::Lie);
            }
            (Failure::Withdrawn, BreakerState::HalfOpen) => self.lose_probe(),
            (Failure::Withdrawn, _) | (_, BreakerState::Open { .. }) => {}
            (_, BreakerState::HalfOpen) => self.open(self.cooled(now, config), OpenCause::Probe),
            (_, BreakerState::Closed) => {
                self.push(true, config);
                if self.results.trailing_ones() >= config.consecutive.clamp(1, 64) {
                    self.open(self.cooled(now, config), OpenCause::Consecutive);
                } else if self.known >= config.window.clamp(1, 64)
                    && self.results.count_ones() >= config.failures
                {
                    self.open(self.cooled(now, config), OpenCause::Rate);
                }
            }
        }
    }

    /// Nobody will hear of the probe any more: another one may be given at once.
    pub fn lose_probe(&mut self) {
        if self.state == BreakerState::HalfOpen {
            self.state = BreakerState::Open { until: Timestamp(0), cause: OpenCause::Probe };
        }
    }

    /// The operator trusts the worker again.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn open(&mut self, until: Timestamp, cause: OpenCause) {
        let openings = self.openings.saturating_add(1);
        *self = Self { state: BreakerState::Open { until, cause }, results: 0, known: 0, openings };
    }

    fn cooled(&self, now: Timestamp, config: &BreakerConfig) -> Timestamp {
        let doubled = config.cooldown.saturating_mul(1 << self.openings.min(30));
        clock::after(now, doubled.min(config.max_cooldown))
    }

    fn push(&mut self, failed: bool, config: &BreakerConfig) {
        let window = config.window.max(config.consecutive).clamp(1, 64);
        self.results = (self.results << 1 | u64::from(failed)) & (u64::MAX >> (64 - window));
        self.known = (self.known + 1).min(window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000;

    fn config() -> BreakerConfig {
        BreakerConfig {
            window: 8,
            failures: 4,
            lie_cooldown: Some(Duration::from_secs(86_400)),
            ..BreakerConfig::default()
        }
    }

    fn fail(breaker: &mut CircuitBreaker, second: u64) {
        breaker.failed(Failure::Failed, Timestamp(second * SECOND), &config());
    }

    fn until(breaker: &CircuitBreaker) -> (u64, OpenCause) {
        match breaker.state() {
            BreakerState::Open { until, cause } => (until.0 / SECOND, cause),
            state => panic!("{state:?} is not open"),
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_does_not_let_them() {
        let mut breaker = CircuitBreaker::default();
        fail(&mut breaker, 1);
        fail(&mut breaker, 2);
        breaker.succeeded(&config());
        fail(&mut breaker, 3);
        fail(&mut breaker, 4);
        assert_eq!(breaker.permit(Timestamp(0)), Permit::Free);
        fail(&mut breaker, 5);
        assert_eq!(until(&breaker), (65, OpenCause::Consecutive));
    }

    #[test]
    fn a_failure_rate_opens_it_once_the_window_is_full() {
        let mut breaker = CircuitBreaker::default();
        for second in 0..4 {
            assert_eq!(breaker.state(), BreakerState::Closed);
            breaker.succeeded(&config());
            fail(&mut breaker, second);
        }
        assert_eq!(until(&breaker), (63, OpenCause::Rate));
    }

    #[test]
    fn cool_downs_double_up_to_their_bound_and_a_success_forgets_them() {
        let mut breaker = CircuitBreaker::default();
        (0..3).for_each(|_| fail(&mut breaker, 0));
        let mut now = 0;
        for expected in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            let (end, _) = until(&breaker);
            assert_eq!(end - now, expected);
            now = end;
            assert_eq!(breaker.permit(Timestamp(now * SECOND - 1)), Permit::Denied);
            assert_eq!(breaker.permit(Timestamp(now * SECOND)), Permit::Probe);
            breaker.started(Timestamp(now * SECOND));
            assert_eq!(breaker.permit(Timestamp(now * SECOND)), Permit::Denied, "there is one probe");
            fail(&mut breaker, now);
        }
        breaker.started(Timestamp((now + 3600) * SECOND));
        breaker.succeeded(&config());
        assert_eq!(breaker, CircuitBreaker::default());
    }

    #[test]
    fn a_lie_opens_it_at_once_and_for_long() {
        let mut breaker = CircuitBreaker::default();
        breaker.failed(Failure::Lied, Timestamp(0), &config());
        assert_eq!(until(&breaker), (86_400, OpenCause::Lie));
        breaker.succeeded(&config());
        fail(&mut breaker, 1);
        assert_eq!(until(&breaker), (86_400, OpenCause::Lie), "older work changes nothing");
        let forever = BreakerConfig { lie_cooldown: None, ..config() };
        breaker.failed(Failure::Lied, Timestamp(0), &forever);
        assert_eq!(breaker.permit(Timestamp::NEVER), Permit::Denied);
        breaker.failed(Failure::Lied, Timestamp(0), &config());
        assert_eq!(breaker.permit(Timestamp::NEVER), Permit::Denied, "another lie does not shorten it");
        breaker.reset();
        assert_eq!(breaker.permit(Timestamp(0)), Permit::Free);
    }

    #[test]
    fn a_withdrawn_probe_makes_room_for_another() {
        let mut breaker = CircuitBreaker::default();
        (0..3).for_each(|_| fail(&mut breaker, 0));
        breaker.started(Timestamp(60 * SECOND));
        breaker.failed(Failure::Withdrawn, Timestamp(61 * SECOND), &config());
        assert_eq!(breaker.permit(Timestamp(61 * SECOND)), Permit::Probe);
        breaker.started(Timestamp(61 * SECOND));
        fail(&mut breaker, 61);
        assert_eq!(until(&breaker), (181, OpenCause::Probe));
    }

    #[test]
    fn only_what_a_worker_delivers_can_be_a_lie() {
        let invalid = BackendError::Proof(ProofError::Invalid { why: "no".into() });
        assert_eq!(Failure::from(&invalid), Failure::Lied);
        assert_eq!(Failure::from(&BackendError::Cancelled), Failure::Withdrawn);
        assert_eq!(Failure::from(&BackendError::Refused { why: "no".into() }), Failure::Withdrawn);
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Start,
        Succeed,
        Fail(Failure),
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => Just(Step::Start),
            2 => Just(Step::Succeed),
            4 => Just(Step::Fail(Failure::Failed)),
            1 => Just(Step::Fail(Failure::TimedOut)),
            1 => Just(Step::Fail(Failure::Lied)),
            1 => Just(Step::Fail(Failure::Withdrawn)),
            3 => (0..200 * SECOND).prop_map(Step::Wait),
        ]
    }

    proptest! {
        #[test]
        fn it_never_denies_for_longer_than_its_cool_down_and_never_grants_within(
            steps in proptest::collection::vec(step(), 0..80)
        ) {
            let config = config();
            let mut breaker = CircuitBreaker::default();
            let mut now = Timestamp(0);
            for step in steps {
                let before = breaker;
                match step {
                    Step::Start => breaker.started(now),
                    Step::Succeed => breaker.succeeded(&config),
                    Step::Fail(failure) => breaker.failed(failure, now, &config),
                    Step::Wait(time) => now.0 += time,
                }
                if let BreakerState::Open { until, cause } = breaker.state() {
                    let longest = if cause == OpenCause::Lie { config.lie_cooldown.unwrap() } else { config.max_cooldown };
                    prop_assert!(until <= clock::after(now, longest));
                    prop_assert_eq!(breaker.permit(now) == Permit::Denied, now < until);
                }
                if matches!(step, Step::Fail(Failure::Lied)) {
                    prop_assert_eq!(breaker.permit(now), Permit::Denied);
                    prop_assert_eq!(until(&breaker).1, OpenCause::Lie);
                }
                // An open breaker closes only through a probe that succeeds.
                if breaker.state() == BreakerState::Closed && before.state() != BreakerState::Closed {
                    prop_assert_eq!(before.state(), BreakerState::HalfOpen);
                    prop_assert!(matches!(step, Step::Succeed));
                }
                if breaker.state() == BreakerState::Closed {
                    prop_assert!(breaker.results.trailing_ones() < config.consecutive);
                }
                prop_assert!(breaker.known <= 64 && breaker.results.checked_shr(breaker.known).unwrap_or(0) == 0);
            }
        }
    }
}
