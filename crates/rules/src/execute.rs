//! One command, from origin to outcome.

use types::{
    AccountId, CancelReason, Command, MarketId, OperatorCommand, Origin, Outcome, Reject, Sequenced,
};

use crate::genesis::OPERATOR;
use crate::ledger::Run;
use crate::{EventSink, Store};

/// At most this many orders expire before a command; the next command goes on with the rest, and matching
/// never trades with an expired one.
pub const MAX_EXPIRED_PER_COMMAND: usize = 256;

/// Why the handling of a command ends early.
pub(crate) enum Stop<E> {
    /// The rules say no.
    Reject(Reject),
    /// The store cannot answer.
    Store(E),
}

impl<E> From<E> for Stop<E> {
    #[inline]
    fn from(error: E) -> Self {
        Self::Store(error)
    }
}

/// The rules say no.
#[inline]
pub(crate) fn reject<T, E>(reason: Reject) -> Result<T, Stop<E>> {
    Err(Stop::Reject(reason))
}

/// Applies the rules to one sequenced command. The caller has checked that sequence, time and authority are
/// in order; what the command may do with that authority is decided here.
///
/// # Errors
/// Only when the store cannot answer; the state is then undefined and must be thrown away.
#[inline]
pub fn execute<S: Store, E: EventSink>(
    store: &mut S,
    sequenced: &Sequenced,
    events: &mut E,
) -> Result<Outcome, S::Error> {
    let mut run = Run {
        store,
        events,
        now: sequenced.timestamp,
        #[cfg(debug_assertions)]
        flows: crate::ledger::Flows::default(),
    };
    run.expire_orders()?;
    let outcome = match run.command(sequenced) {
        Ok(outcome) => outcome,
        Err(Stop::Reject(reason)) => Outcome::Rejected(reason),
        Err(Stop::Store(error)) => return Err(error),
    };
    #[cfg(debug_assertions)]
    run.flows.assert_conserved();
    Ok(outcome)
}

impl<S: Store, E: EventSink> Run<'_, S, E> {
    fn expire_orders(&mut self) -> Result<(), S::Error> {
        for _ in 0..MAX_EXPIRED_PER_COMMAND {
            let Some(order) = self.store.first_expired(self.now)? else { break };
            self.cancel_open(order, CancelReason::Expired)?;
        }
        Ok(())
    }

    #[inline]
    fn command(&mut self, sequenced: &Sequenced) -> Result<Outcome, Stop<S::Error>> {
        let account = sequenced.account;
        match sequenced.origin {
            Origin::Session => self.session_command(account, &sequenced.command),
            Origin::Owner => self.owner_command(account, &sequenced.command),
            Origin::L1(_) => self.l1_command(account, &sequenced.command),
        }
    }

    #[inline]
    fn session_command(&mut self, id: AccountId, command: &Command) -> Result<Outcome, Stop<S::Error>> {
        let Some(account) = self.store.account(id)? else { return reject(Reject::UnknownAccount) };
        if account.session_expires <= self.now {
            return reject(Reject::SessionExpired);
        }
        let suspended = account.suspended;
        match command {
            Command::Operator(command) if id == OPERATOR => self.operator_command(command),
            Command::Operator(_) => reject(Reject::NotOperator),
            Command::RegisterSession { .. } | Command::Deposit { .. } => reject(Reject::NotAuthorised),
            command => self.trader_command(id, suspended, command),
        }
    }

    fn owner_command(&mut self, id: AccountId, command: &Command) -> Result<Outcome, Stop<S::Error>> {
        let Some(account) = self.store.account(id)? else { return reject(Reject::UnknownAccount) };
        let suspended = account.suspended;
        account.nonce += 1;
        match command {
            Command::Operator(_) => reject(Reject::NotOperator),
            Command::Deposit { .. } => reject(Reject::NotAuthorised),
            Command::RegisterSession { key, expires } => self.register_session(id, *key, *expires),
            command => self.trader_command(id, suspended, command),
        }
    }

    fn l1_command(&mut self, id: AccountId, command: &Command) -> Result<Outcome, Stop<S::Error>> {
        match command {
            Command::Deposit { owner, asset, amount } => return self.deposit(id, *owner, *asset, *amount),
            _ if self.store.account(id)?.is_none() => return reject(Reject::UnknownAccount),
            _ => {}
        }
        match command {
            Command::Withdraw { asset, amount } => self.force_withdraw(id, *asset, *amount),
            Command::MassCancel { market, side } => self.mass_cancel(id, *market, *side),
            Command::RegisterSession { key, expires } => self.register_session(id, *key, *expires),
            _ => reject(Reject::NotAuthorised),
        }
    }

    #[inline]
    fn trader_command(
        &mut self,
        account: AccountId,
        suspended: bool,
        command: &Command,
    ) -> Result<Outcome, Stop<S::Error>> {
        match command {
            Command::Place(place) => {
                self.may_trade(suspended, place.market)?;
                self.place(account, place)
            }
            Command::Cancel { market, order } => self.cancel(account, *market, *order),
            Command::Replace { market, order, price, quantity, left } => {
                self.may_trade(suspended, *market)?;
                self.replace(account, *market, *order, *price, *quantity, *left)
            }
            Command::MassCancel { market, side } => self.mass_cancel(account, *market, *side),
            Command::Withdraw { asset, amount } => self.withdraw(account, *asset, *amount),
            Command::RegisterSession { .. } | Command::Deposit { .. } | Command::Operator(_) => {
                reject(Reject::NotAuthorised)
            }
        }
    }

    /// Whether the kill switches allow new orders.
    #[inline]
    fn may_trade(&mut self, suspended: bool, market: MarketId) -> Result<(), Stop<S::Error>> {
        if self.store.globals().halted {
            return reject(Reject::ExchangeHalted);
        }
        if suspended {
            return reject(Reject::AccountSuspended);
        }
        self.open_market(market)
    }

    fn operator_command(&mut self, command: &OperatorCommand) -> Result<Outcome, Stop<S::Error>> {
        match command {
            OperatorCommand::ListAsset(params) => self.list_asset(*params),
            OperatorCommand::CreateMarket(params) => self.create_market(params),
            OperatorCommand::ChangeMarket { market, params } => self.change_market(*market, params),
            OperatorCommand::HaltMarket { market, until } => self.halt_market(*market, *until),
            OperatorCommand::ResumeMarket { market } => self.resume_market(*market),
            OperatorCommand::SuspendAccount { account, suspended } => {
                self.suspend_account(*account, *suspended)
            }
            OperatorCommand::SetLimits { account, market, limits } => {
                self.set_limits(*account, *market, *limits)
            }
            OperatorCommand::MassCancel { account, market, side } => {
                if self.store.account(*account)?.is_none() {
                    return reject(Reject::UnknownAccount);
                }
                self.mass_cancel(*account, *market, *side)
            }
            OperatorCommand::HaltExchange { halted } => self.halt_exchange(*halted),
            OperatorCommand::AdvanceTime => Ok(Outcome::Done),
        }
    }
}
