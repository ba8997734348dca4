//! The canonical encoding: fixed tags, minimal LEB128 variable-length integers, no padding.
//!
//! Every value has exactly one encoding and every accepted byte string exactly one value, so a hash of the
//! bytes is a hash of the meaning. [`Reader`] never allocates and never reads past its input.

use alloc::vec::Vec;

use thiserror::Error;

/// Why bytes from outside are not a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The input ends inside a value.
    #[error("the input ends inside {what}")]
    UnexpectedEnd {
        /// What was being read.
        what: &'static str,
    },
    /// A variable-length integer is longer than it need be, or does not fit.
    #[error("{what} is not a minimal variable-length integer in range")]
    BadInteger {
        /// What was being read.
        what: &'static str,
    },
    /// A tag or flag byte has no meaning.
    #[error("{tag} is not a known {what}")]
    UnknownTag {
        /// What was being read.
        what: &'static str,
        /// The byte found.
        tag: u8,
    },
    /// A count or length is above its limit.
    #[error("{what} is {found}, the limit is {limit}")]
    TooLong {
        /// What was being read.
        what: &'static str,
        /// The count found.
        found: u64,
        /// The largest count accepted.
        limit: u64,
    },
    /// Bytes are left over after the value.
    #[error("{left} bytes are left over")]
    TrailingBytes {
        /// How many.
        left: usize,
    },
}

/// Appends canonical encodings to a byte vector.
pub trait Writer {
    /// One byte.
    fn byte(&mut self, value: u8);
    /// Raw bytes, without a length.
    fn raw(&mut self, bytes: &[u8]);
    /// An unsigned integer: seven bits a byte, least significant first, minimal length (LEB128).
    fn uint(&mut self, value: u64);
    /// A signed integer, zigzag-mapped to an unsigned one.
    fn int(&mut self, value: i64) {
        self.uint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }
}

impl Writer for Vec<u8> {
    #[inline]
    fn byte(&mut self, value: u8) {
        self.push(value);
    }

    #[inline]
    fn raw(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline]
    fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }
}

/// Reads canonical encodings from the front of a byte slice.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// One byte.
    ///
    /// # Errors
    /// At the end of the input.
    #[inline]
    pub fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        let (first, rest) = self.rest.split_first().ok_or(DecodeError::UnexpectedEnd { what })?;
        self.rest = rest;
        Ok(*first)
    }

    /// The next `count` bytes, borrowed.
    ///
    /// # Errors
    /// When fewer are left.
    #[inline]
    pub fn raw(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(DecodeError::UnexpectedEnd { what })?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes, copied.
    ///
    /// # Errors
    /// When fewer are left.
    #[inline]
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::UnexpectedEnd { what })?;
        self.rest = rest;
        Ok(*head)
    }

    /// A minimal LEB128 integer of at most 64 bits.
    ///
    /// # Errors
    /// At the end of the input, when not minimal, or when it exceeds 64 bits.
    #[inline]
    pub fn uint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let first = self.byte(what)?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.byte(what)?;
            let bits = u64::from(byte & 0x7f);
            if (shift == 63 && bits > 1) || byte == 0 {
                return Err(DecodeError::BadInteger { what });
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                return Err(DecodeError::BadInteger { what });
            }
        }
    }

    /// A zigzag-mapped signed integer.
    ///
    /// # Errors
    /// As [`Reader::uint`].
    pub fn int(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        let value = self.uint(what)?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    /// An integer of at most 32 bits.
    ///
    /// # Errors
    /// As [`Reader::uint`], or when it does not fit.
    #[inline]
    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        u32::try_from(self.uint(what)?).map_err(|_| DecodeError::BadInteger { what })
    }

    /// An integer of at most 16 bits.
    ///
    /// # Errors
    /// As [`Reader::uint`], or when it does not fit.
    #[inline]
    pub fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        u16::try_from(self.uint(what)?).map_err(|_| DecodeError::BadInteger { what })
    }

    /// A signed integer of at most 32 bits.
    ///
    /// # Errors
    /// As [`Reader::int`], or when it does not fit.
    pub fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        i32::try_from(self.int(what)?).map_err(|_| DecodeError::BadInteger { what })
    }

    /// A zero or one byte.
    ///
    /// # Errors
    /// At the end of the input or for any other byte.
    pub fn bool(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        match self.byte(what)? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(DecodeError::UnknownTag { what, tag }),
        }
    }

    /// A count that is used to allocate or loop: refused above `limit`.
    ///
    /// # Errors
    /// As [`Reader::uint`], or when above `limit`.
    pub fn count(&mut self, limit: u64, what: &'static str) -> Result<usize, DecodeError> {
        let found = self.uint(what)?;
        if found > limit {
            return Err(DecodeError::TooLong { what, found, limit });
        }
        usize::try_from(found).map_err(|_| DecodeError::BadInteger { what })
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// When bytes are left over.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes { left }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_survive_the_round_trip(unsigned: u64, signed: i64) {
            let mut bytes = Vec::new();
            bytes.uint(unsigned);
            bytes.int(signed);
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.uint("u").unwrap(), unsigned);
            prop_assert_eq!(reader.int("i").unwrap(), signed);
            reader.finish().unwrap();
        }

        #[test]
        fn accepted_integers_have_one_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.uint("u") {
                let mut again = Vec::new();
                again.uint(value);
                prop_assert_eq!(&bytes[..bytes.len() - reader.left()], &again[..]);
            }
        }
    }

    #[test]
    fn padded_and_oversized_integers_are_refused() {
        for bytes in
            [&[0x80, 0x00][..], &[0xff; 10], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]]
        {
            assert_eq!(
                Reader::new(bytes).uint("u"),
                Err(DecodeError::BadInteger { what: "u" }),
                "{bytes:x?}"
            );
        }
    }
}
