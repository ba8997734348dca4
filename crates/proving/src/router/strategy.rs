//! What makes one candidate better than another.
//!
//! A score is a sum of points, less is better. A point is a doubling: of the time to the proof, of its size, of its
//! cost, of the tries it takes. The weights say how much a doubling matters. So a score is a property of the candidate
//! and the request alone: other candidates cannot change it, and the difference of two scores can be read as a factor.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Estimate;

/// What to optimise for, among the candidates that are within the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// The earliest proof.
    Latency,
    /// The smallest proof, and of equally small ones the earlier.
    Size,
    /// The worker that fails least. Never tries anybody out.
    Reliability,
    /// Time, cost, size and tries together.
    #[default]
    Balanced,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Latency, Self::Size, Self::Reliability, Self::Balanced];

    /// Its name in options and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Size => "size",
            Self::Reliability => "reliability",
            Self::Balanced => "balanced",
        }
    }

    /// What a doubling of time, size, cost and tries counts.
    fn weights(self) -> [f64; 4] {
        match self {
            // A failed try costs its time again, so tries multiply the expected time. Cost decides between equals.
            Self::Latency => [1.0, 0.0, 0.05, 1.0],
            // Half the size is worth a thousand times the time.
            Self::Size => [0.1, 1.0, 0.0, 0.1],
            // One failure in ten is 0.15 doublings: heavy, so that it outweighs a worker that is twice as fast.
            Self::Reliability => [0.2, 0.0, 0.0, 8.0],
            // Money as much as time; size only where it differs by multiples.
            Self::Balanced => [1.0, 0.25, 1.0, 2.0],
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == name)
            .ok_or("a strategy is one of latency, size, reliability, balanced")
    }
}

/// The points of a candidate, less is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// For the time to the proof, over a millisecond.
    pub latency: f64,
    /// For the size, over a byte.
    pub size: f64,
    /// For the cost, over a millionth of a dollar.
    pub cost: f64,
    /// For the tries that a success is expected to take, over one.
    pub tries: f64,
    /// Off for being of the preferred system.
    pub preference: f64,
    /// Off for being tried out: never measured, or due for a probe.
    pub trial: f64,
}

impl Score {
    /// All points together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.latency + self.size + self.cost + self.tries - self.preference - self.trial
    }

    pub(super) fn new(strategy: Strategy, estimate: &Estimate, preference: f64, trial: f64) -> Self {
        let [latency, size, cost, tries] = strategy.weights();
        Self {
            latency: latency * doublings(estimate.completion().as_secs_f64() * 1e3),
            size: size * doublings(estimate.proof_bytes as f64),
            cost: cost * doublings(estimate.cost.0 as f64),
            tries: tries * doublings(estimate.success.recip()),
            preference,
            trial,
        }
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latency, size, cost, tries, preference, trial } = self;
        write!(
            f,
            "{:.2} points (time {latency:.2}, size {size:.2}, cost {cost:.2}, tries {tries:.2}",
            self.total()
        )?;
        if *preference > 0.0 {
            write!(f, ", preferred -{preference:.2}")?;
        }
        if *trial > 0.0 {
            write!(f, ", to try it out -{trial:.2}")?;
        }
        f.write_str(")")
    }
}

fn doublings(quantity: f64) -> f64 {
    quantity.max(1.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::MicroDollars;
    use std::time::Duration;

    fn estimate(seconds: u64, proof_bytes: u64, success: f64, cost: u64) -> Estimate {
        Estimate {
            cycles: 1_000_000,
            waiting: Duration::ZERO,
            proving: Duration::from_secs(seconds),
            proof_bytes,
            verification: Duration::from_millis(80),
            success,
            cost: MicroDollars(cost),
            samples: 9,
        }
    }

    fn best(strategy: Strategy) -> usize {
        let candidates = [
            estimate(50, 5_000_000, 0.70, 9_000),
            estimate(900, 1_000, 0.90, 90_000),
            estimate(200, 5_000_000, 0.99, 9_000),
            estimate(120, 2_000_000, 0.95, 900),
        ];
        let total = |at: &usize| Score::new(strategy, &candidates[*at], 0.0, 0.0).total();
        (0..4).min_by(|a, b| total(a).total_cmp(&total(b))).unwrap()
    }

    #[test]
    fn every_strategy_chooses_what_it_is_named_for() {
        assert_eq!(Strategy::ALL.map(best), [0, 1, 2, 3]);
        for strategy in Strategy::ALL {
            assert_eq!(strategy.name().parse(), Ok(strategy));
        }
    }

    #[test]
    fn a_point_is_a_doubling() {
        let points = |seconds| Score::new(Strategy::Latency, &estimate(seconds, 1, 1.0, 0), 0.0, 0.0).total();
        assert!((points(80) - points(40) - 1.0).abs() < 1e-9);
    }
}
