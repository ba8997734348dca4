//! Horner's rule with vector instructions: AVX2's byte shuffles, or the bit matrices of GFNI in 256 or 512 bits.
//!
//! What the arithmetic is stands in `multiplier.rs`, in safe code; here is only how a vector is added and multiplied by a
//! constant. A processor's features are looked for once and remembered in a token. A vector can be had only with the token, so
//! that where there is a vector there are its instructions.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use crate::multiplier::{Block, Matrices, PRODUCTS, Shuffles, Vector, horner};

/// Shows that the processor has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

/// Shows that the processor has AVX2 and GFNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gfni256(());

/// Shows that the processor has AVX-512 (F, BW, VL, DQ) and GFNI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gfni512(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }

    /// Horner's rule for one shard.
    pub fn horner(self, constants: &[Shuffles; PRODUCTS], accumulator: &mut Block, data: &[Block]) {
        #[target_feature(enable = "avx2")]
        fn with_features(
            token: Avx2,
            constants: &[Shuffles; PRODUCTS],
            accumulator: &mut Block,
            data: &[Block],
        ) {
            horner::<1, Bytes>(token, constants, [accumulator], [data]);
        }
        // SAFETY: the function's only condition is that the processor has AVX2, which the token shows.
        unsafe { with_features(self, constants, accumulator, data) }
    }
}

impl Gfni256 {
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("gfni")).then_some(Self(()))
    }

    /// Horner's rule for one shard.
    pub fn horner(self, constants: &[Matrices; PRODUCTS], accumulator: &mut Block, data: &[Block]) {
        #[target_feature(enable = "avx2,gfni")]
        fn with_features(
            token: Gfni256,
            constants: &[Matrices; PRODUCTS],
            accumulator: &mut Block,
            data: &[Block],
        ) {
            horner::<1, Bits>(token, constants, [accumulator], [data]);
        }
        // SAFETY: the function's only condition is that the processor has AVX2 and GFNI, which the token shows.
        unsafe { with_features(self, constants, accumulator, data) }
    }
}

impl Gfni512 {
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("gfni"))
        .then_some(Self(()))
    }

    /// Horner's rule for two shards side by side.
    pub fn horner(
        self,
        constants: &[Matrices; PRODUCTS],
        accumulators: [&mut Block; 2],
        data: [&[Block]; 2],
    ) {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,gfni")]
        fn with_features(
            token: Gfni512,
            constants: &[Matrices; PRODUCTS],
            accumulators: [&mut Block; 2],
            data: [&[Block]; 2],
        ) {
            horner::<2, WideBits>(token, constants, accumulators, data);
        }
        // SAFETY: the function's only condition is that the processor has these features, which the token shows.
        unsafe { with_features(self, constants, accumulators, data) }
    }
}

/// Made only by `load`, with the token of AVX2, or from others of its kind.
#[derive(Clone, Copy)]
struct Bytes(__m256i);

impl Vector<1> for Bytes {
    type Token = Avx2;
    type Constant = Shuffles;
    type Prepared = [Bytes; 4];

    #[inline(always)]
    fn load(_: Avx2, [row]: [&[u8; 32]; 1]) -> Self {
        // SAFETY: the token shows that there is AVX2; 32 bytes are read from a reference to 32 bytes, at any alignment.
        unsafe { Self(_mm256_loadu_si256(row.as_ptr().cast())) }
    }

    #[inline(always)]
    fn store(self, [row]: [&mut [u8; 32]; 1]) {
        // SAFETY: there is AVX2, or there were no `self`; 32 bytes are written to a reference to 32 bytes, at any alignment.
        unsafe { _mm256_storeu_si256(row.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: there is AVX2, or there were no `self`.
        unsafe { Self(_mm256_xor_si256(self.0, other.0)) }
    }

    /// The four nibbles of each symbol, lowest first.
    #[inline(always)]
    fn prepare([low, high]: [Self; 2]) -> [Self; 4] {
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
        let look_up = |nibble: usize, byte: usize| {
            let table = &tables[2 * nibble + byte];
            // SAFETY: there is AVX2, or there were no nibbles; 16 bytes are read from a reference to 16 bytes, at any alignment.
            unsafe {
                let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
                Self(_mm256_shuffle_epi8(table, nibbles[nibble].0))
            }
        };
        [0, 1]
            .map(|byte| look_up(0, byte).plus(look_up(1, byte)).plus(look_up(2, byte).plus(look_up(3, byte))))
    }
}

/// Made only by `load`, with the token of AVX2 and GFNI, or from others of its kind.
#[derive(Clone, Copy)]
struct Bits(__m256i);

impl Vector<1> for Bits {
    type Token = Gfni256;
    type Constant = Matrices;
    type Prepared = [Bits; 2];

    #[inline(always)]
    fn load(_: Gfni256, [row]: [&[u8; 32]; 1]) -> Self {
        // SAFETY: the token shows that there is AVX2; 32 bytes are read from a reference to 32 bytes, at any alignment.
        unsafe { Self(_mm256_loadu_si256(row.as_ptr().cast())) }
    }

    #[inline(always)]
    fn store(self, [row]: [&mut [u8; 32]; 1]) {
        // SAFETY: there is AVX2, or there were no `self`; 32 bytes are written to a reference to 32 bytes, at any alignment.
        unsafe { _mm256_storeu_si256(row.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: there is AVX2, or there were no `self`.
        unsafe { Self(_mm256_xor_si256(self.0, other.0)) }
    }

    #[inline(always)]
    fn prepare(coordinate: [Self; 2]) -> [Self; 2] {
        coordinate
    }

    #[inline(always)]
    fn plus_prepared(a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
        [a[0].plus(b[0]), a[1].plus(b[1])]
    }

    #[inline(always)]
    fn times([low, high]: [Self; 2], matrices: &Matrices) -> [Self; 2] {
        let affine = |bytes: Self, matrix: u64| {
            // SAFETY: there are AVX2 and GFNI, or there were no bytes.
            unsafe {
                Self(_mm256_gf2p8affine_epi64_epi8::<0>(bytes.0, _mm256_set1_epi64x(matrix.cast_signed())))
            }
        };
        [
            affine(low, matrices[0]).plus(affine(high, matrices[2])),
            affine(low, matrices[1]).plus(affine(high, matrices[3])),
        ]
    }
}

/// Made only by `load`, with the token of AVX-512 and GFNI, or from others of its kind.
#[derive(Clone, Copy)]
struct WideBits(__m512i);

impl Vector<2> for WideBits {
    type Token = Gfni512;
    type Constant = Matrices;
    type Prepared = [WideBits; 2];

    #[inline(always)]
    fn load(_: Gfni512, [low, high]: [&[u8; 32]; 2]) -> Self {
        // SAFETY: the token shows that there is AVX-512; 32 bytes each are read from references to 32 bytes, at any alignment.
        unsafe {
            let low = _mm512_castsi256_si512(_mm256_loadu_si256(low.as_ptr().cast()));
            Self(_mm512_inserti64x4::<1>(low, _mm256_loadu_si256(high.as_ptr().cast())))
        }
    }

    #[inline(always)]
    fn store(self, [low, high]: [&mut [u8; 32]; 2]) {
        // SAFETY: there is AVX-512, or there were no `self`; 32 bytes each are written to references to 32 bytes, at any alignment.
        unsafe {
            _mm256_storeu_si256(low.as_mut_ptr().cast(), _mm512_castsi512_si256(self.0));
            _mm256_storeu_si256(high.as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(self.0));
        }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: there is AVX-512, or there were no `self`.
        unsafe { Self(_mm512_xor_si512(self.0, other.0)) }
    }

    #[inline(always)]
    fn prepare(coordinate: [Self; 2]) -> [Self; 2] {
        coordinate
    }

    #[inline(always)]
    fn plus_prepared(a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
        [a[0].plus(b[0]), a[1].plus(b[1])]
    }

    #[inline(always)]
    fn times([low, high]: [Self; 2], matrices: &Matrices) -> [Self; 2] {
        let affine = |bytes: Self, matrix: u64| {
            // SAFETY: there are AVX-512 and GFNI, or there were no bytes.
            unsafe {
                Self(_mm512_gf2p8affine_epi64_epi8::<0>(bytes.0, _mm512_set1_epi64(matrix.cast_signed())))
            }
        };
        [
            affine(low, matrices[0]).plus(affine(high, matrices[2])),
            affine(low, matrices[1]).plus(affine(high, matrices[3])),
        ]
    }
}
