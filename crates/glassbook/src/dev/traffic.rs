//! A simulated market that lives on the chain: its traders deposit on L1, register their session keys with their owners'
//! signatures, trade, and withdraw.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use anyhow::{Context as _, Result, anyhow, bail};
use contracts::bindings::{Calls, Exchange as Contract, IERC20, Token};
use exchange::{Exchange, Submission};
use flow::{FlowItem, FlowOrigin, Simulation, dev_session_key};
use l1::{Confirmation, Indexer, Sender, Signer};
use proving::Cancellation;
use rules::{Genesis, OPERATOR};
use tokio::runtime::Handle;
use transition::{Native, owner_digest};
use types::{AccountId, AssetParams, Command, MarketParams, OperatorCommand, Quanta, SessionKey, Timestamp};

use super::chain::Deployment;
use super::keys::{self, Role};
use crate::player::{Player, Tally};

/// How long a deposit may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(120);
/// How often orders are handed in.
const TICK: Duration = Duration::from_millis(20);
/// Calls in one transaction at most: about 8 million gas.
const TOGETHER: usize = 80;

/// What a simulation begins with, taken apart.
pub struct Beginning {
    /// The assets to list.
    pub assets: Vec<AssetParams>,
    /// The markets to open.
    pub markets: Vec<MarketParams>,
    /// What each account deposits, by asset.
    pub deposits: Vec<Quanta>,
}

impl Beginning {
    /// Takes it from a simulation, which then goes on with orders.
    pub fn of(simulation: &mut Simulation, commands: u64) -> Self {
        let setup = simulation.progress().1 - commands;
        let (mut assets, mut markets, mut deposits) = (Vec::new(), Vec::new(), BTreeMap::new());
        for item in simulation.take(usize::try_from(setup).unwrap_or(usize::MAX)) {
            match item.command {
                Command::Operator(command) => match *command {
                    OperatorCommand::ListAsset(asset) => assets.push(asset),
                    OperatorCommand::CreateMarket(market) => markets.push(market),
                    _ => {}
                },
                Command::Deposit { asset, amount, .. } => {
                    deposits.insert(asset, amount);
                }
                _ => {}
            }
        }
        Self { assets, markets, deposits: deposits.into_values().collect() }
    }

    /// Lists the assets as they were deployed and opens the markets, as far as that was not done before a restart.
    pub fn set_up(&self, exchange: &Exchange, deployment: &Deployment) -> Result<()> {
        let assets = self.assets.iter().zip(&deployment.tokens).map(|(asset, token)| {
            OperatorCommand::ListAsset(AssetParams { token: types::Address(token.into_array()), ..*asset })
        });
        let markets = self.markets.iter().map(|market| OperatorCommand::CreateMarket(*market));
        let done = exchange.stream(OPERATOR).context("the exchange has no operator")?.position;
        let mut player = Player::new(exchange, 100).untimed();
        for command in assets.chain(markets).skip(usize::try_from(done).unwrap_or(usize::MAX)) {
            player.play(FlowItem {
                timestamp: Timestamp(0),
                account: OPERATOR,
                origin: FlowOrigin::Session,
                command: Command::Operator(Box::new(command)),
            })?;
        }
        let tally = player.finish()?;
        if tally.values().any(|kind| !kind.rejected.is_empty()) {
            bail!("the exchange refuses its own assets or markets: {tally:?}");
        }
        Ok(())
    }
}

/// All that traffic needs.
pub struct Traffic<'a> {
    pub exchange: &'a Exchange,
    pub genesis: &'a Genesis,
    pub deployment: &'a Deployment,
    pub indexer: &'a Indexer,
    pub funder: Arc<Sender>,
    pub runtime: Handle,
    /// Commands a second.
    pub rate: u64,
    /// Set when it is to end.
    pub stop: &'a Cancellation,
}

impl Traffic<'_> {
    /// The accounts of so many simulated traders.
    pub fn traders(&self, traders: u32, beginning: &Beginning) -> Result<Vec<AccountId>> {
        let owners: Vec<Signer> =
            (1..=traders).map(|trader| keys::signer(Role::Owner, trader)).collect::<Result<_>>()?;
        self.open(&owners, &beginning.deposits, beginning, |account| Ok(dev_session_key(account)))
    }

    /// Opens an account for each owner: deposits so much of each asset and registers the session key that `session` tells.
    /// What was deposited or registered before a restart is not again. Returns the accounts in the owners' order; none when
    /// somebody wants to stop.
    pub fn open(
        &self,
        owners: &[Signer],
        deposits: &[Quanta],
        beginning: &Beginning,
        session: impl Fn(AccountId) -> Result<SessionKey>,
    ) -> Result<Vec<AccountId>> {
        self.runtime.block_on(self.deposit(owners, deposits, beginning))?;
        let accounts =
            owners.iter().map(|owner| self.account(owner.address())).collect::<Result<Vec<_>>>()?;
        let began = Instant::now();
        for (owner, account) in owners.iter().zip(&accounts) {
            while self.exchange.stream(*account).is_none() {
                if self.stop.is_cancelled() {
                    return Ok(Vec::new());
                }
                if began.elapsed() > ARRIVAL {
                    bail!("the deposits of account {account} have not arrived in {} s", ARRIVAL.as_secs());
                }
                std::thread::sleep(TICK);
            }
            if self.exchange.nonce(*account) == Some(0) {
                self.register(owner, *account, session(*account)?)?;
            }
        }
        Ok(accounts)
    }

    async fn deposit(&self, owners: &[Signer], deposits: &[Quanta], beginning: &Beginning) -> Result<()> {
        self.indexer.follow().await?;
        let mut there = BTreeSet::new();
        for entry in self.indexer.entries(0, Confirmation::Latest, usize::MAX)? {
            if let Command::Deposit { owner, asset, .. } = entry.what.command {
                there.insert((owner, asset));
            }
        }
        let missing: Vec<(Address, u16, Quanta)> = owners
            .iter()
            .flat_map(|owner| (0..).zip(deposits).map(|(asset, amount)| (owner.address(), asset, *amount)))
            .filter(|(owner, asset, _)| {
                !there.contains(&(types::Address(owner.into_array()), types::AssetId(*asset)))
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let mut calls = Vec::new();
        for token in self.deployment.tokens.iter().filter(|token| !token.is_zero()) {
            let (to, amount) = (self.deployment.calls, U256::MAX >> 1);
            if self.funder.client().call(*token, &IERC20::balanceOfCall { owner: to }).await?.is_zero() {
                calls.push((*token, U256::ZERO, Token::mintCall { to, amount }.abi_encode()));
                let spender = self.deployment.exchange;
                calls.push((*token, U256::ZERO, IERC20::approveCall { spender, amount }.abi_encode()));
            }
        }
        for (owner, asset, amount) in missing {
            calls.push(deposit(self.deployment, beginning, owner, asset, amount));
        }
        for together in calls.chunks(TOGETHER) {
            let sent = self.run(together.to_vec()).await?;
            // The next ones may need what these do.
            self.funder.carried_out(&sent, ARRIVAL).await?;
        }
        Ok(())
    }

    /// Several calls in one transaction.
    async fn run(&self, calls: Vec<Call>) -> Result<l1::Transaction> {
        let value = calls.iter().map(|(_, value, _)| *value).sum();
        let mut run = Calls::runCall { to: Vec::new(), values: Vec::new(), data: Vec::new() };
        for (to, value, data) in calls {
            run.to.push(to);
            run.values.push(value);
            run.data.push(data.into());
        }
        Ok(self.funder.call(self.deployment.calls, value, &run).await?)
    }

    fn account(&self, owner: Address) -> Result<AccountId> {
        let call = Contract::accountOfCall { owner };
        let number = self.runtime.block_on(self.funder.client().call(self.deployment.exchange, &call))?;
        Ok(AccountId(number))
    }

    /// Registers a session key of an account, by its owner's signature.
    pub fn register(&self, owner: &Signer, account: AccountId, key: SessionKey) -> Result<()> {
        let nonce = self.exchange.nonce(account).ok_or_else(|| anyhow!("account {account} is not there"))?;
        let command = Command::RegisterSession { key, expires: Timestamp::NEVER };
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        let Genesis { chain_id, exchange, .. } = *self.genesis;
        let digest = owner_digest::<Native>(chain_id, exchange, account, nonce, &bytes);
        let signed = owner.sign(&digest.into())?;
        let mut signature = signed.as_bytes();
        signature[64] = u8::from(signed.v());
        let submission = Submission::Owner { account, command, signature, timestamps: Vec::new() };
        self.exchange.submit_waiting(submission)?.wait()?;
        Ok(())
    }

    /// Plays orders until there are no more, the time is over, or somebody wants to stop.
    pub fn trade(
        &self,
        orders: impl Iterator<Item = FlowItem>,
        accounts: &[AccountId],
        beginning: &Beginning,
        until: Option<Instant>,
    ) -> Result<Tally> {
        let mut player = Player::new(self.exchange, 500).untimed();
        let (began, mut played) = (Instant::now(), 0);
        let over = || self.stop.is_cancelled() || until.is_some_and(|until| Instant::now() >= until);
        let mut orders = orders.peekable();
        while !over() && orders.peek().is_some() {
            let due = (began.elapsed().as_micros() * u128::from(self.rate) / 1_000_000) as u64;
            for item in
                orders.by_ref().take(usize::try_from(due.saturating_sub(played)).unwrap_or(usize::MAX))
            {
                played += 1;
                let Some(account) = (item.account.0 as usize).checked_sub(1).and_then(|at| accounts.get(at))
                else {
                    continue;
                };
                match (item.origin, &item.command) {
                    (FlowOrigin::Session, _) => player.play(FlowItem { account: *account, ..item })?,
                    (FlowOrigin::L1, Command::Deposit { asset, amount, .. }) => {
                        let owner = keys::signer(Role::Owner, item.account.0)?.address();
                        let call = deposit(self.deployment, beginning, owner, asset.0, *amount);
                        self.runtime.block_on(self.run(vec![call]))?;
                    }
                    // Owners have no coins to pay for a forced operation.
                    (FlowOrigin::L1, _) => {}
                }
            }
            player.flush()?;
            std::thread::sleep(TICK);
        }
        player.finish()
    }
}

/// Where, with how much wei, and what.
type Call = (Address, U256, Vec<u8>);

fn deposit(
    deployment: &Deployment,
    beginning: &Beginning,
    owner: Address,
    asset: u16,
    amount: Quanta,
) -> Call {
    let at = usize::from(asset);
    let quantum = beginning.assets.get(at).map_or(0, |asset| asset.quantum);
    let coin = deployment.tokens.get(at).is_some_and(|token| token.is_zero());
    let value = if coin { U256::from(amount.0) * U256::from(quantum) } else { U256::ZERO };
    let call = Contract::depositCall { asset, amount: amount.0, owner };
    (deployment.exchange, value, call.abi_encode())
}
