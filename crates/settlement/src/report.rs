//! What settlement tells others: transitions, figures, and why it has stopped.

use std::collections::BTreeMap;
use std::fmt;

use thiserror::Error;

use crate::life::{Record, State};
use crate::ports::{Action, BlockRef, Fault, Standing};
use crate::store::StoreError;

/// A transition that is on disk. A reorg can take back every one but those to [`State::Final`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The batch.
    pub batch: u64,
    /// The state before; none when it was just taken in.
    pub from: Option<State>,
    /// The state now. The same as before when only the block is another.
    pub to: State,
    /// The block of the last thing that the chain did with it.
    pub block: Option<BlockRef>,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// The figures of settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many batches are in each state of [`State::NAMES`].
    pub states: BTreeMap<&'static str, u64>,
    /// The last batch that the exchange is known to have sealed.
    pub last_sealed: u64,
    /// The last final batch.
    pub last_final: u64,
    /// Batches that are sealed and not final.
    pub lag: u64,
    /// What our transactions cost that were carried out, in gas.
    pub gas: BTreeMap<Action, u64>,
    /// Tries that came to nothing.
    pub retries: u64,
    /// Transitions that a reorg or the operator took back, since the start.
    pub taken_back: u64,
    /// How long ago the oldest batch was taken in that is not final, in milliseconds.
    pub oldest_open: Option<u64>,
    /// Final batches that were compared with the chain since the start.
    pub audited: u64,
    /// Events that were dropped because nobody took them.
    pub events_lost: u64,
    /// Why the chain or the source cannot be read, if so.
    pub trouble: Option<Fault>,
    /// Batches that go on only when somebody has looked at them, with what is wrong and what to do.
    pub failures: BTreeMap<u64, (String, String)>,
    /// Why everything has stopped, if so.
    pub halted: Option<Conflict>,
}

/// Why settlement stops.
#[derive(Debug, Error)]
pub enum SettlementError {
    /// Its own disk. Nothing was changed; the next step tries again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Records and chain cannot both be right. Nothing is sent until somebody has looked and started it again.
    #[error("{0}")]
    Conflict(Box<Conflict>),
}

/// Where records and chain differ in a way that nobody repairs by himself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The batch.
    pub batch: u64,
    /// What is wrong.
    pub why: String,
    /// What is written down here.
    pub here: String,
    /// What the other side says.
    pub there: String,
}

impl Conflict {
    pub(crate) fn new(batch: u64, why: &str, here: String, there: String) -> Self {
        Self { batch, why: why.to_string(), here, there }
    }

    /// Between a record and the chain.
    pub(crate) fn with_chain(record: &Record, why: &str, standing: &Standing) -> Self {
        let there = match standing {
            Standing::Unknown => "nothing".to_string(),
            Standing::Committed { digest, block } => {
                format!("committed {} in block {}", hex(digest), block.number)
            }
            Standing::Proved { digest, block, .. } => {
                format!("proved {} in block {}", hex(digest), block.number)
            }
            Standing::Final { digest, block } => format!("final {} in block {}", hex(digest), block.number),
        };
        let here = match record.block() {
            None => format!("{} {}", record.state.name(), hex(&record.batch.digest)),
            Some(block) => {
                format!("{} {} in block {}", record.state.name(), hex(&record.batch.digest), block.number)
            }
        };
        Self::new(record.batch.number, why, format!("here: {here}"), format!("on the chain: {there}"))
    }

    /// Between a record and the exchange's batches.
    pub(crate) fn with_source(record: &Record, digest: Option<[u8; 32]>) -> Self {
        Self::new(
            record.batch.number,
            "the exchange no longer has this batch as it was settled",
            format!("here: {} {}", record.state.name(), hex(&record.batch.digest)),
            format!("in the exchange: {}", digest.map_or("nothing".to_string(), |digest| hex(&digest))),
        )
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "batch {}: {}; {}; {}; settlement has stopped and sends nothing: compare the exchange's batches with the \
             chain, and start it on the data directory that the chain's batches came from",
            self.batch, self.why, self.here, self.there
        )
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
