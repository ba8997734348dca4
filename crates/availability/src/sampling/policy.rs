//! From what is wanted to a number of samples, and which wish decided it.

use super::{Confidence, SamplingError, Shape};

/// What a client wants of its samples. The largest of the five numbers is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The confidence to be reached.
    pub confidence: Confidence,
    /// Whether the same confidence is wanted that all shards but at most e = ⌊(N − K) / 2⌋ can be had and are of one codeword.
    /// Without it, as many samples as show that K shards can be had say nothing of whether they fit together.
    pub proximity: bool,
    /// The security parameter: the probability of a miss is at most 2^−this. Zero asks for nothing.
    pub security_bits: u32,
    /// At least as many parts per million of the shards.
    pub ratio_ppm: u32,
    /// At least as many samples, or all shards where there are fewer.
    pub minimum: u32,
    /// As many samples may fail, timeouts included. Chosen before the first request: whoever raises it after failures has
    /// another, weaker test.
    pub tolerated: u32,
}

impl Default for Policy {
    /// 99.99 % that K shards can be had and that all but e are of one codeword, 1 % of the shards, at least 10, no failure.
    fn default() -> Self {
        let confidence = Confidence::of_miss(1, 10_000).expect("one in ten thousand is a probability");
        Self { confidence, proximity: true, security_bits: 0, ratio_ppm: 10_000, minimum: 10, tolerated: 0 }
    }
}

/// What decided the number of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The confidence.
    Confidence,
    /// The confidence, for proximity.
    Proximity,
    /// The security parameter.
    Security,
    /// The ratio.
    Ratio,
    /// The minimum.
    Minimum,
}

impl Bound {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confidence => "confidence",
            Self::Proximity => "proximity",
            Self::Security => "security parameter",
            Self::Ratio => "ratio",
            Self::Minimum => "minimum",
        }
    }
}

/// How many samples each wish asks for, in at most as many as there are shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Floors {
    /// For the confidence.
    pub confidence: u32,
    /// For the same confidence that all but e shards are of one codeword.
    pub proximity: u32,
    /// For the security parameter.
    pub security: u32,
    /// For the ratio, rounded up.
    pub ratio: u32,
    /// For the minimum.
    pub minimum: u32,
}

/// The number of samples, why, and what it achieves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// How many samples.
    pub samples: u32,
    /// How many of them may fail.
    pub tolerated: u32,
    /// The first of the five, in their order, that asks for so many.
    pub decided_by: Bound,
    /// What each asks for.
    pub floors: Floors,
    /// What so many samples achieve, exactly: that K shards can be had.
    pub achieved: Confidence,
    /// And that all but at most e can be had and are of one codeword, where the policy wants that.
    pub near: Option<Confidence>,
}

impl Policy {
    /// The requirement for uniform samples.
    ///
    /// # Errors
    /// [`SamplingError::Tolerance`], [`SamplingError::TooTolerant`], [`SamplingError::Ratio`], [`SamplingError::Certain`],
    /// [`SamplingError::Confidence`].
    pub fn requirement(&self, shape: Shape) -> Result<Requirement, SamplingError> {
        self.require(
            shape,
            |shape, confidence| shape.samples(confidence, self.tolerated),
            |shape, samples| shape.confidence(samples, self.tolerated),
        )
    }

    /// The requirement where `fewest` gives the number of samples for a confidence that no more shards are missing than a shape
    /// can lose, and `achieved` the confidence of a number.
    pub(super) fn require(
        &self,
        shape: Shape,
        fewest: impl Fn(Shape, &Confidence) -> Result<u32, SamplingError>,
        achieved: impl Fn(Shape, u32) -> Result<Confidence, SamplingError>,
    ) -> Result<Requirement, SamplingError> {
        if self.confidence.is_certain() {
            return Err(SamplingError::Certain);
        }
        if self.ratio_ppm > 1_000_000 {
            return Err(SamplingError::Ratio(self.ratio_ppm));
        }
        let shards = shape.shards();
        let part = (u64::from(shards) * u64::from(self.ratio_ppm)).div_ceil(1_000_000);
        let floors = Floors {
            confidence: fewest(shape, &self.confidence)?,
            proximity: if self.proximity { fewest(shape.near(), &self.confidence)? } else { 0 },
            security: match self.security_bits {
                0 => 0,
                bits => fewest(shape, &Confidence::of_bits(bits)?)?,
            },
            ratio: u32::try_from(part).expect("not more than all shards"),
            minimum: self.minimum.min(shards),
        };
        let mut decided = (Bound::Confidence, floors.confidence);
        for other in [
            (Bound::Proximity, floors.proximity),
            (Bound::Security, floors.security),
            (Bound::Ratio, floors.ratio),
            (Bound::Minimum, floors.minimum),
        ] {
            if other.1 > decided.1 {
                decided = other;
            }
        }
        let (decided_by, samples) = decided;
        let near = self.proximity.then(|| achieved(shape.near(), samples)).transpose()?;
        let achieved = achieved(shape, samples)?;
        Ok(Requirement { samples, tolerated: self.tolerated, decided_by, floors, achieved, near })
    }
}
