//! Reading and writing the canonical encodings: big-endian integers, and LEB128 integers in their
//! shortest form.

use crate::{DecodeError, MAX_VALUE, Value};
use alloc::vec::Vec;

pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, DecodeError> {
        self.array().map(u128::from_be_bytes)
    }

    /// A LEB128 integer of at most five bytes (35 bits) in its shortest form.
    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let shortest = shift == 0 || byte != 0;
                return if shortest { Ok(value) } else { Err(DecodeError::Integer) };
            }
        }
        Err(DecodeError::Integer)
    }

    /// A count of things that each take at least `least` bytes, so that a caller may allocate for
    /// them.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, DecodeError> {
        let count = self.varint()?;
        if count > (self.remaining() / least) as u64 {
            return Err(DecodeError::Count { count });
        }
        Ok(count as usize)
    }

    /// A value: its length as a LEB128 integer, then its bytes.
    pub(crate) fn value(&mut self) -> Result<Value, DecodeError> {
        let len = self.varint()?;
        if len > MAX_VALUE as u64 {
            return Err(DecodeError::Value { len });
        }
        self.bytes(len as usize).map(Value::from_slice)
    }

    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::Trailing { extra: self.rest.len() }) }
    }
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_value(out: &mut Vec<u8>, value: &[u8]) {
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// Refuses input beyond the caller's limit.
pub(crate) fn check_limit(bytes: &[u8], max: usize) -> Result<(), DecodeError> {
    if bytes.len() > max { Err(DecodeError::TooLong { len: bytes.len(), max }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_has_one_encoding() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), (1 << 35) - 1] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(Reader::new(&bytes).varint(), Ok(value));
        }
        assert_eq!(Reader::new(&[0x80, 0x00]).varint(), Err(DecodeError::Integer));
        assert_eq!(Reader::new(&[0xff; 6]).varint(), Err(DecodeError::Integer));
        assert_eq!(Reader::new(&[0x80]).varint(), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_count_never_exceeds_what_the_rest_can_hold() {
        assert_eq!(Reader::new(&[2, 0, 0, 0]).count(2), Err(DecodeError::Count { count: 2 }));
        assert_eq!(Reader::new(&[2, 0, 0, 0, 0]).count(2), Ok(2));
    }
}
