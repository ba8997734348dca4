//! place, cancel, cross, replace and mass cancel, each alone, on a book that is 10,000 orders deep.
#![allow(missing_docs, reason = "criterion's macros")]

use std::time::{Duration, Instant};

use bench::{ACCOUNTS, Engine as _, FullEngine, SplitMix, Without, Workload};
use criterion::{Criterion, criterion_group, criterion_main};
use types::{
    AccountId, Command, OrderId, OrderRef, Outcome, Place, Price, Quantity, Sequenced, Side, TimeInForce,
};

type Exchange = FullEngine<Without>;

/// Commands between two looks at the clock.
const GROUP: u64 = 100;

/// Nobody of the workload: the book's own orders are never met by their owner.
const TRADER: AccountId = AccountId(ACCOUNTS + 1);

/// An account without open orders, to cross with.
const TAKER: AccountId = AccountId(ACCOUNTS + 2);

struct Warm {
    exchange: Exchange,
    random: SplitMix,
    mine: Vec<OrderId>,
    commands: Vec<Sequenced>,
}

impl Warm {
    fn new() -> Self {
        let workload = Workload::new(1, 0);
        let mut exchange = Exchange::open(1 << 20, ACCOUNTS + 2);
        let mut commands = Vec::new();
        exchange.prepare(&workload, workload.warm_up(), &mut commands);
        for command in &commands {
            exchange.apply(command);
        }
        exchange.clear_events();
        Self { exchange, random: SplitMix(3), mine: Vec::new(), commands }
    }

    /// Builds a group of commands, times them, forgets their events. What they placed is `mine` then.
    fn group(
        &mut self,
        account: AccountId,
        mut command: impl FnMut(&mut SplitMix, u64) -> Command,
    ) -> Duration {
        self.commands.clear();
        for number in 0..GROUP {
            let command = command(&mut self.random, number);
            let sequenced = self.exchange.sequenced(account, command);
            self.commands.push(sequenced);
        }
        let mut outcomes = [Outcome::Done; GROUP as usize];
        let start = Instant::now();
        for (command, outcome) in self.commands.iter().zip(&mut outcomes) {
            *outcome = self.exchange.execute(command);
        }
        let elapsed = start.elapsed();
        self.exchange.clear_events();
        self.mine.clear();
        for outcome in outcomes {
            match outcome {
                Outcome::Accepted(id) => self.mine.push(id),
                Outcome::Done => {}
                Outcome::Rejected(reason) => panic!("{reason}"),
            }
        }
        elapsed
    }

    fn place(&mut self) -> Duration {
        self.group(TRADER, |random, _| Command::Place(passive(random)))
    }

    fn cancel(&mut self) -> Duration {
        let mut mine = std::mem::take(&mut self.mine);
        // In another order than they came.
        for at in (1..mine.len()).rev() {
            mine.swap(at, self.random.below(at as u64 + 1) as usize);
        }
        self.group(TRADER, |_, number| Command::Cancel {
            market: Exchange::MARKET,
            order: OrderRef::Id(mine[number as usize]),
        })
    }

    /// Orders at the front of the book, and as many that take them.
    fn cross(&mut self) -> Duration {
        self.group(TRADER, |_, _| Command::Place(limit(Side::Sell, 30_000, 10)));
        let elapsed = self.group(TAKER, |_, _| {
            Command::Place(Place { time_in_force: TimeInForce::Ioc, ..limit(Side::Buy, 30_000, 10) })
        });
        self.mine.clear();
        elapsed
    }

    fn replace(&mut self, mut terms: impl FnMut(&mut SplitMix) -> (u32, u64)) -> Duration {
        self.group(TRADER, |_, _| Command::Place(limit(Side::Buy, 29_900, 100)));
        let mine = std::mem::take(&mut self.mine);
        let elapsed = self.group(TRADER, |random, number| {
            let (price, quantity) = terms(random);
            Command::Replace {
                market: Exchange::MARKET,
                order: OrderRef::Id(mine[number as usize]),
                price: Price(price),
                quantity: Quantity(quantity),
                left: None,
            }
        });
        self.mine = mine;
        self.cancel();
        elapsed
    }

    fn mass_cancel(&mut self) -> Duration {
        self.place();
        let command = Command::MassCancel { market: None, side: None };
        let sequenced = self.exchange.sequenced(TRADER, command);
        let start = Instant::now();
        self.exchange.execute(&sequenced);
        let elapsed = start.elapsed();
        self.exchange.clear_events();
        self.mine.clear();
        elapsed
    }
}

fn limit(side: Side, price: u32, quantity: u64) -> Place {
    Place::limit(Exchange::MARKET, side, Price(price), Quantity(quantity))
}

fn passive(random: &mut SplitMix) -> Place {
    let behind = 1 + random.below(200) as u32;
    let quantity = 1 + random.below(100);
    if random.below(2) == 0 {
        limit(Side::Buy, 30_000 - behind, quantity)
    } else {
        limit(Side::Sell, 30_000 + behind, quantity)
    }
}

/// As much of `elapsed`, which a whole group took, as `iterations` would have taken.
fn groups(iterations: u64, mut group: impl FnMut() -> Duration) -> Duration {
    let count = iterations.div_ceil(GROUP);
    let elapsed: Duration = (0..count).map(|_| group()).sum();
    elapsed.mul_f64(iterations as f64 / (count * GROUP) as f64)
}

fn engine(c: &mut Criterion) {
    let mut warm = Warm::new();
    let mut g = c.benchmark_group("engine");
    g.bench_function("place", |b| {
        b.iter_custom(|iterations| {
            groups(iterations, || {
                let elapsed = warm.place();
                warm.cancel();
                elapsed
            })
        });
    });
    g.bench_function("cancel", |b| {
        b.iter_custom(|iterations| {
            groups(iterations, || {
                warm.place();
                warm.cancel()
            })
        });
    });
    g.bench_function("cross", |b| b.iter_custom(|iterations| groups(iterations, || warm.cross())));
    g.bench_function("replace, new price", |b| {
        b.iter_custom(|iterations| {
            groups(iterations, || warm.replace(|random| (29_800 + random.below(200) as u32, 100)))
        });
    });
    g.bench_function("replace, shrink in place", |b| {
        b.iter_custom(|iterations| groups(iterations, || warm.replace(|_| (29_900, 50))));
    });
    g.bench_function("mass cancel of 100", |b| {
        b.iter_custom(|iterations| (0..iterations).map(|_| warm.mass_cancel()).sum());
    });
    g.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
