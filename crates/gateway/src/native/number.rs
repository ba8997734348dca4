//! Numbers from outside, as far as everybody's JSON goes.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The largest whole number that is exact in a 64-bit float: 2^53 − 1.
const LARGEST: u64 = (1 << 53) - 1;

/// A whole number below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(Whole).map(Self)
    }
}

/// An account's number in a body.
pub(crate) fn account<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let Number(number) = Number::deserialize(deserializer)?;
    u32::try_from(number).map_err(|_| D::Error::custom(format!("{number} is larger than {}", u32::MAX)))
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 0 to {LARGEST}")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        if number > LARGEST { Err(E::invalid_value(Unexpected::Unsigned(number), &self)) } else { Ok(number) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    /// JSON has no integers of its own: 5.0 is one, too. All up to the largest are exact.
    fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
        match number.fract() == 0.0 && (0.0..=LARGEST as f64).contains(&number) {
            true => Ok(number as u64),
            false => Err(E::invalid_value(Unexpected::Float(number), &self)),
        }
    }
}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::Int64);
        let number = ObjectBuilder::new().schema_type(Type::Integer).format(Some(format));
        number.minimum(Some(0)).maximum(Some(LARGEST)).into()
    }
}

impl ToSchema for Number {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_however_json_writes_them() {
        let read = |text: &str| serde_json::from_str::<Number>(text).map(|Number(number)| number).ok();
        for (text, number) in [("0", 0), ("5", 5), ("5.0", 5), ("5e3", 5_000), ("9007199254740991", LARGEST)]
        {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["-1", "-1.0", "0.5", "9007199254740992", "9007199254740992.0", "1e300", "\"5\"", "null"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
