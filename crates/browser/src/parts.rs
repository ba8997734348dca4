//! A request: the operation's name and its inputs, each with its length (4, little-endian) before it.

use crate::Refused;

/// More inputs no operation has.
const MOST: usize = 16;

/// One request's bytes.
#[must_use]
pub fn encode(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

/// The parts of a request.
pub(crate) fn decode(mut bytes: &[u8]) -> Result<Vec<&[u8]>, Refused> {
    let cut = || Refused::request("the request is cut short");
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| cut())?;
        let (part, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
        if parts.len() == MOST {
            return Err(Refused::request("the request has too many parts"));
        }
        parts.push(part);
        bytes = rest;
    }
    Ok(parts)
}

/// A part of a fixed length.
pub(crate) fn array<const N: usize>(part: &[u8], what: &str) -> Result<[u8; N], Refused> {
    part.try_into().map_err(|_| Refused::request(format!("{what} has {} bytes, not {N}", part.len())))
}

/// A part that is a text.
pub(crate) fn text<'a>(part: &'a [u8], what: &str) -> Result<&'a str, Refused> {
    str::from_utf8(part).map_err(|_| Refused::request(format!("{what} is not text")))
}

/// A part that is a decimal number.
pub(crate) fn number(part: &[u8], what: &str) -> Result<u64, Refused> {
    text(part, what)?.parse().map_err(|_| Refused::request(format!("{what} is not a number")))
}
