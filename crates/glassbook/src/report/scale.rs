//! From values to places in a picture, and the values worth a mark.

/// Values from `low` to `high`, drawn from `from` to `to`.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// A scale; an empty range is widened.
    pub fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to }
    }

    /// Where a value is drawn.
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The range of values.
    pub fn range(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// About `wanted` round values in the range.
    pub fn ticks(&self, wanted: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / wanted.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough);
        self.multiples(step.unwrap_or(power * 10.0))
    }

    /// About `wanted` round times in a range of seconds.
    pub fn time_ticks(&self, wanted: usize) -> Vec<f64> {
        const STEPS: [f64; 22] = [
            0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0,
            1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0, 86_400.0, 604_800.0,
        ];
        let rough = (self.high - self.low) / wanted.max(1) as f64;
        self.multiples(STEPS.into_iter().find(|step| *step >= rough).unwrap_or(rough))
    }

    fn multiples(&self, step: f64) -> Vec<f64> {
        let first = (self.low / step).ceil();
        let count = ((self.high / step).floor() - first).clamp(0.0, 100.0) as usize;
        (0..=count).map(|at| (first + at as f64) * step).filter(|value| *value <= self.high).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_within() {
        let scale = Scale::new(2_207.2, 2_236.7, 0.0, 100.0);
        assert_eq!(scale.ticks(6), [2_210.0, 2_215.0, 2_220.0, 2_225.0, 2_230.0, 2_235.0]);
        assert_eq!(scale.at(2_207.2), 0.0);
        assert_eq!(scale.at(2_236.7), 100.0);
        let minutes = Scale::new(30.0, 400.0, 0.0, 1.0).time_ticks(4);
        assert_eq!(minutes, [120.0, 240.0, 360.0]);
    }

    #[test]
    fn an_empty_range_still_has_a_scale() {
        let scale = Scale::new(5.0, 5.0, 0.0, 10.0);
        assert!(scale.at(5.0).is_finite());
        assert!(!scale.ticks(5).is_empty());
    }
}
