//! Writes the workload for engines in other languages.
//!
//! `cargo run --release -p bench --example dump_operations -- FILE [COUNT] [SEED]`
//!
//! A header of two little-endian `u64`: how many records come before the clock starts, and lots that every
//! engine fills from the first record on. Then 16 bytes a record: kind (0 add, 1 cross, 2 cancel), side (0 buy, 1 sell),
//! two zero bytes, price or order number (`u32`), quantity (`u64`). Orders are numbered from zero.

use anyhow::Context as _;
use bench::{Operation, Workload};
use types::{Price, Quantity, Side};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().context("which file?")?;
    let count = arguments.next().map_or(Ok(1_000_000), |count| count.parse())?;
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let workload = Workload::new(seed, count);
    let mut bytes = Vec::new();
    bytes.extend((workload.warm_up().len() as u64).to_le_bytes());
    bytes.extend(workload.filled().to_le_bytes());
    for operation in workload.warm_up().iter().chain(workload.measured()) {
        let (kind, side, value, quantity) = match *operation {
            Operation::Add { side, price: Price(price), quantity: Quantity(quantity) } => {
                (0, side, price, quantity)
            }
            Operation::Cross { side, price: Price(price), quantity: Quantity(quantity) } => {
                (1, side, price, quantity)
            }
            Operation::Cancel { order } => (2, Side::Buy, order, 0),
        };
        bytes.extend([kind, u8::from(side == Side::Sell), 0, 0]);
        bytes.extend(value.to_le_bytes());
        bytes.extend(quantity.to_le_bytes());
    }
    std::fs::write(&path, bytes).with_context(|| format!("writing {path}"))
}
