//! Decimal strings: what is read is the number that stands there, in units; everything that is a number of units is read; and
//! the scale of a market is the exact quotient of what it trades.
#![no_main]

use gateway::view::{DecimalError, Scale, ScaleError};
use kit::{Choices, plain_decimal};
use libfuzzer_sys::fuzz_target;
use types::{AccountId, Address, AssetId, AssetParams, Breaker, Limits, MarketParams, Price, Rate};

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let scale = Scale { step: choices.amount(1_000).max(1), decimals: choices.below(37) };
    let units = u128::from(choices.amount(60_000)) << (choices.byte() % 64) | u128::from(choices.amount(9));
    written(scale, units);
    scales(&mut choices);
    if let Ok(text) = std::str::from_utf8(choices.rest()) {
        read(scale, text);
    }
});

fn read(scale: Scale, text: &str) {
    let found = scale.parse(text);
    let Some((digits, places)) = plain_decimal(text).filter(|_| text.len() <= 64) else {
        assert_eq!(found, Err(DecimalError::Malformed), "{text}");
        return;
    };
    match found {
        Ok(units) => {
            assert_eq!(plain_decimal(&scale.format(units.into())), Some((digits, places)), "{text}");
            assert_eq!(
                scale.format_signed(-i128::from(units)).trim_start_matches('-'),
                scale.format(units.into())
            );
        }
        Err(DecimalError::Malformed) => panic!("{text} is a number"),
        Err(error) => {
            // In the last of the places that are counted.
            let Some(zeros) = (scale.decimals as usize).checked_sub(places) else {
                assert_eq!(error, DecimalError::Precision);
                return;
            };
            let value: Result<u128, _> = format!("0{digits}{}", "0".repeat(zeros)).parse();
            let units = value.ok().filter(|value| value % u128::from(scale.step) == 0);
            let units = units.map(|value| value / u128::from(scale.step));
            assert!(units.is_none_or(|units| units > u64::MAX.into()), "{text} is {units:?} units");
        }
    }
}

/// Primes: what is equal modulo both is equal, unless somebody made it so.
const PRIMES: [u128; 2] = [(1 << 61) - 1, 4_294_967_291];

fn power(prime: u128, exponent: u32) -> u128 {
    (0..exponent).fold(1, |power, _| power * 10 % prime)
}

fn written(scale: Scale, units: u128) {
    let text = scale.format(units);
    let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    assert_eq!(fraction, scale.decimals as usize);
    for prime in PRIMES {
        let digits = text.bytes().filter(u8::is_ascii_digit);
        let value = digits.fold(0, |value, byte| (value * 10 + u128::from(byte - b'0')) % prime);
        assert_eq!(value, (units % prime) * (u128::from(scale.step) % prime) % prime, "{text}");
    }
    if let Ok(units) = u64::try_from(units)
        && text.len() <= 64
    {
        assert_eq!(scale.parse(&text), Ok(units));
    }
}

fn scales(choices: &mut Choices<'_>) {
    let mut asset =
        || AssetParams { token: Address::default(), quantum: choices.amount(1_000), symbol: *b"ASSET\0\0\0" };
    let (base, quote) = (asset(), asset());
    let params = MarketParams {
        base: AssetId(1),
        quote: AssetId(0),
        lot: choices.amount(1_000),
        tick: choices.amount(1_000),
        max_price: Price(1),
        maker_fee: Rate(0),
        taker_fee: Rate(0),
        fee_account: AccountId(0),
        limits: Limits::NONE,
        collar: 0,
        breaker: Breaker { band: 0, window: 0, halt: 0 },
        reference_price: Price(0),
    };
    let (base_decimals, quote_decimals) = (choices.below(40), choices.below(40));
    let price = Scale::of_price(&params, (&base, base_decimals), (&quote, quote_decimals));
    let quantity = Scale::of_quantity(&params, &base, base_decimals);
    for prime in PRIMES {
        let lot = u128::from(params.lot) % prime * (u128::from(base.quantum) % prime) % prime;
        let tick = u128::from(params.tick) % prime * (u128::from(quote.quantum) % prime) % prime;
        if let Ok(Scale { step, decimals }) = price {
            // step / 10^decimals = tick / 10^quote_decimals over lot / 10^base_decimals
            let left = u128::from(step) % prime * lot % prime * power(prime, quote_decimals) % prime;
            let right = tick * power(prime, decimals) % prime * power(prime, base_decimals) % prime;
            assert_eq!(left, right, "{params:?}");
        }
        if let Ok(Scale { step, decimals }) = quantity {
            let left = u128::from(step) % prime * power(prime, base_decimals) % prime;
            assert_eq!(left, lot * power(prime, decimals) % prime);
        }
    }
    for scale in [price, quantity].into_iter().flatten() {
        assert!(
            scale.step > 0 && (scale.decimals == 0 || scale.step % 10 != 0),
            "as few digits as there may be"
        );
    }
    if let Err(ScaleError::NotDecimal { denominator, .. }) = price {
        let mut rest = denominator;
        for factor in [2, 5] {
            while rest.is_multiple_of(factor) {
                rest /= factor;
            }
        }
        assert_ne!(rest, 1, "a decimal has a denominator of twos and fives");
    }
}
