//! Decimal strings at the edge, integers inside.

use thiserror::Error;
use types::{AssetParams, MarketParams};

/// Longer strings are no numbers.
const MAX_TEXT: usize = 64;
/// More digits after the point than this are not shown.
const MAX_DECIMALS: u32 = 36;

/// What one unit inside (a tick, a lot, a quantum) is worth outside: `step` × 10^-`decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// At least one.
    pub step: u64,
    /// Digits after the point.
    pub decimals: u32,
}

/// Why a decimal string is not a number of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecimalError {
    /// Not digits with at most one point between them.
    #[error("not a decimal number")]
    Malformed,
    /// Not a whole number of units.
    #[error("too precise")]
    Precision,
    /// Beyond what is counted inside.
    #[error("too large")]
    Range,
}

/// Why an asset or market cannot be shown in decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScaleError {
    /// A price has infinitely many digits.
    #[error("a tick of price is not a finite decimal: {numerator}/{denominator} of a unit")]
    NotDecimal {
        /// Of the reduced fraction.
        numerator: u128,
        /// Of the reduced fraction.
        denominator: u128,
    },
    /// The step needs more than 64 bits, or more than 36 digits after the point.
    #[error("one {what} is too large or too small to be counted in decimals")]
    Range {
        /// A quantum, a lot or a tick.
        what: &'static str,
    },
}

impl Scale {
    /// Units as a decimal string, always with all digits after the point.
    #[must_use]
    pub fn format(&self, units: u128) -> String {
        let mut digits = match units.checked_mul(self.step.into()) {
            Some(value) => value.to_string().into_bytes(),
            None => long_product(units, self.step),
        };
        let decimals = self.decimals as usize;
        if digits.len() <= decimals {
            let zeros = decimals + 1 - digits.len();
            digits.splice(0..0, std::iter::repeat_n(b'0', zeros));
        }
        if decimals > 0 {
            digits.insert(digits.len() - decimals, b'.');
        }
        digits.into_iter().map(char::from).collect()
    }

    /// As [`Scale::format`], with a sign when negative.
    #[must_use]
    pub fn format_signed(&self, units: i128) -> String {
        let text = self.format(units.unsigned_abs());
        if units < 0 { format!("-{text}") } else { text }
    }

    /// A decimal string as units: digits, and optionally a point with digits behind it. No sign, no exponent.
    ///
    /// # Errors
    /// When it is something else, not a whole number of units, or too large.
    pub fn parse(&self, text: &str) -> Result<u64, DecimalError> {
        if text.len() > MAX_TEXT {
            return Err(DecimalError::Malformed);
        }
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !fraction.is_none_or(digits) {
            return Err(DecimalError::Malformed);
        }
        let fraction = fraction.unwrap_or_default().trim_end_matches('0');
        let missing = (self.decimals as usize).checked_sub(fraction.len()).ok_or(DecimalError::Precision)?;
        let mut value: u128 = 0;
        for byte in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', missing)) {
            let digit = u128::from(byte - b'0');
            value = value
                .checked_mul(10)
                .and_then(|value| value.checked_add(digit))
                .ok_or(DecimalError::Range)?;
        }
        let step = u128::from(self.step.max(1));
        if !value.is_multiple_of(step) {
            return Err(DecimalError::Precision);
        }
        u64::try_from(value / step).map_err(|_| DecimalError::Range)
    }

    /// Of one quantum of an asset whose token counts in 10^-`decimals`.
    ///
    /// # Errors
    /// When the digits are too many.
    pub fn of_asset(params: &AssetParams, decimals: u32) -> Result<Self, ScaleError> {
        Self::reduced(params.quantum.into(), decimals.into(), "quantum")
    }

    /// Of one lot of a market, whose base token counts in 10^-`decimals`.
    ///
    /// # Errors
    /// When the step is too large, or the digits are too many.
    pub fn of_quantity(params: &MarketParams, base: &AssetParams, decimals: u32) -> Result<Self, ScaleError> {
        Self::reduced(u128::from(params.lot) * u128::from(base.quantum), decimals.into(), "lot")
    }

    /// Of one tick of a market's price, in whole quote tokens for a whole base token.
    ///
    /// # Errors
    /// When it is not a finite decimal, too large, or has too many digits.
    pub fn of_price(
        params: &MarketParams,
        (base, base_decimals): (&AssetParams, u32),
        (quote, quote_decimals): (&AssetParams, u32),
    ) -> Result<Self, ScaleError> {
        let numerator = u128::from(params.tick) * u128::from(quote.quantum);
        let denominator = u128::from(params.lot) * u128::from(base.quantum);
        if numerator == 0 || denominator == 0 {
            return Err(ScaleError::Range { what: "tick" });
        }
        let divisor = gcd(numerator, denominator);
        let (numerator, denominator) = (numerator / divisor, denominator / divisor);
        let (mut twos, mut fives, mut rest) = (0, 0, denominator);
        while rest.is_multiple_of(2) {
            (twos, rest) = (twos + 1, rest / 2);
        }
        while rest.is_multiple_of(5) {
            (fives, rest) = (fives + 1, rest / 5);
        }
        if rest != 1 {
            return Err(ScaleError::NotDecimal { numerator, denominator });
        }
        // numerator / denominator = step / 10^tens
        let tens = std::cmp::max::<u32>(twos, fives);
        let range = ScaleError::Range { what: "tick" };
        let power = |base: u128, exponent: u32| base.checked_pow(exponent).ok_or(range);
        let step = numerator
            .checked_mul(power(2, tens - twos)?)
            .and_then(|step| step.checked_mul(5_u128.checked_pow(tens - fives)?))
            .ok_or(range)?;
        Self::reduced(step, i64::from(tens) + i64::from(quote_decimals) - i64::from(base_decimals), "tick")
    }

    /// `step` × 10^-`decimals` with as few digits as possible.
    fn reduced(mut step: u128, mut decimals: i64, what: &'static str) -> Result<Self, ScaleError> {
        let range = ScaleError::Range { what };
        if step == 0 {
            return Err(range);
        }
        while decimals > 0 && step.is_multiple_of(10) {
            (step, decimals) = (step / 10, decimals - 1);
        }
        if decimals < 0 {
            let power = u32::try_from(-decimals).ok().and_then(|power| 10_u128.checked_pow(power));
            step = power.and_then(|power| step.checked_mul(power)).ok_or(range)?;
            decimals = 0;
        }
        let decimals =
            u32::try_from(decimals).ok().filter(|decimals| *decimals <= MAX_DECIMALS).ok_or(range)?;
        Ok(Self { step: u64::try_from(step).map_err(|_| range)?, decimals })
    }
}

/// The decimal digits of a product that is beyond 128 bits.
fn long_product(units: u128, step: u64) -> Vec<u8> {
    let mut carry: u128 = 0;
    let mut digits: Vec<u8> = Vec::new();
    for byte in units.to_string().bytes().rev() {
        carry += u128::from(byte - b'0') * u128::from(step);
        digits.push(b'0' + (carry % 10) as u8);
        carry /= 10;
    }
    while carry > 0 {
        digits.push(b'0' + (carry % 10) as u8);
        carry /= 10;
    }
    digits.reverse();
    digits
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::{AccountId, Address, AssetId, Breaker, Limits, Price, Rate};

    use super::*;

    fn asset(quantum: u64) -> AssetParams {
        AssetParams { token: Address::default(), quantum, symbol: *b"ASSET\0\0\0" }
    }

    fn market(lot: u64, tick: u64) -> MarketParams {
        MarketParams {
            base: AssetId(1),
            quote: AssetId(0),
            lot,
            tick,
            max_price: Price(1),
            maker_fee: Rate(0),
            taker_fee: Rate(0),
            fee_account: AccountId(0),
            limits: Limits::NONE,
            collar: 0,
            breaker: Breaker { band: 0, window: 0, halt: 0 },
            reference_price: Price(0),
        }
    }

    #[test]
    fn the_scales_of_the_simulated_markets_are_what_their_comments_say() {
        let usd = asset(1_000_000_000_000);
        let scales = |lot, tick, base: &AssetParams, quote: &AssetParams| {
            let params = market(lot, tick);
            let price = Scale::of_price(&params, (base, 18), (quote, 18)).unwrap();
            (price, Scale::of_quantity(&params, base, 18).unwrap())
        };
        let scale = |step, decimals| Scale { step, decimals };
        assert_eq!(Scale::of_asset(&usd, 18), Ok(scale(1, 6)));
        // 0.001 BTC at $1, 0.01 ETH at $0.10, 0.1 SOL at $0.01, 0.01 ETH at 0.000001 BTC.
        let (btc, sol) = (asset(10_000_000_000), asset(1_000_000_000_000));
        assert_eq!(scales(100_000, 1_000, &btc, &usd), (scale(1, 0), scale(1, 3)));
        assert_eq!(scales(1_000_000, 1_000, &btc, &usd), (scale(1, 1), scale(1, 2)));
        assert_eq!(scales(100_000, 1_000, &sol, &usd), (scale(1, 2), scale(1, 1)));
        assert_eq!(scales(1_000_000, 1, &btc, &btc), (scale(1, 6), scale(1, 2)));
    }

    #[test]
    fn a_price_that_no_decimal_says_is_an_error_with_the_fraction() {
        let one = asset(1);
        let found = Scale::of_price(&market(3, 1), (&one, 18), (&one, 18));
        assert_eq!(found, Err(ScaleError::NotDecimal { numerator: 1, denominator: 3 }));
        assert_eq!(
            Scale::of_price(&market(1, u64::MAX), (&one, 18), (&one, 0)),
            Err(ScaleError::Range { what: "tick" })
        );
        assert_eq!(
            Scale::of_price(&market(1 << 63, 1), (&asset(1 << 63), 0), (&one, 0)),
            Err(ScaleError::Range { what: "tick" })
        );
        assert_eq!(
            Scale::of_quantity(&market(u64::MAX, 1), &asset(u64::MAX), 0),
            Err(ScaleError::Range { what: "lot" })
        );
        assert_eq!(Scale::of_asset(&asset(0), 18), Err(ScaleError::Range { what: "quantum" }));
        assert_eq!(Scale::of_asset(&asset(1), u32::MAX), Err(ScaleError::Range { what: "quantum" }));
        // A token without decimals, in quanta of a hundred: the step stays.
        assert_eq!(Scale::of_asset(&asset(100), 0), Ok(Scale { step: 100, decimals: 0 }));
    }

    #[test]
    fn what_is_no_decimal_number_is_said_to_be_none() {
        let scale = Scale { step: 5, decimals: 2 };
        for text in
            ["", ".", "1.", ".5", "+1", "-1", "1e2", "0x1", " 1", "1 ", "1.2.3", "1,0", "NaN", "١", "1_0"]
        {
            assert_eq!(scale.parse(text), Err(DecimalError::Malformed), "{text}");
        }
        assert_eq!(scale.parse(&"0".repeat(65)), Err(DecimalError::Malformed));
        assert_eq!(scale.parse(&"0".repeat(64)), Ok(0));
        assert_eq!(scale.parse("0.01"), Err(DecimalError::Precision));
        assert_eq!(scale.parse("0.055"), Err(DecimalError::Precision));
        assert_eq!(scale.parse("0.0500000"), Ok(1));
        assert_eq!(scale.parse("007"), Ok(140));
        assert_eq!(scale.parse(&"9".repeat(64)), Err(DecimalError::Range));
        assert_eq!(scale.parse("922337203685477580.75"), Ok(u64::MAX));
        assert_eq!(scale.parse("922337203685477580.80"), Err(DecimalError::Range));
        assert_eq!(scale.format(u128::MAX), "17014118346046923173168730371588410572.75");
        assert_eq!(scale.format_signed(-1), "-0.05");
        assert_eq!(Scale { step: 1, decimals: 0 }.format(0), "0");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(units: u64, step in 1..=u64::MAX, decimals in 0..=36u32) {
            let scale = Scale { step, decimals };
            let text = scale.format(units.into());
            prop_assert_eq!(text.split_once('.').map_or(0, |(_, fraction)| fraction.len()), decimals as usize);
            prop_assert_eq!(scale.parse(&text), Ok(units));
        }

        #[test]
        fn the_slow_product_is_the_fast_one(units: u64, step: u64) {
            let product = u128::from(units) * u128::from(step);
            let slow = String::from_utf8(long_product(units.into(), step)).unwrap();
            prop_assert_eq!(slow.parse::<u128>().unwrap(), product);
        }

        #[test]
        fn hostile_text_never_panics(text in ".{0,80}", step in 1..=u64::MAX, decimals in 0..=36u32) {
            let _ = Scale { step, decimals }.parse(&text);
        }
    }
}
