//! The ladder alone, without accounts, risk, fees or events: what other engines should be compared with.

use book::BareBook;

use crate::engine::Engine;
use crate::workload::{MAX_PRICE, Operation, Workload};

/// [`BareBook`] under test.
pub struct BareEngine {
    book: BareBook,
    prepared: u32,
    filled: u64,
    refused: u64,
}

impl Engine for BareEngine {
    /// With the order's number.
    type Command = (u32, Operation);

    const NAME: &'static str = "glassbook, bare book";

    fn new(workload: &Workload) -> Self {
        Self { book: BareBook::new(MAX_PRICE, workload.orders()), prepared: 0, filled: 0, refused: 0 }
    }

    fn prepare(&mut self, _: &Workload, group: &[Operation], commands: &mut Vec<Self::Command>) {
        for operation in group {
            commands.push((self.prepared, *operation));
            self.prepared += u32::from(!matches!(operation, Operation::Cancel { .. }));
        }
    }

    #[inline]
    fn apply(&mut self, (number, operation): &Self::Command) {
        let filled = &mut self.filled;
        match *operation {
            Operation::Add { side, price, quantity } => {
                self.book.add(*number, side, price, quantity, true, |fill| *filled += fill.quantity.0);
            }
            Operation::Cross { side, price, quantity } => {
                self.book.add(*number, side, price, quantity, false, |fill| *filled += fill.quantity.0);
            }
            Operation::Cancel { order } => self.refused += u64::from(self.book.cancel(order).is_none()),
        }
    }

    fn filled(&self) -> u64 {
        self.filled
    }

    fn refused(&self) -> u64 {
        self.refused
    }
}
