//! Sequenced commands: the only input of the rules.

use alloc::vec::Vec;

use crate::{AccountId, Command, DecodeError, Reader, Timestamp, Writer};

/// Where a command comes from; what proves it is checked before the rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The account's session. A signature over the stream digest covers it and all before it.
    Session,
    /// The account's owner, by a secp256k1 signature over the command and the account's nonce (EIP-712).
    Owner,
    /// The L1 queue, at this position.
    L1(u64),
}

/// A command with its place in the one order of all commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequenced {
    /// Counts from one, without gaps.
    pub sequence: u64,
    /// Never decreases.
    pub timestamp: Timestamp,
    /// On whose behalf.
    pub account: AccountId,
    /// By what authority.
    pub origin: Origin,
    /// What is asked for.
    pub command: Command,
}

impl Sequenced {
    /// No encoding is longer.
    pub const MAX_BYTES: usize = Command::MAX_BYTES + 10 + 5 + 11;

    /// Appends the canonical encoding inside a run of commands: the sequence number follows from the place
    /// and the timestamp is the distance from `previous`, the timestamp of the command before.
    #[inline]
    pub fn encode(&self, previous: Timestamp, out: &mut Vec<u8>) {
        out.uint(self.timestamp.0.saturating_sub(previous.0));
        out.uint(self.account.0.into());
        match self.origin {
            Origin::Session => out.byte(0),
            Origin::Owner => out.byte(1),
            Origin::L1(position) => {
                out.byte(2);
                out.uint(position);
            }
        }
        self.command.encode(out);
    }

    /// Reads the command with number `sequence`, after one at time `previous`.
    ///
    /// # Errors
    /// When the bytes are not canonical or the time overflows.
    #[inline]
    pub fn decode(sequence: u64, previous: Timestamp, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let timestamp = previous
            .0
            .checked_add(r.uint("timestamp")?)
            .map(Timestamp)
            .ok_or(DecodeError::BadInteger { what: "timestamp" })?;
        let account = AccountId(r.u32("account")?);
        let origin = match r.byte("origin")? {
            0 => Origin::Session,
            1 => Origin::Owner,
            2 => Origin::L1(r.uint("L1 position")?),
            tag => return Err(DecodeError::UnknownTag { what: "origin", tag }),
        };
        Ok(Self { sequence, timestamp, account, origin, command: Command::decode(r)? })
    }
}
