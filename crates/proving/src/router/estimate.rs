//! What a worker would make of a request: measured where it can be, assumed where not.

use std::time::Duration;

use types::Timestamp;
use verifier::{ProofKind, ProofSystem};

use super::{Line, MicroDollars, Profile, WorkerDescription, Workload};

/// How many of its own assumed results a worker's real ones are held against.
const PRIOR_WEIGHT: f64 = 2.0;
/// How often work is assumed to succeed.
const PRIOR_SUCCESS: f64 = 0.8;

/// A system's cycles as a linear function of the work. Each worker's profile learns by how much it is off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CycleModel {
    /// Cycles for each batch.
    pub fixed: f64,
    /// For each command.
    pub command: f64,
    /// For each signature.
    pub signature: f64,
    /// For each byte of witness.
    pub witness_byte: f64,
}

impl CycleModel {
    /// What was measured of the committed guest on recorded and simulated flow, in batches of 1 to 1,000 commands. The tests
    /// that pin the cycles hold it against them.
    #[must_use]
    pub const fn measured(system: ProofSystem) -> Self {
        match system {
            ProofSystem::Sp1 => {
                Self { fixed: 28_000.0, command: 7_100.0, signature: 16_000.0, witness_byte: 74.0 }
            }
            ProofSystem::Zisk => {
                Self { fixed: 1_000.0, command: 4_600.0, signature: 8_000.0, witness_byte: 26.0 }
            }
        }
    }

    /// The cycles of that work.
    #[must_use]
    pub fn cycles(&self, work: &Workload) -> f64 {
        self.fixed * work.batches as f64
            + self.command * work.commands as f64
            + self.signature * work.signatures as f64
            + self.witness_byte * work.witness_bytes as f64
    }
}

/// What a worker would make of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Cycles to prove, in the system's own unit: the complexity of the request.
    pub cycles: u64,
    /// Until the worker can begin: the work that it has in flight.
    pub waiting: Duration,
    /// From there to the proof.
    pub proving: Duration,
    /// Bytes of proof.
    pub proof_bytes: u64,
    /// Time to verify it.
    pub verification: Duration,
    /// How likely the worker is to succeed, above zero and at most one.
    pub success: f64,
    /// What the proving costs.
    pub cost: MicroDollars,
    /// How many measurements of this worker and kind there are, good or bad. Without any, all of this is assumed.
    pub samples: u64,
}

impl Estimate {
    /// From now to the proof.
    #[must_use]
    pub fn completion(&self) -> Duration {
        self.waiting.saturating_add(self.proving)
    }

    pub(super) fn new(
        worker: &WorkerDescription,
        profile: &Profile,
        model: &CycleModel,
        kind: ProofKind,
        work: &Workload,
        waiting: Duration,
        (now, half_life): (Timestamp, Duration),
    ) -> Self {
        let cycles = (model.cycles(work) * profile.cycle_ratio()).ceil() as u64;
        let mega_cycles = cycles as f64 / 1e6;
        let assumed = Assumed::of(kind);
        let known = profile.kind(kind).copied().unwrap_or_default();
        let seconds = known.proving.fit(assumed.seconds).at(mega_cycles);
        let results = known.success.weight(now, half_life);
        let good = known.success.value().unwrap_or(0.0) * results;
        Self {
            cycles,
            waiting,
            proving: duration(seconds),
            proof_bytes: known.proof_bytes.fit(assumed.bytes).at(mega_cycles).ceil() as u64,
            verification: duration(known.verification.value().unwrap_or(assumed.verification)),
            success: (good + PRIOR_SUCCESS * PRIOR_WEIGHT) / (results + PRIOR_WEIGHT),
            cost: MicroDollars((seconds * worker.price.0 as f64).ceil() as u64),
            samples: known.samples,
        }
    }
}

/// What is assumed of a worker that never made a kind: about twice what SP1 6.10 took on two shared cores (a core proof
/// of 2.5 million cycles took 430 s and had 5.8 MB, a compressed one of 0.14 million 559 s and 1.3 MB), and for
/// wrapped proofs a guess on the safe side.
struct Assumed {
    seconds: Line,
    bytes: Line,
    verification: f64,
}

impl Assumed {
    fn of(kind: ProofKind) -> Self {
        let (seconds, bytes, verification) = match kind {
            ProofKind::Executed => ((1.0, 0.2), (0.0, 0.0), 0.0),
            ProofKind::Core => ((200.0, 300.0), (8e6, 2e6), 0.5),
            ProofKind::Compressed => ((1200.0, 600.0), (2e6, 0.0), 0.2),
            ProofKind::Groth16 => ((3600.0, 600.0), (2048.0, 0.0), 0.1),
            ProofKind::Plonk => ((7200.0, 600.0), (2048.0, 0.0), 0.1),
        };
        let line = |(fixed, per_mega)| Line { fixed, per_mega };
        Self { seconds: line(seconds), bytes: line(bytes), verification }
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::Run;
    use std::collections::BTreeSet;

    const HALF_LIFE: Duration = Duration::from_secs(3600);

    fn estimate(profile: &Profile) -> Estimate {
        let worker = WorkerDescription {
            id: crate::WorkerId([1; 32]),
            system: ProofSystem::Sp1,
            device: "cpu".into(),
            kinds: BTreeSet::from([ProofKind::Core]),
            max_cycles: u64::MAX,
            slots: 1,
            price: MicroDollars(10),
        };
        let model = CycleModel { fixed: 0.0, command: 1e4, signature: 0.0, witness_byte: 0.0 };
        let work = Workload { batches: 1, commands: 100, ..Workload::default() };
        Estimate::new(
            &worker,
            profile,
            &model,
            ProofKind::Core,
            &work,
            Duration::ZERO,
            (Timestamp(0), HALF_LIFE),
        )
    }

    #[test]
    fn nothing_measured_is_assumed_slow() {
        let estimate = estimate(&Profile::default());
        assert_eq!(estimate.cycles, 1_000_000);
        assert_eq!(estimate.proving, Duration::from_secs(500));
        assert_eq!(estimate.proof_bytes, 10_000_000);
        assert_eq!(estimate.cost, MicroDollars(5000));
        assert_eq!(estimate.samples, 0);
        assert!((estimate.success - 0.8).abs() < 1e-9);
    }

    #[test]
    fn measurements_replace_assumptions() {
        let mut profile = Profile::default();
        let run = Run {
            kind: ProofKind::Core,
            workload: Workload { batches: 1, commands: 100, ..Workload::default() },
            cycles: 1_000_000,
            elapsed: Duration::from_secs(50),
            proof_bytes: 3_000_000,
            verification: Duration::from_millis(80),
        };
        let model = CycleModel { fixed: 0.0, command: 1e4, signature: 0.0, witness_byte: 0.0 };
        profile.succeeded(&run, &model, Timestamp(0), HALF_LIFE);
        let estimate = estimate(&profile);
        assert_eq!(estimate.proving, Duration::from_secs(50));
        assert_eq!(estimate.proof_bytes, 3_000_000);
        assert_eq!(estimate.verification, Duration::from_millis(80));
        assert!(estimate.success > 0.85);
    }
}
