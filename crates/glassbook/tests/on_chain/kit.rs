//! A chain, a folder, and the binary with some keys.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use contracts::bindings::{Exchange, IERC20, Token};
use exchange::batch_path;
use l1::{Client, ClientError, Config, EmbeddedL1, FeePolicy, Sender, Signer};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// The delay from the announcement of a pause to the pause in a development exchange, and the pause's length.
pub const PAUSE: Duration = Duration::from_secs(3_600);
/// The time that the operator has for an entry of the queue.
pub const DEADLINE: Duration = Duration::from_secs(86_400);

/// Who has a key, by the variable that holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Operator,
    User,
    /// Somebody who pays gas for others.
    Helper,
    /// Has no coins.
    Beggar,
}

impl Who {
    const ALL: [Self; 4] = [Self::Operator, Self::User, Self::Helper, Self::Beggar];

    pub fn variable(self) -> &'static str {
        match self {
            Self::Operator => "GB_OPERATOR",
            Self::User => "GB_USER",
            Self::Helper => "GB_HELPER",
            Self::Beggar => "GB_BEGGAR",
        }
    }

    fn bytes(self) -> [u8; 32] {
        [self as u8 + 1; 32]
    }

    pub fn signer(self) -> Signer {
        Signer::from_bytes(&self.bytes()).unwrap()
    }

    pub fn address(self) -> Address {
        self.signer().address()
    }
}

pub struct World {
    pub l1: EmbeddedL1,
    pub client: Client,
    pub runtime: Runtime,
    dir: TempDir,
}

/// A process that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl World {
    pub fn new() -> Self {
        Self::on(31_337)
    }

    pub fn on(chain_id: u64) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let wei = U256::from(10).pow(U256::from(27));
        let funded = [Who::Operator, Who::User, Who::Helper];
        let balances = funded.map(|who| (who.address(), wei)).to_vec();
        let config = Config { chain_id, balances, ..Config::default() };
        let l1 = runtime.block_on(EmbeddedL1::start(config)).unwrap();
        let client = runtime.block_on(Client::connect(&l1.url(), Duration::from_secs(10))).unwrap();
        Self { l1, client, runtime, dir: TempDir::new().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn data(&self) -> PathBuf {
        self.path("dev")
    }

    pub fn published(&self) -> PathBuf {
        self.data().join("published")
    }

    /// The binary, with everybody's keys in its environment.
    pub fn glassbook(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_glassbook"));
        command.stdin(Stdio::null());
        for who in Who::ALL {
            let key: String = who.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            command.env(who.variable(), key);
        }
        command
    }

    /// An exchange on this chain, without traders unless they are asked for.
    pub fn dev(&self, arguments: &[&str]) -> Command {
        let mut command = self.glassbook();
        command.args(["dev", "--l1", &self.l1.url(), "--operator-key", Who::Operator.variable()]);
        command.args([
            "--deposits",
            "latest",
            "--interval",
            "300ms",
            "--finality-delay",
            "1",
            "--da-port",
            "0",
            "--port",
            "0",
            "--no-claims",
            "--data",
        ]);
        command.arg(self.data()).args(arguments);
        if !arguments.contains(&"--flow") {
            command.args(["--flow", "none"]);
        }
        command
    }

    /// An exchange that runs until the test ends it, once its contracts are there.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let log = fs::File::create(self.path("log")).unwrap();
        let mut command = self.dev(arguments);
        let command = command.stdout(log.try_clone().unwrap()).stderr(log);
        let mut running = Running(command.spawn().unwrap());
        until("the exchange's banner", || {
            let log = fs::read_to_string(self.path("log")).unwrap();
            assert!(running.0.try_wait().unwrap().is_none(), "it ended by itself: {log}");
            log.contains("keys          ").then_some(())
        });
        running
    }

    fn deployment(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.data().join("deployment.json")).unwrap()).unwrap()
    }

    pub fn exchange(&self) -> Address {
        self.deployment()["exchange"].as_str().unwrap().parse().unwrap()
    }

    pub fn token(&self, asset: u16) -> Address {
        self.deployment()["tokens"][usize::from(asset)].as_str().unwrap().parse().unwrap()
    }

    /// The number of the chain's own coin.
    pub fn coin(&self) -> u16 {
        (0..).find(|asset| self.token(*asset).is_zero()).unwrap()
    }

    /// A command that asks the chain, such as `l1 status`.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = self.glassbook();
        command.args(arguments).args(["--l1", &self.l1.url(), "--deployment"]);
        command.arg(self.data().join("deployment.json")).output().unwrap()
    }

    /// A command that sends transactions of somebody's key.
    pub fn call(&self, who: Who, arguments: &[&str]) -> Output {
        self.ask(&[arguments, &["--key", who.variable()]].concat())
    }

    pub fn view<C: SolCall>(&self, call: C) -> C::Return {
        self.runtime.block_on(self.client.call(self.exchange(), &call)).unwrap()
    }

    /// A transaction that no command makes.
    pub fn send(&self, who: Who, to: Address, call: &impl SolCall) -> Result<(), ClientError> {
        let sender = Sender::new(self.client.clone(), who.signer(), FeePolicy::default());
        self.runtime.block_on(async {
            let sent = sender.call(to, U256::ZERO, call).await?;
            sender.carried_out(&sent, PATIENCE).await.map(drop)
        })
    }

    /// Coins for somebody else.
    pub fn give(&self, who: Who, to: Address, wei: U256) {
        let sender = Sender::new(self.client.clone(), who.signer(), FeePolicy::default());
        self.runtime.block_on(async {
            let sent = sender.send(TxKind::Call(to), wei, Bytes::new()).await.unwrap();
            sender.carried_out(&sent, PATIENCE).await.unwrap();
        });
    }

    pub fn balance(&self, who: Who) -> U256 {
        self.runtime.block_on(self.client.balance(who.address())).unwrap()
    }

    /// More of a token than anybody needs.
    pub fn mint(&self, who: Who, asset: u16) {
        let call = Token::mintCall { to: who.address(), amount: U256::MAX >> 1 };
        self.send(who, self.token(asset), &call).unwrap();
    }

    /// What somebody has of a token, in wei.
    pub fn tokens(&self, who: Who, asset: u16) -> U256 {
        let call = IERC20::balanceOfCall { owner: who.address() };
        self.runtime.block_on(self.client.call(self.token(asset), &call)).unwrap()
    }

    /// Quanta of an asset in wei.
    pub fn quanta(&self, asset: u16, quanta: u64) -> U256 {
        U256::from(quanta) * U256::from(self.view(Exchange::assetInfoCall { asset }).quantum)
    }

    /// Time passes on the chain.
    pub fn pass(&self, time: Duration) {
        self.l1.advance_clock(time);
        self.runtime.block_on(self.l1.mine()).unwrap();
    }

    /// Waits until all that an owner has put into the queue is in final batches.
    pub fn wait_for_entries(&self, who: Who) {
        let owner = who.address().to_string();
        until("its entries in final batches", || {
            let text = done(&self.ask(&["l1", "queue", "--owner", &owner]));
            text.contains("nothing waits").then_some(())
        });
    }

    /// Batches that are committed and proved.
    pub fn committed_and_proved(&self) -> (u64, u64) {
        let text = done(&self.ask(&["l1", "status"]));
        let line = text.lines().find(|line| line.starts_with("batches")).unwrap();
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
        (numbers.next().unwrap(), numbers.next().unwrap())
    }

    pub fn batch(&self, number: u64) -> Vec<u8> {
        fs::read(batch_path(&self.published(), number)).unwrap()
    }
}

/// One of the traders of a simulated market, whose key everybody has.
pub struct Trader([u8; 32]);

/// What a trader has of an asset in the last final state, in quanta.
#[derive(Debug)]
pub struct Balance {
    pub asset: u16,
    pub free: u64,
    pub locked: u64,
}

impl Trader {
    pub fn new(number: u32) -> Self {
        let domain = "glassbook development chain key, public, not for production/1";
        Self(
            Sha256::new()
                .chain_update(domain)
                .chain_update("Owner")
                .chain_update(number.to_be_bytes())
                .finalize()
                .into(),
        )
    }

    pub fn key(&self) -> String {
        hex::encode(self.0)
    }

    pub fn address(&self) -> Address {
        Signer::from_bytes(&self.0).unwrap().address()
    }

    /// What it has, by proofs from published batches, or why there are none.
    pub fn balances(&self, world: &World) -> Result<Vec<Balance>, String> {
        let file = world.path("trader.json");
        let mut command = world.glassbook();
        command.args(["balance", "proof", "--owner", &self.address().to_string(), "--l1", &world.l1.url()]);
        let output =
            command.arg("--published").arg(world.published()).arg("--out").arg(&file).output().unwrap();
        if !output.status.success() {
            return Err(refused(&output));
        }
        let proofs: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let balance = |entry: &serde_json::Value| {
            let proof = entry["proof"].as_str().unwrap().trim_start_matches("0x");
            let proof = state::Proof::decode(&hex::decode(proof).unwrap()).unwrap();
            let half = |part: &[u8]| u64::from_be_bytes(part.try_into().unwrap());
            let (free, locked) = proof.value.as_slice().split_at(8);
            let asset = entry["asset"].as_u64().unwrap().try_into().unwrap();
            Balance { asset, free: half(free), locked: half(locked) }
        };
        Ok(proofs["balances"].as_array().unwrap().iter().map(balance).collect())
    }

    /// What it has of an asset on the chain, in wei.
    pub fn has(&self, world: &World, asset: u16) -> U256 {
        let (token, owner) = (world.token(asset), self.address());
        world.runtime.block_on(async {
            if token.is_zero() {
                return world.client.balance(owner).await.unwrap();
            }
            world.client.call(token, &IERC20::balanceOfCall { owner }).await.unwrap()
        })
    }
}

/// Coins in wei, in halves.
pub fn halves(count: u64) -> U256 {
    U256::from(count) * U256::from(500_000_000_000_000_000_u64)
}

#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        sleep(Duration::from_millis(200));
    }
}

/// What a command that must succeed has printed.
#[track_caller]
pub fn done(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(!err.contains("panicked"), "{err}");
    out.into_owned()
}

/// Why a command failed that must fail.
#[track_caller]
pub fn refused(output: &Output) -> String {
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "must be refused: {}", String::from_utf8_lossy(&output.stdout));
    assert!(!err.contains("panicked"), "{err}");
    err
}

#[track_caller]
pub fn has(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is not in: {text}");
}
