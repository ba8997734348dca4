//! A confidence, exactly: one minus a fraction of two integers.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use num_bigint::BigUint;

use super::SamplingError;

/// How sure a statement is: one minus the probability that it is made wrongly, exactly.
///
/// ```
/// use availability::sampling::Confidence;
/// let confidence: Confidence = "0.9999".parse()?;
/// assert_eq!(confidence, "99.99%".parse()?);
/// assert!(confidence < Confidence::of_bits(40)?);
/// # Ok::<(), availability::sampling::SamplingError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Confidence {
    /// The probability of a miss is `miss / of`; `miss <= of`, `of > 0`.
    miss: BigUint,
    of: BigUint,
}

/// The longest decimal confidence.
const MAX_DIGITS: usize = 300;
/// The largest number of bits.
const MAX_BITS: u32 = 1024;

impl Confidence {
    /// One minus 2^−`bits`.
    ///
    /// # Errors
    /// [`SamplingError::Confidence`] for more than 1,024 bits.
    pub fn of_bits(bits: u32) -> Result<Self, SamplingError> {
        if bits > MAX_BITS {
            return Err(SamplingError::Confidence(format!("{bits}bits")));
        }
        Ok(Self { miss: BigUint::from(1u32), of: BigUint::from(1u32) << bits })
    }

    /// One minus `miss` / `of`.
    ///
    /// # Errors
    /// [`SamplingError::Confidence`] when that is no probability.
    pub fn of_miss(miss: u64, of: u64) -> Result<Self, SamplingError> {
        if of == 0 || miss > of {
            return Err(SamplingError::Confidence(format!("1 - {miss}/{of}")));
        }
        Ok(Self { miss: miss.into(), of: of.into() })
    }

    /// Of a fraction known to be a probability.
    pub(super) fn exact(miss: BigUint, of: BigUint) -> Self {
        assert!(miss <= of && of.bits() > 0, "a probability lies between zero and one");
        Self { miss, of }
    }

    /// The probability that the statement is made wrongly, as numerator and denominator.
    #[must_use]
    pub fn miss(&self) -> (&BigUint, &BigUint) {
        (&self.miss, &self.of)
    }

    /// Whether nothing can go wrong.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.miss.bits() == 0
    }

    /// The largest b ≤ 65,536 for which the probability of a miss is at most 2^−b.
    #[must_use]
    pub fn bits(&self) -> u32 {
        if self.is_certain() {
            return 1 << 16;
        }
        // floor(log2(of / miss)) = bits(floor(of / miss)) - 1, as of >= miss.
        let whole = (&self.of / &self.miss).bits() - 1;
        u32::try_from(whole.min(1 << 16)).expect("at most 65,536")
    }
}

impl PartialEq for Confidence {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Confidence {}

impl PartialOrd for Confidence {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Confidence {
    fn cmp(&self, other: &Self) -> Ordering {
        (&other.miss * &self.of).cmp(&(&self.miss * &other.of))
    }
}

impl FromStr for Confidence {
    type Err = SamplingError;

    /// `0.9999`, `99.99%` or `40bits`: a decimal below one, a percentage below a hundred, or bits.
    fn from_str(text: &str) -> Result<Self, SamplingError> {
        let wrong = || SamplingError::Confidence(text.chars().take(64).collect());
        if text.len() > MAX_DIGITS + 8 {
            return Err(wrong());
        }
        if let Some(bits) = text.strip_suffix("bits") {
            let bits = bits.trim_end();
            if bits.is_empty() || !bits.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(wrong());
            }
            return Self::of_bits(bits.parse().map_err(|_| wrong())?);
        }
        let (number, shift) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), 2),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = [whole, fraction].concat();
        if whole.is_empty()
            || digits.len() > MAX_DIGITS
            || (number.contains('.') && fraction.is_empty())
            || !digits.bytes().all(|digit| digit.is_ascii_digit())
        {
            return Err(wrong());
        }
        let places = u32::try_from(fraction.len()).expect("at most 300 digits") + shift;
        let value = BigUint::parse_bytes(digits.as_bytes(), 10).ok_or_else(wrong)?;
        let of = BigUint::from(10u32).pow(places);
        match value.cmp(&of) {
            Ordering::Less => Ok(Self { miss: &of - value, of }),
            Ordering::Equal => Err(SamplingError::Certain),
            Ordering::Greater => Err(wrong()),
        }
    }
}

impl fmt::Display for Confidence {
    /// Rounded down: as a percentage with two places after the nines, or in bits from 40 on.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_certain() {
            return f.write_str("100 %");
        }
        if self.bits() >= 40 {
            return write!(f, "1 - 2^-{}", self.bits());
        }
        let ten = BigUint::from(10u32);
        let mut scale = ten.clone();
        let mut nines = 0;
        while &self.miss * &scale <= self.of {
            scale *= &ten;
            nines += 1;
        }
        let places = (nines + 2).max(4);
        let value = (&self.of - &self.miss) * ten.pow(places) / &self.of;
        let digits = format!("{value:0>width$}", width = places as usize);
        let (whole, fraction) = digits.split_at(2);
        write!(f, "{}.{fraction} %", whole.strip_prefix('0').unwrap_or(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_shown_rounded_down() {
        let shown = |miss, of| Confidence::of_miss(miss, of).unwrap().to_string();
        assert_eq!(shown(1, 10_000), "99.9900 %");
        assert_eq!(shown(8_910_497, 100_000_000_000), "99.9910 %");
        assert_eq!(shown(1, 3), "66.66 %");
        assert_eq!(shown(99, 100), "1.00 %");
        assert_eq!(shown(1, 1), "0.00 %");
        assert_eq!(shown(0, 1), "100 %");
        assert_eq!(Confidence::of_bits(128).unwrap().to_string(), "1 - 2^-128");
    }

    #[test]
    fn bits_are_rounded_down() {
        assert_eq!(Confidence::of_miss(1, 1024).unwrap().bits(), 10);
        assert_eq!(Confidence::of_miss(1, 1023).unwrap().bits(), 9);
        assert_eq!(Confidence::of_miss(2, 3).unwrap().bits(), 0);
    }

    #[test]
    fn what_is_no_confidence_is_refused() {
        for text in
            ["", ".", "1.", ".5", "-0.5", "0,5", "1.1", "101%", "bits", "+4bits", "1025bits", "nan", "0.5x"]
        {
            assert!(matches!(text.parse::<Confidence>(), Err(SamplingError::Confidence(_))), "{text}");
        }
        assert!(format!("0.{}", "9".repeat(400)).parse::<Confidence>().is_err());
        for text in ["1", "1.000", "100%"] {
            assert_eq!(text.parse::<Confidence>(), Err(SamplingError::Certain), "{text}");
        }
        assert!(Confidence::of_miss(2, 1).is_err() && Confidence::of_miss(0, 0).is_err());
    }
}
