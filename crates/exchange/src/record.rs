//! What a journal record says.
//!
//! | tag | record |
//! |---|---|
//! | 0 | genesis: chain id, exchange, capacity, operator, key, expiry |
//! | 1 | a submission: first sequence number, count, time of its commands, commands (as published, relative to the command before), signatures |
//! | 2 | the batch with this number ends here |

//!
//! A snapshot of the state is, in this order: the state root, the length of the genesis record in four bytes
//! (little-endian), that record, the tree.

use rules::Genesis;
use types::{AccountId, DecodeError, Reader, Sequenced, Timestamp, Writer};

/// A journal record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    Genesis(Genesis),
    Bundle(BundleRecord<'a>),
    Seal { batch: u64 },
}

/// A sequenced submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BundleRecord<'a> {
    pub first_sequence: u64,
    pub count: u64,
    pub timestamp: Timestamp,
    /// Canonical encodings; the first is relative to the time of the command before.
    pub commands: &'a [u8],
    pub streams: Vec<(AccountId, [u8; 64])>,
    pub owner: Option<[u8; 65]>,
}

pub(crate) fn encode_genesis(genesis: &Genesis) -> Vec<u8> {
    let mut out = vec![0];
    genesis.encode(&mut out);
    out
}

/// What a snapshot holds.
pub(crate) struct StateSnapshot<'a> {
    pub root: [u8; 32],
    pub genesis: Genesis,
    pub tree: &'a [u8],
}

pub(crate) fn encode_snapshot(genesis: &[u8], root: &[u8; 32], tree: &[u8]) -> Vec<u8> {
    let length = u32::try_from(genesis.len()).unwrap_or(u32::MAX);
    [root, length.to_le_bytes().as_slice(), genesis, tree].concat()
}

impl<'a> StateSnapshot<'a> {
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let root = r.array("state root")?;
        let length = u32::from_le_bytes(r.array("genesis length")?);
        let genesis = match Record::decode(r.raw(length as usize, "genesis")?)? {
            Record::Genesis(genesis) => genesis,
            _ => return Err(DecodeError::UnknownTag { what: "snapshot's genesis", tag: 1 }),
        };
        let tree = r.raw(r.left(), "tree")?;
        Ok(Self { root, genesis, tree })
    }
}

/// What two first states differ in.
pub(crate) fn difference(one: &Genesis, other: &Genesis) -> Option<&'static str> {
    let parts = [
        ("chain ids", one.chain_id == other.chain_id),
        ("contracts", one.exchange == other.exchange),
        ("capacities", one.capacity == other.capacity),
        ("operators", one.operator == other.operator),
        ("operators' first session keys", one.operator_key == other.operator_key),
        ("operators' first session expiries", one.operator_expires == other.operator_expires),
    ];
    parts.into_iter().find(|(_, same)| !same).map(|(what, _)| what)
}

pub(crate) fn encode_seal(batch: u64, out: &mut Vec<u8>) {
    out.byte(2);
    out.uint(batch);
}

impl BundleRecord<'_> {
    /// No record of this many commands is longer.
    pub fn max_bytes(commands: usize) -> usize {
        const HEAD_AND_OWNER: usize = 1 + 5 * 10 + 1 + 65;
        const SIGNATURE: usize = 5 + 64;
        commands.saturating_mul(Sequenced::MAX_BYTES + SIGNATURE).saturating_add(HEAD_AND_OWNER)
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.byte(1);
        out.uint(self.first_sequence);
        out.uint(self.count);
        out.uint(self.timestamp.0);
        out.uint(self.commands.len() as u64);
        out.raw(self.commands);
        out.uint(self.streams.len() as u64);
        for (account, signature) in &self.streams {
            out.uint(account.0.into());
            out.raw(signature);
        }
        out.byte(self.owner.is_some().into());
        if let Some(signature) = &self.owner {
            out.raw(signature);
        }
    }
}

impl<'a> Record<'a> {
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let record = match r.byte("record")? {
            0 => Self::Genesis(Genesis::decode(&mut r)?),
            1 => {
                let first_sequence = r.uint("first sequence")?;
                let count = r.uint("count")?;
                let timestamp = Timestamp(r.uint("timestamp")?);
                let length = r.count(bytes.len() as u64, "commands length")?;
                let commands = r.raw(length, "commands")?;
                let signatures = r.count(bytes.len() as u64 / 65, "signatures")?;
                let mut streams = Vec::with_capacity(signatures);
                for _ in 0..signatures {
                    streams.push((AccountId(r.u32("account")?), r.array("stream signature")?));
                }
                let owner = if r.bool("owner")? { Some(r.array("owner signature")?) } else { None };
                Self::Bundle(BundleRecord { first_sequence, count, timestamp, commands, streams, owner })
            }
            2 => Self::Seal { batch: r.uint("batch")? },
            tag => return Err(DecodeError::UnknownTag { what: "record", tag }),
        };
        r.finish()?;
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_the_round_trip_and_have_no_other_length() {
        let bundle = BundleRecord {
            first_sequence: 7,
            count: 2,
            timestamp: Timestamp(99),
            commands: &[1, 2, 3],
            streams: vec![(AccountId(3), [9; 64])],
            owner: Some([8; 65]),
        };
        let mut bytes = Vec::new();
        bundle.encode(&mut bytes);
        assert_eq!(Record::decode(&bytes), Ok(Record::Bundle(bundle)));
        for length in 0..bytes.len() {
            assert!(Record::decode(&bytes[..length]).is_err(), "{length}");
        }
        bytes.push(0);
        assert_eq!(Record::decode(&bytes), Err(DecodeError::TrailingBytes { left: 1 }));
    }
}
