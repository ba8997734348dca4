//! Multi-scalar multiplication over points that never change, and folding many of them at once.
//!
//! The generators of an inner-product argument are known long before anything is committed, so their multiples by powers
//! of two are kept: all windows of all scalars then fall into one set of Pippenger's buckets, with no doublings. Buckets
//! are summed in affine coordinates, where an addition costs six multiplications when the inversions are shared by
//! Montgomery's trick, instead of eleven in Jacobian ones.
//!
//! Variable time, like all of this crate: nothing here is secret.

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field, PrimeField, Zero};
use ark_pallas::{Affine, Fq, Fr, Projective};
use rayon::prelude::*;

/// Bits of a window of the kept multiples. Folding uses windows of this width; sums over many points use two at once.
const NARROW: usize = 5;
/// Bits of two windows.
const WIDE: usize = 2 * NARROW;
/// Windows of [`NARROW`] bits in a scalar of 255 bits and a carry; even.
const WINDOWS: usize = 52;
/// Points whose buckets are summed with shared inversions when folding.
const TOGETHER: usize = 4;

/// Points with their multiples by 2^5, 2^10, ..., 2^255.
#[derive(Clone, Debug)]
pub struct FixedBases {
    /// Window by window: `multiples[window * len + i]` is 2^(5 * window) times point `i`.
    multiples: Vec<Affine>,
    len: usize,
}

impl FixedBases {
    /// Computes the multiples: about 255 doublings a point, 3.4 KB a point.
    #[must_use]
    pub fn new(points: &[Affine]) -> Self {
        let len = points.len();
        let columns: Vec<Vec<Affine>> = points
            .par_chunks(16)
            .map(|chunk| {
                let mut multiples = Vec::with_capacity(WINDOWS * chunk.len());
                let mut current: Vec<Projective> = chunk.iter().map(|p| p.into_group()).collect();
                for window in 0..WINDOWS {
                    if window > 0 {
                        for point in &mut current {
                            for _ in 0..NARROW {
                                point.double_in_place();
                            }
                        }
                    }
                    multiples.extend_from_slice(&current);
                }
                Projective::normalize_batch(&multiples)
            })
            .collect();
        let mut multiples = Vec::with_capacity(WINDOWS * len);
        for window in 0..WINDOWS {
            for column in &columns {
                let width = column.len() / WINDOWS;
                multiples.extend_from_slice(&column[window * width..(window + 1) * width]);
            }
        }
        Self { multiples, len }
    }

    /// How many points there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The points themselves.
    pub fn points(&self) -> &[Affine] {
        &self.multiples[..self.len]
    }

    /// The sum of scalar times point over `terms`, pairs of a point's index and its scalar.
    ///
    /// # Panics
    ///
    /// When an index is not below [`Self::len`].
    pub fn msm(&self, terms: &[(usize, Fr)]) -> Projective {
        // Few terms do not fill many buckets.
        if terms.len() < 128 { self.msm_in::<NARROW>(terms) } else { self.msm_in::<WIDE>(terms) }
    }

    fn msm_in<const WIDTH: usize>(&self, terms: &[(usize, Fr)]) -> Projective {
        let step = WIDTH / NARROW;
        let windows = WINDOWS / step;
        let mut digits = vec![0i16; terms.len() * windows];
        let mut lengths = vec![0usize; 1 << (WIDTH - 1)];
        for ((_, scalar), digits) in terms.iter().zip(digits.chunks_exact_mut(windows)) {
            signed_digits::<WIDTH>(scalar, digits);
            for digit in digits.iter().filter(|digit| **digit != 0) {
                lengths[usize::from(digit.unsigned_abs()) - 1] += 1;
            }
        }
        let mut ends = starts(&lengths);
        let mut points = vec![Affine::zero(); lengths.iter().sum()];
        for ((index, _), digits) in terms.iter().zip(digits.chunks_exact(windows)) {
            assert!(*index < self.len, "no such point");
            for (window, digit) in digits.iter().enumerate().filter(|(_, digit)| **digit != 0) {
                let end = &mut ends[usize::from(digit.unsigned_abs()) - 1];
                points[*end] = signed(&self.multiples[window * step * self.len + index], *digit);
                *end += 1;
            }
        }
        let sums = sum_runs(points, &mut lengths);
        weighted_sum(&sums)
    }

    /// Folds: of `scalars.len()` equal parts of the points, the sum of scalar times part, point by point.
    ///
    /// # Panics
    ///
    /// When the points cannot be parted so.
    #[must_use]
    pub fn fold(&self, scalars: &[Fr]) -> Vec<Affine> {
        assert!(!scalars.is_empty() && self.len.is_multiple_of(scalars.len()), "parts are equal");
        let folded = self.len / scalars.len();
        // Every result takes the same digits, so the order of additions is worked out once.
        let mut by_bucket: Vec<Vec<(usize, i16)>> = vec![Vec::new(); 1 << (NARROW - 1)];
        let mut digits = [0i16; WINDOWS];
        for (part, scalar) in scalars.iter().enumerate() {
            signed_digits::<NARROW>(scalar, &mut digits);
            for (window, digit) in digits.iter().enumerate().filter(|(_, digit)| **digit != 0) {
                let at = window * self.len + part * folded;
                by_bucket[usize::from(digit.unsigned_abs()) - 1].push((at, *digit));
            }
        }
        let lengths: Vec<usize> = by_bucket.iter().map(Vec::len).collect();
        let order: Vec<(usize, i16)> = by_bucket.concat();
        let indices: Vec<usize> = (0..folded).collect();
        let sums: Vec<Projective> = indices
            .par_chunks(TOGETHER)
            .flat_map_iter(|chunk| {
                // Neighbours are read together: they lie together in memory.
                let mut points = vec![Affine::zero(); order.len() * chunk.len()];
                for (place, (at, digit)) in order.iter().enumerate() {
                    for (result, index) in chunk.iter().enumerate() {
                        points[result * order.len() + place] = signed(&self.multiples[at + index], *digit);
                    }
                }
                let mut lengths = lengths.repeat(chunk.len());
                let sums = sum_runs(points, &mut lengths);
                sums.chunks_exact(1 << (NARROW - 1)).map(weighted_sum).collect::<Vec<_>>()
            })
            .collect();
        Projective::normalize_batch(&sums)
    }
}

/// A scalar in digits from -2^(WIDTH-1) to 2^(WIDTH-1), least first, so that half of the buckets suffice.
fn signed_digits<const WIDTH: usize>(scalar: &Fr, digits: &mut [i16]) {
    let limbs = scalar.into_bigint().0;
    let mut carry = 0;
    for (window, digit) in digits.iter_mut().enumerate() {
        let bit = window * WIDTH;
        let (limb, shift) = (bit / 64, bit % 64);
        let mut bits = limbs.get(limb).map_or(0, |low| low >> shift);
        if shift + WIDTH > 64 {
            bits |= limbs.get(limb + 1).map_or(0, |high| high << (64 - shift));
        }
        let value = (bits & ((1 << WIDTH) - 1)) as i16 + carry;
        carry = i16::from(value > 1 << (WIDTH - 1));
        *digit = value - (carry << WIDTH);
    }
    debug_assert_eq!(carry, 0, "windows cover a scalar and a carry");
}

fn signed(point: &Affine, digit: i16) -> Affine {
    if digit < 0 { -*point } else { *point }
}

/// Where each run begins when runs of these lengths follow each other.
fn starts(lengths: &[usize]) -> Vec<usize> {
    lengths
        .iter()
        .scan(0, |next, length| {
            let start = *next;
            *next += length;
            Some(start)
        })
        .collect()
}

/// The sum of each run of `points`; `lengths` are the runs' lengths (and are used up).
///
/// In each pass neighbours within a run are added, all of them with one inversion, until a point a run is left.
fn sum_runs(mut points: Vec<Affine>, lengths: &mut [usize]) -> Vec<Affine> {
    let mut prefixes: Vec<Fq> = Vec::with_capacity(points.len() / 2);
    while lengths.iter().any(|length| *length > 1) {
        prefixes.clear();
        let mut product = Fq::ONE;
        let mut at = 0;
        for length in lengths.iter() {
            for pair in points[at..at + length].chunks_exact(2) {
                prefixes.push(product);
                product *= denominator(&pair[0], &pair[1]);
            }
            at += length;
        }
        let mut inverse = product.inverse().expect("denominators are not zero");
        // Backwards through the pairs; sums are put at the places of the pairs' second points and moved together after.
        let mut next = prefixes.len();
        for length in lengths.iter().rev() {
            at -= length;
            for pair in points[at..at + length].chunks_exact_mut(2).rev() {
                next -= 1;
                let (left, right) = (pair[0], pair[1]);
                let below = denominator(&left, &right);
                pair[1] = add(&left, &right, inverse * prefixes[next]);
                inverse *= below;
            }
        }
        let mut write = 0;
        let mut read = 0;
        for length in lengths.iter_mut() {
            let pairs = *length / 2;
            for pair in 0..pairs {
                points[write + pair] = points[read + 2 * pair + 1];
            }
            if *length % 2 == 1 {
                points[write + pairs] = points[read + *length - 1];
            }
            read += *length;
            *length = length.div_ceil(2);
            write += *length;
        }
        points.truncate(write);
    }
    // Empty runs are zero.
    let mut left = points.into_iter();
    lengths
        .iter()
        .map(|length| if *length == 0 { Affine::zero() } else { left.next().unwrap_or_default() })
        .collect()
}

/// What the slope of the line through two points is divided by; one where there is no slope.
#[inline]
fn denominator(left: &Affine, right: &Affine) -> Fq {
    let across = right.x - left.x;
    if !across.is_zero() && !left.is_zero() && !right.is_zero() {
        across
    } else if left == right && !left.is_zero() {
        left.y.double()
    } else {
        Fq::ONE
    }
}

/// The sum of two points, given the inverse of their [`denominator`].
#[inline]
fn add(left: &Affine, right: &Affine, inverse: Fq) -> Affine {
    if left.is_zero() {
        return *right;
    }
    if right.is_zero() {
        return *left;
    }
    let slope = if left.x != right.x {
        (right.y - left.y) * inverse
    } else if left.y == right.y {
        let square = left.x.square();
        (square.double() + square) * inverse
    } else {
        return Affine::zero();
    };
    let x = slope.square() - left.x - right.x;
    let y = slope * (left.x - x) - left.y;
    Affine::new_unchecked(x, y)
}

/// One times the first point, twice the second, and so on.
fn weighted_sum(buckets: &[Affine]) -> Projective {
    let mut running = Projective::zero();
    let mut total = Projective::zero();
    for bucket in buckets.iter().rev() {
        running += bucket;
        total += running;
    }
    total
}

#[cfg(test)]
mod tests {
    use ark_ec::PrimeGroup;
    use proptest::prelude::*;

    use super::*;

    fn naive(points: &[Affine], terms: &[(usize, Fr)]) -> Projective {
        terms.iter().map(|(index, scalar)| points[*index] * scalar).sum()
    }

    /// Points that collide in buckets: few multiples of one point, negatives, the identity.
    fn awkward_points() -> Vec<Affine> {
        let one = Projective::generator();
        [1i64, 1, 2, -1, 0, 3, -3, 2, 1024, 1, 0, -2, 7, 7, 7, -7]
            .into_iter()
            .map(|multiple| (one * Fr::from(multiple)).into_affine())
            .collect()
    }

    fn scalar() -> impl Strategy<Value = Fr> {
        prop_oneof![
            any::<[u8; 64]>().prop_map(|bytes| Fr::from_le_bytes_mod_order(&bytes)),
            (-3i64..4).prop_map(Fr::from),
            (0u32..255).prop_map(|bits| Fr::from(2).pow([u64::from(bits)])),
            (0u32..255).prop_map(|bits| -Fr::from(2).pow([u64::from(bits)])),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn sums_are_those_of_single_multiplications(
            terms in proptest::collection::vec((0usize..16, scalar()), 0..160),
        ) {
            let points = awkward_points();
            let bases = FixedBases::new(&points);
            prop_assert_eq!(bases.points(), points.as_slice());
            let expected = naive(&points, &terms);
            prop_assert_eq!(bases.msm(&terms), expected);
            prop_assert_eq!(bases.msm_in::<NARROW>(&terms), expected);
            prop_assert_eq!(bases.msm_in::<WIDE>(&terms), expected);
        }

        #[test]
        fn folds_are_sums_of_parts(
            scalars in proptest::collection::vec(scalar(), 16),
            log_parts in 0u32..5,
        ) {
            let points = awkward_points();
            let scalars = &scalars[..1 << log_parts];
            let folded = FixedBases::new(&points).fold(scalars);
            prop_assert_eq!(folded.len(), 16 / scalars.len());
            for (index, point) in folded.iter().enumerate() {
                let terms: Vec<(usize, Fr)> = scalars
                    .iter()
                    .enumerate()
                    .map(|(part, scalar)| (part * folded.len() + index, *scalar))
                    .collect();
                prop_assert_eq!(point.into_group(), naive(&points, &terms));
            }
        }
    }

    #[test]
    fn many_points_are_like_one_by_one() {
        let one = Projective::generator();
        let points: Vec<Affine> = (1..=300u64).map(|k| (one * Fr::from(k * k + 5)).into_affine()).collect();
        let terms: Vec<(usize, Fr)> = (0..300).map(|i| (i, Fr::from(3).pow([200 + i as u64]))).collect();
        assert_eq!(FixedBases::new(&points).msm(&terms), naive(&points, &terms));
    }
}
