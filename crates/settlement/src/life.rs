//! The life of a batch: what it is, and what comes next. Knows no disk and no network.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ports::{Action, BlockRef, Sealed, Sent, Standing};

/// Where a batch is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// The exchange has sealed it.
    Sealed,
    /// Its data is available.
    Published,
    /// A commitment is about to be sent, or was.
    Committing,
    /// The chain has it.
    Committed,
    /// A proof was asked for.
    Proving,
    /// The proof is there.
    Proved,
    /// The proof is about to be sent, or was.
    Submitted,
    /// The contract has checked the proof.
    Confirmed,
    /// A transaction that makes it final is about to be sent, or was; or it was carried out in a block that may yet be
    /// replaced.
    Finalising,
    /// The contract has made it final, in a block that stays.
    Final,
    /// It goes on at the next start, when somebody has mended what is wrong, or once another process has brought it further.
    Failed {
        /// What is wrong.
        why: String,
        /// What an operator can do.
        remedy: String,
    },
}

impl State {
    /// Its name in tables, metrics and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Published => "published",
            Self::Committing => "committing",
            Self::Committed => "committed",
            Self::Proving => "proving",
            Self::Proved => "proved",
            Self::Submitted => "submitted",
            Self::Confirmed => "confirmed",
            Self::Finalising => "finalising",
            Self::Final => "final",
            Self::Failed { .. } => "failed",
        }
    }

    /// The names of all states, in the order of a life without trouble.
    pub const NAMES: [&'static str; 11] = [
        "sealed",
        "published",
        "committing",
        "committed",
        "proving",
        "proved",
        "submitted",
        "confirmed",
        "finalising",
        "final",
        "failed",
    ];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { why, remedy } => write!(f, "failed: {why}; {remedy}"),
            state => f.write_str(state.name()),
        }
    }
}

/// A transaction that was sent for consecutive batches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The transaction.
    pub sent: Sent,
    /// When it was sent, in milliseconds since 1970.
    pub at: u64,
    /// The first batch in it.
    pub first: u64,
    /// The last batch in it.
    pub last: u64,
}

impl Submission {
    /// What one of its batches pays of its gas. The parts of all batches add up to the whole.
    #[must_use]
    pub fn share(&self, gas: u64, batch: u64) -> u64 {
        let batches = self.last.saturating_sub(self.first).saturating_add(1);
        gas / batches + if batch == self.first { gas % batches } else { 0 }
    }
}

/// A transaction of ours that was carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The chain's name for it.
    pub transaction: String,
    /// What this batch's part of it cost, in gas.
    pub gas: u64,
}

/// All that is kept of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number and digest.
    pub batch: Sealed,
    /// When it was first seen, in milliseconds since 1970.
    pub since: u64,
    /// Where it is.
    pub state: State,
    /// What its data is found by, once we have published it.
    pub publication: Option<Vec<u8>>,
    /// The proof that covers it: its first and its last batch.
    pub proof: Option<(u64, u64)>,
    /// The last transaction that we sent for each purpose, whatever became of it.
    pub sent: BTreeMap<Action, Submission>,
    /// The blocks that did what the chain has done with it, as they were seen last.
    pub blocks: BTreeMap<Action, BlockRef>,
    /// Our transactions that did it. None where another process did it.
    pub receipts: BTreeMap<Action, Receipt>,
    /// From when the contract lets it be made final, in milliseconds since 1970; once it is proved.
    pub final_from: Option<u64>,
    /// Tries in this state that came to nothing.
    pub attempts: u32,
    /// Tries in this state that the contract refused, or that a wrong proof made useless.
    pub refusals: u32,
    /// Tries that came to nothing in all states.
    pub retries: u64,
    /// Not to be touched before, in milliseconds since 1970.
    pub not_before: u64,
    /// What keeps it, if anything does.
    pub trouble: Option<String>,
    /// When it last entered each state, in milliseconds since 1970.
    pub entered: BTreeMap<String, u64>,
}

impl Record {
    /// Of a batch that was just sealed.
    #[must_use]
    pub fn new(batch: Sealed, now: u64) -> Self {
        let mut record = Self {
            batch,
            since: now,
            state: State::Sealed,
            publication: None,
            proof: None,
            sent: BTreeMap::new(),
            blocks: BTreeMap::new(),
            receipts: BTreeMap::new(),
            final_from: None,
            attempts: 0,
            refusals: 0,
            retries: 0,
            not_before: 0,
            trouble: None,
            entered: BTreeMap::new(),
        };
        record.enter(State::Sealed, now);
        record
    }

    /// Goes to another state.
    pub fn enter(&mut self, state: State, now: u64) {
        self.entered.insert(state.name().to_string(), now);
        self.state = state;
        (self.attempts, self.refusals, self.not_before, self.trouble) = (0, 0, 0, None);
    }

    /// Takes over which blocks did what, and forgets what the chain no longer has. Transactions that were sent stay: after a
    /// reorg they are open again, and are followed or replaced rather than sent twice.
    pub fn take_over(&mut self, standing: &Standing) {
        let (done, final_from) = match *standing {
            Standing::Unknown => (None, None),
            Standing::Committed { block, .. } => (Some((Action::Commit, block)), None),
            Standing::Proved { block, final_from, .. } => (Some((Action::Prove, block)), Some(final_from)),
            Standing::Final { block, .. } => (Some((Action::Finalise, block)), self.final_from),
        };
        self.final_from = final_from;
        let last = done.map(|(action, _)| action);
        self.blocks.retain(|action, _| Some(*action) <= last);
        self.receipts.retain(|action, _| Some(*action) <= last);
        if let Some((action, block)) = done
            && self.blocks.insert(action, block) != Some(block)
        {
            self.receipts.remove(&action);
        }
    }

    /// The block of the last thing that the chain did with it.
    #[must_use]
    pub fn block(&self) -> Option<BlockRef> {
        self.blocks.last_key_value().map(|(_, block)| *block)
    }
}

/// What the chain has done with the batch before: transactions for a batch are sent only after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// It is committed.
    pub committed: bool,
    /// It is proved.
    pub proved: bool,
    /// It was made final, in a block that may yet be replaced.
    pub finalised: bool,
    /// It is in [`State::Final`].
    pub settled: bool,
}

impl Before {
    /// There is no batch before, or it is settled.
    pub const SETTLED: Self = Self { committed: true, proved: true, finalised: true, settled: true };

    /// Of a batch of which the chain says so.
    #[must_use]
    pub fn of(standing: &Standing, settled: bool) -> Self {
        Self {
            committed: !matches!(standing, Standing::Unknown),
            proved: matches!(standing, Standing::Proved { .. } | Standing::Final { .. }),
            finalised: matches!(standing, Standing::Final { .. }),
            settled,
        }
    }
}

/// What comes next for a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet.
    Wait,
    /// This state, for the chain says so. It may be the same state, when another block did it.
    Enter(State),
    /// Publish its data.
    Publish,
    /// Send a transaction for it and those that follow it, or see what became of the one that was sent.
    Submit(Action),
    /// Ask for its proof.
    Ask,
    /// See whether its proof is there.
    LookForProof,
    /// The chain and this record cannot both be right.
    Conflict(&'static str),
}

/// What comes next, given what the chain says, up to which block it is finalized, and the time in milliseconds since 1970
/// by the clock of whichever is ahead, chain or caller.
/// The chain is right: a record follows it forward and back, except where that would undo what was final.
#[must_use]
pub fn next(record: &Record, standing: &Standing, before: Before, finalized: u64, now: u64) -> Next {
    if standing.digest().is_some_and(|digest| digest != record.batch.digest) {
        return Next::Conflict("the chain has another batch of this number");
    }
    let submit_if = |ready: bool, action| if ready { Next::Submit(action) } else { Next::Wait };
    let known = |action, block: &BlockRef| record.blocks.get(&action) == Some(block);
    match (&record.state, standing) {
        (State::Final, Standing::Final { block, .. }) if known(Action::Finalise, block) => Next::Wait,
        (State::Final, Standing::Final { .. }) => {
            Next::Conflict("what was final in one block is final in another")
        }
        (State::Final, _) => Next::Conflict("the chain no longer has what was final"),

        (_, Standing::Final { block, .. }) if block.number <= finalized && before.settled => {
            Next::Enter(State::Final)
        }
        (State::Finalising, Standing::Final { block, .. }) if known(Action::Finalise, block) => Next::Wait,
        (_, Standing::Final { .. }) => Next::Enter(State::Finalising),

        // It failed after the proof: the chain says nothing new.
        (State::Failed { .. }, Standing::Proved { .. }) if record.blocks.contains_key(&Action::Prove) => {
            Next::Wait
        }
        (State::Confirmed | State::Finalising, Standing::Proved { block, final_from, .. })
            if known(Action::Prove, block)
                && record.final_from == Some(*final_from)
                && !record.blocks.contains_key(&Action::Finalise) =>
        {
            submit_if(before.finalised && *final_from <= now, Action::Finalise)
        }
        (_, Standing::Proved { .. }) => Next::Enter(State::Confirmed),

        (State::Failed { .. }, Standing::Committed { .. } | Standing::Unknown) => Next::Wait,

        (State::Committed, Standing::Committed { block, .. }) if known(Action::Commit, block) => Next::Ask,
        (State::Proving, Standing::Committed { block, .. }) if known(Action::Commit, block) => {
            Next::LookForProof
        }
        (State::Proved | State::Submitted, Standing::Committed { block, .. })
            if known(Action::Commit, block) =>
        {
            submit_if(before.proved, Action::Prove)
        }
        // A reorg has moved the commitment to another block.
        (State::Proving | State::Proved | State::Submitted, Standing::Committed { .. }) => {
            Next::Enter(record.state.clone())
        }
        // A reorg took the proof back.
        (State::Confirmed | State::Finalising, Standing::Committed { .. }) if record.proof.is_some() => {
            Next::Enter(State::Proved)
        }
        (_, Standing::Committed { .. }) => Next::Enter(State::Committed),

        (State::Sealed, Standing::Unknown) => Next::Publish,
        (State::Published | State::Committing, Standing::Unknown) => {
            submit_if(before.committed, Action::Commit)
        }
        // A reorg took the commitment back, or the operator did. Who made the proof still has it.
        (_, Standing::Unknown) if record.publication.is_some() => Next::Enter(State::Published),
        (_, Standing::Unknown) => Next::Enter(State::Sealed),
    }
}
