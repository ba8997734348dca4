//! Evaluation of shards at the challenges: a shard is a polynomial over GF(2^128), and this is its value.
//!
//! The eight blocks of 64 bytes that follow each other hold 32 elements, one in each lane; a shard that ends before is filled up
//! with zeros. With E blocks of elements, element l of block b is the coefficient of r^(32 (E − 1 − b) + l): Horner's rule over
//! blocks with r^32, then lanes are halved five times with r^16, r^8, r^4, r^2, r.

use std::fmt;

use crate::{
    challenge::Challenges,
    field::Element,
    portable::{self, BLOCK_LENGTH, Block},
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

    /// The value, at the constant, of the polynomial whose coefficients `data` are, the highest first, in each lane of its own,
    /// for several shards of the same length, at least one block.
    fn horner<const SHARDS: usize>(&self, data: [&[Block]; SHARDS]) -> [Block; SHARDS] {
        #[cfg(target_arch = "x86_64")]
        if let (Self::Gfni512(token, constants), &[first, second]) = (self, &data[..]) {
            let values = token.horner(constants, [first, second]);
            return std::array::from_fn(|shard| values[shard]);
        }
        data.map(|data| match self {
            Self::Portable(table) => portable::horner(table, data),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(token, constants) => token.horner(constants, data),
            #[cfg(target_arch = "x86_64")]
            Self::Gfni256(token, constants) => token.horner(constants, data),
            #[cfg(target_arch = "x86_64")]
            Self::Gfni512(token, constants) => token.horner_one(constants, data),
        })
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
        let mut values = match whole[0].is_empty() {
            true => tail,
            false => self.blocks.horner(whole),
        };
        if !whole[0].is_empty() && !shards[0].len().is_multiple_of(BLOCK_LENGTH) {
            let pairs: [[Block; 2]; SHARDS] = std::array::from_fn(|at| [values[at], tail[at]]);
            values = self.blocks.horner(pairs.each_ref().map(|pair| &pair[..]));
        }
        // In each pair the upper lanes are moved down before the value itself. Sixteen are moved each time, however many count.
        let mut pairs: [[Block; 2]; SHARDS] = [[[[0; 32]; 16]; 2]; SHARDS];
        for (lanes, multiplier) in [16, 8, 4, 2, 1].into_iter().zip(&self.lanes) {
            for (pair, value) in pairs.iter_mut().zip(values) {
                for (upper, row) in pair[0].iter_mut().zip(&value) {
                    upper[..16].copy_from_slice(&row[lanes..lanes + 16]);
                }
                pair[1] = value;
            }
            values = multiplier.horner(pairs.each_ref().map(|pair| &pair[..]));
        }
        values.map(|value| Element::from_bytes(value.map(|row| row[0])))
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

    /// The values of several shards, all of the same length.
    pub fn evaluate_all(&self, shards: &[&[u8]]) -> Vec<Values> {
        let mut values = Vec::with_capacity(shards.len());
        let (pairs, last) = shards.as_chunks::<2>();
        for &pair in pairs {
            let [at_first, at_second] = self.points.each_ref().map(|point| point.evaluate(pair));
            values.extend([[at_first[0], at_second[0]], [at_first[1], at_second[1]]]);
        }
        values.extend(last.iter().map(|shard| self.evaluate(shard)));
        values
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    /// The definition: the sum of all elements, each times its power of the point.
    fn by_definition(shard: &[u8], point: Element) -> Element {
        let blocks = shard.len().div_ceil(BLOCK_LENGTH);
        let mut padded = shard.to_vec();
        padded.resize(blocks * BLOCK_LENGTH, 0);
        let mut power = Element([1, 0, 0, 0, 0, 0, 0, 0]);
        let mut sum = Element::default();
        for block in (0..blocks).rev() {
            for lane in 0..32 {
                let symbol = |coordinate| {
                    let low = BLOCK_LENGTH * block + 64 * coordinate + lane;
                    u16::from_le_bytes([padded[low], padded[low + 32]])
                };
                let term = Element(std::array::from_fn(symbol)).times(power);
                sum = Element(std::array::from_fn(|at| sum.0[at] ^ term.0[at]));
                power = power.times(point);
            }
        }
        sum
    }

    fn any_element() -> impl Strategy<Value = Element> {
        any::<[u16; 8]>().prop_map(Element)
    }

    fn any_shards() -> impl Strategy<Value = Vec<Vec<u8>>> {
        (1usize..4, 1usize..40).prop_flat_map(|(count, blocks)| vec(vec(any::<u8>(), 64 * blocks), count))
    }

    /// What a test of all paths has tested follows from the processor: a path that is not taken where it could be is a failure.
    #[test]
    fn every_path_that_this_processor_has_is_there_slowest_first() {
        #[allow(unused_mut, reason = "other processors have but one")]
        let mut expected = vec!["portable"];
        #[cfg(target_arch = "x86_64")]
        {
            let (avx2, gfni) = (is_x86_feature_detected!("avx2"), is_x86_feature_detected!("gfni"));
            let avx512 = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
            expected.extend(avx2.then_some("AVX2"));
            expected.extend((avx2 && gfni).then_some("GFNI, 256 bits"));
            expected.extend((avx2 && avx512 && gfni).then_some("GFNI, 512 bits"));
        }
        let available: Vec<String> = available_paths().iter().map(Path::to_string).collect();
        println!("paths tested here: {}", available.join("; "));
        assert_eq!(available, expected);
        assert_eq!(Path::fastest().to_string(), expected[expected.len() - 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_path_gives_the_values_of_the_definition(
            shards in any_shards(), challenges in [any_element(), any_element()],
        ) {
            let expected: Vec<Values> =
                shards.iter().map(|shard| challenges.map(|point| by_definition(shard, point))).collect();
            let shards: Vec<&[u8]> = shards.iter().map(Vec::as_slice).collect();
            for path in available_paths() {
                let evaluator = Evaluator::new(challenges, path);
                prop_assert_eq!(&evaluator.evaluate_all(&shards), &expected, "{}", path);
                prop_assert_eq!(evaluator.evaluate(shards[0]), expected[0], "{}", path);
            }
        }
    }
}

/// What the paths with GFNI do, with the instruction in software.
#[cfg(all(test, target_arch = "x86_64"))]
mod instruction_model {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::multiplier::Vector;

    /// `gf2p8affineqb` in software, byte by byte, after its description in Intel's manual: bit i of the result is the parity of
    /// the argument and byte 7 − i of the matrix.
    fn affine(byte: u8, matrix: u64) -> u8 {
        let row = |bit: usize| matrix.to_le_bytes()[7 - bit];
        (0..8).fold(0, |result, bit| result | (((row(bit) & byte).count_ones() & 1) as u8) << bit)
    }

    /// The vectors of `simd.rs` with the instruction in software, for as many shards at once as are wanted.
    #[derive(Clone, Copy)]
    struct Model<const SHARDS: usize>([[u8; 32]; SHARDS]);

    impl<const SHARDS: usize> Model<SHARDS> {
        fn affine(self, matrix: u64) -> Self {
            Self(self.0.map(|row| row.map(|byte| affine(byte, matrix))))
        }
    }

    impl<const SHARDS: usize> Vector<SHARDS> for Model<SHARDS> {
        type Token = ();
        type Constant = Matrices;
        type Prepared = [Self; 2];

        fn load((): (), data: &[&[Block]; SHARDS], place: usize, row: usize) -> Self {
            Self(data.map(|data| data[place][row]))
        }

        fn store(self, blocks: &mut [Block; SHARDS], row: usize) {
            for (block, stored) in blocks.iter_mut().zip(self.0) {
                block[row] = stored;
            }
        }

        fn plus(self, other: Self) -> Self {
            Self(std::array::from_fn(|s| std::array::from_fn(|lane| self.0[s][lane] ^ other.0[s][lane])))
        }

        fn prepare(low: Self, high: Self) -> [Self; 2] {
            [low, high]
        }

        fn plus_prepared(a: [Self; 2], b: [Self; 2]) -> [Self; 2] {
            [a[0].plus(b[0]), a[1].plus(b[1])]
        }

        fn times([low, high]: [Self; 2], [low_low, low_high, high_low, high_high]: &Matrices) -> [Self; 2] {
            [
                low.affine(*low_low).plus(high.affine(*high_low)),
                low.affine(*low_high).plus(high.affine(*high_high)),
            ]
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Matrices and order of operations, of one shard and of two. Only the instruction itself, and loading and storing, are left
        /// to a processor that has it.
        #[test]
        fn the_matrices_give_what_the_tables_give(
            first in vec(any::<[[u8; 32]; 16]>(), 3), second in vec(any::<[[u8; 32]; 16]>(), 3),
            constant in any::<[u16; 8]>().prop_map(Element),
        ) {
            let table = portable::table(constant);
            let matrices: [Matrices; PRODUCTS] = multiplier::constants(constant).map(multiplier::matrices);
            let expected = [portable::horner(&table, &first), portable::horner(&table, &second)];
            let alone = multiplier::horner::<1, Model<1>>((), &matrices, [&first]);
            prop_assert_eq!(alone[0], expected[0]);
            let both = multiplier::horner::<2, Model<2>>((), &matrices, [&first, &second]);
            prop_assert_eq!(both, expected);
        }
    }
}
