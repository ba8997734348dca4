//! The trader's side of a stream: chains the digest and signs it.

use alloc::vec::Vec;

use ed25519_dalek::{Signer as _, SigningKey};
use state::Sha256Hash;
use types::{AccountId, Command, SessionKey};

use crate::{Stream, stream_digest};

/// Signs one session's stream. The key never leaves it.
pub struct StreamSigner {
    account: AccountId,
    key: SigningKey,
    stream: Stream,
    scratch: Vec<u8>,
}

impl StreamSigner {
    /// Goes on where the exchange saw the stream last.
    #[must_use]
    pub fn new(account: AccountId, key: SigningKey, stream: Stream) -> Self {
        Self { account, key, stream, scratch: Vec::new() }
    }

    /// Whose stream it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The key as the state has it.
    #[must_use]
    pub fn public_key(&self) -> SessionKey {
        SessionKey(self.key.verifying_key().to_bytes())
    }

    /// Where the stream is.
    #[must_use]
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// Goes back to where the stream was: what was pushed since then was refused.
    pub fn reset(&mut self, stream: Stream) {
        self.stream = stream;
    }

    /// Adds a command to the stream, and gives its encoding.
    pub fn push(&mut self, command: &Command) -> &[u8] {
        self.scratch.clear();
        command.encode(&mut self.scratch);
        self.stream.digest = stream_digest::<Sha256Hash>(&self.stream.digest, &self.scratch);
        self.stream.position += 1;
        &self.scratch
    }

    /// The signature over all commands so far.
    #[must_use]
    pub fn sign(&self) -> [u8; 64] {
        self.key.sign(&self.stream.digest).to_bytes()
    }
}
