//! Random variates that are the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A seeded source of variates.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A whole number below `bound`.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// True in so many of a thousand cases.
    #[inline]
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < per_mille
    }

    /// Uniform above zero, up to one.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Exponential with mean one.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        -ln(self.unit())
    }

    /// Nearly normal with mean zero and variance one: the sum of four uniform variates (Irwin-Hall).
    #[inline]
    pub fn normal(&mut self) -> f64 {
        let bits = self.0.next_u64();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        (sum as f64 / 65_536.0 - 2.0) * 1.732_050_807_568_877_2
    }

    /// A size in lots, at least one: a Pareto tail with exponent 1.6, and a liking for round numbers.
    #[inline]
    pub fn size(&mut self, scale: f64) -> u64 {
        let unit = self.unit();
        // unit^(-5/8), from square roots alone.
        let tail = 1.0 / (unit.sqrt() * unit.sqrt().sqrt().sqrt());
        let lots = (scale * tail).min(20_000.0) as u64;
        let round = match self.below(100) {
            0..45 if lots >= 50 => 100,
            0..70 if lots >= 5 => 10,
            _ => 1,
        };
        ((lots + round / 2) / round * round).max(1)
    }

    /// An index below `count`, lower ones more often: the smaller of two draws.
    #[inline]
    pub fn low_index(&mut self, count: u32) -> u32 {
        self.below(count).min(self.below(count))
    }
}

/// The natural logarithm of a positive normal number, by the series of the area hyperbolic tangent. Unlike the
/// platform's it has the same last bit everywhere.
fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mut mantissa = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let mut term = z;
    let mut sum = 0.0;
    for odd in [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0] {
        sum += term / odd;
        term *= square;
    }
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_one() {
        for step in 1..100_000 {
            let x = f64::from(step) / 100_000.0;
            assert!((ln(x) - x.ln()).abs() < 1e-11, "{x}");
        }
        assert!((ln(1.0 / (1u64 << 53) as f64) + 53.0 * std::f64::consts::LN_2).abs() < 1e-11);
    }

    #[test]
    fn variates_have_their_means() {
        let mut random = Random::new(7);
        let mean = |mut draw: Box<dyn FnMut() -> f64>| (0..200_000).map(|_| draw()).sum::<f64>() / 200_000.0;
        let mut other = Random::new(8);
        assert!((mean(Box::new(move || random.exponential())) - 1.0).abs() < 0.02);
        assert!(mean(Box::new(move || other.normal())).abs() < 0.02);
    }
}
