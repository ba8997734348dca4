//! Cutting a range that no worker takes whole into parts that one takes.

use std::ops::Range;

use transition::BatchRange;

use crate::router::Workload;

/// Consecutive parts of a range, each as long as it fits. A batch that does not fit alone is a part of its own.
pub fn cut(range: &BatchRange, fits: impl Fn(&Workload) -> bool) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut part = Workload::default();
    for (at, input) in range.inputs().iter().enumerate() {
        let batch = Workload::of_batch(input);
        let mut longer = part;
        longer += batch;
        match parts.last_mut() {
            Some(last) if fits(&longer) => {
                last.end = at + 1;
                part = longer;
            }
            _ => {
                parts.push(at..at + 1);
                part = batch;
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use test_batches::Sealer;

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "one part is a list of one range")]
    fn parts_are_as_long_as_they_fit_and_hold_every_batch_once() {
        let mut sealer = Sealer::simulated();
        let sizes = [30, 30, 50, 10, 200, 40, 70];
        let range = BatchRange::new(sizes.map(|size| sealer.seal(size).input).into()).unwrap();
        for (limit, expected) in [
            (0, vec![0..1, 1..2, 2..3, 3..4, 4..5, 5..6, 6..7]),
            (60, vec![0..2, 2..4, 4..5, 5..6, 6..7]),
            (120, vec![0..4, 4..5, 5..7]),
            (430, vec![0..7]),
        ] {
            assert_eq!(cut(&range, |work| work.commands <= limit), expected, "{limit}");
        }
    }
}
