//! An exchange on an embedded chain, with batches that are made up: the contract looks at nothing but how they follow each
//! other, and at the attestation.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256, keccak256};
use contracts::bindings::Exchange;
use contracts::{Attestation, QueueHash, attestation_digest, concatenated};
use l1::{
    Batches, Blocks, Client, Config, EmbeddedL1, EthereumChain, FeePolicy, Indexer, IndexerOptions, Sender,
    Signer, Transaction, deploy_attested_verifier, deploy_exchange, exchange_address,
};
use settlement::{Action, Chain as _, Fault, Sealed, Sent};
use tempfile::TempDir;
use transition::{Claim, Withdrawal};
use types::Timestamp;

pub const CHAIN_ID: u64 = 31_337;
pub const FINALITY_DELAY: u64 = 60;
/// Wei in a quantum of the coin.
pub const QUANTUM: u64 = 10_000_000_000;
pub const TIMEOUT: Duration = Duration::from_secs(20);
pub const GENESIS_ROOT: [u8; 32] = [7; 32];
const PROGRAM: B256 = B256::repeat_byte(9);

pub fn key(number: u8) -> Signer {
    Signer::from_bytes(&[number; 32]).unwrap()
}

pub const OPERATOR: u8 = 1;
pub const ADMIN: u8 = 2;
pub const USER: u8 = 3;
const SIGNER: u8 = 4;

pub fn config() -> Config {
    let wei = U256::from(10).pow(U256::from(24));
    Config {
        chain_id: CHAIN_ID,
        balances: [OPERATOR, ADMIN, USER].iter().map(|number| (key(*number).address(), wei)).collect(),
        blocks: Blocks::OnDemand,
        safe_depth: 2,
        final_depth: 4,
        ..Config::default()
    }
}

pub struct World {
    pub l1: EmbeddedL1,
    pub client: Client,
    pub exchange: Address,
    pub from_block: u64,
    pub book: Book,
    pub dir: TempDir,
}

/// What was sealed.
#[derive(Clone)]
pub struct Book {
    pub claims: Arc<Mutex<Vec<Claim>>>,
    pub verifier: Address,
    pub exchange: Address,
    /// Whether its proofs hold.
    pub honest: bool,
}

impl Book {
    /// The next batch, after so many entries of the queue.
    pub fn seal(&self, queue: &QueueHash) -> Sealed {
        let mut claims = self.claims.lock().unwrap();
        let number = claims.len() as u64 + 1;
        let claim = Claim {
            chain_id: CHAIN_ID,
            exchange: types::Address(self.exchange.into()),
            batch: number,
            first_sequence: number * 10 - 9,
            last_sequence: number * 10,
            previous_root: claims.last().map_or(GENESIS_ROOT, |claim| claim.state_root),
            state_root: keccak256(number.to_be_bytes()).0,
            commands_root: [1; 32],
            events_root: [2; 32],
            l1_position: queue.position,
            l1_hash: queue.hash,
            withdrawals_root: [0; 32],
            timestamp: Timestamp(number),
        };
        claims.push(claim.clone());
        sealed(&claim)
    }
}

pub fn sealed(claim: &Claim) -> Sealed {
    Sealed { number: claim.batch, digest: keccak256(claim.encode()).0 }
}

impl Batches for Book {
    fn claim(&self, number: u64) -> Result<Vec<u8>, Fault> {
        Ok(self.claims.lock().unwrap()[number as usize - 1].encode())
    }

    fn data_commitment(&self, number: u64) -> Result<[u8; 32], Fault> {
        Ok(keccak256(number.to_le_bytes()).0)
    }

    fn proof(&self, first: u64, last: u64) -> Result<(u32, Vec<u8>), Fault> {
        let claims = concatenated(&self.claims.lock().unwrap()[first as usize - 1..last as usize]);
        let proof_file = B256::repeat_byte(5);
        let digest = attestation_digest(CHAIN_ID, self.verifier, PROGRAM, &claims, proof_file);
        let signer = key(if self.honest { SIGNER } else { USER });
        let signature = signer.sign(&digest).unwrap().as_bytes();
        Ok((1, Attestation { proof_file, signatures: vec![(signer.address(), signature)] }.encode().to_vec()))
    }

    fn withdrawals(&self, _: u64) -> Result<Vec<Withdrawal>, Fault> {
        Ok(Vec::new())
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(config()).await
    }

    pub async fn with(config: Config) -> Self {
        let l1 = EmbeddedL1::start(config).await.unwrap();
        let client = Client::connect_to(&l1.url(), CHAIN_ID, TIMEOUT).await.unwrap();
        let sender = Sender::new(client.clone(), key(ADMIN), FeePolicy::default());
        let signers = [key(SIGNER).address()];
        let verifier =
            mining(&l1, deploy_attested_verifier(&sender, &signers, 1, TIMEOUT)).await.unwrap().address;
        let expected = exchange_address(sender.address(), client.nonce(sender.address()).await.unwrap());
        let day = 86_400;
        let exchange = Exchange::Config {
            admin: sender.address(),
            operator: key(OPERATOR).address(),
            operatorOwner: key(OPERATOR).address(),
            genesisRoot: GENESIS_ROOT.into(),
            forceDeadline: 7 * day,
            finalityDelay: FINALITY_DELAY,
            verifierDelay: 16 * day,
            pauseDelay: day,
            maxPause: 3 * day,
            forceFee: U256::ZERO,
            verifiers: vec![verifier],
            programIds: vec![PROGRAM],
        };
        let deployed = mining(&l1, deploy_exchange(&sender, exchange, expected, TIMEOUT)).await.unwrap();
        assert_eq!(deployed.address, expected);
        let exchange = deployed.address;
        let list = Exchange::listAssetCall { token: Address::ZERO, quantum: QUANTUM };
        let listed = sender.call(exchange, U256::ZERO, &list).await.unwrap();
        mining(&l1, sender.carried_out(&listed, TIMEOUT)).await.unwrap();
        let book = Book { claims: Arc::default(), verifier, exchange, honest: true };
        Self { l1, client, exchange, from_block: deployed.block.number, book, dir: TempDir::new().unwrap() }
    }

    pub fn sender(&self, number: u8) -> Sender {
        Sender::new(self.client.clone(), key(number), FeePolicy::default())
    }

    pub fn indexer(&self, name: &str) -> Indexer {
        self.indexer_of(name, self.client.clone(), IndexerOptions::default())
    }

    pub fn indexer_of(&self, name: &str, client: Client, options: IndexerOptions) -> Indexer {
        let options = IndexerOptions { from_block: self.from_block, ..options };
        Indexer::open(&self.dir.path().join(name), client, self.exchange, options).unwrap()
    }

    /// A process that settles, with its own index and idea of what was sent.
    pub async fn process(&self, name: &str, number: u8, book: Book) -> EthereumChain<Book> {
        let indexer = Arc::new(self.indexer(name));
        EthereumChain::open(self.sender(number), indexer, self.exchange, book).await.unwrap()
    }

    pub async fn chain(&self) -> EthereumChain<Book> {
        self.process("settlement", OPERATOR, self.book.clone()).await
    }

    pub async fn mine(&self, count: usize) {
        for _ in 0..count {
            self.l1.mine().await.unwrap();
        }
    }

    pub async fn deposit(&self, sender: &Sender, amount: u64) -> Transaction {
        let call = Exchange::depositCall { asset: 0, amount, owner: sender.address() };
        let value = U256::from(amount) * U256::from(QUANTUM);
        sender.call(self.exchange, value, &call).await.unwrap()
    }

    /// The next batch, of no entries.
    pub fn seal(&self) -> Sealed {
        self.book.seal(&QueueHash::default())
    }
}

/// Makes blocks until something is done.
pub async fn mining<T>(l1: &EmbeddedL1, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(Duration::from_millis(30)) => { l1.mine().await.unwrap(); }
        }
    }
}

/// Settlement is synchronous.
pub fn sync<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

pub fn send(chain: &EthereumChain<Book>, action: Action, batches: &[Sealed]) -> Result<Sent, Fault> {
    sync(|| chain.send(action, batches, None, &mut |_| Ok(())))
}

#[track_caller]
pub fn passes<T: std::fmt::Debug>(result: Result<T, Fault>) -> String {
    match result.unwrap_err() {
        Fault::Passing(why) => why,
        fault => panic!("should pass: {fault}"),
    }
}

#[track_caller]
pub fn lasts<T: std::fmt::Debug>(result: Result<T, Fault>) -> String {
    match result.unwrap_err() {
        Fault::Lasting { why, .. } => why,
        fault => panic!("should last: {fault}"),
    }
}
