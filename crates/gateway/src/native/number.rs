//! Numbers from outside, as far as everybody's JSON goes.

use serde::Deserialize;
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The largest whole number that is exact in a 64-bit float: 2^53 − 1.
const LARGEST: u64 = (1 << 53) - 1;

/// A whole number below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub(crate) struct Number(pub u64);

impl TryFrom<u64> for Number {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        if number > LARGEST { Err(format!("{number} is larger than {LARGEST}")) } else { Ok(Self(number)) }
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
