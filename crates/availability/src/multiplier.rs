//! Multiplication of many elements of GF(2^128) by one constant, as 27 multiplications by constants of GF(2^16).
//!
//! Karatsuba's identity at each of the three steps of the tower: (a0 + a1 X)(b0 + b1 X) is a0 b0 + a1 (b1 c), and beside X
//! (a0 + a1)(b0 + b1) + a0 b0. Three products instead of four; with b constant, b1 c is one, too. The additions of b are done
//! once, here; those of a and of the products are [`multiply`], for whatever kind of vector does them.
//!
//! A vector holds one byte of 32 symbols, as the code's blocks of 64 bytes have them: low bytes, then high bytes.

use std::hint::black_box;

use crate::{
    field::{self, Element},
    portable::Block,
};

/// How many products of GF(2^16) one of GF(2^128) takes.
pub(crate) const PRODUCTS: usize = 27;

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
        for value in 1..16usize {
            // The entry without the lowest bit, and that bit's.
            let (rest, bit) = (value & (value - 1), value.trailing_zeros());
            let product = match rest {
                0 => field::multiply_16(constant, 1 << (4 * nibble + bit)).to_le_bytes(),
                _ => [0, 1].map(|byte| tables[nibble as usize * 2 + byte][value ^ rest]),
            };
            for byte in 0..2 {
                let table = &mut tables[nibble as usize * 2 + byte];
                table[value] = table[rest] ^ product[byte];
            }
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
    // What each bit of the argument gives: columns of the matrices, of which rows are wanted.
    let products: [[u8; 2]; 16] =
        std::array::from_fn(|bit| field::multiply_16(constant, 1 << bit).to_le_bytes());
    [(0, 0), (0, 1), (8, 0), (8, 1)]
        .map(|(first, byte)| transposed(std::array::from_fn(|column| products[first + column][byte])))
}

/// The bits of eight columns as rows, the first row in the last byte: bit j of byte 7 − i is bit i of column j.
///
/// Halves, quarters and eighths change places across the diagonal (Warren, *Hacker's Delight*, section 7-3).
fn transposed(columns: [u8; 8]) -> u64 {
    let mut bits = u64::from_le_bytes(columns);
    for (distance, mask) in
        [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)]
    {
        let changed = (bits ^ (bits >> distance)) & mask;
        bits ^= changed ^ (changed << distance);
    }
    bits.swap_bytes()
}

/// A vector: one row of `SHARDS` blocks at once, and how it is multiplied by constants of GF(2^16).
///
/// Everything here is made to be compiled as part of a function that may use the vector's instructions, so there are no
/// closures: they are functions of their own, which may not.
pub(crate) trait Vector<const SHARDS: usize>: Copy {
    /// What shows that the processor can do it.
    type Token: Copy;
    /// A constant of GF(2^16).
    type Constant;
    /// A coordinate as the multiplication wants it; sums of these are those of sums.
    type Prepared: Copy;

    /// A row of the blocks at one place.
    fn load(token: Self::Token, data: &[&[Block]; SHARDS], place: usize, row: usize) -> Self;
    /// Writes a row of the blocks.
    fn store(self, blocks: &mut [Block; SHARDS], row: usize);
    fn plus(self, other: Self) -> Self;
    fn prepare(low: Self, high: Self) -> Self::Prepared;
    fn plus_prepared(a: Self::Prepared, b: Self::Prepared) -> Self::Prepared;
    fn times(a: Self::Prepared, constant: &Self::Constant) -> [Self; 2];
}

/// Horner's rule: the value, at the constant, of the polynomial whose coefficients `data` are, the highest first; in each lane
/// of its own, of `SHARDS` pieces of data of the same length, at least one block.
#[inline(always)]
pub(crate) fn horner<const SHARDS: usize, V: Vector<SHARDS>>(
    token: V::Token,
    constants: &[V::Constant; PRODUCTS],
    data: [&[Block]; SHARDS],
) -> [Block; SHARDS] {
    let mut rows = [[V::load(token, &data, 0, 0); 2]; 8];
    for (coordinate, pair) in rows.iter_mut().enumerate() {
        pair[0] = V::load(token, &data, 0, 2 * coordinate);
        pair[1] = V::load(token, &data, 0, 2 * coordinate + 1);
    }
    for place in 1..data[0].len() {
        let mut prepared = [V::prepare(rows[0][0], rows[0][1]); 8];
        for coordinate in 1..8 {
            prepared[coordinate] = V::prepare(rows[coordinate][0], rows[coordinate][1]);
        }
        // There are more constants than registers: looked at afresh each time, they are read where they are used.
        let product = multiply::<SHARDS, V>(&prepared, black_box(constants));
        for coordinate in 0..8 {
            rows[coordinate][0] = product[coordinate][0].plus(V::load(token, &data, place, 2 * coordinate));
            rows[coordinate][1] =
                product[coordinate][1].plus(V::load(token, &data, place, 2 * coordinate + 1));
        }
    }
    let mut value = [[[0; 32]; 16]; SHARDS];
    for (coordinate, pair) in rows.into_iter().enumerate() {
        pair[0].store(&mut value, 2 * coordinate);
        pair[1].store(&mut value, 2 * coordinate + 1);
    }
    value
}

#[inline(always)]
fn multiply<const SHARDS: usize, V: Vector<SHARDS>>(
    a: &[V::Prepared; 8],
    constants: &[V::Constant; PRODUCTS],
) -> [[V; 2]; 8] {
    let low = multiply_4::<SHARDS, V>(&[a[0], a[1], a[2], a[3]], constants, 0);
    let carried = multiply_4::<SHARDS, V>(&[a[4], a[5], a[6], a[7]], constants, 9);
    let sum = [
        V::plus_prepared(a[0], a[4]),
        V::plus_prepared(a[1], a[5]),
        V::plus_prepared(a[2], a[6]),
        V::plus_prepared(a[3], a[7]),
    ];
    let cross = multiply_4::<SHARDS, V>(&sum, constants, 18);
    [
        plus(low[0], carried[0]),
        plus(low[1], carried[1]),
        plus(low[2], carried[2]),
        plus(low[3], carried[3]),
        plus(low[0], cross[0]),
        plus(low[1], cross[1]),
        plus(low[2], cross[2]),
        plus(low[3], cross[3]),
    ]
}

#[inline(always)]
fn multiply_4<const SHARDS: usize, V: Vector<SHARDS>>(
    a: &[V::Prepared; 4],
    constants: &[V::Constant; PRODUCTS],
    first: usize,
) -> [[V; 2]; 4] {
    let low = multiply_2::<SHARDS, V>(a[0], a[1], constants, first);
    let carried = multiply_2::<SHARDS, V>(a[2], a[3], constants, first + 3);
    let (sum_0, sum_1) = (V::plus_prepared(a[0], a[2]), V::plus_prepared(a[1], a[3]));
    let cross = multiply_2::<SHARDS, V>(sum_0, sum_1, constants, first + 6);
    [plus(low[0], carried[0]), plus(low[1], carried[1]), plus(low[0], cross[0]), plus(low[1], cross[1])]
}

#[inline(always)]
fn multiply_2<const SHARDS: usize, V: Vector<SHARDS>>(
    a_0: V::Prepared,
    a_1: V::Prepared,
    constants: &[V::Constant; PRODUCTS],
    first: usize,
) -> [[V; 2]; 2] {
    let low = V::times(a_0, &constants[first]);
    let carried = V::times(a_1, &constants[first + 1]);
    let cross = V::times(V::plus_prepared(a_0, a_1), &constants[first + 2]);
    [plus(low, carried), plus(low, cross)]
}

#[inline(always)]
fn plus<const SHARDS: usize, V: Vector<SHARDS>>(a: [V; 2], b: [V; 2]) -> [V; 2] {
    [a[0].plus(b[0]), a[1].plus(b[1])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_columns_say_bit_by_bit() {
        let columns = [0x01, 0x80, 0xff, 0x00, 0x5a, 0xc3, 0x17, 0xe8];
        let rows = transposed(columns).to_le_bytes();
        for (i, j) in (0..8).flat_map(|i| (0..8).map(move |j| (i, j))) {
            assert_eq!(rows[7 - i] >> j & 1, columns[j] >> i & 1, "row {i}, column {j}");
        }
    }
}
