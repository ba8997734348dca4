//! What is handed to the exchange, and what comes back.

use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender, TryRecvError};
use types::{AccountId, Command, Outcome, Timestamp};

use crate::ingress::lock;
use crate::{Fault, Refused};

/// Commands with the proof that they may be executed. Sequenced as they are, without anything in between, and never
/// split between two batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// Commands of one session's stream or of several, in order. One signature for each account in it, over the
    /// stream's digest after its last command here.
    Streams {
        /// Whose, and what.
        commands: Vec<(AccountId, Command)>,
        /// One an account, in any order.
        signatures: Vec<(AccountId, [u8; 64])>,
        /// The time of each command, for [`crate::Clock::Submission`]; otherwise empty.
        timestamps: Vec<Timestamp>,
    },
    /// One command signed by the account's owner ([`transition::owner_digest`]).
    Owner {
        /// Whose.
        account: AccountId,
        /// What.
        command: Command,
        /// `r ‖ s ‖ v`.
        signature: [u8; 65],
        /// As above.
        timestamps: Vec<Timestamp>,
    },
    /// The next entries of the L1 queue. Only for whoever follows L1: the exchange cannot check them here, and a
    /// batch with others than the contract holds will never settle.
    L1 {
        /// Whose, and what.
        entries: Vec<(AccountId, Command)>,
        /// As above.
        timestamps: Vec<Timestamp>,
    },
}

impl Submission {
    /// How many commands it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Streams { commands, .. } => commands.len(),
            Self::Owner { .. } => 1,
            Self::L1 { entries, .. } => entries.len(),
        }
    }

    /// The time of each command, as the submission states it.
    #[must_use]
    pub fn timestamps(&self) -> &[Timestamp] {
        match self {
            Self::Streams { timestamps, .. }
            | Self::Owner { timestamps, .. }
            | Self::L1 { timestamps, .. } => timestamps,
        }
    }

    /// Commands that may take money out.
    pub(crate) fn withdrawals(&self) -> usize {
        match self {
            Self::Streams { commands, .. } => {
                commands.iter().filter(|(_, command)| may_withdraw(command)).count()
            }
            Self::Owner { command, .. } => usize::from(may_withdraw(command)),
            Self::L1 { entries, .. } => entries.iter().filter(|(_, command)| may_withdraw(command)).count(),
        }
    }

    pub(crate) fn take_timestamps(&mut self) -> Vec<Timestamp> {
        match self {
            Self::Streams { timestamps, .. }
            | Self::Owner { timestamps, .. }
            | Self::L1 { timestamps, .. } => std::mem::take(timestamps),
        }
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What became of a submission: durable and executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The number of its first command.
    pub first_sequence: u64,
    /// The batch it will be sealed in.
    pub batch: u64,
    /// The time of its last command.
    pub timestamp: Timestamp,
    /// The outcome of each command.
    pub outcomes: Vec<Outcome>,
}

/// A claim on an acknowledgement.
#[derive(Debug)]
pub struct Ticket {
    pub(crate) answer: Receiver<Result<Acknowledgement, Refused>>,
    pub(crate) fault: Arc<Mutex<Option<Fault>>>,
}

impl Ticket {
    /// Waits until the submission is durable and executed.
    ///
    /// # Errors
    /// When it was refused after all, or the exchange stopped before it was durable.
    pub fn wait(self) -> Result<Acknowledgement, Refused> {
        self.answer.recv().unwrap_or_else(|_| Err(self.unanswered()))
    }

    /// As [`Ticket::wait`], if it has happened already.
    #[must_use]
    pub fn poll(&self) -> Option<Result<Acknowledgement, Refused>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(self.unanswered())),
        }
    }

    fn unanswered(&self) -> Refused {
        lock(&self.fault).clone().map_or(Refused::ShuttingDown, Refused::Stopped)
    }
}

/// Whether a command may make a withdrawal. A deposit does when it cannot be credited.
pub(crate) fn may_withdraw(command: &Command) -> bool {
    matches!(command, Command::Withdraw { .. } | Command::Deposit { .. })
}

/// Who hears what became of a submission. Dropped unheard when the exchange stops before it knows.
pub(crate) enum Reply {
    /// Whoever holds the [`Ticket`].
    Ticket(Sender<Result<Acknowledgement, Refused>>),
    /// Called on the thread that knows.
    Call(Box<dyn FnOnce(Result<Acknowledgement, Refused>) + Send + Sync>),
}

impl Reply {
    /// Whoever no longer waits does not mind.
    pub fn send(self, answer: Result<Acknowledgement, Refused>) {
        match self {
            Self::Ticket(sender) => drop(sender.send(answer)),
            Self::Call(call) => call(answer),
        }
    }
}
