//! Who may speak for an account: stream signatures and owner signatures.
//!
//! A session's commands form a stream with a running digest, `d(i) = H(d(i-1) ‖ command(i))`. A signature over
//! `d(i)` covers every command up to it, so a batch needs one signature a stream. The first digest names exchange,
//! account and session number, so nothing signed for one stream fits another, and nothing can be replayed.
//!
//! A session key may change in a batch only before the stream's first command in it: then one key is the key of
//! the whole batch's part of the stream.

use alloc::vec::Vec;

use state::{Digest, TreeHash};
use types::{AccountId, Address, Command};

use crate::{Crypto, Stream};

/// The signatures that go with a batch's commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorisation {
    /// For every account with commands of its session: the signature over the stream's digest after the last of
    /// them. Ascending by account.
    pub streams: Vec<(AccountId, [u8; 64])>,
    /// For every command of an owner, in order.
    pub owners: Vec<[u8; 65]>,
}

/// What a session's stream begins with.
#[must_use]
pub fn stream_start<H: TreeHash>(
    chain_id: u64,
    exchange: Address,
    account: AccountId,
    session: u64,
) -> Stream {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(b"glassbook stream");
    bytes.extend_from_slice(&chain_id.to_be_bytes());
    bytes.extend_from_slice(&exchange.0);
    bytes.extend_from_slice(&account.0.to_be_bytes());
    bytes.extend_from_slice(&session.to_be_bytes());
    Stream { position: 0, digest: H::hash(&bytes) }
}

/// The digest after one more command, given in its canonical encoding.
#[must_use]
#[inline]
pub fn stream_digest<H: TreeHash>(digest: &Digest, command: &[u8]) -> Digest {
    let mut bytes = [0; 32 + Command::MAX_BYTES];
    bytes[..32].copy_from_slice(digest);
    bytes[32..32 + command.len()].copy_from_slice(command);
    H::hash(&bytes[..32 + command.len()])
}

/// What an owner signs for one command: EIP-712 typed data
/// `Authorization(uint32 account,uint64 nonce,bytes command)` in the domain `Glassbook`, version `1`.
#[must_use]
pub fn owner_digest<C: Crypto>(
    chain_id: u64,
    exchange: Address,
    account: AccountId,
    nonce: u64,
    command: &[u8],
) -> Digest {
    let mut domain = Vec::with_capacity(160);
    domain.extend_from_slice(&C::keccak256(
        b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
    ));
    domain.extend_from_slice(&C::keccak256(b"Glassbook"));
    domain.extend_from_slice(&C::keccak256(b"1"));
    domain.extend_from_slice(&word(&chain_id.to_be_bytes()));
    domain.extend_from_slice(&word(&exchange.0));
    let mut message = Vec::with_capacity(128);
    message.extend_from_slice(&C::keccak256(b"Authorization(uint32 account,uint64 nonce,bytes command)"));
    message.extend_from_slice(&word(&account.0.to_be_bytes()));
    message.extend_from_slice(&word(&nonce.to_be_bytes()));
    message.extend_from_slice(&C::keccak256(command));
    let mut bytes = Vec::with_capacity(66);
    bytes.extend_from_slice(b"\x19\x01");
    bytes.extend_from_slice(&C::keccak256(&domain));
    bytes.extend_from_slice(&C::keccak256(&message));
    C::keccak256(&bytes)
}

/// A value as an ABI word: right-aligned in 32 bytes.
pub(crate) fn word(value: &[u8]) -> [u8; 32] {
    let mut word = [0; 32];
    word[32 - value.len()..].copy_from_slice(value);
    word
}
