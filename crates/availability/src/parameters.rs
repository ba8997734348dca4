//! How many shards, how long: everything that follows from the numbers of shards and the length of the payload.

use reed_solomon_simd::ReedSolomonEncoder;

use crate::CodingError;

/// The most shards, data and parity together. Bounds the combination vector (32 bytes for each data shard) and the path.
pub const MAX_SHARDS: usize = 4096;

/// The longest payload, in bytes.
pub const MAX_PAYLOAD: usize = 1 << 28;

/// The most bytes that all shards of a payload have together.
pub const MAX_CODED: usize = 1 << 30;

/// Shards are made of such blocks: 32 symbols of 16 bits, all low bytes before all high ones.
pub(crate) const BLOCK: usize = 64;

/// The code: how many data shards there are, and how many parity shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Parameters {
    data: u16,
    parity: u16,
}

impl Parameters {
    /// 256 data and 128 parity shards: one and a half times the payload, 47 samples for 99.99 %.
    pub const DEFAULT: Parameters = Parameters { data: 256, parity: 128 };

    /// 256 data and 256 parity shards: twice the payload, 31 samples for 99.99 %.
    pub const WIDE: Parameters = Parameters { data: 256, parity: 256 };

    /// A code of `data` data shards and `parity` parity shards, at least one of each.
    ///
    /// # Errors
    /// [`CodingError::Parameters`] where either is none, or both together more than [`MAX_SHARDS`].
    pub fn new(data: usize, parity: usize) -> Result<Self, CodingError> {
        let refused = CodingError::Parameters { data, parity };
        if data.checked_add(parity).is_none_or(|total| total > MAX_SHARDS)
            || !ReedSolomonEncoder::supports(data, parity)
        {
            return Err(refused);
        }
        let (Ok(data), Ok(parity)) = (u16::try_from(data), u16::try_from(parity)) else {
            return Err(refused);
        };
        Ok(Self { data, parity })
    }

    /// K: the number of data shards, which is the number of shards that give the payload back.
    pub fn data(self) -> usize {
        self.data.into()
    }

    /// M: the number of parity shards.
    pub fn parity(self) -> usize {
        self.parity.into()
    }

    /// N = K + M: the number of shards.
    pub fn total(self) -> usize {
        self.data() + self.parity()
    }

    /// The length of each shard of a payload of `payload_length` bytes: as short as holds it, in multiples of 64 bytes, and
    /// never nothing.
    ///
    /// # Errors
    /// [`CodingError::PayloadTooLong`] beyond [`MAX_PAYLOAD`], or where the shards together were beyond [`MAX_CODED`].
    pub fn shard_length(self, payload_length: u64) -> Result<usize, CodingError> {
        let refused = CodingError::PayloadTooLong { length: payload_length };
        let length =
            usize::try_from(payload_length).ok().filter(|&length| length <= MAX_PAYLOAD).ok_or(refused)?;
        let shard = length.div_ceil(self.data() * BLOCK).max(1) * BLOCK;
        if shard as u64 * self.total() as u64 > MAX_CODED as u64 {
            return Err(CodingError::PayloadTooLong { length: payload_length });
        }
        Ok(shard)
    }

    /// The length of all shards together.
    ///
    /// # Errors
    /// As [`Self::shard_length`].
    pub fn coded_length(self, payload_length: u64) -> Result<usize, CodingError> {
        Ok(self.shard_length(payload_length)? * self.total())
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}
