//! Horner's rule with vector instructions: AVX2's byte shuffles, or the bit matrices of GFNI in 256 or 512 bits.
//!
//! What the arithmetic is stands in `multiplier.rs`, in safe code; here is only how a vector is added and multiplied by a
//! constant. A processor's features are looked for once and remembered in a token. A vector can be had only with the token, so
//! that where there is a vector there are its instructions.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use crate::{
    multiplier::{Matrices, PRODUCTS, Shuffles, Vector, horner},
    portable::Block,
};

/// Shows that the processor has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

/// Shows that the processor has AVX2 and GFNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gfni256(Avx2);

/// Shows that the processor has AVX-512 (F and BW), AVX2 and GFNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gfni512(Gfni256);

impl Avx2 {
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// [`horner`] for one shard.
    pub fn horner(self, constants: &[Shuffles; PRODUCTS], data: &[Block]) -> Block {
        #[target_feature(enable = "avx2")]
        fn with_features(token: Avx2, constants: &[Shuffles; PRODUCTS], data: &[Block]) -> [Block; 1] {
            horner::<1, Bytes>(token, constants, [data])
        }
        // SAFETY: the function's only condition is that the processor has AVX2, which the token shows.
        unsafe { with_features(self, constants, data)[0] }
    }
}

impl Gfni256 {
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("gfni").then_some(Self(Avx2::detect()?))
    }

    /// [`horner`] for one shard.
    pub fn horner(self, constants: &[Matrices; PRODUCTS], data: &[Block]) -> Block {
        #[target_feature(enable = "avx2,gfni")]
        fn with_features(token: Gfni256, constants: &[Matrices; PRODUCTS], data: &[Block]) -> [Block; 1] {
            horner::<1, Bits>(token, constants, [data])
        }
        // SAFETY: the function's only condition is that the processor has AVX2 and GFNI, which the token shows.
        unsafe { with_features(self, constants, data)[0] }
    }
}

impl Gfni512 {
    pub fn detect() -> Option<Self> {
        let narrow = Gfni256::detect()?;
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")).then_some(Self(narrow))
    }

    /// [`horner`] for one shard, in vectors of 256 bits: the other half would stay empty.
    pub fn horner_one(self, constants: &[Matrices; PRODUCTS], data: &[Block]) -> Block {
        self.0.horner(constants, data)
    }

    /// [`horner`] for two shards side by side.
    pub fn horner(self, constants: &[Matrices; PRODUCTS], data: [&[Block]; 2]) -> [Block; 2] {
        #[target_feature(enable = "avx512f,avx512bw,gfni")]
        fn with_features(
            token: Gfni512,
            constants: &[Matrices; PRODUCTS],
            data: [&[Block]; 2],
        ) -> [Block; 2] {
            horner::<2, WideBits>(token, constants, data)
        }
        // SAFETY: the function's only condition is that the processor has these features, which the token shows.
        unsafe { with_features(self, constants, data) }
    }
}

/// Made only by `load`, with the token of AVX2, or from others of its kind.
#[derive(Clone, Copy)]
struct Bytes(__m256i);

impl Bytes {
    /// One byte of the product: entries of four tables, added.
    #[inline(always)]
    fn look_up(nibbles: [Self; 4], tables: &Shuffles, byte: usize) -> Self {
        // SAFETY: there is AVX2, or there were no nibbles; 16 bytes each are read from references to 16 bytes, at any alignment.
        unsafe {
            let entry_0 = _mm256_shuffle_epi8(broadcast(&tables[byte]), nibbles[0].0);
            let entry_1 = _mm256_shuffle_epi8(broadcast(&tables[2 + byte]), nibbles[1].0);
            let entry_2 = _mm256_shuffle_epi8(broadcast(&tables[4 + byte]), nibbles[2].0);
            let entry_3 = _mm256_shuffle_epi8(broadcast(&tables[6 + byte]), nibbles[3].0);
            Self(_mm256_xor_si256(_mm256_xor_si256(entry_0, entry_1), _mm256_xor_si256(entry_2, entry_3)))
        }
    }
}

/// The table in both halves of a vector.
///
/// # Safety
/// The processor must have AVX2.
#[inline(always)]
unsafe fn broadcast(table: &[u8; 16]) -> __m256i {
    // SAFETY: 16 bytes are read from a reference to 16 bytes, at any alignment; for AVX2 the caller answers.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())) }
}

impl Vector<1> for Bytes {
    type Token = Avx2;
    type Constant = Shuffles;
    /// The four nibbles of each symbol, lowest first.
    type Prepared = [Bytes; 4];

    #[inline(always)]
    fn load(_: Avx2, [data]: &[&[Block]; 1], place: usize, row: usize) -> Self {
        let row: &[u8; 32] = &data[place][row];
        // SAFETY: the token shows that there is AVX2; 32 bytes are read from a reference to 32 bytes, at any alignment.
        unsafe { Self(_mm256_loadu_si256(row.as_ptr().cast())) }
    }

    #[inline(always)]
    fn store(self, [block]: &mut [Block; 1], row: usize) {
        let row: &mut [u8; 32] = &mut block[row];
        // SAFETY: there is AVX2, or there were no `self`; 32 bytes are written to a reference to 32 bytes, at any alignment.
        unsafe { _mm256_storeu_si256(row.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: there is AVX2, or there were no `self`.
        unsafe { Self(_mm256_xor_si256(self.0, other.0)) }
    }

    #[inline(always)]
    fn prepare(low: Self, high: Self) -> [Self; 4] {
        // SAFETY: there is AVX2, or there were no arguments.
        unsafe {
            let nibble = _mm256_set1_epi8(15);
            [
                Self(_mm256_and_si256(low.0, nibble)),
                Self(_mm256_and_si256(_mm256_srli_epi16::<4>(low.0), nibble)),
                Self(_mm256_and_si256(high.0, nibble)),
                Self(_mm256_and_si256(_mm256_srli_epi16::<4>(high.0), nibble)),
            ]
        }
    }

    #[inline(always)]
    fn plus_prepared(a: [Self; 4], b: [Self; 4]) -> [Self; 4] {
        [a[0].plus(b[0]), a[1].plus(b[1]), a[2].plus(b[2]), a[3].plus(b[3])]
    }

    #[inline(always)]
    fn times(nibbles: [Self; 4], tables: &Shuffles) -> [Self; 2] {
        [Self::look_up(nibbles, tables, 0), Self::look_up(nibbles, tables, 1)]
    }
}

/// Made only by `load`, with the token of AVX2 and GFNI, or from others of its kind.
#[derive(Clone, Copy)]
struct Bits(Bytes);

impl Bits {
    #[inline(always)]
    fn affine(self, matrix: u64) -> Self {
        // SAFETY: there are AVX2 and GFNI, or there were no `self`.
        unsafe {
            let matrix = _mm256_set1_epi64x(matrix.cast_signed());
            Self(Bytes(_mm256_gf2p8affine_epi64_epi8::<0>(self.0.0, matrix)))
        }
    }
}

impl Vector<1> for Bits {
    type Token = Gfni256;
    type Constant = Matrices;
    type Prepared = [Bits; 2];

    #[inline(always)]
    fn load(Gfni256(token): Gfni256, data: &[&[Block]; 1], place: usize, row: usize) -> Self {
        Self(Bytes::load(token, data, place, row))
    }

    #[inline(always)]
    fn store(self, blocks: &mut [Block; 1], row: usize) {
        self.0.store(blocks, row);
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self(self.0.plus(other.0))
    }

    #[inline(always)]
    fn prepare(low: Self, high: Self) -> [Self; 2] {
        [low, high]
    }

    #[inline(always)]
    fn plus_prepared(a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
        [a[0].plus(b[0]), a[1].plus(b[1])]
    }

    #[inline(always)]
    fn times([low, high]: [Self; 2], [low_low, low_high, high_low, high_high]: &Matrices) -> [Self; 2] {
        [
            low.affine(*low_low).plus(high.affine(*high_low)),
            low.affine(*low_high).plus(high.affine(*high_high)),
        ]
    }
}

/// Made only by `load`, with the token of AVX-512 and GFNI, or from others of its kind. One shard is in each half.
#[derive(Clone, Copy)]
struct WideBits(__m512i);

impl WideBits {
    #[inline(always)]
    fn affine(self, matrix: u64) -> Self {
        // SAFETY: there are AVX-512 and GFNI, or there were no `self`.
        unsafe {
            let matrix = _mm512_set1_epi64(matrix.cast_signed());
            Self(_mm512_gf2p8affine_epi64_epi8::<0>(self.0, matrix))
        }
    }
}

impl Vector<2> for WideBits {
    type Token = Gfni512;
    type Constant = Matrices;
    type Prepared = [WideBits; 2];

    #[inline(always)]
    fn load(_: Gfni512, [first, second]: &[&[Block]; 2], place: usize, row: usize) -> Self {
        let (first, second): (&[u8; 32], &[u8; 32]) = (&first[place][row], &second[place][row]);
        // SAFETY: the token shows that there is AVX-512; 32 bytes each are read from references to 32 bytes, at any alignment.
        unsafe {
            let first = _mm512_castsi256_si512(_mm256_loadu_si256(first.as_ptr().cast()));
            Self(_mm512_inserti64x4::<1>(first, _mm256_loadu_si256(second.as_ptr().cast())))
        }
    }

    #[inline(always)]
    fn store(self, [first, second]: &mut [Block; 2], row: usize) {
        let (first, second): (&mut [u8; 32], &mut [u8; 32]) = (&mut first[row], &mut second[row]);
        // SAFETY: there is AVX-512, or there were no `self`; 32 bytes each are written to references to 32 bytes, at any alignment.
        unsafe {
            _mm256_storeu_si256(first.as_mut_ptr().cast(), _mm512_castsi512_si256(self.0));
            _mm256_storeu_si256(second.as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(self.0));
        }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: there is AVX-512, or there were no `self`.
        unsafe { Self(_mm512_xor_si512(self.0, other.0)) }
    }

    #[inline(always)]
    fn prepare(low: Self, high: Self) -> [Self; 2] {
        [low, high]
    }

    #[inline(always)]
    fn plus_prepared(a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
        [a[0].plus(b[0]), a[1].plus(b[1])]
    }

    #[inline(always)]
    fn times([low, high]: [Self; 2], [low_low, low_high, high_low, high_high]: &Matrices) -> [Self; 2] {
        [
            low.affine(*low_low).plus(high.affine(*high_low)),
            low.affine(*low_high).plus(high.affine(*high_high)),
        ]
    }
}
