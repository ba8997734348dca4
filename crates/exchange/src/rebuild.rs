//! From published batches back to a data directory: when the machine is gone and the batches are not.

use std::collections::BTreeMap;

use journal::{Journal, ReplayFrom};
use rules::Genesis;
use state::{FullTree, Sha256Hash};
use transition::{BatchInput, CommandsHeader, SealedBatch, SealedBatchError};
use types::{AccountId, DecodeError, Origin, Reader, Sequenced};

use crate::record::{BundleRecord, encode_genesis, encode_seal};
use crate::{Config, ExchangeError};

/// Writes the journal of an exchange from all of its sealed batches, the first one first; [`crate::Exchange::open`] then goes
/// on where they end. Every batch is executed with its signatures before it is written, and must follow the one before.
///
/// What was acknowledged and not yet sealed is not in any batch, so it is not here either.
///
/// # Errors
/// When the directory has a journal already, a batch is not true or out of order, or the disk fails. What was written
/// until then is a journal of the batches before.
pub fn rebuild<E: From<ExchangeError>>(
    config: &Config,
    genesis: &Genesis,
    batches: impl IntoIterator<Item = Result<SealedBatch, E>>,
) -> Result<u64, E> {
    let mut rebuilding = Rebuilding::create(config, genesis)?;
    for batch in batches {
        rebuilding.add(&batch?)?;
    }
    Ok(rebuilding.batch)
}

struct Rebuilding<'a> {
    config: &'a Config,
    journal: Journal,
    batch: u64,
    root: [u8; 32],
}

impl<'a> Rebuilding<'a> {
    fn create(config: &'a Config, genesis: &Genesis) -> Result<Self, ExchangeError> {
        config.check()?;
        let dir = &config.data_dir;
        let made = std::fs::create_dir_all(dir);
        made.map_err(|source| ExchangeError::File { doing: "create", path: dir.clone(), source })?;
        let options = config.journal.clone();
        let (mut journal, _) = Journal::open(&dir.join("journal"), options, ReplayFrom::Genesis)?;
        if journal.next_index() > 0 || dir.join("snapshots").exists() {
            return Err(ExchangeError::NotEmpty { data_dir: dir.clone() });
        }
        journal.append(&encode_genesis(genesis))?;
        journal.commit()?;
        let root = transition::genesis(&mut FullTree::<Sha256Hash>::new(), genesis)?;
        Ok(Self { config, journal, batch: 0, root })
    }

    fn add(&mut self, batch: &SealedBatch) -> Result<(), ExchangeError> {
        let number = self.batch + 1;
        let bad = |why: String| ExchangeError::Batch { number, why };
        if batch.claim.batch != number {
            return Err(bad(format!("the batch given is number {}", batch.claim.batch)));
        }
        if batch.claim.previous_root != self.root {
            return Err(bad("it does not begin with the state that the batch before ends with".to_string()));
        }
        batch.verify().map_err(|why: SealedBatchError| bad(why.to_string()))?;
        self.write(&batch.input).map_err(|why| match why {
            Failure::Decode(why) => bad(why.to_string()),
            Failure::Other(error) => error,
        })?;
        (self.batch, self.root) = (number, batch.claim.state_root);
        Ok(())
    }

    /// Writes a batch's commands as submissions: one for each run of commands that one record can hold.
    fn write(&mut self, input: &BatchInput) -> Result<(), Failure> {
        let mut r = Reader::new(&input.commands);
        let CommandsHeader { batch, first_sequence, previous_timestamp, count } =
            CommandsHeader::decode(&mut r)?;
        let mut owners = input.authorisation.owners.iter().copied();
        let mut open: BTreeMap<AccountId, [u8; 64]> = input.authorisation.streams.iter().copied().collect();
        let last = last_in_stream(r.clone(), first_sequence, previous_timestamp, count)?;
        let largest = self.config.journal.max_record_bytes as usize / 2;
        let (mut first, mut timestamp, mut start) = (first_sequence, previous_timestamp, r.left());
        let mut streams = Vec::new();
        for sequence in first_sequence..first_sequence + count {
            let before = (r.left(), timestamp);
            let command = Sequenced::decode(sequence, timestamp, &mut r)?;
            let owned = command.origin == Origin::Owner;
            let full = (sequence - first) as usize >= self.config.max_bundle || start - r.left() > largest;
            if sequence > first && (owned || full) {
                let commands = slice(&input.commands, start, before.0);
                let streams = std::mem::take(&mut streams);
                let owner = None;
                self.append(&BundleRecord {
                    first_sequence: first,
                    count: sequence - first,
                    timestamp: before.1,
                    commands,
                    streams,
                    owner,
                })?;
                (first, start) = (sequence, before.0);
            }
            timestamp = command.timestamp;
            if last.get(&command.account) == Some(&sequence)
                && let Some(signature) = open.remove(&command.account)
            {
                streams.push((command.account, signature));
            }
            if owned || sequence + 1 == first_sequence + count {
                let commands = slice(&input.commands, start, r.left());
                let owner = if owned { owners.next() } else { None };
                let streams = std::mem::take(&mut streams);
                self.append(&BundleRecord {
                    first_sequence: first,
                    count: sequence + 1 - first,
                    timestamp,
                    commands,
                    streams,
                    owner,
                })?;
                (first, start) = (sequence + 1, r.left());
            }
        }
        let mut seal = Vec::new();
        encode_seal(batch, &mut seal);
        self.journal.append(&seal).map_err(ExchangeError::from)?;
        self.journal.commit().map_err(ExchangeError::from)?;
        Ok(())
    }

    fn append(&mut self, bundle: &BundleRecord<'_>) -> Result<(), ExchangeError> {
        let mut record = Vec::new();
        bundle.encode(&mut record);
        self.journal.append(&record)?;
        Ok(())
    }
}

/// Of each account, its last command that its session asked for: its signature covers the stream up to there.
fn last_in_stream(
    mut r: Reader<'_>,
    first_sequence: u64,
    mut timestamp: types::Timestamp,
    count: u64,
) -> Result<BTreeMap<AccountId, u64>, DecodeError> {
    let mut last = BTreeMap::new();
    for sequence in first_sequence..first_sequence + count {
        let command = Sequenced::decode(sequence, timestamp, &mut r)?;
        timestamp = command.timestamp;
        if command.origin == Origin::Session {
            last.insert(command.account, sequence);
        }
    }
    r.finish()?;
    Ok(last)
}

/// The bytes between two places, given as what was left to read there.
fn slice(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    &bytes[bytes.len() - from..bytes.len() - to]
}

enum Failure {
    Decode(DecodeError),
    Other(ExchangeError),
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        Self::Other(error)
    }
}
