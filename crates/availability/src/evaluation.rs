//! Evaluation of shards at the challenges: a shard is a polynomial over GF(2^128), and this is its value.
//!
//! The eight blocks of 64 bytes that follow each other hold 32 elements, one in each lane; a shard that ends before is filled up
//! with zeros. With E blocks of elements, element l of block b is the coefficient of r^(32 (E − 1 − b) + l): Horner's rule over
//! blocks with r^32, then lanes are halved five times with r^16, r^8, r^4, r^2, r.

use std::fmt;

use crate::{
    challenge::Challenges,
    field::Element,
    multiplier::{BLOCK_LENGTH, Block},
    portable,
};
#[cfg(target_arch = "x86_64")]
use crate::{
    multiplier::{self, Matrices, PRODUCTS, Shuffles},
    simd,
};

/// How shards are evaluated: which instructions of the processor. All give the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(simd::Avx2),
    #[cfg(target_arch = "x86_64")]
    Gfni256(simd::Gfni256),
    #[cfg(target_arch = "x86_64")]
    Gfni512(simd::Gfni512),
}

impl Path {
    /// Tables, on every processor.
    pub const PORTABLE: Path = Path(Kind::Portable);

    /// The fastest that this processor has.
    pub fn fastest() -> Self {
        available_paths().last().copied().unwrap_or(Self::PORTABLE)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Kind::Gfni256(_) => "GFNI, 256 bits",
            #[cfg(target_arch = "x86_64")]
            Kind::Gfni512(_) => "GFNI, 512 bits",
        })
    }
}

/// All paths that this processor has, slowest first.
pub fn available_paths() -> Vec<Path> {
    #[allow(unused_mut, reason = "other processors have but one")]
    let mut paths = vec![Path::PORTABLE];
    #[cfg(target_arch = "x86_64")]
    {
        paths.extend(simd::Avx2::detect().map(|token| Path(Kind::Avx2(token))));
        paths.extend(simd::Gfni256::detect().map(|token| Path(Kind::Gfni256(token))));
        paths.extend(simd::Gfni512::detect().map(|token| Path(Kind::Gfni512(token))));
    }
    paths
}

/// Multiplication by a constant, as a path does it.
enum Multiplier {
    Portable(Box<portable::Table>),
    #[cfg(target_arch = "x86_64")]
    Avx2(simd::Avx2, Box<[Shuffles; PRODUCTS]>),
    #[cfg(target_arch = "x86_64")]
    Gfni256(simd::Gfni256, Box<[Matrices; PRODUCTS]>),
    #[cfg(target_arch = "x86_64")]
    Gfni512(simd::Gfni512, Box<[Matrices; PRODUCTS]>),
}

impl Multiplier {
    fn new(constant: Element, path: Path) -> Self {
        match path.0 {
            Kind::Portable => Self::Portable(portable::table(constant)),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token) => {
                Self::Avx2(token, Box::new(multiplier::constants(constant).map(multiplier::shuffles)))
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Gfni256(token) => {
                Self::Gfni256(token, Box::new(multiplier::constants(constant).map(multiplier::matrices)))
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Gfni512(token) => {
                Self::Gfni512(token, Box::new(multiplier::constants(constant).map(multiplier::matrices)))
            }
        }
    }

    /// Horner's rule for shards of the same length.
    fn horner<const SHARDS: usize>(&self, accumulators: &mut [Block; SHARDS], data: [&[Block]; SHARDS]) {
        #[cfg(target_arch = "x86_64")]
        if let (Self::Gfni512(token, constants), [first, second], [firsts, seconds]) =
            (self, &mut accumulators[..], &data[..])
        {
            return token.horner(constants, [first, second], [firsts, seconds]);
        }
        for (accumulator, data) in accumulators.iter_mut().zip(data) {
            match self {
                Self::Portable(table) => portable::horner(table, accumulator, data),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2(token, constants) => token.horner(constants, accumulator, data),
                #[cfg(target_arch = "x86_64")]
                Self::Gfni256(token, constants) => token.horner(constants, accumulator, data),
                #[cfg(target_arch = "x86_64")]
                Self::Gfni512(token, constants) => {
                    let mut unused = *accumulator;
                    token.horner(constants, [accumulator, &mut unused], [data, data]);
                }
            }
        }
    }
}

/// A challenge's multipliers: of r^32 for blocks, and of r^16, r^8, r^4, r^2, r for lanes.
struct Point {
    blocks: Multiplier,
    lanes: [Multiplier; 5],
}

impl Point {
    fn new(challenge: Element, path: Path) -> Self {
        let mut powers = [challenge; 6];
        for at in 1..powers.len() {
            powers[at] = powers[at - 1].times(powers[at - 1]);
        }
        Self {
            blocks: Multiplier::new(powers[5], path),
            lanes: [4, 3, 2, 1, 0].map(|at| Multiplier::new(powers[at], path)),
        }
    }

    /// The values of shards of the same length, which is a multiple of 64 bytes.
    fn evaluate<const SHARDS: usize>(&self, shards: [&[u8]; SHARDS]) -> [Element; SHARDS] {
        let whole = shards.map(|shard| shard.as_chunks().0.as_chunks().0);
        let tail = shards.map(|shard| {
            let mut block = [[0; 32]; 16];
            let tail = &shard[shard.len() / BLOCK_LENGTH * BLOCK_LENGTH..];
            block.as_flattened_mut()[..tail.len()].copy_from_slice(tail);
            block
        });
        let has_tail = shards.iter().any(|shard| shard.len() % BLOCK_LENGTH != 0);
        // The first block is where the accumulator starts.
        let mut accumulators = tail;
        if whole.iter().all(|blocks| !blocks.is_empty()) {
            accumulators = whole.map(|blocks| blocks[0]);
            self.blocks.horner(&mut accumulators, whole.map(|blocks| &blocks[1..]));
            if has_tail {
                self.blocks.horner(&mut accumulators, tail.each_ref().map(std::slice::from_ref));
            }
        }
        for (lanes, multiplier) in [16, 8, 4, 2, 1].into_iter().zip(&self.lanes) {
            let lower = accumulators;
            for row in accumulators.as_flattened_mut() {
                row.copy_within(lanes..2 * lanes, 0);
            }
            multiplier.horner(&mut accumulators, lower.each_ref().map(std::slice::from_ref));
        }
        accumulators.map(|accumulator| Element::from_bytes(accumulator.map(|row| row[0])))
    }
}

/// A shard's values at the two challenges.
pub(crate) type Values = [Element; 2];

/// The two challenges, ready to evaluate shards.
pub(crate) struct Evaluator {
    points: [Point; 2],
}

impl Evaluator {
    pub fn new(challenges: Challenges, path: Path) -> Self {
        Self { points: challenges.map(|challenge| Point::new(challenge, path)) }
    }

    /// The values of one shard. Its length is a multiple of 64 bytes.
    pub fn evaluate(&self, shard: &[u8]) -> Values {
        self.points.each_ref().map(|point| point.evaluate([shard])[0])
    }

    /// The values of all shards in `bytes`, of `length` bytes each.
    pub fn evaluate_all(&self, bytes: &[u8], length: usize) -> Vec<Values> {
        let mut values = Vec::with_capacity(bytes.len() / length);
        let mut pairs = bytes.chunks_exact(2 * length);
        for pair in pairs.by_ref() {
            let (first, second) = pair.split_at(length);
            let [at_first, at_second] = self.points.each_ref().map(|point| point.evaluate([first, second]));
            values.extend([[at_first[0], at_second[0]], [at_first[1], at_second[1]]]);
        }
        values.extend(pairs.remainder().chunks_exact(length).map(|last| self.evaluate(last)));
        values
    }
}
