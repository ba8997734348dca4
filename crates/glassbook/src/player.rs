//! Plays a flow into an exchange: bundles commands, signs every stream, keeps count of what became of them.

use std::collections::{BTreeMap, HashMap, VecDeque};

use anyhow::{Context, Result, anyhow};
use exchange::{Exchange, Submission, Ticket};
use flow::{FlowItem, FlowOrigin, dev_key};
use transition::StreamSigner;
use types::{AccountId, Command, OperatorCommand, OrderType, Outcome, Place, TimeInForce, Timestamp};

/// Submissions that may be under way before the player waits for the oldest.
const UNDER_WAY: usize = 32;

/// What became of commands, by kind.
pub type Tally = BTreeMap<&'static str, KindTally>;

/// What became of the commands of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindTally {
    /// Carried out or accepted.
    pub accepted: u64,
    /// Rejected, by reason.
    pub rejected: BTreeMap<u16, u64>,
}

/// Plays flow items into an exchange, in order.
pub struct Player<'a> {
    exchange: &'a Exchange,
    signers: HashMap<AccountId, StreamSigner>,
    bundle_size: usize,
    bundle: Vec<(AccountId, Command)>,
    timestamps: Vec<Timestamp>,
    origin: FlowOrigin,
    under_way: VecDeque<(Ticket, Vec<&'static str>)>,
    tally: Tally,
    timed: bool,
}

impl<'a> Player<'a> {
    /// A player that submits up to `bundle_size` commands at once.
    pub fn new(exchange: &'a Exchange, bundle_size: usize) -> Self {
        Self {
            exchange,
            signers: HashMap::new(),
            bundle_size,
            bundle: Vec::new(),
            timestamps: Vec::new(),
            origin: FlowOrigin::L1,
            under_way: VecDeque::new(),
            tally: Tally::new(),
            timed: true,
        }
    }

    /// For an exchange that has its own clock.
    pub fn untimed(self) -> Self {
        Self { timed: false, ..self }
    }

    /// Plays one more item.
    pub fn play(&mut self, item: FlowItem) -> Result<()> {
        if item.origin != self.origin || self.bundle.len() >= self.bundle_size {
            self.flush()?;
            self.origin = item.origin;
        }
        if self.timed {
            self.timestamps.push(item.timestamp);
        }
        self.bundle.push((item.account, item.command));
        Ok(())
    }

    /// Hands in what is collected.
    pub fn flush(&mut self) -> Result<()> {
        if self.bundle.is_empty() {
            return Ok(());
        }
        let commands = std::mem::take(&mut self.bundle);
        let timestamps = std::mem::take(&mut self.timestamps);
        let kinds = commands.iter().map(|(_, command)| kind(command)).collect();
        match self.origin {
            FlowOrigin::L1 => {
                let registered: Vec<AccountId> = commands
                    .iter()
                    .filter(|(_, command)| matches!(command, Command::RegisterSession { .. }))
                    .map(|(account, _)| *account)
                    .collect();
                self.submit(Submission::L1 { entries: commands, timestamps }, kinds)?;
                // A new session's stream is known once the registration is executed.
                if !registered.is_empty() {
                    self.settle(0)?;
                    registered.iter().for_each(|account| {
                        self.signers.remove(account);
                    });
                }
            }
            FlowOrigin::Session => {
                let mut accounts = Vec::new();
                for (account, command) in &commands {
                    if !accounts.contains(account) {
                        accounts.push(*account);
                    }
                    self.signer(*account)?.push(command);
                }
                let signatures = accounts
                    .into_iter()
                    .map(|account| Ok((account, self.signer(account)?.sign())))
                    .collect::<Result<_>>()?;
                self.submit(Submission::Streams { commands, signatures, timestamps }, kinds)?;
            }
        }
        Ok(())
    }

    fn signer(&mut self, account: AccountId) -> Result<&mut StreamSigner> {
        if !self.signers.contains_key(&account) {
            let stream = self
                .exchange
                .stream(account)
                .ok_or_else(|| anyhow!("the flow uses account {account} before it has a deposit"))?;
            self.signers.insert(account, StreamSigner::new(account, dev_key(account), stream));
        }
        self.signers.get_mut(&account).context("just inserted")
    }

    fn submit(&mut self, submission: Submission, kinds: Vec<&'static str>) -> Result<()> {
        let ticket = self.exchange.submit_waiting(submission)?;
        self.under_way.push_back((ticket, kinds));
        self.settle(UNDER_WAY)
    }

    /// Waits until no more than `left` submissions are under way.
    fn settle(&mut self, left: usize) -> Result<()> {
        while self.under_way.len() > left {
            let Some((ticket, kinds)) = self.under_way.pop_front() else { break };
            for (outcome, kind) in ticket.wait()?.outcomes.into_iter().zip(kinds) {
                let tally = self.tally.entry(kind).or_default();
                match outcome {
                    Outcome::Done | Outcome::Accepted(_) => tally.accepted += 1,
                    Outcome::Rejected(reason) => *tally.rejected.entry(reason.code()).or_default() += 1,
                }
            }
        }
        Ok(())
    }

    /// Hands in the rest and waits until all of it is durable.
    pub fn finish(mut self) -> Result<Tally> {
        self.flush()?;
        self.settle(0)?;
        Ok(self.tally)
    }
}

/// What kind of command it is, for people.
#[must_use]
pub fn kind(command: &Command) -> &'static str {
    match command {
        Command::Place(Place { trigger: Some(_), .. }) => "place stop or take-profit",
        Command::Place(Place { order_type: OrderType::Limit { .. }, time_in_force, post_only, .. }) => {
            match time_in_force {
                TimeInForce::Gtc if *post_only => "place limit post-only",
                TimeInForce::Gtc => "place limit",
                TimeInForce::Ioc => "place limit IOC",
                TimeInForce::Fok => "place limit FOK",
                TimeInForce::Gtd(_) => "place limit GTD",
            }
        }
        Command::Place(Place { order_type: OrderType::Market { .. }, .. }) => "place market",
        Command::Place(Place { order_type: OrderType::MarketBudget { .. }, .. }) => "place market, budget",
        Command::Cancel { .. } => "cancel",
        Command::Replace { .. } => "replace",
        Command::MassCancel { .. } => "mass cancel",
        Command::Withdraw { .. } => "withdraw",
        Command::RegisterSession { .. } => "register session",
        Command::Deposit { .. } => "deposit",
        Command::Operator(command) => match **command {
            OperatorCommand::ListAsset(_) => "operator: list asset",
            OperatorCommand::CreateMarket(_) => "operator: create market",
            OperatorCommand::ChangeMarket { .. } => "operator: change market",
            OperatorCommand::HaltMarket { .. } => "operator: halt market",
            OperatorCommand::ResumeMarket { .. } => "operator: resume market",
            OperatorCommand::SuspendAccount { .. } => "operator: suspend account",
            OperatorCommand::SetLimits { .. } => "operator: set limits",
            OperatorCommand::MassCancel { .. } => "operator: mass cancel",
            OperatorCommand::HaltExchange { .. } => "operator: halt exchange",
            OperatorCommand::AdvanceTime => "operator: advance time",
        },
    }
}
