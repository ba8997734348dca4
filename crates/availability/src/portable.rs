//! Horner's rule with tables, for every processor.

use crate::field::Element;

/// 32 elements: row 2i has the low bytes of coordinate i, row 2i + 1 the high ones. Eight blocks of the code, as they are.
pub(crate) type Block = [[u8; 32]; 16];

/// The length of a [`Block`] in bytes.
pub(crate) const BLOCK_LENGTH: usize = 512;

/// Multiplication by a constant: entry `v` of table `n` is the constant times the element whose nibble `n` is `v`, as bytes.
pub(crate) type Table = [[u128; 16]; 32];

/// The table of a constant.
pub(crate) fn table(constant: Element) -> Box<Table> {
    let mut table = Box::new([[0; 16]; 32]);
    for (nibble, entries) in table.iter_mut().enumerate() {
        for bit in 0..4 {
            let argument = Element::from_bytes((1u128 << (4 * nibble + bit)).to_le_bytes());
            let product = u128::from_le_bytes(constant.times(argument).to_bytes());
            for value in (0..16).filter(|value| value >> bit & 1 == 1) {
                entries[value] ^= product;
            }
        }
    }
    table
}

/// The value, at the constant, of the polynomial whose coefficients `data` are, the highest first, in each lane of its own.
pub(crate) fn horner(table: &Table, data: &[Block]) -> Block {
    let mut sums = elements(&data[0]);
    for block in &data[1..] {
        for (sum, next) in sums.iter_mut().zip(elements(block)) {
            *sum = times(table, *sum) ^ next;
        }
    }
    let sums = sums.map(u128::to_le_bytes);
    std::array::from_fn(|row| std::array::from_fn(|lane| sums[lane][row]))
}

fn elements(block: &Block) -> [u128; 32] {
    std::array::from_fn(|lane| u128::from_le_bytes(std::array::from_fn(|row| block[row][lane])))
}

fn times(table: &Table, element: u128) -> u128 {
    let bytes = element.to_le_bytes();
    let mut product = 0;
    for (byte, tables) in bytes.into_iter().zip(table.as_chunks::<2>().0) {
        product ^= tables[0][usize::from(byte & 15)] ^ tables[1][usize::from(byte >> 4)];
    }
    product
}
