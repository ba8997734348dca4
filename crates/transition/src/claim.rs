//! What a proof says about a batch.

use alloc::vec::Vec;

use types::{Address, DecodeError, Timestamp};

use crate::authority::word;

/// What a proof says about a batch. Encoded as a static ABI tuple of thirteen words, so that Solidity reads it with
/// `abi.decode`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The L1 chain.
    pub chain_id: u64,
    /// The exchange's contract there.
    pub exchange: Address,
    /// The batch.
    pub batch: u64,
    /// Its first command.
    pub first_sequence: u64,
    /// Its last command.
    pub last_sequence: u64,
    /// The state before it.
    pub previous_root: [u8; 32],
    /// The state after it.
    pub state_root: [u8; 32],
    /// Binds the published commands.
    pub commands_root: [u8; 32],
    /// Binds what they did.
    pub events_root: [u8; 32],
    /// L1 queue entries consumed since the beginning.
    pub l1_position: u64,
    /// The rolling hash over them.
    pub l1_hash: [u8; 32],
    /// Keccak Merkle root of the batch's withdrawals; zero when there are none.
    pub withdrawals_root: [u8; 32],
    /// The time of the last command.
    pub timestamp: Timestamp,
}

impl Claim {
    /// The length of the encoding.
    pub const BYTES: usize = 13 * 32;

    /// `abi.encode` of the claim.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let number = |value: u64| word(&value.to_be_bytes());
        [
            number(self.chain_id),
            word(&self.exchange.0),
            number(self.batch),
            number(self.first_sequence),
            number(self.last_sequence),
            self.previous_root,
            self.state_root,
            self.commands_root,
            self.events_root,
            number(self.l1_position),
            self.l1_hash,
            self.withdrawals_root,
            number(self.timestamp.0),
        ]
        .concat()
    }

    /// Whether the batch begins where another ended: the next one of the same exchange, from the same state.
    #[must_use]
    pub fn follows(&self, before: &Self) -> bool {
        (self.chain_id, self.exchange) == (before.chain_id, before.exchange)
            && before.batch.checked_add(1) == Some(self.batch)
            && before.last_sequence.checked_add(1) == Some(self.first_sequence)
            && before.state_root == self.previous_root
    }

    /// Reads `abi.encode` of a claim.
    ///
    /// # Errors
    /// When the length is wrong or a number does not fit its type.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let what = "claim";
        if bytes.len() > Self::BYTES {
            return Err(DecodeError::TrailingBytes { left: bytes.len() - Self::BYTES });
        }
        let word = |at: usize| -> Result<[u8; 32], DecodeError> {
            bytes
                .get(at * 32..)
                .and_then(|rest| rest.first_chunk::<32>())
                .copied()
                .ok_or(DecodeError::UnexpectedEnd { what })
        };
        let number = |at: usize| -> Result<u64, DecodeError> {
            match word(at)?.split_last_chunk::<8>() {
                Some((zeros, number)) if zeros.iter().all(|byte| *byte == 0) => {
                    Ok(u64::from_be_bytes(*number))
                }
                _ => Err(DecodeError::BadInteger { what }),
            }
        };
        let exchange = match word(1)?.split_last_chunk::<20>() {
            Some((zeros, address)) if zeros.iter().all(|byte| *byte == 0) => Address(*address),
            _ => return Err(DecodeError::BadInteger { what }),
        };
        Ok(Self {
            chain_id: number(0)?,
            exchange,
            batch: number(2)?,
            first_sequence: number(3)?,
            last_sequence: number(4)?,
            previous_root: word(5)?,
            state_root: word(6)?,
            commands_root: word(7)?,
            events_root: word(8)?,
            l1_position: number(9)?,
            l1_hash: word(10)?,
            withdrawals_root: word(11)?,
            timestamp: Timestamp(number(12)?),
        })
    }
}
