//! An exchange with simulated traders and a gateway in front of it, for examples and tests. No chain: what would come from L1
//! is handed in here.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use exchange::{Config, Exchange, Submission};
use flow::{FlowItem, FlowOrigin, Simulation, SimulationOptions, dev_key, dev_owner};
use gateway::keys::Role;
use gateway::view::{View, ViewOptions};
use gateway::{Gateway, Settings};
use rules::{Capacity, Genesis};
use transition::StreamSigner;
use types::{AccountId, AssetId, Command, Quanta, Timestamp};

/// How often the simulated traders' orders are handed in.
const TICK: Duration = Duration::from_millis(20);

/// What to open.
pub struct Options {
    /// Commands a second by simulated traders; zero for none.
    pub rate: u64,
    /// Simulated traders.
    pub simulated: u32,
    /// Accounts that have delegated to the gateway.
    pub traders: u32,
    /// Of the gateway; its directory is replaced.
    pub settings: Settings,
    /// Measure the engine.
    pub measure: bool,
    /// Of the view.
    pub view: ViewOptions,
    /// Changes the exchange's configuration.
    pub configure: fn(&mut Config),
}

impl Default for Options {
    fn default() -> Self {
        let mut settings = Settings::default();
        settings.listen.set_port(0);
        Self {
            rate: 0,
            simulated: 40,
            traders: 3,
            settings,
            measure: false,
            view: ViewOptions::default(),
            configure: |_| (),
        }
    }
}

/// An account that has delegated to the gateway, with an HMAC key of each role.
#[derive(Clone, Debug)]
pub struct Trader {
    pub account: AccountId,
    /// Key and secret, by role.
    pub keys: HashMap<Role, (String, String)>,
}

/// All of it.
pub struct World {
    pub exchange: Arc<Exchange>,
    pub view: Arc<View>,
    pub gateway: Arc<Gateway>,
    pub traders: Vec<Trader>,
    pub genesis: Genesis,
    /// Commands played.
    pub played: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    flow: Option<JoinHandle<()>>,
}

impl World {
    /// Opens it in an empty directory.
    pub fn open(directory: &Path, options: Options) -> Self {
        let simulation = SimulationOptions {
            markets: 3,
            accounts: options.simulated,
            makers: 6,
            commands: 1 << 50,
            start: Timestamp(0),
            ..SimulationOptions::default()
        };
        let mut simulation = Simulation::new(simulation).unwrap();
        let genesis = *simulation.genesis();
        let capacity = Capacity { accounts: genesis.capacity.accounts + options.traders, ..genesis.capacity };
        let genesis = Genesis { capacity, ..genesis };
        let mut config = Config { measure: options.measure, ..Config::new(directory.join("exchange")) };
        (options.configure)(&mut config);
        let batches = config.data_dir.join("batches");
        let (exchange, _) = Exchange::open(config, &genesis, |_| {}).unwrap();
        let exchange = Arc::new(exchange);
        let view = View::follow(Arc::clone(&exchange), &genesis, batches, options.view).unwrap();
        let settings = Settings { directory: directory.join("gateway"), ..options.settings };
        let gateway = Gateway::open(settings, Arc::clone(&exchange), Arc::clone(&view)).unwrap();

        let mut player = Player::new(Arc::clone(&exchange));
        let mut deposits: Vec<Quanta> = Vec::new();
        let setup = simulation.progress().1 - (1 << 50);
        for item in simulation.by_ref().take(setup as usize) {
            if let Command::Deposit { asset, amount, .. } = item.command
                && usize::from(asset.0) == deposits.len()
            {
                deposits.push(amount);
            }
            player.play(item);
        }
        player.flush();
        let first = options.simulated + 1;
        let accounts: Vec<AccountId> = (first..first + options.traders).map(AccountId).collect();
        for account in &accounts {
            for (asset, amount) in deposits.iter().enumerate() {
                let asset = AssetId(asset as u16);
                // Less than the simulated ones have, so that a balance can be too small.
                let amount = Quanta(amount.0 >> 10);
                let command = Command::Deposit { owner: dev_owner(*account), asset, amount };
                player.play(from_l1(*account, command));
            }
        }
        player.flush();
        for account in &accounts {
            let key = gateway.desk.create(*account).unwrap();
            player.play(from_l1(*account, Command::RegisterSession { key, expires: Timestamp::NEVER }));
        }
        player.flush();
        // The gateway knows what the view has seen.
        while view.sequence() < exchange.stats().executed {
            std::thread::sleep(TICK);
        }
        let traders = accounts.into_iter().map(|account| {
            let roles = [Role::Read, Role::Trade, Role::Withdraw, Role::Admin];
            let keys = roles.map(|role| (role, gateway.keys.create_hmac(account, role, "demo").unwrap()));
            Trader { account, keys: keys.into_iter().collect() }
        });
        let traders = traders.collect();
        let (stop, played) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let flow = (options.rate > 0).then(|| {
            let (stop, played, rate) = (Arc::clone(&stop), Arc::clone(&played), options.rate);
            std::thread::spawn(move || play(simulation, player, rate, &stop, &played))
        });
        Self { exchange, view, gateway, traders, genesis, played, stop, flow }
    }

    /// Ends the simulated traders.
    pub fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(flow) = self.flow.take() {
            flow.join().unwrap();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(flow) = self.flow.take() {
            let _ = flow.join();
        }
    }
}

fn from_l1(account: AccountId, command: Command) -> FlowItem {
    FlowItem { timestamp: Timestamp(0), account, origin: FlowOrigin::L1, command }
}

fn play(simulation: Simulation, mut player: Player, rate: u64, stop: &AtomicBool, played: &AtomicU64) {
    let mut simulation = simulation;
    let began = Instant::now();
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let due = began.elapsed().as_micros() as u64 * rate / 1_000_000;
        for item in simulation.by_ref().take((due - done) as usize) {
            player.play(item);
        }
        player.flush();
        done = due;
        played.store(done, Ordering::Relaxed);
        std::thread::sleep(TICK);
    }
}

/// Signs and hands in items, many together.
pub struct Player {
    exchange: Arc<Exchange>,
    signers: HashMap<AccountId, StreamSigner>,
    origin: FlowOrigin,
    waiting: Vec<(AccountId, Command)>,
}

impl Player {
    pub fn new(exchange: Arc<Exchange>) -> Self {
        Self { exchange, signers: HashMap::new(), origin: FlowOrigin::Session, waiting: Vec::new() }
    }

    pub fn play(&mut self, item: FlowItem) {
        if item.origin != self.origin {
            self.flush();
            self.origin = item.origin;
        }
        self.waiting.push((item.account, item.command));
        if self.waiting.len() == 1_000 {
            self.flush();
        }
    }

    pub fn flush(&mut self) {
        let commands = std::mem::take(&mut self.waiting);
        if commands.is_empty() {
            return;
        }
        let submission = match self.origin {
            FlowOrigin::L1 => Submission::L1 { entries: commands, timestamps: Vec::new() },
            FlowOrigin::Session => {
                let mut accounts = Vec::new();
                for (account, command) in &commands {
                    if !accounts.contains(account) {
                        accounts.push(*account);
                    }
                    let signer = self.signers.entry(*account).or_insert_with(|| {
                        let stream = self.exchange.stream(*account).unwrap();
                        StreamSigner::new(*account, dev_key(*account), stream)
                    });
                    signer.push(command);
                }
                let signatures =
                    accounts.into_iter().map(|account| (account, self.signers[&account].sign())).collect();
                Submission::Streams { commands, signatures, timestamps: Vec::new() }
            }
        };
        self.exchange.submit_waiting(submission).unwrap().wait().unwrap();
    }
}
