//! What a worker has shown that it can do: decayed averages over its real runs.

use std::collections::BTreeMap;
use std::time::Duration;

use types::Timestamp;
use verifier::ProofKind;

use super::{CycleModel, DecayedLine, DecayedMean, Workload};

/// A run that ended well, as whoever received the proof measured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// What was made.
    pub kind: ProofKind,
    /// Of what.
    pub workload: Workload,
    /// Exactly how many cycles it was, in the system's own unit.
    pub cycles: u64,
    /// How long it took, from taking the work to delivering the proof.
    pub elapsed: Duration,
    /// How large the proof is; zero for an execution.
    pub proof_bytes: u64,
    /// How long the receiver took to verify it; zero for an execution.
    pub verification: Duration,
}

/// What is known of a worker making proofs of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KindProfile {
    /// Runs ever measured, good or bad.
    pub samples: u64,
    /// One for every success, zero for every failure.
    pub success: DecayedMean,
    /// Seconds of proving by million cycles.
    pub proving: DecayedLine,
    /// Bytes of proof by million cycles.
    pub proof_bytes: DecayedLine,
    /// Seconds of verification.
    pub verification: DecayedMean,
}

/// What is known of a worker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    pub(super) kinds: BTreeMap<ProofKind, KindProfile>,
    /// Real cycles by estimated ones.
    pub(super) cycle_ratio: DecayedMean,
}

impl Profile {
    /// What is known of one kind; none if it was never tried.
    #[must_use]
    pub fn kind(&self, kind: ProofKind) -> Option<&KindProfile> {
        self.kinds.get(&kind)
    }

    /// How many cycles it executes in a second, from runs of [`ProofKind::Executed`]; none without any.
    #[must_use]
    pub fn execution_rate(&self) -> Option<f64> {
        let (mega_cycles, seconds) = self.kind(ProofKind::Executed)?.proving.averages()?;
        (seconds > 0.0).then(|| mega_cycles * 1e6 / seconds)
    }

    /// By how much real cycles differ from what the model says, on average: `1.0` until measured.
    #[must_use]
    pub fn cycle_ratio(&self) -> f64 {
        self.cycle_ratio.value().unwrap_or(1.0)
    }

    /// Takes in a success.
    pub fn succeeded(&mut self, run: &Run, model: &CycleModel, now: Timestamp, half_life: Duration) {
        let mega_cycles = run.cycles as f64 / 1e6;
        let kind = self.kinds.entry(run.kind).or_default();
        kind.samples = kind.samples.saturating_add(1);
        kind.success.record(1.0, now, half_life);
        kind.proving.record(mega_cycles, run.elapsed.as_secs_f64(), now, half_life);
        kind.proof_bytes.record(mega_cycles, run.proof_bytes as f64, now, half_life);
        kind.verification.record(run.verification.as_secs_f64(), now, half_life);
        let expected = model.cycles(&run.workload);
        if expected > 0.0 {
            self.cycle_ratio.record(run.cycles as f64 / expected, now, half_life);
        }
    }

    /// Takes in a failure.
    pub fn failed(&mut self, kind: ProofKind, now: Timestamp, half_life: Duration) {
        let kind = self.kinds.entry(kind).or_default();
        kind.samples = kind.samples.saturating_add(1);
        kind.success.record(0.0, now, half_life);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_execution_rate_and_the_cycle_ratio_are_those_of_real_runs() {
        let mut profile = Profile::default();
        assert_eq!(profile.execution_rate(), None);
        let model = CycleModel { fixed: 0.0, command: 1000.0, signature: 0.0, witness_byte: 0.0 };
        let run = Run {
            kind: ProofKind::Executed,
            workload: Workload { batches: 1, commands: 1000, ..Workload::default() },
            cycles: 3_000_000,
            elapsed: Duration::from_millis(100),
            proof_bytes: 0,
            verification: Duration::ZERO,
        };
        profile.succeeded(&run, &model, Timestamp(0), Duration::from_secs(1));
        assert!((profile.execution_rate().unwrap() - 3e7).abs() < 1.0);
        assert!((profile.cycle_ratio() - 3.0).abs() < 1e-9);
    }
}
