//! Averages in which old measurements lose weight.
//!
//! A measurement weighs one when it is made and half of that a half-life later, whether or not others follow. The sum
//! of weights says how much is known. It is held under a bound, so that in a burst of measurements the newest one
//! still counts for a sixty-fourth.

use std::time::Duration;

use types::Timestamp;

use super::clock;

/// More weight is never kept.
const MAX_WEIGHT: f64 = 64.0;

/// A decayed average of one quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DecayedMean {
    pub(super) mean: f64,
    pub(super) weight: f64,
    pub(super) updated: Timestamp,
}

impl DecayedMean {
    /// The average; none before the first measurement.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then_some(self.mean)
    }

    /// How many fresh measurements the old ones are worth at this time.
    #[must_use]
    pub fn weight(&self, now: Timestamp, half_life: Duration) -> f64 {
        self.weight * decay(self.updated, now, half_life)
    }

    /// Takes in a measurement: finite and not negative.
    pub fn record(&mut self, value: f64, now: Timestamp, half_life: Duration) {
        let share = self.make_room(now, half_life);
        self.mean = mix(self.mean, value, share);
    }

    /// Ages what is there, and returns the share of the newest measurement.
    fn make_room(&mut self, now: Timestamp, half_life: Duration) -> f64 {
        self.weight = (self.weight(now, half_life) + 1.0).min(MAX_WEIGHT);
        self.updated = self.updated.max(now);
        self.weight.recip()
    }
}

/// A straight line over millions of cycles: a fixed part, and a part for each million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// What the smallest work takes.
    pub fixed: f64,
    /// What each million cycles adds.
    pub per_mega: f64,
}

impl Line {
    /// The line's value at that many million cycles.
    #[must_use]
    pub fn at(&self, mega_cycles: f64) -> f64 {
        self.fixed + self.per_mega * mega_cycles
    }
}

/// A line fitted to measurements by least squares, old ones losing weight: the decayed averages of cycles, quantity,
/// and their products.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DecayedLine {
    /// The average quantity, and the weights.
    pub(super) y: DecayedMean,
    pub(super) x: f64,
    pub(super) xx: f64,
    pub(super) xy: f64,
}

impl DecayedLine {
    /// Takes in a quantity measured on that many million cycles, both finite and not negative.
    pub fn record(&mut self, mega_cycles: f64, value: f64, now: Timestamp, half_life: Duration) {
        let share = self.y.make_room(now, half_life);
        self.y.mean = mix(self.y.mean, value, share);
        self.x = mix(self.x, mega_cycles, share);
        self.xx = mix(self.xx, mega_cycles * mega_cycles, share);
        self.xy = mix(self.xy, mega_cycles * value, share);
    }

    /// The averages of million cycles and of the quantity; none before the first measurement.
    #[must_use]
    pub fn averages(&self) -> Option<(f64, f64)> {
        self.y.value().map(|y| (self.x, y))
    }

    /// The line. It passes through the averages, and neither part is negative.
    ///
    /// Measurements that are nearly all of one size say nothing about the slope: then it is `assumed`, scaled to pass
    /// through the averages. Before the first measurement it is `assumed` itself.
    #[must_use]
    pub fn fit(&self, assumed: Line) -> Line {
        let Some((x, y)) = self.averages() else { return assumed };
        let variance = self.xx - x * x;
        // A standard deviation of a tenth of the average tells a slope from noise.
        if variance > 0.01 * x * x {
            let per_mega = ((self.xy - x * y) / variance).clamp(0.0, y / x);
            return Line { fixed: (y - per_mega * x).max(0.0), per_mega };
        }
        let expected = assumed.at(x);
        if expected <= 0.0 {
            return Line { fixed: y, per_mega: 0.0 };
        }
        let scale = y / expected;
        Line { fixed: assumed.fixed * scale, per_mega: assumed.per_mega * scale }
    }
}

fn decay(updated: Timestamp, now: Timestamp, half_life: Duration) -> f64 {
    (-clock::elapsed(updated, now).as_secs_f64() / half_life.as_secs_f64().max(1e-6)).exp2()
}

/// Between the two, also where rounding would lead outside.
fn mix(old: f64, new: f64, share: f64) -> f64 {
    (old + (new - old) * share).clamp(old.min(new), old.max(new))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const ASSUMED: Line = Line { fixed: 100.0, per_mega: 50.0 };

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn after_a_half_life_a_new_measurement_counts_double() {
        let mut mean = DecayedMean::default();
        mean.record(10.0, at(0), HOUR);
        mean.record(40.0, at(3600), HOUR);
        assert!((mean.value().unwrap() - 30.0).abs() < 1e-9);
        assert!((mean.weight(at(7200), HOUR) - 0.75).abs() < 1e-9);
    }

    #[test]
    fn a_burst_of_measurements_does_not_drown_the_next_one() {
        let mut mean = DecayedMean::default();
        for _ in 0..10_000 {
            mean.record(1.0, at(0), HOUR);
        }
        mean.record(65.0, at(0), HOUR);
        assert!((mean.value().unwrap() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_line_finds_its_fixed_part_and_its_slope() {
        let mut line = DecayedLine::default();
        for (second, x) in (0..).zip([1.0, 2.0, 5.0, 3.0]) {
            line.record(x, 80.0 + 30.0 * x, at(second), HOUR);
        }
        let fit = line.fit(ASSUMED);
        assert!((fit.fixed - 80.0).abs() < 1e-6 && (fit.per_mega - 30.0).abs() < 1e-6, "{fit:?}");
    }

    #[test]
    fn measurements_of_one_size_scale_the_assumed_line() {
        let mut line = DecayedLine::default();
        assert_eq!(line.fit(ASSUMED), ASSUMED);
        line.record(2.0, 100.0, at(0), HOUR);
        line.record(2.0, 100.0, at(1), HOUR);
        assert_eq!(line.fit(ASSUMED), Line { fixed: 50.0, per_mega: 25.0 });
    }

    fn measurements() -> impl Strategy<Value = Vec<(f64, f64, u64)>> {
        proptest::collection::vec((0.0..1e6f64, 0.0..1e6f64, 0u64..100_000), 1..30)
    }

    proptest! {
        #[test]
        fn averages_stay_within_what_was_observed(measurements in measurements()) {
            let mut mean = DecayedMean::default();
            let mut line = DecayedLine::default();
            for (x, y, time) in &measurements {
                mean.record(*y, at(*time), HOUR);
                line.record(*x, *y, at(*time), HOUR);
            }
            let least = measurements.iter().map(|m| m.1).fold(f64::INFINITY, f64::min);
            let most = measurements.iter().map(|m| m.1).fold(0.0, f64::max);
            prop_assert!((least..=most).contains(&mean.value().unwrap()));
            let (x, y) = line.averages().unwrap();
            prop_assert!((least..=most).contains(&y));
            let fit = line.fit(ASSUMED);
            prop_assert!(fit.fixed >= 0.0 && fit.per_mega >= 0.0);
            prop_assert!((fit.at(x) - y).abs() <= 1e-6 * (1.0 + y), "{} at the average, not {}", fit.at(x), y);
        }
    }
}
