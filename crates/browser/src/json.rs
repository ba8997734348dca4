//! Numbers and bytes as the page takes them.

use serde_json::Value;

use crate::Refused;

/// A number that may be larger than JavaScript's exact ones: as text.
pub(crate) fn number(value: impl Into<u128>) -> Value {
    Value::String(value.into().to_string())
}

/// Bytes.
pub(crate) fn hex(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(hex::encode(bytes))
}

/// A number of a request: as text, or as a number that is exact.
pub(crate) fn u64_of(value: &Value, field: &str) -> Result<u64, Refused> {
    let found = &value[field];
    found
        .as_u64()
        .or_else(|| found.as_str()?.parse().ok())
        .ok_or_else(|| Refused::request(format!("{field} is missing or not a number")))
}

/// A smaller one.
pub(crate) fn small<T: TryFrom<u64>>(value: &Value, field: &str) -> Result<T, Refused> {
    T::try_from(u64_of(value, field)?).map_err(|_| Refused::request(format!("{field} is too large")))
}

/// Bytes of a request: hexadecimal digits, with or without `0x`.
pub(crate) fn bytes_of<const N: usize>(value: &Value, field: &str) -> Result<[u8; N], Refused> {
    let text = value[field].as_str().unwrap_or_default();
    let mut bytes = [0; N];
    hex::decode_to_slice(text.strip_prefix("0x").unwrap_or(text), &mut bytes)
        .map_err(|_| Refused::request(format!("{field} is not {N} bytes in hexadecimal digits")))?;
    Ok(bytes)
}
