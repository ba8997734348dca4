//! Brings what happened on L1 into the exchange: deposits and forced operations, in the queue's order, each once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use exchange::{Exchange, Refused, Submission};
use l1::{Confirmation, Indexer};
use tokio::runtime::Handle;

/// Entries that are handed in together.
const TOGETHER: usize = 1_000;
/// How often the chain is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Follows the queue in a thread of its own.
pub struct Desk {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<()>>,
}

impl Desk {
    /// Starts with the entry after those that the exchange has.
    pub fn start(
        exchange: Arc<Exchange>,
        indexer: Arc<Indexer>,
        runtime: Handle,
        first: u64,
        confirmation: Confirmation,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let (mut position, mut warned) = (first, None);
            while !ended.load(Ordering::Relaxed) {
                match runtime.block_on(indexer.follow()) {
                    Ok(_) => warned = None,
                    Err(error) => {
                        // Said once, not five times a second.
                        let text = error.to_string();
                        if warned.as_ref() != Some(&text) {
                            tracing::warn!(error = text, "the queue on L1 is not followed");
                        }
                        warned = Some(text);
                    }
                }
                while take(&exchange, &indexer, &mut position, confirmation)? {}
                thread::sleep(LOOK);
            }
            Ok(())
        });
        Self { stop, thread }
    }

    /// Whether it ended by itself, which it does when the exchange has stopped.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it.
    pub fn stop(self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the thread that follows the queue on L1 panicked"))?
    }
}

/// Hands in what is there. False when nothing is.
fn take(
    exchange: &Exchange,
    indexer: &Indexer,
    position: &mut u64,
    confirmation: Confirmation,
) -> Result<bool> {
    let found = indexer.entries(*position, confirmation, TOGETHER)?;
    let entries: Vec<_> = found.into_iter().map(|entry| (entry.what.account, entry.what.command)).collect();
    let count = entries.len() as u64;
    if count == 0 {
        return Ok(false);
    }
    let submission = Submission::L1 { entries, timestamps: Vec::new() };
    match exchange.submit_waiting(submission).and_then(exchange::Ticket::wait) {
        Ok(_) => {}
        // The next start takes it.
        Err(Refused::ShuttingDown) => return Ok(false),
        Err(error) => return Err(error).context("entries of the L1 queue"),
    }
    *position += count;
    Ok(true)
}
