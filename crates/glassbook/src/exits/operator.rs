//! What an operator does by hand: pauses, and taking back batches that were committed and not proved.

use std::io::{self, Write as _};

use alloy_primitives::{Bytes, U256};
use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand};
use contracts::bindings::Exchange;
use contracts::bindings::Exchange::ExchangeEvents;

use super::contract::{Caller, Key, Place};
use super::queue::Standing;
use super::way_out;

/// `glassbook operator`.
#[derive(Subcommand)]
#[command(after_help = "\
Taking batches back that were committed and not proved:
  glassbook operator pause               announces a pause; it begins after the contract's delay (admin's key)
  glassbook l1 status                    says when it begins
  glassbook operator revert --to-batch N takes back the batches after N, in the pause (operator's key)
Then either let the pause end, and settlement commits the same batches again; or stop the exchange and make it anew as it was
after batch N, with `glassbook recover`. The book says what that loses: docs/src/settlement/reverting.md.")]
pub enum Command {
    /// Announce a pause: deposits, commits and proofs stop for a while, after a delay that everybody sees coming
    Pause {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        key: Key,
    },
    /// Take an announced pause back, or end one
    Unpause {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        key: Key,
    },
    /// Take back all batches after one that were committed and not proved; only in a pause
    Revert(RevertOptions),
}

/// Take batches back
#[derive(Args)]
pub struct RevertOptions {
    /// The last batch that stays; 0 for none
    #[arg(long, value_name = "NUMBER")]
    to_batch: u64,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    key: Key,
}

/// Does it.
pub async fn run(command: &Command) -> Result<()> {
    match command {
        Command::Pause { place, key } => {
            let caller = Caller::open(place, key).await?;
            caller.send("announce a pause", U256::ZERO, &Exchange::announcePauseCall {}).await?;
            say_pause(&caller).await
        }
        Command::Unpause { place, key } => {
            let caller = Caller::open(place, key).await?;
            caller.send("end the pause", U256::ZERO, &Exchange::cancelPauseCall {}).await?;
            say_pause(&caller).await
        }
        Command::Revert(options) => revert(options).await,
    }
}

async fn say_pause(caller: &Caller) -> Result<()> {
    let standing = Standing::read(&caller.contract).await.context(way_out::CARRIED_OUT)?;
    writeln!(io::stdout(), "  pause: {}", standing.pause())?;
    Ok(())
}

async fn revert(options: &RevertOptions) -> Result<()> {
    let caller = Caller::open(&options.place, &options.key).await?;
    let contract = &caller.contract;
    let kept = options.to_batch;
    let standing = Standing::read(contract).await?;
    let Standing { committed, proved, .. } = standing;
    ensure!(
        kept >= proved,
        "batches 1 to {proved} are proved, and what was proved is never reverted: --to-batch {proved} is the least"
    );
    ensure!(
        kept < committed,
        "batch {committed} is the last that is committed: there is nothing after batch {kept}"
    );
    ensure!(
        standing.paused(),
        "batches are reverted in a pause alone; pause: {}. `glassbook operator pause` announces one",
        standing.pause()
    );
    let mut claim = Bytes::new();
    if kept > 0 {
        let (_dir, indexer) = contract.index().await?;
        let mut found = None;
        contract.each_event(&indexer, |event| {
            if let ExchangeEvents::BatchCommitted(event) = event
                && event.batch == kept
            {
                // One that was reverted before was committed again since.
                found = Some(event.claim);
            }
            Ok(())
        })?;
        claim = found.with_context(|| {
            format!("no event has the claim of batch {kept}; --from-block must not be after the contract's first block")
        })?;
    }
    let what = format!("revert batches {} to {committed}", kept + 1);
    caller.send(&what, U256::ZERO, &Exchange::revertBatchesCall { lastKept: kept, claim }).await?;
    writeln!(
        io::stdout(),
        "next: settlement commits the same batches again when the pause ends (`glassbook operator unpause` ends it now); or stop the \
         exchange, and `glassbook recover` makes it anew as it was after batch {kept}: what came later is lost then, and traders must \
         be told"
    )?;
    Ok(())
}
