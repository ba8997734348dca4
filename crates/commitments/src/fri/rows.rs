//! Rows of codewords, opened by their Merkle path.

use p3_commit::{BatchOpeningRef, Mmcs as _};
use p3_field::{PrimeCharacteristicRing, PrimeField32};
use p3_matrix::Dimensions;
use p3_util::reverse_bits_len;

use super::encoding::FriCommitment;
use super::parameters::{LOG_BLOWUP, MOST_COLUMNS, MOST_LOG_ROWS, Value, mmcs};
use super::scheme::{Fri, FriCommitted};
use crate::Error;
use crate::scheme::{Encoding, Kind};

/// All columns' codewords at one position: kind, version, how many values (two bytes, little-endian) and hashes (one)
/// there are, the values (four bytes each, little-endian, below the modulus), the Merkle path from the leaf up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriRow {
    /// The columns' values.
    pub values: Vec<Value>,
    path: Vec<[u8; 32]>,
}

impl Fri {
    /// The row at a position: the polynomials' values at g w^position, for Plonky3's generators g of the field and w of
    /// the subgroup.
    ///
    /// # Errors
    ///
    /// When there is no such position.
    pub fn open_row(&self, committed: &FriCommitted, position: usize) -> Result<FriRow, Error> {
        let index = leaf(&committed.commitment, position)?;
        let (mut values, path) = mmcs().open_batch(index, &committed.data).unpack();
        Ok(FriRow { values: values.pop().expect("one matrix is committed to"), path })
    }

    /// Whether this row was committed to at this position. That it belongs to codewords is another matter:
    /// [`Fri::verify_low_degree`].
    ///
    /// # Errors
    ///
    /// When it was not.
    pub fn verify_row(&self, commitment: &FriCommitment, position: usize, row: &FriRow) -> Result<(), Error> {
        let index = leaf(commitment, position)?;
        let (expected, got) = (commitment.columns(), row.values.len());
        if expected != got {
            return Err(Error::Count { expected, got });
        }
        let dimensions = Dimensions { width: expected, height: commitment.positions() };
        let values = std::slice::from_ref(&row.values);
        mmcs()
            .verify_batch(&commitment.cap(), &[dimensions], index, BatchOpeningRef::new(values, &row.path))
            .map_err(|_| Error::Refused("the Merkle path leads elsewhere"))
    }
}

/// The leaf of a position: leaves are in bit-reversed order.
fn leaf(commitment: &FriCommitment, position: usize) -> Result<usize, Error> {
    let size = commitment.positions();
    if position >= size {
        return Err(Error::Position { position, size });
    }
    Ok(reverse_bits_len(position, usize::from(commitment.log_rows) + LOG_BLOWUP))
}

impl Encoding for FriRow {
    const MOST_BYTES: usize = 5 + 4 * MOST_COLUMNS + 32 * (MOST_LOG_ROWS + LOG_BLOWUP);

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Kind::FriRow.header().to_vec();
        let values = u16::try_from(self.values.len()).expect("rows are not wide");
        bytes.extend(values.to_le_bytes());
        bytes.push(u8::try_from(self.path.len()).expect("trees are not deep"));
        for value in &self.values {
            bytes.extend(value.as_canonical_u32().to_le_bytes());
        }
        bytes.extend(self.path.as_flattened());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let body = Kind::FriRow.body(bytes, Self::MOST_BYTES)?;
        let ([low, high, hashes], body) = body.split_first_chunk().ok_or(Error::Malformed("no lengths"))?;
        let values = 4 * usize::from(u16::from_le_bytes([*low, *high]));
        let (values, path) =
            body.split_at_checked(values).ok_or(Error::Malformed("fewer values than it says"))?;
        let (path, rest) = path.as_chunks::<32>();
        if !rest.is_empty() || path.len() != usize::from(*hashes) {
            return Err(Error::Malformed("another number of hashes than it says"));
        }
        let values = values
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| match u32::from_le_bytes(*bytes) {
                value if value < Value::ORDER_U32 => Ok(Value::from_u32(value)),
                _ => Err(Error::Malformed("a value over the modulus")),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { values, path: path.to_vec() })
    }
}
