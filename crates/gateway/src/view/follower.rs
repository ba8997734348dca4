//! The thread that follows the exchange: the sealed batches up to where the tape begins, then the tape.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::sleep;
use std::time::Duration;

use exchange::{Exchange, FeedError, FeedMessage, FeedUpdate, Subscription, Topic, batch_path};
use parking_lot::RwLockWriteGuard;
use transition::{Claim, CommandsHeader, SealedBatch};
use types::{Address, DecodeError, Event, Outcome, Reader, Sequenced};

use super::Updates;
use super::fault::Fault;
use super::view::Shared;

/// How often it is looked whether anybody still wants the view.
const LOOK: Duration = Duration::from_millis(100);
/// How often it is looked for a batch that is being sealed.
const SEALING: Duration = Duration::from_millis(5);
/// Commands that are executed before questions are answered again.
const TOGETHER: usize = 256;

/// Follows one exchange.
pub(super) struct Follower {
    pub shared: Weak<Shared>,
    /// Not kept alive: the exchange ends when those who run it want.
    pub exchange: Weak<Exchange>,
    /// Its chain and contract.
    pub identity: (u64, Address),
    /// The root of its first state.
    pub genesis_root: [u8; 32],
    /// The folder of sealed batches.
    pub batches: PathBuf,
    /// The next batch to read.
    pub next_batch: u64,
    /// What the last batch claims that was read.
    pub last_claim: Option<Claim>,
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

/// Says so when the thread panics.
struct Guard(Weak<Shared>);

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(shared) = self.0.upgrade()
        {
            shared.end(Some("the thread that follows the exchange has panicked".to_string()));
        }
    }
}

impl Follower {
    pub fn run(mut self) {
        let _guard = Guard(self.shared.clone());
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
        // Most of it before the tape begins, which would have to wait all that time.
        while batch_path(&self.batches, self.next_batch).exists() {
            let Some(shared) = self.shared.upgrade() else { return End::Over };
            if let Err(fault) = self.read_batch(&shared) {
                return fault.into();
            }
        }
        let Some(tape) = self.exchange.upgrade().map(|it| it.subscribe_with(Topic::Commands, self.tape))
        else {
            return End::Over;
        };
        let begin = loop {
            match tape.next_within(LOOK) {
                Ok(message) => break message.sequence,
                Err(FeedError::Timeout) if self.shared.strong_count() > 0 => {}
                Err(error) => return end(error),
            }
        };
        if let Err(end) = self.catch_up(begin) {
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
        let mut asked = false;
        loop {
            let shared = self.shared.upgrade().ok_or(End::Over)?;
            if shared.sequence() >= last {
                return Ok(());
            }
            let path = batch_path(&self.batches, self.next_batch);
            if path.exists() {
                self.read_batch(&shared)?;
                continue;
            }
            let exchange = self.exchange.upgrade();
            let reported = exchange.as_ref().is_some_and(|exchange| {
                exchange.batches().iter().any(|it| it.claim.batch == self.next_batch)
            });
            match exchange {
                Some(exchange) if exchange.fault().is_some() => return Err(End::Over),
                // It is reported, and its writer ends, after it is written.
                _ if path.exists() => {}
                None => return Err(End::Over),
                Some(_) if reported => return Err(Fault::MissingBatch { path }.into()),
                Some(exchange) => {
                    // What was executed when the tape began is in one of the batches until now.
                    if !asked {
                        exchange.seal();
                        asked = true;
                    }
                    drop(exchange);
                    sleep(SEALING);
                }
            }
        }
    }

    fn read_batch(&mut self, shared: &Shared) -> Result<(), Fault> {
        let number = self.next_batch;
        let path = batch_path(&self.batches, number);
        let batch = SealedBatch::read(&path).map_err(|source| Fault::Batch { batch: number, source })?;
        let SealedBatch { claim, input } = batch;
        let other = |what| Fault::OtherBatch { path: path.clone(), what };
        if (claim.chain_id, claim.exchange) != self.identity {
            return Err(other("it is of another exchange"));
        }
        if claim.batch != number {
            return Err(other("it has another number"));
        }
        if number == 1 && claim.previous_root != self.genesis_root {
            return Err(other("it begins with another genesis"));
        }
        let before = self.last_claim.as_ref().filter(|before| before.batch + 1 == number);
        if before.is_some_and(|before| !claim.follows(before)) {
            return Err(other("it does not begin where the batch before ends"));
        }
        if claim.first_sequence > shared.sequence() + 1 {
            return Err(other("commands are missing before it"));
        }
        let failed = |source| Fault::Commands { batch: number, source };
        let mut reader = Reader::new(&input.commands);
        let header = CommandsHeader::decode(&mut reader).map_err(failed)?;
        let last = header.first_sequence.checked_add(header.count).and_then(|end| end.checked_sub(1));
        if (header.first_sequence, last) != (claim.first_sequence, Some(claim.last_sequence)) {
            return Err(other("it has other commands than it claims"));
        }
        let mut time = header.previous_timestamp;
        let mut sequences = header.first_sequence..=claim.last_sequence;
        while !sequences.is_empty() {
            let decode = |sequence| -> Result<_, DecodeError> {
                let sequenced = Sequenced::decode(sequence, time, &mut reader)?;
                time = sequenced.timestamp;
                Ok(sequenced)
            };
            let list: Vec<Sequenced> =
                sequences.by_ref().take(TOGETHER).map(decode).collect::<Result<_, _>>().map_err(failed)?;
            execute(shared, list.iter().map(|sequenced| (sequenced, None)))?;
        }
        reader.finish().map_err(failed)?;
        self.next_batch = number + 1;
        self.last_claim = Some(claim);
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
            list.iter().map(|entry| (&entry.sequenced, Some((entry.outcome, entry.events.as_slice())))),
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
    commands: impl Iterator<Item = (&'a Sequenced, Option<(Outcome, &'a [Event])>)>,
) -> Result<(), Fault> {
    let mut told: Vec<Updates> = Vec::new();
    let mut failed = None;
    let mut state = shared.write();
    // Whoever subscribes after this reads a state with these commands in it.
    let heard = shared.updates.receiver_count() > 0;
    for (sequenced, expected) in commands {
        let (before, sequence) = (state.sequence, sequenced.sequence);
        if sequence <= before {
            continue;
        }
        if sequence != before + 1 {
            failed = Some(Fault::Gap { sequence: before, found: sequence });
            break;
        }
        match state.command(sequenced, expected, heard) {
            Ok(updates) => told.extend(updates),
            Err(source) => {
                failed = Some(Fault::Command { sequence, source });
                break;
            }
        }
    }
    let sequence = state.sequence;
    // Those who wait to read come first, however much there is to write.
    RwLockWriteGuard::unlock_fair(state);
    for updates in told {
        // Nobody may listen any more.
        let _ = shared.updates.send(Arc::new(updates));
    }
    shared.reached.send_if_modified(|reached| std::mem::replace(&mut reached.sequence, sequence) != sequence);
    failed.map_or(Ok(()), Err)
}
