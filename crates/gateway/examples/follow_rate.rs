//! How fast a view follows: from sealed batches, and from the tape while the exchange works; and what the exchange's engine
//! notices of it.
//!
//! `cargo run --release -p gateway --example follow_rate -- 400000`
#![allow(clippy::unwrap_used, reason = "a measurement stops where something is not as it must be")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exchange::{Clock, Config, Exchange, Submission, Ticket};
use flow::{FlowItem, FlowOrigin, Simulation, SimulationOptions, dev_key};
use gateway::view::{View, ViewOptions};
use transition::StreamSigner;
use types::{AccountId, Command, Timestamp};

/// Commands in a submission.
const TOGETHER: usize = 500;

fn simulation(commands: u64) -> Simulation {
    let options = SimulationOptions { commands, markets: 3, accounts: 600, makers: 8, ..Default::default() };
    Simulation::new(options).unwrap()
}

/// Flow as submissions, signed before the clock runs.
struct Signed {
    signers: HashMap<AccountId, StreamSigner>,
    list: Vec<Submission>,
}

impl Signed {
    fn add(&mut self, exchange: &Exchange, items: &[FlowItem]) {
        for run in items.chunk_by(|one, two| one.origin == two.origin) {
            for run in run.chunks(TOGETHER) {
                let commands: Vec<(AccountId, Command)> =
                    run.iter().map(|item| (item.account, item.command.clone())).collect();
                let timestamps: Vec<Timestamp> = run.iter().map(|item| item.timestamp).collect();
                if run[0].origin == FlowOrigin::L1 {
                    self.list.push(Submission::L1 { entries: commands, timestamps });
                    continue;
                }
                let mut accounts: Vec<AccountId> = commands.iter().map(|(account, _)| *account).collect();
                accounts.sort_unstable();
                accounts.dedup();
                for (account, command) in &commands {
                    let signer = self.signers.entry(*account).or_insert_with(|| {
                        let stream = exchange.stream(*account).unwrap();
                        StreamSigner::new(*account, dev_key(*account), stream)
                    });
                    signer.push(command);
                }
                let sign = |account: AccountId| (account, self.signers.get_mut(&account).unwrap().sign());
                let signatures = accounts.into_iter().map(sign).collect();
                self.list.push(Submission::Streams { commands, signatures, timestamps });
            }
        }
    }
}

fn submit(exchange: &Exchange, list: Vec<Submission>) {
    let tickets: Vec<Ticket> =
        list.into_iter().map(|submission| exchange.submit_waiting(submission).unwrap()).collect();
    tickets.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
}

fn open(dir: &Path, genesis: &rules::Genesis) -> Arc<Exchange> {
    let mut config = Config::new(dir);
    (config.clock, config.measure, config.max_lag) = (Clock::Submission, true, 1 << 24);
    Arc::new(Exchange::open(config, genesis, |_| {}).unwrap().0)
}

fn follow(exchange: &Arc<Exchange>, genesis: &rules::Genesis, dir: &Path) -> Arc<View> {
    let options = ViewOptions { tape: 1 << 24, ..ViewOptions::default() };
    View::follow(Arc::clone(exchange), genesis, dir.join("batches"), options).unwrap()
}

fn wait(view: &View, sequence: u64) {
    while view.sequence() < sequence {
        assert_eq!(view.fault(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Plays everything, with somebody who views it or without; what the engine needed.
fn played(dir: &Path, commands: u64, viewed: bool) {
    let mut flow = simulation(commands);
    let genesis = *flow.genesis();
    let exchange = open(dir, &genesis);
    let setup = flow.progress().1 - commands;
    let mut signed = Signed { signers: HashMap::new(), list: Vec::new() };
    for item in flow.by_ref().take(setup as usize) {
        // A session is known once it is executed.
        signed.add(&exchange, &[item]);
        submit(&exchange, std::mem::take(&mut signed.list));
    }
    let items: Vec<FlowItem> = flow.collect();
    signed.add(&exchange, &items);
    let view = viewed.then(|| follow(&exchange, &genesis, dir));
    if let Some(view) = &view {
        while !view.is_up_to_date() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    let began = Instant::now();
    submit(&exchange, signed.list);
    let rate = |time: Duration| commands as f64 / time.as_secs_f64();
    let durable = began.elapsed();
    let latency = exchange.engine_latency();
    println!(
        "exchange {}: {:.0} commands/s durable; engine p50 {} ns, p99 {} ns, p99.9 {} ns",
        if viewed { "with a view" } else { "alone" },
        rate(durable),
        latency.p50,
        latency.p99,
        latency.p999
    );
    if let Some(view) = view {
        wait(&view, setup + commands);
        let behind = began.elapsed() - durable;
        println!(
            "view on the tape: all of it {:.0} ms after the last acknowledgement, {:.0} commands/s",
            behind.as_secs_f64() * 1e3,
            rate(began.elapsed())
        );
    }
    Arc::into_inner(exchange).unwrap().shutdown().unwrap();
}

fn main() {
    let commands = std::env::args().nth(1).map_or(400_000, |text| text.parse().unwrap());
    let (alone, viewed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    played(alone.path(), commands, false);
    played(viewed.path(), commands, true);
    let flow = simulation(commands);
    let exchange = open(viewed.path(), flow.genesis());
    let began = Instant::now();
    let view = follow(&exchange, flow.genesis(), viewed.path());
    wait(&view, flow.progress().1);
    let time = began.elapsed();
    println!(
        "view from sealed batches: {} commands in {:.2} s, {:.0} commands/s",
        flow.progress().1,
        time.as_secs_f64(),
        flow.progress().1 as f64 / time.as_secs_f64()
    );
    assert_eq!(view.fault(), None);
}
