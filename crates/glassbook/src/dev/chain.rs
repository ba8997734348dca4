//! The chain that a development exchange lives on: an embedded one, or somebody's node; and the contracts on it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256};
use anyhow::{Context as _, Result, bail, ensure};
use contracts::bindings::{Calls, Exchange, Token};
use l1::{Blocks, Client, EmbeddedL1, FeePolicy, Sender, Signer};
use rules::{Capacity, Genesis, OPERATOR};
use types::{AssetParams, Timestamp};
use verifier::ProgramId;

use super::keys::{self, Role};
use super::networks;
use crate::deployment::{check_root, first_root};
use crate::published;

pub use crate::deployment::Deployment;

/// How long a deployment may take.
const DEPLOYMENT: Duration = Duration::from_secs(120);
/// How long a request to a node may take.
const REQUEST: Duration = Duration::from_secs(10);
/// Coins of every funded account in the beginning: 2^100 wei.
const FUNDS: U256 = U256::from_limbs([0, 1 << 36, 0, 0]);
/// What an entry of a forced operation burns: 10^14 wei.
const FORCE_FEE: U256 = U256::from_limbs([100_000_000_000_000, 0, 0, 0]);
/// Accounts for whoever tries the chain.
pub const USERS: u32 = 10;
/// Attestors of a development chain, and how many of them must sign.
pub const ATTESTORS: (u32, usize) = (3, 2);

/// What the chain is to be.
#[derive(Clone, Debug)]
pub struct ChainOptions {
    /// Somebody's node; an embedded chain if there is none.
    pub url: Option<String>,
    /// Where the embedded chain serves.
    pub listen: SocketAddr,
    /// Where the embedded chain keeps its blocks.
    pub dir: Option<PathBuf>,
    /// When the embedded chain makes blocks.
    pub blocks: Blocks,
    /// Who deploys and commits on somebody's chain.
    pub operator: Option<Signer>,
    /// Who pays for simulated deposits and claims on somebody's chain.
    pub funder: Option<Signer>,
    /// Whether somebody's chain may be one that others use.
    pub allow_public_network: bool,
}

/// The chain, ready.
pub struct Chain {
    /// In this process.
    pub embedded: Option<EmbeddedL1>,
    /// For questions.
    pub client: Client,
    /// Deploys and commits.
    pub operator: Signer,
    /// Pays for others.
    pub funder: Signer,
    operators: Sender,
}

/// The settings of an embedded chain; the same for every start of one directory.
pub fn embedded(listen: SocketAddr, dir: Option<PathBuf>, blocks: Blocks) -> Result<l1::Config> {
    let mut funded = vec![keys::signer(Role::Operator, 0)?, keys::signer(Role::Funder, 0)?];
    for number in 0..USERS {
        funded.push(keys::signer(Role::User, number)?);
    }
    let balances = funded.iter().map(|signer| (signer.address(), FUNDS)).collect();
    Ok(l1::Config { http: listen, balances, data_dir: dir, blocks, ..l1::Config::default() })
}

impl Chain {
    /// Starts the embedded chain, or connects to somebody's.
    pub async fn start(options: &ChainOptions) -> Result<Self> {
        let ChainOptions { url, listen, dir, blocks, operator, funder, allow_public_network } = options;
        if let Some(url) = url {
            let client = Client::connect(url, REQUEST).await?;
            networks::check(client.chain_id(), *allow_public_network)?;
            let operator =
                operator.clone().context("whose transactions are sent there? --operator-key NAME")?;
            let funder = funder.clone().unwrap_or_else(|| operator.clone());
            return Ok(Self::of(None, client, operator, funder));
        }
        let started = EmbeddedL1::start(embedded(*listen, dir.clone(), *blocks)?).await;
        let node = started
            .with_context(|| format!("the embedded chain at {listen}; choose another --l1-port, or 0"))?;
        let client = Client::connect(&node.url(), REQUEST).await?;
        let (operator, funder) = (keys::signer(Role::Operator, 0)?, keys::signer(Role::Funder, 0)?);
        Ok(Self::of(Some(node), client, operator, funder))
    }

    fn of(embedded: Option<EmbeddedL1>, client: Client, operator: Signer, funder: Signer) -> Self {
        let operators = Sender::new(client.clone(), operator.clone(), FeePolicy::default());
        Self { embedded, client, operator, funder, operators }
    }

    /// Sends transactions of a key. Who has the operator's key, as a funder may, shares its nonces.
    pub fn sender(&self, signer: &Signer) -> Sender {
        match signer.address() == self.operator.address() {
            true => self.operators.clone(),
            false => Sender::new(self.client.clone(), signer.clone(), FeePolicy::default()),
        }
    }

    /// The contracts: those that were deployed before, or new ones.
    pub async fn contracts(
        &self,
        file: &Path,
        capacity: Capacity,
        assets: &[AssetParams],
        delays: Delays,
        program: ProgramId,
    ) -> Result<(Deployment, Genesis)> {
        if file.exists() {
            let found = Deployment::read(file)?;
            ensure!(
                found.chain_id == self.client.chain_id(),
                "{} is of chain {}, the node is of chain {}",
                file.display(),
                found.chain_id,
                self.client.chain_id()
            );
            if !self.client.has_code(found.exchange).await? {
                bail!(
                    "the chain has no exchange at {}: the data directory is of another chain, or of one that was started anew",
                    found.exchange
                );
            }
            let genesis = genesis(found.chain_id, found.exchange, capacity)?;
            check_root(&self.client, found.exchange, &genesis).await?;
            return Ok((found, genesis));
        }
        let (deployment, genesis) = self.deploy(capacity, assets, delays, program).await?;
        let text = serde_json::to_vec_pretty(&deployment)?;
        let dir = file.parent().context("a file without a folder")?;
        published::write(dir, file, &text).with_context(|| file.display().to_string())?;
        Ok((deployment, genesis))
    }

    async fn deploy(
        &self,
        capacity: Capacity,
        assets: &[AssetParams],
        delays: Delays,
        program: ProgramId,
    ) -> Result<(Deployment, Genesis)> {
        let sender = self.sender(&self.operator);
        let attestors = (0..ATTESTORS.0)
            .map(|number| Ok(keys::signer(Role::Attestor, number)?.address()))
            .collect::<Result<Vec<_>>>()?;
        let verifier = l1::deploy_attested_verifier(&sender, &attestors, ATTESTORS.1, DEPLOYMENT).await?;
        let calls = l1::deploy(&sender, &Calls::BYTECODE, &[], DEPLOYMENT).await?.address;
        let mut tokens = Vec::new();
        for asset in assets {
            let coin = asset.symbol.starts_with(b"ETH\0");
            let token = match coin {
                true => Address::ZERO,
                false => l1::deploy(&sender, &Token::BYTECODE, &[], DEPLOYMENT).await?.address,
            };
            tokens.push(token);
        }
        // The first state names the contract, and the contract the first state.
        let address = l1::exchange_address(sender.address(), self.client.nonce(sender.address()).await?);
        let chain_id = self.client.chain_id();
        let genesis = genesis(chain_id, address, capacity)?;
        let config = Exchange::Config {
            admin: sender.address(),
            operator: sender.address(),
            operatorOwner: Address::from(genesis.operator.0),
            genesisRoot: first_root(&genesis)?,
            forceDeadline: delays.force_deadline,
            finalityDelay: delays.finality,
            verifierDelay: delays.verifier,
            pauseDelay: delays.pause,
            maxPause: delays.pause,
            forceFee: FORCE_FEE,
            verifiers: vec![verifier.address],
            programIds: vec![B256::from(program.0)],
        };
        let exchange = l1::deploy_exchange(&sender, config, address, DEPLOYMENT).await?;
        for (asset, token) in assets.iter().zip(&tokens) {
            let listing = Exchange::listAssetCall { token: *token, quantum: asset.quantum };
            let sent = sender.call(exchange.address, U256::ZERO, &listing).await?;
            sender.carried_out(&sent, DEPLOYMENT).await?;
        }
        let from_block = exchange.block.number;
        let verifier = verifier.address;
        Ok((
            Deployment { chain_id, exchange: exchange.address, verifier, from_block, tokens, calls },
            genesis,
        ))
    }
}

/// Delays of the contract, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// After which an entry that is in no final batch is overdue.
    pub force_deadline: u64,
    /// From a proof to finality.
    pub finality: u64,
    /// From the proposal of a verifier to its first use.
    pub verifier: u64,
    /// From the announcement of a pause to the pause, and how long that is.
    pub pause: u64,
}

impl Delays {
    /// Days, but for finality: for trying things out.
    pub fn development(finality: u64) -> Self {
        Self { force_deadline: 86_400, finality, verifier: 8 * 86_400, pause: 3_600 }
    }
}

/// The first state of a development exchange.
fn genesis(chain_id: u64, exchange: Address, capacity: Capacity) -> Result<Genesis> {
    Ok(Genesis {
        chain_id,
        exchange: types::Address(exchange.into_array()),
        capacity,
        operator: types::Address(keys::signer(Role::Owner, OPERATOR.0)?.address().into_array()),
        operator_key: flow::dev_session_key(OPERATOR),
        operator_expires: Timestamp::NEVER,
    })
}
