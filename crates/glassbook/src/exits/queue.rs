//! Where the exchange and the entries of its queue stand on the chain.

use std::io::{self, Write as _};

use alloy_primitives::{Address, B256, U256};
use anyhow::Result;
use clap::Args;
use contracts::QueueEntry;
use contracts::bindings::Exchange;
use types::{AccountId, Command};

use super::contract::{Contract, Place};
use super::{events, way_out};
use crate::address;

/// Rows that are shown at most.
const ROWS: usize = 200;

/// The entries of the queue
#[derive(Args)]
pub struct Options {
    /// Of this owner alone
    #[arg(long, value_name = "ADDRESS", value_parser = address::parse)]
    owner: Option<Address>,
    /// From this entry on [default: the first that is in no final batch]
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    #[command(flatten)]
    place: Place,
}

/// How far the contract is.
pub struct Standing {
    /// The newest block's time, in seconds since 1970.
    pub now: u64,
    /// Entries that there have been.
    pub length: u64,
    committed_position: u64,
    proved_position: u64,
    /// Entries in final batches.
    pub final_position: u64,
    /// The last committed batch.
    pub committed: u64,
    /// The last proved batch.
    pub proved: u64,
    /// The last final batch.
    pub final_batch: u64,
    force_deadline: u64,
    /// What an entry in a proved batch has more.
    finality_time: u64,
    paused_from: u64,
    paused_until: u64,
    /// Whether the exchange has ended.
    pub frozen: bool,
}

impl Standing {
    /// Asks the contract.
    pub async fn read(contract: &Contract) -> Result<Self> {
        let tip = contract.view(Exchange::committedCall {}).await?;
        let final_position = contract.view(Exchange::finalL1PositionCall {}).await?;
        let proofs = contract.view(Exchange::proofCountCall {}).await?;
        let proved_position = if proofs.is_zero() {
            final_position
        } else {
            let call = Exchange::proofOfCall { proofIndex: proofs - U256::from(1) };
            contract.view(call).await?.l1Position
        };
        let delay = contract.view(Exchange::finalityDelayCall {}).await?;
        let grace = contract.view(Exchange::FINALITY_GRACECall {}).await?;
        Ok(Self {
            now: contract.client.latest().await.map_err(way_out::of)?.timestamp,
            length: contract.view(Exchange::queueLengthCall {}).await?,
            committed_position: tip.l1Position,
            proved_position,
            final_position,
            committed: tip.batch,
            proved: contract.view(Exchange::provedBatchCall {}).await?,
            final_batch: contract.view(Exchange::finalBatchCall {}).await?,
            force_deadline: contract.view(Exchange::forceDeadlineCall {}).await?,
            finality_time: delay.saturating_add(grace),
            paused_from: contract.view(Exchange::pausedFromCall {}).await?,
            paused_until: contract.view(Exchange::pausedUntilCall {}).await?,
            frozen: contract.view(Exchange::frozenCall {}).await?,
        })
    }

    /// From when an entry is overdue, given when it came. `None` for one in a final batch.
    pub fn deadline(&self, position: u64, came: u64) -> Option<u64> {
        let more = if position < self.proved_position { self.finality_time } else { 0 };
        let deadline = came.saturating_add(self.force_deadline).saturating_add(more);
        (position >= self.final_position).then_some(deadline)
    }

    /// Where an entry is, and what comes of it, given when it came.
    fn fate(&self, position: u64, came: u64, command: &Command) -> String {
        let place = self.place(position);
        match (self.deadline(position, came), command) {
            // The exchange may have rejected it there.
            (None, _) => place.to_string(),
            (Some(_), Command::Deposit { .. }) if self.frozen => {
                format!("{place}; the exchange is frozen: paid back by `glassbook l1 refund`")
            }
            (Some(_), _) if self.frozen => format!("{place}; void: the exchange is frozen"),
            (Some(deadline), _) if self.now > deadline => {
                format!("{place}; OVERDUE since {}", span(self.now - deadline))
            }
            (Some(deadline), _) => format!("{place}; overdue in {}", span(deadline - self.now)),
        }
    }

    /// In which batches an entry is.
    fn place(&self, position: u64) -> &'static str {
        if position < self.final_position {
            "in a final batch"
        } else if position < self.proved_position {
            "in a proved batch"
        } else if position < self.committed_position {
            "in a committed batch"
        } else {
            "in no batch on L1"
        }
    }

    /// The entry that is overdue first, and from when.
    async fn first_deadline(&self, contract: &Contract) -> Result<Option<(u64, u64)>> {
        let mut first: Option<(u64, u64)> = None;
        // Entries are in the order of their times: of each kind the oldest counts.
        for position in [self.final_position, self.proved_position.max(self.final_position)] {
            if position >= self.length {
                continue;
            }
            let came = contract.view(Exchange::enqueuedAtCall { position }).await?;
            if let Some(deadline) = self.deadline(position, came)
                && first.is_none_or(|(_, earlier)| deadline < earlier)
            {
                first = Some((position, deadline));
            }
        }
        Ok(first)
    }

    /// Whether deposits, commits and proofs are stopped.
    pub fn paused(&self) -> bool {
        (self.paused_from..self.paused_until).contains(&self.now)
    }

    /// The pause in words.
    pub fn pause(&self) -> String {
        let Self { now, paused_from, paused_until, .. } = *self;
        if now >= paused_until {
            "no".to_string()
        } else if now < paused_from {
            format!(
                "announced: begins in {}, ends in {} at the latest",
                span(paused_from - now),
                span(paused_until - now)
            )
        } else {
            format!(
                "yes, for {} at most; forced operations, finality and exits go on",
                span(paused_until - now)
            )
        }
    }
}

/// Prints where the exchange stands.
pub async fn status(place: &Place) -> Result<()> {
    let contract = Contract::open(place).await?;
    let standing = Standing::read(&contract).await?;
    let final_root: B256 = contract.view(Exchange::finalRootCall {}).await?;
    let assets = contract.view(Exchange::assetCountCall {}).await?;
    let deadline = standing.first_deadline(&contract).await?;
    let Standing { now, length, committed, proved, final_batch, .. } = standing;
    let mut out = io::stdout();
    writeln!(
        out,
        "exchange    {} on chain {}, {assets} assets",
        contract.address,
        contract.client.chain_id()
    )?;
    writeln!(out, "batches     {committed} committed, {proved} proved, {final_batch} final")?;
    writeln!(out, "state       {final_root}, the last final one")?;
    writeln!(
        out,
        "queue       {length} entries: {} in final batches, {} in proved ones, {} in committed ones, {} in none",
        standing.final_position,
        standing.proved_position.saturating_sub(standing.final_position),
        standing.committed_position.saturating_sub(standing.proved_position),
        length.saturating_sub(standing.committed_position.max(standing.proved_position)),
    )?;
    writeln!(
        out,
        "deadline    {} to be proved, {} more to be final",
        span(standing.force_deadline),
        span(standing.finality_time)
    )?;
    writeln!(out, "pause       {}", standing.pause())?;
    match (standing.frozen, deadline) {
        (true, _) => writeln!(
            out,
            "frozen      YES: batch {final_batch} is the last; `glassbook l1 claim`, `escape` and `refund` pay"
        )?,
        (false, None) => writeln!(out, "frozen      no, and nothing waits")?,
        (false, Some((position, deadline))) if now > deadline => writeln!(
            out,
            "frozen      no, but entry {position} is OVERDUE since {}: anybody may `glassbook l1 freeze`",
            span(now - deadline)
        )?,
        (false, Some((position, deadline))) => {
            writeln!(out, "frozen      no; entry {position} is overdue in {}", span(deadline - now))?;
        }
    }
    Ok(())
}

/// Prints the queue's entries.
pub async fn list(options: &Options) -> Result<()> {
    let contract = Contract::open(&options.place).await?;
    let account = match options.owner {
        None => None,
        Some(owner) => Some(AccountId(contract.view(Exchange::accountOfCall { owner }).await?)),
    };
    let (_dir, indexer) = contract.index().await?;
    let standing = Standing::read(&contract).await?;
    let mut out = io::stdout();
    let mut rows = 0;
    for entry in events::entries(&indexer, options.from.unwrap_or(standing.final_position)) {
        let QueueEntry { position, account: whose, command } = entry?;
        if account.is_some_and(|account| account != whose) {
            continue;
        }
        rows += 1;
        if rows > ROWS {
            writeln!(out, "... and more: --from {position}")?;
            return Ok(());
        }
        let came = contract.view(Exchange::enqueuedAtCall { position }).await?;
        let fate = standing.fate(position, came, &command);
        writeln!(out, "{position:>8}  account {whose}: {}; {fate}", describe(&command))?;
    }
    if rows == 0 {
        writeln!(
            out,
            "nothing waits; --from 0 shows what final batches have, `glassbook l1 claim` pays withdrawals that are final"
        )?;
    }
    Ok(())
}

fn describe(command: &Command) -> String {
    match command {
        Command::Deposit { asset, amount, .. } => {
            format!("deposit of {} quanta of asset {}", amount.0, asset.0)
        }
        Command::Withdraw { asset, amount } if amount.0 == u64::MAX => {
            format!("withdrawal of all that is free of asset {}", asset.0)
        }
        Command::Withdraw { asset, amount } => {
            format!("withdrawal of {} quanta of asset {}", amount.0, asset.0)
        }
        Command::MassCancel { market: None, .. } => "cancellation of orders in all markets".to_string(),
        Command::MassCancel { market: Some(market), .. } => {
            format!("cancellation of orders in market {}", market.0)
        }
        Command::RegisterSession { expires, .. } if expires.0 == 0 => "end of the session".to_string(),
        Command::RegisterSession { .. } => "session registration".to_string(),
        other => format!("{other:?}"),
    }
}

/// Seconds as people read them.
pub fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use types::{AssetId, Quanta};

    use super::*;

    fn standing() -> Standing {
        Standing {
            now: 1_000,
            length: 9,
            committed_position: 7,
            proved_position: 5,
            final_position: 2,
            committed: 7,
            proved: 5,
            final_batch: 2,
            force_deadline: 100,
            finality_time: 40,
            paused_from: 0,
            paused_until: 0,
            frozen: false,
        }
    }

    #[test]
    fn an_entry_in_a_proved_batch_has_the_time_of_finality_more() {
        let standing = standing();
        assert_eq!(standing.deadline(1, 500), None);
        assert_eq!(standing.deadline(2, 500), Some(640));
        assert_eq!(standing.deadline(4, 500), Some(640));
        assert_eq!(standing.deadline(5, 500), Some(600));
        assert_eq!(standing.deadline(8, u64::MAX), Some(u64::MAX));
        let places = [1, 4, 6, 7].map(|position| standing.place(position));
        assert_eq!(
            places,
            ["in a final batch", "in a proved batch", "in a committed batch", "in no batch on L1"]
        );
    }

    #[test]
    fn what_comes_of_an_entry_is_said_as_it_is() {
        let (owner, asset, amount) = (types::Address([1; 20]), AssetId(2), Quanta(5));
        let deposit = Command::Deposit { owner, asset, amount };
        let withdrawal = Command::Withdraw { asset, amount };
        // In a final batch it may have been rejected, and nothing of it is paid back.
        for frozen in [false, true] {
            let standing = Standing { frozen, ..standing() };
            for command in [&deposit, &withdrawal] {
                assert_eq!(standing.fate(1, 500, command), "in a final batch");
            }
        }
        assert_eq!(standing().fate(8, 950, &deposit), "in no batch on L1; overdue in 50 s");
        assert_eq!(standing().fate(4, 850, &withdrawal), "in a proved batch; OVERDUE since 10 s");
        let frozen = Standing { frozen: true, ..standing() };
        let paid_back = frozen.fate(4, 500, &deposit);
        assert!(paid_back.contains("paid back by `glassbook l1 refund`") && !paid_back.contains("void"));
        let void = frozen.fate(8, 500, &withdrawal);
        assert!(void.contains("void") && !void.contains("refund"), "{void}");
    }

    #[test]
    fn a_pause_is_announced_then_in_force_then_over() {
        let at = |now| Standing { now, paused_from: 1_100, paused_until: 1_200, ..standing() };
        assert!(!at(1_099).paused() && at(1_099).pause().contains("begins in 1 s"));
        assert!(at(1_100).paused() && at(1_199).paused() && !at(1_200).paused());
        assert_eq!(at(1_200).pause(), "no");
    }

    #[test]
    fn spans_are_read_by_people() {
        let shown = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 200_000].map(span);
        assert_eq!(
            shown,
            ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "23 h 59 min", "1 d 0 h", "2 d 7 h"]
        );
    }
}
