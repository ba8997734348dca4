//! Sealed batches: executed again, as `transition` executes them for provers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use state::{PartialTree, Sha256Hash, StateError, Witness};
use transition::{
    BatchOutput, Claim, EventsLog, Native, Observer, SealedBatch, SealedBatchError, TransitionError,
    execute_batch,
};
use types::{AccountId, Event, MarketId, Origin, Outcome, Sequenced};

use crate::json::{hex, number};
use crate::{Refused, parts, progress, words};

/// Commands in an answer at most.
const ROWS: usize = 400;
/// The page is told once in so many commands.
const STEP: usize = 64;

pub(crate) fn decode_claim(bytes: &[u8]) -> Result<Claim, Refused> {
    Claim::decode(bytes).map_err(|error| Refused::request(format!("the claim does not decode: {error}")))
}

/// What a sealed batch states.
pub(crate) fn open(sealed: &[u8]) -> Result<Value, Refused> {
    let batch = SealedBatch::decode(sealed).map_err(Refused::untrue)?;
    Ok(json!({ "claim": words::claim(&batch.claim), "sizes": sizes(sealed, &batch) }))
}

/// Executes a sealed batch again, with every signature, and compares with its claim and with the claim before.
pub(crate) fn verify(sealed: &[u8], before: &[u8], account: &[u8]) -> Result<Value, Refused> {
    let before = match before {
        [] => None,
        bytes => Some(decode_claim(bytes)?),
    };
    let account = match account {
        [] => None,
        bytes => Some(AccountId(
            u32::try_from(parts::number(bytes, "the account")?)
                .map_err(|_| Refused::request("no such account"))?,
        )),
    };
    let batch = SealedBatch::decode(sealed).map_err(Refused::untrue)?;
    if let Some(before) = &before
        && !batch.claim.follows(before)
    {
        return Err(Refused::untrue(format!(
            "batch {} does not follow batch {}: another exchange, a gap, or another state",
            batch.claim.batch, before.batch
        )));
    }
    let mut seen = Seen { account, ..Seen::default() };
    let output = execute(&batch, EventsLog::root_only(), &mut seen)?;
    let (l1_from, l1_to) =
        (batch.claim.l1_position - seen.l1.min(batch.claim.l1_position), batch.claim.l1_position);
    Ok(json!({
        "claim": words::claim(&batch.claim),
        "follows": before.map(|before| number(before.batch)),
        "sizes": sizes(sealed, &batch),
        "commands": seen.commands,
        "kinds": seen.kinds,
        "outcomes": { "accepted": seen.accepted, "done": seen.done, "rejected": seen.rejected },
        "rejects": seen.rejects,
        "accounts": seen.accounts.len(),
        "fills": seen.fills,
        "markets": seen.markets.iter().map(|(market, traded)| json!({
            "market": market.0, "fills": traded.fills, "lots": number(traded.lots), "ticks": number(traded.ticks),
        })).collect::<Vec<_>>(),
        "l1": { "from": number(l1_from), "to": number(l1_to), "hash": hex(batch.claim.l1_hash) },
        "withdrawals": output.withdrawals.len(),
        "rows": seen.rows,
        "moreRows": seen.more,
    }))
}

/// Executes, compares the claim.
///
/// The same steps as [`transition::execute`], which keeps nothing of what the commands did.
pub(crate) fn execute(
    batch: &SealedBatch,
    log: EventsLog,
    observer: &mut impl Observer,
) -> Result<BatchOutput, Refused> {
    let input = &batch.input;
    let nothing = |error: TransitionError| Refused::untrue(SealedBatchError::from(error));
    let witness = Witness::decode(&input.witness, input.witness.len())
        .map_err(|error| nothing(StateError::from(error).into()))?;
    let mut tree = PartialTree::<Sha256Hash>::from_witness(witness).map_err(|error| nothing(error.into()))?;
    tree.verify(input.previous_root).map_err(|_| nothing(TransitionError::PreviousRoot))?;
    let output =
        execute_batch::<_, Native>(&mut tree, &input.commands, Some(&input.authorisation), log, observer)
            .map_err(nothing)?;
    if output.claim != batch.claim {
        return Err(Refused::untrue(SealedBatchError::Claim));
    }
    Ok(output)
}

fn sizes(sealed: &[u8], batch: &SealedBatch) -> Value {
    let input = &batch.input;
    json!({
        "file": sealed.len(),
        "commands": input.commands.len(),
        "witness": input.witness.len(),
        "streams": input.authorisation.streams.len(),
        "owners": input.authorisation.owners.len(),
    })
}

/// What the commands did, counted.
#[derive(Default)]
struct Seen {
    account: Option<AccountId>,
    likely: usize,
    commands: usize,
    kinds: BTreeMap<&'static str, usize>,
    accepted: usize,
    done: usize,
    rejected: usize,
    rejects: BTreeMap<&'static str, usize>,
    accounts: BTreeSet<AccountId>,
    fills: usize,
    markets: BTreeMap<MarketId, Traded>,
    l1: u64,
    rows: Vec<Value>,
    more: usize,
}

#[derive(Default)]
struct Traded {
    fills: usize,
    lots: u128,
    /// Price × quantity.
    ticks: u128,
}

impl Seen {
    fn concerns(&self, sequenced: &Sequenced, events: &[Event]) -> bool {
        self.account.is_none_or(|account| {
            sequenced.account == account
                || events.iter().any(|event| {
                    matches!(event, Event::Fill(fill) if fill.maker_account == account || fill.taker_account == account)
                })
        })
    }
}

impl Observer for Seen {
    fn begin(&mut self, commands: usize) {
        self.likely = commands;
        progress::tell(0, commands);
    }

    fn command(&mut self, sequenced: &Sequenced, outcome: Outcome, events: &[Event]) {
        self.commands += 1;
        if self.commands.is_multiple_of(STEP) || self.commands == self.likely {
            progress::tell(self.commands, self.likely.max(self.commands));
        }
        *self.kinds.entry(words::kind(&sequenced.command)).or_default() += 1;
        match outcome {
            Outcome::Accepted(_) => self.accepted += 1,
            Outcome::Done => self.done += 1,
            Outcome::Rejected(reason) => {
                self.rejected += 1;
                *self.rejects.entry(reason.sentence()).or_default() += 1;
            }
        }
        self.accounts.insert(sequenced.account);
        self.l1 += u64::from(matches!(sequenced.origin, Origin::L1(_)));
        for event in events {
            if let Event::Fill(fill) = event {
                self.fills += 1;
                let traded = self.markets.entry(fill.market).or_default();
                traded.fills += 1;
                traded.lots += u128::from(fill.quantity.0);
                traded.ticks += u128::from(fill.price.0) * u128::from(fill.quantity.0);
            }
        }
        if self.concerns(sequenced, events) {
            if self.rows.len() == ROWS {
                self.more += 1;
                return;
            }
            let mut row = words::sequenced(sequenced);
            row["outcome"] = words::outcome(outcome);
            row["events"] = events.iter().map(words::event).collect();
            self.rows.push(row);
        }
    }
}
