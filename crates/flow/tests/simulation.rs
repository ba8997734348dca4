//! The simulated flow: the same everywhere, and like a market.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{HashMap, HashSet};

use book::Book;
use flow::{FlowItem, Numbering, Simulation, SimulationOptions};
use sha2::{Digest, Sha256};
use types::{Command, Event, OrderId, OrderType, Outcome, Reject, TimeInForce, Timestamp};

const COMMANDS: u64 = 300_000;

fn simulation(seed: u64, commands: u64) -> Simulation {
    Simulation::new(SimulationOptions { seed, commands, ..SimulationOptions::default() }).unwrap()
}

/// Without the setup.
fn commands(seed: u64, commands: u64) -> impl Iterator<Item = FlowItem> {
    let all = simulation(seed, commands);
    let setup = all.progress().1 - commands;
    all.skip(setup as usize)
}

#[test]
fn the_same_seed_gives_the_same_commands_on_every_machine() {
    let mut hash = Sha256::new();
    let mut numbering = Numbering::default();
    let mut last = Timestamp(0);
    let mut bytes = Vec::new();
    for item in simulation(1, u64::MAX).take(100_000) {
        let sequenced = numbering.number(item);
        bytes.clear();
        sequenced.encode(last, &mut bytes);
        last = sequenced.timestamp;
        hash.update(&bytes);
    }
    assert_eq!(
        hex::encode(hash.finalize()),
        "c7882429edf09cf557f1631615d5e1417da1eb735bf8dc692e22ade304954a36"
    );
}

#[test]
fn other_seeds_give_other_commands_and_lengths_are_kept() {
    let head = |seed| commands(seed, 50).collect::<Vec<_>>();
    assert_ne!(head(1), head(2));
    assert_eq!(head(1).len(), 50);
    assert_eq!(commands(1, 0).count(), 0);
    let mut all = simulation(3, 10);
    let total = all.progress().1;
    assert_eq!(all.by_ref().count() as u64, total);
    assert_eq!(all.progress(), (total, total));
}

#[test]
fn any_number_of_markets_works_and_what_cannot_be_is_refused() {
    for markets in 1..=Simulation::MAX_MARKETS {
        let options =
            SimulationOptions { markets, accounts: 12, commands: 3_000, ..SimulationOptions::default() };
        let simulation = Simulation::new(options).unwrap();
        let mut book = Book::new(simulation.genesis().capacity);
        let Ok(()) = rules::open(&mut book, simulation.genesis());
        let mut numbering = Numbering::default();
        let mut accepted = 0;
        for item in simulation {
            let Ok(outcome) = rules::execute(&mut book, &numbering.number(item), &mut |_: Event| {});
            accepted += u64::from(!matches!(outcome, Outcome::Rejected(_)));
        }
        assert!(accepted > 2_700, "{accepted}");
        assert_eq!(book.counters().markets, markets);
    }
    for (markets, accounts, makers) in
        [(0, 10, 1), (6, 10, 1), (1, 1, 1), (1, 10, 0), (1, 10, 10), (1, 20_000, 1)]
    {
        let options = SimulationOptions { markets, accounts, makers, ..SimulationOptions::default() };
        assert!(matches!(Simulation::new(options), Err(flow::FlowError::OutOfRange { .. })));
    }
}

#[test]
fn times_never_decrease_and_arrivals_come_in_bursts() {
    const WINDOW: u64 = 100_000;
    let mut counts: HashMap<u64, u64> = HashMap::new();
    let mut last = Timestamp(0);
    for item in commands(1, COMMANDS) {
        assert!(item.timestamp >= last);
        last = item.timestamp;
        *counts.entry(item.timestamp.0 / WINDOW).or_default() += 1;
    }
    let first = counts.keys().min().unwrap();
    let windows = (last.0 / WINDOW - first) as f64;
    let mean = COMMANDS as f64 / windows;
    let squares: f64 = counts.values().map(|count| (*count as f64).powi(2)).sum();
    let dispersion = (squares / windows - mean * mean) / mean;
    assert!(dispersion > 50.0, "variance over mean is {dispersion}, 1 for a Poisson process");
}

#[test]
fn a_few_market_makers_send_most_messages_and_thousands_of_accounts_the_rest() {
    let makers = simulation(1, 0).last_maker();
    let mut from_makers = 0;
    let mut accounts = HashSet::new();
    for item in commands(1, COMMANDS) {
        from_makers += u64::from(item.account <= makers);
        accounts.insert(item.account);
    }
    let share = from_makers as f64 / COMMANDS as f64;
    assert!((0.7..0.85).contains(&share), "{share}");
    assert!(accounts.len() > 2_000, "{}", accounts.len());
}

#[test]
fn sizes_have_a_heavy_tail_and_favour_round_lots() {
    let mut sizes: Vec<u64> = commands(1, COMMANDS)
        .filter_map(|item| match item.command {
            Command::Place(place) => match place.order_type {
                OrderType::Limit { quantity, .. } | OrderType::Market { quantity } => Some(quantity.0),
                OrderType::MarketBudget { .. } => None,
            },
            _ => None,
        })
        .collect();
    sizes.sort_unstable();
    let large: Vec<u64> = sizes.iter().copied().filter(|size| *size >= 100).collect();
    let round = large.iter().filter(|size| **size % 100 == 0).count() as f64 / large.len() as f64;
    assert!(round > 0.35, "{round}");
    // Hill's estimator over the largest hundredth; below 2 the variance is infinite.
    let tail = &sizes[sizes.len() * 99 / 100..];
    let smallest = tail[0] as f64;
    let mean = tail.iter().map(|size| (*size as f64 / smallest).ln()).sum::<f64>() / tail.len() as f64;
    let exponent = 1.0 / mean;
    assert!((1.3..2.0).contains(&exponent), "{exponent}");
}

#[test]
fn most_orders_end_cancelled_and_everything_happens() {
    let simulation = simulation(1, COMMANDS);
    let mut book = Book::new(simulation.genesis().capacity);
    let Ok(()) = rules::open(&mut book, simulation.genesis());
    let setup = simulation.progress().1 - COMMANDS;
    let mut numbering = Numbering::default();
    let mut cancelled: HashSet<OrderId> = HashSet::new();
    let (mut orders, mut fills, mut triggered, mut expired) = (0u64, 0u64, 0u64, 0u64);
    let mut rejected: HashMap<Reject, u64> = HashMap::new();
    let mut seen: HashSet<&'static str> = HashSet::new();
    for (at, item) in simulation.enumerate() {
        seen.insert(kind(&item.command));
        let sequenced = numbering.number(item);
        let Ok(outcome) = rules::execute(&mut book, &sequenced, &mut |event: Event| match event {
            Event::Fill(_) => fills += 1,
            Event::Triggered { .. } => triggered += 1,
            Event::Cancelled { order, remaining, reason, .. } if remaining.0 == 0 => {
                cancelled.insert(order);
                expired += u64::from(reason == types::CancelReason::Expired);
            }
            _ => {}
        });
        match outcome {
            Outcome::Accepted(_) => orders += 1,
            Outcome::Rejected(reason) => {
                assert!(at as u64 >= setup, "the setup is accepted, not {reason}");
                *rejected.entry(reason).or_default() += 1;
            }
            Outcome::Done => {}
        }
    }
    let share = cancelled.len() as f64 / orders as f64;
    assert!((0.85..0.95).contains(&share), "{share}");
    assert!(fills > COMMANDS / 50, "{fills}");
    assert!(triggered > 20 && expired > 20, "{triggered} {expired}");
    let all = rejected.values().sum::<u64>() as f64 / COMMANDS as f64;
    assert!(all < 0.08, "{all} rejected: {rejected:?}");
    let too_late = rejected[&Reject::UnknownOrder] as f64 / COMMANDS as f64;
    assert!(too_late > 0.01, "{too_late}");
    for expected in [
        "limit",
        "market",
        "budget",
        "post-only",
        "IOC",
        "FOK",
        "GTD",
        "stop-loss",
        "take-profit",
        "cancel",
        "replace",
        "mass cancel",
        "deposit",
        "withdraw",
        "session",
        "operator",
    ] {
        assert!(seen.contains(expected), "{expected}");
    }
    for market in book.markets() {
        assert!(market.last_price.0 != 0, "every market trades");
    }
}

fn kind(command: &Command) -> &'static str {
    match command {
        Command::Place(place) => match (place.trigger.map(|trigger| trigger.kind), place.order_type) {
            (Some(types::TriggerKind::StopLoss), _) => "stop-loss",
            (Some(types::TriggerKind::TakeProfit), _) => "take-profit",
            (None, OrderType::Market { .. }) => "market",
            (None, OrderType::MarketBudget { .. }) => "budget",
            (None, OrderType::Limit { .. }) => match place.time_in_force {
                _ if place.post_only => "post-only",
                TimeInForce::Gtc => "limit",
                TimeInForce::Ioc => "IOC",
                TimeInForce::Fok => "FOK",
                TimeInForce::Gtd(_) => "GTD",
            },
        },
        Command::Cancel { .. } => "cancel",
        Command::Replace { .. } => "replace",
        Command::MassCancel { .. } => "mass cancel",
        Command::Withdraw { .. } => "withdraw",
        Command::Deposit { .. } => "deposit",
        Command::RegisterSession { .. } => "session",
        Command::Operator(_) => "operator",
    }
}
