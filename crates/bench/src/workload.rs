//! The workload: the same operations for every engine that is compared.
//!
//! First [`WARM_ORDERS`] orders are put on the book, outside the clock. Then, in the long run, 50 % of the
//! operations add a limit order behind a wandering mid price, 42 % cancel a random resting order, and 8 % cross
//! the spread, immediate or cancel. Each operation's kind is drawn on its own, so the shares hold for any
//! length. A crossing order meets about one maker, so the book neither drains nor grows: about as many orders
//! rest at the end as at the beginning, after ten million operations, too. A few adds in a thousand trade at
//! once, because the mid moved onto them.
//!
//! Prices lie up to 200 ticks behind the mid, most of them near. Cancelling any resting order, and not mostly
//! the youngest as traders do, is hard on caches.
//!
//! The [`MARKET_MAKERS`] first of [`ACCOUNTS`] accounts own six of seven resting orders and so send about 80 %
//! of the messages; crossing orders come from the others. Nobody meets an order of its own: an engine with
//! self-trade prevention does the same as one without.

use book::BareBook;
use types::{AccountId, ClientOrderId, Price, Quantity, Side};

/// No price of the workload is higher.
pub const MAX_PRICE: Price = Price(1 << 16);

/// Orders on the book before the clock starts.
pub const WARM_ORDERS: usize = 10_000;

/// Traders, numbered from one.
pub const ACCOUNTS: u32 = 1_000;

/// The first of them, who send most messages.
pub const MARKET_MAKERS: u32 = 20;

/// One operation. Orders (adds and crossings) are numbered from zero in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A limit order that rests.
    Add {
        /// Buy or sell.
        side: Side,
        /// Its limit.
        price: Price,
        /// How much.
        quantity: Quantity,
    },
    /// A limit order that crosses the spread, immediate or cancel.
    Cross {
        /// Buy or sell.
        side: Side,
        /// Its limit.
        price: Price,
        /// How much.
        quantity: Quantity,
    },
    /// Cancel a resting order.
    Cancel {
        /// Its number.
        order: u32,
    },
}

/// Deterministic operations from a seed.
pub struct Workload {
    operations: Vec<Operation>,
    warm_up: usize,
    /// By order number.
    accounts: Vec<AccountId>,
    client_ids: Vec<ClientOrderId>,
    filled: u64,
    resting: usize,
}

/// What the measured operations are, in parts of one.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Shares {
    /// Adds.
    pub adds: f64,
    /// Cancels.
    pub cancels: f64,
    /// Crossings.
    pub crosses: f64,
    /// Operations sent by market makers.
    pub market_makers: f64,
}

impl Workload {
    /// `count` operations after the warm-up.
    #[must_use]
    pub fn new(seed: u64, count: usize) -> Self {
        let mut generator = Generator::new(seed, WARM_ORDERS + count);
        while generator.live.orders.len() < WARM_ORDERS {
            generator.add();
        }
        let warm_up = generator.operations.len();
        for done in 0..count {
            if done % 256 == 0 {
                generator.move_mid();
            }
            match generator.random.below(100) {
                0..50 => generator.add(),
                50..92 => generator.cancel(),
                _ => generator.cross(),
            }
        }
        let Generator { operations, accounts, filled, live, .. } = generator;
        let client_ids = client_ids(&accounts);
        Self { operations, warm_up, accounts, client_ids, filled, resting: live.orders.len() }
    }

    /// The orders that are on the book before the clock starts.
    #[must_use]
    pub fn warm_up(&self) -> &[Operation] {
        &self.operations[..self.warm_up]
    }

    /// The operations that are measured.
    #[must_use]
    pub fn measured(&self) -> &[Operation] {
        &self.operations[self.warm_up..]
    }

    /// How many orders there are in all.
    #[must_use]
    pub fn orders(&self) -> u32 {
        self.accounts.len() as u32
    }

    /// Who sent an order.
    #[must_use]
    pub fn account(&self, order: u32) -> AccountId {
        self.accounts[order as usize]
    }

    /// Its sender's number for it.
    #[must_use]
    pub fn client_id(&self, order: u32) -> ClientOrderId {
        self.client_ids[order as usize]
    }

    /// Lots that every engine fills.
    #[must_use]
    pub fn filled(&self) -> u64 {
        self.filled
    }

    /// Orders on the book at the end.
    #[must_use]
    pub fn resting(&self) -> usize {
        self.resting
    }

    /// What the measured operations are.
    #[must_use]
    pub fn shares(&self) -> Shares {
        let (mut adds, mut crosses, mut by_makers) = (0, 0, 0);
        let warm_orders = self.warm_up().iter().filter(|o| !matches!(o, Operation::Cancel { .. })).count();
        let mut next = warm_orders as u32;
        for operation in self.measured() {
            let order = match operation {
                Operation::Cancel { order } => *order,
                Operation::Add { .. } | Operation::Cross { .. } => {
                    next += 1;
                    next - 1
                }
            };
            adds += usize::from(matches!(operation, Operation::Add { .. }));
            crosses += usize::from(matches!(operation, Operation::Cross { .. }));
            by_makers += usize::from(self.account(order).0 <= MARKET_MAKERS);
        }
        let all = self.measured().len();
        let part = |count: usize| count as f64 / all as f64;
        Shares {
            adds: part(adds),
            cancels: part(all - adds - crosses),
            crosses: part(crosses),
            market_makers: part(by_makers),
        }
    }
}

/// Each account counts its own orders from one.
fn client_ids(accounts: &[AccountId]) -> Vec<ClientOrderId> {
    let mut last = vec![0; ACCOUNTS as usize + 1];
    let number = |account: &AccountId| {
        let last = &mut last[account.0 as usize];
        *last += 1;
        ClientOrderId(*last)
    };
    accounts.iter().map(number).collect()
}

/// A bare book runs along, so that only orders which still rest are cancelled.
struct Generator {
    random: SplitMix,
    book: BareBook,
    operations: Vec<Operation>,
    accounts: Vec<AccountId>,
    live: Live,
    mid: u32,
    filled: u64,
}

impl Generator {
    fn new(seed: u64, capacity: usize) -> Self {
        // A few warm-up orders may trade among themselves.
        let capacity = 2 * capacity;
        Self {
            random: SplitMix(seed),
            book: BareBook::new(MAX_PRICE, capacity as u32),
            operations: Vec::with_capacity(capacity),
            accounts: Vec::new(),
            live: Live { orders: Vec::new(), places: vec![0; capacity], left: vec![0; capacity] },
            mid: 30_000,
            filled: 0,
        }
    }

    fn move_mid(&mut self) {
        self.mid = (self.mid + self.random.below(3) as u32 - 1).clamp(28_500, 31_500);
    }

    fn add(&mut self) {
        let side = self.side();
        let depth = 1 + (self.random.below(16) * self.random.below(14) + self.random.below(6)) as u32;
        let price = match side {
            Side::Buy => Price(self.mid - depth),
            Side::Sell => Price(self.mid + depth),
        };
        let quantity = self.quantity();
        self.operations.push(Operation::Add { side, price, quantity });
        let account = if self.random.below(7) < 6 { self.market_maker() } else { self.other() };
        self.enter(account, side, price, quantity, true);
    }

    fn cross(&mut self) {
        let side = self.side();
        let price = match side {
            Side::Buy => Price(self.mid + 50),
            Side::Sell => Price(self.mid - 50),
        };
        // A little smaller than the orders it meets, to make up for adds that trade at once.
        let quantity = Quantity(1 + self.random.below(97));
        self.operations.push(Operation::Cross { side, price, quantity });
        let account = self.other();
        self.enter(account, side, price, quantity, false);
    }

    fn cancel(&mut self) {
        let order = self.live.orders[self.random.below(self.live.orders.len() as u64) as usize];
        self.book.cancel(order);
        self.live.remove(order);
        self.operations.push(Operation::Cancel { order });
    }

    fn enter(&mut self, mut account: AccountId, side: Side, price: Price, quantity: Quantity, rests: bool) {
        let order = self.accounts.len() as u32;
        let mut fills = Vec::new();
        self.book.add(order, side, price, quantity, rests, |fill| fills.push(fill));
        while fills.iter().any(|fill| self.accounts[fill.maker as usize] == account) {
            account = self.other();
        }
        self.accounts.push(account);
        let mut left = quantity.0;
        for fill in fills {
            left -= fill.quantity.0;
            self.filled += fill.quantity.0;
            self.live.fill(fill.maker, fill.quantity.0);
        }
        if rests && left != 0 {
            self.live.insert(order, left);
        }
    }

    fn side(&mut self) -> Side {
        if self.random.below(2) == 0 { Side::Buy } else { Side::Sell }
    }

    fn quantity(&mut self) -> Quantity {
        Quantity(1 + self.random.below(100))
    }

    fn market_maker(&mut self) -> AccountId {
        AccountId(1 + self.random.below(MARKET_MAKERS.into()) as u32)
    }

    fn other(&mut self) -> AccountId {
        AccountId(1 + MARKET_MAKERS + self.random.below((ACCOUNTS - MARKET_MAKERS).into()) as u32)
    }
}

/// Resting orders, to draw from.
struct Live {
    orders: Vec<u32>,
    /// By order number: where it stands in `orders`, and what is left of it.
    places: Vec<u32>,
    left: Vec<u64>,
}

impl Live {
    fn insert(&mut self, order: u32, quantity: u64) {
        self.places[order as usize] = self.orders.len() as u32;
        self.left[order as usize] = quantity;
        self.orders.push(order);
    }

    fn fill(&mut self, order: u32, quantity: u64) {
        self.left[order as usize] -= quantity;
        if self.left[order as usize] == 0 {
            self.remove(order);
        }
    }

    fn remove(&mut self, order: u32) {
        let place = self.places[order as usize];
        self.orders.swap_remove(place as usize);
        if let Some(moved) = self.orders.get(place as usize) {
            self.places[*moved as usize] = place;
        }
    }
}

/// A small, well-known generator (Steele, Lea and Flood, 2014), so that the workload never changes.
pub struct SplitMix(pub u64);

impl SplitMix {
    /// The next 64 bits.
    pub fn next_word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_word()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_come_out_as_stated_and_the_book_keeps_its_depth() {
        let workload = Workload::new(1, 1_000_000);
        let shares = workload.shares();
        assert!((shares.adds - 0.50).abs() < 0.005, "{shares:?}");
        assert!((shares.cancels - 0.42).abs() < 0.005, "{shares:?}");
        assert!((shares.crosses - 0.08).abs() < 0.005, "{shares:?}");
        assert!((0.75..0.85).contains(&shares.market_makers), "{shares:?}");
        let resting = workload.resting();
        assert!((WARM_ORDERS * 3 / 4..WARM_ORDERS * 3 / 2).contains(&resting), "{resting} orders rest");
    }

    #[test]
    fn a_seed_always_gives_the_same_operations() {
        let (one, two) = (Workload::new(7, 5_000), Workload::new(7, 5_000));
        assert_eq!(one.operations, two.operations);
        assert_eq!(one.accounts, two.accounts);
        assert_ne!(one.operations, Workload::new(8, 5_000).operations);
    }
}
