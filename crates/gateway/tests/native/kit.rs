//! An exchange with a gateway in front of it, traders whose keys are here, and what becomes of batches when a test says so.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use exchange::{BatchPolicy, Config, Exchange, Submission};
use gateway::native::{
    self, Availability, BatchRecord, Facts, ForcedOperation, L1Action, L1Block, L1Call, Lifecycle,
    LifecycleError, Native, NativeOptions, Progress, ProofFile, Stage, StageReached, Transition, Transitions,
    Unsettled,
};
use gateway::view::{View, ViewOptions};
use gateway::{Gateway, Server, Settings};
use glassbook_client::Client;
use k256::ecdsa::SigningKey as OwnerKey;
use rules::{Capacity, Genesis};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use transition::{Crypto as _, Native as Crypto, StreamSigner};
use types::{
    AccountId, Address, AssetId, AssetParams, Breaker, Command, Limits, MarketId, MarketParams,
    OperatorCommand, Outcome, Place, Price, Quanta, Quantity, Rate, SessionKey, Side, Timestamp,
};

/// Traders, numbered from one. The last one has no session.
pub const TRADERS: u32 = 4;
pub const FUNDS: u64 = 1 << 40;

/// All of it.
pub struct World {
    _directory: TempDir,
    pub genesis: Genesis,
    pub gateway: Arc<Gateway>,
    pub lifecycle: Arc<Staged>,
    _server: Server,
    pub url: String,
    pub client: Client,
}

pub fn session_key(account: AccountId) -> SigningKey {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&account.0.to_le_bytes());
    SigningKey::from_bytes(&bytes)
}

fn owner_key(account: AccountId) -> OwnerKey {
    let mut bytes = [9; 32];
    bytes[..4].copy_from_slice(&account.0.to_le_bytes());
    OwnerKey::from_slice(&bytes).unwrap()
}

pub fn owner(account: AccountId) -> Address {
    let point = owner_key(account).verifying_key().to_encoded_point(false);
    Address(*Crypto::keccak256(&point.as_bytes()[1..]).last_chunk().unwrap())
}

/// An owner's signature over a digest.
pub fn owner_signs(account: AccountId, digest: &[u8; 32]) -> [u8; 65] {
    let (signature, recovery) = owner_key(account).sign_prehash_recoverable(digest).unwrap();
    let mut out = [0; 65];
    out[..64].copy_from_slice(&signature.to_bytes());
    out[64] = recovery.to_byte() + 27;
    out
}

fn public(account: AccountId) -> SessionKey {
    SessionKey(session_key(account).verifying_key().to_bytes())
}

pub fn limit(side: Side, price: u32, quantity: u64) -> Command {
    Command::Place(Place::limit(MarketId(0), side, Price(price), Quantity(quantity)))
}

impl World {
    /// Batches are sealed ten times a second.
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let genesis = Genesis {
            chain_id: 31_337,
            exchange: Address([0xee; 20]),
            capacity: Capacity {
                accounts: 64,
                open_orders: 8_192,
                assets: 3,
                markets: 2,
                price_levels: 4_000,
            },
            operator: owner(AccountId(0)),
            operator_key: public(AccountId(0)),
            operator_expires: Timestamp::NEVER,
        };
        let config = Config {
            batch: BatchPolicy { commands: 1_000, interval: Duration::from_millis(100) },
            ..Config::new(directory.path().join("exchange"))
        };
        let batches = config.data_dir.join("batches");
        let (exchange, _) = Exchange::open(config, &genesis, |_| {}).unwrap();
        let exchange = Arc::new(exchange);
        set_up(&exchange);
        let view =
            View::follow(Arc::clone(&exchange), &genesis, batches.clone(), ViewOptions::default()).unwrap();
        let mut settings = Settings { directory: directory.path().join("gateway"), ..Settings::default() };
        settings.listen.set_port(0);
        change(&mut settings);
        let gateway = Gateway::open(settings, Arc::clone(&exchange), Arc::clone(&view)).unwrap();
        let lifecycle = Arc::new(Staged::new(batches.clone()));
        let native = Native::start(
            Arc::clone(&gateway),
            Arc::clone(&lifecycle) as Arc<dyn Lifecycle>,
            &genesis,
            NativeOptions::new(batches),
        );
        let server = Server::start(Arc::clone(&gateway), native::router(native)).await.unwrap();
        let url = format!("http://{}", server.address());
        let client = Client::new(&url).unwrap();
        view.reached(exchange.stats().durable).await;
        Self { _directory: directory, genesis, gateway, lifecycle, _server: server, url, client }
    }

    /// Status and JSON of an answer.
    pub async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        self.ask_with(method, path, body, &[]).await
    }

    pub async fn ask_with(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, String)],
    ) -> (u16, Value) {
        let url = format!("{}{}{path}", self.url, native::PREFIX);
        let mut request = reqwest::Client::new().request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }
}

/// Two assets, a market, funded traders with sessions.
fn set_up(exchange: &Exchange) {
    let operator = AccountId(0);
    let assets = [("TKA", 1), ("TKB", 2)].map(|(name, number)| {
        let mut symbol = [0; 8];
        symbol[..3].copy_from_slice(name.as_bytes());
        OperatorCommand::ListAsset(AssetParams { token: Address([number; 20]), quantum: 1, symbol })
    });
    let market = OperatorCommand::CreateMarket(MarketParams {
        base: AssetId(0),
        quote: AssetId(1),
        lot: 1,
        tick: 1,
        max_price: Price(1_000),
        maker_fee: Rate(-1_000),
        taker_fee: Rate(30_000),
        fee_account: operator,
        limits: Limits::NONE,
        collar: 0,
        breaker: Breaker { band: 0, window: 0, halt: 0 },
        reference_price: Price(500),
    });
    let commands: Vec<Command> =
        assets.into_iter().chain([market]).map(|command| Command::Operator(command.into())).collect();
    let mut signer = StreamSigner::new(operator, session_key(operator), exchange.stream(operator).unwrap());
    for command in &commands {
        signer.push(command);
    }
    let submission = Submission::Streams {
        commands: commands.into_iter().map(|command| (operator, command)).collect(),
        signatures: vec![(operator, signer.sign())],
        timestamps: Vec::new(),
    };
    let answer = exchange.submit_waiting(submission).unwrap().wait().unwrap();
    assert_eq!(answer.outcomes, [Outcome::Done; 3]);
    let mut entries = Vec::new();
    for account in (1..=TRADERS).map(AccountId) {
        for asset in [AssetId(0), AssetId(1)] {
            let amount = Quanta(FUNDS);
            entries.push((account, Command::Deposit { owner: owner(account), asset, amount }));
        }
        if account.0 < TRADERS {
            let key = public(account);
            entries.push((account, Command::RegisterSession { key, expires: Timestamp::NEVER }));
        }
    }
    let submission = Submission::L1 { entries, timestamps: Vec::new() };
    exchange.submit_waiting(submission).unwrap().wait().unwrap();
}

/// What becomes of batches when a test says so. Nothing that it says of L1 has happened anywhere.
pub struct Staged {
    unsettled: Unsettled,
    told: Mutex<Told>,
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct Told {
    stages: BTreeMap<u64, Vec<StageReached>>,
    transitions: Vec<Transition>,
    proofs: BTreeMap<u64, Vec<u8>>,
    last_final: Option<u64>,
}

/// The start that transitions count from.
pub const RUN: u64 = 1_700_000_000_000;

impl Staged {
    fn new(batches: PathBuf) -> Self {
        Self { unsettled: Unsettled::new(batches), told: Mutex::default(), news: watch::Sender::new(0) }
    }

    /// A batch reaches a stage.
    pub fn reach(&self, batch: u64, stage: Stage) {
        let mut told = self.told.lock().unwrap();
        let block =
            (stage > Stage::Available).then(|| L1Block { number: 100 + batch, hash: [stage as u8; 32] });
        let transaction = block.map(|block| format!("0x{:064x}", block.number));
        let reached = StageReached { stage, time: Some(RUN + batch), block, transaction };
        told.stages.entry(batch).or_default().push(reached);
        if stage == Stage::Final {
            told.last_final = Some(batch);
        }
        let number = told.transitions.len() as u64 + 1;
        let transition = Transition {
            number,
            batch,
            from: Some("sealed".to_string()),
            to: format!("{stage:?}").to_lowercase(),
            why: None,
            block,
            at: RUN + batch,
        };
        told.transitions.push(transition);
        drop(told);
        self.news.send_replace(number);
    }

    pub fn prove(&self, batch: u64, bytes: Vec<u8>) {
        self.told.lock().unwrap().proofs.insert(batch, bytes);
    }
}

impl Lifecycle for Staged {
    fn facts(&self) -> Facts {
        Facts { l1_url: Some("http://127.0.0.1:8545".to_string()), ..self.unsettled.facts() }
    }

    fn progress(&self) -> Progress {
        Progress { last_final: self.told.lock().unwrap().last_final }
    }

    fn batch(&self, number: u64) -> Result<Option<BatchRecord>, LifecycleError> {
        let told = self.told.lock().unwrap();
        Ok(self.unsettled.batch(number)?.map(|mut record| {
            for reached in told.stages.get(&number).into_iter().flatten() {
                record.state = format!("{:?}", reached.stage).to_lowercase();
                if let (Stage::Committed, Some(block)) = (reached.stage, reached.block) {
                    let transaction = reached.transaction.clone();
                    record
                        .l1
                        .insert("commit".to_string(), L1Action { block, transaction, gas: Some(90_000) });
                }
                record.stages.push(reached.clone());
            }
            record
        }))
    }

    fn batches(&self, from: u64, limit: usize) -> Result<Vec<BatchRecord>, LifecycleError> {
        let records = self.unsettled.batches(from, limit)?;
        records.iter().filter_map(|record| self.batch(record.number).transpose()).collect()
    }

    fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    fn transitions(&self, after: u64, limit: usize) -> Transitions {
        let told = self.told.lock().unwrap();
        let list = told.transitions.iter().filter(|transition| transition.number > after);
        Transitions { run: RUN, missed: None, list: list.take(limit).cloned().collect() }
    }

    fn proof(&self, batch: u64) -> Result<Option<ProofFile>, LifecycleError> {
        let told = self.told.lock().unwrap();
        Ok(told.proofs.get(&batch).map(|bytes| ProofFile {
            kind: "executed".to_string(),
            statement: "nothing is proved: a test's file".to_string(),
            batches: (batch, batch),
            bytes: bytes.clone(),
        }))
    }

    fn availability(&self, _: u64) -> Result<Option<Availability>, LifecycleError> {
        Ok(None)
    }

    fn forced(&self, operation: &ForcedOperation) -> Result<Option<L1Call>, LifecycleError> {
        let calldata = format!("{operation:?}").into_bytes();
        Ok(Some(L1Call { calldata, value: "1000".to_string(), deadline_seconds: 3_600 }))
    }
}
