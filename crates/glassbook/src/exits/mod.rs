//! `glassbook l1`: what users do on the chain themselves, without asking the operator: bring money, force operations, leave.
//! `glassbook balance`: the proofs that an escape needs. `glassbook operator`: pauses, and taking committed batches back.

mod amount;
mod balance;
mod claim;
mod contract;
mod events;
mod force;
mod freeze;
mod operator;
mod payments;
mod queue;
mod way_out;

use anyhow::Result;
use clap::Subcommand;

use contract::Place;

pub use balance::Command as BalanceCommand;
pub use contract::{Contract, Key};
pub use operator::Command as OperatorCommand;

/// `glassbook l1`.
#[derive(Subcommand)]
#[command(after_help = "\
Leaving while the exchange runs, whatever the operator thinks of it:
  glassbook l1 exit     forces everything out: the operator must do it within the deadline
  glassbook l1 queue    says how far that is
  glassbook l1 claim    pays what has become final

Leaving when the operator has gone or refuses:
  glassbook l1 freeze   ends the exchange, once an entry is overdue
  glassbook balance proof, glassbook l1 escape   pay balances
  glassbook l1 refund   pays deposits that never arrived

Amounts are in whole coins or tokens (0.5), or in quanta of the exchange (5000q).")]
pub enum L1Command {
    /// Where the exchange stands on the chain: batches, queue, deadline, pause, freeze
    Status {
        #[command(flatten)]
        place: Place,
    },
    /// Bring money: the operator credits it in one of the next batches
    ///
    /// The first deposit of an owner opens the account. Of a token, the amount is approved first, in a transaction of its own.
    Deposit(force::DepositOptions),
    /// Force a withdrawal of what is free, without asking the operator
    ///
    /// Orders lock money: cancel them first, or use `exit`. Once its batch is final, `glassbook l1 claim` pays it.
    Withdraw(force::WithdrawOptions),
    /// Force the cancellation of your orders, without asking the operator
    Cancel(force::CancelOptions),
    /// Force everything out: the session ends, all orders are cancelled, all that is free is withdrawn
    Exit(force::ExitOptions),
    /// The entries of the queue: where each is, until when the operator must have done it, and whether it is overdue
    Queue(queue::Options),
    /// Pay withdrawals of final batches, by Merkle proofs made from the chain's events alone
    ///
    /// Anybody may; the money goes to its owner. Possible at any time, also when the exchange is paused or frozen.
    Claim(claim::Options),
    /// End the exchange, because an entry of the queue is overdue. Anybody may
    ///
    /// Nothing is deposited, committed or made final any more. Everybody leaves with the last final state.
    Freeze {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        key: Key,
    },
    /// After a freeze: pay balances, by the proofs of `glassbook balance proof`. Anybody may
    Escape(freeze::EscapeOptions),
    /// After a freeze: pay back deposits that no final batch has consumed. Anybody may
    Refund(freeze::RefundOptions),
}

/// Does it.
pub fn l1(command: &L1Command) -> Result<()> {
    runtime()?.block_on(async {
        match command {
            L1Command::Status { place } => queue::status(place).await,
            L1Command::Deposit(options) => force::deposit(options).await,
            L1Command::Withdraw(options) => force::withdraw(options).await,
            L1Command::Cancel(options) => force::cancel(options).await,
            L1Command::Exit(options) => force::exit(options).await,
            L1Command::Queue(options) => queue::list(options).await,
            L1Command::Claim(options) => claim::run(options).await,
            L1Command::Freeze { place, key } => freeze::freeze(place, key).await,
            L1Command::Escape(options) => freeze::escape(options).await,
            L1Command::Refund(options) => freeze::refund(options).await,
        }
    })
}

/// `glassbook balance`.
pub fn balance(command: &BalanceCommand) -> Result<()> {
    runtime()?.block_on(balance::run(command))
}

/// `glassbook operator`.
pub fn operator(command: &OperatorCommand) -> Result<()> {
    runtime()?.block_on(operator::run(command))
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
