//! Whether a committed vector of shards is close to a codeword. Not whether anybody can have it.

use rand::CryptoRng;

use super::plan::choose_from;
use super::{Confidence, Results, SamplingError, Shape};

/// Security of indices drawn from a commitment, in bits. A publisher can try commitments until the indices suit it, and each try
/// costs it little: so this must stay out of reach of any computation, and a confidence such as 99.99 % would be worthless.
pub const FIAT_SHAMIR_BITS: u32 = 128;

const CONTEXT: &str = "glassbook availability proximity indices v1";

/// Positions of a committed vector whose openings must pass, so that it is within the unique-decoding radius of a codeword.
///
/// A position *passes* if its opening belongs to the commitment and agrees with the claimed codeword. If more than
/// e = ⌊(N − K) / 2⌋ of the N positions would not pass, all q that were drawn after the commitment was fixed pass with a probability
/// of at most C(N − e − 1, q) / C(N, q). If at most e would not, there is exactly one codeword that close, since two of them would
/// differ in at most 2e ≤ N − K positions, and different codewords differ in more.
///
/// It has no verdict of availability, and an [`AvailabilityPlan`](super::AvailabilityPlan) cannot be made from a commitment:
///
/// ```compile_fail
/// use availability::sampling::{ProximityPlan, Shape, Verdict};
/// let plan = ProximityPlan::from_commitment(Shape::new(256, 128).unwrap(), &[0; 32]);
/// let verdict: Verdict = plan.judge(&plan.results()).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct ProximityPlan {
    shape: Shape,
    confidence: Confidence,
    indices: Vec<u32>,
}

/// What openings show of a committed vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proximity {
    /// At most so many positions would not pass: one codeword is that close, and correction finds it from the whole vector.
    Close {
        /// The unique-decoding radius.
        bad_at_most: u32,
        /// For private indices the confidence; for those of a commitment the chance of one try at it.
        confidence: Confidence,
    },
    /// A position does not pass.
    Refused {
        /// How many do not.
        failures: u32,
    },
    /// Not all positions were opened yet.
    MoreNeeded {
        /// Positions still to be opened.
        outstanding: Vec<u32>,
    },
}

impl ProximityPlan {
    /// The positions that follow from a commitment: anybody finds the same ones. With [`FIAT_SHAMIR_BITS`] bits: whoever tries 2^t
    /// commitments succeeds with a probability of at most 2^(t − 128).
    ///
    /// The commitment must bind every shard and the claimed codeword. The positions are the first q steps of a Fisher-Yates shuffle
    /// of 0..N, driven by little-endian 32-bit words from BLAKE3 in its extendable mode, keyed by a context, over
    /// N ‖ K ‖ q (32 bits each, little-endian) ‖ commitment; words that would favour small remainders are passed over.
    #[must_use]
    pub fn from_commitment(shape: Shape, commitment: &[u8; 32]) -> Self {
        let target = Confidence::of_bits(FIAT_SHAMIR_BITS).expect("a fixed number of bits");
        let (samples, confidence) = needed(shape, &target);
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        for number in [shape.shards(), shape.data(), samples] {
            hasher.update(&number.to_le_bytes());
        }
        let mut stream = hasher.update(commitment).finalize_xof();
        let mut word = || {
            let mut word = [0; 4];
            stream.fill(&mut word);
            u32::from_le_bytes(word)
        };
        let mut indices: Vec<u32> = (0..shape.shards()).collect();
        for step in 0..samples {
            let other = step + below(shape.shards() - step, &mut word);
            indices.swap(step as usize, other as usize);
        }
        indices.truncate(samples as usize);
        Self { shape, confidence, indices }
    }

    /// Private positions, which only convince whoever draws them: far fewer are enough.
    ///
    /// # Errors
    /// [`SamplingError::Certain`].
    pub fn draw<R: CryptoRng + ?Sized>(
        shape: Shape,
        confidence: &Confidence,
        rng: &mut R,
    ) -> Result<Self, SamplingError> {
        if confidence.is_certain() {
            return Err(SamplingError::Certain);
        }
        let (samples, confidence) = needed(shape, confidence);
        Ok(Self { shape, confidence, indices: choose_from(0..shape.shards(), samples, rng) })
    }

    /// The positions to be opened.
    #[must_use]
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// Where the outcomes are written down.
    #[must_use]
    pub fn results(&self) -> Results {
        Results::new(self.shape.shards(), &self.indices)
    }

    /// What the openings show. None may fail.
    ///
    /// # Errors
    /// [`SamplingError::OtherPlan`].
    pub fn judge(&self, results: &Results) -> Result<Proximity, SamplingError> {
        if !results.belong_to(self.shape.shards(), &self.indices) {
            return Err(SamplingError::OtherPlan);
        }
        let (failures, open) = results.count(&self.indices);
        Ok(if failures > 0 {
            Proximity::Refused { failures }
        } else if open > 0 {
            let outstanding = self.indices.iter().copied();
            Proximity::MoreNeeded {
                outstanding: outstanding.filter(|i| results.outcome(*i).is_none()).collect(),
            }
        } else {
            Proximity::Close { bad_at_most: self.shape.unique_radius(), confidence: self.confidence.clone() }
        })
    }
}

/// A number below `bound`, all equally likely if all words are.
fn below(bound: u32, word: &mut impl FnMut() -> u32) -> u32 {
    // The largest multiple of `bound` that 32 bits hold; from there on, small remainders would be more likely.
    let fair = (1u64 << 32) / u64::from(bound) * u64::from(bound);
    loop {
        let word = word();
        if u64::from(word) < fair {
            return word % bound;
        }
    }
}

/// How many positions show that not more than the unique-decoding radius are bad, and what they achieve.
fn needed(shape: Shape, confidence: &Confidence) -> (u32, Confidence) {
    let mut misses = super::bound::Misses::new(shape.shards(), shape.unique_radius() + 1, 0);
    (misses.advance_until(confidence), misses.confidence())
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn words_that_favour_small_remainders_are_passed_over() {
        // 2^32 = 384 * 11,184,810 + 256.
        let mut words = [u32::MAX, u32::MAX - 255, u32::MAX - 256, 7].into_iter();
        let mut word = || words.next().unwrap();
        assert_eq!((below(384, &mut word), below(384, &mut word)), (383, 7));
        let mut all = [u32::MAX].into_iter();
        assert_eq!(below(256, &mut || all.next().unwrap()), 255);
    }
}
