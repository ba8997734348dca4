//! Generates a simulation, runs it through the book, and prints what became of it.

use std::collections::BTreeMap;
use std::time::Instant;

use book::Book;
use flow::{Numbering, Simulation, SimulationOptions};
use types::{Event, Outcome};

fn main() -> Result<(), flow::FlowError> {
    let commands = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let options = SimulationOptions { commands, ..SimulationOptions::default() };
    let start = Instant::now();
    let count = Simulation::new(options)?.count();
    let seconds = start.elapsed().as_secs_f64();
    println!("generated {count} commands, {:.2} M/s", count as f64 / seconds / 1e6);

    let simulation = Simulation::new(options)?;
    let mut book = Book::new(simulation.genesis().capacity);
    let Ok(()) = rules::open(&mut book, simulation.genesis());
    let mut numbering = Numbering::default();
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    let (mut first, mut last) = (0, 0);
    for item in simulation {
        first = if first == 0 { item.timestamp.0 } else { first };
        last = item.timestamp.0;
        let name = format!("{:?}", item.command);
        let name = name.split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
        *tally.entry(format!("command {name}")).or_default() += 1;
        let sequenced = numbering.number(item);
        let Ok(outcome) = rules::execute(&mut book, &sequenced, &mut |event: Event| {
            let name = match event {
                Event::Cancelled { reason, .. } => format!("event cancelled {reason:?}"),
                Event::Fill(_) => "event fill".to_owned(),
                Event::PhaseChanged { .. } => "event phase".to_owned(),
                Event::Triggered { .. } => "event triggered".to_owned(),
                _ => return,
            };
            *tally.entry(name).or_default() += 1;
        });
        if let Outcome::Rejected(reason) = outcome {
            *tally.entry(format!("rejected {} {name} {reason:?}", reason.code())).or_default() += 1;
        }
    }
    for (name, count) in tally {
        println!("{count:>10}  {name}");
    }
    println!("open orders {}, {} s", book.counters().open_orders, (last - first) / 1_000_000);
    for (market, row) in book.markets().enumerate() {
        let market = types::MarketId(market as u16);
        let best = types::Side::BOTH.map(|side| book.side(market, side).next().map(|order| order.price.0));
        let depth = types::Side::BOTH.map(|side| book.side(market, side).count());
        println!("market {market}: last {}, best {best:?}, orders {depth:?}", row.last_price);
    }
    Ok(())
}
