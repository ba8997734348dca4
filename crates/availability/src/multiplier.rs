//! Multiplication of many elements of GF(2^128) by one constant, as 27 multiplications by constants of GF(2^16).
//!
//! Karatsuba's identity at each of the three steps of the tower: (a0 + a1 X)(b0 + b1 X) is a0 b0 + a1 (b1 c), and beside X
//! (a0 + a1)(b0 + b1) + a0 b0. Three products instead of four; with b constant, b1 c is one, too. The additions of b are done
//! once, here; those of a and of the products are [`multiply`], for whatever kind of vector does them.
//!
//! A vector holds one byte of 32 symbols, as the code's blocks of 64 bytes have them: low bytes, then high bytes.

use crate::field::{self, Element};

/// How many products of GF(2^16) one of GF(2^128) takes.
pub(crate) const PRODUCTS: usize = 27;

/// 32 elements: row 2i has the low bytes of coordinate i, row 2i + 1 the high ones. Eight blocks of the code, as they are.
pub(crate) type Block = [[u8; 32]; 16];

/// The length of a [`Block`] in bytes.
pub(crate) const BLOCK_LENGTH: usize = 512;

/// The 27 constants, in the order in which [`multiply`] uses them.
pub(crate) fn constants(element: Element) -> [u16; PRODUCTS] {
    let mut constants = [0; PRODUCTS];
    split(&element.0, &mut constants);
    constants
}

fn split(element: &[u16], constants: &mut [u16]) {
    if let [coordinate] = element {
        constants[0] = *coordinate;
        return;
    }
    let half = element.len() / 2;
    let third = constants.len() / 3;
    let (low, high) = element.split_at(half);
    let mut twisted = [0; 4];
    field::twist(high, &mut twisted[..half]);
    split(low, &mut constants[..third]);
    split(&twisted[..half], &mut constants[third..2 * third]);
    split(&field::sum(low, high)[..half], &mut constants[2 * third..]);
}

/// Multiplication by a constant of GF(2^16) as sixteen-entry tables, one for each nibble of the argument and byte of the result:
/// entry `v` of table `2n + b` is byte `b` of the constant times `v << 4n`.
pub(crate) type Shuffles = [[u8; 16]; 8];

/// The tables of a constant.
pub(crate) fn shuffles(constant: u16) -> Shuffles {
    let mut tables = [[0; 16]; 8];
    for nibble in 0..4 {
        for value in 0..16u16 {
            let product = field::multiply_16(constant, value << (4 * nibble)).to_le_bytes();
            tables[2 * nibble][usize::from(value)] = product[0];
            tables[2 * nibble + 1][usize::from(value)] = product[1];
        }
    }
    tables
}

/// Multiplication by a constant of GF(2^16) as four 8x8 bit matrices, as `gf2p8affineqb` takes them: from the low byte to the low
/// byte, low to high, high to low, high to high.
///
/// The row that gives bit i of the result is byte 7 − i; its bit j says whether bit j of the argument counts.
pub(crate) type Matrices = [u64; 4];

/// The matrices of a constant.
pub(crate) fn matrices(constant: u16) -> Matrices {
    let mut matrices = [0; 4];
    for bit in 0..16 {
        let product = field::multiply_16(constant, 1 << bit);
        for row in 0..16 {
            if product >> row & 1 == 1 {
                matrices[bit / 8 * 2 + row / 8] |= 1 << ((7 - row % 8) * 8 + bit % 8);
            }
        }
    }
    matrices
}

/// A vector of bytes of one row, of `SHARDS` blocks at once, and how it is multiplied by constants of GF(2^16).
pub(crate) trait Vector<const SHARDS: usize>: Copy {
    /// What shows that the processor can do it.
    type Token: Copy;
    /// A constant of GF(2^16).
    type Constant;
    /// A coordinate as the multiplication wants it; sums of these are those of sums.
    type Prepared: Copy;

    fn load(token: Self::Token, rows: [&[u8; 32]; SHARDS]) -> Self;
    fn store(self, rows: [&mut [u8; 32]; SHARDS]);
    fn plus(self, other: Self) -> Self;
    fn prepare(coordinate: [Self; 2]) -> Self::Prepared;
    fn plus_prepared(a: Self::Prepared, b: Self::Prepared) -> Self::Prepared;
    fn times(a: Self::Prepared, constant: &Self::Constant) -> [Self; 2];
}

/// Horner's rule: for each of `data`, the accumulator becomes itself times the constant, plus the data.
#[inline(always)]
pub(crate) fn horner<const SHARDS: usize, V: Vector<SHARDS>>(
    token: V::Token,
    constants: &[V::Constant; PRODUCTS],
    accumulators: [&mut Block; SHARDS],
    data: [&[Block]; SHARDS],
) {
    let mut rows: [[V; 2]; 8] = std::array::from_fn(|coordinate| {
        std::array::from_fn(|byte| {
            V::load(token, std::array::from_fn(|s| &accumulators[s][2 * coordinate + byte]))
        })
    });
    for at in 0..data[0].len() {
        let product = multiply::<SHARDS, V>(rows.map(V::prepare), constants);
        let blocks: [&Block; SHARDS] = std::array::from_fn(|s| &data[s][at]);
        rows = std::array::from_fn(|coordinate| {
            std::array::from_fn(|byte| {
                let row = V::load(token, std::array::from_fn(|s| &blocks[s][2 * coordinate + byte]));
                product[coordinate][byte].plus(row)
            })
        });
    }
    let mut accumulators = accumulators.map(|accumulator| accumulator.iter_mut());
    for row in rows.into_iter().flatten() {
        row.store(accumulators.each_mut().map(|rows| rows.next().expect("a block has sixteen rows")));
    }
}

#[inline(always)]
fn multiply<const SHARDS: usize, V: Vector<SHARDS>>(
    a: [V::Prepared; 8],
    constants: &[V::Constant; PRODUCTS],
) -> [[V; 2]; 8] {
    let (low, high) = ([a[0], a[1], a[2], a[3]], [a[4], a[5], a[6], a[7]]);
    let sum = std::array::from_fn(|at| V::plus_prepared(low[at], high[at]));
    let low = multiply_4::<SHARDS, V>(low, &constants[..9]);
    let carried = multiply_4::<SHARDS, V>(high, &constants[9..18]);
    let cross = multiply_4::<SHARDS, V>(sum, &constants[18..]);
    std::array::from_fn(
        |at| if at < 4 { plus(low[at], carried[at]) } else { plus(low[at - 4], cross[at - 4]) },
    )
}

#[inline(always)]
fn multiply_4<const SHARDS: usize, V: Vector<SHARDS>>(
    a: [V::Prepared; 4],
    constants: &[V::Constant],
) -> [[V; 2]; 4] {
    let (low, high) = ([a[0], a[1]], [a[2], a[3]]);
    let sum = std::array::from_fn(|at| V::plus_prepared(low[at], high[at]));
    let low = multiply_2::<SHARDS, V>(low, &constants[..3]);
    let carried = multiply_2::<SHARDS, V>(high, &constants[3..6]);
    let cross = multiply_2::<SHARDS, V>(sum, &constants[6..]);
    [plus(low[0], carried[0]), plus(low[1], carried[1]), plus(low[0], cross[0]), plus(low[1], cross[1])]
}

#[inline(always)]
fn multiply_2<const SHARDS: usize, V: Vector<SHARDS>>(
    a: [V::Prepared; 2],
    constants: &[V::Constant],
) -> [[V; 2]; 2] {
    let low = V::times(a[0], &constants[0]);
    let carried = V::times(a[1], &constants[1]);
    let cross = V::times(V::plus_prepared(a[0], a[1]), &constants[2]);
    [plus(low, carried), plus(low, cross)]
}

#[inline(always)]
fn plus<const SHARDS: usize, V: Vector<SHARDS>>(a: [V; 2], b: [V; 2]) -> [V; 2] {
    [a[0].plus(b[0]), a[1].plus(b[1])]
}
