//! What a resting order costs in memory: the growth of the process's resident memory by a full book.

use serde::Serialize;
use types::{
    AccountId, ClientOrderId, Command, Outcome, Place, Price, Quantity, Side, TimeInForce, Timestamp,
};

use crate::error::BenchError;
use crate::full_engine::FullEngine;
use crate::workload::{ACCOUNTS, SplitMix};

/// All orders have a client order id, and one in `GTD_EVERY` an expiry.
const GTD_EVERY: u32 = 4;

/// Memory of a book full of resting orders.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MemoryFigures {
    /// Resting orders: as many as the book has room for.
    pub orders: u32,
    /// How many of them expire by themselves.
    pub expiring: u32,
    /// Growth of resident memory from no exchange to a full one, without its accounts, in bytes an order.
    pub resident_per_order: f64,
    /// The order slab, by the book's own account, in bytes an order of its capacity.
    pub slab_per_order: f64,
    /// Order ids, client order ids and expiries, likewise.
    pub indexes_per_order: f64,
    /// Price ladders of the market, in bytes of address space.
    pub ladders: usize,
    /// Accounts, balances and positions, in bytes.
    pub accounts: usize,
    /// Accounts that they are for.
    pub account_count: u32,
}

/// Fills a book of capacity `orders`.
///
/// # Errors
/// When the kernel does not say how much memory is resident.
pub fn measure_memory(orders: u32) -> Result<MemoryFigures, BenchError> {
    let before = resident()?;
    let mut engine: FullEngine = FullEngine::open(orders, ACCOUNTS);
    let mut random = SplitMix(1);
    for number in 0..orders {
        rest(&mut engine, number, &mut random);
    }
    let grown = resident()?.saturating_sub(before);
    assert_eq!(engine.book().counters().open_orders, orders, "all of them rest");
    let memory = engine.book().memory();
    let per_order = |bytes: usize| bytes as f64 / f64::from(orders);
    Ok(MemoryFigures {
        orders,
        expiring: orders.div_ceil(GTD_EVERY),
        // Accounts are written when they open: all of that is resident.
        resident_per_order: per_order(grown.saturating_sub(memory.accounts)),
        slab_per_order: per_order(memory.orders),
        indexes_per_order: per_order(memory.indexes),
        ladders: memory.ladders,
        accounts: memory.accounts,
        account_count: ACCOUNTS,
    })
}

fn rest(engine: &mut FullEngine, number: u32, random: &mut SplitMix) {
    let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
    let behind = 1 + random.below(500) as u32;
    let price = if side == Side::Buy { 30_000 - behind } else { 30_000 + behind };
    let time_in_force = match number % GTD_EVERY {
        0 => TimeInForce::Gtd(Timestamp((1 << 40) + random.below(1 << 30))),
        _ => TimeInForce::Gtc,
    };
    let place = Place {
        time_in_force,
        client_id: ClientOrderId(1 + u64::from(number)),
        ..Place::limit(FullEngine::<()>::MARKET, side, Price(price), Quantity(1 + random.below(100)))
    };
    let account = AccountId(1 + random.below(ACCOUNTS.into()) as u32);
    let command = engine.sequenced(account, Command::Place(place));
    let outcome = engine.execute(&command);
    assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    engine.clear_events();
}

/// Resident bytes of this process.
fn resident() -> Result<usize, BenchError> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = statm.and_then(|statm| statm.split(' ').nth(1)?.parse::<usize>().ok());
    pages.map(|pages| pages * 4_096).ok_or(BenchError::NoMemoryFigures)
}
