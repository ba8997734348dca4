//! The thread that follows the exchange: the sealed batches up to where the tape begins, then the tape.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::sleep;
use std::time::Duration;

use exchange::{Exchange, FeedError, FeedMessage, FeedUpdate, Subscription, Topic, batch_path};
use transition::{CommandsHeader, SealedBatch};
use types::{Event, Outcome, Reader, Sequenced};

use super::Updates;
use super::fault::Fault;
use super::view::Shared;

/// How often it is looked whether anybody still wants the view.
const LOOK: Duration = Duration::from_millis(100);
/// How often it is looked for a batch that is being sealed.
const SEALING: Duration = Duration::from_millis(10);
/// Commands that are executed before questions are answered again.
const TOGETHER: usize = 256;

/// Follows one exchange.
pub(super) struct Follower {
    pub shared: Weak<Shared>,
    /// Not kept alive: the exchange ends when those who run it want.
    pub exchange: Weak<Exchange>,
    /// The folder of sealed batches.
    pub batches: PathBuf,
    /// The next batch to read.
    pub next_batch: u64,
    /// Messages of the tape that may wait.
    pub tape: usize,
}

/// Why following ended.
enum End {
    /// The exchange has ended, or nobody wants the view any more.
    Over,
    /// The tape was too fast: the batches have what is missing.
    Again,
    /// The view is wrong, or what it reads is.
    Fault(Fault),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Follower {
    pub fn run(mut self) {
        loop {
            let end = self.follow();
            let Some(shared) = self.shared.upgrade() else { return };
            shared.up_to_date.store(false, Ordering::Release);
            match end {
                End::Over => return shared.end(None),
                End::Again => {
                    tracing::warn!("the view was too slow for the tape; it reads the sealed batches")
                }
                End::Fault(fault) => {
                    tracing::error!(%fault, "the view has stopped");
                    return shared.end(Some(fault.to_string()));
                }
            }
        }
    }

    fn follow(&mut self) -> End {
        let Some(tape) = self.exchange.upgrade().map(|it| it.subscribe_with(Topic::Commands, self.tape))
        else {
            return End::Over;
        };
        let mut begin = None;
        while begin.is_none() {
            match tape.next_within(LOOK) {
                Ok(message) => begin = Some(message.sequence),
                Err(FeedError::Timeout) if self.shared.strong_count() > 0 => {}
                Err(error) => return end(error),
            }
        }
        if let Err(end) = self.catch_up(begin.unwrap_or_default()) {
            return end;
        }
        match self.shared.upgrade() {
            Some(shared) => shared.up_to_date.store(true, Ordering::Release),
            None => return End::Over,
        }
        loop {
            if let Err(end) = self.take(&tape) {
                return end;
            }
        }
    }

    /// Reads sealed batches until the view has this command.
    fn catch_up(&mut self, last: u64) -> Result<(), End> {
        loop {
            let shared = self.shared.upgrade().ok_or(End::Over)?;
            if shared.sequence() >= last {
                return Ok(());
            }
            let path = batch_path(&self.batches, self.next_batch);
            // Before the file: a batch is reported after it is written.
            let exchange = self.exchange.upgrade().ok_or(End::Over)?;
            let reported = exchange.batches().iter().any(|report| report.claim.batch == self.next_batch);
            if path.exists() {
                self.read_batch(&shared)?;
            } else if reported {
                return Err(Fault::MissingBatch { path }.into());
            } else if exchange.fault().is_some() {
                return Err(End::Over);
            } else {
                // What is missing is not sealed yet.
                exchange.seal();
                drop(exchange);
                sleep(SEALING);
            }
        }
    }

    fn read_batch(&mut self, shared: &Shared) -> Result<(), Fault> {
        let number = self.next_batch;
        let path = batch_path(&self.batches, number);
        let batch = SealedBatch::read(&path).map_err(|source| Fault::Batch { batch: number, source })?;
        if batch.claim.batch != number {
            return Err(Fault::OtherBatch { path, what: "it has another number" });
        }
        let commands = |source| Fault::Commands { batch: number, source };
        let mut reader = Reader::new(&batch.input.commands);
        let header = CommandsHeader::decode(&mut reader).map_err(commands)?;
        if header.first_sequence > shared.sequence() + 1 {
            return Err(Fault::OtherBatch { path, what: "commands are missing before it" });
        }
        let mut time = header.previous_timestamp;
        let mut list = Vec::new();
        for sequence in (header.first_sequence..).take(usize::try_from(header.count).unwrap_or(usize::MAX)) {
            let sequenced = Sequenced::decode(sequence, time, &mut reader).map_err(commands)?;
            time = sequenced.timestamp;
            list.push(sequenced);
            if list.len() == TOGETHER {
                execute(shared, list.drain(..).map(|sequenced| (sequenced, number, None)))?;
            }
        }
        execute(shared, list.into_iter().map(|sequenced| (sequenced, number, None)))?;
        self.next_batch = number + 1;
        Ok(())
    }

    /// Takes what there is of the tape; waits for the first of it.
    fn take(&mut self, tape: &Subscription) -> Result<(), End> {
        let mut message = match tape.next_within(LOOK) {
            Ok(message) => Some(message),
            Err(FeedError::Timeout) if self.shared.strong_count() > 0 => return Ok(()),
            Err(error) => return Err(end(error)),
        };
        let shared = self.shared.upgrade().ok_or(End::Over)?;
        let mut list = Vec::new();
        let mut failed = None;
        while let Some(FeedMessage { sequence, body, .. }) = message.take() {
            match body {
                FeedUpdate::Command(entry) => list.push(entry),
                FeedUpdate::Sealed { batch } if sequence >= shared.sequence() => self.next_batch = batch + 1,
                _ => {}
            }
            if list.len() < TOGETHER {
                match tape.next_within(Duration::ZERO) {
                    Ok(next) => message = Some(next),
                    Err(FeedError::Timeout) => {}
                    Err(error) => failed = Some(end(error)),
                }
            }
        }
        execute(
            &shared,
            list.iter()
                .map(|entry| (entry.sequenced.clone(), entry.batch, Some((entry.outcome, &*entry.events)))),
        )?;
        failed.map_or(Ok(()), Err)
    }
}

fn end(error: FeedError) -> End {
    match error {
        FeedError::Dropped { .. } => End::Again,
        FeedError::Ended | FeedError::Timeout => End::Over,
    }
}

/// Executes commands, leaving out those that the view has already, and tells what they changed.
fn execute<'a>(
    shared: &Shared,
    commands: impl Iterator<Item = (Sequenced, u64, Option<(Outcome, &'a [Event])>)>,
) -> Result<(), Fault> {
    let heard = shared.updates.receiver_count() > 0;
    let mut told: Vec<Updates> = Vec::new();
    let mut failed = None;
    let mut state = shared.write();
    for (sequenced, batch, expected) in commands {
        let (before, sequence) = (state.sequence, sequenced.sequence);
        if sequence <= before {
            continue;
        }
        if sequence != before + 1 {
            failed = Some(Fault::Gap { sequence: before, found: sequence });
            break;
        }
        match state.command(&sequenced, batch, expected, heard) {
            Ok(updates) => told.extend(updates),
            Err(source) => {
                failed = Some(Fault::Command { sequence, source });
                break;
            }
        }
    }
    let sequence = state.sequence;
    drop(state);
    for updates in told {
        // Nobody may listen any more.
        let _ = shared.updates.send(Arc::new(updates));
    }
    shared.reached.send_if_modified(|reached| std::mem::replace(reached, sequence) != sequence);
    failed.map_or(Ok(()), Err)
}
