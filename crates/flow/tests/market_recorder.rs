//! The recorder's pictures are those of the book.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use book::Book;
use flow::{MarketRecorder, MarketSample, Numbering, Simulation, SimulationOptions};
use types::{Event, MarketId, Side};

fn record(commands: u64, wanted: usize) -> (Book, Vec<flow::MarketHistory>, u64, u128) {
    let options = SimulationOptions { commands, accounts: 208, ..SimulationOptions::default() };
    let simulation = Simulation::new(options).unwrap();
    let mut book = Book::new(simulation.genesis().capacity);
    let Ok(()) = rules::open(&mut book, simulation.genesis());
    let mut numbering = Numbering::default();
    let mut recorder = MarketRecorder::new(wanted);
    let (mut trades, mut volume) = (0, 0);
    for item in simulation {
        let sequenced = numbering.number(item);
        recorder.advance(sequenced.timestamp);
        let Ok(_) = rules::execute(&mut book, &sequenced, &mut |event: Event| {
            if let Event::Fill(fill) = event {
                trades += 1;
                volume += u128::from(fill.quantity.0);
            }
            recorder.event(&event);
        });
    }
    (book, recorder.finish(), trades, volume)
}

#[test]
fn the_last_sample_is_the_book() {
    let (book, histories, _, _) = record(60_000, 50);
    assert_eq!(histories.len(), 5);
    for (market, history) in (0..).map(MarketId).zip(&histories) {
        let last = history.samples.last().unwrap();
        for (side, levels) in [(Side::Buy, &last.bids), (Side::Sell, &last.asks)] {
            let mut expected: Vec<(u32, u64)> = Vec::new();
            for order in book.side(market, side) {
                match expected.last_mut() {
                    Some((price, quantity)) if *price == order.price.0 => *quantity += order.quantity.0,
                    _ => expected.push((order.price.0, order.quantity.0)),
                }
            }
            expected.truncate(MarketRecorder::DEPTH);
            let found: Vec<(u32, u64)> =
                levels.iter().map(|level| (level.price.0, level.quantity.0)).collect();
            assert_eq!(found, expected, "{market:?} {side:?}");
        }
        assert_eq!(Some(last.last), history.last);
    }
}

#[test]
fn samples_are_bounded_in_order_and_hold_every_trade() {
    for commands in [500, 5_000, 50_000] {
        let (_, histories, trades, volume) = record(commands, 40);
        assert_eq!(histories.iter().map(|history| history.trades).sum::<u64>(), trades);
        assert_eq!(histories.iter().map(|history| history.volume).sum::<u128>(), volume);
        for history in &histories {
            assert!(history.samples.len() <= 81, "{}", history.samples.len());
            assert!(history.samples.windows(2).all(|pair| pair[0].timestamp <= pair[1].timestamp));
            let lots = |sample: &MarketSample| u128::from(sample.bought + sample.sold);
            assert_eq!(history.samples.iter().map(lots).sum::<u128>(), history.volume);
            for sample in &history.samples {
                if let (Some(bid), Some(ask)) = (sample.bid(), sample.ask()) {
                    assert!(bid < ask);
                }
            }
        }
    }
}

#[test]
fn nothing_gives_nothing() {
    assert!(MarketRecorder::new(10).finish().is_empty());
}
