//! Counts and times, made from the jobs themselves: a restart loses none of them.

use serde::{Deserialize, Serialize};

use crate::job::{Job, JobState};

/// How proving goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs that are worked on.
    pub proving: u64,
    /// Jobs with a proof that was checked.
    pub proved: u64,
    /// Jobs of the kind "executed": done, and NOT proved.
    pub executed: u64,
    /// Jobs that were given up.
    pub failed: u64,
    /// Jobs that nobody wanted any more.
    pub cancelled: u64,
    /// Jobs that became smaller ones.
    pub split: u64,
    /// Of the jobs that ended by themselves, those that succeeded, in thousandths.
    pub success_permille: Option<u64>,
    /// Commands in proved jobs.
    pub commands_proved: u64,
    /// Times a job was handed out.
    pub attempts: u64,
    /// Milliseconds from being asked for to being handed out.
    pub queue_wait: Summary,
    /// Milliseconds from being handed out to the proof.
    pub proving_time: Summary,
    /// Of the system's own unit.
    pub cycles: Summary,
    /// Of the proof files.
    pub proof_bytes: Summary,
    /// Microseconds that the node checked.
    pub verify_micros: Summary,
}

/// Some values of a distribution, by nearest rank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// How many values.
    pub count: u64,
    /// The mean, rounded down.
    pub mean: u64,
    /// Half are at most this.
    pub p50: u64,
    /// Nine of ten are at most this.
    pub p90: u64,
    /// All but one in a hundred are at most this.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}

impl Summary {
    /// Of these values.
    #[must_use]
    pub fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let Some(max) = values.last().copied() else { return Self::default() };
        let rank = |percent: usize| values[(values.len() * percent).div_ceil(100).saturating_sub(1)];
        let sum: u128 = values.iter().map(|value| u128::from(*value)).sum();
        Self {
            count: values.len() as u64,
            mean: u64::try_from(sum / values.len() as u128).unwrap_or(u64::MAX),
            p50: rank(50),
            p90: rank(90),
            p99: rank(99),
            max,
        }
    }
}

impl Statistics {
    /// Of these jobs.
    #[must_use]
    pub fn of<'a>(jobs: impl Iterator<Item = &'a Job>) -> Self {
        let mut all = Self::default();
        let mut done = Vec::new();
        for job in jobs {
            all.attempts += u64::from(job.attempts);
            match &job.state {
                JobState::Queued { .. } => all.queued += 1,
                JobState::Leased(_) => all.proving += 1,
                JobState::Failed { .. } => all.failed += 1,
                JobState::Cancelled { .. } => all.cancelled += 1,
                JobState::Split { .. } => all.split += 1,
                JobState::Done(figures) => {
                    if job.kind.is_proof() {
                        all.proved += 1;
                        all.commands_proved += job.commands;
                    } else {
                        all.executed += 1;
                    }
                    done.push(figures);
                }
            }
        }
        let succeeded = all.proved + all.executed;
        all.success_permille = (1000 * succeeded).checked_div(succeeded + all.failed);
        let summary = |of: fn(&crate::job::Figures) -> u64| Summary::of(done.iter().map(|f| of(f)).collect());
        all.queue_wait = summary(|figures| figures.queue_wait);
        all.proving_time = summary(|figures| figures.proving);
        // 0 is not known.
        all.cycles =
            Summary::of(done.iter().map(|figures| figures.cycles).filter(|cycles| *cycles > 0).collect());
        all.proof_bytes = summary(|figures| figures.proof_bytes);
        all.verify_micros = summary(|figures| figures.verify_micros);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let summary = Summary::of((1..=100).rev().collect());
        assert_eq!((summary.p50, summary.p90, summary.p99, summary.max), (50, 90, 99, 100));
        assert_eq!((summary.count, summary.mean), (100, 50));
        assert_eq!(Summary::of(vec![7]), Summary { count: 1, mean: 7, p50: 7, p90: 7, p99: 7, max: 7 });
        assert_eq!(Summary::of(Vec::new()), Summary::default());
    }
}
