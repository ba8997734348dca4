//! What many clients hold together.
//!
//! C clients each draw q different shards of N, uniformly and independently, and all are answered. Let U be the number of shards
//! that nobody got. The expected number of sets of j shards that nobody got is
//!
//! ```text
//!   S_j = C(N, j) * ( C(N - j, q) / C(N, q) )^C
//! ```
//!
//! and inclusion and exclusion give P(U >= u) = sum over j >= u of (-1)^(j - u) C(j - 1, u - 1) S_j, exactly
//! (W. Feller, An Introduction to Probability Theory and Its Applications I, IV.5). The data cannot be put together from what they
//! hold if and only if U >= N - K + 1.

use num_bigint::{BigInt, BigUint};

use super::bound::choose;
use super::{Confidence, SamplingError, Shape};

/// Bits of intermediate results that one call may write.
const MAX_BITS: u64 = 1 << 28;

/// The exact confidence that `clients` clients with `samples` uniform samples each hold at least K different shards together.
///
/// It is about clients who were all answered. It is no statement about any one of them: the first [`always_served`] clients can
/// be answered though the data is lost.
///
/// # Errors
/// [`SamplingError::Samples`]; [`SamplingError::TooLarge`] where the exact sum would take too long.
pub fn coverage(shape: Shape, clients: u32, samples: u32) -> Result<Confidence, SamplingError> {
    shape.check_samples(samples)?;
    let shards = shape.shards();
    let all = choose(shards, samples);
    if all.bits().saturating_mul(u64::from(clients)).saturating_mul(u64::from(shards)) > MAX_BITS {
        return Err(SamplingError::TooLarge { shards, clients, samples });
    }
    let missing = shape.withheld();
    let mut sum = BigInt::ZERO;
    // C(N, j), C(j - 1, u - 1) and C(N - j, q), each from the one before.
    let mut sets = choose(shards, missing);
    let mut weight = BigUint::from(1u32);
    let mut answered = choose(shards - missing, samples);
    for j in missing..=shards {
        let term = BigInt::from(&sets * &weight * answered.pow(clients));
        if (j - missing).is_multiple_of(2) {
            sum += term;
        } else {
            sum -= term;
        }
        let left = shards - j;
        if left == 0 {
            break;
        }
        sets = sets * left / (j + 1);
        weight = weight * j / (j + 1 - missing);
        answered = answered * left.saturating_sub(samples) / left;
    }
    let uncovered = sum.to_biguint().expect("a probability is not negative");
    Ok(Confidence::exact(uncovered, all.pow(clients)))
}

/// The fewest clients with `samples` samples each who hold K different shards together with `confidence`.
///
/// # Errors
/// As [`coverage`]; [`SamplingError::Certain`].
pub fn clients_needed(shape: Shape, samples: u32, confidence: &Confidence) -> Result<u32, SamplingError> {
    if confidence.is_certain() {
        return Err(SamplingError::Certain);
    }
    let enough = |clients| Ok(coverage(shape, clients, samples)? >= *confidence);
    let mut high = 1;
    while !enough(high)? {
        high *= 2;
    }
    let mut low = high / 2 + 1;
    while low < high {
        let middle = low + (high - low) / 2;
        if enough(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// ⌊(K − 1) / q⌋: as many clients can be answered in full, whatever they ask for, while the data stays lost. So no confidence of
/// a client's own protects the first ones from a publisher that sees each request before it decides what to withhold.
///
/// # Errors
/// [`SamplingError::Samples`].
pub fn always_served(shape: Shape, samples: u32) -> Result<u32, SamplingError> {
    shape.check_samples(samples)?;
    Ok((shape.data() - 1) / samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chance of too few different shards, client by client.
    fn by_programming(shape: Shape, clients: u32, samples: u32) -> (BigUint, BigUint) {
        let shards = shape.shards();
        let mut ways = vec![BigUint::ZERO; shards as usize + 1];
        ways[0] = 1u32.into();
        for _ in 0..clients {
            let mut next = vec![BigUint::ZERO; shards as usize + 1];
            for (known, count) in (0..).zip(&ways) {
                for new in 0..=samples.min(shards - known) {
                    next[(known + new) as usize] +=
                        count * choose(shards - known, new) * choose(known, samples - new);
                }
            }
            ways = next;
        }
        (ways[..shape.data() as usize].iter().sum(), choose(shards, samples).pow(clients))
    }

    #[test]
    fn the_alternating_sum_is_what_counting_client_by_client_gives() {
        for (data, parity) in [(1, 0), (1, 4), (5, 0), (4, 3), (6, 10), (12, 3)] {
            let shape = Shape::new(data, parity).unwrap();
            for clients in 0..6 {
                for samples in 1..=shape.shards() {
                    let (miss, of) = by_programming(shape, clients, samples);
                    let expected = Confidence::exact(miss, of);
                    assert_eq!(
                        coverage(shape, clients, samples).unwrap(),
                        expected,
                        "{shape:?} {clients} {samples}"
                    );
                }
            }
        }
    }
}
